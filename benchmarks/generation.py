"""Greedy generation as `ladder` and `context` time it.

The twelve files of a learner or ours, compiled without a cache; and three loops: step
12's own, the same on the engine, and one that knows the engine and its cache.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental.tensor import Tensor, TensorType

from benchmarks.workload import Workload
from gpt2 import eager, equivalence
from gpt2.engine import Engine
from gpt2.learner import NUMBERS, Steps, build
from gpt2.preparation import open_steps
from gpt2.step_12 import Reader
from gpt2.terminal import BadInput, moving, say

Forward = Callable[[Tensor], Tensor]  # ids [batch, seq] to [batch, seq, vocab_size]


# --- Whose model ----------------------------------------------------------------------


def proven_steps(whose: str, workload: Workload, precisions: Sequence[str]) -> Steps:
    """The twelve files; a learner's, once they are known to be the same on the engine.

    Args:
        whose: "steps" or "solutions".
        workload: The model.
        precisions: In which the engine will keep weights.

    Raises:
        BadInput: If a learner's cannot run on the engine.
    """
    steps = open_steps(whose)
    if whose == "solutions":
        return steps
    say(
        "Comparing your steps with themselves on the engine: seconds, but up to 2 "
        "minutes after a change"
    )
    with moving("comparing"):
        for precision in precisions:
            if reason := equivalence.why_not(
                workload.config, workload.weights, steps, precision, "cpu"
            ):
                raise refusal(reason)
    return steps


def refusal(reason: str) -> BadInput:
    """What there is to say of a learner's steps that the engine cannot run."""
    return BadInput(
        f"--from steps: the engine cannot run yours: {reason}.  "
        "./run generate --from steps runs them as they are"
    )


def whose_files(steps: Steps) -> str:
    """For titles: whose they are, and how many of the learner's are written."""
    if steps.whose == "solutions":
        return "The solutions"
    total, written = len(NUMBERS), len(NUMBERS) - len(steps.stand_ins)
    return "Your steps" if written == total else f"Your steps ({written} of {total})"


class NotCompiled(BadInput):
    """Why MAX cannot compile a learner's steps as they are."""


def compiled_model(steps: Steps, workload: Workload) -> Forward:
    """The model as one graph, for every batch and length.

    Raises:
        NotCompiled: If MAX cannot make one of a learner's.
    """
    ids = TensorType(DType.int64, ("batch", "seq"), device=CPU())
    try:
        return build(
            lambda: steps.assemble(workload.config).compile(
                ids, weights=workload.weights
            )
        )
    except Exception as error:
        if steps.whose == "solutions":
            raise
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        place = equivalence.where(error)
        raise NotCompiled(f"{place}MAX cannot make a graph of it: {first}") from None


# --- Loops ----------------------------------------------------------------------------


class Turn(NamedTuple):
    """What was written once, and how long it took."""

    seconds: float
    tokens: np.ndarray  # [batch, count]


def write_with_step_12(
    steps: Steps, model: Forward, prompts: Sequence[Sequence[int]], count: int
) -> Turn:
    """Step 12's own loop, greedy: the model is given the whole text for each token."""
    with eager.collecting():
        ids = Tensor(prompts, dtype=DType.int64, device=CPU())  # [batch, seq]
        start = time.perf_counter()
        ids = steps.generate(model, ids, count, do_sample=False)  # [batch, seq + count]
        texts = ids.to_numpy()
        return Turn(time.perf_counter() - start, texts[:, -count:])


def write_with_reader(
    steps: Steps, reader: Reader, prompts: Sequence[Sequence[int]], count: int
) -> Turn:
    """The same on the engine, which of the whole text reads what is new.

    All of a prompt but its last token is read before the clock starts, so that it
    counts `count` steps of one token, and nothing else.
    """
    begun = [prompt[:-1] for prompt in prompts]
    reader(Tensor(begun, dtype=DType.int64, device=CPU()))  # forgets the last turn
    return write_with_step_12(steps, reader, prompts, count)


def write_with_cache(
    engine: Engine, prompts: Sequence[Sequence[int]], count: int
) -> Turn:
    """Our own loop on the engine; the clock starts as in `write_with_reader`."""
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
