"""What it takes to go on when the context is full: `./run full-context`.

Beyond n_positions, "slide" reads the last n_positions tokens anew for each token, as
step 12 does.  "drop" goes on with the cache, and sees between three quarters of
n_positions and all of them: its tokens come faster, and should be guessed worse.

Here both guess every token of a text that is there already.
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import machine
from benchmarks.bars import COLUMNS, digits
from benchmarks.workload import SHAKESPEARE
from gpt2 import PRECISIONS
from gpt2.decoding import log_softmax
from gpt2.engine import Engine
from gpt2.pipeline import Pipeline
from gpt2.terminal import messages, refusing, say

# --- Two ways -------------------------------------------------------------------------
# Logits [new, vocab_size] of the `new` tokens of a text that begin at `start`; so many
# come between two times that a quarter is dropped.


def slide(engine: Engine, ids: Sequence[int], start: int, new: int) -> np.ndarray:
    """Each is guessed from the n_positions before it, read anew."""
    n_positions = engine.config.n_positions
    cache = engine.new_cache(1)
    rows = []
    for end in range(start, start + new):
        cache.lengths[0] = 0
        rows.append(engine.read({0: ids[end - n_positions : end]}, cache))
    return np.concatenate(rows)


def drop(engine: Engine, ids: Sequence[int], start: int, new: int) -> np.ndarray:
    """The context was full one token ago: its last three quarters are read anew, and
    that token; then one after the other."""
    cache = engine.new_cache(1)
    first = start - 1 - (engine.config.n_positions - new)
    rows = [engine.read({0: ids[first:start]}, cache)]
    for token in ids[start : start + new - 1]:
        rows.append(engine.read({0: [token]}, cache))
    return np.concatenate(rows)


WAYS: dict[str, Callable[..., np.ndarray]] = {"slide": slide, "drop": drop}


# --- Measurement ----------------------------------------------------------------------


def bits(logits: np.ndarray, targets: Sequence[int]) -> float:
    """What it takes to write the targets down, by the model."""
    logprobs = log_softmax(logits)[np.arange(len(targets)), targets]
    return -float(logprobs.sum()) / math.log(2)


def held_out(pipeline: Pipeline, text: Path) -> list[int]:
    """Ids of the text's last tenth, which the training of models/shakespeare has not
    seen.

    Raises:
        ValueError: If it is too short.
    """
    letters = text.read_text(encoding="utf-8")
    ids = pipeline.checkpoint.tokenizer.encode(letters[len(letters) * 9 // 10 :]).ids
    needed = 2 * pipeline.engine.config.n_positions
    if len(ids) < needed:
        raise ValueError(
            f"--text: the last tenth of {text} has {len(ids)} tokens, and {needed} are "
            "needed: give a longer text"
        )
    return ids


@click.command()
@click.option(
    "--text",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A long text; its last tenth is read.",
)
@click.option(
    "--model",
    default=str(SHAKESPEARE),
    help="A folder, or a model of the hub.  Default: models/shakespeare.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    show_default=True,
    help="How the engine keeps weights.",
)
@click.option(
    "--places",
    type=click.IntRange(2),
    default=100,
    show_default=True,
    help="How many places of the text to look at, a quarter of the context at each.",
)
def main(text: Path, model: str, precision: str, places: int) -> None:
    """Compare the two ways to go on when the context is full."""
    say("Preparing: seconds, but half a minute the first time with such a model")
    with refusing():
        pipeline = Pipeline.load(
            model, revision=None, precision=precision, device="cpu"
        )
        ids = held_out(pipeline, text)
    engine = pipeline.engine
    n_positions = engine.config.n_positions
    new = n_positions // 4
    starts = np.linspace(n_positions, len(ids) - new, places).astype(int).tolist()
    seconds = dict.fromkeys(WAYS, 0.0)
    needed: dict[str, list[float]] = {name: [] for name in WAYS}  # bits at each place
    characters = 0
    for start in track(starts, "reading", console=messages):
        targets = ids[start : start + new]
        characters += len(pipeline.checkpoint.tokenizer.decode(targets))
        for name, way in WAYS.items():
            begin = time.perf_counter()
            logits = way(engine, ids, start, new)
            seconds[name] += time.perf_counter() - begin
            needed[name].append(bits(logits, targets))

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for header in ("bits a character", "ms a token"):
        table.add_column(header, justify="right")
    for name in WAYS:
        milliseconds = 1000 * seconds[name] / (places * new)
        each = sum(needed[name]) / characters
        table.add_row(name, f"{each:.4f}", digits(milliseconds))
    console = Console(width=COLUMNS, highlight=False)
    title = f"{Path(model).name}, {precision}, on {machine.processor()}"
    console.print(
        f"{title}\n{places * new:,} tokens beyond {n_positions}\n", markup=False
    )
    console.print(table)
    apart = np.subtract(needed["drop"], needed["slide"]) * places / characters
    error = apart.std(ddof=1) / math.sqrt(places)
    console.print(
        f"\nDropping takes {apart.mean():+.4f} bits a character, to within {error:.4f}."
    )


if __name__ == "__main__":
    process.run(main, "./run full-context")
