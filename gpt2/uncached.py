"""The model of the twelve steps as it is, without a cache: the learner's, or ours.

A learner's model runs with the learner's own loop, step 12, and what fails in it is
shown as the learner's lines.
"""

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental.tensor import Tensor, TensorType

from gpt2 import eager
from gpt2.checkpoint import Checkpoint
from gpt2.learner import Steps, load_steps, own_lines, run_lazily
from gpt2.terminal import BadInput, messages


def open_steps(name: str, strict: bool) -> Steps:
    """Imports the twelve steps, and names those that a solution stands in for."""
    room = load_steps(name)
    if strict and room.stand_ins:
        number, missing = next(iter(room.stand_ins.items()))
        raise BadInput(
            f"step {number:02d} is still to be written ({missing}); write it, or "
            "leave --strict out"
        )
    if room.stand_ins:
        numbers = ", ".join(f"{number:02d}" for number in room.stand_ins)
        messages.print(
            f"[dim]still to be written, solutions stand in: step {numbers}[/]"
        )
    return room


def build_model(
    room: Steps, checkpoint: Checkpoint, *, compiled: bool
) -> Callable[[Tensor], Tensor]:
    """Assembles a room's model with a checkpoint's weights.

    Compiled, it is one graph for every batch and length.  A learner's own model runs
    eagerly: it need not compile, and is not compiled anew after every change.
    """
    eager.prepare_process()
    # What surrounds the model is eager either way; its kernels compile beside it.
    with ThreadPoolExecutor(1) as beside:
        kernels = beside.submit(eager.load_kernels)
        model = room.build(checkpoint.config)
        if compiled:
            ids = TensorType(DType.int64, ("batch", "seq"), device=CPU())
            model = model.compile(ids, weights=checkpoint.weights)
        else:
            model.load_state_dict(checkpoint.weights)
        kernels.result()
    return model if compiled else run_lazily(model)


def step_12(
    room: Steps,
    logits: Callable[[Tensor], Tensor],
    checkpoint: Checkpoint,
    prompt_ids: list[int],
    rng: np.random.Generator,
    *,
    max_new_tokens: int,
    temperature: float,
    do_sample: bool,
) -> Iterator[int]:
    """Yields what step 12 adds to the prompt, up to the boundary token."""
    ids = Tensor([prompt_ids], dtype=DType.int64, device=CPU())  # [1, seq]
    for _ in range(max_new_tokens):
        ids = room.generate(
            logits,
            ids,
            1,
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
            n_positions=checkpoint.config.n_positions,
        )  # [1, seq + 1]
        token = int(ids[0, -1].item())
        if token == checkpoint.boundary:
            return
        yield token


@contextlib.contextmanager
def learners_code() -> Iterator[None]:
    """What the learner's own files raise is shown cut to their own lines."""
    try:
        yield
    except (BadInput, BrokenPipeError):  # a reader who has read enough is no mistake
        raise
    except Exception as error:
        for own in own_lines(error):
            messages.print(str(own))
            messages.print(f"    {own.text}", markup=False)
        for line in traceback.format_exception_only(error):
            messages.print(line.rstrip(), markup=False)
        messages.print("Your steps stopped here.  The checks s01 to s12 tell more.")
        sys.exit(1)
