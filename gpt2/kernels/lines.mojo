"""What lies beside what in a packed weight, and the instruction that multiplies it.

A line is 64 bytes: of each of 16 outputs the numbers that it wants next, which are one
in float32, two in bfloat16, four in int8.  Two lines of int8, 16 outputs and 8 inputs:

    output 0        output 1              output 15
    w0 w1 w2 w3     w0 w1 w2 w3    ...    w0 w1 w2 w3     times x0 x1 x2 x3
    w4 w5 w6 w7     w4 w5 w6 w7    ...    w4 w5 w6 w7     times x4 x5 x6 x7

A register holds a line, the instruction multiplies it by numbers of one token that all
16 share, and adds the products to 16 sums: no sum has to be put together from the parts
of a register.  Every sum runs over the inputs in their order, alone or among many, so
it has always the same bits.

    unit     weights in    what multiplies a line
    plain    any           widened to float32, and one FMA for each number
    bf16     bfloat16      vdpbf16ps: two products of each output, summed in float32
    vnni     int8          vpdpbusd: four products of each output, summed in int32
    amx      bfloat16,     a whole tile of lines at once: see amx.mojo
             int8
"""

from std.memory import bitcast
from std.sys import prefetch
from std.sys._assembly import inlined_assembly
from std.sys.intrinsics import PrefetchOptions

comptime f32 = DType.float32
comptime i32 = DType.int32
comptime bf16 = DType.bfloat16
comptime Line = SIMD[f32, 16]  # 64 bytes, whatever they hold
comptime Floats = Pointer[Float32, MutUntrackedOrigin]


@always_inline
def floats(p: Pointer[...]) -> Floats:
    """The same place, as four bytes after four bytes."""
    return Floats(unsafe_from_address=Int(p))


@always_inline
def fetch[near: Bool = True](p: Floats):
    """Tells memory that this line is wanted soon.

    `near` brings it into the first cache, otherwise into the second: there it is in
    nobody's way.
    """
    comptime options = PrefetchOptions().for_read().to_data_cache()
    comptime if near:
        prefetch[options.high_locality()](p)
    else:
        prefetch[options.medium_locality()](p)


def per_line[dtype: DType]() -> Int:
    """Numbers of each output in a line."""
    comptime if dtype == f32:
        return 1
    elif dtype == bf16:
        return 2
    else:
        return 4


def shared[dtype: DType, unit: StaticString]() -> Int:
    """How many times four bytes of a token belong to a line."""
    return per_line[dtype]() if unit == "plain" else 1


# ANCHOR: products
@always_inline
def add_products[
    dtype: DType, unit: StaticString
](sums: Line, line: Line, x: Floats) -> Line:
    """The sums of 16 outputs after one line more; int32 for vnni, else float32.

    `x` points to the token's numbers for this line.
    """
    comptime if unit == "bf16" or unit == "vnni":
        comptime name = "vdpbf16ps" if unit == "bf16" else "vpdpbusd"
        return inlined_assembly[
            name + " $3, $2, $0",
            Line,
            constraints="=v,0,v,v",
            has_side_effect=False,
        ](sums, Line(x[]), line)
    else:
        var after = sums
        comptime for n in range(per_line[dtype]()):
            var w = widened[dtype, n](line)
            after = w.fma(Line(x[unsafe_offset=n]), after)
        return after
# ANCHOR_END: products


@always_inline
def widened[dtype: DType, n: Int](line: Line) -> Line:
    """Number n of each output as float32."""
    var bits = bitcast[DType.uint32, 16](line)  # the first number is the lowest
    comptime if dtype == f32:
        return line
    elif dtype == bf16:  # it is the upper half of a float32
        comptime if n == 0:
            return bitcast[f32, 16](bits << 16)
        else:
            return bitcast[f32, 16](bits & 0xFFFF0000)
    else:
        var signed = bitcast[i32, 16](bits << UInt32(24 - 8 * n)) >> 24
        return signed.cast[f32]()
