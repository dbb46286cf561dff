"""What is left of a token's own vector after many sublayers, with and without the
residual."""

import functools
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import numpy as np

from book.data.model import digits, run
from solutions.solution_08 import residual

TEXT = "Good morrow, my good lord"
TOKEN = 7  # " good"
LAYERS = 12
SHOWN = 24  # numbers of the vector

Layers = Callable[[Callable[..., Any]], Iterator[np.ndarray]]  # given the connection


def data() -> dict[str, Any]:
    ran = run("shakespeare", TEXT)
    return {
        "token": ran.tokens[TOKEN],
        "sources": [
            {"name": "12 random sublayers, small", **compared(random_layers(0.25))},
            {"name": "12 random sublayers, large", **compared(random_layers(1.0))},
            {"name": "the 8 trained sublayers", **compared(trained_layers)},
        ],
    }


def vectors() -> dict[str, Any]:
    """The last stream of the model as it is, which is with the residual."""
    ran = run("shakespeare", TEXT)
    before = ran.inputs["transformer.h.0"][TOKEN]  # [n_embd]
    after = ran.inputs["transformer.ln_f"][TOKEN]  # [n_embd]
    cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
    return {"cosine": float(cosine.round(4))}


def compared(streams: Layers) -> dict[str, Any]:
    """The streams, with the residual and without."""
    return {"with": looked(streams(residual)), "without": looked(streams(replaced))}


def replaced(x: Any, norm: Callable[..., Any], sublayer: Callable[..., Any]) -> Any:
    """No residual: what the sublayer finds takes the place of the stream."""
    return sublayer(norm(x))


def random_layers(size: float) -> Layers:
    """Sublayers that multiply by a random matrix, their output `size` times as long
    as what they read."""

    def streams(connect: Callable[..., Any]) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(0)
        x = normalized(embedding())
        width = len(x)
        yield x
        for _ in range(LAYERS):
            matrix = rng.normal(0, size / np.sqrt(width), (width, width))
            x = connect(x, normalized, lambda y, matrix=matrix: matrix @ y)
            yield x

    return streams


def trained_layers(connect: Callable[..., Any]) -> Iterator[np.ndarray]:
    """Attention and MLP of each block of the model of Shakespeare."""
    with patch("solutions.solution_09.residual", connect):
        ran = run("shakespeare", TEXT)
    yield ran.inputs["transformer.h.0"][TOKEN]
    for layer in range(ran.checkpoint.config.n_layer):
        yield ran.inputs[f"transformer.h.{layer}.ln_2"][TOKEN]
        yield ran.outputs[f"transformer.h.{layer}"][TOKEN]


@functools.cache
def embedding() -> np.ndarray:
    """The token's own vector: what enters the first block, `[n_embd]`."""
    return run("shakespeare", TEXT).inputs["transformer.h.0"][TOKEN]


def normalized(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / x.std()


def looked(streams: Iterator[np.ndarray]) -> dict[str, Any]:
    """Each stream's cosine with the first, and its first numbers, brought to length
    1 on average."""
    vectors = np.stack(list(streams))  # [layers + 1, n_embd]
    units = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    scale = np.sqrt(vectors.shape[-1])
    return {
        "cosine": digits(units @ units[0]),
        "numbers": digits(scale * units[:, :SHOWN], 2),
    }
