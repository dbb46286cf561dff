// Looking inside: where a head looks, what each part would say, how sure the model was.
"use strict";

Object.assign(here, { side: 0, shade: "attention", layer: 0, head: 0 });

for (const name of ["side", "shade", "layer", "head"]) {
  does[name] = (value) => {
    here[name] = value;
    if (name === "side" && here.chosen) here.chosen = { ...here.chosen, side: value };
  };
}

// The side that is looked into, and the place whose token is: the chosen one, or the last.
function looked() {
  const side = Math.min(here.side, here.texts.length - 1);
  const { ids } = here.texts[side];
  const chosen = here.chosen?.side === side ? here.chosen.place : ids.length - 1;
  return { side, place: Math.min(chosen, ids.length - 1) };
}

// What of a text the model sees, and how many tokens in front of that it does not.
function contextOf(ids) {
  const hidden = Math.max(0, ids.length - here.opened.config.n_positions);
  return { ids: ids.slice(hidden), hidden };
}

function surprisesNeed() {
  if (!here.texts.length) return null;
  const { side } = looked();
  const { ids } = contextOf(here.texts[side].ids);
  return { act: "surprises", ids, broken: sides()[side] };
}

function insideNeed() {
  if (!here.texts.length) return null;
  const { side, place } = looked();
  const { ids, hidden } = contextOf(here.texts[side].ids);
  if (place < hidden) return null;
  const next = ids[place - hidden + 1] ?? null;
  const layer = Math.min(here.layer, here.opened.config.n_layer - 1);
  const at = place - hidden;
  const given = { ids, broken: sides()[side], layer, place: at, next };
  return { act: "inside", ...given, window: windowAround(at, ids.length) };
}

const SQUARE = 16; // tokens of which attention is shown as a square

// Some tokens around a place, from the first of them to behind the last; most are before
// it, a few after.
function windowAround(place, length) {
  const start = Math.max(0, Math.min(place - SQUARE + 4, length - SQUARE));
  return [start, Math.min(start + SQUARE, length)];
}

// A row of the square is clicked: its token is the chosen one.
does.query = (row) => {
  const { side, place } = looked();
  const { ids, hidden } = contextOf(here.texts[side].ids);
  const [start] = windowAround(place - hidden, ids.length);
  here.chosen = { side, place: hidden + start + Number(row) };
};

