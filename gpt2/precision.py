"""Fewer bytes for a weight, since one token of text waits for all of them.

    bfloat16    the upper half of a float32: its range, 8 bits of precision
    int8        round(w / scale), with scale = max|row| / 127 for each row; the scales
                stand beside it as NAME.scale

Where the Mojo kernels read a weight, it is packed besides: its numbers lie in the order
in which they are wanted, as `gpt2/kernels/lines.mojo` draws it.  Keys and values are
then kept in bfloat16, unless weights are in float32 (CACHED): they grow with the text,
and each token reads them all.

Source: Dettmers et al., "LLM.int8(): 8-bit Matrix Multiplication for Transformers at
Scale" (2022), section 3.1, for a scale for each row.
"""

import contextlib
import math
import mmap
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from max.driver import Buffer, DLPackArray
from max.dtype import DType

from gpt2 import PRECISIONS

DTYPES = dict(zip(PRECISIONS, (DType.float32, DType.bfloat16, DType.int8), strict=True))
CACHED = {"float32": "float32", "bfloat16": "bfloat16", "int8": "bfloat16"}
LINE = 64  # bytes that a processor reads together
LINES = 16  # a packed weight in fewer bytes is filled up to so many lines
SHARE = 2  # groups that a core converts at once: they stay near it


class Kept(NamedTuple):
    """How a weight is kept.

    Attributes:
        dtype: Its type.
        group: How many rows lie beside each other; 0 if it is not packed.
    """

    dtype: DType
    group: int = 0

    @property
    def numpy(self) -> np.dtype:
        """The type in NumPy, which has no bfloat16: there it is seen as uint16."""
        bfloat16 = self.dtype == DType.bfloat16
        return np.dtype(np.uint16 if bfloat16 else self.dtype.to_numpy())

    def shape(self, n_out: int, n_in: int) -> tuple[int, ...]:
        """Of a weight that is `[n_out, n_in]`."""
        if self.group:
            return packed_shape(n_out, n_in, self.numpy.itemsize, self.group)
        return n_out, n_in


UNCHANGED = Kept(DType.float32)


