"""Work is cut into pieces; a core that is free takes the next.

A core that is late, since another program has it, takes fewer pieces:

    core 0   0   1   3   4   5   7
    core 1     2           6
"""

from max.algorithm import sync_parallelize
from std.atomic import Atomic
from std.sys.info import num_physical_cores

comptime SMALL = 1 << 19  # multiplications for which no other core is woken


# ANCHOR: spread
@always_inline
def spread[Work: def(Int) -> None](work: Work, pieces: Int, size: Int) raises:
    """Calls work(0) to work(pieces - 1), on all cores unless it is little.

    `size` is the number of multiplications in all.
    """
    if size < SMALL or pieces == 1:
        for piece in range(pieces):
            work(piece)
        return
    var counter = Atomic[Int64](0)
    var next = Pointer(to=counter)

    def one_core(_core: Int) {imm}:
        var piece = Int(next[].fetch_add(1))
        while piece < pieces:
            work(piece)
            piece = Int(next[].fetch_add(1))

    sync_parallelize(one_core, min(pieces, num_physical_cores()))
    _ = counter  # lives until all have finished
# ANCHOR_END: spread
