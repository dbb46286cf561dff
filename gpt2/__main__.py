"""The command line: `python -m gpt2 generate` and `python -m gpt2 names`.

Text goes to stdout, everything else to stderr, so that a pipe gets the text alone.
"""

import contextlib
import gzip
import math
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:  # MAX takes a second to import: not before there is work for it
    from max.experimental.tensor import Tensor

    from gpt2.checkpoint import Checkpoint
    from gpt2.rooms import Room

MODELS = Path(__file__).parent.parent / "models"
messages = Console(stderr=True, highlight=False)


class BadInput(click.ClickException):
    """One line on stderr, exit code 2."""

    exit_code = 2


class Temperature(click.ParamType[float]):
    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            temperature = float(value)
        except ValueError:
            temperature = math.nan
        if not (math.isfinite(temperature) and temperature >= 0):
            self.fail(f"{value} is not a number that is 0 or more.", param, ctx)
        return temperature


@click.group()
def main() -> None:
    """Run GPT-2: the model of the twelve steps with real weights."""


# --- generate ----------------------------------------------------------------


@main.command()
@click.argument("prompt", default="")
@click.option(
    "--model",
    default=str(MODELS / "shakespeare"),
    help="A folder, or a model of the hub: openai-community/gpt2.  "
    "Default: models/shakespeare.",
)
@click.option("--revision", help="Branch, tag or commit of a hub model.")
@click.option(
    "--max-new-tokens",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    help="How many tokens to add at most.",
)
@click.option(
    "--temperature",
    type=Temperature(),
    default=0.8,
    show_default=True,
    help="Below 1 is bolder about the likely, above 1 wilder; 0 is greedy.",
)
@click.option("--greedy", is_flag=True, help="Always take the likeliest token.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Repeats the same text; chosen and shown if left out.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many texts to write.",
)
@click.option(
    "--stop",
    multiple=True,
    help="End before this text; may be given several times.",
)
@click.option(
    "--from",
    "room_name",
    type=click.Choice(["steps", "solutions"]),
    default="solutions",
    show_default=True,
    help="Whose model: your own from steps/, or the reference.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="With --from steps: refuse if a step is still to be written.",
)
def generate(
    prompt: str,
    model: str,
    revision: str | None,
    max_new_tokens: int,
    temperature: float,
    greedy: bool,
    seed: int | None,
    samples: int,
    stop: tuple[str, ...],
    room_name: str,
    strict: bool,
) -> None:
    """Continue a text, token by token.

    Without PROMPT, the model starts from nothing.
    """
    if "" in stop:
        raise BadInput("--stop is empty: give it the text to stop at, or leave it out")
    checkpoint = load(model, revision)
    prompt_ids = encode(checkpoint, prompt)
    if seed is None:
        seed = new_seed()
    own_code = learners_code() if room_name == "steps" else contextlib.nullcontext()
    with own_code:
        room = open_room(room_name, strict)
        start = time.perf_counter()
        logits = build_model(room, checkpoint, compiled=room_name == "solutions")
        prepared = time.perf_counter()
        tokens = 0
        for sample in range(samples):
            ids = new_tokens(
                room,
                logits,
                checkpoint,
                prompt_ids,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                do_sample=not greedy,
                rng=generator(seed, sample, samples),
            )
            if sample > 0:
                click.echo("---")
            tokens += write(checkpoint, prompt, ids, stop)
    seconds = time.perf_counter() - prepared
    drawn = "greedy" if greedy or temperature == 0 else f"seed {seed}"
    messages.print(
        f"[dim]{tokens} tokens in {seconds:.1f} s: {tokens / seconds:.1f} tokens/s; "
        f"{drawn}; preparing took {prepared - start:.1f} s[/]"
    )


def new_tokens(
    room: "Room",
    logits: "Callable[[Tensor], Tensor]",
    checkpoint: "Checkpoint",
    prompt_ids: list[int],
    *,
    max_new_tokens: int,
    **how: Any,
) -> Iterator[int]:
    """Yields what step 12 adds to the prompt, up to the boundary token."""
    from max.driver import CPU
    from max.dtype import DType
    from max.experimental.tensor import Tensor

    ids = Tensor([prompt_ids], dtype=DType.int64, device=CPU())  # [1, seq]
    n_positions = checkpoint.config.n_positions
    for _ in range(max_new_tokens):
        ids = room.generate(logits, ids, 1, n_positions=n_positions, **how)
        token = int(ids[0, -1].item())
        if token == checkpoint.boundary:
            return
        yield token


def write(
    checkpoint: "Checkpoint", prompt: str, ids: Iterator[int], stop: tuple[str, ...]
) -> int:
    """Streams prompt and text to stdout; returns the number of tokens."""
    from gpt2.text import stream_text

    count = 0

    def counted() -> Iterator[int]:
        nonlocal count
        for count, token in enumerate(ids, start=1):  # noqa: B007 (used outside)
            yield token

    # On a terminal the prompt stands apart: bold, and what is generated is not.
    click.secho(prompt, nl=False, bold=True)
    for piece in stream_text(checkpoint.tokenizer, counted(), stop=stop):
        click.echo(piece, nl=False)
        sys.stdout.flush()
    click.echo()
    return count


# --- names -------------------------------------------------------------------


