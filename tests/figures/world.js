// What the tests of the figures share.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { load } = require("../../book/figures/draw.js");

const root = path.join(__dirname, "..", "..");

// The data of a figure, as the page has it.
function dataOf(name) {
  const page = fs.readFileSync(path.join(root, "book/drawn", `${name}.html`), "utf8");
  return JSON.parse(page.match(/<script type="application\/json">(.*)<\/script>/)[1]);
}

// What the course's Python computes, for the same numbers.
function vectorsOf(name) {
  const file = path.join(__dirname, "vectors", `${name}.json`);
  return JSON.parse(fs.readFileSync(file, "utf8"));
}

module.exports = { load, dataOf, vectorsOf };
