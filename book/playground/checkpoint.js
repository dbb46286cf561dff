// A GPT-2 checkpoint, out of a folder that a reader chose: config.json has the sizes,
// model.safetensors the weights, and tokenizer.json the vocabulary.  They are checked
// before a single weight is read, and what does not fit is refused in one line.
"use strict";

// Its message is one line for the reader: what was found, then what to do.
class Refused extends Error {
  constructor(line) {
    super(line.split(/\s+/).join(" "));
  }
}

// `files`: what was chosen, each with its name.  `progress` is told what share of the
// weights has been read.
async function readCheckpoint(files, progress = () => {}) {
  const [sizes, weights, words] = chosen(files);
  const config = readConfig(await readObject(sizes));
  const tensors = fitting(await readHeader(weights), config);
  const tokenizer = readTokenizer(await readObject(words), config);
  return { config, weights: await readWeights(weights, tensors, progress), tokenizer };
}

// --- Files ---------------------------------------------------------------------------

const ANOTHER = "choose a folder with a GPT-2 checkpoint"; // what to do, mostly

// What there may be instead of a file, and what to do then.
const INSTEAD = {
  "config.json": [],
  "model.safetensors": [
    ["model.safetensors.index.json", "the weights are split, save them as one file"],
    ["pytorch_model.bin", "only safetensors is read, save the weights as that"],
  ],
  "tokenizer.json": [["vocab.json", "save the tokenizer as tokenizer.json"]],
};

// The three files, out of one folder: the outermost that has a config.json, since those
// in it may hold the same model for other programs.
function chosen(files) {
  const folder = ({ webkitRelativePath: path = "" }) =>
    path.slice(0, path.lastIndexOf("/") + 1);
  const depth = (file) => folder(file).split("/").length;
  const sorted = [...files].sort((one, other) => depth(one) - depth(other));
  const first = sorted.find(({ name }) => name === "config.json") ?? sorted[0];
  const found = new Map(
    sorted
      .filter((file) => folder(file) === folder(first))
      .map((file) => [file.name, file]),
  );
  return Object.entries(INSTEAD).map(([name, others]) => {
    if (found.has(name)) return found.get(name);
    const [other, advice] = others.find(([other]) => found.has(other)) ?? [];
    const toDo = other ? `there is ${other}: ${advice}` : "choose a folder that has it";
    throw new Refused(`${name} is missing among what you chose: ${toDo}`);
  });
}

// `how` is a method of blobs: text or arrayBuffer.
async function read(file, how, start = 0, end = file.size) {
  try {
    return await file.slice(start, end)[how]();
  } catch (error) {
    if (error.name === "RangeError") throw error; // no memory: see readWeights
    throw new Refused(`${file.name} cannot be read (${error.name}): choose it again`);
  }
}