@main.command()
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many names to invent.",
)
@click.option(
    "--temperature",
    type=Temperature(),
    default=0.5,
    show_default=True,
    help="Below 1 is bolder about the likely, above 1 wilder; 0 is greedy.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Repeats the same names; chosen and shown if left out.",
)
def names(count: int, temperature: float, seed: int | None) -> None:
    """Invent names, letter by letter.

    The model has 4,000 parameters and reads one letter as one token.

    Each begins with the boundary token alone and ends where the model draws it again.
    """
    checkpoint = load(str(MODELS / "names"), None)
    room = open_room("solutions", strict=False)
    logits = build_model(room, checkpoint, compiled=False)
    if seed is None:
        seed = new_seed()

    from max.driver import CPU
    from max.dtype import DType
    from max.experimental.tensor import Tensor

    ids = encode(checkpoint, "")
    start = Tensor([ids] * count, dtype=DType.int64, device=CPU())
    rows = room.generate(
        logits,
        start,  # [count, 1]
        checkpoint.config.n_positions,
        temperature=temperature,
        rng=np.random.default_rng(seed),
        n_positions=checkpoint.config.n_positions,
        stop_token=checkpoint.boundary,
    )  # [count, 1 + new]
    with gzip.open(MODELS / "names" / "trained_on.txt.gz", "rt") as file:
        known = set(file.read().split())
    for row in rows.to_numpy():
        name = checkpoint.tokenizer.decode(row.tolist(), skip_special_tokens=True)
        click.echo(f"{name:<16} {'known' if name in known else 'new'}")
    messages.print(
        f"[dim]known: stands in the list the model was trained on; seed {seed}[/]"
    )


# --- What both need ------------------------------------------------------------


def new_seed() -> int:
    """A seed that nobody chose, short enough to type."""
    return int(np.random.default_rng().integers(100_000))


def generator(seed: int, sample: int, samples: int) -> np.random.Generator:
    """The generator of one of several samples, which depends on no other's draws."""
    root = np.random.SeedSequence(seed)
    return np.random.default_rng(root if samples == 1 else root.spawn(samples)[sample])


def load(model: str, revision: str | None) -> "Checkpoint":
    from gpt2.checkpoint import CheckpointError, load_checkpoint

    try:
        return load_checkpoint(model, revision=revision)
    except CheckpointError as error:
        raise BadInput(str(error)) from None


def encode(checkpoint: "Checkpoint", prompt: str) -> list[int]:
    """The prompt's ids, or the boundary token alone where there is no prompt."""
    if not prompt:
        if checkpoint.boundary is None:
            raise BadInput(
                f"{checkpoint.source} cannot start from nothing: give PROMPT"
            )
        return [checkpoint.boundary]
    try:
        ids = checkpoint.tokenizer.encode(prompt).ids
    except UnicodeEncodeError:
        raise BadInput(
            "PROMPT is not valid UTF-8: check your terminal's encoding"
        ) from None
    if checkpoint.tokenizer.decode(ids, skip_special_tokens=False) != prompt:
        raise BadInput(
            f"PROMPT has characters that {checkpoint.source} has no tokens for"
        )
    if len(ids) > checkpoint.config.n_positions:
        raise BadInput(
            f"PROMPT is {len(ids)} tokens long, and {checkpoint.source} reads at most "
            f"{checkpoint.config.n_positions}: shorten it"
        )
    return ids


def open_room(name: str, strict: bool) -> "Room":
    """Imports the twelve steps, and names those that a solution stands in for."""
    from gpt2 import rooms

    room = rooms.open_room(name)
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
    room: "Room", checkpoint: "Checkpoint", *, compiled: bool
) -> "Callable[[Tensor], Tensor]":
    """Assembles a room's model with a checkpoint's weights.

    Compiled, it is one graph for every batch and length.  A learner's own model runs
    eagerly: it need not compile, and is not compiled anew after every change.
    """
    from max.driver import CPU
    from max.dtype import DType
    from max.experimental import functional as F
    from max.experimental.tensor import TensorType, default_device, default_dtype

    from gpt2 import eager

    eager.prepare_process()
    # The step-12 loop is eager either way; its kernels compile beside the model.
    with preparing(), ThreadPoolExecutor(1) as beside:
        kernels = beside.submit(eager.load_kernels)
        with F.lazy(), default_device(CPU()), default_dtype(DType.float32):
            model = room.make_model(room.config(checkpoint.config))
            if compiled:
                ids = TensorType(DType.int64, ("batch", "seq"), device=CPU())
                model = model.compile(ids, weights=checkpoint.weights)
            else:
                model.load_state_dict(checkpoint.weights)
        kernels.result()
    if compiled:
        return model

    def lazily(ids: "Tensor") -> "Tensor":
        with F.lazy():
            return model(ids)

    return lazily


@contextlib.contextmanager
def preparing() -> Iterator[None]:
    """Shows that MAX is at work: a moving line, or a still one where nobody looks."""
    text = "preparing MAX: seconds, but 3 minutes the first time on a machine"
    if not messages.is_terminal:
        messages.print(text)
    columns = SpinnerColumn(), TextColumn(text), TimeElapsedColumn()
    still = not messages.is_terminal
    with Progress(
        *columns, console=messages, transient=True, disable=still
    ) as progress:
        progress.add_task(text)
        yield


@contextlib.contextmanager
def learners_code() -> Iterator[None]:
    """What the learner's own files raise is shown cut to their own lines."""
    from gpt2.rooms import STEPS

    try:
        yield
    except (click.ClickException, click.Abort):
        raise
    except Exception as error:
        for frame in traceback.extract_tb(error.__traceback__):
            if Path(frame.filename).parent == STEPS:
                messages.print(f"steps/{Path(frame.filename).name}:{frame.lineno}")
                messages.print(f"    {frame.line}", markup=False)
        for line in traceback.format_exception_only(error):
            messages.print(line.rstrip(), markup=False)
        messages.print("Your steps stopped here.  The checks s01 to s12 tell more.")
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="./run")
