"""Attention: the cache, and queries that meet all keys at once.

A text has a row of the cache, and in every layer and head its keys and values.  Token
t stands in column t.  Attention is two linear layers with a softmax between, whose
weights are not learned but grow: keys have an output for each column, values an input.
So they lie as packed weights do (see lines.mojo), and what multiplies those, multiplies
these:

    scores = q @ keys.T            keys     [columns / 32, lines of head_dim, 32]
    weights = softmax(scores)
    y = weights @ values           values   [lines of columns, width]

Some queries meet them together, so that each line is read once for all of these.  A
weight that no query may have is 0, and adds nothing: so the sums have the same bits,
whether a token comes alone or among others.
"""

import extensibility
from extensibility import InputTensor, OutputTensor, _MutableInputTensor
from std.math import ceildiv, exp, rsqrt
from std.memory import bitcast
from std.memory.alloc import unsafe_alloc
from std.sys.info import CompilationTarget, num_physical_cores

from . import amx
from .cores import spread
from .lines import Floats, Line, bf16, f32, fetch, floats, i32, per_line
from .tile import tile
from .tokens import Tokens, narrow

comptime PIECES = 16  # for each core, or a head is one
comptime KEYS = 32  # whose numbers lie beside each other
comptime FETCHED = 256  # lines of a head's keys, and of its values
comptime HIDDEN = Float32.MIN_FINITE  # the score of what a query may not see
comptime TINY = Float32(-80)  # below it, exp would leave what a processor does fast


def queries[unit: StaticString]() -> List[Int]:
    """How many meet the keys together, and how many of those that are left over."""
    comptime if unit == "amx":
        return [16]  # or fewer
    elif CompilationTarget.has_avx512f():
        return [8, 3, 1]
    else:
        return [6, 3, 1]