// JSON of the form {...}.
async function readObject(file, start, end) {
  let content = null;
  try {
    content = JSON.parse(await read(file, "text", start, end));
  } catch (error) {
    if (error instanceof Refused) throw error;
  }
  if (isObject(content)) return content;
  const part = start === undefined ? file.name : `the header of ${file.name}`;
  throw new Refused(`${part} is not a JSON object: copy or download it again`);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// A value of a file, as a line quotes it.
function quoted(value) {
  if (Array.isArray(value)) return "a list";
  const text = isObject(value) ? "an object" : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

// --- Configuration -------------------------------------------------------------------

// What config.json may ask for, the default first: the formulas of steps 4, 7 and 11.
// The two activations are two names of one.
const COMPUTED = {
  model_type: ["gpt2"],
  activation_function: ["gelu_new", "gelu_pytorch_tanh"],
  scale_attn_weights: [true],
  scale_attn_by_inverse_layer_idx: [false],
  add_cross_attention: [false],
  tie_word_embeddings: [true],
};

// Those of the smallest GPT-2, which a config.json may leave out.
const SIZES = {
  n_layer: 12,
  n_head: 12,
  n_embd: 768,
  n_positions: 1024,
  vocab_size: 50257,
};

const MOST_NUMBERS = 500e6; // in float32, 2 GB: more is not for a page

function readConfig(given) {
  const refuse = (name, what) => {
    throw new Refused(`config.json says ${name} ${quoted(given[name])}: ${what}`);
  };
  for (const [name, values] of Object.entries(COMPUTED)) {
    const { [name]: value = values[0] } = given;
    if (values.includes(value)) continue;
    const only = name === "model_type" ? "GPT-2" : values.join(" or ");
    refuse(name, `the playground runs ${only} only, ${ANOTHER}`);
  }
  const config = { layer_norm_epsilon: 1e-5, ...SIZES };
  for (const name of Object.keys(config)) config[name] = given[name] ?? config[name];
  config.n_inner = given.n_inner ?? 4 * config.n_embd;
  for (const name of [...Object.keys(SIZES), "n_inner"]) {
    if (Number.isSafeInteger(config[name]) && config[name] > 0) continue;
    refuse(name, "expected a positive whole number, correct it");
  }
  const { n_embd, n_head, layer_norm_epsilon: epsilon, vocab_size } = config;
  if (!Number.isFinite(epsilon) || epsilon <= 0) {
    refuse("layer_norm_epsilon", "expected a positive number, correct it");
  }
  if (n_embd % n_head !== 0) {
    const what = `${n_embd}, which is not a multiple of n_head ${n_head}`;
    throw new Refused(`config.json says n_embd ${what}: correct it`);
  }
  const end = given.eos_token_id == null ? "bos_token_id" : "eos_token_id";
  config.boundary = given[end] ?? null;
  if (config.boundary !== null && !isBelow(config.boundary, vocab_size)) {
    refuse(end, `expected a token's id, below vocab_size ${vocab_size}, correct it`);
  }
  if (numbersIn(config) > MOST_NUMBERS) throw tooLarge(numbersIn(config));
  return config;
}

function isBelow(id, end) {
  return Number.isInteger(id) && id >= 0 && id < end;
}

// All numbers of the weights.  Blocks are not counted one by one: a config may speak of
// any number of them.
function numbersIn(config) {
  const count = (n_layer) =>
    total(Array.from(shapes({ ...config, n_layer }), ([, shape]) => product(shape)));
  return count(0) + config.n_layer * (count(1) - count(0));
}

function product(numbers) {
  return numbers.reduce((found, number) => found * number, 1);
}

function tooLarge(count) {
  const found = `${grouped(Math.round(count / 1e6))} million numbers take`;
  return new Refused(
    `the model is too large, its ${found} ${bytes(4 * count)} in a page: ` +
      "choose a smaller one such as GPT-2 medium or smaller",
  );
}

// --- Weights -------------------------------------------------------------------------

// Every tensor and its shape, as it is stored: linear layers are [in, out].
function* shapes({ n_layer, n_embd, n_inner, n_positions, vocab_size }) {
  yield ["wte.weight", [vocab_size, n_embd]];
  yield ["wpe.weight", [n_positions, n_embd]];
  for (let layer = 0; layer < n_layer; layer++) {
    yield [`h.${layer}.ln_1.weight`, [n_embd]];
    yield [`h.${layer}.ln_1.bias`, [n_embd]];
    yield [`h.${layer}.attn.c_attn.weight`, [n_embd, 3 * n_embd]];
    yield [`h.${layer}.attn.c_attn.bias`, [3 * n_embd]];
    yield [`h.${layer}.attn.c_proj.weight`, [n_embd, n_embd]];
    yield [`h.${layer}.attn.c_proj.bias`, [n_embd]];
    yield [`h.${layer}.ln_2.weight`, [n_embd]];
    yield [`h.${layer}.ln_2.bias`, [n_embd]];
    yield [`h.${layer}.mlp.c_fc.weight`, [n_embd, n_inner]];
    yield [`h.${layer}.mlp.c_fc.bias`, [n_inner]];
    yield [`h.${layer}.mlp.c_proj.weight`, [n_inner, n_embd]];
    yield [`h.${layer}.mlp.c_proj.bias`, [n_embd]];
  }
  yield ["ln_f.weight", [n_embd]];
  yield ["ln_f.bias", [n_embd]];
}

const STORED_IN_OUT = /\.(c_attn|c_fc|c_proj)\.weight$/;
const MASK = /^h\.\d+\.attn\.(bias|masked_bias)$/; // step 2 makes its own
const BYTES = new Map([["F32", 4], ["F16", 2], ["BF16", 2]]); // of one number

// The tensors of a safetensors file, named without "transformer.", each with its dtype,
// its shape, and where it is.  The file is 8 bytes with the length of the header, the
// header, then the tensors without a gap.
async function readHeader(file) {
  const refuse = (what) => {
    throw new Refused(`${file.name} is damaged, ${what}: copy or download it again`);
  };
  if (file.size < 8) refuse(`it has only ${file.size} bytes`);
  const first = new DataView(await read(file, "arrayBuffer", 0, 8));
  const length = first.getBigUint64(0, true);
  const origin = 8 + Number(length);
  if (origin > file.size) refuse(`its header has ${length} bytes, more than the file`);
  const tensors = Object.entries(await readObject(file, 8, origin))
    .filter(([name]) => name !== "__metadata__")
    .map(([name, tensor]) => {
      const { dtype, shape, data_offsets: offsets } = tensor ?? {};
      const lists = [shape, offsets].every((list) => Array.isArray(list));
      const isSize = (number) => Number.isSafeInteger(number) && number >= 0;
      if (!lists || offsets.length !== 2 || ![...shape, ...offsets].every(isSize)) {
        refuse(`its header is wrong about ${quoted(name)}`);
      }
      const [start, end] = offsets.map((offset) => origin + offset);
      return { name: name.replace(/^transformer\./, ""), dtype, shape, start, end };
    })
    .sort((one, other) => one.start - other.start || one.end - other.end);
  let last = origin;
  for (const { name, start, end } of tensors) {
    if (start !== last || end < start) refuse(`${quoted(name)} is in a wrong place`);
    last = end;
  }
  if (last !== file.size) refuse(`it has ${file.size} bytes, its header says ${last}`);
  return tensors;
}

// The tensors that are to be read, if they are those of the config.
function fitting(tensors, config) {
  const refuse = (name, what, toDo) => {
    throw new Refused(`model.safetensors: tensor ${quoted(name)} ${what}: ${toDo}`);
  };
  const again = "take config.json and model.safetensors from the same checkpoint";
  const stored = new Map();
  for (const tensor of tensors.filter(({ name }) => !MASK.test(name))) {
    if (stored.has(tensor.name)) refuse(tensor.name, "is there twice", "save it once");
    stored.set(tensor.name, tensor);
  }
  const check = (name, shape) => {
    const tensor = stored.get(name);
    if (!tensor) refuse(name, `is missing, expected [${shape}]`, again);
    if (!BYTES.has(tensor.dtype)) {
      const what = `is stored as ${quoted(tensor.dtype)}`;
      refuse(name, what, "save it as F32, F16 or BF16");
    }
    if (String(tensor.shape) !== String(shape)) {
      const what = `has shape [${quoted(tensor.shape.join())}], expected [${shape}]`;
      refuse(name, what, again);
    }
    if (tensor.end - tensor.start !== product(shape) * BYTES.get(tensor.dtype)) {
      refuse(name, "has not the bytes of its shape", "copy or download the file again");
    }
    stored.delete(name);
    return tensor;
  };
  const found = [];
  for (const [name, shape] of shapes(config)) found.push(check(name, shape));
  const head = "lm_head.weight";
  if (stored.has(head)) found.push(check(head, [config.vocab_size, config.n_embd]));
  for (const name of stored.keys()) refuse(name, "has no place in this GPT-2", again);
  return found;
}

// One tensor at a time, so that file and numbers are never both in memory.
async function readWeights(file, tensors, progress) {
  const size = ({ start, end }) => end - start;
  const whole = total(tensors.map(size));
  const weights = {};
  let done = 0;
  try {
    for (const tensor of tensors) {
      const { name, dtype, shape, start, end } = tensor;
      const refuse = (what) => {
        throw new Refused(`${file.name}: tensor ${name} ${what}: ${ANOTHER}`);
      };
      const numbers = toFloat32(await read(file, "arrayBuffer", start, end), dtype);
      if (!numbers.every(Number.isFinite)) refuse("has numbers that are not finite");
      if (name === "lm_head.weight") {
        const table = weights["wte.weight"].data;
        const isTied = numbers.every((number, i) => number === table[i]);
        if (!isTied) refuse("is not wte.weight, an untied head is not computed here");
      } else {
        const [columns, rows = 1] = [...shape].reverse();
        const matrix = new Matrix(rows, columns, numbers);
        weights[name] = STORED_IN_OUT.test(name) ? matrix.transposed : matrix;
      }
      done += size(tensor);
      progress(done / whole);
    }
  } catch (error) {
    if (error.name !== "RangeError") throw error;
    throw tooLarge(total(tensors.map(({ shape }) => product(shape))));
  }
  return weights;
}

// The 65,536 numbers of float16: a sign, 5 bits of exponent, 10 of fraction.
const HALVES = Float32Array.from({ length: 65536 }, (_, bits) => {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 1 + fraction : 2 * fraction) * 2 ** (exponent - 15);
});

function toFloat32(buffer, dtype) {
  if (dtype === "F32") return new Float32Array(buffer);
  const stored = new Uint16Array(buffer);
  const numbers = new Float32Array(stored.length);
  if (dtype === "F16") {
    for (let i = 0; i < stored.length; i++) numbers[i] = HALVES[stored[i]];
  } else {
    const bits = new Uint32Array(numbers.buffer); // bfloat16 is the half in front
    for (let i = 0; i < stored.length; i++) bits[i] = stored[i] << 16;
  }
  return numbers;
}

// --- Tokenizer -----------------------------------------------------------------------

// What tokenizer.json may say, GPT-2's own first; what may be left out has undefined.
const SPELLED = [
  ["normalizer", [null, undefined]],
  ["pre_tokenizer.type", ["ByteLevel"]],
  ["pre_tokenizer.add_prefix_space", [false]],
  ["pre_tokenizer.use_regex", [true, undefined]],
  ["model.type", ["BPE", undefined]],
  ["model.dropout", [null, undefined, 0]],
  ["model.continuing_subword_prefix", [null, undefined, ""]],
  ["model.end_of_word_suffix", [null, undefined, ""]],
  ["model.byte_fallback", [false, undefined]],
  ["model.ignore_merges", [false, undefined]],
];

function readTokenizer(given, { vocab_size }) {
  const refuse = (what, toDo = ANOTHER) => {
    throw new Refused(`tokenizer.json ${what}: ${toDo}`);
  };
  for (const [name, values] of SPELLED) {
    const value = name.split(".").reduce((part, key) => part?.[key], given);
    if (values.includes(value)) continue;
    refuse(`says ${name} ${quoted(value)}, the playground does only ${values[0]}`);
  }
  const { model, added_tokens: added = [] } = given;
  const lists = [model?.merges, added].every((list) => Array.isArray(list));
  if (!isObject(model?.vocab) || !lists) {
    refuse("lacks its vocabulary or merges", "copy or download it again");
  }
  if (added.length > 1) {
    const names = quoted(added.map((token) => token?.content).join(", "));
    refuse(`has ${added.length} added tokens, the playground knows only one: ${names}`);
  }
  for (const token of added) {
    const isPlain = !token?.lstrip && !token?.rstrip && !token?.single_word;
    if (isPlain && typeof token?.content === "string" && token.content) continue;
    refuse(`has an added token that the playground does not know: ${quoted(token)}`);
  }
  const special = added[0]?.content;
  const ids = new Map(Object.entries(model.vocab));
  for (const { content, id } of added) {
    if ((ids.get(content) ?? id) !== id) refuse(`has two ids for ${quoted(content)}`);
    ids.set(content, id);
  }
  const vocab = tokensById(ids, vocab_size, refuse);
  const signs = new Set(Tokenizer.signs());
  for (const sign of signs) if (!ids.has(sign)) refuse(`has no token for byte ${sign}`);
  for (const token of ids.keys()) {
    if (token === special || [...token].every((sign) => signs.has(sign))) continue;
    refuse(`has a token that is not spelled as GPT-2 spells bytes, ${quoted(token)}`);
  }
  const merges = model.merges.map((merge, place) => {
    const pair = typeof merge === "string" ? merge.split(" ") : merge;
    const isPair = Array.isArray(pair) && pair.length === 2;
    if (isPair && [...pair, pair.join("")].every((token) => ids.has(token))) {
      return pair.join(" ");
    }
    return refuse(`has a merge of what are no tokens, number ${place}`);
  });
  return new Tokenizer({ vocab, merges, special });
}

// The model may have rows for more tokens than there are: those get an empty token.
function tokensById(ids, vocab_size, refuse) {
  const toDo = "take all files from the same checkpoint";
  const vocab = [];
  for (const [token, id] of ids) {
    if (!isBelow(id, vocab_size)) {
      const what = `expected ids below vocab_size ${vocab_size} of config.json`;
      refuse(`gives ${quoted(token)} the id ${quoted(id)}, ${what}`, toDo);
    }
    if (vocab[id] !== undefined) refuse(`has two tokens with id ${id}`, toDo);
    vocab[id] = token;
  }
  const hole = vocab.findIndex((token) => token === undefined);
  if (hole >= 0) refuse(`has no token with id ${hole}`, toDo);
  while (vocab.length < vocab_size) vocab.push("");
  return vocab;
}
