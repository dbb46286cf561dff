"""Fewer bytes for a weight, since one token of text waits for all of them."""

from collections.abc import Mapping

import numpy as np
from max.driver import DLPackArray
from max.dtype import DType

from gpt2 import PRECISIONS
from gpt2.checkpoint import from_float32


def store(weights: Mapping[str, DLPackArray], precision: str) -> dict[str, DLPackArray]:
    """The weights as the engine keeps them.

    Only the matrices that every token needs whole become smaller: the linear layers
    and `wte`.  What little the others weigh is kept as it is.

        bfloat16    the upper half of a float32: its range, 8 bits of precision
        int8        round(w / scale), with scale = max|row| / 127 for each row;
                    the scales stand beside it as NAME.scale

    Source: Dettmers et al., "LLM.int8(): 8-bit Matrix Multiplication for
    Transformers at Scale" (2022), section 3.1, for a scale for each row.

    Args:
        weights: float32, linear layers as `[out, in]`.
        precision: One of PRECISIONS.

    Raises:
        ValueError: If the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
    stored: dict[str, DLPackArray] = {}
    for name, weight in weights.items():
        array = np.from_dlpack(weight)
        if array.ndim < 2 or "wpe" in name or precision == "float32":
            stored[name] = array
        elif precision == "bfloat16":
            stored[name] = from_float32(array, DType.bfloat16)
        else:
            scale = np.abs(array).max(axis=1, keepdims=True) / 127  # [out, 1]
            scale[scale == 0] = 1  # a row of zeros
            stored[name] = np.rint(array / scale).astype(np.int8)
            stored[name.removesuffix("weight") + "scale"] = scale[:, 0]
    return stored
