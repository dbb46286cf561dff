// What happens in a model while it reads, and how well it reads.
"use strict";

// How many bits it takes to be told a token, by the logits that spoke for it; also where
// its share is too small for a float.
function surprise(logits, id) {
  const largest = Math.max(...logits);
  const sum = total(Array.from(logits, (logit) => Math.exp(logit - largest)));
  return (Math.log(sum) + largest - logits[id]) / Math.LN2;
}

// How unsure somebody is who expects these shares, in bits.
function entropy(shares) {
  return total(shares.map((share) => (share > 0 ? share * bitsOf(share) : 0)));
}

// How a text was read: after each of its tokens but the last, how unsure the model was
// of the next, and how surprised by the one that came.  `ids` fit into the context.
function surprises(model, ids) {
  return expectations(model, ids.slice(0, -1)).map((logits, i) => ({
    bits: surprise(logits, ids[i + 1]),
    unsure: entropy(softmax(logits)),
  }));
}

// The logits [vocab_size] by which each next token would be drawn, at temperature 1.
function expectations(model, ids) {
  const plain = { temperature: 1, top_k: 0, top_p: 1, min_p: 0 };
  const together = model.is("only-last-token") ? null : model.logits(ids);
  const rows = ids.map((id, i) => together?.row(i) ?? model.logits([id]).row(0));
  return rows.map((_, i) => {
    const row = rows[model.is("last-but-one") ? Math.max(0, i - 1) : i];
    return chosenFrom(row, plain, model).at(-1)[1];
  });
}

// Everything about one text, read at once.
class Inside {
  constructor(model, ids) {
    Object.assign(this, { model, ids });
    this.stages = []; // [name, stream [seq, n_embd]]: the stream after each part
    this.weights = []; // of each layer, of each head, [seq, seq]
    model.watch = (name, found) => {
      const layer = name.match(/^h\.(\d+)\.attn\.weights$/)?.[1];
      if (layer) this.weights[layer] = found;
      else this.stages.push([name, found]);
    };
    model.logits(ids);
    model.watch = () => {};
  }

  // What would be said after token `place` if each part were the last one: the final
  // norm and the head, on the stream as it is there.  `next` is the token that came.
  lens(place, next) {
    return this.stages.map(([name, stream]) => {
      const closed = this.model.closed(stream).slice(place, place + 1); // [1, n_embd]
      const shares = softmax(this.model.head(closed).row(0));
      return { name, best: likeliest(shares, 3), share: shares[next] };
    });
  }
}
