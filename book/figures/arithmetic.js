// The arithmetic of the figures, as the Python of the course has it.  Node compares
// the two on the same numbers.
"use strict";

function total(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function dot(a, b) {
  return a.reduce((sum, number, i) => sum + number * b[i], 0);
}

function added(a, b) {
  return a.map((number, i) => number + b[i]);
}

// Logits to probabilities; -Infinity becomes 0.
function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = total(powers);
  return powers.map((power) => power / sum);
}

// GPT-2's GELU, the tanh form.
function gelu(x) {
  const inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
  return 0.5 * x * (1 + Math.tanh(inner));
}

// How many bits it takes to be told an event that had this share.
function bitsOf(share) {
  return -Math.log2(share);
}

// A share as one reads it: 0.123 is "12.3%".
function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

// A count as one reads it: 1234567 is "1,234,567".
function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

// So many bytes as one reads them, with three digits: 1234567 is "1.23 MB".
function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB"];
  let place = 0;
  while (count >= 999.5 && place < 3) {
    count /= 1000;
    place += 1;
  }
  return `${place ? count.toPrecision(3) : count} ${units[place]}`;
}

// A number with so many digits after the point, and a true minus; 0 has none.
function fixed(number, places = 2) {
  return number.toFixed(places).replace(/^-(0\.?0*)$/, "$1").replace("-", "\u2212");
}

// A number with its sign: "+1.20", and a true minus for those below 0.
function signed(number, places = 2) {
  const sign = number < 0 ? "\u2212" : "+";
  return `${sign}${Math.abs(number).toFixed(places)}`;
}

// The error function, which JavaScript lacks: 2 / sqrt(pi) times the integral of
// exp(-t * t) from 0 to x.  The series adds only terms of one sign, so it is exact to
// the last digits (NIST, Digital Library of Mathematical Functions, 7.6.2).
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x); // nearer than a float can tell
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
