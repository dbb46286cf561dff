"""GPT-2 124M in seven programs, on one machine, in one run: `./run bench`.

Ours stands beside what one would take instead: transformers, fifty lines of PyTorch,
llama.cpp, CTranslate2, ONNX Runtime and OpenVINO GenAI, each in a file of `programs/`.
They compute the same model.  Its weights are random numbers with a fixed seed: nothing
is downloaded, and how fast a model is does not depend on what its weights say.

The file goes in this order: the measures, the limits of the machine, the process in
which a program lives, the rounds in which the programs take turns, the report, the
command line.
"""

if __name__ in ("__main__", "__mp_main__"):  # in front of what takes its time to import
    from gpt2 import process

    process.begin()

import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import click
import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks import machine, page
from benchmarks.programs import PROGRAMS
from benchmarks.programs.gpt2_124m import (
    BLOCK_WEIGHTS,
    READ_WEIGHTS,
    VOCAB_SIZE,
    make_checkpoint,
)
from benchmarks.programs.program import Files, Program, Tokens
from gpt2 import PRECISIONS, process

LONG = 512  # tokens of the long prompt
REST = 0.3  # seconds between two turns, so that the threads of the first stop spinning
MUST_AGREE = 16  # greedy tokens of a float32 program that have to be transformers'
BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}  # of a weight


# --- Measures -------------------------------------------------------------------------


class Measure(NamedTuple):
    """One call of a program: `batch` prompts go in, `new` tokens for each come out."""

    name: str
    batch: int
    prompt: int  # tokens
    new: int  # tokens


def measures(new: int) -> list[Measure]:
    """Writing at three batch sizes, and reading one long prompt."""
    writing = [Measure(f"batch {n}", n, prompt=16, new=new) for n in (1, 8, 32)]
    return [*writing, Measure(f"prompt of {LONG}", 1, prompt=LONG, new=1)]


def prompts(measure: Measure) -> Tokens:
    """The same random ids for every program."""
    random = np.random.default_rng(0)
    size = (measure.batch, measure.prompt)
    return random.integers(VOCAB_SIZE - 1, size=size).tolist()


# --- Machine limits -------------------------------------------------------------------


class Limits(NamedTuple):
    """What the machine can do, whatever the program."""

    bandwidth: float  # bytes/s, read from memory
    float32: float  # operations/s; a multiplication and an addition are two
    bfloat16: float


def measure_limits(threads: int) -> Limits:
    """The best of several readings of 1 GiB, and products of 4096 x 4096 matrices.

    These are speeds that NumPy and PyTorch have reached; the machine may allow more.
    """
    import torch

    parts = machine.memory()
    bandwidth = max(machine.read(parts) for _ in range(10))

    def multiplying(dtype: torch.dtype) -> float:
        matrix = torch.ones(4096, 4096, dtype=dtype)
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            matrix @ matrix
            seconds.append(time.perf_counter() - start)
        return 2 * 4096**3 / min(seconds)

    torch.set_num_threads(threads)
    return Limits(bandwidth, multiplying(torch.float32), multiplying(torch.bfloat16))


# --- Processes ------------------------------------------------------------------------


class Missing(Exception):
    """Why a program has no figures, in one line."""


class Child:
    """A process that does what it is asked, until it is closed."""

    def __init__(self, log: Path) -> None:
        self.log = log
        spawn = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(1, spawn, redirect_output, (log,))
        self.close = self.pool.shutdown

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return self.pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            last = self.log.read_text(errors="replace").strip().split("\n")[-1]
            raise Missing(f"its process died; the last it said: {last!r}") from None
        except Exception as error:
            first = str(error).strip().split("\n")[0]
            raise Missing(f"{type(error).__name__}: {first}") from error


def redirect_output(log: Path) -> None:
    """In the child: what the libraries print goes to a file."""
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


loaded: Program  # in a child: the program that lives there


def load(program: str, precision: str, files: Files, threads: int) -> float:
    """In the child: seconds to import the program's library and to load the model."""
    global loaded
    start = time.perf_counter()
    loaded = PROGRAMS[program](files, precision, threads)
    return time.perf_counter() - start


