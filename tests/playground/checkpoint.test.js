// The playground reads any GPT-2 checkpoint, and says in one line why it does not.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const { load, root } = require("./worker.js");

const { readCheckpoint, shapes, toFloat32, Refused, GPT2, Tokenizer, HALVES } = load(
  "readCheckpoint",
  "shapes",
  "toFloat32",
  "Refused",
  "GPT2",
  "Tokenizer",
  "HALVES",
);

const CONFIG = {
  model_type: "gpt2",
  n_layer: 2,
  n_head: 2,
  n_embd: 4,
  n_inner: 6,
  n_positions: 8,
  vocab_size: 260,
  eos_token_id: 256,
};
const SIGNS = [...Tokenizer.signs()];
const WORDS = {
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
  added_tokens: [{ id: 256, content: "<|endoftext|>", special: true }],
  model: {
    type: "BPE",
    vocab: Object.fromEntries(
      [...SIGNS, "<|endoftext|>", "he"].map((token, id) => [token, id]),
    ),
    merges: ["h e"],
  },
};

// Numbers that float16 and bfloat16 have, too.
function tensors(config = CONFIG) {
  return Object.fromEntries(
    Array.from(shapes(config), ([name, shape], place) => {
      const length = shape.reduce((product, size) => product * size, 1);
      const numbers = Array.from({ length }, (_, i) => ((i * 7 + place) % 32) / 16 - 1);
      return [name, { shape, numbers, dtype: "F32" }];
    }),
  );
}

function stored(numbers, dtype) {
  const singles = Float32Array.from(numbers);
  if (dtype === "F32") return singles;
  const bits = new Uint32Array(singles.buffer);
  if (dtype === "BF16") return Uint16Array.from(bits, (word) => word >>> 16);
  return Uint16Array.from(singles, (number) => HALVES.indexOf(number));
}

