"""The course's own climb, on one machine, in one run: `./run ladder`.

Eight rungs run one model, made of the same twelve files, yours or the solutions: as
they are written, the same compiled, step 12's loop with a KV cache, a loop made for
it, weights in fewer bytes, and batches.  Each must first write the text that the
first rung writes.  Then they take turns, so that whatever else the machine does meets
them all, and the medians are shown.

The file goes in this order: the rungs, the measurement with its proofs, the accuracy
of weights in fewer bytes, the report, the command line.
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import NamedTuple

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import machine
from benchmarks.bars import (
    COLUMNS,
    Bar,
    Ticks,
    as_svg,
    as_text,
    digits,
    logarithmic,
)
from benchmarks.generation import (
    NotCompiled,
    Turn,
    compiled_model,
    proven_steps,
    refusal,
    whose_files,
    write_with_cache,
    write_with_reader,
    write_with_step_12,
)
from benchmarks.options import model_options, repeat_option, svg_option
from benchmarks.workload import Workload, column_bytes, load_workload, weight_bytes
from gpt2 import PRECISIONS, eager, options
from gpt2.decoding import log_softmax
from gpt2.eager_engine import EagerEngine
from gpt2.engine import Engine
from gpt2.learner import Steps
from gpt2.step_12 import Reader, looks_elsewhere
from gpt2.terminal import learners_lines, messages, say

BATCHES = (8, 32)
FEWER = 8  # the first rung writes only an eighth: it may take seconds for a token
REDUCED = PRECISIONS[1:]  # not exact: they state their loss instead
WINDOW = 256  # tokens in each part of a text that is read for accuracy
LOGITS = 500_000_000  # that are compared at most: a minute, or two


# --- Rungs ----------------------------------------------------------------------------


@dataclass
class Rung:
    """One way to write text.

    Attributes:
        name: For the table.
        write: Continues prompts by a number of tokens.
        prompts: Ids of each text.
        count: Tokens to write for each text in a turn.
        weights: Bytes of weights that are read for a step, which is one token more
            for each text.
        column: Bytes that a token of context takes in the cache; 0 without a cache.
        same: How many tokens are the first rung's, of all that a turn writes.
        seconds: Of each turn.
    """

    name: str
    write: Callable[[Sequence[Sequence[int]], int], Turn]
    prompts: list[list[int]]
    count: int
    weights: int
    column: int
    same: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def batch(self) -> int:
        """Number of texts."""
        return len(self.prompts)

    @property
    def context(self) -> float:
        """Tokens that a token attends to, on average over a turn."""
        return sum(map(len, self.prompts)) / self.batch + (self.count - 1) / 2

    @property
    def bytes_per_token(self) -> float:
        """The texts share the weights; each has its own keys and values."""
        return self.weights / self.batch + self.column * self.context

    @property
    def step(self) -> float:
        """Seconds until each text has one token more."""
        return median(self.seconds) / self.count

    @property
    def speed(self) -> float:
        """Tokens a second, of all texts together."""
        return self.batch / self.step

    def turn(self) -> np.ndarray:
        """Writes once, and notes the time: `[batch, count]`."""
        seconds, tokens = self.write(self.prompts, self.count)
        self.seconds.append(seconds)
        return tokens


# --- Measurement ----------------------------------------------------------------------


def climb(
    steps: Steps,
    workload: Workload,
    count: int,
    repeat: int,
    windows: np.ndarray | None,
) -> tuple[list[Rung], dict[str, str], float]:
    """Makes the rungs, has them prove themselves, and lets them take turns.

    Args:
        steps: The twelve files that every rung runs.
        workload: Their weights and the prompt.
        count: Tokens to write for each text.
        repeat: Turns of each rung that count.
        windows: Ids `[batch, seq]` of a text to measure the accuracy with.

    Returns:
        The rungs; what is to be said of some, by name: what is lost where weights have
        fewer bytes, and why one is left out; and the bytes a second that the machine
        reads from memory.

    Raises:
        OtherText: If a rung in float32 does; compiled, a learner's is left out.
        BadInput: If step 12's loop cannot run on the engine.
    """
    prompt = workload.prompt
    say("Preparing: seconds, but up to 5 minutes the first time with such a model")
    eager.prepare()
    if reason := looks_elsewhere(steps.generate):
        raise refusal(reason)
    engines = {
        precision: Engine(
            workload.config, workload.weights, steps=steps, precision=precision
        )
        for precision in PRECISIONS
    }
    exact = engines["float32"]
    # Each text of a batch begins one token further on in one text, which is known.
    more = write_with_cache(exact, [prompt], count + max(BATCHES) - 1).tokens
    known = [*prompt, *more[0].tolist()]
    rungs, remarks = build_rungs(steps, workload, engines, known, count)

    say("Proving that each rung writes the same text")
    text = known[: len(prompt) + count]
    for rung in [*rungs]:
        written = rung.turn()
        try:
            if rung.name in REDUCED:
                rung.same, remarks[rung.name] = compare(
                    engines[rung.name], exact, text, len(prompt), windows
                )
            else:
                rung.same = prove(rung, written, known)
        except OtherText as error:
            if rung.name != "compiled" or steps.whose == "solutions":
                raise
            # The engine has other parts where MAX compiles a learner's wrongly.
            remarks[rung.name] = f"left out: as MAX compiles your steps, {error}"
            rungs.remove(rung)

    round_seconds = sum(rung.seconds.pop() for rung in rungs)
    say(f"Measuring: about {repeat * round_seconds:.0f} s")
    memory = machine.memory()
    fastest = 0.0
    for _ in track(range(repeat), "taking turns", console=messages):
        for rung in rungs:
            rung.turn()
        fastest = max(fastest, machine.read(memory))
    return rungs, remarks, fastest


def build_rungs(
    steps: Steps,
    workload: Workload,
    engines: Mapping[str, Engine],
    known: Sequence[int],
    count: int,
) -> tuple[list[Rung], dict[str, str]]:
    """The rungs, which have not written yet.

    Args:
        steps: As for `climb`.
        workload: As for `climb`.
        engines: By precision.
        known: The prompt and what follows it.
        count: As for `climb`.

    Returns:
        The rungs; and, by name, why one is left out.
    """
    exact, config = engines["float32"], workload.config
    starts = [known[: len(workload.prompt) + n] for n in range(max(BATCHES))]
    one = starts[:1]
    size = {name: weight_bytes(engines[name]) for name in PRECISIONS}
    columns = {name: column_bytes(config, name) for name in PRECISIONS}
    full, column = size["float32"], columns["float32"]

    model = EagerEngine(config, workload.weights, steps=steps).model
    step_12 = partial(write_with_step_12, steps, model)
    rungs = [Rung("eager", step_12, one, max(1, count // FEWER), full, column=0)]
    left_out = {}
    try:
        compiled = partial(write_with_step_12, steps, compiled_model(steps, workload))
        rungs.append(Rung("compiled", compiled, one, count, full, column=0))
    except NotCompiled as error:
        left_out["compiled"] = f"left out: {error.message}"
    reader = partial(write_with_reader, steps, Reader(exact, model))
    cached = {name: partial(write_with_cache, engines[name]) for name in PRECISIONS}
    rungs += [
        Rung("KV cache", reader, one, count, full, column),
        Rung("our loop", cached["float32"], one, count, full, column),
        *(
            Rung(name, cached[name], one, count, size[name], columns[name])
            for name in REDUCED
        ),
        *(
            Rung(f"batch {n}", cached["float32"], starts[:n], count, full, column)
            for n in BATCHES
        ),
    ]
    return rungs, left_out


class OtherText(click.ClickException):
    """A rung does not write what it must."""


def prove(rung: Rung, written: np.ndarray, known: Sequence[int]) -> int:
    """How many tokens a rung has written, which must be those of the known text."""
    ends = [len(prompt) + rung.count for prompt in rung.prompts]
    expected = np.array([known[end - rung.count : end] for end in ends])
    if (written != expected).any():
        row, step = np.argwhere(written != expected)[0]
        raise OtherText(
            f"{rung.name} writes another text: token {step} of text {row} is "
            f"{written[row, step]}, expected {expected[row, step]}"
        )
    return written.size


# --- Accuracy -------------------------------------------------------------------------


def read(engine: Engine, text: Sequence[int]) -> np.ndarray:
    """Logits `[seq, vocab_size]` of what follows each token of a text."""
    return engine.read({0: text}, engine.new_cache(1, len(text)), every=True)


def compare(
    engine: Engine,
    exact: Engine,
    text: Sequence[int],
    start: int,
    windows: np.ndarray | None,
) -> tuple[int, str]:
    """Reads a text with both, and asks both for each token from `start` on.

    Returns:
        How often both choose the same one; how far apart their logits are, and, if
        there are windows, what that does to a long text.
    """
    ours, theirs = (read(one, text[:-1])[start - 1 :] for one in (engine, exact))
    same = int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum())
    apart, spread = np.abs(ours - theirs).max(), theirs.std(axis=1).mean()
    loss = f"logits differ by at most {apart:.2g}; they spread by {spread:.1f}"
    if windows is not None:
        far = distance(engine, exact, windows)
        loss += (
            f"; over {far.tokens:,} tokens of the text, KL from float32 {far.kl:.2g}, "
            f"perplexity {far.perplexity:.4f} of float32's (standard error "
            f"{far.error:.4f}), and the likeliest token the same {far.same:.1%} "
            "of the time"
        )
    return same, loss


class Distance(NamedTuple):
    """How far an engine is from float32, on average over the tokens of a text.

    Attributes:
        tokens: How many both were asked for.
        kl: KL(float32's probabilities || the engine's), in nats.
        perplexity: The engine's, divided by float32's.
        error: The standard error of that.
        same: The part of the tokens for which both find the same one likeliest.
    """

    tokens: int
    kl: float
    perplexity: float
    error: float
    same: float


def distance(engine: Engine, exact: Engine, windows: np.ndarray) -> Distance:
    """Asks both for each token of the windows `[batch, seq]` but their first."""
    kl, losses, same = [], [], []
    for window in track(windows, "reading the text", console=messages):
        ours, theirs = (
            log_softmax(read(one, window[:-1].tolist())) for one in (engine, exact)
        )  # [seq - 1, vocab_size]
        kl.append((np.exp(theirs) * (theirs - ours)).sum(axis=1))
        following = window[1:, None]
        losses.append(np.take_along_axis(theirs - ours, following, axis=1))
        same.append(ours.argmax(axis=1) == theirs.argmax(axis=1))
    perplexity = np.exp(np.mean(losses))
    tokens = np.size(losses)
    error = perplexity * np.std(losses) / np.sqrt(tokens)
    return Distance(
        tokens,
        float(np.mean(kl)),
        float(perplexity),
        float(error),
        float(np.mean(same)),
    )


def held_out(workload: Workload, text: Path | None) -> np.ndarray | None:
    """Ids `[batch, seq]` of the last tenth of a text, which training has not seen.

    All of it, or as much as LOGITS allows, from everywhere in it.

    Raises:
        click.UsageError: If the model has no words, or the text is too short.
    """
    if text is None:
        return None
    if workload.tokenizer is None:
        raise click.UsageError("--text is of no use with random weights: leave it out")
    try:
        letters = text.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.UsageError(f"--text: {text} is not UTF-8: give a text") from None
    ids = workload.tokenizer.encode(letters[len(letters) * 9 // 10 :]).ids
    seq = min(WINDOW, workload.config.n_positions)
    batch = len(ids) // seq
    if batch == 0:
        raise click.UsageError(
            f"--text: the last tenth of {text} has {len(ids)} tokens, and {seq} are "
            "needed: give a longer text"
        )
    windows = np.reshape(ids[: batch * seq], (batch, seq))
    most = max(1, LOGITS // (seq * workload.config.vocab_size))
    return windows[:: -(-batch // most)]


# --- Report ---------------------------------------------------------------------------


def table(rungs: Sequence[Rung], bandwidth: float) -> Table:
    """One line for each rung; `bandwidth` in bytes a second."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("rung")
    for header in ("same tokens", "tokens/s", "ms/step", "MB/token", "of bandwidth"):
        table.add_column(header, justify="right")
    for rung in rungs:
        table.add_row(
            rung.name,
            f"{rung.same} of {rung.batch * rung.count}",
            digits(rung.speed),
            digits(1000 * rung.step),
            digits(rung.bytes_per_token / 1e6),
            f"{rung.bytes_per_token * rung.speed / bandwidth:.0%}",
        )
    return table


