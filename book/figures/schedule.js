// How a server's scheduler serves six texts, call by call.
"use strict";

figures["schedule"] = {
  ways: [
    ["server", "as the server does"],
    ["prompts", "prompts first"],
    ["batches", "in batches of three"],
    ["alone", "one after another"],
  ],

  start: () => ({ way: "server", step: 14 }),

  act(data, state, name, value) {
    const way = name === "way" ? value : state.way;
    const last = data.calls[way].length - 1;
    const bounded = (step) => Math.min(Math.max(step, 0), last);
    if (name === "way") return { way, step: bounded(state.step) };
    if (name === "previous") return { way, step: bounded(state.step - 1) };
    if (name === "next") return { way, step: bounded(state.step + 1) };
    return { way, step: bounded(Number(value)) };
  },

  controls(data, { way, step }) {
    const last = data.calls[way].length - 1;
    const range = { kind: "range", name: "step", label: "Call", min: 0, max: last };
    const served = { kind: "choice", name: "way", label: "Served" };
    return [
      { kind: "button", name: "previous", label: "Previous", disabled: step === 0 },
      { kind: "button", name: "next", label: "Next", disabled: step === last },
      { ...range, value: step, text: `${step + 1} of ${last + 1}` },
      { ...served, options: this.ways, value: way },
    ];
  },

  // --- What a call is to a text --------------------------------------------------------

  // "absent" before it comes, then "waits", "reads" its prompt, "writes" or "pauses",
  // and "ended".
  doing(data, way, text, step) {
    const calls = data.calls[way];
    const { read, pages } = calls[step];
    if (read[text]) return read[text][0] < data.texts[text].prompt ? "reads" : "writes";
    if (pages[text]) return "pauses";
    if (step < data.texts[text].at) return "absent";
    return calls.slice(0, step).some((call) => call.pages[text]) ? "ended" : "waits";
  },

  // Of how many tokens the keys and values are there after a call.
  held(data, way, text, step) {
    const read = data.calls[way].slice(0, step + 1).map((call) => call.read[text]);
    const [before, tokens] = read.filter(Boolean).at(-1) ?? [0, 0];
    return before + tokens;
  },

  // The tokens that have come.
  written: (data, way, text, step) =>
    data.calls[way]
      .slice(0, step + 1)
      .map(({ came }) => came[text] ?? "")
      .join(""),

  // --- Drawing -------------------------------------------------------------------------

  draw(data, state) {
    const rows = 16;
    const top = 28;
    const memory = top + rows * data.texts.length + 34;
    const words = memory + 70;
    const sums = words + 11.5 * data.texts.length + 10;
    return picture(
      sums + 13 * this.ways.length,
      this.describe(data, state),
      this.timeline(data, state, { top, rows, left: 80 }),
      this.memory(data, state, memory),
      this.words(data, state, words),
      this.sums(data, state, sums),
    );
  },

  // A colour of its own for each text; `share` as in `shaded`.
  coloured: (text, share, attributes) =>
    tag("rect", {
      class: "shaded hued",
      style: `--share: ${share}%; --hue: ${[210, 25, 130, 290, 50, 340][text]}`,
      ...attributes,
    }),

  timeline(data, { way, step }, { top, rows, left }) {
    const count = data.calls[way].length;
    const width = (340 - left) / count;
    const small = { class: "faint", "font-size": 9 };
    const end = { ...small, "text-anchor": "end" };
    const heads = [
      label(0, 10, "text", small),
      label(54, 10, "prompt", end),
      label(74, 10, "new", end),
      label(left, 10, "calls of the model", small),
      label(left + (step + 0.5) * width, top - 4, step + 1, {
        class: "strong",
        "text-anchor": step < 2 ? "start" : step > count - 3 ? "end" : "middle",
        "font-size": 9,
      }),
    ];
    const lines = data.texts.map(({ prompt, new: tokens }, text) => {
      const y = top + text * rows;
      const cells = data.calls[way].map((_, i) =>
        tag(
          "g",
          { opacity: i > step ? 0.3 : undefined },
          this.cell(this.doing(data, way, text, i), text, {
            x: left + i * width,
            y: y + 1.5,
            width,
            height: rows - 3,
          }),
        ),
      );
      return [
        label(6, y + 11.5, text + 1, { class: "strong" }),
        label(54, y + 11.5, prompt, end),
        label(74, y + 11.5, tokens, end),
        cells,
      ];
    });
    const height = rows * data.texts.length;
    const column = { y: top, width, height, "pointer-events": "all", fill: "none" };
    const touched = data.calls[way].map((_, i) =>
      tag("rect", {
        ...column,
        x: left + i * width,
        "data-touch": "step",
        "data-value": i,
      }),
    );
    const now = { x: left + step * width, y: top, width, height, class: "frame" };
    return [
      heads,
      lines,
      tag("rect", now),
      touched,
      this.legend(left, top + height + 14),
    ];
  },

  // Reading is full and framed, writing is light, a pause is empty, waiting is a line.
  cell(doing, text, { x, y, width, height }) {
    const box = { x: x + 0.4, y, width: width - 0.8, height };
    const middle = { x1: x, x2: x + width, y1: y + height / 2, y2: y + height / 2 };
    if (doing === "reads") {
      return [
        this.coloured(text, 100, box),
        tag("rect", { ...box, class: "line", "stroke-width": 0.8 }),
      ];
    }
    if (doing === "writes") return this.coloured(text, 40, box);
    if (doing === "pauses") return tag("rect", { ...box, class: "faint-line" });
    if (doing === "waits") {
      return tag("line", { ...middle, class: "faint-line", "stroke-dasharray": "2 2" });
    }
    return "";
  },

  legend(left, y) {
    const words = { class: "faint", "font-size": 9 };
    const kinds = [
      ["reads", "reads a prompt", 0],
      ["writes", "a token", 84],
      ["pauses", "pauses", 138],
      ["waits", "waits", 190],
    ];
    return kinds.map(([doing, said, x]) => [
      this.cell(doing, 0, { x: left + x, y: y - 8, width: 10, height: 9 }),
      label(left + x + 13, y, said, words),
    ]);
  },

  // The pages: whose they are, and how full.
  memory(data, { way, step }, y) {
    const { pages, kept } = data.calls[way][step];
    const each = 340 / data.pages;
    const small = { class: "faint", "font-size": 9 };
    const middle = { "text-anchor": "middle" };
    const boxes = Array.from({ length: data.pages }, (_, i) => {
      const page = i + 1;
      const [x, width] = [i * each + 1, each - 2];
      const all = data.texts.map((_, text) => text);
      const owners = all.filter((text) => pages[text]?.includes(page));
      const full = Math.max(
        0,
        ...owners.map((text) => this.inPage(data, way, text, step, page)),
      );
      const tall = 34;
      const box = { x, y: y + 6, width, height: tall };
      const share = width / Math.max(owners.length, 1);
      const fills = owners.map((text, k) =>
        this.coloured(text, 40, {
          x: x + k * share,
          y: y + 6 + tall * (1 - full / data.page_size),
          width: share,
          height: (tall * full) / data.page_size,
        }),
      );
      const said = owners.length
        ? owners.map((text) => text + 1).join(" and ")
        : kept.includes(page)
          ? "kept"
          : "free";
      const look = owners.length ? {} : { "stroke-dasharray": "3 2" };
      return [
        fills,
        tag("rect", { ...box, ...look, class: owners.length ? "line" : "faint-line" }),
        label(x + 3, y + 15, page, { ...small, "font-size": 8 }),
        label(x + width / 2, y + 27, said, {
          ...middle,
          class: owners.length ? "strong" : "faint",
        }),
        label(x + width / 2, y + 50, owners.length ? full : "", { ...small, ...middle }),
      ];
    });
    const line = "pages of memory, the texts that hold them, and the tokens in them";
    return [label(0, y, line, small), boxes];
  },

  // How many tokens of a text are in one of its pages.
  inPage(data, way, text, step, page) {
    const before = data.calls[way][step].pages[text].indexOf(page) * data.page_size;
    const tokens = this.held(data, way, text, step) - before;
    return Math.min(Math.max(tokens, 0), data.page_size);
  },

  // The end of each prompt, and what has been written.
  words(data, { way, step }, y) {
    const size = { "font-size": 8.5 };
    return data.texts.map(({ words }, text) => {
      const doing = this.doing(data, way, text, step);
      const prompt = words.length > 14 ? `…${words.slice(-13)}` : words;
      const tokens = visible(this.written(data, way, text, step));
      const line = { y: y + text * 11.5, class: "faint mono", ...size };
      return [
        label(6, line.y, text + 1, { class: "strong", "font-size": 9 }),
        doing === "absent" || label(98, line.y, prompt, { ...line, "text-anchor": "end" }),
        label(102, line.y, tokens, { ...size, class: "mono" }),
      ];
    });
  },

  // For how many calls a text pauses at most.
  longestPause(data, way) {
    const pauses = data.texts.flatMap((_, text) => {
      let length = 0;
      return data.calls[way].map((_, step) =>
        this.doing(data, way, text, step) === "pauses" ? (length += 1) : (length = 0),
      );
    });
    return Math.max(...pauses);
  },

  // How many calls each way takes, and how long a text pauses in it.
  sums(data, { way, step }, y) {
    const most = Math.max(...this.ways.map(([name]) => data.calls[name].length));
    const [left, right] = [102, 240];
    return this.ways.map(([name, said], i) => {
      const count = data.calls[name].length;
      const long = (calls) => ((right - left) * calls) / most;
      const now = name === way;
      const row = y + i * 13;
      const pause = this.longestPause(data, name);
      const paused = pause ? `longest pause ${pause}` : "no pause";
      const kind = { class: now ? "strong" : "faint", "font-size": 9 };
      const bar = { x: left, y: row - 7, height: 8 };
      return [
        label(98, row, said, { ...kind, "text-anchor": "end" }),
        shaded(0, { ...bar, width: long(count) }),
        now && tag("rect", { ...bar, width: long(step + 1), class: "figure" }),
        label(left + long(count) + 4, row, `${count} calls, ${paused}`, kind),
      ];
    });
  },

  // --- Words ---------------------------------------------------------------------------

  describe(data, { way, step }) {
    const call = data.calls[way][step];
    const all = data.texts.map((_, text) => text);
    const those = (kind) => all.filter((text) => this.doing(data, way, text, step) === kind);
    const sentences = [
      ...those("reads").map((text) => this.reading(data, way, text, step)),
      this.together(those("writes"), ["gets its next token", "get their next tokens"]),
      this.together(those("pauses"), ["pauses", "pause"]),
      this.together(those("waits"), ["waits", "wait"]),
      this.together(
        all.filter((text) => this.ends(data, way, text, step)),
        ["ends here", "end here"],
      ),
    ];
    const given = all.flatMap((text) =>
      (call.pages[text] ?? [])
        .filter((page) => !data.calls[way][step - 1]?.pages[text]?.includes(page))
        .filter((page) => !this.shared(data, way, text, step, page))
        .map((page) => `text ${text + 1} gets page ${page}`),
    );
    const pages = given.length ? `Of memory, ${given.join(", ")}.` : "";
    const count = data.calls[way].length;
    return [`Call ${step + 1} of ${count}.`, ...sentences, pages].filter(Boolean).join(" ");
  },

  reading(data, way, text, step) {
    const [before, tokens] = data.calls[way][step].read[text];
    const first = !data.calls[way].slice(0, step).some((call) => call.read[text]);
    const of = `${tokens} of ${data.texts[text].prompt} tokens of its prompt`;
    const kept = `the ${before} before them are in a page that was kept`;
    const why = first && before ? `; ${kept}` : "";
    return `Text ${text + 1} reads ${of}${why}.`;
  },

  // "Texts 1, 2 and 3 pause."
  together(texts, [one, several]) {
    const numbers = texts.map((text) => text + 1);
    if (numbers.length === 0) return "";
    if (numbers.length === 1) return `Text ${numbers[0]} ${one}.`;
    return `Texts ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)} ${several}.`;
  },

  // Whether this call gives a text its last token.
  ends(data, way, text, step) {
    const next = data.calls[way][step + 1];
    return Boolean(data.calls[way][step].read[text]) && !next?.pages[text];
  },

  // Whether what is in a page had been read before this text came.
  shared(data, way, text, step, page) {
    const { read, pages } = data.calls[way][step];
    const at = pages[text].indexOf(page) * data.page_size;
    return Boolean(read[text]) && at < read[text][0] && read[text][0] % data.page_size === 0;
  },
};
