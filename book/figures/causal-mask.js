// Which keys may a query read?  And what would it read if nobody hid the future?
"use strict";

figures["causal-mask"] = {
  start: (data) => ({ query: Math.floor(data.tokens.length / 2), masked: true }),

  act: (data, state, name, value) => ({
    ...state,
    [name]: name === "query" ? Number(value) : value,
  }),

  controls: (data, state) => [
    {
      kind: "range",
      name: "query",
      label: "Query",
      min: 0,
      max: data.tokens.length - 1,
      value: state.query,
      text: visible(data.tokens[state.query]),
    },
    { kind: "switch", name: "masked", label: "Causal mask", value: state.masked },
  ],

  // The attention weights: row i is what query i reads.
  weights: (data, masked) =>
    data.scores.map((row, query) =>
      softmax(row.map((score, key) => (masked && key > query ? -Infinity : score))),
    ),

  // How much of a query's attention goes to keys that come after it.
  leaked: (row, query) => row.slice(query + 1).reduce((sum, share) => sum + share, 0),

  draw(data, state) {
    const count = data.tokens.length;
    const [left, top] = [62, 62];
    const size = (336 - left) / count;
    const weights = this.weights(data, state.masked);
    const keys = data.tokens.map((token, key) => {
      const [x, y] = [left + (key + 0.6) * size, top - 6];
      const turn = `rotate(-45 ${x} ${y})`;
      return label(x, y, visible(token), { transform: turn });
    });
    const rows = data.tokens.map((token, query) => {
      const y = top + query * size;
      const chosen = query === state.query;
      const cells = weights[query].map((share, key) => {
        const place = { x: left + key * size, y, width: size, height: size };
        const future = key > query;
        const kind = !future ? "" : state.masked ? " blocked" : " other-shade";
        return shaded(share, { ...place, class: `shaded${kind}` });
      });
      const words = label(left - 6, y + size * 0.68, visible(token), {
        "text-anchor": "end",
        class: chosen ? "strong" : undefined,
      });
      const reach = { x: 0, y, width: left + size * count, height: size, fill: "none" };
      const touch = { "pointer-events": "all", "data-hover": "query" };
      return [
        words,
        cells,
        tag("rect", { ...reach, ...touch, "data-value": query }),
      ];
    });
    const bottom = top + size * count;
    const frame = { x: left, width: size * count, height: size, class: "frame" };
    const reads = weights[state.query]
      .map((share, key) => {
        if (share < 0.005) return "";
        const [x, y] = [left + (key + 0.5) * size, bottom + 14];
        const text = Math.round(100 * share);
        return label(x, y, text, { "text-anchor": "middle", "font-size": 9 });
      })
      .join("");
    return picture(
      bottom + 22,
      this.describe(data, state),
      label(0, top - 10, "query", { class: "faint" }),
      label(left, 12, "key", { class: "faint" }),
      keys,
      rows,
      tag("rect", { ...frame, y: top + state.query * size, "pointer-events": "none" }),
      label(0, bottom + 14, "reads, %", { class: "faint" }),
      reads,
    );
  },

  describe(data, state) {
    const row = this.weights(data, state.masked)[state.query];
    const token = visible(data.tokens[state.query]);
    const best = row.indexOf(Math.max(...row));
    const most = `${visible(data.tokens[best])} with ${percent(row[best])}`;
    const count = data.tokens.length;
    if (state.masked) {
      const keys = state.query === 0 ? "only itself" : `keys 0 to ${state.query}`;
      return (
        `Query ${state.query}, "${token}", may read ${keys} of ${count}. ` +
        `It reads most of ${most}. Nothing comes from the future.`
      );
    }
    return (
      `Without the mask query ${state.query}, "${token}", reads all ${count} keys, ` +
      `most of ${most}. ${percent(this.leaked(row, state.query))} of its attention ` +
      `goes to tokens that it should have to guess.`
    );
  },
};
