// The worker: it has the model, computes, and answers the page.  A request is
// {id, act, ...}; its answer is {id, done}, or {id, refused} with a line to show; in
// between may come {id, told}.
"use strict";

let opened = null; // { config, weights, tokenizer }, once a checkpoint has been read
let parts = {}; // of files that come in parts, what has come
let inside = null; // the text that was last looked into
let job = 0; // what is being written; another number ends it
let writers = new Map(); // those that wrote last: they know the texts already

// A model with these mistakes; all of them share the weights.
function modelWith(broken) {
  return new GPT2({ ...opened, broken });
}

// What writes with some mistakes: as it is, if it has just done so.
function writerFor(broken, settings) {
  const key = JSON.stringify([broken, settings]);
  return writers.get(key) ?? Object.assign(new Writer(modelWith(broken), settings), { key });
}

// Lets messages in, between two tokens.
function pause() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

const acts = {
  // A piece of a file, in base64: the `at`-th that is sent.
  part({ at, file, data }) {
    const signs = atob(data);
    const piece = new Uint8Array(signs.length);
    for (let i = 0; i < piece.length; i++) piece[i] = signs.charCodeAt(i);
    (parts[file] ??= {})[at] = piece;
  },

  // Reads a checkpoint: `files` of the reader's, or those that came in parts.
  async open({ files }, tell) {
    job += 1;
    files ??= Object.entries(parts).map(
      ([name, pieces]) => new File(Object.values(pieces), name),
    );
    parts = {};
    opened = await readCheckpoint(files, (share) => tell({ share }));
    inside = null;
    writers.clear();
    const { config, tokenizer } = opened;
    return { config, tokens: tokenizer.vocab, special: tokenizer.special };
  },

  encode({ text }) {
    return encoded(text);
  },

  // Writes on, until each text has `length` tokens more than the prompt; each of the
  // `sides`, lists of mistakes, its own.  `taken`: tokens that are taken instead of being
  // drawn, of each side by their number.  Tells of each token.
  async write({ sides, texts, prompt, settings, taken, length }, tell) {
    const mine = ++job;
    const ended = sides.map(() => null);
    const growing = texts.map((ids) => [...ids]);
    const writing = sides.map((broken) => writerFor(broken, settings));
    writers = new Map(writing.map((writer) => [writer.key, writer]));
    while (ended.includes(null)) {
      for (const [side, ids] of growing.entries()) {
        const n = ids.length - prompt;
        const over = n > 0 && ids.at(-1) === opened.config.boundary;
        if (over) ended[side] = "boundary";
        else if (n >= length) ended[side] = "length";
        if (ended[side]) continue;
        await pause();
        if (job !== mine) return { ended: sides.map(() => "stopped") };
        const token = writing[side].next(ids, n, taken[side][n]);
        if (!token) ended[side] = "no numbers";
        else tell({ side, token });
        if (token) ids.push(token.id);
      }
    }
    return { ended };
  },

  stop() {
    job += 1;
  },

  // What could have stood after a text: the likeliest tokens, with what each stage of
  // the settings makes of them.
  choices({ ids, broken, settings }) {
    const { model, reader } = writerFor(broken, settings); // it may know the text
    const stages = chosenFrom(reader.last(ids), settings, model);
    const shares = stages.map(([, logits]) => softmax(logits));
    const rows = likeliest(shares[0], 12).map(([id]) => ({
      id,
      logit: stages[0][1][id],
      shares: shares.map((stage) => stage[id]),
      cutBy: stages.find(([, logits]) => logits[id] === -Infinity)?.[0],
    }));
    const left = shares.at(-1).filter((share) => share > 0).length;
    return { names: stages.map(([name]) => name), rows, left };
  },

  // Attention in each head of a layer, by token `place` of a text and among the tokens
  // of a window; and what each part would say after that token.
  inside({ ids, broken, layer, place, next, window: [start, end] }) {
    const key = JSON.stringify([ids, broken]);
    if (inside?.key !== key) inside = { key, text: new Inside(modelWith(broken), ids) };
    const heads = inside.text.weights[layer] ?? [];
    const square = (weights) => weights.cut(start, end).slice(start, end);
    return {
      rows: heads.map((weights) => Array.from(weights.row(place))),
      squares: heads.map((weights) => Array.from(square(weights).data)),
      lens: inside.text.lens(place, next),
    };
  },

  // How a text is read, token by token.
  surprises({ ids, broken }) {
    return surprises(modelWith(broken), ids);
  },

  // Bits per token on a passage, as far as the context reaches.
  cost({ passage, broken }) {
    const ids = encoded(passage).slice(0, opened.config.n_positions);
    const read = surprises(modelWith(broken), ids);
    return total(read.map((one) => one.bits)) / read.length;
  },

  // What is expected after a text: the probability of each token.
  expected({ ids }) {
    return softmax(new Reader(modelWith([])).last(ids));
  },
};

// A text as ids; an empty one is the boundary, as for `./run generate`.
function encoded(text) {
  const ids = opened.tokenizer.encode(text).flat();
  const { boundary } = opened.config;
  return ids.length || boundary === null ? ids : [boundary];
}

globalThis.onmessage = async ({ data: { id, act, ...given } }) => {
  const answer = (message) => postMessage({ id, ...message });
  try {
    answer({ done: await acts[act](given, (told) => answer({ told })) });
  } catch (error) {
    const ours = `The page could not compute this (${error.message}): reload it, please.`;
    answer({ refused: error instanceof Refused ? error.message : ours });
  }
};
