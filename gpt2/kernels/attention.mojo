"""Attention: the cache, and blocks of queries that meet blocks of keys.

A text has a row of the cache, and in every layer and head its keys and values.  Token
t stands in column t.  Keys lie as a score wants them, 16 columns beside each other;
values as a mean wants them, each token's beside each other:

    keys     column 0..15: number 0 of each, number 1 of each, ...    then column 16..31
    values   column 0: all its numbers, column 1: all its numbers, ...

A block of 64 keys is read once for 8 queries.  Where its scores are higher than all
before, what was summed up so far shrinks.  Blocks begin at column 0 and come in their
order, so the result has the same bits, whether a token comes alone or among others.
Source: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018);
Dao et al., "FlashAttention" (2022), for blocks of both.
"""

import extensibility
from extensibility import InputTensor, OutputTensor, _MutableInputTensor
from std.math import ceildiv, exp, rsqrt
from std.sys.info import CompilationTarget

from .cores import spread
from .lines import Floats, Line, f32, fetch, floats, i32

comptime KEYS = 64  # in a block
comptime HIDDEN = Float32.MIN_FINITE  # the score of what a query may not see
comptime TINY = Float32(-80)  # below it, exp would leave what a processor does fast
comptime QUERIES = 8 if CompilationTarget.has_avx512f() else 4


