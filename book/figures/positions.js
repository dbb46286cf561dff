// What has the model learned about positions?  Which rows of the table are alike?
"use strict";

figures.positions = {
  left: 22,
  step: 1.24, // pixels from one position to the next
  zero: 84, // where the similarity is 0
  unit: 66, // pixels for 1

  start: () => ({ position: 64 }),

  act: (data, state, name, value) => ({ ...state, [name]: Number(value) }),

  controls: (data, state) => [
    {
      kind: "range",
      name: "position",
      label: "Position",
      min: 0,
      max: data.similar.length - 1,
      value: state.position,
    },
  ],

  // The cosine similarity of two rows.  The data hold it for a >= b, in two digits to
  // base 36 that run from -1 to 1.
  similarity(data, a, b) {
    const [row, column] = [Math.max(a, b), Math.min(a, b)];
    const written = data.similar[row].slice(2 * column, 2 * column + 2);
    return (2 * parseInt(written, 36)) / (36 * 36 - 1) - 1;
  },

  similarities(data, position) {
    return data.similar.map((_, other) => this.similarity(data, position, other));
  },

  // The other position whose row is most alike.
  nearest(data, position) {
    const alike = this.similarities(data, position);
    alike[position] = -Infinity;
    return alike.indexOf(Math.max(...alike));
  },

  // The mean similarity with the positions from so many to so many steps away.
  around(data, position, least, most) {
    const alike = this.similarities(data, position).filter((_, other) => {
      const distance = Math.abs(other - position);
      return distance >= least && distance <= most;
    });
    return alike.length ? total(alike) / alike.length : null;
  },

  x(position) {
    return this.left + this.step * position;
  },

  curve(data, state) {
    const faint = { class: "faint halo", "font-size": 9 };
    const count = data.similar.length;
    const ends = { x1: this.x(0), x2: this.x(count - 1) };
    const lines = [1, 0.5, 0, -0.5].map((height) => {
      const y = this.zero - height * this.unit;
      const look = height ? { "stroke-dasharray": "1 3" } : {};
      return [
        tag("line", { ...ends, y1: y, y2: y, class: "faint-line", ...look }),
        label(this.left - 4, y + 3, fixed(height, 1), {
          ...faint,
          "text-anchor": "end",
        }),
      ];
    });
    const numbers = [0, 50, 100, 150, 200, 250].map((position) =>
      label(this.x(position), 156, position, { ...faint, "text-anchor": "middle" }),
    );
    const line = (heights, look) => {
      const place = (height, other) =>
        `${rounded(this.x(other))},${rounded(this.zero - height * this.unit)}`;
      return tag("polyline", { points: heights.map(place).join(" "), ...look });
    };
    const alike = this.similarities(data, state.position);
    const average = alike.map(
      (_, other) => data.average[Math.abs(other - state.position)],
    );
    const x = this.x(state.position);
    return [
      lines,
      numbers,
      tag("line", { x1: x, x2: x, y1: 14, y2: 144, class: "faint-line" }),
      line(alike, { class: "figure-line" }),
      line(average, { class: "other-line", "stroke-dasharray": "4 3" }),
    ];
  },

  // A few numbers of the token's row, of the position's, and their sum.
  sum(data, state, top) {
    const position = data.wpe[state.position];
    const rows = [
      [`wte, row ${data.id}`, data.wte],
      [`+ wpe, row ${state.position}`, position],
      ["= the input", added(data.wte, position)],
    ];
    const width = 33;
    const left = 340 - width * position.length;
    return rows.map(([name, numbers], row) => {
      const y = top + 20 * row;
      const look = { class: row === 2 ? "strong" : undefined };
      return [
        label(0, y + 12.5, name, { "font-size": 9, ...look }),
        numberCells(numbers, left, y, width),
      ];
    });
  },

  // What the pointer meets: every eighth position is near enough for a finger.
  columns(data) {
    const every = 8;
    const count = data.similar.length / every;
    return Array.from({ length: count }, (_, i) =>
      tag("rect", {
        x: this.x((i - 0.5) * every),
        y: 12,
        width: this.step * every,
        height: 134,
        fill: "none",
        "pointer-events": "all",
        "data-hover": "position",
        "data-value": i * every,
      }),
    );
  },

  draw(data, state) {
    const title = `row ${state.position} of wpe and every row: cosine similarity`;
    const legend = "dashed: the mean of all pairs of rows that are as far apart";
    const few = `"${visible(data.token)}" at position ${state.position}: the first `;
    return picture(
      262,
      this.describe(data, state),
      label(0, 10, title, { class: "strong" }),
      this.curve(data, state),
      label(this.left, 168, legend, { class: "faint", "font-size": 9 }),
      label(0, 190, `${few}${data.wte.length} of ${data.width} numbers`, {
        class: "strong",
      }),
      this.sum(data, state, 198),
      this.columns(data),
    );
  },

  describe(data, state) {
    const position = state.position;
    const nearest = this.nearest(data, position);
    const alike = this.similarity(data, position, nearest);
    const near = this.around(data, position, 1, 4);
    const far = this.around(data, position, 64, Infinity);
    return (
      `Row ${position} is most like row ${nearest} (${fixed(alike)}). With ` +
      `the rows up to 4 positions away its similarity is ${fixed(near)} on ` +
      `average, with those 64 and more away ${fixed(far)}. The sum below is ` +
      `what the first block gets for this token at this position.`
    );
  },
};
