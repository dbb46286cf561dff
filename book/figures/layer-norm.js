// What does a layer norm do to a vector, one stage after the other?
"use strict";

figures["layer-norm"] = {
  // Pixels for 1, for one bar, and the largest number that can be chosen.  Then the
  // four panels: left edge, height of the title, height of 0.
  unit: 18,
  column: 25,
  largest: 2.6,
  panels: [
    [0, 10, 102],
    [190, 10, 102],
    [0, 238, 296],
    [190, 238, 296],
  ],

  start: (data) => ({ x: data.x, chosen: 0, epsilon: true }),

  act(data, state, name, value) {
    const set = (place, number) => {
      const held = Math.min(Math.max(number, -this.largest), this.largest);
      const x = state.x.map((old, i) => (i === place ? held : old));
      return { ...state, chosen: place, x };
    };
    if (name === "value") return set(state.chosen, value);
    if (name === "bar") {
      const number = (this.panels[0][2] - value.y) / this.unit;
      return set(Number(value.at), Math.round(number * 20) / 20);
    }
    if (name === "halve") return { ...state, x: state.x.map((number) => number / 2) };
    if (name === "equal") return { ...state, x: state.x.map(() => 1) };
    if (name === "restart") return this.start(data);
    return { ...state, [name]: value };
  },

  controls(data, state) {
    const options = state.x.map((_, place) => [place, `number ${place}`]);
    const number = state.x[state.chosen];
    return [
      { kind: "choice", name: "chosen", label: "Bar", options, value: state.chosen },
      {
        kind: "range",
        name: "value",
        label: "Value",
        min: -this.largest,
        max: this.largest,
        step: 0.05,
        value: number,
        text: this.written(number),
      },
      { kind: "button", name: "equal", label: "All equal" },
      { kind: "button", name: "halve", label: "Halve all" },
      { kind: "button", name: "restart", label: "Start again" },
      { kind: "switch", name: "epsilon", label: "Epsilon", value: state.epsilon },
    ];
  },

  // The vector after each stage, and the two numbers that they need.
  stages(data, { x, epsilon }) {
    const mean = total(x) / x.length;
    const centered = x.map((number) => number - mean);
    const variance = total(centered.map((number) => number ** 2)) / x.length;
    const spread = Math.sqrt(variance + (epsilon ? data.epsilon : 0));
    const normalized = centered.map((number) => number / spread);
    const y = normalized.map((number, i) => number * data.weight[i] + data.bias[i]);
    return { mean, centered, variance, spread, normalized, y };
  },

  // Two digits after the point, and more for what is smaller.
  written(number) {
    const size = Math.abs(number);
    if (Number.isNaN(number) || size === 0) return String(size);
    const small = size < 0.001 ? number.toExponential(1) : number.toPrecision(3);
    return (size < 0.01 ? small : number.toFixed(2)).replaceAll("-", "−");
  },

  // One stage: a bar for each number, on a line that stands for 0.  Behind them, the
  // mean and one standard deviation to both sides.
  panel(place, title, numbers, state, mean, deviation) {
    const [left, top, zero] = this.panels[place];
    const width = this.column * numbers.length;
    const bars = numbers.map((number, i) => {
      const x = left + i * this.column;
      const words = { class: "halo", "text-anchor": "middle", "font-size": 8.5 };
      const bar = {
        x: x + 3,
        y: zero - Math.max(number, 0) * this.unit,
        width: this.column - 6,
        height: Math.abs(number) * this.unit,
        class: i === state.chosen ? "shaded other-shade" : "shaded",
      };
      const beyond = number < 0 ? bar.y + bar.height + 9 : bar.y - 3;
      const known = !Number.isNaN(number);
      return {
        bar: known ? shaded(0.55, bar) : "",
        text: label(x + this.column / 2, known ? beyond : zero - 3, fixed(number), words),
      };
    });
    const band = {
      x: left,
      y: zero - (mean + deviation) * this.unit,
      width,
      height: 2 * deviation * this.unit,
      class: "shaded blocked",
    };
    const line = (height) => {
      const y = zero - height * this.unit;
      return { x1: left, x2: left + width, y1: y, y2: y };
    };
    const dashed = { class: "line", "stroke-dasharray": "3 2" };
    return [
      label(left, top, title, { class: "strong" }),
      deviation ? shaded(0, band) : "",
      bars.map(({ bar }) => bar),
      mean ? tag("line", { ...line(mean), ...dashed }) : "",
      tag("line", { ...line(0), class: "line" }),
      bars.map(({ text }) => text),
    ];
  },

  draw(data, state) {
    const stages = this.stages(data, state);
    const { mean, centered, variance, spread, normalized, y } = stages;
    const deviation = Math.sqrt(variance);
    const [left, , zero] = this.panels[0];
    const reach = (this.largest + 0.5) * this.unit;
    const handles = state.x.map((_, i) => {
      const place = { x: left + i * this.column, y: zero - reach, width: this.column };
      const drag = { "data-drag": "bar", "data-value": i, "pointer-events": "all" };
      return tag("rect", { ...place, height: 2 * reach, fill: "none", ...drag });
    });
    const root = state.epsilon ? "√(variance + ε)" : "√variance";
    const facts = [
      `mean ${this.written(mean)}`,
      `variance ${this.written(variance)}`,
      `${root} = ${this.written(spread)}`,
    ];
    const brought = spread > 0 ? deviation / spread : 0;
    const legend = "dashed: the mean; gray: one standard deviation to both sides";
    return picture(
      348,
      this.describe(data, state),
      this.panel(0, "1: x", state.x, state, mean, deviation),
      this.panel(1, "2: x − mean", centered, state, 0, deviation),
      label(0, 203, legend, { class: "faint", "font-size": 9 }),
      facts.map((fact, i) => label([0, 90, 190][i], 219, fact)),
      this.panel(2, `3: ÷ ${root}`, normalized, state, 0, brought),
      this.panel(3, "4: × weight + bias", y, state, 0, 0),
      handles,
    );
  },

  describe(data, state) {
    const { mean, variance, normalized, y } = this.stages(data, state);
    if (variance === 0) {
      return state.epsilon
        ? "All numbers are equal, so the variance is 0. Epsilon, " +
            `${data.epsilon}, keeps the division possible: 0 divided by ` +
            `${this.written(Math.sqrt(data.epsilon))} is 0, and only the bias is left.`
        : "All numbers are equal, so the variance is 0, and without epsilon each " +
            "number becomes 0 divided by 0: NaN, not a number.";
    }
    const left = this.variance(normalized);
    const why = left < 0.995 ? " (epsilon holds such small numbers back)" : "";
    const far = Math.max(...normalized.map(Math.abs));
    const chosen = state.chosen;
    const [before, after] = [state.x[chosen], y[chosen]].map(this.written);
    const [weight, bias] = [data.weight[chosen], data.bias[chosen]].map(this.written);
    return (
      `Mean ${this.written(mean)}, variance ${this.written(variance)}. Normalized, ` +
      `the numbers have mean 0 and variance ${left.toFixed(2)}${why}, and none is ` +
      `further out than ${this.written(far)}. Number ${chosen} goes in as ${before} ` +
      `and comes out as ${after}, after its own weight ${weight} and bias ${bias}.`
    );
  },

  // The variance of a result, whose mean is 0: 1, but for what epsilon takes.
  variance: (numbers) =>
    total(numbers.map((number) => number ** 2)) / numbers.length,
};
