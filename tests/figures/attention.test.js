"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const { figures } = load();
const figure = figures["attention"];
const data = dataOf("attention");
const vectors = vectorsOf("attention");
const state = figure.start(data);

test("every head of every layer finds what the solution's heads find", () => {
  vectors.merged.forEach((rows, layer) => {
    rows.forEach((expected, i) => {
      const query = vectors.queries[i];
      const found = data.values[layer].flatMap(
        (_, head) => figure.numbers(data, { layer, head }).collected[query],
      );
      assert.equal(found.length, expected.length);
      found.forEach((number, place) => {
        // The data has three digits after the point.
        assert.ok(Math.abs(number - expected[place]) < 3e-3, `${layer}, ${place}`);
      });
    });
  });
});

test("the mask hides what comes after the query, and nothing else", () => {
  const { masked, scores } = figure.numbers(data, state);
  masked.forEach((row, query) =>
    row.forEach((score, key) => {
      assert.equal(score, key > query ? -Infinity : scores[query][key]);
    }),
  );
});

test("weights of a row sum to 1, and the first token reads itself", () => {
  const { softmax } = figure.numbers(data, { layer: 3, head: 5 });
  for (const row of softmax) {
    const sum = row.reduce((total, share) => total + share, 0);
    assert.ok(Math.abs(sum - 1) < 1e-12);
  }
  assert.equal(softmax[0][0], 1);
});

test("the head that is shown first reads the token before", () => {
  const { softmax } = figure.numbers(data, state);
  softmax.slice(1).forEach((row, i) => assert.ok(row[i] > 0.9));
});

test("every stage of every query can be drawn and says so", () => {
  for (const [stage] of figure.stages) {
    data.tokens.forEach((_, query) => {
      const shown = { ...state, stage, query, layer: 3, head: 0 };
      assert.doesNotMatch(figure.draw(data, shown), /NaN|undefined/);
      assert.match(figure.describe(data, shown), /^Layer 3, head 0/);
    });
  }
});

test("hidden scores are marked, not only colored", () => {
  const count = (stage) =>
    figure.draw(data, { ...state, stage }).split("\u2212\u221e").length - 1;
  const n = data.tokens.length;
  assert.equal(count("scores"), 0);
  assert.equal(count("masked"), (n * (n - 1)) / 2);
});

test("a value from the page, which is text, becomes a number", () => {
  assert.strictEqual(figure.act(data, state, "query", "2").query, 2);
  assert.strictEqual(figure.act(data, state, "stage", "sum").stage, "sum");
});
