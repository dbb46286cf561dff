"""GPT-2's two operations for the CPU, and the rows of a packed table.

The files in the order in which one thinks:

    cores       work is cut into pieces; a core that is free takes the next
    lines       what lies beside what in a packed weight, and the one instruction that
                multiplies it
    tokens      the other factor: tokens, in the numbers that this instruction wants
    tile        a tile of sums that stay in registers
    amx         the same where the processor has registers for a whole tile
    linear      the linear layer: all tiles, and what becomes of their sums
    embedding   rows of a packed weight
    attention   the cache, which grows as a packed weight, and what meets it
"""
