"""Make MAX's eager mode quick on a laptop.

MAX runs an eager operation with a small compiled graph for each kind of operation
and number type.  Left alone, it compiles each one when it is first used, twenty
seconds at a time.  Together they take a fraction of that, once on a machine; from
then on they load from MAX's cache on disk.

This is the one file that reaches around MAX's public API (`max._interpreter_ops`,
MAX 26.7).  Where that has changed, nothing is compiled ahead: everything still
works, and is slower the first time.
"""

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sized
from typing import Any

import numpy as np
from max.driver import CPU
from max.experimental import functional as F
from max.experimental.executor import InterpreterExecutor, set_default_executor
from max.experimental.tensor import Tensor


def prepare() -> int:
    """Makes eager operations quick in this process.  Call it before the first one.

    Returns:
        The number of kernels that this call loaded, compiling what this machine
        lacks: the first time that takes a minute or two on two cores.
    """
    prepare_process()
    return load_kernels()


def prepare_process() -> None:
    """Chooses MAX's interpreter, and gives Ctrl-C a handler that does as Python's does.

    MAX's other executors also compile every new combination of operations, in
    background processes that two cores feel.

    And MAX runs each eager operation in `asyncio.run`, which looks after Ctrl-C only
    where Python's own handler is installed.  Up to Python 3.12 it then builds an
    error text out of everything in reach, every tensor included, and throws it away:
    hundreds of times the cost of the operation.  Python 3.13 mends that.
    """
    set_default_executor(InterpreterExecutor())

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    ours = threading.current_thread() is threading.main_thread()
    if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)


def operations() -> list[Callable[[], object]]:
    """The operations of the twelve steps, each on the smallest tensors there are."""

    def tensor(shape: tuple[int, ...], dtype: type) -> Tensor:
        return Tensor(np.ones(shape, dtype), device=CPU())

    x = tensor((2, 2, 2), np.float32)
    matrix, row = tensor((2, 2), np.float32), tensor((2,), np.float32)
    ids = tensor((2, 2), np.int64)
    return [
        # step 02
        lambda: F.broadcast_to(matrix, [2, 2, 2]),
        lambda: F.band_part(matrix, num_lower=None, num_upper=0, exclude=True),
        lambda: F.concat([matrix, matrix], axis=1),
        # steps 03 to 11
        lambda: F.layer_norm(x, row, row, 1e-5),
        lambda: x @ x,
        lambda: x + x,
        lambda: F.gelu(x, approximate="tanh"),
        lambda: F.gather(matrix, ids, axis=0),
        lambda: x.transpose(0, 1),
        lambda: F.split(x, [1, 1], axis=-1),
        lambda: x / x,
        lambda: F.softmax(x, axis=-1),
        # step 12
        lambda: x[:, -1, :],
        lambda: F.argmax(matrix, axis=-1),
        lambda: F.concat([ids, ids], axis=1),
        lambda: ids[:, 1:],
    ]


class _Missing(Exception):
    """Stops an operation at a kernel that it lacks."""


def load_kernels() -> int:
    """Loads the kernels of `operations` together: one compilation, one cache entry.

    Each operation is tried with MAX's compiler replaced by a recorder, which notes
    the graph that MAX wants to compile.  Then all noted graphs are compiled as one.
    """
    try:
        from max._interpreter_ops import gc_compile
        from max._mlir_context import ensure_default_mlir_context
        from max.graph import Module
    except ImportError:
        return 0
    logging.getLogger("max._eager_policy").setLevel(logging.ERROR)
    families: dict[str, Any] = {}

    def record(family: Any, key: str, _device: Any, build: Callable[..., None]) -> Any:
        """Notes a missing kernel; asked again, stands in for it."""
        if key in families:
            return lambda *buffers: buffers[:1]
        build(module)
        families[key] = family
        raise _Missing

    with ensure_default_mlir_context():  # which a thread does not have by itself
        module = Module()
        compile_one = gc_compile.compile_single_target
        gc_compile.compile_single_target = record  # type: ignore[assignment]
        try:
            for operation in operations():
                meet_its_kernels(operation, families)
        finally:
            gc_compile.compile_single_target = compile_one
        if families:
            session = gc_compile.session_for(CPU())
            models = session.load_all(module, weights_registry={})
            for key, family in families.items():
                family.cache[key] = models[key]
    return len(families)


def meet_its_kernels(operation: Callable[[], object], known: Sized) -> None:
    """Tries an operation again and again, until it adds no kernel to `known`."""
    before = -1
    while before < len(known):
        before = len(known)
        with contextlib.suppress(Exception):  # what a stand-in answers is no use
            operation()


if __name__ == "__main__":
    print(f"{prepare()} kernels loaded", file=sys.stderr)
