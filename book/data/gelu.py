"""What GELU meets in models/shakespeare, and what it makes of numbers."""

import math
from typing import Any

import numpy as np
from max.experimental import functional as F
from max.experimental.tensor import Tensor

from book.data.model import digits, run

TEXT = "The king is dead, my lord"
LAYER = 0
REACH = 4  # the curves run from -4 to 4
BIN = 0.25


def data() -> dict[str, Any]:
    met = run("shakespeare", TEXT).outputs[f"transformer.h.{LAYER}.mlp.c_fc"]
    edges = np.arange(-REACH, REACH + BIN, BIN)
    counts, _ = np.histogram(met, edges)
    return {
        "reach": REACH,
        "bin": BIN,
        "met": digits(counts / met.size),  # share of the numbers in each bin
        "below_0": round(float((met < 0).mean()), 4),
    }


def vectors() -> list[dict[str, float]]:
    """Both forms as MAX computes them, in float32, and Python's own erf."""
    numbers = np.concatenate([np.linspace(-6, 6, 49), [-30, -1e-3, 1e-7, 2.7, 30]])
    x = Tensor.from_dlpack(numbers.astype(np.float32))
    tanh_form, erf_form = (
        F.gelu(x, approximate=form).to_numpy().tolist() for form in ("tanh", "none")
    )
    return [
        {"x": number, "erf": math.erf(number), "tanh_form": tanh, "erf_form": exact}
        for number, tanh, exact in zip(
            numbers.tolist(), tanh_form, erf_form, strict=True
        )
    ]