class Turn(NamedTuple):
    """What came of one turn."""

    seconds: float
    tokens: list[int]  # of the first row
    peak: int  # bytes of memory, the most that the process ever held


def take_turn(measure: Measure) -> Turn:
    """In the child: does once what is measured."""
    ids = prompts(measure)
    start = time.perf_counter()
    rows = loaded.generate(ids, measure.new)
    seconds = time.perf_counter() - start
    if [len(row) for row in rows] != [measure.new] * measure.batch:
        raise ValueError(f"it did not write {measure.new} tokens for each prompt")
    # On Linux a process inherits its parent's peak: so the parent stays small.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Turn(seconds, rows[0], peak if sys.platform == "darwin" else peak * 1024)


# --- Rounds ---------------------------------------------------------------------------


@dataclass
class Row:
    """A program in one precision, and what was found."""

    program: str
    precision: str
    load: float = 0.0  # seconds
    peak: int = 0  # bytes
    tokens: list[int] = field(default_factory=list)  # greedy, after the first prompt
    times: dict[str, list[float]] = field(default_factory=dict)  # measure: seconds
    reference: dict[str, list[float]] = field(default_factory=dict)  # in these rounds
    missing: str = ""  # why there are no figures

    @property
    def name(self) -> str:
        return f"{self.program} {self.precision}"


def agreeing(tokens: list[int], others: list[int]) -> int:
    """How many tokens are the same before the first that is not."""
    pairs = enumerate(zip(tokens, others, strict=True))
    return next((i for i, (a, b) in pairs if a != b), len(tokens))


class Setup(NamedTuple):
    """What is the same for every row."""

    measures: list[Measure]
    repeat: int
    threads: int
    folder: Path  # for the model, what is made of it, and what the programs print
    console: Console


def start(row: Row, child: Child, reference: Row, setup: Setup) -> float:
    """Loads a row's program and lets it do everything once, which does not count.

    Returns the seconds that this one round took.
    """
    files = Files(setup.folder / "gpt2", setup.folder / row.name)
    with closing(Child(setup.folder / "prepare.log")) as helper:
        helper.ask(PROGRAMS[row.program].prepare, files, row.precision)
    row.load = child.ask(load, row.program, row.precision, files, setup.threads)
    turns = [child.ask(take_turn, measure) for measure in setup.measures]
    row.tokens = turns[0].tokens
    same = agreeing(row.tokens, reference.tokens)
    if row.precision == "float32" and same < min(MUST_AGREE, len(row.tokens)):
        raise Missing(f"wrong: only {same} greedy tokens are those of {reference.name}")
    return sum(turn.seconds for turn in turns)


def run_group(group: list[Row], reference: Row, first: Child, setup: Setup) -> None:
    """The rows live at the same time and take turns, the reference among them.

    So whatever else the machine does meets them all.
    """
    alive = [(reference, first)]
    show = partial(track, console=setup.console)
    with ExitStack() as stack:
        for row in show(group, "loading"):
            log = setup.folder / f"{row.name}.log"
            child = stack.enter_context(closing(Child(log)))
            try:
                start(row, child, reference, setup)
                alive.append((row, child))
            except Missing as reason:
                row.missing = str(reason)

        turns = [(m, *one) for m in setup.measures for one in alive] * setup.repeat
        before = len(reference.times.get(setup.measures[0].name, []))
        for measure, row, child in show(turns, "taking turns"):
            if row.missing:
                continue
            try:
                turn = child.ask(take_turn, measure)
            except Missing as reason:
                if row is reference:
                    raise
                row.missing = str(reason)
                continue
            row.times.setdefault(measure.name, []).append(turn.seconds)
            row.peak = max(row.peak, turn.peak)
            time.sleep(REST)
    for row in group:
        row.reference = {name: t[before:] for name, t in reference.times.items()}