@fieldwise_init
struct Head[head_dim: Int](ImplicitlyCopyable, Movable):
    """One head of one text, in one layer."""

    comptime parts = ceildiv(Self.head_dim, 16)  # registers of a value
    comptime width = 16 * Self.parts
    var keys: Floats  # [columns / 16, width, 16]
    var values: Floats  # [columns, width]
    var q: Floats  # of the first new token
    var y: Floats  # likewise
    var n_embd: Int

    @always_inline
    def remember(self, token: Int, column: Int):
        """Puts a new token's key and value into their column."""
        var k = self.q.unsafe_offset(token * 3 * self.n_embd + self.n_embd)
        var v = k.unsafe_offset(self.n_embd)
        var key = self.keys.unsafe_offset(column // 16 * Self.width * 16 + column % 16)
        var value = self.values.unsafe_offset(column * Self.width)
        if token == 0 or column % 16 == 0:  # lines that it has not seen
            for i in range(Self.head_dim):
                fetch(key.unsafe_offset(i * 16))
        for i in range(Self.head_dim):
            key[unsafe_offset=i * 16] = k[unsafe_offset=i]
            value[unsafe_offset=i] = v[unsafe_offset=i]

    @always_inline
    def attend[queries: Int](self, token: Int, column: Int):
        """Some new tokens beside each other; `column` is the first one's."""
        var space = Array[Line, queries * (KEYS // 16 + Self.parts)](fill=0)
        var scratch = floats(Pointer(to=space))  # [queries, KEYS], scores and weights
        var means = scratch.unsafe_offset(queries * KEYS)  # [queries, width]
        var highest = Array[Float32, queries](fill=Float32.MIN_FINITE)
        var totals = Array[Float32, queries](fill=0)
        var end = column + queries  # of what any of them sees
        for start in range(0, end, KEYS):
            self.scores[queries](token, start, end, scratch)
            comptime for r in range(queries):
                var row = scratch.unsafe_offset(r * KEYS)
                if start + KEYS > column + r + 1:
                    hide(row, column + r + 1 - start)
                var top = row.unsafe_load[width=16](0)
                comptime for i in range(16, KEYS, 16):
                    top = max(top, row.unsafe_load[width=16](i))
                var mean = means.unsafe_offset(r * Self.width)
                var high = max(highest[r], top.reduce_max())
                if high > highest[r]:
                    var shrink = exp(max(highest[r] - high, TINY))
                    totals[r] *= shrink
                    comptime for i in range(0, Self.width, 16):
                        mean.unsafe_store(i, mean.unsafe_load[width=16](i) * shrink)
                    highest[r] = high
                var total = Line(0)
                comptime for i in range(0, KEYS, 16):
                    var score = row.unsafe_load[width=16](i)
                    var weights = exp(max(score - high, Line(TINY)))
                    weights = score.gt(HIDDEN).select(weights, Line(0))
                    row.unsafe_store(i, weights)
                    total += weights
                totals[r] += total.reduce_add()
            comptime step = min(queries, 4)
            comptime for r in range(0, queries, step):
                self.collect[step](
                    scratch.unsafe_offset(r * KEYS),
                    means.unsafe_offset(r * Self.width),
                    start,
                    min(KEYS, end - start),
                )
        comptime for r in range(queries):
            var y = self.y.unsafe_offset((token + r) * self.n_embd)
            for i in range(Self.head_dim):
                y[unsafe_offset=i] = means[unsafe_offset=r * Self.width + i] / totals[r]
        _ = space

    @no_inline  # so that the sums have all registers
    def scores[queries: Int](self, token: Int, start: Int, end: Int, to: Floats):
        """`q @ k.T / sqrt(head_dim)` of some queries with a block of keys."""
        var by = rsqrt(Float32(Self.head_dim))
        comptime for block in range(0, KEYS, 32):
            if start + block >= end:
                return
            var keys = self.keys.unsafe_offset((start + block) * Self.width)
            var sums = Array[Line, 2 * queries](fill=0)
            for i in range(Self.head_dim):
                var left = keys.unsafe_load[width=16](i * 16)
                var right = keys.unsafe_load[width=16]((Self.width + i) * 16)
                comptime for r in range(queries):
                    var at = (token + r) * 3 * self.n_embd + i
                    var q = Line(self.q[unsafe_offset=at])
                    sums[2 * r] = left.fma(q, sums[2 * r])
                    sums[2 * r + 1] = right.fma(q, sums[2 * r + 1])
            comptime for r in range(queries):
                to.unsafe_store(r * KEYS + block, sums[2 * r] * by)
                to.unsafe_store(r * KEYS + block + 16, sums[2 * r + 1] * by)

    @no_inline
    def collect[
        queries: Int
    ](self, weights: Floats, means: Floats, start: Int, count: Int):
        """Adds values to the means, each by its weight."""
        var sums = Array[Line, queries * Self.parts](fill=0)
        comptime for n in range(queries * Self.parts):
            sums[n] = means.unsafe_load[width=16](n * 16)
        for j in range(count):
            var value = self.values.unsafe_offset((start + j) * Self.width)
            comptime for part in range(Self.parts):
                var v = value.unsafe_load[width=16](part * 16)
                comptime for r in range(queries):
                    comptime n = r * Self.parts + part
                    var weight = Line(weights[unsafe_offset=r * KEYS + j])
                    sums[n] = v.fma(weight, sums[n])
        comptime for n in range(queries * Self.parts):
            means.unsafe_store(n * 16, sums[n])


@always_inline
def hide(scores: Floats, visible: Int):
    """Takes from a query's scores those that it may not see."""
    comptime for i in range(0, KEYS, 16):
        var column = SIMD[i32, 16](0)
        comptime for n in range(16):
            column[n] = Int32(i + n)
        var seen = column.lt(Int32(visible))
        var score = scores.unsafe_load[width=16](i)
        scores.unsafe_store(i, seen.select(score, Line(HIDDEN)))


@extensibility.register("gpt2_attention")
struct Attention:
    """Puts new keys and values into the cache, then lets the new tokens attend."""

    @staticmethod
    def execute[
        target: StaticString, head_dim: Int
    ](
        y: OutputTensor[dtype=f32, rank=3, ...],  # [batch, seq, n_embd]
        # [n_layer, 2 (keys, values), rows, n_head, columns, width]
        cache: _MutableInputTensor[dtype=f32, rank=6, ...],
        qkv: InputTensor[dtype=f32, rank=3, ...],  # [batch, seq, 3 * n_embd]
        # of each text: its row of the cache, its first new token, that one's column
        texts: InputTensor[dtype=DType.int64, rank=2, ...],
        layer: Int64,
    ) raises:
        var count = qkv.dim_size(0) * qkv.dim_size(1)
        var n_head, n_embd = cache.dim_size(3), y.dim_size(2)
        var rows, a_head = cache.dim_size(2), cache.dim_size(4) * cache.dim_size(5)
        var number = texts.dim_size(0)
        var table = texts.unsafe_ptr()
        var at_layer = floats(cache.unsafe_ptr()).unsafe_offset(
            2 * Int(layer) * rows * n_head * a_head
        )
        var longest = 0  # a product of queries and keys, for the cost
        for n in range(number):
            longest = max(longest, Int(table.unsafe_load(3 * n + 2)))

        def one_head(piece: Int) {imm}:
            var n, head = piece // n_head, piece % n_head
            var row = Int(table.unsafe_load(3 * n))
            var first = Int(table.unsafe_load(3 * n + 1))
            var column = Int(table.unsafe_load(3 * n + 2))
            var end = count
            if n + 1 < number:
                end = Int(table.unsafe_load(3 * n + 4))
            var keys = at_layer.unsafe_offset((row * n_head + head) * a_head)
            var its = Head[head_dim](
                keys,
                keys.unsafe_offset(rows * n_head * a_head),
                floats(qkv.unsafe_ptr()).unsafe_offset(
                    first * 3 * n_embd + head * head_dim
                ),
                floats(y.unsafe_ptr()).unsafe_offset(first * n_embd + head * head_dim),
                n_embd,
            )
            var seq = end - first
            for token in range(seq):
                its.remember(token, column + token)
            var token = 0
            comptime for queries in [QUERIES, 1]:
                while token + queries <= seq:
                    its.attend[queries](token, column + token)
                    token += queries

        spread(
            one_head, number * n_head, count * n_embd * (longest + count // number)
        )
