"""Find the first place where the learner's model and the reference part.

Both are built whole, get the same weights (models/shakespeare) and the same input.
What goes through the named parts - wte, h.0.ln_1, h.0.attn, ... - is noted on both
sides and compared in the order in which it happens.
"""

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from course import report, warmup
from course.lessons import LESSONS, ROOT
from course.report import Waiting, console, say, verbatim
from course.verdict import words
from gpt2.learner import STEPS, Steps, load_steps, own_lines, run_lazily, watched

if TYPE_CHECKING:  # MAX takes a second to import: `bisect` says so meanwhile
    from gpt2.checkpoint import Checkpoint

PROMPT = "First Citizen:\nBefore we proceed any further, hear me speak."
NEW_TOKENS = 4
TOLERANCE = 1e-5  # of the largest number there: what float32 may differ by
PATIENCE = 120  # seconds for two models, and for what MAX compiles meanwhile


# --- Places in a model -------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A place on the way from ids to logits.

    Attributes:
        what: Its name, in words.
        part: Name of the module there, as in the checkpoint.
        side: "output" or "input" of that module.
        steps: Numbers of the steps that make what is found there.
    """

    what: str
    part: str
    side: str
    steps: tuple[int, ...]


def places(n_layer: int) -> list[Place]:
    """The places of a model with `n_layer` blocks, in order."""
    found = [
        Place("token embeddings", "transformer.wte", "output", (5,)),
        Place("position embeddings", "transformer.wpe", "output", (6,)),
        Place("their sum", "transformer.h.0", "input", (10,)),
    ]
    for i in range(n_layer):
        block, name = f"transformer.h.{i}", f"block {i}"
        found += [
            Place(f"{name}, ln_1", f"{block}.ln_1", "output", (3, 9)),
            Place(f"{name}, attention", f"{block}.attn", "output", (7, 2, 9)),
            Place(f"{name}, after attention", f"{block}.ln_2", "input", (8, 9)),
            Place(f"{name}, ln_2", f"{block}.ln_2", "output", (3, 9)),
            Place(f"{name}, MLP", f"{block}.mlp", "output", (4, 9)),
            Place(f"{name}, after the MLP", block, "output", (8, 9)),
        ]
    found += [
        Place("the last layer norm", "transformer.ln_f", "output", (3, 10)),
        Place("logits", "", "output", (11,)),
    ]
    return found


# --- Comparison --------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What a model does with the prompt.

    Attributes:
        seen: As `watched` returns it, as arrays.
        text: The ids that its `generate` makes of the prompt, greedily.
    """

    seen: dict[tuple[str, str], np.ndarray]
    text: list[int]


class OtherParameters(Exception):
    """A model's parameters are not the checkpoint's; its cause is what MAX says."""


def run(steps: Steps, checkpoint: "Checkpoint") -> Run:
    """Builds a model of twelve steps, and runs it eagerly.

    Raises:
        OtherParameters: If the checkpoint does not fit it.
        Exception: Whatever the steps raise.
    """
    from max.experimental.tensor import Tensor

    model = steps.build(checkpoint.config)
    try:
        model.load_state_dict(checkpoint.weights)
    except (KeyError, ValueError) as error:
        raise OtherParameters from error
    logits = run_lazily(model)
    ids = np.array([checkpoint.tokenizer.encode(PROMPT).ids])  # [1, seq]
    prompt = Tensor.from_dlpack(ids)
    text = steps.generate(logits, prompt, NEW_TOKENS, do_sample=False)
    seen = watched(model, lambda: logits(prompt))
    return Run({k: t.to_numpy() for k, t in seen.items()}, text.to_numpy()[0].tolist())


