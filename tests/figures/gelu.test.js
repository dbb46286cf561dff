"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const { figures, erf, fixed, gelu } = load();
const figure = figures.gelu;
const data = dataOf("gelu");
const vectors = vectorsOf("gelu");

test("erf is Python's", () => {
  assert.ok(vectors.length > 50);
  for (const { x, erf: expected } of vectors) {
    assert.ok(Math.abs(erf(x) - expected) < 1e-14, `erf(${x}) is ${erf(x)}`);
  }
});

test("both forms of GELU are MAX's", () => {
  for (const { x, tanh_form, erf_form } of vectors) {
    const near = (found, expected) =>
      Math.abs(found - expected) <= 2e-6 * Math.max(1, Math.abs(x));
    assert.ok(near(gelu(x), tanh_form), `tanh form of ${x}`);
    assert.ok(near(figure.erfForm(x), erf_form), `erf form of ${x}`);
  }
});

test("the forms differ, by less than the enlarged picture is tall", () => {
  let most = 0;
  for (let x = -4; x <= 4; x += 0.01) {
    most = Math.max(most, Math.abs(figure.difference(x)));
  }
  assert.ok(most > 4e-4 && most < 5e-4, `${most}`);
  assert.ok(most * figure.enlarged * figure.unit < 44);
});

test("a value from the page, which is text, becomes a number", () => {
  const state = figure.act(data, figure.start(data), "x", "0.35");
  assert.strictEqual(state.x, 0.35);
});

test("the words tell the three values at x", () => {
  assert.match(
    figure.describe(data, { x: 1 }),
    /x = 1\.00 .* gives 0\.8412, the erf form 0\.8413 and ReLU 1\.0000\./,
  );
  assert.match(figure.describe(data, { x: -4 }), /x = −4\.00 .* and ReLU 0\.0000\./);
});

test("no zero has a sign", () => {
  assert.equal(fixed(-0.00001, 4), "0.0000");
  assert.equal(fixed(-0, 0), "0");
  assert.equal(fixed(-10, 0), "−10");
});

test("the numbers that the model meets are nearly all in the picture", () => {
  const sum = data.met.reduce((total, share) => total + share, 0);
  assert.equal(data.met.length, (2 * data.reach) / data.bin);
  assert.ok(sum > 0.99 && sum <= 1.001, `${sum}`);
});
