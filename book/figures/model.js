// GPT-2 once more, in plain JavaScript: what the twelve steps build, for one text, with
// lists of numbers for tensors.  Slow, and quick enough for 4,000 parameters.
"use strict";

class GPT2 {
  // `weights` by the checkpoint's names, linear layers as [out, in].
  constructor({ config, weights }) {
    Object.assign(this, config, { weights });
    this.headDim = config.n_embd / config.n_head;
  }

  // Step 3: mean 0 and variance 1, then stretched and shifted.
  layerNorm(x, name) {
    const mean = total(x) / x.length;
    const variance = total(x.map((number) => (number - mean) ** 2)) / x.length;
    const scale = 1 / Math.sqrt(variance + this.layer_norm_epsilon);
    const [weight, bias] = this.pair(name);
    return x.map((number, i) => (number - mean) * scale * weight[i] + bias[i]);
  }

  // Step 4: wider, bent, and back.
  mlp(x, name) {
    const wide = this.linear(x, `${name}.c_fc`).map(gelu);
    return this.linear(wide, `${name}.c_proj`);
  }

  // Step 7: every token collects values from itself and from those before it.
  attention(rows, name) {
    const qkv = rows.map((x) => this.linear(x, `${name}.c_attn`));
    return qkv.map((_, query) => {
      const found = Array.from({ length: this.n_head }, (_, head) =>
        this.attend(qkv.slice(0, query + 1), head),
      );
      return this.linear(found.flat(), `${name}.c_proj`);
    });
  }

  // What one head finds for the last of these tokens.  Those after it are not among
  // them: that is the causal mask.
  attend(qkv, head) {
    const slice = (row, part) => {
      const start = part * this.n_embd + head * this.headDim;
      return row.slice(start, start + this.headDim);
    };
    const query = slice(qkv.at(-1), 0);
    const scores = qkv.map((row) => dot(query, slice(row, 1)) / this.headDim ** 0.5);
    const shares = softmax(scores);
    const values = qkv.map((row) => slice(row, 2));
    return query.map((_, i) => dot(shares, values.map((value) => value[i])));
  }

  // Steps 8 and 9: each sublayer adds to the stream.
  block(rows, name) {
    const normalized = rows.map((x) => this.layerNorm(x, `${name}.ln_1`));
    const found = this.attention(normalized, `${name}.attn`);
    return rows.map((row, i) => {
      const x = added(row, found[i]);
      return added(x, this.mlp(this.layerNorm(x, `${name}.ln_2`), `${name}.mlp`));
    });
  }

  // Steps 5, 6, 10 and 11: the logits [vocab_size] of what follows the ids.
  logits(ids) {
    const [wte, wpe] = [this.weights["wte.weight"], this.weights["wpe.weight"]];
    let rows = ids.map((id, position) => added(wte[id], wpe[position]));
    for (let i = 0; i < this.n_layer; i++) rows = this.block(rows, `h.${i}`);
    const last = this.layerNorm(rows.at(-1), "ln_f");
    return wte.map((row) => dot(row, last));
  }

  linear(x, name) {
    const [weight, bias] = this.pair(name);
    return weight.map((row, i) => dot(row, x) + bias[i]);
  }

  pair(name) {
    return [this.weights[`${name}.weight`], this.weights[`${name}.bias`]];
  }
}