def first_difference(
    yours: Run, reference: Run, n_layer: int
) -> tuple[list[Place], Place | None, str]:
    """Compares two runs, place by place.

    Returns:
        The places where they agree, the first where they do not (None if there is
        none), and how they differ there.
    """
    agreed: list[Place] = []
    for place in places(n_layer):
        key = place.part, place.side
        if key not in yours.seen:  # a step may do without calling that part
            continue
        actual, expected = yours.seen[key], reference.seen[key]
        if actual.shape != expected.shape:
            shapes = f"{list(actual.shape)}, expected {list(expected.shape)}"
            return agreed, place, f"its shape is {shapes}"
        largest = float(np.abs(expected).max())
        difference = float(np.abs(actual - expected).max())
        if not difference <= TOLERANCE * largest:  # NaN included
            size = f"the largest number there is {largest:.3g}"
            return agreed, place, f"it is off by up to {difference:.3g}; {size}"
        agreed.append(place)
    if yours.text != reference.text:
        place = Place("the text", "", "", (12,))
        return agreed, place, f"its ids are {yours.text}, expected {reference.text}"
    return agreed, None, ""


# --- Report ------------------------------------------------------------------------


def bisect() -> bool:
    """Runs the learner's whole model and the reference, and says where they part.

    Returns:
        Whether they agree.
    """
    running = "running your model and the reference"
    with Waiting("preparing MAX") as waiting:
        from gpt2 import eager
        from gpt2.checkpoint import load_checkpoint

        @contextlib.contextmanager
        def compiling(kernel: str) -> Iterator[None]:
            waiting.show(warmup.compiling(kernel))
            yield
            waiting.show(running)

        eager.prepare()
        eager.announce_compilations(compiling)
        checkpoint = load_checkpoint(ROOT / "models" / "shakespeare")
        waiting.show(running)
        try:
            with limited():
                return compare(checkpoint)
        except OtherParameters as error:
            assert error.__cause__ is not None
            say("Your steps, put together, do not take the checkpoint's weights:")
            show_words(error.__cause__)
            say("next: ./run grade")
            report.about("steps-stop")
            return False
        except (Exception, SystemExit) as error:
            if not own_lines(error):
                raise
            show_error(error)
            return False


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Raises TimeoutError in what takes longer than PATIENCE."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"stopped after {PATIENCE} s: does a loop never end?")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)


def compare(checkpoint: "Checkpoint") -> bool:
    """Says where the learner's model and the reference part, or that they agree.

    Returns:
        Whether they agree.

    Raises:
        Exception: What the learner's files raise.
    """
    steps = load_steps("steps")
    if len(steps.stand_ins) == len(LESSONS):
        say("None of your steps is written yet: there is nothing to compare.")
        return True
    if steps.stand_ins:
        numbers = ", ".join(f"{number:02d}" for number in steps.stand_ins)
        say(f"Still to be written, so that the solution stands in: step {numbers}")
    yours = run(steps, checkpoint)
    reference = run(load_steps("solutions"), checkpoint)
    n_layer = checkpoint.config.n_layer
    agreed, place, difference = first_difference(yours, reference, n_layer)
    if place is None:
        say("Your steps, put together, do what the reference does at every place, and")
        say("write the same text when they always take the likeliest token.")
        return True
    if agreed:
        say(f"Your steps and the reference agree up to this place: {agreed[-1].what}")
    say(f"The first place where they part: {place.what}", "bold")
    say(f"{difference}.", indent=4)
    console.print()
    first, *others = (LESSONS[number] for number in place.steps)
    say(f"look at  steps/{first.file.name}  {first.title}")
    for other in others:
        say(f"then at  steps/{other.file.name}  {other.title}")
    console.print()
    say(f"next: ./run {first.task}")
    report.about("bisect")
    return False


def show_error(error: BaseException) -> None:
    """What the learner's own files raise, cut to their own lines."""
    say("Your steps, put together, stop:")
    lines = own_lines(error)
    for line in lines:
        verbatim(f"{line}, in {line.function}" if line.function else f"{line}")
        verbatim(line.text, indent=8)
    show_words(error)
    say(f"next: ./run s{lines[-1].file.stem[-2:]}")
    report.about("steps-stop")


def show_words(error: BaseException) -> None:
    """What an error means and says."""
    own = own_lines(error)
    for line in words(error, own[-1].file if own else STEPS):
        say(line, indent=4)
    console.print()
