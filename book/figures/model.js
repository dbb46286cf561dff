// GPT-2 in plain JavaScript: what the twelve steps build, for one text.  Read it beside
// the solutions, whose names and shapes it has.
//
// Where a line asks `this.is("...")`, the playground can get it wrong: such a name is that
// of a mistake in the coach's catalogue, see course/mistakes/switches.py.
"use strict";

class GPT2 {
  // Step 1.  `weights`: a Matrix for each of the checkpoint's names, without its
  // "transformer."; linear layers as [out, in].  `broken`: the mistakes to make.
  constructor({ config, weights, broken = [] }) {
    Object.assign(this, config, { weights, broken: new Set(broken) });
    this.head_dim = config.n_embd / config.n_head;
    this.watch = () => {}; // is told what goes through the named parts
  }

  is(mistake) {
    return this.broken.has(mistake);
  }

  // With these, a token is told what comes after it, so what was made of a text is not
  // what is made of it once it has grown: it has to be read anew each time.
  get seesLater() {
    return [
      "no-mask",
      "one-too-many",
      "mask-of-ones",
      "upside-down",
      "across-tokens",
      "heads-by-reshape",
      "merged-by-reshape",
      "over-queries",
      "zeros-after-softmax",
      "backwards",
    ].some((mistake) => this.is(mistake));
  }

  // Step 2.  Query i stands at position old + i, and sees the keys up to its own.
  causalMask(queries, old) {
    const mask = new Matrix(queries, old + queries); // [queries, old + queries]
    let [open, hidden, ahead] = [0, -Infinity, 0];
    if (this.is("no-mask")) hidden = 0;
    if (this.is("one-too-many")) ahead = 1;
    if (this.is("mask-of-ones")) [open, hidden] = [1, 0];
    for (let i = 0; i < queries; i++) {
      const last = old + i + ahead;
      mask.row(i).forEach((_, key, row) => {
        const isHidden = this.is("upside-down") ? key < last : key > last;
        row[key] = isHidden ? hidden : open;
      });
    }
    return mask;
  }

  // Step 3.  Each token's vector to mean 0 and variance 1, then stretched and shifted.
  layerNorm(x, name) {
    const change = (row) => this.normalized(row);
    const normed = this.is("across-tokens")
      ? x.transposed.eachRow(change).transposed
      : x.eachRow(change); // [seq, n_embd]
    if (this.is("no-weight-and-bias")) return normed;
    const weight = this.weights[`${name}.weight`].data; // [n_embd]
    const stretched = normed.eachRow((row) => row.map((number, i) => number * weight[i]));
    return stretched.plus(this.weights[`${name}.bias`]);
  }

  normalized(row) {
    const mean = this.is("not-centered") ? 0 : total(row) / row.length;
    const centered = row.map((number) => number - mean); // [n_embd]
    const dim = this.is("dim-less-1") ? row.length - 1 : row.length;
    const variance = dot(centered, centered) / dim;
    const scale = 1 / Math.sqrt(variance + this.layer_norm_epsilon);
    return this.is("not-divided") ? centered : centered.map((number) => number * scale);
  }

  // Step 4.  Wider, bent, and back.
  mlp(x, name) {
    const wide = this.linear(x, `${name}.c_fc`).map(this.activation); // [seq, inner_dim]
    return this.linear(wide, `${name}.c_proj`); // [seq, n_embd]
  }

  get activation() {
    if (this.is("exact-gelu")) return (x) => (x / 2) * (1 + erf(x / Math.SQRT2));
    if (this.is("quick-gelu")) return (x) => x / (1 + Math.exp(-1.702 * x));
    if (this.is("relu")) return (x) => Math.max(x, 0);
    if (this.is("no-activation")) return (x) => x;
    return gelu;
  }

  // Step 5.  A row for each id.
  tokenEmbedding(ids) {
    const rows = this.weights["wte.weight"].pick(ids); // [seq, n_embd]
    if (this.is("rows-of-length-1")) {
      return rows.eachRow((row) => row.map((number) => number / Math.hypot(...row)));
    }
    return this.is("tokens-scaled") ? rows.times(Math.sqrt(this.n_embd)) : rows;
  }

