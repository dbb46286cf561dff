"""A few of the numbers that a layer norm of models/shakespeare meets."""

from typing import Any

import numpy as np
from max.experimental.tensor import Tensor

from book.data.model import digits, run
from solutions.solution_03 import LayerNorm

TEXT = "The king is dead, my lord"
NORM = "transformer.h.2.ln_1"
TOKEN = 0
PLACES = slice(153, 159)  # of the vector's 192; their mean is far from 0
COUNT = 6


def data() -> dict[str, Any]:
    ran = run("shakespeare", TEXT)
    weights = ran.checkpoint.weights
    return {
        "x": digits(ran.inputs[NORM][TOKEN, PLACES], 2),
        "weight": digits(np.asarray(weights[f"{NORM}.weight"])[PLACES], 3),
        "bias": digits(np.asarray(weights[f"{NORM}.bias"])[PLACES], 3),
        "epsilon": ran.checkpoint.config.layer_norm_epsilon,
    }


def vectors() -> list[dict[str, Any]]:
    """What the solution makes of vectors: the figure's, halved again and again, all
    equal, large, and drawn by chance."""
    numbers = data()
    epsilon = numbers["epsilon"]
    x = np.array(numbers["x"])
    drawn = np.random.default_rng(0).normal(size=COUNT)
    inputs = [x, x / 16, x / 1024, np.ones(COUNT), 100 * drawn, drawn + 5, 0 * x]
    norm = LayerNorm(COUNT, eps=epsilon)
    norm.weight = Tensor.from_dlpack(np.array(numbers["weight"], np.float32))
    norm.bias = Tensor.from_dlpack(np.array(numbers["bias"], np.float32))
    return [
        {
            "x": x.tolist(),
            "mean": float(x.mean()),
            "variance": float(x.var()),
            "y": norm(Tensor.from_dlpack(x.astype(np.float32))).to_numpy().tolist(),
        }
        for x in inputs
    ]
