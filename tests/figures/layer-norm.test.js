"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const { figures } = load();
const figure = figures["layer-norm"];
const data = dataOf("layer-norm");

function near(found, expected, tolerance) {
  assert.equal(found.length, expected.length);
  found.forEach((number, i) => {
    const apart = Math.abs(number - expected[i]);
    assert.ok(apart <= tolerance, `${number}, not ${expected[i]}`);
  });
}

test("the stages end where the solution's layer norm ends", () => {
  for (const { x, mean, variance, y } of vectorsOf("layer-norm")) {
    const found = figure.stages(data, { x, epsilon: true });
    near([found.mean, found.variance], [mean, variance], 1e-9 * (1 + variance));
    near(found.y, y, 5e-6); // the solution computes in float32
  }
});

test("the picture starts from what the model meets", () => {
  const state = figure.start(data);
  const { mean, variance, normalized } = figure.stages(data, state);
  assert.ok(Math.abs(mean) > 0.1 && variance > 0.1);
  near([normalized.reduce((sum, number) => sum + number, 0)], [0], 1e-12);
  near([figure.variance(normalized)], [1], 1e-4);
});

test("a bar follows the pointer, and stops at the edge", () => {
  const state = figure.start(data);
  const zero = figure.panels[0][2];
  const dragged = (at, y) => figure.act(data, state, "bar", { at, x: 0, y });
  const up = dragged("4", zero - figure.unit);
  assert.deepEqual([up.chosen, up.x[4]], [4, 1]);
  assert.deepEqual(
    up.x.filter((_, i) => i !== 4),
    state.x.filter((_, i) => i !== 4),
  );
  assert.equal(dragged("0", -1000).x[0], figure.largest);
  assert.equal(dragged("0", 1000).x[0], -figure.largest);
});

test("the slider moves the chosen bar", () => {
  const chosen = figure.act(data, figure.start(data), "chosen", 3);
  const state = figure.act(data, chosen, "value", -0.5);
  assert.equal(state.x[3], -0.5);
  const control = figure.controls(data, state).find(({ name }) => name === "value");
  assert.equal(control.value, -0.5);
});

test("halving changes nothing but the scale, until epsilon is felt", () => {
  let state = figure.start(data);
  const before = figure.stages(data, state).normalized;
  state = figure.act(data, state, "halve");
  near(figure.stages(data, state).normalized, before, 1e-3);
  for (let time = 0; time < 14; time += 1) state = figure.act(data, state, "halve");
  const small = figure.stages(data, state).normalized;
  assert.ok(Math.max(...small.map(Math.abs)) < 0.1);
  assert.match(figure.describe(data, state), /epsilon holds/);
  state = figure.act(data, state, "epsilon", false);
  near(figure.stages(data, state).normalized, before, 1e-3);
});

test("equal numbers need epsilon", () => {
  const equal = figure.act(data, figure.start(data), "equal");
  const { normalized, y } = figure.stages(data, equal);
  near(normalized, [0, 0, 0, 0, 0, 0], 0);
  near(y, data.bias, 0);
  const without = figure.act(data, equal, "epsilon", false);
  assert.ok(figure.stages(data, without).y.every(Number.isNaN));
  const picture = figure.draw(data, without);
  assert.equal(picture.match(/>NaN</g).length, 12);
  assert.ok(!/="[^"]*NaN/.test(picture.replace(/aria-label="[^"]*"/, "")));
  assert.match(figure.describe(data, without), /0 divided by 0/);
});

test("it can start again", () => {
  const equal = figure.act(data, figure.start(data), "equal");
  const again = figure.act(data, equal, "restart");
  assert.equal(JSON.stringify(again), JSON.stringify(figure.start(data)));
});

test("the largest bars stay between the titles", () => {
  const state = figure.start(data);
  for (const sign of [1, -1]) {
    const x = state.x.map((_, i) => (i ? -sign : sign) * figure.largest);
    const { centered, normalized, y } = figure.stages(data, { ...state, x });
    const reach = (numbers) => figure.unit * Math.max(...numbers.map(Math.abs)) + 11;
    const [[, top, zero], , [, under, lower]] = figure.panels;
    assert.ok(zero - reach(centered) >= top && zero + reach(centered) <= 194);
    assert.ok(lower - reach([...normalized, ...y]) >= under);
    assert.ok(lower + reach([...normalized, ...y]) <= 348);
  }
});