class Room:
    """Memory for arrays, all zero at first.

    It is one piece, for which Linux takes its largest pages: a core then rarely has to
    look up where a page lies.  And each array begins with a line of the processor's
    cache, which NumPy's own do not.

    Args:
        sizes: Bytes of each array.
    """

    def __init__(self, *sizes: int) -> None:
        size = LINE + sum(size + -size % LINE for size in sizes)
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        # Only Linux has it, and may have been built without.
        with contextlib.suppress(AttributeError, OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
        self.left = np.frombuffer(memory, np.uint8)

    def take(self, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
        """The next array."""
        size = math.prod(shape) * dtype.itemsize
        array = self.left[:size].view(dtype).reshape(shape)
        self.left = self.left[size + -size % LINE :]
        return array


# --- Weights -----------------------------------------------------------------------


def store(
    weights: Mapping[str, DLPackArray], kept: Mapping[str, Kept]
) -> dict[str, DLPackArray]:
    """The weights as the engine keeps them.

    Args:
        weights: float32, matrices as `[out, in]`.
        kept: How each weight is; as it is if nothing is said.

    Returns:
        The weights under their names; of those that are int8 the scales, and of those
        that are packed besides, the sums of their rows, NAME.total.
    """
    stored: dict[str, DLPackArray] = {}
    arrays = {name: np.from_dlpack(weight) for name, weight in weights.items()}
    changed = {name: kept.get(name, UNCHANGED) for name in arrays}
    changed = {name: how for name, how in changed.items() if how != UNCHANGED}
    room = Room(
        *(
            math.prod(how.shape(*arrays[name].shape)) * how.numpy.itemsize
            for name, how in changed.items()
        )
    )
    with ThreadPoolExecutor(os.cpu_count()) as cores:  # NumPy lets several compute
        for name, array in arrays.items():
            if name not in changed:
                stored[name] = array
                continue
            how = changed[name]
            made = space(array, how, room)
            share = (how.group or LINES) * SHARE
            pieces = (slice(n, n + share) for n in range(0, len(array), share))
            list(cores.map(partial(convert, array, how, made), pieces))
            for part, of_it in made.items():
                stored[name.removesuffix("weight") + part] = of_it
            if how.dtype == DType.bfloat16:
                stored[name] = Buffer.from_numpy(made["weight"]).view(DType.bfloat16)
    return stored


def space(array: np.ndarray, how: Kept, room: Room) -> dict[str, np.ndarray]:
    """What a weight `[n_out, n_in]` is converted into, and its scales and totals."""
    n_out, _ = shape = array.shape
    made = {"weight": room.take(how.shape(*shape), how.numpy)}
    if how.dtype == DType.int8:
        made["scale"] = np.empty(n_out, np.float32)
    if how.dtype == DType.int8 and how.group:
        made["total"] = np.empty(n_out, np.int32)
    return made


def convert(
    array: np.ndarray, how: Kept, made: Mapping[str, np.ndarray], piece: slice
) -> None:
    """Converts some rows of a weight, whole groups, into their space."""
    rows = array[piece]
    if how.dtype == DType.int8:
        scale = np.abs(rows).max(axis=1) / 127  # [rows]
        scale[scale == 0] = 1  # a row of zeros
        made["scale"][piece] = scale
        rows = np.rint(rows / scale[:, None]).astype(np.int8)
    elif how.dtype == DType.bfloat16:
        rows = upper_half(rows)
    if "total" in made:
        made["total"][piece] = rows.sum(axis=1, dtype=np.int32)
    if how.group:
        groups = slice(piece.start // how.group, piece.stop // how.group)
        made["weight"][groups] = pack(rows, how.group)
    else:
        made["weight"][piece] = rows


def pack(weight: np.ndarray, group: int) -> np.ndarray:
    """A weight in the order in which the kernels read it.

    Args:
        weight: `[n_out, n_in]`, in float32, int8, or bfloat16 seen as uint16.
        group: How many rows lie beside each other.

    Returns:
        `[groups, lines, group, numbers in four bytes]`, filled up with zeros.
    """
    n_out, n_in = weight.shape
    groups, lines, _, per_line = shape = packed_shape(
        n_out, n_in, weight.itemsize, group
    )
    rows = np.zeros((groups * group, lines * per_line), weight.dtype)
    rows[:n_out, :n_in] = weight
    words = rows.view(np.uint32)  # [groups * group, lines]
    packed = words.reshape(groups, group, lines).transpose(0, 2, 1)
    return np.ascontiguousarray(packed).view(rows.dtype).reshape(shape)


def packed_shape(
    n_out: int, n_in: int, itemsize: int, group: int
) -> tuple[int, int, int, int]:
    """Of a packed weight: groups, lines, group, numbers in four bytes."""
    per_line = 4 // itemsize
    lines = -(-n_in // per_line)
    if per_line > 1:
        lines += -lines % LINES
    return -(-n_out // group), lines, group, per_line


def widen(stored: Mapping[str, DLPackArray]) -> dict[str, DLPackArray]:
    """What the engine computes with: weights that are not packed as float32 again."""
    weights: dict[str, DLPackArray] = {}
    for name, weight in stored.items():
        scale = stored.get(name.removesuffix("weight") + "scale")
        if name.endswith(".scale"):
            continue
        weights[name] = array = to_float32(Buffer.from_dlpack(weight))
        if scale is not None:
            array *= np.from_dlpack(scale)[:, None]  # [out, in]
    return weights


# --- Number types ------------------------------------------------------------------


def to_float32(stored: Buffer) -> np.ndarray:
    """A copy of what the file holds.  A bfloat16 is the upper half of a float32."""
    if stored.dtype == DType.bfloat16:
        upper = stored.view(DType.uint16).to_numpy().astype(np.uint32)
        return (upper << 16).view(np.float32)
    return stored.to_numpy().astype(np.float32)


def from_float32(array: np.ndarray, dtype: DType) -> DLPackArray:
    """The array as dtype, rounded to nearest, ties to even."""
    if dtype == DType.bfloat16:
        return Buffer.from_numpy(upper_half(array)).view(DType.bfloat16)
    return array.astype(dtype.to_numpy(), copy=False)


def upper_half(array: np.ndarray) -> np.ndarray:
    """A float32 array as bfloat16, seen as uint16."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
