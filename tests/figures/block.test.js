"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const { figures } = load();
const figure = figures["block"];
const data = dataOf("block");
const { sums } = vectorsOf("block");
const state = figure.start(data);

function near(found, expected) {
  found.forEach((number, i) => assert.ok(Math.abs(number - expected[i]) < 0.015));
}

test("what is shown at the sums is stream plus sublayer", () => {
  data.norms.forEach((stages, layer) => {
    near(stages[3], sums[layer][0]);
    near(stages[6], sums[layer][1]);
  });
});

test("what leaves a block enters the next", () => {
  data.norms.slice(1).forEach((stages, i) => near(stages[0], data.norms[i][6]));
});

test("every stage of every block can be drawn and says how long the vector is", () => {
  data.norms.forEach((stages, layer) =>
    stages.forEach((row, stage) =>
      row.forEach((length, token) => {
        const shown = { layer, token, stage };
        assert.doesNotMatch(figure.draw(data, shown), /NaN|undefined/);
        assert.ok(figure.describe(data, shown).includes(length.toFixed(1)));
      }),
    ),
  );
});

test("the shape is that of the data", () => {
  assert.equal(figure.shape(data), `[1, ${data.norms[0][0].length}, 192]`);
});

test("the last block leads to ln_f, the others to the next", () => {
  assert.equal(figure.leads(data, { layer: 2 }), "to h.3");
  assert.equal(figure.leads(data, { layer: 3 }), "to ln_f");
});

test("a value from the page, which is text, becomes a number", () => {
  assert.strictEqual(figure.act(data, state, "stage", "5").stage, 5);
});