def notes(rungs: Sequence[Rung], remarks: dict[str, str]) -> str:
    """What the columns mean, with this run's numbers, after what `climb` remarks."""
    contexts = ", ".join(f"{rung.context:g}" for rung in rungs)
    meanings = {
        **remarks,
        "rung": "up to KV cache, step 12's own loop writes; from our loop on, one that "
        "hands the engine a token instead of the whole text",
        "same tokens": "as the first rung, which is slow and writes fewer; bfloat16 "
        "and int8 are asked for each next token of its text",
        "step": "one token more for each text; tokens/s are of all texts together",
        "MB/token": "weights / batch + 2 x n_layer x n_embd numbers x context; the "
        "weights without wpe; eager and compiled have no cache, so only the weights",
        "context": f"{contexts} tokens on average, from the first rung to the last",
        "of bandwidth": "MB/token x tokens/s, as a part of what memory gives; what "
        "lies in the processor's own cache comes faster: it may be above 100%",
    }
    return "\n".join(
        fill(f"{word}: {meaning}", COLUMNS, subsequent_indent="  ")
        for word, meaning in meanings.items()
    )


def picture(rungs: Sequence[Rung]) -> tuple[list[Bar], Ticks]:
    """A bar for each rung, and the ticks of the scale."""
    lengths, ticks = logarithmic([rung.speed for rung in rungs])
    bars = []
    for rung, length in zip(rungs, lengths, strict=True):
        times = rung.speed / rungs[0].speed
        text = f"{digits(rung.speed)} tokens/s, {digits(times)}x"
        bars.append(Bar(rung.name, [length], text))
    return bars, ticks


