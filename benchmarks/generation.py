"""Greedy generation as `ladder` and `context` time it.

Two forms of the solutions' model, eager and compiled, and two loops: step 12's own,
which reads the whole text again for each token, and one on the engine with its cache.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor, TensorType, default_device, default_dtype

from benchmarks.workload import Workload
from gpt2.engine import Engine
from solutions.solution_11 import GPT2LMHeadModel
from solutions.solution_12 import generate

Forward = Callable[[Tensor], Tensor]  # ids [batch, seq] to [batch, seq, vocab_size]


# --- Models ---------------------------------------------------------------------------


def eager_model(workload: Workload) -> Forward:
    """The solutions' model as it stands: MAX runs one operation after the other."""
    with F.lazy(), default_device(CPU()), default_dtype(DType.float32):
        model = GPT2LMHeadModel(workload.config)
        model.load_state_dict(workload.weights)

    def forward(ids: Tensor) -> Tensor:
        with F.lazy():
            return model(ids)

    return forward


def compiled_model(workload: Workload) -> Forward:
    """The same model as one graph, for every batch and length."""
    ids = TensorType(DType.int64, ("batch", "seq"), device=CPU())
    with F.lazy(), default_device(CPU()), default_dtype(DType.float32):
        model = GPT2LMHeadModel(workload.config)
        return model.compile(ids, weights=workload.weights)


# --- Loops ----------------------------------------------------------------------------


class Turn(NamedTuple):
    """What was written once, and how long it took."""

    seconds: float
    tokens: np.ndarray  # [batch, count]


def write_naively(model: Forward, prompts: Sequence[Sequence[int]], count: int) -> Turn:
    """Step 12's own loop, greedy: the whole text is read again for each token."""
    ids = Tensor(prompts, dtype=DType.int64, device=CPU())  # [batch, seq]
    start = time.perf_counter()
    ids = generate(model, ids, count, do_sample=False)  # [batch, seq + count]
    texts = ids.to_numpy()
    return Turn(time.perf_counter() - start, texts[:, -count:])


def write_with_cache(
    engine: Engine, prompts: Sequence[Sequence[int]], count: int
) -> Turn:
    """The same with the engine.

    All of a prompt but its last token is read before the clock starts, so that it
    counts `count` steps of one token, and nothing else.
    """
    room = max(map(len, prompts)) + count
    _, cache = engine.prefill([prompt[:-1] for prompt in prompts], room)
    column = np.array([prompt[-1] for prompt in prompts])  # [batch]
    columns = []
    start = time.perf_counter()
    for _ in range(count):
        column = engine.decode(column.tolist(), cache).argmax(axis=-1)  # [batch]
        columns.append(column)
    seconds = time.perf_counter() - start
    return Turn(seconds, np.stack(columns, axis=1))
