"""Tokens in the numbers that the instruction wants.

float32 stays as it is.  bfloat16 is rounded.  For int8 weights each token has a scale
and a zero of its own, so that q runs from 0 for its least number to 255 for its most:

    q = round(x / scale) + zero        scale = (most - least) / 255
                                       zero = round(-least / scale)

x is nearly scale * (q - zero).  What comes out of GELU is hardly ever below 0: with a
zero in the middle, half of the 256 values would be lost on it.
Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (2018), section 2.1; Dettmers et al., "LLM.int8()"
(2022), section 3.1, for a scale for each token.
"""

from std.math import round
from std.memory import bitcast
from std.sys._assembly import inlined_assembly
from .lines import Floats, Line, bf16, f32, i32, per_line, shared


@fieldwise_init
struct Tokens(ImplicitlyCopyable, Movable):
    """Where they lie.

    With `height` tokens beside each other, as AMX wants them, a tile's rows follow each
    other: 64 bytes of each token, then the next 64 bytes of each.
    """

    var x: Floats  # [tokens, n_in]
    var apart: Int  # from a token's numbers there to the next one's
    var to: Floats  # the copy, four bytes for each shared number
    var scale: Floats  # [tokens], for int8
    var zero: Floats  # [tokens], likewise, int32
    var n_in: Int
    var lines: Int
    var height: Int

    @always_inline
    def at[dtype: DType, unit: StaticString](self, token: Int) -> Floats:
        """Where the instruction finds a token: its copy, or x itself."""
        comptime if unit == "amx":
            var tile = token // self.height * self.height * self.lines
            return self.to.unsafe_offset(tile + token % self.height * 16)
        elif dtype == f32:
            return self.x.unsafe_offset(token * self.apart)
        else:
            return self.to.unsafe_offset(token * self.beside[dtype, unit]())

    @always_inline
    def beside[dtype: DType, unit: StaticString](self) -> Int:
        """From there to the next token, in four bytes."""
        comptime if dtype == f32:
            return self.apart
        else:
            return self.lines * shared[dtype, unit]()

    @always_inline
    def step[dtype: DType, unit: StaticString](self) -> Int:
        """From there to the token's next 64 bytes."""
        return self.height * 16 if unit == "amx" else 16

    def copy[
        dtype: DType, unit: StaticString, native: Bool = unit != "plain"
    ](self, token: Int):
        """Makes the copy of one token, 64 bytes at a time.

        `native` says whether the processor rounds to bfloat16 by an instruction.
        """
        comptime per = 1 if unit == "plain" else per_line[dtype]()  # in four bytes
        var by, zero = Float32(1), Float32(0)
        comptime if dtype == DType.int8:
            by, zero = self.quantize(token)
        var to = self.at[dtype, unit](token)
        var inputs = self.lines * per_line[dtype]()
        for i in range(0, inputs, 16 * per):
            comptime for part in range(per):
                var v = self.sixteen(token, i + 16 * part)
                comptime if dtype == DType.int8:
                    v = max(min(round(v * by) + zero, Line(255)), Line(0))
                comptime if unit == "plain":
                    to.unsafe_store(0, v - zero)
                elif dtype == bf16:
                    var half = narrow[native](v)
                    to.unsafe_bitcast[UInt16]().unsafe_store(16 * part, half)
                else:
                    var q = v.cast[i32]().cast[DType.uint8]()
                    to.unsafe_bitcast[UInt8]().unsafe_store(16 * part, q)
            to = to.unsafe_offset(self.step[dtype, unit]())

    def nothing[dtype: DType, unit: StaticString](self, token: Int):
        """A token that fills up a tile."""
        var to = self.at[dtype, unit](token)
        for _ in range(0, self.lines, 16):
            to.unsafe_store(0, Line(0))
            to = to.unsafe_offset(self.step[dtype, unit]())

    @always_inline
    def sixteen(self, token: Int, i: Int) -> Line:
        """Inputs i to i + 15, 0 behind the last."""
        var at = token * self.apart + i
        if i + 16 <= self.n_in:
            return self.x.unsafe_load[width=16](at)
        var v = Line(0)
        for j in range(self.n_in - i):
            v[j] = self.x[unsafe_offset=at + j]
        return v

    @always_inline
    def quantize(self, token: Int) -> Tuple[Float32, Float32]:
        """Notes the token's scale and zero; returns 1 / scale and the zero."""
        var least, most = Line(0), Line(0)
        for i in range(0, self.n_in, 16):
            var v = self.sixteen(token, i)
            least, most = min(least, v), max(most, v)
        var low, span = least.reduce_min(), most.reduce_max() - least.reduce_min()
        var by = 255 / span if span > 0 else Float32(0)
        var zero = round(-low * by)
        self.scale[unsafe_offset=token] = span / 255
        self.zero[unsafe_offset=token] = bitcast[f32, 1](zero.cast[i32]())
        return by, zero


@always_inline
def narrow[native: Bool](v: Line) -> SIMD[DType.uint16, 16]:
    """Rounded to bfloat16, to nearest, ties to even."""
    comptime if not native:
        var bits = bitcast[DType.uint32, 16](v)
        bits += 0x7FFF + ((bits >> 16) & 1)
        return (bits >> 16).cast[DType.uint16]()
    else:  # whoever multiplies bfloat16 has an instruction for it
        return inlined_assembly[
            "vcvtneps2bf16 $1, $0",
            SIMD[DType.uint16, 16],
            constraints="=v,v",
            has_side_effect=False,
        ](v)