# --- Command line ---------------------------------------------------------------------


@click.command()
@model_options
@options.whose
@click.option(
    "--tokens",
    default=64,
    show_default=True,
    type=click.IntRange(1),
    help="How many tokens a rung writes in a turn; the first rung an eighth of it.",
)
@repeat_option
@click.option(
    "--text",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Also measure how exact bfloat16 and int8 are, on the last tenth of this.",
)
@svg_option
def main(
    model: str | None,
    random: str | None,
    whose: str,
    tokens: int,
    repeat: int,
    text: Path | None,
    svg: Path | None,
) -> None:
    """Measure each stage of the course, from step 12 to batches with a KV cache.

    All stages run the same twelve files: the solutions, or your own.
    """
    workload = load_workload(model, random)
    most = workload.config.n_positions - len(workload.prompt) - max(BATCHES) + 1
    if tokens > most:
        raise click.UsageError(
            f"--tokens {tokens} does not fit into the context of {workload.name}: "
            f"it has room for {most}"
        )
    windows = held_out(workload, text)
    steps = proven_steps(whose, workload, PRECISIONS)
    with learners_lines(whose):
        rungs, remarks, bandwidth = climb(steps, workload, tokens, repeat, windows)
    console = Console(width=COLUMNS, highlight=False)
    title = f"{whose_files(steps)}: {workload.name} on {machine.processor()}"
    console.print(title, markup=False)
    console.print(f"Memory gives {bandwidth / 1e9:.1f} GB/s\n")
    console.print(table(rungs, bandwidth))
    console.print(f"\n{notes(rungs, remarks)}", markup=False)
    bars, ticks = picture(rungs)
    console.print(f"\n{as_text(bars, ticks)}", markup=False)
    if svg:
        svg.write_text(as_svg([title, "Tokens per second"], bars, ticks))


if __name__ == "__main__":
    process.run(main, "./run ladder")
