// Step 12: from logits to text, as solutions/solution_12.py and gpt2/generation.py have it.
"use strict";

// Reads texts that grow, or that share a beginning with the one before: what is in the
// cache is not read again.
class Reader {
  constructor(model) {
    this.model = model;
    this.cache = new KVCache(model);
    this.read = []; // ids that are in the cache
  }

  // What of a text the model is shown: the last tokens that it has positions for.
  context(ids) {
    const { model } = this;
    if (model.is("only-last-token")) return ids.slice(-1);
    if (model.is("first-tokens-kept")) return ids.slice(0, model.n_positions);
    return ids.slice(-model.n_positions);
  }

  // The logits [new, vocab_size] of what follows each of the last tokens of a text, at
  // least `needed` of them.
  logits(ids, needed = 1) {
    const context = this.context(ids);
    const most = Math.max(0, context.length - needed);
    let known = this.model.seesLater ? 0 : most;
    const differs = context.slice(0, known).findIndex((id, i) => id !== this.read[i]);
    if (differs >= 0) known = differs;
    this.cache.length = known;
    this.read = context;
    return this.model.logits(context.slice(known), this.cache);
  }

  // The logits [vocab_size] by which the next token is chosen.
  last(ids) {
    const fromEnd = this.model.is("last-but-one") ? 2 : 1;
    const logits = this.logits(ids, fromEnd);
    return logits.row(Math.max(0, logits.rows - fromEnd));
  }
}

// What the settings make of logits, as `decodingStages` has it: [[name, logits], ...].
function chosenFrom(logits, settings, model) {
  let { temperature } = settings;
  if (model.is("no-temperature") && temperature > 0) temperature = 1;
  if (model.is("times-temperature") && temperature > 0) temperature = 1 / temperature;
  if (!model.is("softmax-twice") || temperature === 0) {
    return decodingStages(logits, { ...settings, temperature });
  }
  const twice = softmax(logits.map((logit) => logit / temperature));
  const [, ...stages] = decodingStages(twice, { ...settings, temperature: 1 });
  return [["model", logits], ["softmax", twice], ...stages];
}

// The next token of a text, drawn with the number that belongs to its place.
class Writer {
  constructor(model, settings) {
    Object.assign(this, { model, settings, numbers: [] });
    this.reader = new Reader(model);
    this.random = new Random(settings.seed);
  }

  // The number for the n-th token after the prompt, wherever the text came from.
  number(n) {
    if (this.model.is("same-number")) n = 0;
    while (this.numbers.length <= n) this.numbers.push(this.random.next());
    return this.numbers[n];
  }

  // `written`: how many of the ids are not the prompt's; `taken`: the token to take, if
  // none is to be drawn.  Gives the token, how surprised
  // the model is by it and how unsure it was, in bits, and the number that drew it; or
  // null, where a mistake has left nothing that could be compared.
  next(ids, written, taken) {
    const logits = this.reader.last(ids); // [vocab_size]
    if (!logits.every(Number.isFinite)) return null;
    const left = chosenFrom(logits, this.settings, this.model).at(-1)[1];
    const number = this.number(written);
    const id = taken ?? sampleToken(softmax(left), number);
    return { id, number, bits: surprise(logits, id), unsure: entropy(softmax(logits)) };
  }
}
