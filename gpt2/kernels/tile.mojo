"""A tile of sums that stay in registers.

One token alone waits for memory: each line is needed once.  Many tokens wait for
arithmetic: so that no register is loaded for one product only, 8 tokens meet 3 lines,
and each line serves 8 tokens, each token's number 3 lines.

                 line 0    line 1    line 2
    token 0      16 sums   16 sums   16 sums
    token 1      16 sums   16 sums   16 sums
    ...                                           24 registers of the 32
    token 7      16 sums   16 sums   16 sums
"""

from .lines import Floats, Line, add_products, fetch, shared


@always_inline
def tile[
    dtype: DType,
    unit: StaticString,
    rows: Int,
    columns: Int,
    group: Int,
    fetches: Int,
](x: Floats, beside: Int, weight: Floats, lines: Int, soon: Floats) -> Array[
    Line, rows * columns
]:
    """The sums of some tokens with `16 * columns` outputs.

    Parameters:
        dtype: Of the weight.
        unit: What multiplies a line.
        rows: Tokens.
        columns: Lines beside each other.
        group: Outputs that lie beside each other, these among them.
        fetches: How many lines are fetched meanwhile for each that is here.

    Args:
        x: The first token's numbers.
        beside: From there to those of the next, in four bytes.
        weight: The first of the lines, of `[lines, group]`.
        lines: How many lines an output has.
        soon: The first that is fetched.
    """
    comptime count = shared[dtype, unit]()
    var sums = Array[Line, rows * columns](fill=0)
    for i in range(lines):
        var w = Array[Line, columns](fill=0)
        comptime for c in range(columns):
            var at = i * group + c * 16
            comptime if c < fetches:
                # The numbers of several tokens fill the first cache.
                fetch[near=rows == 1](soon.unsafe_offset(at))
            w[c] = weight.unsafe_load[width=16](at)
        comptime for r in range(rows):
            var its = x.unsafe_offset(r * beside + i * count)
            comptime for c in range(columns):
                comptime n = r * columns + c
                sums[n] = add_products[dtype, unit](sums[n], w[c], its)
    return sums^
