"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const { figures } = load();
const figure = figures["residual"];
const data = dataOf("residual");
const state = figure.start(data);

test("the trained sublayers with the residual are the model as it is", () => {
  const { cosine } = data.sources.at(-1).with;
  assert.equal(cosine.length, 9); // attention and MLP of four blocks
  assert.ok(Math.abs(cosine.at(-1) - vectorsOf("residual").cosine) < 2e-4);
});

test("every way begins with the token's own vector", () => {
  for (const source of data.sources) {
    assert.deepEqual(source.with.numbers[0], source.without.numbers[0]);
    assert.equal(source.with.cosine[0], 1);
    assert.equal(source.without.cosine[0], 1);
  }
});

test("with the residual more of it is left, whatever the sublayers", () => {
  for (const source of data.sources) {
    source.with.cosine.slice(1).forEach((cosine, i) => {
      assert.ok(cosine > source.without.cosine[i + 1], source.name);
    });
  }
});

test("small sublayers leave most of it; without the residual nothing is left", () => {
  const [small] = data.sources;
  assert.ok(small.with.cosine.at(-1) > 0.7);
  const [, ...without] = small.without.cosine;
  without.forEach((cosine) => assert.ok(Math.abs(cosine) < 0.25));
});

test("fewer sublayers to choose from: the place stays within them", () => {
  const far = figure.act(data, state, "layer", 12);
  const after = figure.act(data, far, "source", 2);
  assert.equal(after.layer, 8);
  assert.equal(figure.controls(data, after)[1].max, 8);
});

test("every state can be drawn and says its cosine", () => {
  data.sources.forEach((_, source) => {
    for (const residual of [true, false]) {
      for (let layer = 0; layer <= figure.last(data, { source }); layer++) {
        const shown = { source, residual, layer };
        assert.doesNotMatch(figure.draw(data, shown), /NaN|undefined/);
        assert.match(figure.describe(data, shown), layer ? /cosine/ : /own vector/);
      }
    }
  });
});

test("a value from the page, which is text, becomes a number", () => {
  assert.strictEqual(figure.act(data, state, "layer", "3").layer, 3);
  assert.strictEqual(figure.act(data, state, "residual", false).residual, false);
});
