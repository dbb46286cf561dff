// The playground's worker, as the page starts it, for Node.
//
//   node tests/playground/worker.js FILE     answers the questions in FILE
//
// A question is {ask, folder, broken, ...}: "logits" of a text's ids; "expectations", as
// probabilities; "text", with settings and count.  The answers go to standard output, as
// float32 one after the other.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const root = path.join(__dirname, "..", "..");

// What the page's script has, by name.
function load(...names) {
  const chapter = path.join(root, "book/src/playground.md");
  const page = fs.readFileSync(chapter, "utf8");
  const [script] = page.match(/<script [^>]*id="playground-worker">.*?<\/script>/s);
  const files = script.match(/(?<=\{\{#include )\S+\.js/g);
  const texts = files.map((file) =>
    fs.readFileSync(path.join(path.dirname(chapter), file), "utf8"),
  );
  return new Function(`${texts.join("\n")}\nreturn { ${names.join(", ")} };`)();
}

// A folder's checkpoint, as a page is given it.
function filesOf(folder) {
  return ["config.json", "model.safetensors", "tokenizer.json"].map((name) => {
    const bytes = fs.readFileSync(path.join(root, folder, name));
    return Object.assign(new Blob([bytes]), { name });
  });
}

async function main(file) {
  const { GPT2, Writer, expectations, softmax, readCheckpoint } = load(
    "GPT2",
    "Writer",
    "expectations",
    "softmax",
    "readCheckpoint",
  );
  const checkpoints = {};
  const answers = {
    logits: (model, { ids }) => model.logits(ids).data,
    expectations: (model, { ids }) =>
      expectations(model, ids).flatMap((row) => [...softmax(row)]),
    text(model, { ids, settings, count }) {
      const writer = new Writer(model, settings);
      const text = [...ids];
      while (text.length < ids.length + count) {
        const { id } = writer.next(text, text.length - ids.length);
        text.push(id);
        if (id === model.boundary) break;
      }
      return text.slice(ids.length);
    },
  };
  for (const question of JSON.parse(fs.readFileSync(file, "utf8"))) {
    const { ask, folder, broken } = question;
    checkpoints[folder] ??= await readCheckpoint(filesOf(folder));
    const model = new GPT2({ ...checkpoints[folder], broken });
    const numbers = Float32Array.from(answers[ask](model, question));
    fs.writeSync(1, new Uint8Array(numbers.buffer));
  }
}

if (require.main === module) main(process.argv[2]);

module.exports = { load, root };
