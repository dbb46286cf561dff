"""Find the first place where the learner's model and the reference part.

Both are built whole, get the same weights (models/shakespeare) and the same input.
What goes through the named parts - wte, h.0.ln_1, h.0.attn, ... - is noted on both
sides and compared in the order in which it happens.
"""

from dataclasses import dataclass

import numpy as np
from max.experimental.tensor import Tensor

from course.lessons import LESSONS, ROOT
from course.report import console, say
from gpt2.checkpoint import Checkpoint, load_checkpoint
from gpt2.learner import Steps, load_steps, run_lazily, watched

PROMPT = "First Citizen:\nBefore we proceed any further, hear me speak."
NEW_TOKENS = 4
TOLERANCE = 1e-5  # of the largest number there: what float32 may differ by


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


@dataclass(frozen=True)
class Way:
    """What a room's model does with the prompt.

    Attributes:
        seen: As `watched` returns it, as arrays.
        text: The ids that its `generate` makes of the prompt, greedily.
    """

    seen: dict[tuple[str, str], np.ndarray]
    text: list[int]


def walk(room: Steps, checkpoint: Checkpoint, ids: np.ndarray) -> Way:
    """Runs a room's model eagerly on `ids` `[1, seq]`."""
    model = room.build(checkpoint.config)
    model.load_state_dict(checkpoint.weights)
    logits = run_lazily(model)
    prompt = Tensor.from_dlpack(ids)
    text = room.generate(logits, prompt, NEW_TOKENS, do_sample=False)
    seen = watched(model, lambda: logits(prompt))
    return Way({k: t.to_numpy() for k, t in seen.items()}, text.to_numpy()[0].tolist())


def part(theirs: Way, ours: Way, n_layer: int) -> tuple[list[Place], Place | None, str]:
    """Goes along both ways until they part.

    Returns:
        The places where they agree, the first where they do not (None if there is
        none), and how they differ there.
    """
    agreed: list[Place] = []
    for place in places(n_layer):
        key = place.part, place.side
        if key not in theirs.seen:  # a step may do without calling that part
            continue
        yours, expected = theirs.seen[key], ours.seen[key]
        if yours.shape != expected.shape:
            shapes = f"{list(yours.shape)}, expected {list(expected.shape)}"
            return agreed, place, f"its shape is {shapes}"
        largest = float(np.abs(expected).max())
        difference = float(np.abs(yours - expected).max())
        if not difference <= TOLERANCE * largest:  # NaN included
            size = f"the largest number there is {largest:.3g}"
            return agreed, place, f"it is off by up to {difference:.3g}; {size}"
        agreed.append(place)
    if theirs.text != ours.text:
        place = Place("the text", "", "", (12,))
        return agreed, place, f"its ids are {theirs.text}, expected {ours.text}"
    return agreed, None, ""


def compare() -> bool:
    """Compares the learner's assembled model with the reference, and says so.

    MAX's eager mode is to be prepared before.

    Returns:
        Whether they agree.

    Raises:
        Exception: What the learner's files raise.
    """
    folder = ROOT / "models" / "shakespeare"
    checkpoint = load_checkpoint(folder)
    ids = np.array([checkpoint.tokenizer.encode(PROMPT).ids])  # [1, seq]
    room = load_steps("steps")
    if len(room.stand_ins) == len(LESSONS):
        say("None of your steps is written yet: there is nothing to compare.")
        return True
    if room.stand_ins:
        numbers = ", ".join(f"{number:02d}" for number in room.stand_ins)
        say(f"Still to be written, so that the solution stands in: step {numbers}")
    theirs = walk(room, checkpoint, ids)
    ours = walk(load_steps("solutions"), checkpoint, ids)
    agreed, place, difference = part(theirs, ours, checkpoint.config.n_layer)
    if place is None:
        say("Your steps, put together, do what the reference does at every place, and")
        say("write the same text when they always take the likeliest token.")
        return True
    if agreed:
        say(f"Your steps and the reference agree up to this place: {agreed[-1].what}")
    say(f"The first place where they part: {place.what}", "bold")
    say(f"{difference}.", indent=4)
    console.print()
    first, *others = place.steps
    say(f"look at  steps/step_{first:02d}.py  {LESSONS[first].title}")
    for number in others:
        say(f"then at  steps/step_{number:02d}.py  {LESSONS[number].title}")
    console.print()
    say(f"next: ./run s{first:02d}")
    return False
