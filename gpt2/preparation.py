"""From a request to the model that it asks for: checkpoint, steps, engine.

Each function imports what it needs itself: what can be refused without MAX is refused
before MAX is imported, which takes a second.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gpt2.learner import load_steps
from gpt2.options import Request
from gpt2.terminal import (
    BadInput,
    learners_lines,
    moving,
    preparing,
    refusing,
    say,
)

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

    from gpt2.checkpoint import Checkpoint
    from gpt2.eager_engine import EagerEngine
    from gpt2.engine import Engine
    from gpt2.learner import Steps
    from gpt2.pipeline import Pipeline


def open_pipeline(request: Request) -> "Pipeline":
    """As `prepare`, once it is sure that the model can read the prompt."""
    checkpoint = read_checkpoint(request)
    with refusing():
        from gpt2.text import encode

        encode(checkpoint, request.prompt)
    return prepare(request, checkpoint)


def read_checkpoint(request: Request) -> "Checkpoint":
    """Everything but the engine, to see first whether it can do what is wanted."""
    with moving("reading the model"), refusing():
        from gpt2 import engine
        from gpt2.checkpoint import load_checkpoint
        from gpt2.text import stop_ids

        engine.check(request.precision, request.device)
        checkpoint = load_checkpoint(request.model, revision=request.revision)
        stop_ids(checkpoint, request.stop_tokens)
        return checkpoint


def prepare(request: Request, checkpoint: "Checkpoint") -> "Pipeline":
    """The checkpoint with the engine that is asked for, which takes its weights."""
    from gpt2.pipeline import Pipeline

    steps = open_steps(request.whose, strict=request.strict)
    if request.whose == "steps" and request.beyond_step_12():
        names = ", ".join(request.beyond_step_12())
        say(f"Step 12 knows no {names}: the course's own loop takes its place.")
    engine = prepare_engine(request, checkpoint, steps)
    checkpoint.release()
    return Pipeline(checkpoint, engine)


def open_steps(whose: str, *, strict: bool = False) -> "Steps":
    """The twelve files, and a word about those that a solution stands in for.

    Args:
        whose: As for `load_steps`.
        strict: Whether to refuse them instead.
    """
    with learners_lines(whose):
        steps = load_steps(whose)
    if steps.stand_ins and strict:
        number, missing = next(iter(steps.stand_ins.items()))
        raise BadInput(
            f"step {number:02d} is still to be written ({missing}); write it, or "
            "leave --strict out"
        )
    if steps.stand_ins:
        numbers = ", ".join(f"{number:02d}" for number in steps.stand_ins)
        say(f"still to be written, solutions stand in: step {numbers}")
    return steps


def prepare_engine(
    request: Request, checkpoint: "Checkpoint", steps: "Steps"
) -> "Engine | EagerEngine":
    """The engine, or the eager one: if it is wanted, or the steps need it."""
    from gpt2 import equivalence
    from gpt2.engine import Engine

    if request.eager:
        return prepare_eagerly(request, checkpoint, steps)
    config, weights = checkpoint.config, checkpoint.weights
    precision, device = request.precision, request.device
    with preparing(how_long(request)):
        reason = ""
        if request.whose == "steps":
            reason = equivalence.why_not(config, weights, steps, precision, device)
        if not reason:
            return Engine(
                config, weights, steps=steps, precision=precision, device=device
            )
    if equivalence.STOPS not in reason:  # which is shown when it does
        say_eager(reason)
    return prepare_eagerly(request, checkpoint, steps)


def prepare_eagerly(
    request: Request, checkpoint: "Checkpoint", steps: "Steps"
) -> "EagerEngine":
    """The eager engine, and MAX's kernels for it."""
    from gpt2 import eager
    from gpt2.eager_engine import EagerEngine

    with moving(f"preparing MAX: {how_long(request)}"), learners_lines(request.whose):
        eager.prepare()
        return EagerEngine(
            checkpoint.config,
            checkpoint.weights,
            steps=steps,
            precision=request.precision,
        )


def prepare_for_step_12(
    request: Request, checkpoint: "Checkpoint", steps: "Steps"
) -> "Callable[[Tensor], Tensor]":
    """What the loop of step 12 calls as its model."""
    from gpt2 import eager
    from gpt2.eager_engine import EagerEngine
    from gpt2.step_12 import Reader, looks_elsewhere

    engine = prepare_engine(request, checkpoint, steps)
    if isinstance(engine, EagerEngine):
        return engine.model
    with moving(f"preparing MAX: {how_long(request)}"):
        eager.prepare()
        reason = looks_elsewhere(steps.generate)
    if reason:
        say_eager(reason)
        return prepare_eagerly(request, checkpoint, steps).model

    checkpoint.release()

    def otherwise(ids: "Tensor") -> "Tensor":  # hardly ever: made when it is needed
        return prepare_eagerly(request, read_checkpoint(request), steps).model(ids)

    return Reader(engine, otherwise)


def how_long(request: Request) -> str:
    """How long it takes to prepare MAX."""
    from gpt2 import eager

    if request.whose == "solutions" and not request.eager:
        return "seconds, half a minute the first time on a machine"
    if not eager.kernels_file().exists():
        return "a minute or two the first time on a machine"
    return "seconds, half a minute after a change of your steps"


def say_eager(reason: str) -> None:
    """Why it will take its time."""
    say(f"Your steps run eagerly, which is slow: {reason}")
    say("More: ./run book, troubleshooting.html#eager-steps; wrong? ./run bisect")
