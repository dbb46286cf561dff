"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf } = require("./world.js");

const figure = load().figures["mistakes"];
const data = dataOf("mistakes");

test("the mistakes stand in the order that is asked for", () => {
  const costs = figure.rows(data, "cost").map(({ bits }) => bits);
  assert.deepEqual(costs, [...costs].sort((a, b) => a - b));
  const steps = figure.rows(data, "step").map(({ step }) => step);
  assert.deepEqual(steps, [...steps].sort((a, b) => a - b));
  assert.equal(costs.length, data.switches.length);
});

test("a mistake is told with its step, its cost and why", () => {
  for (const { name, what, why, bits } of data.switches) {
    const words = figure.describe(data, { chosen: name });
    for (const part of [what, why, bits.toFixed(2)]) assert.ok(words.includes(part));
    assert.equal(words.includes("next to nothing"), Math.abs(bits - data.right) < 0.05);
  }
});
