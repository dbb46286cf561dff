"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const { figures } = load();
const figure = figures.positions;
const data = dataOf("positions");
const vectors = vectorsOf("positions");
const precision = 1 / (36 * 36 - 1); // half of what one digit less makes

test("the similarities are those of the model's table", () => {
  assert.ok(vectors.pairs.length > 90);
  for (const [a, b, expected] of vectors.pairs) {
    const found = figure.similarity(data, a, b);
    assert.ok(Math.abs(found - expected) <= precision, `${a}, ${b}: ${found}`);
    assert.equal(found, figure.similarity(data, b, a));
  }
});

test("every row is like itself, and has a nearest one", () => {
  assert.equal(data.similar.length, vectors.nearest.length);
  vectors.nearest.forEach((expected, position) => {
    assert.equal(figure.similarity(data, position, position), 1);
    const nearest = figure.nearest(data, position);
    assert.notEqual(nearest, position);
    const found = figure.similarity(data, position, nearest);
    assert.ok(Math.abs(found - expected) <= precision);
  });
});

test("what is around a position leaves out the position and the edges", () => {
  const [one, two] = [figure.similarity(data, 0, 1), figure.similarity(data, 0, 2)];
  assert.ok(Math.abs(figure.around(data, 0, 1, 2) - (one + two) / 2) < 1e-12);
  assert.equal(figure.around(data, 0, 256, Infinity), null);
});

test("near rows are more alike than far ones, wherever one looks", () => {
  const positions = data.similar.map((_, position) => position);
  const mean = (least, most) =>
    positions.reduce((sum, p) => sum + figure.around(data, p, least, most), 0) / 256;
  assert.ok(mean(1, 8) > mean(64, Infinity) + 0.3);
});

test("the words hold at the first and the last position", () => {
  for (const position of ["0", "255"]) {
    const state = figure.act(data, figure.start(data), "position", position);
    assert.strictEqual(state.position, Number(position));
    const words = figure.describe(data, state);
    assert.match(words, new RegExp(`^Row ${position} is most like row \\d+ \\(0\\.`));
    assert.doesNotMatch(words + figure.draw(data, state), /NaN|undefined|null/);
  }
});

test("the third row is the sum of the two above it", () => {
  const state = { position: 7 };
  const rows = figure.draw(data, state).match(/>−?\d\.\d\d</g).slice(-24);
  const numbers = rows.map((text) => Number(text.slice(1, -1).replace("−", "-")));
  for (let column = 0; column < 8; column += 1) {
    const [token, position, sum] = [0, 8, 16].map((start) => numbers[start + column]);
    assert.equal(token, data.wte[column]);
    assert.equal(position, data.wpe[7][column]);
    assert.ok(Math.abs(token + position - sum) < 1e-9);
  }
});

test("the average is over all pairs that are so far apart", () => {
  const count = data.similar.length;
  for (const apart of [1, 5, 12, 100]) {
    let sum = 0;
    for (let row = apart; row < count; row += 1) {
      sum += figure.similarity(data, row, row - apart);
    }
    assert.ok(Math.abs(sum / (count - apart) - data.average[apart]) < 0.002);
  }
});