def run(rows: list[Row], setup: Setup) -> Limits:
    """Fills in the rows, of which the first is the reference."""
    say, folder = setup.console.print, setup.folder
    reference, *others = rows
    reference.reference = reference.times  # of all rounds, where others have their own
    groups = [[row for row in others if row.precision == p] for p in PRECISIONS]
    with closing(Child(folder / "helper.log")) as helper:
        say(f"Making the model, measuring the machine, starting {reference.name}")
        helper.ask(make_checkpoint, folder / "gpt2")
        before = helper.ask(measure_limits, setup.threads)
    with closing(Child(folder / f"{reference.name}.log")) as first:
        once = start(reference, first, reference, setup)
        seconds = reference.load + once
        turns = sum(1 + len(group) for group in groups) * setup.repeat
        minutes = (turns * once + len(others) * seconds) / 60
        say(f"About {minutes:.0f} minutes if all were like it; most are faster")
        for precision, group in zip(PRECISIONS, groups, strict=True):
            if group or precision == reference.precision:
                say(f"{precision}: {', '.join(row.program for row in group)}")
                run_group(group, reference, first, setup)
    with closing(Child(folder / "helper.log")) as helper:
        after = helper.ask(measure_limits, setup.threads)
    return Limits(*map(max, before, after))


# --- Report ---------------------------------------------------------------------------


def figure(row: Row, measure: Measure) -> str:
    """Tokens written a second, or ms to read; and how many times the reference's speed.

    Medians, of this row and of the reference in the same rounds.
    """
    seconds = median(row.times[measure.name])
    ratio = median(row.reference[measure.name]) / seconds
    if measure.new == 1:
        return f"{1000 * seconds:.0f} ({ratio:.2f})"
    return f"{measure.batch * measure.new / seconds:.1f} ({ratio:.2f})"


def limit_lines(limits: Limits) -> list[list[str]]:
    """For each precision: the least a token can take, alone, and a long prompt."""
    lines = []
    for precision in PRECISIONS:
        size = READ_WEIGHTS * BYTES[precision]
        seconds = size / limits.bandwidth
        speed = getattr(limits, precision, None)  # int8 products were not measured
        prompt = f"{1000 * 2 * BLOCK_WEIGHTS * LONG / speed:.0f}" if speed else ""
        figures = f"{1000 * seconds:.1f}", f"{1 / seconds:.0f}", prompt
        lines.append([precision, f"{size / 1e6:.0f} MB", *figures])
    return lines


def report(rows: list[Row], limits: Limits, setup: Setup, about: str) -> str:
    """The page that `./run bench` writes, in Markdown."""
    reference, writing = rows[0], setup.measures[0]
    columns = [
        f"{m.name}, {'ms' if m.new == 1 else 'tokens/s'}" for m in setup.measures
    ]
    header = ["program", "precision", *columns, "peak, MB", "load, s", "same tokens"]
    lines = [
        [
            *(row.program, row.precision),
            *(figure(row, measure) for measure in setup.measures),
            *(f"{row.peak / 1e6:.0f}", f"{row.load:.1f}"),
            str(agreeing(row.tokens, reference.tokens)),
        ]
        for row in measured(rows)
    ]
    limit_header = ["precision", "weights", "a token, ms", "tokens/s", "prompt, ms"]
    missing = "\n".join(f"- {row.name}: {row.missing}" for row in rows if row.missing)
    return f"""# GPT-2 124M, side by side

{about}

{page.table(header, lines, words=2)}

Missing:

{missing or "- none"}

Medians of {setup.repeat} rounds, in which the programs of one precision took turns; one
round before them does not count. In brackets: how many times as fast as
{reference.name} in the same rounds.

- batch: as many prompts of {writing.prompt} tokens are read, and {writing.new} tokens
  written after each; the time is that of both
- prompt: one prompt of {LONG} tokens is read, one token written
- peak: the most memory that the process ever held
- load: to import the library, and to load the model from the form it likes best
- same tokens: how many of {writing.new} greedy tokens are those of {reference.name}, up
  to the first that is not; random weights bring near ties, and a lower precision may
  decide them differently

What this machine allows: it read {limits.bandwidth / 1e9:.1f} GB/s from memory, and
multiplied matrices at {limits.float32 / 1e9:.0f} GFLOP/s in float32,
{limits.bfloat16 / 1e9:.0f} in bfloat16. A text alone needs all weights for each token:
it is not written faster than they are read, but for what the CPU's cache still holds.
A prompt of {LONG} is not read faster than its matrices are multiplied.

{page.table(limit_header, limit_lines(limits), words=2)}
"""


