"""The linear layer: all tiles, and what becomes of their sums."""

import extensibility
from extensibility import InputTensor, OutputTensor
from std.math import ceildiv
from std.memory import bitcast
from std.memory.alloc import unsafe_alloc
from std.sys.info import CompilationTarget, num_physical_cores

from . import amx
from .cores import spread
from .lines import Floats, Line, f32, floats, i32, shared
from .tile import tile
from .tokens import Tokens

comptime PIECES = 8  # for each core
comptime AHEAD = 192  # lines that are fetched before they are needed


@fieldwise_init
struct Outputs[dtype: DType, unit: StaticString, biased: Bool](
    ImplicitlyCopyable, Movable
):
    """What becomes of 16 sums.

        y = sum + bias                                      float32, bfloat16
        y = sum * scale of the token * scale of the row + bias          int8

    vnni and amx have summed w * q as integers: what zero * w adds is taken off.
    """

    var y: Floats  # [tokens, n_out]
    var n_out: Int
    var scale: Floats  # [n_out]
    var total: Floats  # [n_out], int32: the sum of w
    var bias: Floats  # [n_out]
    var tokens: Tokens

    @always_inline
    def put[streams: Bool = False](self, token: Int, n: Int, sums: Line):
        """Outputs n to n + 15 of a token, or as many as there are."""
        var to = self.y.unsafe_offset(token * self.n_out + n)
        comptime if streams:
            amx.stream(to, self.finish[16](token, n, sums))
        else:
            if n + 16 <= self.n_out:
                to.unsafe_store(0, self.finish[16](token, n, sums))
            else:
                for i in range(self.n_out - n):
                    to[unsafe_offset=i] = self.finish[1](token, n + i, sums[i])

    @always_inline
    def finish[
        width: Int
    ](self, token: Int, n: Int, sums: SIMD[f32, width]) -> SIMD[f32, width]:
        """From the sums to y; `fma`, so that it is rounded once everywhere."""
        var v = sums
        var scale, bias = SIMD[f32, width](1), SIMD[f32, width](0)
        comptime if Self.dtype == DType.int8:
            comptime if Self.unit != "plain":
                var zero = bitcast[i32, 1](self.tokens.zero[unsafe_offset=token])
                var total = bitcast[i32, width](self.total.unsafe_load[width=width](n))
                var whole = bitcast[i32, width](sums) - total * zero
                v = whole.cast[f32]()
            v *= self.tokens.scale[unsafe_offset=token]
            scale = self.scale.unsafe_load[width=width](n)
        comptime if Self.biased:
            bias = self.bias.unsafe_load[width=width](n)
        comptime if Self.dtype == DType.int8 or Self.biased:
            return v.fma(scale, bias)
        return v


@always_inline
def linear[
    dtype: DType, unit: StaticString, group: Int, biased: Bool
](
    y: Floats,
    x: Floats,
    weight: Floats,
    scale: Floats,
    total: Floats,
    bias: Floats,
    count: Int,
    n_in: Int,
    n_out: Int,
    lines: Int,
) raises:
    """`y = x @ weight.T + bias` for `count` tokens.

    Parameters:
        dtype: Of the weight.
        unit: What multiplies a line.
        group: Outputs that lie beside each other.
        biased: Whether there is a bias.

    Args:
        y: [count, n_out].
        x: [count, n_in].
        weight: [ceil(n_out / group), lines, group, numbers in a line].
        scale: For int8, [n_out], like the next.
        total: The sums of the rows of `weight`, int32.
        bias: [n_out].
        count: Tokens.
        n_in: Inputs.
        n_out: Outputs.
        lines: Of a group.
    """
    comptime copies = dtype != f32
    var height = min(count, 16)
    var padded = ceildiv(count, height) * height if unit == "amx" else count
    var space = x
    var tokens = Tokens(x, n_in, x, x, x, n_in, lines, height)
    comptime if copies:
        var size = padded * lines * shared[dtype, unit]()
        space = floats(unsafe_alloc[Float32](size + 2 * padded, alignment=64))
        tokens.to = space
        tokens.scale = space.unsafe_offset(size)
        tokens.zero = tokens.scale.unsafe_offset(padded)
        var share = 16

        def some_tokens(piece: Int) {imm}:
            for token in range(piece * share, min((piece + 1) * share, padded)):
                if token < count:
                    tokens.copy[dtype, unit](token)
                else:
                    tokens.nothing[dtype, unit](token)

        spread(some_tokens, ceildiv(padded, share), count * n_in * 8)

    var outputs = Outputs[dtype, unit, biased](y, n_out, scale, total, bias, tokens)
    var groups = ceildiv(n_out, group)
    var cores = num_physical_cores()
    var share = ceildiv(groups, cores * PIECES)

    def some_groups(piece: Int) {imm}:
        var start, end = piece * share, min((piece + 1) * share, groups)
        comptime if unit == "amx":
            amx.configure(height)
            amx_groups(outputs, weight, start, end, count)
            amx.release()
        else:
            for g in range(start, end):
                # What this core most likely takes next.
                var next = g + 1 if g + 1 < end else g + 1 + share * (cores - 1)
                plain_group[group=group](outputs, weight, g, next, count)

    spread(some_groups, ceildiv(groups, share), count * n_in * n_out)
    comptime if copies:
        space.unsafe_free()


