// Text as it comes about, token by token: what two figures share.
"use strict";

// A token that could come, with what speaks for it and what became of it:
//
//   name, logit       its text, and what the model said
//   model, share      its probability by the model, and once all settings are applied
//   cutBy             the setting that cut it, if one did
//   note, strong      a word before the share; whether the row is set in bold
//
// `place` says where the row is: {y, left, scaled}, with bars from `left` on.
function candidateRow({ name, logit, model, share, cutBy, note, strong }, place) {
  const { y, left, scaled } = place;
  const bar = { x: left, y: y + 1.5, height: 8.5 };
  const tick = { x: left - 1 + scaled(model), width: 2, y: y + 0.5, height: 10.5 };
  const kind = { class: cutBy ? "faint" : strong && "strong" };
  const end = { ...kind, "text-anchor": "end", "font-size": 9 };
  const result = cutBy ? `cut: ${cutBy.replace("_", "-")}` : percent(share);
  return [
    label(8, y + 9, name, { ...kind, "font-size": 9.5 }),
    label(left - 8, y + 9, signed(logit), end),
    cutBy
      ? shaded(0, { ...bar, width: scaled(model), class: "shaded blocked" })
      : tag("rect", { ...bar, width: scaled(share), class: "figure" }),
    tag("rect", { ...tick, class: "other" }),
    label(340, y + 9, note ? `${note} ${result}` : result, end),
  ];
}

// The axis above such rows, and how long the bar of a share is.
function candidateAxis(shares, { left, width, top, bottom }) {
  const largest = Math.max(...shares);
  const full = [0.25, 0.5, 1].find((share) => largest <= share) ?? 1;
  const scaled = (share) => (width * share) / full;
  const marks = [0, full / 2, full].map((share) => {
    const x = left + scaled(share);
    const words = { "text-anchor": "middle", class: "faint", "font-size": 9 };
    const line = { x1: x, x2: x, y1: top - 2, y2: bottom, class: "line" };
    return [
      label(x, top - 5, `${100 * share}%`, words),
      tag("line", { ...line, opacity: 0.2 }),
    ];
  });
  const logit = { "text-anchor": "end", class: "faint" };
  return { scaled, axis: [label(left - 14, top - 5, "logit", logit), marks] };
}

// What bar and tick mean, below such rows.
function candidateLegend(left, y) {
  const words = { class: "faint", "font-size": 9 };
  return [
    tag("rect", { x: left, y: y - 8, width: 14, height: 8, class: "figure" }),
    label(left + 18, y, "what is drawn with", words),
    tag("rect", { x: left + 120, y: y - 10, width: 2, height: 12, class: "other" }),
    label(left + 126, y, "the model's own probability", words),
  ];
}