def measured(rows: list[Row]) -> list[Row]:
    """The rows that have figures, by precision."""
    return [r for p in PRECISIONS for r in rows if r.precision == p and not r.missing]


def draw(rows: list[Row], limits: Limits, setup: Setup, file: Path) -> None:
    """A panel for each measure and a bar for each row, as an SVG; longer is faster."""
    import matplotlib  # only here: see take_turn

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "gpt2"  # the same picture, the same bytes
    color = dict(zip(PRECISIONS, ("tab:blue", "tab:orange", "tab:green"), strict=True))
    rows = measured(rows)
    size = (3 * len(setup.measures) + 1, 1.5 + 0.25 * len(rows))
    figure, panels = plt.subplots(1, len(setup.measures), figsize=size, sharey=True)
    for panel, measure in zip(panels, setup.measures, strict=True):
        tokens = measure.batch * (measure.prompt if measure.new == 1 else measure.new)
        speeds = [tokens / median(row.times[measure.name]) for row in rows]
        colors = [color[row.precision] for row in rows]
        panel.barh([row.name for row in rows], speeds, color=colors)
        panel.set_title(measure.name)
        panel.set_xlabel("tokens/s")
    for precision in PRECISIONS:
        most = limits.bandwidth / (READ_WEIGHTS * BYTES[precision])
        panels[0].axvline(most, color=color[precision], linestyle="--")
    panels[0].invert_yaxis()
    figure.suptitle(f"GPT-2 124M, {machine.processor()}; dashed: what memory allows")
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def describe(rows: list[Row]) -> str:
    """The day, the machine, and the versions of the programs."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    file = Path("/proc/cpuinfo")  # only Linux has it
    flags = set(file.read_text().split()) if file.exists() else set()
    fast = "avx2 avx512f avx512_vnni avx512_bf16 amx_bf16 amx_int8 asimd bf16 i8mm"
    has = " ".join(flag for flag in fast.split() if flag in flags)
    packages = {
        name for row in measured(rows) for name in PROGRAMS[row.program].packages
    }
    versions = ", ".join(f"{name} {version(name)}" for name in sorted(packages))
    hardware = f"{machine.processor()} ({has}), {memory:.0f} GiB"
    return (
        f"{date.today()}; {hardware}; Python {platform.python_version()}, {versions}."
    )


# --- Command line ---------------------------------------------------------------------


@click.command()
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([*PROGRAMS]),
    help="Measure this program (and the reference); may be given several times.",
)
@click.option(
    "--new",
    default=128,
    show_default=True,
    type=click.IntRange(2, LONG),
    help="Tokens to write after each short prompt.",
)
@click.option(
    "--repeat",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Rounds; the figures are their medians.",
)
@page.to_option
def main(only: tuple[str, ...], new: int, repeat: int, folder: Path) -> None:
    """Measure GPT-2 124M in the programs that one would use for it.

    Prints a table, and writes it as peers-CPU.md with a plot beside it.
    """
    process.raise_interrupts()  # there is a model of 500 MB to be deleted
    threads = machine.cores()
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for every process from here on
    chosen = [name for name in PROGRAMS if name in only or not only]
    reference = Row("transformers", "float32")
    rows = [Row(name, p) for name in chosen for p in PROGRAMS[name].precisions]
    rows = [reference, *(row for row in rows if row.name != reference.name)]
    with tempfile.TemporaryDirectory(prefix="peers-") as own:
        console = Console(stderr=True)
        setup = Setup(measures(new), repeat, threads, Path(own), console)
        try:
            limits = run(rows, setup)
        except Missing as reason:
            raise click.ClickException(f"{reference.name}: {reason}") from reason
    text = report(rows, limits, setup, describe(rows))
    click.echo(text)
    file = page.file(folder, "peers")
    file.write_text(f"{text}\n![plot]({file.stem}.svg)\n")
    draw(rows, limits, setup, file.with_suffix(".svg"))
    click.echo(f"Written to {file} and {file.stem}.svg", err=True)


if __name__ == "__main__":
    process.run(main, "./run bench")
