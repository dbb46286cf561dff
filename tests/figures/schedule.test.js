"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { load, dataOf } = require("./world.js");

const figure = load().figures["schedule"];
const data = dataOf("schedule");
const texts = data.texts.map((_, text) => text);
const ways = figure.ways.map(([way]) => way);
const steps = ways.flatMap((way) => data.calls[way].map((_, step) => [way, step]));

test("every text is read once, and gets the tokens that it asks for", () => {
  for (const way of ways) {
    for (const text of texts) {
      const { prompt, new: tokens } = data.texts[text];
      const came = data.calls[way].filter((call) => text in call.came).length;
      assert.equal(came, tokens);
      const last = data.calls[way].length - 1;
      assert.equal(figure.held(data, way, text, last), prompt + tokens - 1);
    }
  }
});

test("every way writes the same", () => {
  for (const text of texts) {
    const written = ways.map((way) =>
      figure.written(data, way, text, data.calls[way].length - 1),
    );
    assert.equal(new Set(written).size, 1);
  }
});

test("no call has more texts or reads more tokens than may be", () => {
  for (const [way, step] of steps) {
    const { read, pages } = data.calls[way][step];
    assert.ok(Object.keys(pages).length <= data.texts_at_once);
    const tokens = Object.values(read).reduce((sum, [, one]) => sum + one, 0);
    assert.ok(tokens <= data.tokens_at_once);
  }
});

test("a text pauses only where prompts come first, and there beside none that is written", () => {
  for (const [way, step] of steps) {
    const doing = texts.map((text) => figure.doing(data, way, text, step));
    if (way !== "prompts") assert.ok(!doing.includes("pauses"));
    else assert.ok(!doing.includes("reads") || !doing.includes("writes"));
  }
  const pauses = ways.map((way) => figure.longestPause(data, way));
  assert.deepEqual(pauses, [0, 4, 0, 0]);
});

test("no page is left out, overfull or anyone else's", () => {
  for (const [way, step] of steps) {
    const { pages, kept } = data.calls[way][step];
    for (const [text, own] of Object.entries(pages)) {
      const full = own.map((page) => figure.inPage(data, way, text, step, page));
      const held = figure.held(data, way, Number(text), step);
      assert.equal(
        full.reduce((sum, tokens) => sum + tokens, 0),
        held,
      );
      for (const page of own) assert.ok(page >= 1 && page <= data.pages);
      assert.ok(!own.some((page) => kept.includes(page)));
    }
  }
});

test("the run shows what the chapter tells of", () => {
  const calls = data.calls.server;
  const said = (what) =>
    calls.filter((_, step) => what.test(figure.describe(data, { way: "server", step })));
  assert.equal(said(/that was kept/).length, 1);
  assert.ok(said(/reads .* of its prompt.* next token/).length > 3);
  assert.ok(said(/wait/).length > 5);
  assert.equal(said(/ends here/).length, texts.length);
  const parts = calls.filter(({ read }) => read[2] && read[2][0] < 143);
  assert.equal(parts.length, 3);
  assert.deepEqual(
    parts.map(({ read }) => read[2][1]),
    [62, 62, 19],
  );
  const counts = ways.map((way) => data.calls[way].length);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
  );
});

test("a text waits, is read, written and ended, in this order", () => {
  const order = ["absent", "waits", "reads", "writes", "ended"];
  for (const way of ways) {
    for (const text of texts) {
      const seen = data.calls[way]
        .map((_, step) => figure.doing(data, way, text, step))
        .filter((doing) => doing !== "pauses")
        .map((doing) => order.indexOf(doing));
      assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
    }
  }
});

test("the buttons and the slider go through all calls, and stop", () => {
  for (const way of ways) {
    const last = data.calls[way].length - 1;
    let state = { way, step: 0 };
    assert.equal(figure.act(data, state, "previous").step, 0);
    for (let i = 0; i < last; i++) state = figure.act(data, state, "next");
    assert.equal(state.step, last);
    assert.equal(figure.act(data, state, "next").step, last);
    assert.equal(figure.act(data, state, "step", "3").step, 3);
    const server = figure.act(data, state, "way", "server");
    assert.ok(server.step < data.calls.server.length);
  }
});

test("every call can be drawn and said", () => {
  for (const [way, step] of steps) {
    assert.doesNotMatch(figure.draw(data, { way, step }), /NaN|undefined/);
    assert.match(figure.describe(data, { way, step }), /^Call \d+ of \d+\. Text/);
  }
});