// A figure that steps through texts.  The data is {settings, texts}; a text has its
// `ids` and `tokens`, the first `prompt` of which were given, and the `choices` that
// led to the others.  `spelled` writes a token; `first` is the choice to begin with.
function stepper({ spelled, first }) {
  return {
    start: () => ({ text: 0, step: first }),

    act(data, state, name, value) {
      const last = data.texts[state.text].choices.length - 1;
      const bounded = (step) => Math.min(Math.max(step, 0), last);
      if (name === "text") return { text: value, step: 0 };
      if (name === "previous") return { ...state, step: bounded(state.step - 1) };
      if (name === "next") return { ...state, step: bounded(state.step + 1) };
      return { ...state, step: bounded(Number(value)) };
    },

    controls(data, { text, step }) {
      const last = data.texts[text].choices.length - 1;
      const names = data.texts.map((_, i) => [i, this.whole(data, i)]);
      const several = { kind: "choice", name: "text", label: "Text", options: names };
      const range = { kind: "range", name: "step", label: "Choice", min: 0, max: last };
      return [
        { kind: "button", name: "previous", label: "Previous", disabled: step === 0 },
        { kind: "button", name: "next", label: "Next", disabled: step === last },
        { ...range, value: step, text: `${step + 1} of ${last + 1}` },
        ...(names.length > 1 ? [{ ...several, value: text }] : []),
      ];
    },

    // What was drawn, as one word.
    whole(data, text) {
      const { tokens, prompt } = data.texts[text];
      return tokens.slice(prompt, -1).join("");
    },

    draw(data, state) {
      const { tokens, choices } = data.texts[state.text];
      const places = data.texts.map((text) => this.chips(text.tokens));
      const lowest = Math.max(...places.flat().map(({ y }) => y));
      const top = lowest + 62;
      const most = Math.max(...choices.map(({ candidates }) => candidates.length));
      const bottom = top + most * 12;
      const choice = choices[state.step];
      const shares = choice.candidates.flatMap(({ probability, drawn_with }) => [
        probability,
        drawn_with ?? 0,
      ]);
      const width = 340 - 68 - 92;
      const { scaled, axis } = candidateAxis(shares, { left: 92, width, top, bottom });
      const rows = choice.candidates.map((candidate, i) =>
        this.candidate(candidate, choice.drawn, { y: top + i * 12, left: 92, scaled }),
      );
      return picture(
        bottom + 36,
        this.describe(data, state),
        this.text(data, state, places[state.text]),
        axis,
        rows,
        label(8, bottom + 13, this.others(choice), { class: "faint", "font-size": 9 }),
        candidateLegend(92, bottom + 31),
      );
    },

    candidate({ id, text, logit, probability, drawn_with, removed_by }, drawn, place) {
      const chosen = id === drawn;
      const y = place.y;
      const mark = `M0 ${y + 2} l6 3.75 l-6 3.75 z`;
      return [
        chosen && tag("path", { d: mark, class: "figure" }),
        candidateRow(
          {
            name: spelled(text),
            logit,
            model: probability,
            share: drawn_with,
            cutBy: removed_by,
            note: chosen && "drawn",
            strong: chosen,
          },
          place,
        ),
      ];
    },

    vocabulary: ({ left, removed }) => left + total(Object.values(removed)),

    // The tokens that have no row.
    others(choice) {
      const cut = Object.entries(choice.removed).map(
        ([name, count]) => `${count} by ${name.replace("_", "-")}`,
      );
      const all = this.vocabulary(choice);
      const rows = `${choice.candidates.length} of ${all} tokens are shown`;
      return cut.length ? `${rows}; cut: ${cut.join(", ")}` : `${rows}; none is cut`;
    },

    // Where each token's box stands: as wide as its text or its id, and a line end
    // ends the line.
    chips(tokens) {
      let [x, y] = [0, 2];
      return tokens.map((token) => {
        const width = Math.max(20, 6.1 * spelled(token).length + 5);
        if (x + width > 340) [x, y] = [0, y + 32];
        const place = { x: x + 0.5, y, width };
        x += width + 1;
        if (token.endsWith("\n")) [x, y] = [0, y + 32];
        return place;
      });
    },

    // The text up to the token that is being drawn, which is framed; ids under it.
    text(data, { text, step }, places) {
      const { tokens, ids, prompt } = data.texts[text];
      const touchable = { fill: "none", "pointer-events": "all", "data-touch": "step" };
      return places.slice(0, prompt + step + 1).map(({ x, y, width }, i) => {
        const [drawn, now] = [i >= prompt, i === prompt + step];
        const box = { x, y, width, height: 16 };
        const middle = { "text-anchor": "middle" };
        const word = { ...middle, class: now ? "mono strong" : "mono" };
        return [
          shaded(drawn ? 0.3 : 0, box),
          label(x + width / 2, y + 11.5, spelled(tokens[i]), word),
          label(x + width / 2, y + 25, ids[i], {
            ...middle,
            class: "faint",
            "font-size": 8.5,
          }),
          now && tag("rect", { ...box, class: "frame" }),
          drawn && tag("rect", { ...box, ...touchable, "data-value": i - prompt }),
        ];
      });
    },

    describe(data, { text, step }) {
      const { tokens, prompt, choices } = data.texts[text];
      const { number, drawn, left, candidates } = choices[step];
      const { drawn_with, text: token } = candidates.find(({ id }) => id === drawn);
      const before = prompt + step;
      const ended = step === choices.length - 1 ? " The text ends here." : "";
      const best = `the likeliest was "${spelled(candidates[0].text)}"`;
      const likeliest = candidates[0].id === drawn ? ", the likeliest" : `; ${best}`;
      const all = this.vocabulary(choices[step]);
      const context = `${before} ${before === 1 ? "token" : "tokens"}`;
      return (
        `After ${context}, ${left} of ${all} tokens can be drawn ` +
        `(${data.settings}). The number ${number.toFixed(3)} drew ` +
        `"${spelled(token)}", which had ${percent(drawn_with)}${likeliest}.${ended}`
      );
    },
  };
}
