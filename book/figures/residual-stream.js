// The stream of one token, from its embedding to the head: how long it is, what each
// part adds, and which token the head would read in it.
"use strict";

figures["residual-stream"] = {
  start: (data) => ({ token: 2, place: data.places.length - 1 }),

  act: (data, state, name, value) => ({ ...state, [name]: Number(value) }),

  controls: (data, { token, place }) => [
    {
      kind: "range",
      name: "token",
      label: "Token",
      min: 0,
      max: data.tokens.length - 1,
      value: token,
      text: visible(data.tokens[token]),
    },
    {
      kind: "range",
      name: "place",
      label: "After",
      min: 0,
      max: data.places.length - 1,
      value: place,
      text: data.places[place],
    },
  ],

  draw(data, state) {
    const [top, height, bottom] = [72, 25, 72 + 25 * data.places.length];
    const longest = Math.max(...data.stream.flat());
    const scaled = (length) => (160 * length) / longest;
    const frame = { x: 0, y: top + state.place * height, width: 340, height };
    const faint = { class: "faint" };
    return picture(
      bottom + 22,
      this.describe(data, state),
      this.text(data, state),
      label(0, 64, "after", faint),
      label(58, 64, "length of the vector", faint),
      label(340, 64, "read there", { ...faint, "text-anchor": "end" }),
      data.places.map((_, place) => this.row(data, state, place, scaled)),
      tag("rect", { ...frame, class: "frame", "pointer-events": "none" }),
      tag("rect", { x: 58, y: bottom + 8, width: 14, height: 8, class: "figure" }),
      label(76, bottom + 16, "the stream", { ...faint, "font-size": 9 }),
      tag("rect", { x: 140, y: bottom + 10, width: 14, height: 4, class: "other" }),
      label(158, bottom + 16, "what was added", { ...faint, "font-size": 9 }),
    );
  },

  // The sentence.
  text(data, state) {
    const width = 340 / data.tokens.length;
    return data.tokens.map((token, i) => {
      const chosen = i === state.token;
      const middle = (i + 0.5) * width;
      const words = { "text-anchor": "middle", class: chosen ? "strong" : undefined };
      const place = { x: i * width + 1, y: 12, width: width - 2, height: 22 };
      const touch = { "data-touch": "token", "data-value": i };
      return tag(
        "g",
        touch,
        shaded(chosen ? 0.3 : 0, place),
        label(middle, 26, visible(token), { ...words, "font-size": 9.5 }),
        chosen && tag("rect", { ...place, class: "frame" }),
      );
    });
  },

  // One place: the stream's length, under it that of what was added last.
  row(data, { token, place: chosen }, place, scaled) {
    const y = 72 + place * 25;
    const [stream, added] = [data.stream[place][token], data.added[place][token]];
    const read = data.predicted[place][token];
    const right = read === data.tokens[token + 1];
    const share = Math.round(100 * data.probability[place][token]);
    const strong = { class: right && "strong" }; // what the text really says
    const reach = { x: 0, y, width: 340, height: 25, fill: "none" };
    const touch = { "pointer-events": "all", "data-hover": "place" };
    const name = `${place > 0 ? "+ " : ""}${data.places[place]}`;
    const end = { ...strong, "text-anchor": "end" };
    const bar = (y, height, length, kind) =>
      tag("rect", { x: 58, y, width: scaled(length), height, class: kind });
    return [
      label(2, y + 16, name, { "font-size": 9.5, class: place === chosen && "strong" }),
      bar(y + 4, 9, stream, "figure"),
      bar(y + 15, 4, added, "other"),
      label(62 + scaled(stream), y + 12, stream.toFixed(1), { "font-size": 9 }),
      label(306, y + 16, visible(read), end),
      label(337, y + 16, `${share}%`, { ...end, "font-size": 9 }),
      tag("rect", { ...reach, ...touch, "data-value": place }),
    ];
  },

  describe(data, { token, place }) {
    const stream = data.stream[place][token].toFixed(1);
    const added = data.added[place][token].toFixed(1);
    const name = `"${visible(data.tokens[token])}"`;
    const part = data.places[place];
    const length =
      place === 0
        ? `The stream of ${name} opens with wte, a vector of length ${stream}.`
        : `${part} adds a vector of length ${added} to the stream of ${name}, which ` +
          `is ${stream} long then.`;
    const next = data.tokens[token + 1];
    const goes = next ? ` In the text "${visible(next)}" follows.` : "";
    const read = `"${visible(data.predicted[place][token])}"`;
    const share = percent(data.probability[place][token]);
    const says = `Read there, ln_f and the head would say ${read}, ${share}.`;
    return `${length} ${says}${goes}`;
  },
};
