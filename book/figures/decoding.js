// From logits to a token, as in gpt2/decoding.py: the same order, the same ties.
// Logits [vocab_size] in, new ones out, with -Infinity where a token has been cut.
"use strict";

const ROUNDING = 1e-6; // a bound that is missed by this much is met

// The token with the largest logit; of equals, the one with the lowest id.
function greedyToken(logits) {
  return logits.indexOf(Math.max(...logits));
}

// The likeliest tokens, the first one first: [[id, share], ...].
function likeliest(shares, count) {
  const falling = Array.from(shares.keys()).sort((a, b) => shares[b] - shares[a]);
  return falling.slice(0, count).map((id) => [id, shares[id]]);
}

// Keeps the k largest logits, and those equal to the last of them.
function keepTopK(logits, k) {
  const falling = [...logits].sort((a, b) => b - a);
  const last = falling[Math.min(k, logits.length) - 1];
  return logits.map((logit) => (logit < last ? -Infinity : logit));
}

// Keeps the smallest set of tokens whose probability reaches p; of equals, those with
// the lowest ids.
function keepTopP(logits, p) {
  const shares = softmax(logits);
  const falling = logits.map((_, id) => id).sort((a, b) => shares[b] - shares[a]);
  const kept = new Set();
  let reached = 0;
  for (const id of falling) {
    if (kept.size > 0 && reached >= p - ROUNDING) break;
    kept.add(id);
    reached += shares[id];
  }
  return logits.map((logit, id) => (kept.has(id) ? logit : -Infinity));
}

// Keeps the tokens with probability >= p * the largest probability.
function keepMinP(logits, p) {
  const least = Math.max(...logits) + Math.log(p) - ROUNDING;
  return logits.map((logit) => (logit < least ? -Infinity : logit));
}

// Keeps the greedy choice alone.
function keepGreedy(logits) {
  const only = greedyToken(logits);
  return logits.map((logit, id) => (id === only ? logit : -Infinity));
}

// What the settings make of a model's logits: [[name, logits], ...], in the order in
// which `Decoding` applies them.  A setting that is off has no stage.
function decodingStages(logits, { temperature, top_k, top_p, min_p }) {
  const stages = [["model", logits]];
  const add = (name, change) => stages.push([name, change(stages.at(-1)[1])]);
  if (temperature === 0) {
    add("greedy", keepGreedy);
    return stages;
  }
  const divided = (x) => x.map((logit) => logit / temperature);
  if (temperature !== 1) add("temperature", divided);
  if (top_k !== 0) add("top_k", (x) => keepTopK(x, top_k));
  if (top_p !== 1) add("top_p", (x) => keepTopP(x, top_p));
  if (min_p !== 0) add("min_p", (x) => keepMinP(x, min_p));
  return stages;
}

// Token i with probability shares[i]: the first whose cumulative probability exceeds
// `number`, which is drawn from [0, 1).
function sampleToken(shares, number) {
  const last = shares.findLastIndex((share) => share > 0);
  let reached = 0;
  return shares.findIndex((share, id) => {
    reached += share;
    return reached > number || id === last; // the sum may miss 1 by a rounding
  });
}
