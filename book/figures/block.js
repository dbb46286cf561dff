// One block as a diagram: the stream on one side, what reads it and adds to it on the
// other, and how long one token's vector is at each stage.
"use strict";

figures["block"] = {
  // Those on the stream are circles, the others boxes beside it.
  stages: [
    { name: "x", sign: "x", stream: true },
    { name: "ln_1", sign: "ln_1" },
    { name: "attn", sign: "attn" },
    { name: "x + attn", sign: "+", stream: true },
    { name: "ln_2", sign: "ln_2" },
    { name: "mlp", sign: "mlp" },
    { name: "+ mlp", sign: "+", stream: true },
  ],

  start: () => ({ layer: 0, token: 2, stage: 3 }),

  act: (data, state, name, value) => ({ ...state, [name]: Number(value) }),

  controls(data, { layer, token, stage }) {
    const range = (name, label, count, value, text) => {
      return { kind: "range", name, label, min: 0, max: count - 1, value, text };
    };
    const name = this.stages[stage].name;
    const word = visible(data.tokens[token]);
    return [
      range("stage", "Stage", this.stages.length, stage, name),
      range("layer", "Block", data.norms.length, layer, `h.${layer}`),
      range("token", "Token", data.tokens.length, token, word),
    ];
  },

  // --- The diagram ------------------------------------------------------------------

  at: (stage) => 34 + 44 * stage,

  draw(data, state) {
    const longest = Math.max(...data.norms.flat(2));
    const scaled = (length) => (125 * length) / longest;
    const bottom = this.at(6) + 40;
    const wide = "stroke-width: 4";
    const faint = { class: "faint" };
    const whose = visible(data.tokens[state.token]);
    return picture(
      bottom + 14,
      this.describe(data, state),
      label(30, 8, "the stream", { ...faint, "text-anchor": "middle" }),
      label(160, 8, `shape, and length of "${whose}"`, faint),
      tag("path", { d: `M30 14 V${bottom}`, class: "figure-line", style: wide }),
      tag("path", { d: `M30 ${bottom + 6} l-5 -9 h10 z`, class: "figure" }),
      [0, 3].map((stage) => this.branch(stage)),
      this.stages.map((_, stage) => this.stage(data, state, stage, scaled)),
      label(46, bottom + 4, this.leads(data, state), { ...faint, "font-size": 9 }),
    );
  },

  leads: (data, { layer }) =>
    layer + 1 < data.norms.length ? `to h.${layer + 1}` : "to ln_f",

  // From the stream through two boxes and back to the sum.
  branch(stage) {
    const [start, end] = [this.at(stage) + 20, this.at(stage + 3)];
    return [
      tag("path", { d: `M30 ${start} H105 V${end} H42`, class: "line" }),
      tag("path", { d: `M50 ${end - 5} L42 ${end} l8 5`, class: "line" }),
    ];
  },

  stage(data, state, stage, scaled) {
    const { sign, stream } = this.stages[stage];
    const y = this.at(stage);
    const chosen = stage === state.stage;
    const length = data.norms[state.layer][stage][state.token];
    const middle = stream ? 30 : 105;
    const kind = { "text-anchor": "middle", class: chosen && "strong" };
    const shape = stream
      ? tag("circle", { cx: 30, cy: y, r: 11, class: "node" })
      : tag("rect", { x: 75, y: y - 13, width: 60, height: 26, rx: 4, class: "node" });
    const inner = this.inner(data, stage);
    const reach = { x: 0, y: y - 19, width: 340, height: 38, fill: "none" };
    const touch = { "pointer-events": "all", "data-hover": "stage" };
    const bar = { x: 160, y: y + 2, width: scaled(length), height: 9 };
    return [
      shape,
      label(middle, y + 4, sign, { ...kind, "font-size": stream ? 13 : 11 }),
      label(160, y - 4, this.shape(data), { class: chosen ? "strong" : "faint" }),
      inner && label(230, y - 4, `inside ${inner}`, { class: "faint" }),
      tag("rect", { ...bar, class: stream ? "figure" : "other" }),
      label(164 + scaled(length), y + 11, length.toFixed(1)),
      chosen && tag("rect", { ...reach, x: 1, width: 338, class: "frame" }),
      tag("rect", { ...reach, ...touch, "data-value": stage }),
    ];
  },

  shape: ({ tokens, sizes }) => `[1, ${tokens.length}, ${sizes.n_embd}]`,

  // The shape between the two ends of a sublayer.
  inner({ tokens, sizes }, stage) {
    const { n_head, head_dim, inner_dim } = sizes;
    if (stage === 2) return `[1, ${n_head}, ${tokens.length}, ${head_dim}]`;
    if (stage === 5) return `[1, ${tokens.length}, ${inner_dim}]`;
    return "";
  },

  // --- In words ---------------------------------------------------------------------

  describe(data, { layer, token, stage }) {
    const lengths = data.norms[layer].map((row) => row[token].toFixed(1));
    const { n_embd, n_head, inner_dim } = data.sizes;
    const word = `"${visible(data.tokens[token])}"`;
    const sum = (before, part) =>
      `The sum: ${lengths[before]} on the stream and ${lengths[part]} from ` +
      `${this.stages[part].name} make ${lengths[stage]}, as the two do not point in ` +
      `the same direction. The shape stays ${this.shape(data)}.`;
    const read = `It only reads the stream, whose ${word} stays as it is.`;
    return [
      `What enters block ${layer}: [batch, seq, n_embd] is ${this.shape(data)}. ` +
        `The vector of ${word} has ${n_embd} numbers and the length ${lengths[0]}.`,
      `ln_1 brings ${word} from length ${lengths[0]} to ${lengths[1]}. ${read}`,
      `attn lets ${word} read itself and the tokens before it, with ${n_head} ` +
        `heads, ${this.inner(data, 2)}. What they find has length ${lengths[2]}.`,
      sum(0, 2),
      `ln_2 brings ${word} from length ${lengths[3]} to ${lengths[4]}. ${read}`,
      `mlp works on ${word} alone: ${n_embd} numbers become ${inner_dim}, and these ` +
        `${n_embd} again, a vector of length ${lengths[5]}.`,
      `${sum(3, 5)} It goes ${this.leads(data, { layer })}.`,
    ][stage];
  },
};
