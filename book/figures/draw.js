// Draw the static pictures: Node runs the figures as the page does, without a page.
//
//   node book/figures/draw.js < data.json     {name: data} in, {name: drawn} out
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

// The figures, in a world of their own: `load().figures`, `load().softmax` and so on.
// The page loads the same files, in the order in which book.toml names them.
function load() {
  const book = path.dirname(__dirname);
  const settings = fs.readFileSync(path.join(book, "book.toml"), "utf8");
  const files = settings.match(/figures\/[\w-]+\.js/g);
  const world = vm.createContext({ structuredClone });
  for (const file of files) {
    vm.runInContext(fs.readFileSync(path.join(book, file), "utf8"), world, {
      filename: file,
    });
  }
  world.figures = vm.runInContext("figures", world);
  return world;
}

function drawn(figure, data) {
  const state = figure.start(data);
  return { picture: figure.draw(data, state), words: figure.describe(data, state) };
}

if (require.main === module) {
  const { figures } = load();
  const given = JSON.parse(fs.readFileSync(0, "utf8"));
  const found = Object.entries(given).map(([name, data]) => [
    name,
    drawn(figures[name], data),
  ]);
  process.stdout.write(JSON.stringify(Object.fromEntries(found)));
}

module.exports = { load };
