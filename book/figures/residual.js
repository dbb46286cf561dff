// What is left of a token's own vector after many sublayers: with the residual, which
// adds to it, and without, where each result takes its place.
"use strict";

figures["residual"] = {
  start: () => ({ source: 0, residual: true, layer: 6 }),

  act(data, state, name, value) {
    if (name === "residual") return { ...state, residual: value };
    const next = { ...state, [name]: Number(value) };
    return { ...next, layer: Math.min(next.layer, this.last(data, next)) };
  },

  controls(data, state) {
    const { source, residual, layer } = state;
    const sources = data.sources.map(({ name }, i) => [i, name]);
    const range = { kind: "range", name: "layer", min: 0, max: this.last(data, state) };
    return [
      { kind: "switch", name: "residual", label: "Residual", value: residual },
      { ...range, label: "After sublayer", value: layer },
      {
        kind: "choice",
        name: "source",
        label: "Sublayers",
        options: sources,
        value: source,
      },
    ];
  },

  // The number of sublayers.
  last: (data, { source }) => data.sources[source].with.cosine.length - 1,

  chosen(data, { source, residual }) {
    return data.sources[source][residual ? "with" : "without"];
  },

  draw(data, state) {
    const { numbers } = this.chosen(data, state);
    const whose = `${visible(data.token)}'s own vector`;
    const count = `${numbers[0].length} of its numbers`;
    const now = state.layer === 0 ? "at first" : `after sublayer ${state.layer}`;
    return picture(
      330,
      this.describe(data, state),
      label(0, 10, `${whose}, ${count}`, { class: "faint" }),
      this.strip(numbers[0], 34, "figure"),
      label(0, 72, `what stands in the stream ${now}`, { class: "faint" }),
      this.strip(numbers[state.layer], 96, state.residual ? "figure" : "other"),
      this.chart(data, state),
    );
  },

  strip(numbers, middle, kind) {
    const place = { left: 0, right: 340, middle, gap: 2, class: kind };
    return signedBars(numbers, (number) => Math.min(7 * number, 20), place);
  },

  // --- The cosine after each sublayer -----------------------------------------------

  chart(data, state) {
    const [left, right, top, bottom] = [30, 330, 150, 296];
    const last = this.last(data, state);
    const x = (layer) => left + ((right - left) * layer) / last;
    const y = (cosine) => bottom - ((bottom - top) * (cosine + 0.2)) / 1.2;
    const source = data.sources[state.source];
    const words = { "text-anchor": "end", class: "faint", "font-size": 9 };
    const marks = [0, 0.5, 1].map((cosine) => [
      label(left - 6, y(cosine) + 3, cosine, words),
      tag("line", {
        x1: left,
        x2: right,
        y1: y(cosine),
        y2: y(cosine),
        class: "line",
        opacity: 0.2,
      }),
    ]);
    const layers = source.with.cosine.map((_, layer) => {
      const half = (right - left) / last / 2;
      const reach = { x: x(layer) - half, y: top, width: 2 * half, height: 165 };
      const touch = { fill: "none", "pointer-events": "all", "data-hover": "layer" };
      return [
        label(x(layer), bottom + 12, layer, { ...words, "text-anchor": "middle" }),
        tag("rect", { ...reach, ...touch, "data-value": layer }),
      ];
    });
    const line = ({ cosine }, kind, dashes) => {
      const points = cosine.map((value, layer) => `${x(layer)},${y(value)}`).join(" ");
      return tag("polyline", { points, class: kind, "stroke-dasharray": dashes });
    };
    const value = this.chosen(data, state).cosine[state.layer];
    const kind = state.residual ? "figure" : "other";
    const place = { cx: x(state.layer), cy: y(value) };
    return [
      label(0, top - 12, "cosine with the token's own vector", { class: "faint" }),
      marks,
      line(source.with, "figure-line"),
      line(source.without, "other-line", "4 3"),
      tag("circle", { ...place, r: 4.5, class: kind }),
      layers,
      label(left, bottom + 28, "sublayers passed", { class: "faint" }),
      this.legend(bottom + 28),
    ];
  },

  legend(y) {
    const words = { class: "faint", "font-size": 9 };
    const dashed = { class: "other-line", "stroke-dasharray": "4 3" };
    return [
      tag("path", { d: `M150 ${y - 3} h20`, class: "figure-line" }),
      label(174, y, "with residual", words),
      tag("path", { d: `M250 ${y - 3} h20`, ...dashed }),
      label(274, y, "without", words),
    ];
  },

  describe(data, state) {
    const { source, residual, layer } = state;
    const { name } = data.sources[source];
    const cosine = this.chosen(data, state).cosine[layer];
    const way = residual ? "With the residual" : "Without the residual";
    const all = name[0].toUpperCase() + name.slice(1);
    if (layer === 0) {
      return `${all}. Before the first, the stream is the token's own vector.`;
    }
    const passed = layer === 1 ? "1 sublayer" : `${layer} sublayers`;
    const why = residual
      ? "The vector is still a part of the sum, beside all that was added."
      : "Each result has taken the place of what was there before.";
    return (
      `${all}. ${way}, the stream after ${passed} has the cosine ` +
      `${signed(cosine)} with the token's own vector. ${why}`
    );
  },
};
