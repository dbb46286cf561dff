"""Between NumPy and MAX, for the tests."""

from collections.abc import Callable
from typing import Any

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental.compilation import stage
from max.experimental.nn import Module
from max.experimental.sharding import TensorLayout
from max.experimental.tensor import Tensor
from max.graph import Dim, TensorType

from gpt2.learner import run_lazily
from tests import expect


def shapes(module: Module[..., Any]) -> dict[str, tuple[int, ...]]:
    """Every parameter's name and shape."""
    return {name: tuple(int(n) for n in p.shape) for name, p in module.parameters}


def twins(module: Module[..., Any]) -> dict[str, str]:
    """For each parameter that is another one too: its name, and the first name."""
    first: dict[int, str] = {}
    return {
        name: first[id(parameter)]
        for name, parameter in module.parameters
        if first.setdefault(id(parameter), name) != name
    }


def check_parameters(
    module: Module[..., Any], expected: dict[str, tuple[int, ...]]
) -> None:
    """The module has these parameters, by name and shape, and no other.

    Raises:
        Different: If it has not.
    """
    expect.parameters(shapes(module), expected, twins(module))


def randomize(module: Module[..., Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Gives every parameter random values, and returns them by name.

    The values depend on the parameter's own name and shape alone: in whatever order
    a module is built, and whatever else is in it, they are the same.
    """
    weights = {
        name: np.random.default_rng([seed, *name.encode()])
        .normal(0.1, 0.4, shape)
        .astype(np.float32)
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


def numbers(*shape: int | str, dtype: DType = DType.float32) -> TensorType:
    """The type of a tensor; lengths that are only names are symbolic."""
    return TensorType(dtype, shape, CPU())


def whole_numbers(*shape: int | str) -> TensorType:
    """The same of an int64 tensor."""
    return numbers(*shape, dtype=DType.int64)


def traced(function: Callable[..., Tensor], *inputs: TensorType) -> TensorLayout:
    """Shape and dtype of what `function` would compute, before there are numbers."""
    by_max = function.trace if isinstance(function, Module) else stage(function)
    (layout,) = by_max(*inputs).out_layouts
    return layout


def check_trace(
    function: Callable[..., Tensor], *inputs: TensorType, given: str, shape: list[Any]
) -> None:
    """MAX can run `function` before there are numbers, as it does to compile it.

    Args:
        function: What is traced.
        inputs: What it is given, some lengths being only names.
        given: The same in words.
        shape: Of what it would compute, by those names.

    Raises:
        Different: If the shape is another one.
    """
    actual = traced(function, *inputs).shape
    expect.dimensions(actual, [Dim(length) for length in shape], given)


def numpy(result: Tensor) -> np.ndarray:
    """A tensor's values.

    Raises:
        Different: If a step has returned something else than a tensor.
    """
    if not isinstance(result, Tensor):
        kind = type(result)
        expect.note(kind)
        if result is None:
            raise expect.Different(
                "it returns None: is its `return` missing?", "returns"
            )
        if isinstance(result, tuple | list):
            said = f"it returns a {kind.__name__} of {len(result)}, not one Tensor"
            comma = ": is there a comma at its end?" if len(result) == 1 else ""
            raise expect.Different(said + comma, "returns")
        package = kind.__module__.partition(".")[0]
        full = f"{package}.{kind.__name__}" if package != "builtins" else kind.__name__
        raise expect.Different(f"it returns a {full}, not a Tensor", "returns")
    return result.to_numpy()
