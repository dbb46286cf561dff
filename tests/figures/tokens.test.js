"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf, vectorsOf } = require("./world.js");

const { figures } = load();
const figure = figures.tokens;
const data = dataOf("tokens");
const tokenizer = figure.tokenizer(data);
const encode = (text) => Array.from(tokenizer.encode(text).flat());

test("every text has the ids that the model's own tokenizer gives it", () => {
  const vectors = vectorsOf("tokens");
  assert.ok(vectors.length > 80);
  for (const { text, ids } of vectors) {
    assert.deepEqual(encode(text), ids, JSON.stringify(text));
  }
});

test("every joined token is joined from its bytes", () => {
  assert.equal(data.vocab.length, 512);
  data.vocab.forEach((token, id) => {
    const stages = tokenizer.history(id);
    if (token === data.special) return assert.equal(stages.length, 0);
    assert.equal(stages.at(-1).pieces.join("|"), token);
    if (id > 256) assert.equal(stages.at(-1).rank, id - 257);
    assert.equal(stages.length, token.length);
    assert.ok(stages.length <= 6); // or the picture has no room for them
  });
});

test("half a pair of surrogates becomes the sign for what cannot be read", () => {
  assert.deepEqual(encode("\ud83da"), encode("\ufffda"));
});

test("spaces are seen, and bytes that are no character are written out", () => {
  assert.equal(tokenizer.read("Ġwhat"), "·what");
  assert.equal(tokenizer.read("Ċ"), "↵");
  assert.equal(tokenizer.read("ð"), "F0");
  assert.equal(tokenizer.read("Ã©"), "é");
  assert.equal(tokenizer.read("ĉ"), "09");
  assert.deepEqual(["ð", "ĉ", "Ã©"].map((piece) => tokenizer.isPart(piece)), [
    true,
    false,
    false,
  ]);
});

test("a new text chooses its last token, and the longest text is cut", () => {
  const state = figure.act(data, figure.start(data), "text", "O king");
  assert.equal(state.token, encode("O king").length - 1);
  const long = figure.act(data, state, "text", "😀".repeat(1000));
  assert.equal([...long.text].length, figure.longest);
  const example = figure.act(data, state, "example", data.examples[1][1]);
  assert.equal(example.text, data.examples[1][1]);
  const lengths = encode(example.text).map((id) => tokenizer.history(id).length);
  assert.equal(lengths[example.token], Math.max(...lengths));
  const start = figure.start(data);
  assert.equal(data.vocab[encode(start.text)[start.token]], "Ġwhat");
  assert.equal(figure.act(data, state, "example", "").token, 0);
});

test("a text that is no example is one's own", () => {
  const value = (state) => figure.controls(data, state)[0].value;
  const state = figure.start(data);
  assert.equal(value(state), state.text);
  assert.equal(value(figure.act(data, state, "text", "mine")), "");
});

test("no text has no tokens", () => {
  const state = figure.act(data, figure.start(data), "text", "");
  assert.equal(state.token, 0);
  assert.match(figure.draw(data, state), /^<svg/);
  assert.match(figure.describe(data, state), /^No text/);
  assert.equal(figure.controls(data, state)[2].max, 0);
});

test("the chosen token is in the picture, however long the text is", () => {
  const state = figure.act(data, figure.start(data), "text", "😀".repeat(160));
  for (const token of [0, 100, 300, state.token]) {
    const chosen = figure.act(data, state, "token", String(token));
    const picture = figure.draw(data, chosen);
    assert.equal(picture.match(/class="frame"/g).length, 1);
    assert.ok(picture.includes(`data-touch="token" data-value="${token}"`));
  }
});

test("a token that occurs twice is marked twice, and has one row", () => {
  const text = data.examples[1][1];
  const state = { text, token: encode(text).indexOf(encode(" be")[0]) };
  const picture = figure.draw(data, state);
  assert.match(figure.describe(data, state), /occurs 2 times/);
  const boxes = picture.match(/<rect[^>]*data-touch="token"[^>]*>/g);
  assert.equal(boxes.filter((box) => box.includes("other-shade")).length, 2);
});

test("what is typed is shown, and is no markup", () => {
  const state = figure.act(data, figure.start(data), "text", "<b>&");
  const picture = figure.draw(data, state);
  assert.ok(picture.includes(">&lt;<") && picture.includes(">&amp;<"));
  assert.ok(!picture.includes("<b>"));
});
