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
    (masked ? causal(data.scores) : data.scores).map((row) => softmax(row)),

  // How much of a query's attention goes to keys that come after it.
  leaked: (row, query) => row.slice(query + 1).reduce((sum, share) => sum + share, 0),

  draw(data, state) {
    const { left, size, bottom } = squareSize(data.tokens.length);
    const weights = this.weights(data, state.masked);
    const cell = (query, key, place) => {
      const future = state.masked ? " blocked" : " other-shade";
      const kind = key > query ? future : "";
      return shaded(weights[query][key], { ...place, class: `shaded${kind}` });
    };
    const reads = weights[state.query].map((share, key) => {
      const words = { "text-anchor": "middle", "font-size": 9 };
      const text = Math.round(100 * share);
      return share < 0.005
        ? ""
        : label(left + (key + 0.5) * size, bottom + 14, text, words);
    });
    return picture(
      bottom + 22,
      this.describe(data, state),
      querySquare(data.tokens, state.query, cell),
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