// A safetensors file; `change` may change its header.
function safetensors(all, change = (header) => header) {
  const header = { __metadata__: { format: "pt" } };
  let end = 0;
  const parts = Object.entries(all).map(([name, { shape, numbers, dtype }]) => {
    const data = stored(numbers, dtype);
    header[name] = { dtype, shape, data_offsets: [end, (end += data.byteLength)] };
    return Buffer.from(data.buffer);
  });
  const text = Buffer.from(JSON.stringify(change(header)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

const named = (name, content) => Object.assign(new Blob([content]), { name });

const WHOLE = safetensors(tensors());

function files({ config = CONFIG, weights = WHOLE, words = WORDS } = {}) {
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  return [
    named("config.json", text(config)),
    named("model.safetensors", weights),
    named("tokenizer.json", text(words)),
    named("README.md", ""),
  ];
}

async function refusal(chosen) {
  try {
    await readCheckpoint(chosen);
  } catch (error) {
    assert.ok(error instanceof Refused, `${error.stack}`);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return assert.fail("was not refused");
}

const refuses = async (given, line) => assert.match(await refusal(files(given)), line);

function checkWeights(weights) {
  for (const [name, { shape, numbers }] of Object.entries(tensors())) {
    const { rows, columns, data } = weights[name];
    if (shape.length === 1) assert.deepEqual([rows, columns], [1, shape[0]]);
    const isTurned = /c_(attn|fc|proj)\.weight/.test(name);
    if (isTurned) assert.deepEqual([columns, rows], shape, name);
    numbers.forEach((number, i) => {
      const [row, column] = [Math.floor(i / shape.at(-1)), i % shape.at(-1)];
      assert.equal(data[isTurned ? column * columns + row : i], number, name);
    });
  }
}

test("every form of a checkpoint gives the same float32 weights", async () => {
  const dtypes = { 0: "F32", 1: "F16", 2: "BF16" };
  for (const choice of [() => 0, () => 1, () => 2, (place) => place % 3]) {
    for (const prefix of ["", "transformer."]) {
      const all = {};
      Object.entries(tensors()).forEach(([name, tensor], place) => {
        all[prefix + name] = { ...tensor, dtype: dtypes[choice(place)] };
      });
      all["lm_head.weight"] = all[`${prefix}wte.weight`];
      all[`${prefix}h.0.attn.bias`] = { shape: [2], numbers: [0, 1], dtype: "F32" };
      const masked = { shape: [], numbers: [-10000], dtype: "F32" };
      all[`${prefix}h.0.attn.masked_bias`] = masked;
      const shares = [];
      const weights = safetensors(all);
      const found = await readCheckpoint(files({ weights }), (share) => {
        shares.push(share);
      });
      checkWeights(found.weights);
      assert.equal(Object.keys(found.weights).length, 2 + 2 * 12 + 2);
      assert.equal(shares.at(-1), 1);
      assert.deepEqual(shares, shares.toSorted());
      const logits = new GPT2(found).logits([0, 1, 2]);
      assert.ok([...logits.data].every(Number.isFinite));
    }
  }
});

test("float16 and bfloat16 are read exactly", () => {
  const known = { 0x0001: 2 ** -24, 0x03ff: 1023 * 2 ** -24, 0x0400: 2 ** -14 };
  Object.assign(known, { 0x7bff: 65504, 0x7c00: Infinity, 0xfc00: -Infinity });
  Object.assign(known, { 0x8001: -(2 ** -24), 0x3555: 0.333251953125, 0x8000: -0 });
  for (const [bits, number] of Object.entries(known)) {
    assert.ok(Object.is(HALVES[bits], number), `${bits}: ${HALVES[bits]}`);
  }
  assert.ok(Number.isNaN(HALVES[0x7c01]) && Number.isNaN(HALVES[0xffff]));
  const stored = Uint16Array.of(0x3f80, 0xc000, 0x0001, 0x7f80);
  const read = [...toFloat32(stored.buffer, "BF16")];
  assert.deepEqual(read, [1, -2, 2 ** -133, Infinity]);
});

test("models/shakespeare is read, and computes", async () => {
  const names = ["config.json", "model.safetensors", "tokenizer.json"];
  const folder = path.join(root, "models/shakespeare");
  const chosen = names.map((name) =>
    named(name, fs.readFileSync(path.join(folder, name))),
  );
  const { config, weights, tokenizer } = await readCheckpoint(chosen);
  assert.equal(config.boundary, 0);
  const file = fs.readFileSync(path.join(folder, "model.safetensors"));
  const origin = 8 + Number(file.readBigUInt64LE());
  const header = JSON.parse(file.subarray(8, origin));
  const stored = (name, i) => {
    const [start] = header[`transformer.${name}`].data_offsets;
    return HALVES[file.readUInt16LE(origin + start + 2 * i)];
  };
  const { data } = weights["h.1.attn.c_attn.weight"]; // [576, 192]
  assert.equal(data[5 * 192 + 7], stored("h.1.attn.c_attn.weight", 7 * 576 + 5));
  assert.equal(weights["wte.weight"].data[1000], stored("wte.weight", 1000));
  const ids = tokenizer.encode("To be, or not<|endoftext|>").flat();
  assert.equal(ids.at(-1), 0);
  const logits = new GPT2({ config, weights }).logits([...ids]);
  assert.ok([...logits.data].every(Number.isFinite));
});

test("sizes and the boundary that config.json leaves out", async () => {
  const config = { ...CONFIG, n_inner: null, eos_token_id: null, bos_token_id: 3 };
  const weights = safetensors(tensors({ ...CONFIG, n_inner: 16 }));
  const found = await readCheckpoint(files({ config, weights }));
  assert.equal(found.config.n_inner, 16);
  assert.equal(found.config.boundary, 3);
  assert.equal(found.config.layer_norm_epsilon, 1e-5);
  const { bos_token_id, ...without } = config;
  const other = await readCheckpoint(files({ config: without, weights }));
  assert.equal(other.config.boundary, null);
});

test("merges are strings or pairs, and tokens that are missing are empty", async () => {
  for (const merges of [["h e"], [["h", "e"]]]) {
    const words = { ...WORDS, model: { ...WORDS.model, merges } };
    const { tokenizer } = await readCheckpoint(files({ words }));
    assert.deepEqual([...tokenizer.encode("he<|endoftext|>").flat()], [257, 256]);
    assert.equal(tokenizer.vocab.length, 260);
    assert.equal(tokenizer.vocab[259], "");
  }
});

test("a file that is missing", async () => {
  for (const name of ["config.json", "model.safetensors", "tokenizer.json"]) {
    const others = files().filter((file) => file.name !== name);
    const line = new RegExp(`^${name} is missing.*choose a folder`);
    assert.match(await refusal(others), line);
  }
  const bare = files().filter(({ name }) => name !== "model.safetensors");
  const sharded = [...bare, named("model.safetensors.index.json", "{}")];
  assert.match(await refusal(sharded), /model\.safetensors is missing.*are split/);
  const pickled = [...bare, named("pytorch_model.bin", "")];
  assert.match(await refusal(pickled), /pytorch_model\.bin: only safetensors/);
  assert.match(await refusal([]), /config\.json is missing/);
});

test("of a folder in a folder, the outer one is read", async () => {
  const at = (folder, chosen) =>
    chosen.map((file) =>
      Object.assign(file, { webkitRelativePath: `${folder}/${file.name}` }),
    );
  const inner = at("gpt2/onnx", files({ config: "no JSON", words: "no JSON" }));
  const chosen = [...inner, ...at("gpt2", files())];
  checkWeights((await readCheckpoint(chosen)).weights);
  const lacking = chosen.filter(
    ({ webkitRelativePath: at }) => at !== "gpt2/tokenizer.json",
  );
  assert.match(await refusal(lacking), /tokenizer\.json is missing/);
});

test("a config that is no JSON, or not GPT-2's", async () => {
  for (const config of ["", "{", "[]", "null", "7", "[".repeat(1e5)]) {
    await refuses({ config }, /^config\.json is not a JSON object/);
  }
  const lines = [
    [{ model_type: "llama" }, /^config\.json says model_type llama: .* GPT-2 only/],
    [{ activation_function: "relu" }, /activation_function relu: .*gelu_new/],
    [{ scale_attn_weights: false }, /scale_attn_weights false/],
    [{ scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx true/],
    [{ add_cross_attention: true }, /add_cross_attention true/],
    [{ tie_word_embeddings: false }, /tie_word_embeddings false/],
    [{ n_head: 3 }, /n_embd 4, which is not a multiple of n_head 3/],
    [{ n_layer: 0 }, /n_layer 0: expected a positive whole number/],
    [{ n_embd: 1.5 }, /n_embd 1\.5/],
    [{ vocab_size: "260" }, /vocab_size 260/],
    [{ n_inner: -1 }, /n_inner -1/],
    [{ n_positions: [] }, /n_positions a list/],
    [{ layer_norm_epsilon: 0 }, /layer_norm_epsilon 0/],
    [{ eos_token_id: 260 }, /eos_token_id 260: .*below vocab_size 260/],
    [{ eos_token_id: [1] }, /eos_token_id a list/],
    [{ n_layer: 1e9 }, /too large/],
    [{ n_layer: 3 }, /h\.2\.ln_1\.weight is missing/],
    [{ n_layer: 1 }, /h\.1\.ln_1\.weight has no place/],
  ];
  for (const [change, line] of lines) {
    await refuses({ config: { ...CONFIG, ...change } }, line);
  }
  const large = { n_layer: 36, n_head: 20, n_embd: 1280, n_positions: 1024 };
  const config = { ...CONFIG, ...large, n_inner: null, vocab_size: 50257 };
  await refuses({ config }, /774 million numbers take 3\.10 GB in a page/);
});

test("tensors that are not those of the config", async () => {
  const changed = (name, change) => {
    const all = tensors();
    all[name] = { ...all[name], ...change };
    return { weights: safetensors(all) };
  };
  const { "h.1.mlp.c_fc.bias": _, ...fewer } = tensors();
  await refuses({ weights: safetensors(fewer) }, /h\.1\.mlp\.c_fc\.bias is missing/);
  const shape = { shape: [4, 260] };
  await refuses(changed("wte.weight", shape), /wte\.weight has shape \[4,260\]/);
  const header = (change) => ({ weights: safetensors(tensors(), change) });
  await refuses(
    header((found) => ((found["ln_f.bias"].dtype = "F64"), found)),
    /ln_f\.bias is stored as F64/,
  );
  await refuses(
    header((found) => ((found["ln_f.bias"].dtype = "F16"), found)),
    /ln_f\.bias has not the bytes of its shape/,
  );
  for (const number of [NaN, Infinity, -Infinity]) {
    await refuses(
      changed("ln_f.bias", { numbers: [1, number, 0, 0] }),
      /ln_f\.bias has numbers that are not finite/,
    );
  }
  const head = tensors()["wte.weight"];
  const numbers = head.numbers.with(9, 0.3);
  await refuses(changed("lm_head.weight", { ...head, numbers }), /lm_head.*untied/);
  const twice = { "transformer.ln_f.bias": tensors()["ln_f.bias"] };
  const weights = safetensors({ ...tensors(), ...twice });
  await refuses({ weights }, /ln_f\.bias is there twice/);
});

test("a file that does not fit into memory, or that is gone", async () => {
  const failing = (error) => {
    const chosen = files();
    const whole = chosen[1].slice();
    const broken = { arrayBuffer: () => Promise.reject(error) };
    chosen[1].slice = (start, end) => (start > 8 ? broken : whole.slice(start, end));
    return chosen;
  };
  const memory = new RangeError("Array buffer allocation failed");
  assert.match(await refusal(failing(memory)), /too large.*: choose a smaller/);
  const gone = new DOMException("it changed", "NotReadableError");
  assert.match(await refusal(failing(gone)), /model\.safetensors cannot be read/);
});

test("a damaged safetensors file is refused, whatever the damage", async () => {
  const origin = 8 + Number(WHOLE.readBigUInt64LE());
  const cuts = [...Array(24).keys(), origin - 1, origin, origin + 1, WHOLE.length - 1];
  for (let cut = 24; cut < WHOLE.length; cut += 97) cuts.push(cut);
  for (const cut of cuts) {
    await refuses({ weights: WHOLE.subarray(0, cut) }, /model\.safetensors/);
  }
  await refuses({ weights: Buffer.concat([WHOLE, Buffer.of(0)]) }, /is damaged/);
  const metadata = 8 + '{"__metadata__":{"format":"pt"},'.length;
  for (let at = 0; at < origin; at += at < 8 || at % 5 ? 1 : 3) {
    if (at >= 8 && at < metadata) continue; // says nothing of the weights
    for (const bit of [1, 4, 128]) {
      const flipped = Buffer.from(WHOLE);
      flipped[at] ^= bit;
      await refuses({ weights: flipped }, /model\.safetensors/);
    }
  }
});

test("a tokenizer that the page cannot do", async () => {
  for (const words of ["", "[]"]) {
    await refuses({ words }, /^tokenizer\.json is not a JSON object/);
  }
  const { model, pre_tokenizer } = WORDS;
  const { "!": bang, ...fewer } = model.vocab;
  const pad = { id: 258, content: "<pad>", special: true };
  const lines = [
    [{ model: { ...model, type: "WordPiece" } }, /model\.type WordPiece/],
    [{ model: null }, /lacks its vocabulary/],
    [{ model: { ...model, byte_fallback: true } }, /model\.byte_fallback true/],
    [{ model: { ...model, dropout: 0.1 } }, /model\.dropout 0\.1/],
    [{ model: { ...model, ignore_merges: true } }, /model\.ignore_merges true/],
    [{ normalizer: { type: "NFC" } }, /normalizer an object/],
    [{ pre_tokenizer: null }, /pre_tokenizer\.type undefined/],
    [{ pre_tokenizer: { type: "Metaspace" } }, /pre_tokenizer\.type Metaspace/],
    [{ pre_tokenizer: { ...pre_tokenizer, add_prefix_space: true } }, /space true/],
    [{ pre_tokenizer: { ...pre_tokenizer, use_regex: false } }, /use_regex false/],
    [{ added_tokens: [...WORDS.added_tokens, pad] }, /2 added tokens.*, <pad>/],
    [{ added_tokens: [{ ...pad, lstrip: true }] }, /does not know/],
    [{ added_tokens: [null] }, /does not know/],
    [{ added_tokens: [{ ...pad, id: 3 }] }, /two tokens with id 3/],
    [{ added_tokens: [{ ...pad, id: 259 }] }, /no token with id 258/],
    [{ added_tokens: [{ ...pad, id: 260 }] }, /the id 260, .*vocab_size 260/],
    [{ added_tokens: [{ id: 258, content: "he" }] }, /two ids for he/],
    [{ model: { ...model, vocab: { ...fewer, "!!": bang } } }, /no token for byte !/],
    [{ model: { ...model, vocab: { ...model.vocab, "a b": 258 } } }, /spelled.*a b/],
    [{ model: { ...model, merges: ["h e", "h x"] } }, /no tokens, number 1/],
    [{ model: { ...model, merges: [["h", "e", ""]] } }, /no tokens, number 0/],
  ];
  for (const [change, line] of lines) {
    await refuses({ words: { ...WORDS, ...change } }, line);
  }
});

const published = "/work/shared/data/gpt2-tokenizer";
const skip = !fs.existsSync(published) && `${published} is not there`;

test("GPT-2's published vocabulary", { skip }, async () => {
  const vocab = JSON.parse(fs.readFileSync(path.join(published, "vocab.json"), "utf8"));
  const lines = fs.readFileSync(path.join(published, "merges.txt"), "utf8").split("\n");
  const merges = lines.filter((line) => line && !line.startsWith("#version"));
  const added_tokens = [{ id: 50256, content: "<|endoftext|>" }];
  const words = { ...WORDS, added_tokens, model: { vocab, merges } };
  const config = { ...CONFIG, vocab_size: 50257, n_embd: 2, n_layer: 1 };
  const weights = safetensors(tensors(config));
  const { tokenizer } = await readCheckpoint(files({ config, weights, words }));
  assert.deepEqual([...tokenizer.encode("Hello world").flat()], [15496, 995]);
});
