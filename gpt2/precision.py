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
from gpt2.checkpoint import from_float32, to_float32

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
