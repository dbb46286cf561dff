"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf } = require("./world.js");

const { figures } = load();
const figure = figures["causal-mask"];
const data = dataOf("causal-mask");

test("a masked query reads nothing that comes after it", () => {
  const weights = figure.weights(data, true);
  weights.forEach((row, query) => {
    row.forEach((share, key) => assert.equal(share > 0, key <= query));
    assert.equal(figure.leaked(row, query), 0);
  });
});

test("without the mask, every row but the last leaks", () => {
  const weights = figure.weights(data, false);
  weights.forEach((row, query) => {
    const total = row.reduce((sum, share) => sum + share, 0);
    assert.ok(Math.abs(total - 1) < 1e-12);
    const last = query === row.length - 1;
    assert.equal(figure.leaked(row, query) > 0, !last);
  });
});

test("a value from the page, which is text, becomes a number", () => {
  const state = figure.act(data, figure.start(data), "query", "2");
  assert.strictEqual(state.query, 2);
});
