// Writing: a prompt, settings, text that comes token by token, and other tokens instead.
"use strict";

Object.assign(here, {
  prompt: "ROMEO:",
  settings: { temperature: 0.8, top_k: 40, top_p: 1, min_p: 0, seed: 1 },
  length: 60, // tokens to write
  texts: [], // of each side: {ids, given, notes, ended}; a note belongs to a token
  with: null, // {prompt, settings} with which they were begun
  taken: [], // tokens taken instead of those that were drawn: {side, n, id}
  writing: false,
  chosen: null, // {side, place}: the token that is looked at
});

// The mistakes of each side: none, and those that are switched on.
function sides() {
  const broken = here.quiz?.answer ? [here.quiz.answer] : here.broken;
  return broken.length ? [[], broken] : [[]];
}

const sideNames = ["as it is", "broken"];

// --- What is done -------------------------------------------------------------------

// Writes from the beginning.
does.write = async () => {
  await ready();
  here.taken = [];
  await writeAnew();
};

// Writes from the beginning; tokens that were taken are taken again.
async function writeAnew() {
  await begin();
  await writeUntil(here.length);
}

// Puts the prompt where the texts will be.
async function begin() {
  const given = await computer.ask("encode", { text: here.prompt });
  const text = { ids: given, given: given.length, notes: [], ended: null };
  here.texts = sides().map(() => structuredClone(text));
  here.with = { prompt: here.prompt, settings: here.settings };
  here.taken = here.taken.filter(({ id }) => id < here.opened.tokens.length);
  here.chosen = null;
}

// How many new tokens the longest text has.
function written() {
  return Math.max(...here.texts.map(({ ids, given }) => ids.length - given));
}

// Writes until each text that does not end before has so many new tokens.
async function writeUntil(length) {
  const { texts } = here;
  tellAddress(length);
  here.writing = true;
  show();
  const taken = sides().map((_, side) =>
    Object.fromEntries(
      here.taken.filter((one) => one.side === side).map(({ n, id }) => [n, id]),
    ),
  );
  const given = {
    sides: sides(),
    texts: texts.map(({ ids }) => ids),
    prompt: texts[0].given,
    settings: here.with.settings,
    taken,
    length,
  };
  const { ended } = await computer.ask("write", given, ({ side, token }) => {
    if (here.texts !== texts) return; // another text has begun
    texts[side].ids = [...texts[side].ids, token.id];
    texts[side].notes = [...texts[side].notes, token];
    show();
  }).finally(() => {
    if (here.texts === texts) here.writing = false;
  });
  texts.forEach((text, side) => (text.ended = ended[side]));
  show();
}

does.stop = () => computer.ask("stop");

does.step = async () => {
  await ready();
  if (!here.texts.length) await begin();
  return writeUntil(written() + 1);
};

does.goOn = () => writeUntil(written() + here.length);

does.prompt = (prompt) => {
  here.prompt = prompt;
};

does.length = (length) => {
  here.length = length;
};

for (const name of Object.keys(here.settings)) {
  does[name] = (value) => {
    here.settings = { ...here.settings, [name]: value };
  };
}

// `value`: "side place".
does.choose = (value) => {
  const [side, place] = value.split(" ").map(Number);
  const same = here.chosen?.side === side && here.chosen?.place === place;
  Object.assign(here, { side, chosen: same ? null : { side, place } });
};

// To the token so many places on.
does.along = (places) => {
  const { side, place } = here.chosen;
  const last = here.texts[side].ids.length - 1;
  const next = Math.min(Math.max(place + Number(places), 0), last);
  here.chosen = { side, place: next };
};

// Takes another token at the chosen place, and writes on from there.
does.take = async (id) => {
  const { side, place } = here.chosen;
  const text = here.texts[side];
  const n = place - text.given;
  const earlier = here.taken.filter((one) => one.side !== side || one.n < n);
  here.taken = [...earlier, { side, n, id: Number(id) }];
  await writeFrom(side, n);
};

// Takes the last one back.
does.back = async () => {
  const { side, n } = here.taken.at(-1);
  here.taken = here.taken.slice(0, -1);
  await writeFrom(side, n);
};

// Writes a text again from its n-th new token on, and the other as far as that.
async function writeFrom(side, n) {
  const length = written();
  here.texts = here.texts.map((text, i) => {
    if (i !== side) return { ...text };
    const [ids, notes] = [text.ids.slice(0, text.given + n), text.notes.slice(0, n)];
    return { ...text, ids, notes, ended: null };
  });
  await writeUntil(length);
}

// --- The address --------------------------------------------------------------------

