"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf } = require("./world.js");

const { figures } = load();

for (const name of ["generation", "names"]) {
  const figure = figures[name];
  const data = dataOf(name);

  test(`${name}: each choice added the token that follows`, () => {
    for (const { prompt, ids, tokens, choices } of data.texts) {
      assert.equal(ids.length, prompt + choices.length);
      assert.equal(tokens.length, ids.length);
      choices.forEach(({ drawn }, step) => assert.equal(drawn, ids[prompt + step]));
    }
  });

  test(`${name}: what was drawn could be drawn, and what is left adds up`, () => {
    for (const { drawn, left, removed, candidates } of data.texts.flatMap(
      ({ choices }) => choices,
    )) {
      const chosen = candidates.find(({ id }) => id === drawn);
      assert.equal(chosen.removed_by, null);
      assert.ok(chosen.drawn_with > 0);
      const cut = Object.values(removed).reduce((sum, count) => sum + count, 0);
      assert.equal(left + cut, name === "names" ? 27 : 512);
    }
  });

  test(`${name}: the buttons and the slider go through all choices, and stop`, () => {
    const last = data.texts[0].choices.length - 1;
    let state = { text: 0, step: 0 };
    const disabled = () =>
      figure
        .controls(data, state)
        .filter((control) => control.disabled)
        .map((control) => control.name);
    assert.equal(figure.act(data, state, "previous").step, 0);
    assert.deepEqual([...disabled()], ["previous"]);
    for (let i = 0; i < last; i++) state = figure.act(data, state, "next");
    assert.equal(state.step, last);
    assert.deepEqual([...disabled()], ["next"]);
    assert.equal(figure.act(data, state, "next").step, last);
    assert.equal(figure.act(data, state, "previous").step, last - 1);
    assert.equal(figure.act(data, state, "step", "1").step, 1);
  });

  test(`${name}: every choice can be drawn and says what was drawn`, () => {
    data.texts.forEach(({ choices }, text) =>
      choices.forEach((_, step) => {
        assert.doesNotMatch(figure.draw(data, { text, step }), /NaN|undefined/);
        assert.match(figure.describe(data, { text, step }), /drew ".+", which had/);
      }),
    );
  });

  test(`${name}: no box of the text reaches over the edge or over another`, () => {
    for (const { tokens } of data.texts) {
      const places = figure.chips(tokens);
      places.forEach(({ x, y, width }, i) => {
        assert.ok(x + width <= 340);
        const before = places[i - 1];
        if (before?.y === y) assert.ok(before.x + before.width <= x);
      });
    }
  });
}

test("another name begins with its first choice", () => {
  const data = dataOf("names");
  const after = figures.names.act(data, figures.names.start(data), "text", 2);
  assert.equal(after.text, 2);
  assert.equal(after.step, 0);
});

test("each name ends with BOS, and the list shows it without", () => {
  const data = dataOf("names");
  const control = figures.names
    .controls(data, figures.names.start(data))
    .find(({ name }) => name === "text");
  data.texts.forEach(({ tokens, prompt }, i) => {
    assert.equal(tokens.at(-1), "<BOS>");
    assert.equal(control.options[i][1], tokens.slice(prompt, -1).join(""));
  });
});
