// What each switch does to the model, in a sentence.  Its title and its step are the
// catalogue's, and come with the figure of what mistakes cost.
"use strict";

const DOES = {
  "no-mask": "Every token attends to those after it too, as far as they are there already.",
  "one-too-many": "Each token is shown the next one too; the last of a text has none to be shown.",
  "mask-of-ones": "Added to the scores, 1 makes the past e times as loud as the future, no more.",
  "upside-down": "Each token sees itself and what comes after: the last one sees itself alone.",
  "not-centered": "The mean of a vector stays in it.",
  "not-divided": "The vectors keep their small size, and everything after them is too quiet.",
  "dim-less-1": "Every vector becomes shorter by a part in 384.",
  "no-weight-and-bias": "No number of a vector counts for more than another any longer.",
  "across-tokens": "A number is compared with the same number of other tokens.",
  "exact-gelu": "The curve moves in the fourth digit.",
  "quick-gelu": "The curve moves in the second digit.",
  relu: "Small negative numbers, which GELU lets through, become 0.",
  "no-activation": "Two linear layers without a bend are one: half of the MLP is lost.",
  "rows-of-length-1": "Frequent and rare tokens open the stream with the same force.",
  "tokens-scaled": "Tokens are 14 times as loud: positions and blocks are not heard.",
  "rows-in-reverse": "The first token is said to stand at the very end of the context.",
  "zeros-at-0": "The first token alone has no position.",
  "not-scaled": "The scores are too large: each head picks one token and ignores the rest.",
  "without-the-root": "The scores are too small: each head listens to everybody at once.",
  "opposite-sign": "Each head listens most to whom it should listen least.",
  "heads-by-reshape": "A head gets pieces of several tokens instead of its slice of each.",
  "merged-by-reshape": "What the heads found for one token ends up with others.",
  "over-queries": "A key shares itself out over its readers; the shares of one add up to anything.",
  "zeros-after-softmax": "The future takes its share, then the share is thrown away.",
  sigmoid: "Every key says how much by itself, and nobody makes the sum 1.",
  "thirds-kqv": "Keys ask and queries answer: the arrows of attention turn around.",
  "thirds-qvk": "Values answer the queries, and the keys are what is collected.",
  "keys-for-values": "The labels are collected instead of what stands under them.",
  "no-c-proj": "What the heads found goes into the stream in the wrong directions.",
  "not-added": "Each sublayer replaces the stream, and the token itself is forgotten.",
  "sum-normalized": "The stream is brought back to one size after every addition.",
  subtracted: "Everything that is found is taken away instead of added.",
  halved: "What came early is halved again and again: it fades.",
  "norms-exchanged": "Attention sees what the MLP should see, and the other way around.",
  "mlp-first": "The MLP works before the tokens have met.",
  "side-by-side": "The MLP does not see what the attention beside it has found.",
  "no-attention": "No token knows of any other: only positions and the last token count.",
  "no-mlp": "Tokens meet, and nothing is made of it.",
  "no-positions": "The order of the tokens is nowhere: a text is a bag of them.",
  "one-position": "All tokens stand at the first place.",
  backwards: "The newest token always stands at place 0, the oldest far behind.",
  "first-block-only": "One round of attention and MLP instead of four.",
  reversed: "The last block works on embeddings, the first one on what it never saw.",
  "no-ln-f": "The last vectors keep their own size: the model is less sure of everything.",
  "embeddings-compared": "What the blocks made is thrown away: the last token's row is compared instead.",
  "ln-f-twice": "The last vectors are stretched a second time: the model is too sure.",
  "scaled-down": "Logits are 14 times as small: every token is almost as likely as another.",
  "scaled-up": "Logits are 14 times as large: it is certain, right or wrong.",
  capped: "Logits are bent so that none exceeds 30.",
  "last-but-one": "The model is asked what follows the token before the last one.",
  "no-temperature": "Whatever the temperature is, it draws as at 1.",
  "times-temperature": "A low temperature makes it wild, a high one tame; at 1 nothing changes.",
  "softmax-twice": "Probabilities are all below 1, and so nearly the same once more.",
  "only-last-token": "It remembers nothing but the token before.",
  "same-number": "One random number decides all: likely tokens again and again, or odd ones.",
  "first-tokens-kept": "Once the context is full, it says what followed the beginning.",
};

// Switches that change the same line: one of them at a time.
const SAME_LINE = [
  ["no-mask", "mask-of-ones"],
  ["one-too-many", "upside-down"],
  ["not-divided", "dim-less-1"],
  ["exact-gelu", "quick-gelu", "relu", "no-activation"],
  ["rows-of-length-1", "tokens-scaled"],
  ["not-scaled", "without-the-root"],
  ["zeros-after-softmax", "over-queries", "sigmoid"],
  ["thirds-kqv", "thirds-qvk"],
  ["sum-normalized", "not-added", "subtracted", "halved"],
  ["no-positions", "one-position", "backwards"],
  ["reversed", "first-block-only"],
  ["no-ln-f", "ln-f-twice"],
  ["scaled-down", "scaled-up", "capped"],
  ["no-temperature", "times-temperature"],
  ["only-last-token", "first-tokens-kept"],
];

// Of these switches, in the order in which they were switched on, those that can be on
// at once: of each line the last.
function together(names) {
  const later = (name, i) => {
    const line = SAME_LINE.find((one) => one.includes(name)) ?? [name];
    return names.slice(i + 1).some((other) => line.includes(other));
  };
  return names.filter((name, i) => !later(name, i));
}

// All about each switch: {name, step, what, why, bits, does}; and the passages.
function mistakesData() {
  const script = document.querySelector("#figure-mistakes script");
  const { switches, passages, right } = JSON.parse(script.textContent);
  return {
    passages,
    right,
    switches: switches.map((one) => ({ ...one, does: DOES[one.name] })),
  };
}