// Writes what was written with into the address, so that it shows others the same.
function tellAddress(length) {
  const { broken, taken } = here;
  const { prompt, settings } = here.with;
  const values = new URLSearchParams({ prompt, ...settings, length });
  if (broken.length && !here.quiz) values.set("broken", broken.join(","));
  const took = taken.map(({ side, n, id }) => `${side}.${n}.${id}`);
  if (took.length) values.set("took", took.join(","));
  here.address = `#${values}`;
  history.replaceState(null, "", here.address);
}

// Does what the address says.  That of a heading says nothing.
does.followAddress = async () => {
  if (!location.hash.includes("=") || location.hash === here.address) return;
  const values = new URLSearchParams(location.hash.slice(1));
  const numbers = Object.keys(here.settings).filter((name) => values.has(name));
  const settings = { ...here.settings };
  for (const name of numbers) {
    const number = Number(values.get(name) || NaN);
    const [least, most, isWhole] = limits[name];
    const fits = number >= least && number <= most;
    if (fits && (!isWhole || Number.isInteger(number))) settings[name] = number;
  }
  const known = catalogue().switches.map(({ name }) => name);
  const asked = (values.get("broken") ?? "").split(",");
  const broken = together(asked.filter((one) => known.includes(one)));
  const length = Math.floor(Number(values.get("length") ?? here.length));
  Object.assign(here, { settings, broken, quiz: null });
  here.prompt = values.get("prompt") ?? here.prompt;
  here.length = length >= 1 && length <= 1000 ? length : here.length;
  here.taken = (values.get("took") ?? "")
    .split(",")
    .filter((one) => /^[01]\.\d+\.\d+$/.test(one))
    .map((one) => one.split(".").map(Number))
    .map(([side, n, id]) => ({ side, n, id }));
  const part = broken.length ? "break" : "write";
  here.used = document.querySelector(`figure[data-part="${part}"]`);
  here.used.scrollIntoView();
  await ready();
  await writeAnew();
};

const limits = {
  temperature: [0, 2],
  top_k: [0, 1e6, true],
  top_p: [0.05, 1],
  min_p: [0, 1],
  seed: [0, 2 ** 32 - 1, true],
};

// --- What is shown ------------------------------------------------------------------

// A model that is coming, or a line about what went wrong.
function statusView({ loading, trouble, opened, writing, texts }) {
  if (trouble) return paragraph(trouble, { class: "trouble", role: "alert" });
  if (loading !== null) {
    return tag("p", { role: "status" }, [
      "The model is coming, once: ",
      tag("progress", { value: loading, max: 1, "aria-label": "loaded" }),
      ` ${Math.round(100 * loading)}%`,
    ]);
  }
  const isFull = opened && texts.some(({ ids }) => ids.length > opened.config.n_positions);
  const slowly = isFull ? " The context is full: for each token it is all read anew." : "";
  const before = opened ? "" : "The model comes when you write.";
  const words = writing ? `It writes.${slowly}` : before;
  return paragraph(words, { role: "status", class: "faint-words" });
}

// A text as tokens that can be chosen.  `shade(place)` is from 0 to 1.
function tokensView(side, shade = () => 0) {
  const { ids, given } = here.texts[side];
  const chosen = here.chosen?.side === side ? here.chosen.place : -1;
  const inTabOrder = Math.max(chosen, 0); // the arrows reach the others
  const words = []; // of tokens, which stay in one line
  ids.forEach((id, place) => {
    const text = spelled(id);
    const share = Math.min(Math.max(shade(place), 0), 1);
    const was = here.taken.some((one) => one.side === side && one.n === place - given);
    const kind = [place < given && "given", place === chosen && "chosen", was && "taken"];
    const token = button("choose", `${side} ${place}`, text, {
      class: kind.filter(Boolean).join(" ") || undefined,
      style: share > 0.01 ? `--share: ${(100 * share).toFixed(0)}%` : undefined,
      tabindex: place === inTabOrder ? 0 : -1,
      "aria-pressed": place === chosen,
    });
    const last = words.at(-1);
    if (!last || /^[ ⟨]/.test(text) || last.end) words.push({ tokens: [], end: "" });
    words.at(-1).tokens.push(token);
    words.at(-1).end = text.includes("↵") ? "\n" : "";
  });
  const spans = words.map(({ tokens, end }) => tag("span", {}, tokens) + end);
  return tag("div", { class: "tokens", role: "group", "aria-label": "the text" }, spans);
}

const endings = {
  boundary: "The model has ended the text.",
  "no numbers":
    "Here the logits are no numbers any more (not finite): nothing can be chosen.",
};

function endView({ ended }) {
  return endings[ended] ? paragraph(endings[ended], { class: "faint-words" }) : "";
}

