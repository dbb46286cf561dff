"""How full a batch stays whose texts end at different times: `./run full-batch`.

A batch whose texts wait for the longest of them is soon nearly empty.  Here a text that
has ended leaves its row to the next one, so that nearly every step is one of a full
batch; what is lost are the last steps, when no text waits any more.
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from benchmarks import machine
from benchmarks.bars import COLUMNS, digits
from benchmarks.options import model_options, repeat_option
from benchmarks.workload import Workload, load_workload
from gpt2 import PRECISIONS
from gpt2.decoding import Decoding, generators
from gpt2.engine import Cache, Engine
from gpt2.generation import generate
from gpt2.terminal import messages, say

SHORTEST, LONGEST = 10, 200  # new tokens of a text


def wordless(vocab_size: int) -> Tokenizer:
    """For random weights, which have no words: each token is its number."""
    return Tokenizer(WordLevel({str(token): token for token in range(vocab_size)}))


@dataclass
class Round:
    """One call of the engine, and the choice of a token for each of its texts.

    Attributes:
        start: When it began, in seconds.
        texts: How many were read.
        tokens: Of all of them; more than `texts` where a prompt is among them.
    """

    start: float
    texts: int
    tokens: int


class Watched(Engine):
    """Notes when it is called."""

    rounds: list[Round]

    def read(
        self, texts: Mapping[int, Sequence[int]], cache: Cache, *, every: bool = False
    ) -> np.ndarray:
        tokens = sum(map(len, texts.values()))
        self.rounds.append(Round(time.perf_counter(), len(texts), tokens))
        return super().read(texts, cache, every=every)


def write(
    engine: Watched, workload: Workload, counts: Sequence[int], batch_size: int
) -> list[Round]:
    """Continues the prompt several times, each time by one of the counts.

    The last round is one of no texts, when all was over.
    """
    engine.rounds = []
    steps = generate(
        engine,
        workload.tokenizer or wordless(engine.config.vocab_size),
        [workload.prompt] * len(counts),
        [Decoding()] * len(counts),
        generators(0, len(counts)),
        max_new_tokens=counts,
        batch_size=batch_size,
        draft=False,  # it would make up for rows that stay empty
    )
    for _ in steps:
        pass
    return [*engine.rounds, Round(time.perf_counter(), 0, 0)]


def beside_full_batches(rounds: Sequence[Round], batch_size: int) -> float:
    """How long the rounds took, beside what they would if each had been full.

    A round with free rows ought to take a share of what a full one takes, by the texts
    that it has.  What prompts take to be read counts for both.
    """
    times = [after.start - this.start for this, after in pairwise(rounds)]
    timed = list(zip(rounds, times, strict=False))  # the last has no time
    full = [
        seconds
        for this, seconds in timed
        if this.texts == this.tokens == batch_size  # no prompt among them
    ]
    ought = sum(
        seconds
        if this.texts == batch_size
        else sum(full) / len(full) * this.texts / batch_size
        for this, seconds in timed
    )
    return sum(times) / ought


def lengths(texts: int) -> list[int]:
    """Drawn evenly, always the same ones."""
    rng = np.random.default_rng(0)
    return rng.integers(SHORTEST, LONGEST, size=texts, endpoint=True).tolist()


def waiting_for_the_longest(counts: Sequence[int], batch_size: int) -> int:
    """Steps of batches that are filled only when they are empty."""
    batches = range(0, len(counts), batch_size)
    return sum(max(counts[start : start + batch_size]) for start in batches)


@click.command()
@model_options
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    show_default=True,
    help="How the engine keeps weights.",
)
@click.option("--texts", type=click.IntRange(1), default=512, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@repeat_option
def main(
    model: str | None,
    random: str | None,
    precision: str,
    texts: int,
    batch_size: int,
    repeat: int,
) -> None:
    """Compare many texts of 10 to 200 tokens with batches that are always full."""
    workload = load_workload(model, random)
    say("Preparing: seconds, but half a minute the first time with such a model")
    engine = Watched(workload.config, workload.weights, precision=precision)
    counts = lengths(texts)
    batch_size = min(batch_size, texts)
    some = write(engine, workload, [10] * batch_size, batch_size)
    seconds = (some[-1].start - some[1].start) / (9 * batch_size)  # a token
    say(f"Writing: about {seconds * sum(counts) * repeat:.0f} s")
    ratios, rates = [], []
    for _ in track(range(repeat), "taking turns", console=messages):
        rounds = write(engine, workload, counts, batch_size)
        ratios.append(beside_full_batches(rounds, batch_size))
        rates.append(sum(counts) / (rounds[-1].start - rounds[0].start))
    console = Console(width=COLUMNS, highlight=False)
    title = f"{workload.name}, {precision}, on {machine.processor()}"
    console.print(f"{title}\n", markup=False)
    console.print(
        f"{texts} texts of {min(counts)} to {max(counts)} tokens, {batch_size} at "
        f"once: {digits(median(rates))} tokens/s\n"
        f"They take {median(ratios):.2f} of what full batches would.\n"
    )
    steps = sum(counts) / batch_size
    waste = waiting_for_the_longest(counts, batch_size) / steps
    console.print(
        f"Batches that wait for their longest text would have {waste:.2f} times as "
        "many steps."
    )


if __name__ == "__main__":
    process.run(main, "./run full-batch")
