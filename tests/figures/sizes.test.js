"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const { figures, bytes, grouped } = load();
const figure = figures.sizes;
const data = dataOf("sizes");

test("every part of every model has as many parameters as in Python", () => {
  const expected = vectorsOf("sizes");
  assert.equal(expected.length, data.models.length);
  for (const { name, counts } of expected) {
    const config = figure.chosen(data, { model: name });
    const found = figure.parts(config).map((part) => [part.name, part.count]);
    assert.deepEqual(Object.fromEntries(found), counts, name);
  }
});

test("an MLP of another width is counted by its width", () => {
  const config = { ...data.models[0], inner_dim: 768 };
  const mlp = figure.parts(config).find(({ name }) => name === "mlp");
  assert.equal(mlp.count, 12 * 2 * (768 * 768 + 768));
});

test("the picture and the words tell the chosen model's numbers", () => {
  for (const { name } of data.models) {
    const state = { ...figure.start(data), model: name };
    const words = figure.describe(data, state);
    const parts = figure.parts(figure.chosen(data, state));
    const total = grouped(figure.total(parts));
    assert.ok(words.startsWith(`${name} has `) && words.includes(total), words);
    const picture = figure.draw(data, state);
    for (const { count } of parts) assert.ok(picture.includes(`>${grouped(count)}<`));
    assert.equal(picture.match(/class="frame"/g).length, 1);
  }
});

test("every model can be chosen by a touch and by the control", () => {
  const names = data.models.map(({ name }) => name);
  const picture = figure.draw(data, figure.start(data));
  for (const name of names) {
    assert.ok(picture.includes(`data-touch="model" data-value="${name}"`));
  }
  const [control] = figure.controls(data, figure.start(data));
  assert.equal(control.options.map(([value]) => value).join(), names.join());
});

test("counts and bytes are written as one reads them", () => {
  assert.equal(grouped(999), "999");
  assert.equal(grouped(1000), "1,000");
  assert.equal(grouped(1557611200), "1,557,611,200");
  assert.equal(bytes(384), "384 bytes");
  assert.equal(bytes(1000), "1.00 kB");
  assert.equal(bytes(999999), "1.00 MB");
  assert.equal(bytes(497759232), "498 MB");
  assert.equal(bytes(6230444800), "6.23 GB");
});