parts.look = {
  controls({ side, shade, layer, head, opened }) {
    const { n_layer, n_head } = opened?.config ?? { n_layer: 4, n_head: 6 };
    const shades = [
      ["attention", "attention of a head"],
      ["bits", "surprise"],
      ["unsure", "how unsure it was"],
    ];
    const names = sideNames.map((name, i) => [i, name]);
    const range = { kind: "range", min: 0 };
    return [
      { kind: "choice", name: "side", label: "Model", options: names, value: side },
      { kind: "choice", name: "shade", label: "Shade", options: shades, value: shade },
      { ...range, name: "layer", label: "Layer", max: n_layer - 1, value: layer },
      { ...range, name: "head", label: "Head", max: n_head - 1, value: head },
    ];
  },

  needs: () => ({ inside: insideNeed(), surprises: surprisesNeed() }),

  view(state) {
    if (!state.texts.length) return [statusView(state), button("write", "", "Write a text")];
    const { side, place } = looked();
    const text = state.texts[side];
    const { hidden } = contextOf(text.ids);
    const inside = found("inside", insideNeed());
    const read = found("surprises", surprisesNeed());
    return [
      statusView(state),
      tokensView(side, (at) => this.shadeOf(at - hidden, { inside, read })),
      this.words({ inside, read, text, place, hidden }),
      inside && state.shade === "attention" ? this.square(inside, text, place, hidden) : "",
      inside ? this.lens(inside.lens, text.ids[place + 1]) : "",
    ];
  },

  shadeOf(at, { inside, read }) {
    if (here.shade === "attention") {
      const weights = this.weights(inside);
      return weights ? (0.8 * weights[at]) / Math.max(...weights) : 0;
    }
    return (read?.[at - 1]?.[here.shade] ?? 0) / 9; // 9 bits are 512 tokens
  },

  weights(inside) {
    return inside?.rows[Math.min(here.head, inside.rows.length - 1)];
  },

  // Attention of the head among some tokens, query by key.
  square(inside, text, place, hidden) {
    const weights = inside.squares[Math.min(here.head, inside.squares.length - 1)];
    if (!weights) return "";
    const [start, end] = windowAround(place - hidden, text.ids.length - hidden);
    const tokens = text.ids.slice(start + hidden, end + hidden).map(spelled);
    const most = Math.max(...weights);
    const cell = (query, key, at) => {
      const weight = weights[query * tokens.length + key];
      const kind = key > query ? "shaded other-shade" : "shaded";
      return shaded(weight / most, { ...at, class: kind });
    };
    const words =
      `Attention of layer ${here.layer}, head ${here.head} among ${tokens.length} ` +
      "tokens, query by key: the stronger the colour, the more it looks there.";
    return [
      picture(338, words, querySquare(tokens, place - hidden - start, cell)),
      paragraph(`${words} What a query gives to keys after it has the other colour.`, {
        class: "faint-words",
      }),
    ];
  },

  // What the shades say, of the chosen token.
  words({ inside, read, text, place, hidden }) {
    if (place < hidden) {
      const { n_positions } = here.opened.config;
      return paragraph(`The model sees the last ${n_positions} tokens: this one no more.`);
    }
    const name = (at) => `"${spelled(text.ids[at])}"`;
    const it = read?.[place - hidden - 1];
    const surprise = it
      ? `Token ${place}, ${name(place)}: before, the model was unsure by ` +
        `${it.unsure.toFixed(1)} bits; the token surprised it by ${it.bits.toFixed(1)}. `
      : `Token ${place}, ${name(place)}. `;
    const weights = this.weights(inside);
    const best = weights?.indexOf(Math.max(...weights));
    const attention = weights
      ? `Layer ${here.layer}, head ${here.head} reads most of ${name(best + hidden)} ` +
        `there, ${percent(weights[best])}.`
      : inside
        ? "There is no attention in this layer."
        : "";
    return paragraph(surprise + attention, { "aria-live": "polite" });
  },

  // What would be said if each part were the last one.
  lens(stages, next) {
    const known = next !== undefined;
    const cost = (share) => bitsOf(Math.max(share, 1e-9));
    const rows = stages.map(({ name, best, share }, i) => {
      const gained = known && i > 0 ? cost(stages[i - 1].share) - cost(share) : null;
      const said = best.map(([id, part]) => `${visible(spelled(id))} ${percent(part)}`);
      return tag("tr", {}, [
        tag("th", { scope: "row" }, stageName(name)),
        said.map((words) => tag("td", { class: "mono" }, escape(words))),
        known ? tag("td", {}, percent(share)) : "",
        known ? tag("td", {}, gained === null ? "" : signed(gained, 1)) : "",
      ]);
    });
    const columns = ["if this were the last part", "likeliest", "second", "third"];
    if (known) columns.push(`${visible(spelled(next))}`, "adds, bits");
    const head = columns.map((words) => tag("th", { scope: "col" }, escape(words)));
    const came = known ? `; "${spelled(next)}" is what came` : "";
    return [
      paragraph(`What would be said after this token${came}:`),
      tag("div", { class: "wide" }, tag("table", { class: "numbers" }, [
        tag("thead", {}, tag("tr", {}, head)),
        tag("tbody", {}, rows),
      ])),
    ];
  },
};

// "h.0.attn" as one reads it.
function stageName(name) {
  const [, layer, part] = name.match(/^h\.(\d+)\.(attn|mlp)$/) ?? [];
  if (!part) return "embeddings";
  return `block ${layer}, ${part === "attn" ? "attention" : "MLP"}`;
}
