"""Between NumPy and MAX, for the tests."""

from collections.abc import Callable
from typing import Any

import numpy as np
from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from gpt2.learner import run_lazily
from tests import expect


def shapes(module: Module[..., Any]) -> dict[str, tuple[int, ...]]:
    """Every parameter's name and shape; one that has two names, under its first."""
    parameters = {id(parameter): parameter for _, parameter in module.parameters}
    found = {}
    for name, parameter in module.parameters:
        if parameters.pop(id(parameter), None) is not None:
            found[name] = tuple(int(n) for n in parameter.shape)
    return found


def randomize(module: Module[..., Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Gives every parameter random values, and returns them by name."""
    rng = np.random.default_rng(seed)
    weights = {
        name: rng.normal(0.1, 0.4, shape).astype(np.float32)
        for name, shape in shapes(module).items()
    }
    module.load_state_dict(weights)
    return weights


def normal(*shape: int, seed: int = 1) -> np.ndarray:
    """Random float32 numbers, neither centred nor of variance 1."""
    return np.random.default_rng(seed).normal(0.3, 1.7, shape).astype(np.float32)


def tensor(array: Any) -> Tensor:
    """A MAX tensor on the CPU with the array's values and dtype."""
    return Tensor.from_dlpack(np.ascontiguousarray(array))


def run(function: Callable[..., Tensor], *arrays: np.ndarray) -> np.ndarray:
    """Calls `function` on tensors and returns what it computed as an array."""
    return numpy(run_lazily(function)(*(tensor(array) for array in arrays)))


def numpy(result: Tensor) -> np.ndarray:
    """A tensor's values.

    Raises:
        Different: If a step has returned something else than a tensor.
    """
    if not isinstance(result, Tensor):
        kind = type(result)
        expect.note(kind)
        if result is None:
            raise expect.Different("it returns None: is its `return` missing?")
        if isinstance(result, tuple | list):
            count = f"{kind.__name__} of {len(result)}"
            raise expect.Different(f"it returns a {count}, not one Tensor")
        package = kind.__module__.partition(".")[0]
        full = f"{package}.{kind.__name__}" if package != "builtins" else kind.__name__
        raise expect.Different(f"it returns a {full}, not a Tensor")
    return result.to_numpy()
