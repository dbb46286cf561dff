"""Make MAX's eager mode quick on a laptop.

MAX runs an eager operation with a small compiled graph for each kind of operation
and number type.  Left alone, it compiles each one when it is first used, twenty
seconds at a time.  Together they take a minute or two, once on a machine; from then
on every process loads all of them from one file beside MAX's own cache.

This file reaches around MAX's public API (`max._interpreter_ops`, MAX 26.7).  Where
that has changed, nothing is compiled ahead: everything still works, and is slower the
first time.
"""

import contextlib
import functools
import inspect
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sized
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental import random
from max.experimental.executor import InterpreterExecutor, set_default_executor
from max.experimental.realization_context import (
    LazyRealizationContext,
    set_default_realization_context,
)
from max.experimental.tensor import Tensor
from max.graph import Module

from gpt2.compiled import compiled_file, load_compiled


def prepare() -> int:
    """Makes eager operations quick in this process.  Call it before the first one.

    Returns:
        The number of kernels that are ready.  Where this machine lacks them, they
        are compiled first: a minute or two on two cores.
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


@contextlib.contextmanager
def collecting() -> Iterator[None]:
    """Operations are only noted until somebody asks for a number; then MAX computes
    all of them together, in half the time.

    What an operation raises may come at a later line.
    """
    current: Collected | None = None

    def context() -> Collected:
        nonlocal current
        if current is None or current.computed:
            current = Collected()
        return current

    with set_default_realization_context(context):
        yield


class Collected(LazyRealizationContext):
    """Operations that are computed together, once."""

    computed = False

    async def realize_all(self) -> list[Tensor]:
        self.computed = True
        return await super().realize_all()


# --- Kernels ---------------------------------------------------------------------


def operations() -> list[Callable[[], object]]:
    """What the steps compute with, and what one may well try there instead: each
    operation on the smallest tensors there are.

    A test runs all solutions, other right answers and known mistakes, and fails when
    one of them needs a kernel that is missing here.
    """

    def tensor(shape: tuple[int, ...], dtype: type) -> Tensor:
        return Tensor.from_dlpack(np.ones(shape, dtype))

    x, y = tensor((2, 2, 2), np.float32), tensor((2, 2, 2), np.float32)
    matrix, other = tensor((2, 2), np.float32), tensor((2, 2), np.float32)
    row = tensor((2,), np.float32)
    ids, more_ids = tensor((2, 2), np.int64), tensor((2, 2), np.int64)
    ids32 = tensor((2, 2), np.int32)
    yes, no = tensor((2, 2), np.bool_), tensor((2, 2), np.bool_)
    doubles, more_doubles = tensor((2, 2), np.float64), tensor((2, 2), np.float64)

    def arange(dtype: DType) -> Tensor:
        return F.arange(0, 3, dtype=dtype, device=CPU())

    unary = (F.exp, F.log, F.sqrt, F.rsqrt, F.tanh, F.erf, F.sigmoid, F.relu, F.silu)
    more = (F.cos, F.sin, F.abs, F.floor, F.round, F.is_nan, F.is_inf)
    compare = (F.equal, F.not_equal, F.greater, F.greater_equal)
    plain = (F.add, F.sub, F.mul)
    arithmetic = (*plain, F.div, F.pow, F.mod, F.max, F.min)
    reduce = (F.mean, F.sum, F.max, F.min, F.argmax, F.argmin, F.prod)
    casts = [(ids, DType.float32), (ids, DType.int32), (ids32, DType.int64)]
    casts += [(matrix, DType.int64), (matrix, DType.bool), (matrix, DType.float64)]
    casts += [(yes, DType.float32), (yes, DType.int64), (yes, DType.float64)]
    casts += [(doubles, DType.float32), (ids, DType.float64)]
    return [
        # one tensor, number by number
        *(lambda f=f: f(x) for f in unary + more),
        lambda: -x,
        lambda: F.is_inf(doubles),
        lambda: F.log(doubles),
        *(lambda a=a: F.gelu(x, approximate=a) for a in ("none", "tanh", "quick")),
        lambda: F.logical_not(yes),
        *(lambda t=t, d=d: F.cast(t, d) for t, d in casts),
        # two tensors, number by number
        *(lambda f=f: f(x, y) for f in arithmetic + compare),
        *(lambda f=f: f(ids, more_ids) for f in (*plain, F.mod, F.max, F.min)),
        *(lambda f=f: f(ids, more_ids) for f in compare),
        *(lambda f=f: f(doubles, more_doubles) for f in (*plain, F.div, F.equal)),
        lambda: ids // more_ids,
        lambda: F.logical_and(yes, no),
        lambda: F.logical_or(yes, no),
        lambda: F.logical_xor(yes, no),
        lambda: F.where(yes, matrix, other),
        lambda: F.where(yes, ids, more_ids),
        lambda: F.where(yes, doubles, more_doubles),
        # along an axis
        *(lambda f=f: f(x, axis=-1) for f in reduce),
        *(lambda f=f: f(ids, axis=-1) for f in (F.argmax, F.max, F.min)),
        lambda: F.softmax(x, axis=-1),
        lambda: F.logsoftmax(x, axis=-1),
        lambda: F.cumsum(x, axis=-1),
        lambda: F.top_k(x, 2, axis=-1),
        lambda: F.layer_norm(x, row, row, 1e-5),
        lambda: F.rms_norm(x, row, 1e-5),
        # products
        lambda: x @ y,
        # new tensors
        lambda: random.gaussian([2, 2], dtype=DType.float32, device=CPU()),
        lambda: arange(DType.int64),
        lambda: arange(DType.int32),
        lambda: arange(DType.float32),
        *(lambda t=t: F.band_part(t, exclude=True) for t in (matrix, doubles, yes)),
        # the same numbers in other places
        lambda: F.broadcast_to(matrix, [2, 2, 2]),
        lambda: F.broadcast_to(ids, [2, 2, 2]),
        lambda: F.broadcast_to(yes, [2, 2, 2]),
        lambda: x.transpose(0, 1),
        lambda: ids.transpose(0, 1),
        lambda: x[:, -1, :],
        lambda: x.reshape([1, 2, 2, 2])[:, 0],
        lambda: x.reshape([1, 1, 2, 2, 2])[0],
        lambda: matrix[:, 1:],
        lambda: row[1:],
        lambda: ids[:, 1:],
        lambda: F.concat([matrix, other], axis=1),
        lambda: F.concat([ids, more_ids], axis=1),
        lambda: F.concat([yes, no], axis=1),
        lambda: F.split(x, [1, 1], axis=-1),
        lambda: F.gather(matrix, ids, axis=0),
        lambda: F.gather(matrix, ids32, axis=0),
        lambda: F.gather(ids, more_ids, axis=0),
        lambda: F.gather_nd(matrix, ids),
        lambda: F.tile(matrix, [2, 1]),
        lambda: F.pad(matrix, [0, 1, 0, 1]),
    ]


def kernels_file() -> Path:
    """The file of kernels for this processor, this MAX and these `operations()`."""
    return compiled_file(inspect.getsource(operations))


@functools.cache  # once in a process
def load_kernels() -> int:
    """Loads the kernels, after making them where this machine lacks them.

    Returns:
        The number of kernels; 0 where MAX's inside has changed.
    """
    try:
        from max._interpreter_ops import gc_compile
        from max._mlir_context import ensure_default_mlir_context
    except ImportError:
        return 0
    logging.getLogger("max._eager_policy").setLevel(logging.ERROR)
    session = gc_compile.session_for(CPU())
    with ensure_default_mlir_context():  # which a thread does not have by itself
        models = load_compiled(session, kernels_file(), record_kernels)
    for family in gc_compile.registered_families():
        family.cache.update(models)  # no two families share a name
    return len(models)


class _Missing(Exception):
    """Stops an operation at a kernel that it lacks."""


def record_kernels() -> Module:
    """The kernels of `operations()`, as one module that can be compiled at once.

    Each operation is tried with MAX's compiler replaced by a recorder, which notes
    the graph that MAX wants to compile.
    """
    from max._interpreter_ops import gc_compile

    module = Module()
    known: set[str] = set()

    def record(_family: Any, key: str, _device: Any, build: Callable[..., None]) -> Any:
        """Notes a missing kernel; asked again, stands in for it."""
        if key in known:
            return lambda *buffers: buffers[:1]
        build(module)
        known.add(key)
        raise _Missing

    compile_one = gc_compile.compile_single_target
    gc_compile.compile_single_target = record  # type: ignore[assignment]
    try:
        for operation in operations():
            meet_its_kernels(operation, known)
    finally:
        gc_compile.compile_single_target = compile_one
    return module


def meet_its_kernels(operation: Callable[[], object], known: Sized) -> None:
    """Tries an operation again and again, until it adds no kernel to `known`."""
    before = -1
    while before < len(known):
        before = len(known)
        with contextlib.suppress(Exception):  # what a stand-in answers is no use
            operation()


def announce_compilations(
    around: Callable[[str], AbstractContextManager[None]],
) -> None:
    """Enters `around(name)` while MAX compiles a kernel that was not loaded."""
    try:
        from max._interpreter_ops import gc_compile
    except ImportError:
        return
    compile_one = gc_compile.compile_single_target

    def announced(family: Any, key: str, *rest: Any) -> Any:
        with around(key):
            return compile_one(family, key, *rest)

    gc_compile.compile_single_target = announced  # type: ignore[assignment]


if __name__ == "__main__":
    print(kernels_file(), flush=True)
    print(f"{prepare()} kernels are ready", file=sys.stderr)
