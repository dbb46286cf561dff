// Beat the model: who is less surprised by a passage that neither has learned?
"use strict";

here.guess = null; // {ids, at, round, options, shares, waits, last, bits}

const ROUNDS = 10;
const OPTIONS = 6;

// How sure a reader may be of one of the options; the others share the rest.
const sureness = [
  ["sure", 0.9],
  ["rather", 0.5],
  ["a guess", 1 / OPTIONS],
];

does.challenge = async () => {
  await ready();
  const { passages } = catalogue();
  const passage = passages[1 + Math.floor(Math.random() * (passages.length - 1))];
  const all = await computer.ask("encode", { text: passage });
  const ids = all.slice(0, here.opened.config.n_positions);
  const last = ids.length - ROUNDS; // where a game may begin at the latest
  if (last < 1) throw inTrouble("The model has too few positions for a game: take another.");
  const first = Math.min(40, last);
  const at = first + Math.floor(Math.random() * (last - first + 1));
  here.guess = { ids, at, round: 0, last: null, bits: { reader: 0, model: 0 } };
  await nextRound();
};

// What may come next: the token that does, and what the model finds likeliest besides.
async function nextRound() {
  const { ids, at } = here.guess;
  const expected = await computer.ask("expected", { ids: ids.slice(0, at) });
  const others = likeliest(expected, OPTIONS)
    .map(([id]) => id)
    .filter((id) => id !== ids[at])
    .slice(0, OPTIONS - 1);
  const options = shuffled([ids[at], ...others]);
  const sum = total(options.map((id) => expected[id]));
  const shares = options.map((id) => expected[id] / sum);
  here.guess = { ...here.guess, options, shares, waits: false };
}

// `value`: "option share".
does.bet = async (value) => {
  const [option, share] = value.split(" ").map(Number);
  const { ids, at, options, shares, bits, round } = here.guess;
  if (here.guess.waits) return; // for the next token
  const right = options.indexOf(ids[at]);
  const reader = option === right ? share : (1 - share) / (OPTIONS - 1);
  const costs = { reader: bitsOf(reader), model: bitsOf(shares[right]) };
  here.guess = {
    ...here.guess,
    at: at + 1,
    round: round + 1,
    last: { id: ids[at], isRight: option === right, costs },
    bits: { reader: bits.reader + costs.reader, model: bits.model + costs.model },
    waits: true,
  };
  show();
  if (round + 1 < ROUNDS) await nextRound();
};

parts.guess = {
  controls: ({ guess }) => [
    { kind: "button", name: "challenge", label: guess ? "Another passage" : "Begin" },
  ],

  view(state) {
    const { guess } = state;
    if (!guess) return statusView(state);
    const text = guess.ids.slice(0, guess.at).map(spelled).join("");
    const { reader, model } = guess.bits;
    const score = `You: ${reader.toFixed(1)} bits. The model: ${model.toFixed(1)} bits.`;
    const over = guess.round === ROUNDS;
    const winner = reader < model ? "You have beaten the model." : "The model has won.";
    return [
      statusView(state),
      tag("div", { class: "passage" }, escape(text.replaceAll("↵", "\n")) + "▁"),
      guess.last ? this.last(guess.last) : "",
      paragraph(`${score} ${over ? winner : `Token ${guess.round + 1} of ${ROUNDS}.`}`, {
        role: "status",
      }),
      guess.options && !over ? this.options(guess) : "",
    ];
  },

  last: ({ id, isRight, costs }) =>
    paragraph(
      `${isRight ? "Right" : "No"}: it was "${spelled(id)}". That was ` +
        `${costs.reader.toFixed(1)} bits for you, ${costs.model.toFixed(1)} for the model.`,
    ),

  options: ({ options, waits }) =>
    tag("table", { class: "numbers" }, [
      tag("tbody", {}, options.map((id, option) => {
        const name = visible(spelled(id));
        const bets = sureness.map(([words, share]) => {
          const more = { "aria-label": `${name}: ${words}`, "aria-disabled": waits };
          return tag("td", {}, button("bet", `${option} ${share}`, words, more));
        });
        return tag("tr", {}, [tag("th", { scope: "row", class: "mono" }, escape(name)), bets]);
      })),
    ]),
};
