"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const world = load();
const figure = world.figures["next-token"];
const data = dataOf("next-token");
const vectors = vectorsOf("next-token");
const off = { temperature: 1, top_k: 0, top_p: 1, min_p: 0 };

function near(found, expected, tolerance) {
  assert.equal(found.length, expected.length);
  found.forEach((number, i) => {
    const distance = Math.abs(number - expected[i]);
    assert.ok(distance <= tolerance, `${number}, expected ${expected[i]}`);
  });
}

// The state in which these ids are the text.
function reading(ids, settings = off) {
  return { ...figure.start(data), ids, ...settings };
}

test("the model in the page has the logits of the solution", () => {
  for (const { ids, logits } of vectors.logits) {
    near(figure.logits(data, ids), logits, 1e-5);
  }
});

test("settings leave what gpt2.decoding leaves, ties included", () => {
  for (const { logits, settings, shares } of vectors.decoding) {
    const left = world.decodingStages(logits, settings).at(-1)[1];
    near(world.softmax(left), shares, 1e-5);
    const kept = left.map((logit) => logit > -Infinity);
    assert.deepEqual([...kept], shares.map((share) => share > 0), settings);
  }
});

test("a number draws the token that gpt2.decoding draws", () => {
  for (const { logits, settings, drawn } of vectors.decoding) {
    const shares = world.softmax(world.decodingStages(logits, settings).at(-1)[1]);
    for (const [number, token] of drawn) {
      assert.equal(world.sampleToken(shares, number), token, `${number} ${logits}`);
    }
  }
});

test("a sum that misses 1 by a rounding still draws a token that is not cut", () => {
  assert.equal(world.sampleToken([0.1, 0.2, 0.3, 0.39, 0], 0.999), 3);
});

test("a draw appends the token that its number names", () => {
  const before = figure.start(data);
  const { shares } = figure.choice(data, before);
  const first = shares.findIndex((share) => share > 0);
  const after = figure.act(data, before, "draw", 0);
  assert.deepEqual([...after.ids], [...before.ids, first]);
  assert.equal(after.last.share, shares[first]);
  assert.equal(before.ids.length, 3); // the state before is as it was
});

test("without a number, as on the page, chance draws", () => {
  const after = figure.act(data, figure.start(data), "draw", undefined);
  assert.equal(after.ids.length, 4);
  assert.ok(after.last.number >= 0 && after.last.number < 1);
});

test("temperature 0 is greedy, whatever the number", () => {
  const state = reading([data.boundary], { ...off, temperature: 0 });
  const { best, cutBy } = figure.choice(data, state);
  assert.equal(figure.act(data, state, "draw", 0.999).ids.at(-1), best);
  assert.equal(cutBy.filter((name) => name === "greedy").length, 26);
});

test("what cut a token is the first setting that did", () => {
  const state = reading([data.boundary], { ...off, top_k: 5, top_p: 0.5 });
  const { cutBy, model } = figure.choice(data, state);
  const falling = [...model.keys()].sort((a, b) => model[b] - model[a]);
  falling.slice(5).forEach((id) => assert.equal(cutBy[id], "top_k"));
  assert.equal(cutBy[falling[0]], undefined);
  assert.equal(cutBy[falling[4]], "top_p");
});

test("a name ends at BOS, and can then only be started again", () => {
  const ended = reading([data.boundary, 9, 14, data.boundary]);
  assert.ok(figure.finished(data, ended));
  assert.equal(figure.act(data, ended, "draw", 0.5), ended);
  const draw = figure.controls(data, ended).find(({ name }) => name === "draw");
  assert.ok(draw.disabled);
  assert.match(figure.describe(data, ended), /"jo"/);
  const again = figure.act(data, ended, "restart");
  assert.deepEqual([...again.ids], [data.boundary, 12, 0]);
});

test("a name ends when all positions are taken", () => {
  let state = reading([data.boundary]);
  for (let i = 0; i < 30 && !figure.finished(data, state); i++) {
    // The least likely token but BOS: a name that goes on.
    const { model } = figure.choice(data, state);
    const rest = model.map((share, id) => (id === data.boundary ? 1 : share));
    const id = rest.indexOf(Math.min(...rest));
    state = { ...state, ids: [...state.ids, id] };
  }
  assert.equal(state.ids.length, data.config.n_positions);
  assert.match(figure.describe(data, state), /16 positions/);
});

test("another beginning starts another name and keeps the settings", () => {
  const before = figure.act(data, figure.start(data), "top_p", 0.4);
  const after = figure.act(data, before, "prefix", "");
  assert.deepEqual([...after.ids], [data.boundary]);
  assert.equal(after.top_p, 0.4);
});