@fieldwise_init
struct Head[dtype: DType, unit: StaticString, head_dim: Int](
    ImplicitlyCopyable, Movable
):
    """One head of one text, in one layer, and its new tokens."""

    comptime per = per_line[Self.dtype]()
    comptime width = ceildiv(Self.head_dim, KEYS) * KEYS
    comptime lines = Self.width // Self.per  # of a key
    var keys: Floats  # [columns / KEYS, lines, KEYS]
    var values: Floats  # [columns / per, width]
    var qkv: Floats  # of the first new token, from this head's query
    var y: Floats  # likewise
    var n_embd: Int
    var column: Int  # of the first new token
    var count: Int  # of new tokens

    @always_inline
    def fetch(self):
        """Tells memory that its first keys and values are wanted soon."""
        comptime near = Self.unit == "amx"
        var columns = self.column + self.count
        var keys = ceildiv(columns, KEYS) * self.lines * KEYS // 16
        for i in range(min(keys, FETCHED)):
            fetch[near=near](self.keys.unsafe_offset(i * 16))
        for i in range(min(columns * self.width // self.per // 16, FETCHED)):
            fetch[near=near](self.values.unsafe_offset(i * 16))

    @always_inline
    def read(self, mut height: Int):
        """Remembers the new tokens, then lets them attend.

        `height` is that of AMX's registers, which may change.
        """
        for token in range(self.count):
            self.remember(token)
        comptime most = queries[Self.unit]()[0]
        var columns = self.column + self.count + 2 * KEYS  # and what fills them up
        var size = min(self.count, most) * 2 * (columns + Self.width)
        var space = floats(unsafe_alloc[Float32](size, alignment=64))
        var token = 0
        comptime for rows in queries[Self.unit]():
            comptime least = 1 if Self.unit == "amx" else rows
            while self.count - token >= least:
                var some = min(rows, self.count - token)
                comptime if Self.unit == "amx":
                    if some != height:
                        amx.configure(some)
                        height = some
                self.attend[rows](token, some, space)
                token += some
        space.unsafe_free()

    @always_inline
    def remember(self, token: Int):
        """Puts a new token's key and value into their column."""
        var column = self.column + token
        var of_token = self.qkv.unsafe_offset(token * 3 * self.n_embd)
        var space = Array[Line, Self.lines // 16](fill=0)
        var copy = floats(Pointer(to=space))
        var k = self.tokens(of_token.unsafe_offset(self.n_embd), copy, 1)
        comptime native = Self.unit != "plain"
        comptime if Self.dtype != f32:
            k.copy[Self.dtype, "bf16", native](0)
        var its = k.at[Self.dtype, "bf16"](0)
        var key = self.keys.unsafe_offset(
            column // KEYS * Self.lines * KEYS + column % KEYS
        )
        comptime lines = ceildiv(Self.head_dim, Self.per)
        if token == 0 or column % 16 == 0:  # lines that it has not seen
            for i in range(lines):
                fetch(key.unsafe_offset(i * KEYS))
        for i in range(lines):
            key[unsafe_offset=i * KEYS] = its[unsafe_offset=i]
        var v = self.tokens(of_token.unsafe_offset(2 * self.n_embd), copy, 1)
        var value = self.values.unsafe_offset(column // Self.per * Self.width)
        comptime for i in range(0, Self.width, 16):
            var line = v.sixteen(0, i)
            comptime if Self.dtype == bf16:  # of two columns
                var bits = narrow[native](line).cast[DType.uint32]()
                if column % 2 == 1:
                    var before = value.unsafe_load[width=16](i)
                    bits = bits << 16 | bitcast[DType.uint32, 16](before) & 0xFFFF
                line = bitcast[f32, 16](bits)
            value.unsafe_store(i, line)
        _ = space

    @always_inline
    def tokens(self, x: Floats, to: Floats, height: Int) -> Tokens:
        """Queries, keys or values."""
        # Copies are filled up; behind a head's own float32 numbers stand others'.
        comptime lines = Self.head_dim if Self.dtype == f32 else Self.lines
        return Tokens(x, 3 * self.n_embd, to, to, to, Self.head_dim, lines, height)

    def attend[rows: Int](self, token: Int, count: Int, space: Floats):
        """Some new tokens beside each other, `rows` of them, or with AMX fewer."""
        var column = self.column + token
        var end = ceildiv(column + count, KEYS) * KEYS
        var apart = end + 16  # else the rows would want the same lines of the cache
        var scores = space  # [count, apart]
        var copy = scores.unsafe_offset(count * apart)
        var means = copy.unsafe_offset(count * max(apart, Self.width))
        var totals = means.unsafe_offset(count * Self.width)  # [count]
        var x = self.qkv.unsafe_offset(token * 3 * self.n_embd)
        var q = self.tokens(x, copy, count)
        copy_all[Self.dtype, Self.unit](q, count)
        for start in range(0, end, KEYS):
            sums[Self.dtype, Self.unit, rows, KEYS, KEYS](
                scores.unsafe_offset(start),
                apart,
                q,
                self.keys.unsafe_offset(start * Self.lines),
            )
        for r in range(count):
            totals[unsafe_offset=r] = softmax(
                scores.unsafe_offset(r * apart),
                column + r + 1,
                end,
                rsqrt(Float32(Self.head_dim)),
            )
        var lines = ceildiv(column + count, Self.per)
        comptime if Self.unit == "amx":
            lines = end // Self.per  # it takes 16 at once
        var weights = Tokens(scores, apart, copy, copy, copy, end, lines, count)
        copy_all[Self.dtype, Self.unit](weights, count)
        # A query alone waits for memory: then a line is read whole.
        comptime alone = rows == 1 and Self.unit != "amx"
        comptime part = Self.width if alone else 32
        comptime for start in range(0, Self.width, part):
            sums[Self.dtype, Self.unit, rows, Self.width, part](
                means.unsafe_offset(start),
                Self.width,
                weights,
                self.values.unsafe_offset(start),
            )
        for r in range(count):
            var mean = means.unsafe_offset(r * Self.width)
            var y = self.y.unsafe_offset((token + r) * self.n_embd)
            var total = totals[unsafe_offset=r]
            comptime for i in range(0, Self.head_dim, 16):
                comptime if i + 16 <= Self.head_dim:
                    y.unsafe_store(i, mean.unsafe_load[width=16](i) / total)
                else:
                    for j in range(i, Self.head_dim):
                        y[unsafe_offset=j] = mean[unsafe_offset=j] / total


@always_inline
def copy_all[dtype: DType, unit: StaticString](tokens: Tokens, count: Int):
    """Makes the copies that the instruction wants; of float32 none."""
    comptime if dtype != f32:
        for token in range(count):
            tokens.copy[dtype, unit](token)


@no_inline  # so that the sums have all registers
def sums[
    dtype: DType, unit: StaticString, rows: Int, group: Int, part: Int
](to: Floats, apart: Int, tokens: Tokens, weight: Floats):
    """Of some tokens with a part of a group: `[tokens, part]`, `apart` from each
    other.  With AMX it has 32 outputs."""
    var x = tokens.at[dtype, unit](0)
    comptime if unit == "amx":
        amx.tiles[dtype, group](
            to,
            apart,
            x,
            weight,
            tokens.lines,
            0,
            tokens.lines,
            tokens.height,
            two=False,
            fetches=False,
        )
    else:
        comptime most = part // 16 if rows == 1 else 2
        comptime columns = most if CompilationTarget.has_avx512f() else 1
        var beside = tokens.beside[dtype, unit]()
        comptime for start in range(0, part, 16 * columns):
            var w = weight.unsafe_offset(start)
            var its = tile[dtype, unit, rows, columns, group, fetches=0](
                x, beside, w, tokens.lines, w
            )
            comptime for i in range(rows * columns):
                comptime at = start + i % columns * 16
                to.unsafe_store(i // columns * apart + at, its[i])


@always_inline
def softmax(scores: Floats, visible: Int, end: Int, by: Float32) -> Float32:
    """Turns a query's scores, all to be multiplied by `by`, into weights; returns their
    total, by which they are still to be divided."""
    hide(scores.unsafe_offset((visible - 1) // 16 * 16), (visible - 1) % 16 + 1)
    var top = scores.unsafe_load[width=16](0)
    for i in range(16, visible, 16):
        top = max(top, scores.unsafe_load[width=16](i))
    var high = top.reduce_max()
    var total = Line(0)
    for i in range(0, visible, 16):
        var score = scores.unsafe_load[width=16](i)
        var weights = exp(max((score - high) * by, Line(TINY)))
        weights = score.gt(HIDDEN).select(weights, Line(0))
        scores.unsafe_store(i, weights)
        total += weights
    for i in range(ceildiv(visible, 16) * 16, end, 16):
        scores.unsafe_store(i, Line(0))
    return total.reduce_add()


@always_inline
def hide(scores: Floats, visible: Int):
    """Takes from 16 scores those that a query may not see."""
    var column = SIMD[i32, 16](0)
    comptime for n in range(16):
        column[n] = Int32(n)
    var score = scores.unsafe_load[width=16](0)
    scores.unsafe_store(0, column.lt(Int32(visible)).select(score, Line(HIDDEN)))


@extensibility.register("gpt2_attention")
struct Attention:
    """Puts new keys and values into the cache, then lets the new tokens attend."""

    @staticmethod
    def execute[
        target: StaticString, dtype: DType, unit: StaticString, head_dim: Int
    ](
        y: OutputTensor[dtype=f32, rank=3, ...],  # [batch, seq, n_embd]
        # [n_layer, 2 (keys, values), rows, n_head, columns, width]
        cache: _MutableInputTensor[dtype=dtype, rank=6, ...],
        qkv: InputTensor[dtype=f32, rank=3, ...],  # [batch, seq, 3 * n_embd]
        # of each text: its row of the cache, its first new token, that one's column
        texts: InputTensor[dtype=DType.int64, rank=2, ...],
        layer: Int64,
    ) raises:
        var tokens = qkv.dim_size(0) * qkv.dim_size(1)
        var n_head, n_embd = cache.dim_size(3), y.dim_size(2)
        var rows = cache.dim_size(2)
        var a_head = cache.dim_size(4) * cache.dim_size(5) // per_line[dtype]()
        var number = texts.dim_size(0)
        var heads = number * n_head
        var table = texts.unsafe_ptr()
        var keys = floats(cache.unsafe_ptr()).unsafe_offset(
            2 * Int(layer) * rows * n_head * a_head
        )
        var values = keys.unsafe_offset(rows * n_head * a_head)
        var its_qkv, its_y = floats(qkv.unsafe_ptr()), floats(y.unsafe_ptr())

        def head(n: Int) {imm} -> Head[dtype, unit, head_dim]:
            """Of all texts' heads, this one."""
            var text, nth = n // n_head, n % n_head
            var row = Int(table.unsafe_load(3 * text))
            var first = Int(table.unsafe_load(3 * text + 1))
            var column = Int(table.unsafe_load(3 * text + 2))
            var end = tokens
            if text + 1 < number:
                end = Int(table.unsafe_load(3 * text + 4))
            return Head[dtype, unit, head_dim](
                keys.unsafe_offset((row * n_head + nth) * a_head),
                values.unsafe_offset((row * n_head + nth) * a_head),
                its_qkv.unsafe_offset(first * 3 * n_embd + nth * head_dim),
                its_y.unsafe_offset(first * n_embd + nth * head_dim),
                n_embd,
                column,
                end - first,
            )

        var share = max(1, heads // (PIECES * num_physical_cores()))

        def some_heads(piece: Int) {imm}:
            var end = min((piece + 1) * share, heads)
            var height = 0
            for n in range(piece * share, end):
                if n + 1 < end:
                    head(n + 1).fetch()
                head(n).read(height)
            comptime if unit == "amx":
                amx.release()

        var longest = 0  # for the cost
        for text in range(number):
            longest = max(longest, Int(table.unsafe_load(3 * text + 2)))
        spread(
            some_heads,
            ceildiv(heads, share),
            2 * tokens * n_embd * (longest + tokens // number + KEYS),
        )
