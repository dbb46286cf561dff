"""A tile of sums where the processor has registers for a whole tile (Intel's AMX).

Such a register holds 16 lines.  One instruction multiplies 16 lines of 16 outputs by 16
tokens, and adds to 16 x 16 sums: 16 * 16 * 16 * 2 products in bfloat16, and twice as
many in int8.  Of the eight registers four hold sums:

                    tmm6: outputs 0-15    tmm7: outputs 16-31
    tmm4: tokens 0-15     tmm0                  tmm1
    tmm5: tokens 16-31    tmm2                  tmm3

Mojo knows none of these instructions: they are written as assembly.  The kernel has to
allow them first, which `gpt2/processor.py` asks for.
Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1,
chapter 18.
"""

from std.sys._assembly import inlined_assembly
from .lines import Floats, Line, bf16, fetch

comptime NEAR = 128  # lines of an output: 16 KB of a group stay in the first cache
comptime TOKENS = 512  # that meet these lines of all groups
comptime AHEAD = 128  # lines that are fetched before they are needed
comptime STREAMS = 256  # tokens whose outputs do not stay in the caches


@always_inline
def configure(height: Int):
    """Registers 0 to 5 get `height` rows, one for each token; 6 and 7 get 16."""
    var config = Array[UInt8, 64](fill=0)
    config[0] = 1  # the palette
    comptime for t in range(8):
        config[16 + 2 * t] = 64  # bytes in a row
        config[48 + t] = UInt8(height) if t < 6 else 16
    inlined_assembly["ldtilecfg ($0)", NoneType, constraints="r,~{memory}"](
        Pointer(to=config)
    )
    _ = config


@always_inline
def release():
    inlined_assembly["tilerelease", NoneType, constraints=""]()


@always_inline
def zero[t: StaticString]():
    inlined_assembly["tilezero %tmm" + t, NoneType, constraints=""]()


@always_inline
def load[t: StaticString](p: Floats, bytes: Int):
    """Rows that begin `bytes` apart."""
    inlined_assembly[
        "tileloadd ($0,$1), %tmm" + t, NoneType, constraints="r,r,~{memory}"
    ](p, bytes)


@always_inline
def store[t: StaticString](p: Floats, bytes: Int):
    inlined_assembly[
        "tilestored %tmm" + t + ", ($0,$1)", NoneType, constraints="r,r,~{memory}"
    ](p, bytes)


@always_inline
def stream(p: Floats, line: Line):
    """Stores a line past the caches, which else would read it first."""
    inlined_assembly["vmovntps $1, ($0)", NoneType, constraints="r,v,~{memory}"](
        p, line
    )


@always_inline
def finish_streams():
    """Before other cores read what went past the caches."""
    inlined_assembly["sfence", NoneType, constraints="~{memory}"]()


@always_inline
def multiply[dtype: DType, sums: StaticString, x: StaticString, weight: StaticString]():
    comptime name = "tdpbf16ps" if dtype == bf16 else "tdpbusd"
    inlined_assembly[
        name + " %tmm" + weight + ", %tmm" + x + ", %tmm" + sums,
        NoneType,
        constraints="",
    ]()


@always_inline
def tiles[
    dtype: DType, group: Int
](
    sums: Floats,
    apart: Int,
    x: Floats,
    weight: Floats,
    lines: Int,
    start: Int,
    end: Int,
    height: Int,
    *,
    two: Bool,
    fetches: Bool,
):
    """The sums `[height or 2 * height, 32]` of tokens with 32 outputs.

    Parameters:
        dtype: Of the weight.
        group: Outputs that lie beside each other, these among them.

    Args:
        sums: Where they go, and come from if `start` is not 0.
        apart: From a token's sums there to the next one's.
        x: The tokens' tiles.
        weight: The first of the lines, of `[lines, group]`.
        lines: How many lines an output has.
        start: The first of those that are added, like `end` a multiple of 16.
        end: The one behind the last.
        height: Tokens in a tile.
        two: Whether these are two tiles of tokens.
        fetches: Whether the weight comes from memory.
    """
    var below = sums.unsafe_offset(height * apart)
    var row = 4 * apart  # bytes
    if start == 0:
        zero["0"]()
        zero["1"]()
        zero["2"]()
        zero["3"]()
    else:
        load["0"](sums, row)
        load["1"](sums.unsafe_offset(16), row)
        if two:
            load["2"](below, row)
            load["3"](below.unsafe_offset(16), row)
    # ANCHOR: step
    for i in range(start, end, 16):
        var w = weight.unsafe_offset(i * group)
        if fetches:
            comptime for n in range(32):
                fetch(w.unsafe_offset((AHEAD + n) * 16))
        load["6"](w, 4 * group)
        load["7"](w.unsafe_offset(16), 4 * group)
        load["4"](x.unsafe_offset(i * height), 64)
        multiply[dtype, "0", "4", "6"]()
        multiply[dtype, "1", "4", "7"]()
        if two:
            load["5"](x.unsafe_offset((lines + i) * height), 64)
            multiply[dtype, "2", "5", "6"]()
            multiply[dtype, "3", "5", "7"]()
    # ANCHOR_END: step
    store["0"](sums, row)
    store["1"](sums.unsafe_offset(16), row)
    if two:
        store["2"](below, row)
        store["3"](below.unsafe_offset(16), row)
