"""What a token costs after texts of all lengths: `./run context`.

Without a cache, the whole text is read again for each token.  With one, a token takes
its own way through the weights, which is as long after any text, and reads the keys and
values of the text.
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click
import numpy as np
from max.experimental.tensor import Tensor
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import machine
from benchmarks.bars import COLUMNS, Bar, as_svg, as_text, digits
from benchmarks.generation import compiled_model, proven_steps, whose_files
from benchmarks.options import model_options, repeat_option, svg_option
from benchmarks.workload import Workload, column_bytes, load_workload, weight_bytes
from gpt2 import PRECISIONS, eager, options
from gpt2.engine import Engine
from gpt2.learner import Steps
from gpt2.terminal import learners_lines, messages, say

SHORTEST = 16  # tokens; its cost is taken for that of the weights
STEPS = 8  # calls of the engine in a turn: one alone is too short to be timed well


# --- Measurement ----------------------------------------------------------------------


@dataclass
class Point:
    """What one more token costs, once there are `length` tokens.

    Attributes:
        length: Tokens that it attends to, itself among them.
        size: Bytes of weights, keys and values that it reads.
        cached: Seconds of each turn with the cache.
        again: Seconds of each turn in which the text was read again.
    """

    length: int
    size: int
    cached: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)


def lengths(n_positions: int) -> list[int]:
    """Powers of two from SHORTEST on, and the longest text that leaves room."""
    longest, length = n_positions - 1, SHORTEST
    found = []
    while length < longest:
        found.append(length)
        length *= 2
    return [*found, longest]


def measure(
    steps: Steps, workload: Workload, precision: str, repeat: int
) -> tuple[list[Point], float]:
    """Times both ways at each length, in turns.

    Returns:
        The points, and the largest difference between the logits of the two ways.
    """
    config = workload.config
    say("Preparing: seconds, but up to 3 minutes the first time with such a model")
    eager.prepare()
    model = compiled_model(steps, workload)
    engine = Engine(config, workload.weights, steps=steps, precision=precision)
    rng = np.random.default_rng(0)
    text = rng.integers(config.vocab_size, size=config.n_positions)  # [seq]
    _, cache = engine.prefill([text.tolist()])  # from here on it holds the whole text

    def with_cache(length: int) -> np.ndarray:
        """Goes back to that length, and reads its last token once more."""
        cache.lengths[:] = length - 1
        return engine.decode([text[length - 1]], cache)[0]  # [vocab_size]

    def again(length: int) -> np.ndarray:
        ids = Tensor.from_dlpack(text[None, :length])  # [1, length]
        return model(ids)[0, -1, :].to_numpy()  # [vocab_size]

    weights, column = weight_bytes(engine), column_bytes(config, precision)
    points = [Point(n, weights + column * n) for n in lengths(config.n_positions)]
    apart = 0.0
    for point in points:  # a first turn, which does not count
        difference = with_cache(point.length) - again(point.length)
        apart = max(apart, float(np.abs(difference).max()))
    for _ in track(range(repeat), "taking turns", console=messages):
        for point in points:
            with_cache(point.length)  # after a long text, the processor's cache is cold
            start = time.perf_counter()
            for _ in range(STEPS):
                with_cache(point.length)
            middle = time.perf_counter()
            again(point.length)
            point.cached.append((middle - start) / STEPS)
            point.again.append(time.perf_counter() - middle)
    return points, apart


# --- Report ---------------------------------------------------------------------------


def table(points: Sequence[Point]) -> Table:
    """One line for each length."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    headers = (
        "tokens",
        "MB read",
        "ms",
        "of it for the text",
        "ms without cache",
        "times",
    )
    for header in headers:
        table.add_column(header, justify="right")
    flat = median(points[0].cached)
    for point in points:
        cached, again = median(point.cached), median(point.again)
        table.add_row(
            f"{point.length}",
            digits(point.size / 1e6),
            digits(1000 * cached),
            f"{max(0, 1 - flat / cached):.0%}",
            digits(1000 * again),
            digits(again / cached),
        )
    return table


def picture(points: Sequence[Point]) -> tuple[list[Bar], dict[float, str]]:
    """A bar for each length: what the shortest text takes, and what comes on top."""
    seconds = [median(point.cached) for point in points]
    longest = max(seconds)
    bars = []
    for point, cached in zip(points, seconds, strict=True):
        flat = min(cached, seconds[0])
        again = digits(1000 * median(point.again))
        text = f"{digits(1000 * cached)} ms; without cache {again}"
        bars.append(
            Bar(f"{point.length}", [flat / longest, (cached - flat) / longest], text)
        )
    return bars, {0: "0", 1: f"{digits(1000 * longest)} ms"}


# --- Command line ---------------------------------------------------------------------


@click.command()
@model_options
@options.whose
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    show_default=True,
    help="How the engine keeps weights; without the cache it is always float32.",
)
@repeat_option
@svg_option
def main(
    model: str | None,
    random: str | None,
    whose: str,
    precision: str,
    repeat: int,
    svg: Path | None,
) -> None:
    """Measure what one more token costs, by the length of the text before it."""
    workload = load_workload(model, random)
    if workload.config.n_positions <= SHORTEST + 1:
        raise click.UsageError(
            f"{workload.name} has a context of {workload.config.n_positions} tokens: "
            f"choose a model with more than {SHORTEST + 1}"
        )
    steps = proven_steps(whose, workload, [precision])
    with learners_lines(whose):
        points, apart = measure(steps, workload, precision, repeat)
    console = Console(width=COLUMNS, highlight=False)
    what = f"{whose_files(steps)}: {workload.name}, {precision}"
    title = f"{what}, on {machine.processor()}"
    console.print(f"{title}\n", markup=False)
    console.print(table(points))
    console.print(
        f"\nWith the cache and without, logits differ by at most {apart:.2g}."
    )
    console.print(f"Beyond what a text of {SHORTEST} takes, the time is the text's:\n")
    bars, ticks = picture(points)
    console.print(as_text(bars, ticks), markup=False)
    if svg:
        meaning = f"ms for one more token: as after {SHORTEST}, and what the text adds"
        svg.write_text(as_svg([title, meaning], bars, ticks))


if __name__ == "__main__":
    process.run(main, "./run context")