  // Step 6.  A row for each position.
  positionEmbedding(positions) {
    const last = this.n_positions - 1;
    if (this.is("rows-in-reverse")) positions = positions.map((p) => last - p);
    const rows = this.weights["wpe.weight"].pick(positions); // [seq, n_embd]
    if (this.is("zeros-at-0") && positions[0] === 0) rows.row(0).fill(0);
    return rows;
  }

  // Step 7.  Every token collects values from itself and from those before it.
  attention(x, layer, cache) {
    const width = this.n_embd;
    const qkv = this.linear(x, `h.${layer}.attn.c_attn`); // [seq, 3 * n_embd]
    const thirds = [0, 1, 2].map((part) => qkv.cut(part * width, (part + 1) * width));
    let [q, k, v] = thirds; // [seq, n_embd] each
    if (this.is("thirds-kqv")) [k, q, v] = thirds;
    if (this.is("thirds-qvk")) [q, v, k] = thirds;
    const [queries, newKeys, newValues] = [q, k, v].map((part) => this.splitHeads(part));
    const mask = this.causalMask(x.rows, cache.length); // [q_len, k_len]
    const weights = []; // of each head [q_len, k_len]
    const found = queries.map((query, head) => {
      const [keys, values] = cache.grown(layer, head, newKeys[head], newValues[head]);
      weights.push(this.attentionWeights(query, keys, mask));
      const collected = this.is("keys-for-values") ? keys : values; // [k_len, head_dim]
      return weights[head].matmul(collected); // [q_len, head_dim]
    });
    this.watch(`h.${layer}.attn.weights`, weights);
    const merged = this.mergeHeads(found); // [seq, n_embd]
    return this.is("no-c-proj") ? merged : this.linear(merged, `h.${layer}.attn.c_proj`);
  }

  // [seq, n_embd] to n_head times [seq, head_dim].
  splitHeads(x) {
    const { head_dim, n_head } = this;
    const rows = x.reshaped(n_head * x.rows, head_dim);
    return Array.from({ length: n_head }, (_, head) =>
      this.is("heads-by-reshape")
        ? rows.slice(head * x.rows, (head + 1) * x.rows)
        : x.cut(head * head_dim, (head + 1) * head_dim),
    );
  }

  // n_head times [seq, head_dim] to [seq, n_embd].
  mergeHeads(heads) {
    if (this.is("merged-by-reshape")) {
      return Matrix.stacked(heads).reshaped(heads[0].rows, this.n_embd);
    }
    return Matrix.beside(heads);
  }

  // How much each query attends to each key: [q_len, k_len].
  attentionWeights(q, k, mask) {
    let scale = 1 / Math.sqrt(this.head_dim);
    if (this.is("not-scaled")) scale = 1;
    if (this.is("without-the-root")) scale = 1 / this.head_dim;
    if (this.is("opposite-sign")) scale = -scale;
    const scores = q.matmulTransposed(k).times(scale); // [q_len, k_len]
    const masked = scores.plus(mask);
    if (this.is("zeros-after-softmax")) {
      const open = mask.data.map(Math.exp);
      return scores.eachRow(softmax).map((share, i) => share * open[i]);
    }
    if (this.is("over-queries")) return masked.transposed.eachRow(softmax).transposed;
    if (this.is("sigmoid")) return masked.map((score) => 1 / (1 + Math.exp(-score)));
    return masked.eachRow(softmax);
  }

  // Step 8.  The sublayer adds to the stream.
  residual(x, norm, sublayer) {
    if (this.is("sum-normalized")) return norm(x.plus(sublayer(x)));
    const found = sublayer(norm(x)); // [seq, n_embd]
    if (this.is("not-added")) return found;
    if (this.is("subtracted")) return x.plus(found.times(-1));
    const sum = x.plus(found); // [seq, n_embd]
    return this.is("halved") ? sum.times(0.5) : sum;
  }