// The need for what could have stood at the chosen token's place.
function choicesNeed() {
  const { chosen, texts } = here;
  if (!chosen || !texts[chosen.side] || chosen.place === 0) return null;
  const ids = texts[chosen.side].ids.slice(0, chosen.place);
  const { settings } = here.with;
  return { act: "choices", ids, broken: sides()[chosen.side], settings };
}

// What else could have stood there.
function choicesView() {
  const { chosen, texts } = here;
  const text = texts[chosen?.side];
  if (!text || chosen.place >= text.ids.length) return "";
  const id = text.ids[chosen.place];
  if (chosen.place === 0) {
    const words = paragraph("Nothing is before the first token.");
    return [words, button("along", 1, "Token after")];
  }
  const note = text.notes[chosen.place - text.given];
  const drawn = note
    ? `The number ${note.number.toFixed(3)} drew it. Before, the model was unsure by ` +
      `${note.unsure.toFixed(1)} bits; the token surprised it by ${note.bits.toFixed(1)}.`
    : "It was given.";
  const choices = found("choices", choicesNeed());
  const heading = [
    paragraph(`Instead of "${spelled(id)}"? ${drawn}`),
    tag("div", { class: "buttons-in-a-row" }, [
      button("along", -1, "Token before"),
      button("along", 1, "Token after"),
    ]),
  ];
  if (!choices) return [heading, paragraph("…")];
  const names = choices.names.map((name) => name.replace("_", "-"));
  const head = ["take", "logit", ...names].map((name) =>
    tag("th", { scope: "col" }, escape(name)),
  );
  const rows = choices.rows.map((row) => {
    const [isIt, name] = [row.id === id, visible(spelled(row.id))];
    const canTake = note && !isIt && !here.writing;
    const cells = row.shares.map((share) => (share === 0 ? "cut" : percent(share)));
    return tag("tr", { class: isIt ? "it" : undefined }, [
      tag("th", { scope: "row" }, canTake ? button("take", row.id, name) : escape(name)),
      [signed(row.logit), ...cells].map((cell) => tag("td", {}, cell)),
    ]);
  });
  const many = `${choices.left} of ${here.opened.tokens.length} tokens can be drawn.`;
  return [
    heading,
    tag("div", { class: "wide" }, tag("table", { class: "numbers" }, [
      tag("thead", {}, tag("tr", {}, head)),
      tag("tbody", {}, rows),
    ])),
    paragraph(`${many} Shown are the ${rows.length} likeliest by the model.`, {
      class: "faint-words",
    }),
  ];
}

// Whether the next text would be written with something else than the one that is there.
function isChanged({ texts, prompt, settings, with: begun }) {
  return texts.length > 0 && JSON.stringify({ prompt, settings }) !== JSON.stringify(begun);
}

parts.write = {
  controls({ prompt, settings, length, writing, texts, taken }) {
    const { temperature, top_k, top_p, min_p, seed } = settings;
    const range = (name, words, min, max, step, value, text) => {
      return { kind: "range", name, label: words, min, max, step, value, text };
    };
    const off = (value, none) => (value === none ? `${none} (off)` : String(value));
    const warmth = temperature === 0 ? "0 (greedy)" : String(temperature);
    const idle = writing || !texts.length;
    return [
      { kind: "lines", name: "prompt", label: "Prompt", value: prompt },
      range("temperature", "Temperature", 0, 2, 0.1, temperature, warmth),
      range("top_k", "Top-k", 0, 100, 1, top_k, off(top_k, 0)),
      range("top_p", "Top-p", 0.05, 1, 0.05, top_p, off(top_p, 1)),
      range("min_p", "Min-p", 0, 1, 0.05, min_p, off(min_p, 0)),
      range("length", "Tokens", 1, 300, 1, length, length),
      { kind: "number", name: "seed", label: "Seed", min: 0, max: 2 ** 32 - 1, value: seed },
      { kind: "button", name: "write", label: "Write" },
      { kind: "button", name: "stop", label: "Stop", disabled: !writing },
      { kind: "button", name: "step", label: "One token", disabled: writing },
      { kind: "button", name: "goOn", label: "Go on", disabled: idle },
      { kind: "button", name: "back", label: "Go back", disabled: writing || !taken.length },
    ];
  },

  needs: () => ({ choices: here.chosen?.side === 0 ? choicesNeed() : null }),

  view: (state) => [
    statusView(state),
    isChanged(state)
      ? paragraph("Prompt and settings count from the next Write on.", {
          class: "faint-words",
        })
      : "",
    state.texts[0] ? [tokensView(0), endView(state.texts[0])] : "",
    state.chosen?.side === 0 ? choicesView() : "",
    state.texts[0] && !state.chosen
      ? paragraph("Choose a token: what else could have stood there?", {
          class: "faint-words",
        })
      : "",
  ],
};
