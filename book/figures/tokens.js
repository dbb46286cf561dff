// How does a text become tokens, ids, and rows of a table?
"use strict";

// The numbers of a vector side by side; the larger, the stronger the colour.
function numberCells(numbers, x, y, width) {
  return numbers.map((number, column) => {
    const left = x + column * width;
    const look = number < 0 ? "shaded other-shade" : "shaded";
    const text = number.toFixed(2).replace("-0.00", "0.00").replace("-", "−");
    const middle = { "text-anchor": "middle", "font-size": 8.5 };
    const place = { x: left, y, width, height: 18, class: look };
    return [
      shaded(Math.min(Math.abs(number) * 2.5, 0.6), place),
      label(left + width / 2, y + 12.5, text, middle),
    ];
  });
}

figures.tokens = {
  rows: 3, // of boxes; of a longer text, the rows up to the chosen token
  longest: 160, // characters of a text

  start(data) {
    return this.act(data, null, "example", data.examples[0][1]);
  },

  // Of an example the longest token is chosen; of what is being typed, the last one.
  act(data, state, name, value) {
    if (name === "token") return { ...state, token: Number(value) };
    const text = [...value].slice(0, this.longest).join("");
    const ids = this.tokenizer(data).encode(text).flat();
    const lengths = ids.map((id) => this.tokenizer(data).history(id).length);
    const longest = lengths.indexOf(Math.max(...lengths));
    const token = name === "text" ? ids.length - 1 : longest;
    return { text, token: Math.max(token, 0) };
  },

  controls(data, state) {
    const ids = this.tokenizer(data).encode(state.text).flat();
    const known = data.examples.some(([, text]) => text === state.text);
    const examples = data.examples.map(([name, text]) => [text, name]);
    const read = ids.map((id) => this.tokenizer(data).read(data.vocab[id]));
    return [
      {
        kind: "choice",
        name: "example",
        label: "Text",
        options: [...examples, ["", "your own"]],
        value: known ? state.text : "",
      },
      { kind: "text", name: "text", label: "Type your own", value: state.text },
      {
        kind: "range",
        name: "token",
        label: "Token",
        min: 0,
        max: Math.max(ids.length - 1, 0),
        value: state.token,
        text: read[state.token] ?? "none",
      },
    ];
  },

  // Made once: `data` never changes.
  made: new WeakMap(),

  tokenizer(data) {
    if (!this.made.has(data)) this.made.set(data, new Tokenizer(data));
    return this.made.get(data);
  },

  // Each token with its box.  Boxes of one word touch each other.
  boxes(data, text) {
    const tokenizer = this.tokenizer(data);
    const found = [];
    let [x, row] = [0, 0];
    for (const word of tokenizer.encode(text)) {
      for (const id of word) {
        const read = tokenizer.read(data.vocab[id]);
        const width = Math.max(6.4 * read.length, 5.5 * String(id).length) + 6;
        if (x + width > 340) [x, row] = [0, row + 1];
        found.push({ id, read, x, row, width });
        x += width;
      }
      x += 4;
    }
    return found;
  },

  // The text in boxes, each with its id below.
  text(data, state) {
    const tokenizer = this.tokenizer(data);
    const boxes = this.boxes(data, state.text);
    const last = Math.max(boxes[state.token]?.row ?? 0, this.rows - 1);
    const seen = ({ row }) => row <= last && row > last - this.rows;
    return boxes.map((box, place) => {
      if (!seen(box)) return "";
      const y = 1 + 32 * (box.row - last + this.rows - 1);
      const middle = { "text-anchor": "middle", "pointer-events": "none" };
      const center = box.x + box.width / 2;
      const chosen = place === state.token;
      const marked = box.id === boxes[state.token].id;
      const part = tokenizer.isPart(data.vocab[box.id]) && !marked;
      const look = part ? "typed faint" : "typed";
      const area = { x: box.x, y, width: box.width, height: 28 };
      return [
        shaded(marked ? 0.5 : 0.12, {
          ...area,
          class: marked ? "shaded other-shade" : "shaded",
          "data-touch": "token",
          "data-value": place,
        }),
        chosen ? tag("rect", { ...area, class: "frame" }) : "",
        label(center, y + 12, box.read, { ...middle, class: look }),
        label(center, y + 24, box.id, { ...middle, "font-size": 9 }),
      ];
    });
  },

  // What the boxes do not say by themselves.
  note(data, state) {
    const tokenizer = this.tokenizer(data);
    const boxes = this.boxes(data, state.text);
    const rows = boxes.at(-1).row + 1;
    const last = Math.max(boxes[state.token].row + 1, this.rows);
    const some = `rows ${last - this.rows + 1} to ${last} of ${rows}`;
    const parts = boxes.some(({ id }) => tokenizer.isPart(data.vocab[id]));
    const bytes = "gray digits: a byte that is only a part of a character";
    const words = [rows > this.rows ? some : "", parts ? bytes : ""];
    return words.filter(Boolean).join("; ");
  },

  // How the chosen token was joined from bytes, one row for each join.
  joins(data, id, top) {
    const tokenizer = this.tokenizer(data);
    return tokenizer.history(id).map(({ pieces, rank, at }, stage) => {
      const y = top + 16 * stage;
      let x = 0;
      const drawn = pieces.map((piece, place) => {
        const read = tokenizer.read(piece);
        const width = 6.4 * read.length + 8;
        const joined = stage > 0 && place === at;
        const look = joined ? "shaded other-shade" : "shaded";
        const box = { x, y, width, height: 14, class: look };
        const middle = { "text-anchor": "middle", class: "typed" };
        x += width + 3;
        return [
          shaded(joined ? 0.5 : 0.12, box),
          label(box.x + width / 2, y + 10.5, read, middle),
        ];
      });
      const bytes = pieces.length === 1 ? "1 byte" : `${pieces.length} bytes`;
      const words = stage ? `join ${rank + 1} of ${data.merges.length}` : bytes;
      return [drawn, label(180, y + 10.5, words, { class: "faint" })];
    });
  },

  draw(data, state) {
    const ids = this.tokenizer(data).encode(state.text).flat();
    const id = ids[state.token];
    const words = this.describe(data, state);
    if (id === undefined) return picture(284, words, label(0, 14, words));
    const read = this.tokenizer(data).read(data.vocab[id]);
    const columns = data.table[id].length;
    const row = `row ${id} of wte, its first ${columns} of ${data.width} numbers`;
    const strong = { class: "strong" };
    return picture(
      284,
      words,
      this.text(data, state),
      label(0, 106, this.note(data, state), { class: "faint", "font-size": 9 }),
      label(0, 128, `token ${state.token}: ${read}`, strong),
      label(180, 128, `id ${id}`, strong),
      this.joins(data, id, 134),
      label(0, 253, row, strong),
      numberCells(data.table[id], 0, 260, 340 / columns),
    );
  },

  describe(data, state) {
    const tokenizer = this.tokenizer(data);
    const ids = tokenizer.encode(state.text).flat();
    const id = ids[state.token];
    if (id === undefined) return "No text, no tokens. Type something.";
    const some = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
    const stages = tokenizer.history(id);
    const made = [
      "It separates texts and is made of no bytes.",
      "It is a single byte.",
      `It is made of ${stages.length} bytes in ${some(stages.length - 1, "join")}.`,
    ];
    const times = ids.filter((other) => other === id).length;
    const again = times > 1 ? ` It occurs ${times} times, with the same row.` : "";
    return (
      `${some([...state.text].length, "character")}, ${some(ids.length, "token")}. ` +
      `Token ${state.token}, "${tokenizer.read(data.vocab[id])}", has id ${id}. ` +
      `${made[Math.min(stages.length, 2)]}${again}`
    );
  },
};