  // Step 9.  Attention, then the MLP, each behind a layer norm of its own.
  block(x, layer, cache) {
    const name = `h.${layer}`;
    const norms = { attn: `${name}.ln_1`, mlp: `${name}.ln_2` };
    if (this.is("norms-exchanged")) [norms.attn, norms.mlp] = [norms.mlp, norms.attn];
    const sublayers = {
      attn: (rows) => this.attention(rows, layer, cache),
      mlp: (rows) => this.mlp(rows, `${name}.mlp`),
    };
    let order = ["attn", "mlp"];
    if (this.is("mlp-first")) order = ["mlp", "attn"];
    if (this.is("no-attention")) order = order.filter((part) => part !== "attn");
    if (this.is("no-mlp")) order = order.filter((part) => part !== "mlp");
    const start = x;
    for (const part of order) {
      const seen = (rows) => (this.is("side-by-side") ? start : rows);
      const norm = (rows) => this.layerNorm(seen(rows), norms[part]);
      x = this.residual(x, norm, sublayers[part]); // [seq, n_embd]
      this.watch(`${name}.${part}`, x);
    }
    return x;
  }

  // Step 10.  Embeddings open the stream, the blocks add to it, a layer norm closes it.
  transformer(ids, cache) {
    const { length } = cache;
    let positions = ids.map((_, i) => length + i);
    if (this.is("backwards")) positions = [...positions].reverse();
    if (this.is("one-position")) positions = positions.map(() => 0);
    let x = this.tokenEmbedding(ids); // [seq, n_embd]
    if (!this.is("no-positions")) x = x.plus(this.positionEmbedding(positions));
    this.watch("embeddings", x);
    let layers = Array.from({ length: this.n_layer }, (_, layer) => layer);
    if (this.is("reversed")) layers = [...layers].reverse();
    if (this.is("first-block-only")) layers = [0];
    for (const layer of layers) x = this.block(x, layer, cache); // [seq, n_embd]
    cache.length += ids.length;
    return this.closed(x); // [seq, n_embd]
  }

  closed(x) {
    if (this.is("no-ln-f")) return x;
    const normed = this.layerNorm(x, "ln_f"); // [seq, n_embd]
    return this.is("ln-f-twice") ? this.layerNorm(normed, "ln_f") : normed; // step 11
  }

  // Step 11.  Each vector is compared with every row of the token table.
  head(hidden) {
    const logits = hidden.matmulTransposed(this.weights["wte.weight"]); // [seq, vocab_size]
    if (this.is("scaled-down")) return logits.times(1 / Math.sqrt(this.n_embd));
    if (this.is("scaled-up")) return logits.times(Math.sqrt(this.n_embd));
    if (this.is("capped")) return logits.map((logit) => 30 * Math.tanh(logit / 30));
    return logits;
  }

  // The whole model: the logits [seq, vocab_size] of what follows each of the ids.  What
  // stands in front of them has been read into the cache.
  logits(ids, cache = new KVCache(this)) {
    const hidden = this.transformer(ids, cache); // [seq, n_embd]
    return this.head(this.is("embeddings-compared") ? this.tokenEmbedding(ids) : hidden);
  }

  // x @ weight.T + bias.
  linear(x, name) {
    const { [`${name}.weight`]: weight, [`${name}.bias`]: bias } = this.weights;
    return x.matmulTransposed(weight).plus(bias);
  }
}

// Keys and values of what has been read, so that it need not be read again.
class KVCache {
  constructor({ n_layer, n_head, n_positions, head_dim }) {
    this.length = 0; // tokens that have been read
    const room = () => ({
      keys: new Matrix(n_positions, head_dim),
      values: new Matrix(n_positions, head_dim),
    });
    this.stores = Array.from({ length: n_layer }, () =>
      Array.from({ length: n_head }, room),
    );
  }

  // Keeps new keys and values, and gives all of them: [length + seq, head_dim] each.
  grown(layer, head, keys, values) {
    const store = this.stores[layer][head];
    const end = this.length + keys.rows;
    store.keys.data.set(keys.data, this.length * keys.columns);
    store.values.data.set(values.data, this.length * values.columns);
    return [store.keys.slice(0, end), store.values.slice(0, end)];
  }
}
