"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const { figures } = load();
const figure = figures["residual-stream"];
const data = dataOf("residual-stream");
const vectors = vectorsOf("residual-stream");

test("after the last block, the head reads what the model says", () => {
  assert.deepEqual(data.predicted.at(-1), vectors.predicted);
  data.probability.at(-1).forEach((share, token) => {
    assert.ok(Math.abs(share - vectors.probability[token]) < 2e-4);
  });
});

test("all that is added makes the stream that ln_f reads", () => {
  data.stream.at(-1).forEach((length, token) => {
    assert.ok(Math.abs(length - vectors.last[token]) < 0.02);
  });
});

test("no sum is longer than its parts laid end to end", () => {
  data.places.slice(1).forEach((_, i) => {
    data.tokens.forEach((_, token) => {
      const parts = data.stream[i][token] + data.added[i + 1][token];
      assert.ok(data.stream[i + 1][token] <= parts + 0.02);
    });
  });
});

test("the embedding alone is read as the token itself: the head is tied to it", () => {
  assert.deepEqual(data.predicted[0], data.tokens);
});

test("every place of every token can be drawn and says so", () => {
  data.places.forEach((part, place) => {
    data.tokens.forEach((_, token) => {
      assert.doesNotMatch(figure.draw(data, { token, place }), /NaN|undefined/);
      const words = figure.describe(data, { token, place });
      assert.ok(words.includes(part), words);
      assert.equal(/ follows\./.test(words), token < data.tokens.length - 1);
    });
  });
});

test("a value from the page, which is text, becomes a number", () => {
  assert.strictEqual(figure.act(data, figure.start(data), "token", "5").token, 5);
});
