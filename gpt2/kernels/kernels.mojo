"""The two operations in which GPT-2 spends its time, for the CPU.

A new token needs every weight once: it waits for memory. So weights are read as they
are stored, in four bytes, two or one, a long stretch for each core, and widened in a
register. A prompt or a batch needs each weight for many tokens: there arithmetic is the
limit, so 4 x 4 sums stay in registers, and each number loaded serves four of them.
"""

import extensibility
from extensibility import InputTensor, OutputTensor, _MutableInputTensor
from max.algorithm import sync_parallelize
from std.math import ceildiv, exp, rsqrt
from std.sys.info import num_physical_cores, simd_width_of

comptime f32 = DType.float32
comptime BLOCK = 64  # rows of a weight that stay in a core's cache
comptime SMALL = 1 << 19  # multiplications for which no other core is woken
comptime GROUP = 16  # keys whose scores are computed before their values are read


@extensibility.register("gpt2_linear")
struct Linear:
    """`y = x @ weight.T`; `width` numbers at a time, which divides n_in."""

    @staticmethod
    def execute[
        target: StaticString, dtype: DType, width: Int
    ](
        y: OutputTensor[dtype=f32, rank=3, ...],  # [batch, seq, n_out]
        x: InputTensor[dtype=f32, rank=3, ...],  # [batch, seq, n_in]
        weight: InputTensor[dtype=dtype, rank=2, ...],  # [n_out, n_in]
    ) raises:
        var tokens = x.dim_size(0) * x.dim_size(1)
        var n_out, n_in = weight.dim_size(0), weight.dim_size(1)
        var from_x = x.unsafe_ptr()
        var from_weight = weight.unsafe_ptr()

        @always_inline
        def tile[rows: Int, columns: Int, width: Int](row: Int, token: Int) {imm}:
            """The products of some rows of the weight with some tokens."""
            var sums = Array[SIMD[f32, width], rows * columns](fill=0)
            for i in range(0, n_in, width):
                var w = Array[SIMD[f32, width], rows](fill=0)
                comptime for r in range(rows):
                    var at = (row + r) * n_in + i
                    w[r] = from_weight.unsafe_load[width=width](at).cast[f32]()
                comptime for c in range(columns):
                    var t = from_x.unsafe_load[width=width]((token + c) * n_in + i)
                    comptime for r in range(rows):
                        sums[r * columns + c] = w[r].fma(t, sums[r * columns + c])
            comptime for n in range(rows * columns):
                var at = (token + n % columns) * n_out + row + n // columns
                y.unsafe_ptr().unsafe_store(at, sums[n].reduce_add())

        var share = ceildiv(n_out, num_physical_cores()) if tokens < 4 else BLOCK
        share = n_out if tokens * n_out * n_in < SMALL else share

        def some_rows(part: Int) {imm}:
            var start = part * share
            var end = min(start + share, n_out)
            for token in range(0, tokens, 4):
                for row in range(start, end, 4):
                    if token + 4 <= tokens and row + 4 <= end:
                        tile[4, 4, min(width, simd_width_of[f32]())](row, token)
                        continue
                    for t in range(token, min(token + 4, tokens)):
                        for r in range(row, min(row + 4, end)):
                            tile[1, 1, width](r, t)

        sync_parallelize(some_rows, ceildiv(n_out, share))


@extensibility.register("gpt2_attention")
struct Attention:
    """Puts new keys and values into the cache, then lets the new tokens attend.

    Where scores are higher than all before, what was summed up so far shrinks with them.
    Source: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018).
    """

    @staticmethod
    def execute[
        target: StaticString, width: Int  # divides head_dim
    ](
        y: OutputTensor[dtype=f32, rank=3, ...],  # [batch, seq, n_embd]
        # [n_layer, 2 (keys, values), batch, n_head, capacity, head_dim]
        cache: _MutableInputTensor[dtype=f32, rank=6, ...],
        qkv: InputTensor[dtype=f32, rank=3, ...],  # [batch, seq, 3 * n_embd]
        first: InputTensor[dtype=DType.int64, rank=1, ...],  # [batch]
        length: Int64,  # columns that are filled
        layer: Int64,
    ) raises:
        var seq = qkv.dim_size(1)
        var n_head, head_dim = cache.dim_size(3), cache.dim_size(5)
        var n_embd = n_head * head_dim
        var heads = cache.dim_size(2) * n_head  # of the whole batch
        var a_head = cache.dim_size(4) * head_dim  # numbers in the cache
        var layer_at = cache.unsafe_ptr().unsafe_offset(2 * Int(layer) * heads * a_head)
        var qkv_at = qkv.unsafe_ptr()

        def one_head(n: Int) {imm}:
            var row = n // n_head
            var slice = n % n_head * head_dim  # where a token's head begins
            var start = Int(first.unsafe_ptr().unsafe_load(row))
            var keys = layer_at.unsafe_offset(n * a_head)
            var values = keys.unsafe_offset(heads * a_head)
            for s in range(seq):
                var new = (row * seq + s) * 3 * n_embd + slice
                var column = (Int(length) + s) * head_dim
                for i in range(0, head_dim, width):
                    var key = qkv_at.unsafe_load[width=width](new + n_embd + i)
                    var value = qkv_at.unsafe_load[width=width](new + 2 * n_embd + i)
                    keys.unsafe_store(column + i, key)
                    values.unsafe_store(column + i, value)
            for s in range(max(0, start - Int(length)), seq):  # not what is before it
                var at = (row * seq + s) * n_embd
                var query = qkv_at.unsafe_offset(3 * at + slice)
                var mean = y.unsafe_ptr().unsafe_offset(at + slice)
                var total, highest = Float32(0), Float32.MIN_FINITE
                var end = Int(length) + s + 1  # it sees itself, and none after it
                for t in range(start, end, GROUP):
                    var count = min(GROUP, end - t)
                    var scores = SIMD[f32, GROUP](Float32.MIN_FINITE)
                    for j in range(count):
                        var sums = SIMD[f32, width](0)
                        var at = (t + j) * head_dim
                        for i in range(0, head_dim, width):
                            var key = keys.unsafe_load[width=width](at + i)
                            sums = key.fma(query.unsafe_load[width=width](i), sums)
                        scores[j] = sums.reduce_add() * rsqrt(Float32(head_dim))
                    var shrink = exp(highest - max(highest, scores.reduce_max()))
                    highest = max(highest, scores.reduce_max())
                    var weights = exp(scores - highest)  # 0 where there is no key
                    total = total * shrink + weights.reduce_add()
                    for i in range(0, head_dim, width):
                        var sum = SIMD[f32, width](0)
                        if t > start:
                            sum = mean.unsafe_load[width=width](i) * shrink
                        for j in range(count):
                            var at = (t + j) * head_dim + i
                            sum += values.unsafe_load[width=width](at) * weights[j]
                        mean.unsafe_store(i, sum)
                for i in range(0, head_dim, width):
                    mean.unsafe_store(i, mean.unsafe_load[width=width](i) / total)

        if heads * seq * (Int(length) + seq) * head_dim < SMALL:
            for n in range(heads):
                one_head(n)
        else:
            sync_parallelize(one_head, heads)
