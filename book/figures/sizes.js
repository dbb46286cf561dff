// Where are the parameters of a GPT-2, and what do they weigh?
"use strict";

figures.sizes = {
  start: () => ({ model: "gpt2" }),

  controls: (data, state) => [
    {
      kind: "choice",
      name: "model",
      label: "Model",
      options: data.models.map(({ name }) => [name, name]),
      value: state.model,
    },
  ],

  // The parts of a model: how each is made up, and the number of its parameters.
  parts(config) {
    const { vocab_size, n_positions, n_embd, n_layer, inner_dim } = config;
    const linear = (from, to) => from * to + to; // weights and biases
    const attention = linear(n_embd, 3 * n_embd) + linear(n_embd, n_embd);
    const mlp = linear(n_embd, inner_dim) + linear(inner_dim, n_embd);
    const norm = 2 * n_embd;
    const blocks = `${n_layer} ${n_layer === 1 ? "block" : "blocks"}`;
    return [
      {
        name: "wte",
        from: `token table, ${grouped(vocab_size)} × ${grouped(n_embd)}`,
        count: vocab_size * n_embd,
      },
      {
        name: "wpe",
        from: `position table, ${grouped(n_positions)} × ${grouped(n_embd)}`,
        count: n_positions * n_embd,
      },
      {
        name: "attn",
        from: `attention, ${blocks} × ${grouped(attention)}`,
        count: n_layer * attention,
      },
      {
        name: "mlp",
        from: `MLP, ${blocks} × ${grouped(mlp)}`,
        count: n_layer * mlp,
      },
      {
        name: "ln",
        from: `${2 * n_layer + 1} layer norms × ${grouped(norm)}`,
        count: (2 * n_layer + 1) * norm,
      },
    ];
  },

  total: (parts) => parts.reduce((sum, { count }) => sum + count, 0),

  // The tables in one colour, what stands in the blocks in the other.
  bar(part, attributes) {
    const looks = {
      wte: [0.5, "shaded other-shade"],
      wpe: [0.25, "shaded other-shade"],
      attn: [0.25, "shaded"],
      mlp: [0.55, "shaded"],
      ln: [0, "shaded blocked"],
    };
    const [share, look] = looks[part.name];
    return shaded(share, { ...attributes, height: 12, class: look });
  },

  // A part of the chosen model: two lines of numbers above a bar.
  row(part, total, y) {
    const share = part.count / total;
    const end = { "text-anchor": "end" };
    return [
      label(0, y, part.name, { class: "strong" }),
      label(30, y, part.from, { class: "faint", "font-size": 9 }),
      label(272, y, grouped(part.count), end),
      label(340, y, bytes(4 * part.count), end),
      shaded(0, { x: 0, y: y + 5, width: 296, height: 12 }),
      this.bar(part, { x: 0, y: y + 5, width: Math.max(296 * share, 0.5) }),
      label(340, y + 15, share < 0.001 ? "< 0.1%" : percent(share), end),
    ];
  },

  // A whole model as one strip: the same parts, side by side.
  strip(config, chosen, y) {
    const parts = this.parts(config);
    const total = this.total(parts);
    let x = 72;
    const pieces = parts.map((part) => {
      const width = (224 * part.count) / total;
      const middle = x + width / 2;
      const words = { "text-anchor": "middle", "font-size": 8.5 };
      const share = `${Math.round((100 * part.count) / total)}%`;
      const piece = this.bar(part, { x, y, width });
      x += width;
      return [piece, width > 22 ? label(middle, y + 9.3, share, words) : ""];
    });
    const reach = { x: 0, y: y - 1, width: 340, height: 14, fill: "none" };
    return [
      label(0, y + 10, config.name, { class: chosen ? "strong" : undefined }),
      pieces,
      label(340, y + 10, this.short(total), { "text-anchor": "end" }),
      chosen ? tag("rect", { x: 72, y, width: 224, height: 12, class: "frame" }) : "",
      tag("rect", {
        ...reach,
        "pointer-events": "all",
        "data-touch": "model",
        "data-value": config.name,
      }),
    ];
  },

  // 124439808 is "124M", as the model is called.
  short(count) {
    if (count < 1e6) return grouped(count);
    const millions = count / 1e6;
    return `${millions < 10 ? millions.toFixed(1) : Math.round(millions)}M`;
  },

  chosen: (data, state) => data.models.find(({ name }) => name === state.model),

  draw(data, state) {
    const parts = this.parts(this.chosen(data, state));
    const total = this.total(parts);
    const faint = { class: "faint", "font-size": 9 };
    const end = { ...faint, "text-anchor": "end" };
    const strong = { class: "strong" };
    const sum = { ...strong, "text-anchor": "end" };
    return picture(
      326,
      this.describe(data, state),
      label(0, 10, state.model, strong),
      label(272, 10, "parameters", end),
      label(340, 10, "in float32", end),
      parts.map((part, place) => this.row(part, total, 27 + 35 * place)),
      label(0, 203, "together", strong),
      label(272, 203, grouped(total), sum),
      label(340, 203, bytes(4 * total), sum),
      label(0, 226, "all models, each as 100%", faint),
      label(340, 226, "parameters", end),
      data.models.map((config, place) =>
        this.strip(config, config.name === state.model, 233 + 15.5 * place),
      ),
    );
  },

  describe(data, state) {
    const config = this.chosen(data, state);
    const parts = this.parts(config);
    const total = this.total(parts);
    const [wte, wpe, attention, mlp] = parts.map(({ count }) => count / total);
    const blocks = config.n_layer === 1 ? "one block" : `${config.n_layer} blocks`;
    return (
      `${state.model} has ${blocks}, a width of ${grouped(config.n_embd)} and ` +
      `${grouped(total)} parameters: ${bytes(4 * total)} in float32. The two tables ` +
      `wte and wpe hold ${percent(wte + wpe)} of them, the attention ` +
      `${percent(attention)}, the MLP ${percent(mlp)}.`
    );
  },
};
