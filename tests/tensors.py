"""Between NumPy and MAX, for the tests."""

from collections.abc import Callable
from typing import Any

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Module
from max.experimental.tensor import Tensor, default_device, default_dtype

TOLERANCE = 1e-5  # float32, sums of a few dozen numbers near 1


def build(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Makes a module on the CPU in float32 without computing its first weights."""
    with F.lazy(), default_device(CPU()), default_dtype(DType.float32):
        return make(*args, **kwargs)


def shapes(module: Module) -> dict[str, tuple[int, ...]]:
    """Every parameter's name and shape."""
    return {
        name: tuple(int(n) for n in parameter.shape)
        for name, parameter in module.parameters
    }


def randomize(module: Module, seed: int = 0) -> dict[str, np.ndarray]:
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
    with F.lazy():
        result = function(*(tensor(array) for array in arrays))
    assert isinstance(result, Tensor), f"expected a Tensor, got {type(result).__name__}"
    return result.to_numpy()


def assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    """The same shape, and values within float32 rounding of each other."""
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE)
