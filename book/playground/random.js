// NumPy's random numbers, so that a seed draws here what `./run generate --seed` draws.
"use strict";

// PCG64, NumPy's usual generator (O'Neill, "PCG: A Family of Simple Fast
// Space-Efficient Statistically Good Algorithms for Random Number Generation", 2014).
class Random {
  // `seed`: a whole number from 0 to 2 ** 32 - 1.
  constructor(seed) {
    const [high, low, highStep, lowStep] = spread(seed);
    this.step = Random.whole((((highStep << 64n) | lowStep) << 1n) | 1n);
    this.state = Random.whole(this.step + ((high << 64n) | low));
    this.advance();
  }

  static whole = (number) => BigInt.asUintN(128, number);

  advance() {
    this.state = Random.whole(this.state * 0x2360ed051fc65da44385df649fccf645n + this.step);
  }

  // A number from [0, 1), as rng.random() gives it.
  next() {
    this.advance();
    const [high, low] = [this.state >> 64n, BigInt.asUintN(64, this.state)];
    const mixed = high ^ low;
    const turn = this.state >> 122n;
    const turned = BigInt.asUintN(64, (mixed >> turn) | (mixed << (64n - turn)));
    return Number(turned >> 11n) / 2 ** 53;
  }
}

// Four numbers of 64 bits from a seed: NumPy's SeedSequence.
function spread(seed) {
  const times = (a, b) => Math.imul(a, b) >>> 0;
  const folded = (number) => (number ^ (number >>> 16)) >>> 0;

  // Each call mixes a number with a constant that changes from call to call.
  function hash(constant, factor) {
    return (number) => {
      number ^= constant;
      constant = times(constant, factor);
      return folded(times(number, constant));
    };
  }

  const stir = hash(0x43b0d7e5, 0x931e8875);
  const pool = [seed, 0, 0, 0].map(stir);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const [a, b] = [times(pool[to], 0xca01f9dd), times(stir(pool[from]), 0x4973f715)];
      pool[to] = folded((a - b) >>> 0);
    }
  }
  const pour = hash(0x8b51f9dd, 0x58f38ded);
  const words = Array.from({ length: 8 }, (_, i) => BigInt(pour(pool[i % 4])));
  return [0, 2, 4, 6].map((i) => words[i] | (words[i + 1] << 32n));
}
