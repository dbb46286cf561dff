// Two forms of GELU and the ReLU: where do they differ, and by how much?
"use strict";

figures.gelu = {
  unit: 40, // pixels for 1
  enlarged: 2000, // the difference of the two forms
  step: 0.05,
  center: 170, // where x is 0
  zero: 170, // where y is 0, for the curves and for their difference
  differenceZero: 254,
  floor: 334, // on which the numbers met stand

  start: () => ({ x: -1 }),

  act: (data, state, name, value) => ({ ...state, [name]: Number(value) }),

  controls(data, state) {
    const [min, max] = [-data.reach, data.reach];
    const text = fixed(state.x, 2);
    const x = { kind: "range", name: "x", label: "x", min, max, step: this.step };
    return [{ ...x, value: state.x, text }];
  },

  // x times the share of a normal distribution that lies below x.
  erfForm: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),

  relu: (x) => Math.max(x, 0),

  difference(x) {
    return gelu(x) - this.erfForm(x);
  },

  // A function of x as a line from edge to edge, with y = 0 at a height.
  curve(data, f, zero, scale, attributes) {
    const count = (2 * data.reach) / this.step;
    const points = Array.from({ length: count + 1 }, (_, i) => {
      const x = -data.reach + i * this.step;
      const [left, top] = [this.center + x * this.unit, zero - f(x) * scale];
      return `${rounded(left)},${rounded(top)}`;
    });
    return tag("polyline", { points: points.join(" "), ...attributes });
  },

  // The lines that are read: name, look, function.
  lines() {
    return [
      ["tanh form (GPT-2)", { class: "figure-line" }, gelu],
      [
        "erf form",
        { class: "other-line", "stroke-dasharray": "4 4" },
        (x) => this.erfForm(x),
      ],
      ["ReLU", { class: "line", "stroke-dasharray": "1 2" }, this.relu],
    ];
  },

  // The three values at x, which are the legend as well.
  legend(state) {
    const end = { "text-anchor": "end" };
    const rows = this.lines().map(([name, look, f], row) => {
      const y = 40 + 16 * row;
      return [
        tag("line", { x1: 10, x2: 30, y1: y - 3.5, y2: y - 3.5, ...look }),
        label(36, y, name),
        label(162, y, fixed(f(state.x), 4), end),
      ];
    });
    return [
      label(36, 22, "x", { class: "strong" }),
      label(162, 22, fixed(state.x, 2), { class: "strong", ...end }),
      rows,
    ];
  },

  // The upper picture with its axes.
  curves(data, state) {
    const { unit, center, zero } = this;
    const faint = { class: "faint halo", "font-size": 9, "text-anchor": "middle" };
    const numbers = [-4, -3, -2, -1, 1, 2, 3, 4].map((x) =>
      label(center + x * unit, zero + 20, fixed(x, 0), faint),
    );
    const heights = [1, 2, 3, 4].map((y) =>
      label(center + 6, zero - y * unit + 3, y, { ...faint, "text-anchor": "start" }),
    );
    const [tanh, exact, relu] = this.lines(); // the dashes over the line that they hide
    const axis = { class: "faint-line" };
    const dots = [tanh, exact, relu].map(([, , f]) =>
      tag("circle", {
        cx: center + state.x * unit,
        cy: zero - f(state.x) * unit,
        r: 3,
        class: "line",
      }),
    );
    return [
      tag("line", { x1: 10, x2: 330, y1: zero, y2: zero, ...axis }),
      tag("line", { x1: center, x2: center, y1: 8, y2: zero + 8, ...axis }),
      numbers,
      heights,
      [relu, tanh, exact].map(([, look, f]) => this.curve(data, f, zero, unit, look)),
      dots,
    ];
  },

  // The lower picture: the same x, and the height many times as tall.
  enlargement(data, state) {
    const { center, unit, differenceZero } = this;
    const scale = unit * this.enlarged;
    const difference = (x) => this.difference(x);
    const title = `tanh form − erf form, drawn ${grouped(this.enlarged)} times as tall`;
    const at = { cx: center + state.x * unit, r: 3, class: "line" };
    const y = differenceZero - this.difference(state.x) * scale;
    return [
      label(10, 207, title, { class: "faint halo" }),
      label(330, 207, fixed(this.difference(state.x), 6), {
        class: "strong",
        "text-anchor": "end",
      }),
      tag("line", {
        x1: 10,
        x2: 330,
        y1: differenceZero,
        y2: differenceZero,
        class: "faint-line",
      }),
      this.curve(data, difference, differenceZero, scale, { class: "figure-line" }),
      tag("circle", { ...at, cy: y }),
    ];
  },

  // Which numbers a trained model gives to its GELU.
  met(data) {
    const most = Math.max(...data.met);
    const width = data.bin * this.unit;
    const title = "the numbers that reach GELU in block 0 of models/shakespeare";
    return [
      label(10, 300, title, { class: "faint halo" }),
      data.met.map((share, bin) => {
        const height = (28 * share) / most;
        const place = { x: 10 + bin * width, y: this.floor - height, width, height };
        return shaded(0.4, place);
      }),
    ];
  },

  draw(data, state) {
    const x = this.center + state.x * this.unit;
    const width = 0.1 * this.unit;
    const columns = Array.from({ length: 20 * data.reach + 1 }, (_, i) =>
      tag("rect", {
        x: 10 + (i - 0.5) * width,
        y: 0,
        width,
        height: this.floor,
        fill: "none",
        "pointer-events": "all",
        "data-hover": "x",
        "data-value": rounded(-data.reach + 0.1 * i),
      }),
    );
    return picture(
      this.floor + 4,
      this.describe(data, state),
      tag("line", { x1: x, x2: x, y1: 96, y2: this.floor, class: "faint-line" }),
      this.curves(data, state),
      this.legend(state),
      this.enlargement(data, state),
      this.met(data),
      columns,
    );
  },

  describe(data, state) {
    const [tanh, exact, relu] = this.lines().map(([, , f]) =>
      fixed(f(state.x), 4),
    );
    const apart = Math.abs(this.difference(state.x)).toFixed(6);
    return (
      `At x = ${fixed(state.x, 2)} the tanh form of GELU, which is GPT-2's, ` +
      `gives ${tanh}, the erf form ${exact} and ReLU ${relu}. The two forms are ` +
      `${apart} apart. In block 0 of models/shakespeare ` +
      `${percent(data.below_0)} of the numbers that reach GELU are below 0.`
    );
  },
};
