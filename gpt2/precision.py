"""Fewer bytes for a weight, since one token of text waits for all of them.

    bfloat16    the upper half of a float32: its range, 8 bits of precision
    int8        round(w / scale), with scale = max|row| / 127 for each row; the scales
                stand beside it as NAME.scale

Source: Dettmers et al., "LLM.int8(): 8-bit Matrix Multiplication for Transformers at
Scale" (2022), section 3.1, for a scale for each row.
"""

from collections.abc import Mapping

import numpy as np
from max.driver import Buffer, DLPackArray
from max.dtype import DType

from gpt2 import PRECISIONS

DTYPES = dict(zip(PRECISIONS, (DType.float32, DType.bfloat16, DType.int8), strict=True))


def store(
    weights: Mapping[str, DLPackArray], dtypes: Mapping[str, DType]
) -> dict[str, DLPackArray]:
    """The weights as the engine keeps them.

    Args:
        weights: float32, matrices as `[out, in]`.
        dtypes: Of each weight, float32 if none is given.

    Returns:
        The weights under their names, and the scales of those that are int8.
    """
    stored: dict[str, DLPackArray] = {}
    for name, weight in weights.items():
        array = np.from_dlpack(weight)
        dtype = dtypes.get(name, DType.float32)
        if dtype == DType.int8:
            scale = np.abs(array).max(axis=1, keepdims=True) / 127  # [out, 1]
            scale[scale == 0] = 1  # a row of zeros
            stored[name] = np.rint(array / scale).astype(np.int8)
            stored[name.removesuffix("weight") + "scale"] = scale[:, 0]
        else:
            stored[name] = from_float32(array, dtype)
    return stored


def widen(stored: Mapping[str, DLPackArray]) -> dict[str, DLPackArray]:
    """What the engine computes with: the stored weights as float32 again."""
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
        bits = array.view(np.uint32)
        upper = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
        return Buffer.from_numpy(upper.astype(np.uint16)).view(DType.bfloat16)
    return array.astype(dtype.to_numpy(), copy=False)