@always_inline
def plain_group[
    dtype: DType, unit: StaticString, biased: Bool, //, group: Int
](outputs: Outputs[dtype, unit, biased], weight: Floats, g: Int, next: Int, count: Int):
    """All tokens with a group of outputs.

    The first tokens wait for the group itself.  While the others are multiplied, memory
    has nothing to do: one line of three is fetched of the group that is next, with the
    tokens after them the second, and then the third.
    """
    comptime columns = group // 16
    var tokens = outputs.tokens
    var w = weight.unsafe_offset(g * tokens.lines * group)
    var soon = weight.unsafe_offset(next * tokens.lines * group)
    var token, column = 0, 0
    comptime for rows in heights():
        while token + rows <= count:
            var x = tokens.at[dtype, unit](token)
            var beside = tokens.beside[dtype, unit]()
            var sums: Array[Line, rows * columns]
            if token == 0:
                sums = tile[dtype, unit, rows, columns, group, fetches=columns](
                    x, beside, w, tokens.lines, w.unsafe_offset(AHEAD * 16)
                )
            elif column < columns:
                sums = tile[dtype, unit, rows, columns, group, fetches=1](
                    x, beside, w, tokens.lines, soon.unsafe_offset(column * 16)
                )
                column += 1
            else:
                sums = tile[dtype, unit, rows, columns, group, fetches=0](
                    x, beside, w, tokens.lines, w
                )
            comptime for i in range(rows * columns):
                comptime row = i // columns
                comptime n = i % columns * 16
                outputs.put(token + row, g * group + n, sums[i])
            token += rows


def heights() -> List[Int]:
    """Tokens in a tile, as many as go into the registers, and what is left over."""
    if CompilationTarget.has_avx512f():
        return [8, 3, 1]
    return [6, 3, 1]


@always_inline
def amx_groups[
    dtype: DType, unit: StaticString, biased: Bool
](
    outputs: Outputs[dtype, unit, biased],
    weight: Floats,
    first: Int,
    end: Int,
    count: Int,
):
    """All tokens with some groups of 32 outputs.

    Few tokens wait for the weight: each group is read from its beginning to its end.
    Many wait for the caches: of TOKENS tokens as many inputs as the second one holds
    meet all groups, of which as many lines stay in the first.  Their outputs go past
    the caches, since there are more of them than would stay there.
    """
    var tokens = outputs.tokens
    var height, lines = tokens.height, tokens.lines
    var step = lines if count <= 2 * height else amx.NEAR
    var whole = outputs.n_out % 32 == 0 and Int(outputs.y) % 64 == 0
    var streams = whole and count >= amx.STREAMS
    var size = min(ceildiv(count, 2 * height) * 2 * height, amx.TOKENS) * 32
    var sums = floats(
        unsafe_alloc[Float32](size * (end - first), alignment=64)
    )  # [groups, tokens, 32]
    for block in range(0, count, amx.TOKENS):
        var last = min(block + amx.TOKENS, count)
        for start in range(0, lines, step):
            for g in range(first, end):
                for token in range(block, last, 2 * height):
                    var to = sums.unsafe_offset(
                        (g - first) * size + (token - block) * 32
                    )
                    amx.tiles[dtype, group=32](
                        to,
                        32,
                        tokens.at[dtype, unit](token),
                        weight.unsafe_offset(g * lines * 32),
                        lines,
                        start,
                        min(start + step, lines),
                        height,
                        two=token + height < last,
                        fetches=token == block,
                    )
        for g in range(first, end):
            for token in range(block, last):
                comptime for half in range(0, 32, 16):
                    var at = (g - first) * size + (token - block) * 32 + half
                    var sixteen = sums.unsafe_load[width=16](at)
                    if streams:
                        outputs.put[streams=True](token, g * 32 + half, sixteen)
                    else:
                        outputs.put(token, g * 32 + half, sixteen)
    if streams:
        amx.finish_streams()
    sums.unsafe_free()


@extensibility.register("gpt2_linear")
struct Linear:
    """`y = x @ weight.T * scale + bias`."""

    @staticmethod
    def execute[
        target: StaticString,
        dtype: DType,
        unit: StaticString,
        group: Int,
        biased: Bool,
    ](
        y: OutputTensor[dtype=f32, rank=3, ...],  # [batch, seq, n_out]
        x: InputTensor[dtype=f32, rank=3, ...],  # [batch, seq, n_in]
        weight: InputTensor[dtype=dtype, rank=4, ...],  # packed
        scale: InputTensor[dtype=f32, rank=1, ...],  # [n_out] for int8, else not read
        total: InputTensor[dtype=i32, rank=1, ...],  # likewise
        bias: InputTensor[dtype=f32, rank=1, ...],  # [n_out] if biased, else not read
    ) raises:
        linear[dtype, unit, group, biased](
            floats(y.unsafe_ptr()),
            floats(x.unsafe_ptr()),
            floats(weight.unsafe_ptr()),
            floats(scale.unsafe_ptr()),
            floats(total.unsafe_ptr()),
            floats(bias.unsafe_ptr()),
            x.dim_size(0) * x.dim_size(1),
            x.dim_size(2),
            y.dim_size(2),
            weight.dim_size(1),
        )
