// Which letter comes next, how is it chosen, and what follows then?  The model of names
// runs in the page.
"use strict";

figures["next-token"] = {
  start: (data) => ({
    ...figures["next-token"].begun(data, "ma"),
    temperature: 1,
    top_k: 8,
    top_p: 1,
    min_p: 0,
  }),

  // A name of which only the beginning is there.
  begun(data, prefix) {
    const letters = [...prefix].map((letter) => data.tokens.indexOf(letter));
    return { prefix, ids: [data.boundary, ...letters], last: null };
  },

  // `value` is what decides a draw: a number in [0, 1).
  act(data, state, name, value) {
    if (name === "prefix") return { ...state, ...this.begun(data, value) };
    if (name === "restart") return { ...state, ...this.begun(data, state.prefix) };
    if (name !== "draw") return { ...state, [name]: value };
    if (this.finished(data, state)) return state;
    const { shares } = this.choice(data, state);
    const number = value ?? Math.random();
    const id = sampleToken(shares, number);
    const last = { id, number, share: shares[id] };
    return { ...state, ids: [...state.ids, id], last };
  },

  // At the second BOS, or when the model can read no more.
  finished: (data, { ids }) =>
    (ids.length > 1 && ids.at(-1) === data.boundary) ||
    ids.length === data.config.n_positions,

  // Its weights are lists: linear layers [out, in].
  logits(data, ids) {
    const lists = Object.entries(data.weights);
    const weights = Object.fromEntries(lists.map(([name, w]) => [name, Matrix.from(w)]));
    const model = new GPT2({ config: data.config, weights });
    return Array.from(model.logits(ids).row(ids.length - 1));
  },

  // What there is to choose from: probabilities by the model and after all settings,
  // and for each token the setting that cut it.  A finished name shows its last choice.
  choice(data, state) {
    const ids = this.finished(data, state) ? state.ids.slice(0, -1) : state.ids;
    const logits = this.logits(data, ids);
    const stages = decodingStages(logits, state);
    const cut = (id) => stages.find(([, left]) => left[id] === -Infinity);
    const cutBy = logits.map((_, id) => cut(id)?.[0]);
    const shares = softmax(stages.at(-1)[1]);
    return { logits, model: softmax(logits), shares, cutBy, best: greedyToken(logits) };
  },

  controls(data, state) {
    const ended = this.finished(data, state);
    const range = (name, label, min, max, step, text) => {
      return { kind: "range", name, label, min, max, step, value: state[name], text };
    };
    const { temperature, top_k, top_p, min_p } = state;
    const warmth = temperature === 0 ? "0 (greedy)" : temperature.toFixed(1);
    const prefixes = data.prefixes.map((prefix) => [prefix, prefix || "nothing"]);
    return [
      { kind: "button", name: "draw", label: "Draw a token", disabled: ended },
      { kind: "button", name: "restart", label: "Start again" },
      {
        kind: "choice",
        name: "prefix",
        label: "Begin with",
        options: prefixes,
        value: state.prefix,
      },
      range("temperature", "Temperature", 0, 2, 0.1, warmth),
      range("top_k", "Top-k", 0, data.tokens.length, 1, top_k || "0 (off)"),
      range("top_p", "Top-p", 0.05, 1, 0.05, top_p < 1 ? top_p.toFixed(2) : "1 (off)"),
      range("min_p", "Min-p", 0, 1, 0.05, min_p > 0 ? min_p.toFixed(2) : "0 (off)"),
    ];
  },

  name: (data, id) => (id === data.boundary ? "BOS" : data.tokens[id]),

  draw(data, state) {
    const choice = this.choice(data, state);
    const falling = choice.logits.map((_, id) => id);
    falling.sort((a, b) => choice.logits[b] - choice.logits[a]);
    const [left, width, top, height] = [62, 200, 56, 11.5];
    const bottom = top + falling.length * height;
    const shares = [...choice.shares, ...choice.model];
    const { scaled, axis } = candidateAxis(shares, { left, width, top, bottom });
    const row = (id, i) => {
      const place = { y: top + i * height, left, scaled };
      return candidateRow(this.candidate(data, choice, id), place);
    };
    return picture(
      bottom + 18,
      this.describe(data, state),
      this.text(data, state),
      axis,
      falling.map(row),
      candidateLegend(left, bottom + 15),
    );
  },

  candidate: (data, { logits, model, shares, cutBy, best }, id) => ({
    name: figures["next-token"].name(data, id),
    logit: logits[id],
    model: model[id],
    share: shares[id],
    cutBy: cutBy[id],
    note: id === best && "greedy",
    strong: id === best,
  }),

  // The text so far: what was given, what was drawn, and what is to come.
  text(data, state) {
    const given = state.prefix.length + 1;
    const cells = state.ids.map((id) => this.name(data, id));
    if (!this.finished(data, state)) cells.push("?");
    let x = 1;
    return cells.map((cell, position) => {
      const width = cell.length > 1 ? 28 : 18;
      const drawn = position >= given && cell !== "?";
      const place = { x, y: 14, width, height: 18 };
      const words = { "text-anchor": "middle", class: drawn ? "strong" : undefined };
      const number = { "text-anchor": "middle", class: "faint", "font-size": 8.5 };
      const middle = x + width / 2;
      x += width + 1;
      return [
        shaded(drawn ? 0.3 : 0, place),
        label(middle, 27, cell, words),
        label(middle, 10, position, number),
      ];
    });
  },

  describe(data, state) {
    const { model, shares, cutBy, best } = this.choice(data, state);
    const name = (id) => this.name(data, id);
    const count = cutBy.filter(Boolean).length;
    const greedy = `the greedy choice is ${name(best)}`;
    const [own, now] = [percent(model[best]), percent(shares[best])];
    const cut = `${count} of ${shares.length} tokens are cut.`;
    const { last } = state;
    const before = last
      ? `The number ${last.number.toFixed(3)} drew ${name(last.id)}, which had ` +
        `${percent(last.share)}. `
      : "";
    if (this.finished(data, state)) {
      const letters = state.ids.slice(1).filter((id) => id !== data.boundary);
      const whole = letters.map((id) => data.tokens[id]).join("");
      const complete = state.ids.at(-1) === data.boundary;
      const full = `All ${data.config.n_positions} positions are taken`;
      const why = complete ? "The name is complete" : full;
      return `${before}${why}: "${whole}". The picture shows the last choice.`;
    }
    const text = state.ids.map(name).join(" ");
    const shown = `${own} by the model, ${now} to be drawn`;
    return `${before}After ${text}, ${greedy}, ${shown}. ${cut}`;
  },
};
