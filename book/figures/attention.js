// One head at work, in four stages: scores, mask, softmax, and the weighted sum.
"use strict";

figures["attention"] = {
  stages: [
    ["scores", "1. scores"],
    ["masked", "2. masked"],
    ["softmax", "3. softmax"],
    ["sum", "4. weighted sum"],
  ],

  start: () => ({ layer: 0, head: 2, query: 7, stage: "softmax" }),

  act: (data, state, name, value) => ({
    ...state,
    [name]: name === "stage" ? value : Number(value),
  }),

  controls(data, state) {
    const range = (name, label, count, text) => {
      return { kind: "range", name, label, min: 0, max: count - 1, ...text };
    };
    const token = { text: visible(data.tokens[state.query]), value: state.query };
    const { layer, head, stage } = state;
    const stages = { options: this.stages, value: stage };
    return [
      { kind: "choice", name: "stage", label: "Stage", ...stages },
      range("layer", "Layer", data.scores.length, { value: layer }),
      range("head", "Head", data.scores[0].length, { value: head }),
      range("query", "Query", data.tokens.length, token),
    ];
  },

  // The head's numbers at each stage: scores and weights as [query][key], the values
  // as [key][head_dim], and what each query collects of them as [query][head_dim].
  numbers(data, { layer, head }) {
    const scores = data.scores[layer][head];
    const values = data.values[layer][head];
    const masked = causal(scores);
    const weights = masked.map((row) => softmax(row));
    const collected = weights.map((row) =>
      values[0].map((_, i) => dot(row, values.map((value) => value[i]))),
    );
    return { scores, masked, softmax: weights, values, collected };
  },

  draw(data, state) {
    const stage = state.stage === "sum" ? this.sum : this.matrix;
    return picture(336, this.describe(data, state), stage.call(this, data, state));
  },

  // --- Stages 1 to 3: a square of numbers, a row for each query ---------------------

  matrix(data, state) {
    const numbers = this.numbers(data, state)[state.stage];
    const finite = numbers.flat().filter((number) => number > -Infinity);
    const largest = Math.max(...finite.map(Math.abs));
    return querySquare(data.tokens, state.query, (query, key, place) => {
      const hidden = key > query && state.stage !== "scores";
      return this.cell(state.stage, hidden, numbers[query][key], largest, place);
    });
  },

  // A number in its square; below 0 in the other colour, and with its sign.
  cell(stage, hidden, number, largest, place) {
    const kind = hidden ? " blocked" : number < 0 ? " other-shade" : "";
    const share = hidden ? 0 : Math.abs(number) / largest;
    const percents = Math.round(100 * number);
    const score = number === -Infinity ? "\u2212\u221e" : signed(number, 1);
    const text = stage === "softmax" ? percents || "" : score;
    const words = { "text-anchor": "middle", "font-size": 9 };
    const [x, y] = [place.x + place.width / 2, place.y + place.height * 0.62];
    return [
      shaded(0.55 * share, { ...place, class: `shaded${kind}` }), // pale under text
      label(x, y, text, words),
    ];
  },

  // --- Stage 4: strips of head_dim numbers ------------------------------------------

  sum(data, state) {
    const { softmax: weights, values, collected } = this.numbers(data, state);
    const shares = weights[state.query];
    const largest = Math.max(...values.flat().map(Math.abs));
    const [top, height] = [26, 28];
    const rows = values.map((value, key) => {
      const middle = top + (key + 0.5) * height;
      const future = key > state.query;
      const words = { "text-anchor": "end", class: future ? "faint" : undefined };
      return [
        label(44, middle + 3, visible(data.tokens[key]), words),
        label(82, middle + 3, future ? "hidden" : percent(shares[key]), words),
        this.strip(value, largest, middle, 0.3),
        this.strip(value.map((x) => shares[key] * x), largest, middle, 1),
      ];
    });
    const middle = top + (values.length + 0.5) * height + 10;
    const line = { x1: 0, x2: 340, y1: middle - 18, y2: middle - 18, class: "line" };
    const end = { "text-anchor": "end" };
    const most = this.furthest(collected[state.query]);
    const x = 90 + ((most + 0.5) * 250) / values[0].length;
    return [
      label(0, 12, "key", { class: "faint" }),
      label(82, 12, "weight", { ...end, class: "faint" }),
      label(90, 12, `pale: value, ${values[0].length} numbers; full: weight × value`, {
        class: "faint",
      }),
      rows,
      tag("line", line),
      label(82, middle + 3, `${visible(data.tokens[state.query])}: sum`, {
        ...end,
        class: "strong",
      }),
      this.strip(collected[state.query], largest, middle, 1),
      label(x, middle + 22, most, { "text-anchor": "middle", class: "faint" }),
    ];
  },

  strip(numbers, largest, middle, opacity) {
    const place = { left: 90, right: 340, middle, gap: 1, class: "figure", opacity };
    return signedBars(numbers, (number) => (13 * number) / largest, place);
  },

  // Which of these numbers is furthest from 0.
  furthest(numbers) {
    const sizes = numbers.map(Math.abs);
    return sizes.indexOf(Math.max(...sizes));
  },

  // --- In words ---------------------------------------------------------------------

  describe(data, state) {
    const { scores, softmax: weights, values, collected } = this.numbers(data, state);
    const { query, stage } = state;
    const token = `"${visible(data.tokens[query])}"`;
    const name = (key) => `"${visible(data.tokens[key])}"`;
    const row = weights[query];
    const best = row.indexOf(Math.max(...row));
    const place = `Layer ${state.layer}, head ${state.head}`;
    if (stage === "scores") {
      const highest = scores[query].indexOf(Math.max(...scores[query]));
      return (
        `${place}: each score is query · key / sqrt(${values[0].length}). The query ` +
        `of ${token} agrees most with the key of ${name(highest)}, ` +
        `${signed(scores[query][highest])}. Nothing is hidden yet.`
      );
    }
    if (stage === "masked") {
      const hidden = data.tokens.length - 1 - query;
      return (
        `${place}: the mask puts minus infinity in place of every score whose key ` +
        `comes after its query. ${token} loses ${hidden} of ${data.tokens.length} keys.`
      );
    }
    if (stage === "softmax") {
      const before = weights.slice(1).map((shares, i) => shares[i]);
      const average = total(before) / before.length;
      return (
        `${place}, in percent: each row sums to 100. ${token} reads most of ` +
        `${name(best)}, ${percent(row[best])}. The queries of this head give ` +
        `${percent(average)} on average to the token right before them.`
      );
    }
    const most = this.furthest(collected[query]);
    const found = signed(collected[query][most]);
    const part = `${percent(row[best])} of ${signed(values[best][most])}`;
    const others = query > 0 ? ", and the shares of the others" : "";
    return (
      `${place}: ${token} collects the values, each as much as its weight says, and ` +
      `adds them up. Number ${most} of the sum, ${found}, is ` +
      `${part} from ${name(best)}${others}.`
    );
  },
};
