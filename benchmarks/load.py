"""Servers under load, on one machine, in one run: `./run load`.

`./run serve` with one replica and two, and llama.cpp's server, write for 1, 8, 32 and
64 streams.  The models are models/shakespeare and GPT-2 124M with random weights.

The servers are in `servers.py`, the client is in `streams.py`.
"""

if __name__ in ("__main__", "__mp_main__"):  # in front of what takes its time to import
    from gpt2 import process

    process.begin()

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks import machine, page
from benchmarks.bars import digits
from benchmarks.peers import Missing
from benchmarks.servers import (
    BATCH,
    CONTEXT,
    MODELS,
    SERVED,
    Running,
    Served,
    make_models,
    running,
)
from benchmarks.streams import (
    LONGEST,
    PERCENTS,
    SHORTEST,
    Figures,
    Window,
    drive,
    figures,
)
from gpt2 import process
from gpt2.terminal import BadInput, moving, say

LONG = 32  # streams of the long run
SHARE = 0.2  # of a core: a client that takes more is named


# --- Measuring ------------------------------------------------------------------------


@dataclass
class Row:
    """A server, and what was found.

    Attributes:
        served: What it is.
        cold: Seconds to be ready with an empty cache; None if that was not tried.
        warm: The same with a cache that is filled.
        windows: By number of streams.
        memory: Bytes: when the server was ready, and at the end of each window.
        long: The long run.
        missing: Why there is nothing more.
    """

    served: Served
    cold: float | None = None
    warm: float | None = None
    windows: dict[int, Figures] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    client: float = 0.0  # the largest share of a core
    long: Window | None = None
    missing: str = ""


class Setup(NamedTuple):
    """What is the same for every server."""

    streams: list[int]
    new: int  # tokens of a text
    seconds: float  # of a window
    minutes: float  # of the long run
    cold: bool
    folder: Path


def measure(row: Row, setup: Setup, long: bool) -> None:
    """Fills in a row.

    Args:
        row: What is served.
        setup: How.
        long: Whether the long run follows.
    """
    served, folder, cache = row.served, setup.folder, None
    if setup.cold and served.program == "ours":
        cache = folder / f"cache-{served.model}-{served.precision}"
        if not cache.exists():
            with (
                moving(f"{served.name}: a cold start, a minute or two"),
                running(served, folder, 1, cache) as server,
            ):
                row.cold = server.seconds
            say(f"{served.name}: ready after {row.cold:.0f} s, MAX's cache empty")
    if served.program == "ours":  # one server for all
        with running(served, folder, max(setup.streams), cache) as server:
            ready(row, server)
            for streams in setup.streams:
                take(row, server, streams, setup)
            if long:
                go_on(row, server, setup)
    else:  # it has as many slots as streams
        for streams in setup.streams:
            with running(served, folder, streams, cache) as server:
                ready(row, server)
                take(row, server, streams, setup)
                if long and streams == setup.streams[-1]:
                    go_on(row, server, setup)


def ready(row: Row, server: Running) -> None:
    """Notes that a server is ready."""
    row.warm = server.seconds
    row.memory.append(server.memory())
    say(f"{row.served.name}: ready after {row.warm:.1f} s")


def take(row: Row, server: Running, streams: int, setup: Setup) -> None:
    """One window."""
    name = f"{row.served.name}, {streams} {'streams' if streams > 1 else 'stream'}"
    with moving(f"{name}: {setup.seconds:g} s after a warm-up"):
        model = MODELS[row.served.model]
        how = (streams, setup.new, setup.seconds, server.memory)
        window = asyncio.run(drive(server.url, model, *how))
    found = figures(window.texts, window.start, window.end)
    row.windows[streams] = found
    row.memory.append(window.memory[-1][1])
    row.client = max(row.client, window.client)
    say(f"{name}: {digits(found.rate)} tokens/s, {told(found.errors)}")


def go_on(row: Row, server: Running, setup: Setup) -> None:
    """The long run."""
    text = f"{row.served.name}, {LONG} streams: {setup.minutes:g} minutes"
    with moving(text):
        model = MODELS[row.served.model]
        how = (LONG, setup.new, 60 * setup.minutes, server.memory, 10)
        row.long = asyncio.run(drive(server.url, model, *how))
    errors = [each.error for each in row.long.texts if each.error]
    say(f"{text} are over, {told(errors)}")


def told(errors: Sequence[str]) -> str:
    """How many there are, and the first."""
    return f"{len(errors)} errors" + (f": {errors[0]}" if errors else "")


# --- Report ---------------------------------------------------------------------------


def milliseconds(seconds: Sequence[float]) -> str:
    return " / ".join(digits(1000 * value) for value in seconds)


def speed_lines(rows: Sequence[Row]) -> list[list[str]]:
    """A line for each window; the third figure is beside the fewest streams."""
    lines = []
    for row in rows:
        for streams, found in row.windows.items():
            alone = next(iter(row.windows.values())).rate
            lines.append(
                [
                    *(row.served.name, f"{streams}", digits(found.rate)),
                    f"{found.rate / alone:.1f}" if alone else "",
                    *(milliseconds(found.first), milliseconds(found.gaps)),
                    *(f"{found.texts}", f"{len(found.errors)}"),
                ]
            )
    return lines


def start_lines(rows: Sequence[Row]) -> list[list[str]]:
    """A line for each server: when it is ready, and its memory."""

    def one(seconds: float | None) -> str:
        return "" if seconds is None else f"{seconds:.1f}"

    return [
        [
            *(row.served.name, one(row.cold), one(row.warm)),
            *(f"{row.memory[0] / 1e6:.0f}", f"{max(row.memory) / 1e6:.0f}"),
        ]
        for row in rows
        if row.memory
    ]


def long_lines(window: Window) -> list[list[str]]:
    """A line for each part of the long run: minutes, memory, tokens a second."""
    (_, first), *_ = window.memory
    lines = [["0", f"{first / 1e6:.0f}", ""]]
    for (before, _), (after, memory) in pairwise(window.memory):
        part = figures(window.texts, window.start + before, window.start + after)
        lines.append([f"{after / 60:.2g}", f"{memory / 1e6:.0f}", digits(part.rate)])
    return lines


def report(rows: Sequence[Row], setup: Setup) -> str:
    """The page that `./run load` writes, in Markdown."""
    percents = " / ".join(f"p{percent}" for percent in PERCENTS)
    speeds = page.table(
        [
            *("server", "streams", "tokens/s", "times"),
            *(f"first token, ms: {percents}", f"next piece, ms: {percents}"),
            *("texts", "errors"),
        ],
        speed_lines(rows),
    )
    starts = page.table(
        ["server", "cold, s", "warm, s", "MB at first", "MB at most"],
        start_lines(rows),
    )
    return f"""# Servers under load

{date.today()}; {machine.processor()}.

{speeds}

{setup.seconds:g} s of each, after a warm-up in which every stream has had a text, or
which took twice as long.
Each stream asks for its next text when it has the last: {setup.new} greedy tokens,
streamed, after {SHORTEST} to {LONGEST} random ids that are new each time, so that
nothing is found in a cache of prompts.  Server and client share the machine.
{client_line(rows)}

- ours: `./run serve --batch-size {BATCH} --context {CONTEXT}`, x2 with `--replicas 2`;
  of more than {BATCH} streams a replica, the others wait for their turn
- llama.cpp: the server in the wheel `xllamacpp`, with as many slots as streams; its
  int8 is Q8_0, and keys and values are in float16, as it has them by default
- times: tokens/s beside those of the first line of this server
- first token: from the request to its first token; next piece: from each piece of a
  text to the next; a piece is a token, but where it is behind ours puts some together
- {percents}: values that occurred; of fewer than 100, p99 is the largest
- texts: of which the first token came in that time
- errors: requests that failed, or whose text had another length

{starts}

Ready: from the command to the first token of a first request; cold: with MAX's cache
empty.  Memory is that of all processes of a server, when it was ready, and the most at
the end of a window.
{"".join(long_part(row, setup) for row in rows if row.long)}
Missing and wrong:

{missing_lines(rows)}
"""


def client_line(rows: Sequence[Row]) -> str:
    """How much of the machine the client took."""
    share = max((row.client for row in rows), default=0.0)
    busy = [row.served.name for row in rows if row.client > SHARE]
    line = f"The client took at most {share:.0%} of a core"
    return (
        f"{line}; more than {SHARE:.0%} at {', '.join(busy)}." if busy else f"{line}."
    )


def long_part(row: Row, setup: Setup) -> str:
    """What the page says of the long run."""
    assert row.long
    found = figures(row.long.texts, row.long.start, row.long.end)
    lines = page.table(["minutes", "MB", "tokens/s"], long_lines(row.long))
    return f"""
{row.served.name} for {setup.minutes:g} minutes with {LONG} streams: {found.texts}
texts, {len(found.errors)} errors.

{lines}
"""


def missing_lines(rows: Sequence[Row]) -> str:
    """What did not run, and the first error of what did."""
    lines = [f"- {row.served.name}: {row.missing}" for row in rows if row.missing]
    for row in rows:
        errors = [e for found in row.windows.values() for e in found.errors]
        if row.long:
            errors += [text.error for text in row.long.texts if text.error]
        if errors:
            lines.append(f"- {row.served.name}: {told(errors)}")
    return "\n".join(lines) or "- nothing"


def draw(rows: Sequence[Row], file: Path) -> None:
    """Tokens a second by streams, a panel for each model; and memory along the way."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "gpt2"  # the same picture, the same bytes
    models = list(dict.fromkeys(row.served.model for row in rows if row.windows))
    long = [row for row in rows if row.long]
    count = len(models) + bool(long)
    picture, panels = plt.subplots(1, count, figsize=(4 * count + 1, 4), squeeze=False)
    for panel, model in zip(panels[0], models, strict=False):
        for row in rows:
            if row.served.model == model and row.windows:
                rates = [found.rate for found in row.windows.values()]
                label = row.served.name.removeprefix(f"{model}-")
                panel.plot([*row.windows], rates, "o-", label=label)
                panel.set_xticks([*row.windows], [*row.windows])
        panel.set(title=model, xlabel="streams", ylabel="tokens/s", ylim=(0, None))
        panel.legend()
    for row in long:
        minutes, size = zip(
            *((t / 60, b / 1e6) for t, b in row.long.memory), strict=True
        )
        panels[0][-1].plot(minutes, size, "o-", label=row.served.name)
        panels[0][-1].set(title="memory", xlabel="minutes", ylabel="MB", ylim=(0, None))
        panels[0][-1].legend()
    picture.suptitle(f"Servers under load, {machine.processor()}")
    picture.tight_layout()
    picture.savefig(file, metadata={"Date": None})


# --- Command line ---------------------------------------------------------------------


def choose(only: Sequence[str]) -> list[Served]:
    """The servers with these names, or with such a word in them; all for no words."""
    names = [served.name for served in SERVED]
    wanted: set[str] = set()
    for word in only:
        found = [word] if word in names else [name for name in names if word in name]
        if not found:
            some = ", ".join(names)
            raise BadInput(f"--only {word}: no server is called so, of {some}")
        wanted |= set(found)
    return [served for served in SERVED if not only or served.name in wanted]


def expected(chosen: Sequence[Served], setup: Setup) -> float:
    """About how many minutes it takes, with warm-ups and what MAX compiles."""
    windows = len(chosen) * len(setup.streams) * (setup.seconds + 5)
    compiled = {(s.model, s.precision) for s in chosen if s.program == "ours"}
    starts = 15 * len(chosen) + 75 * len(compiled) * setup.cold
    return setup.minutes + (20 + windows + starts) / 60


@click.command()
@click.option(
    "--only",
    multiple=True,
    metavar="WORD",
    help="A server, or all with this in their names, such as 124M-ours; may be given "
    f"several times.  Names: {', '.join(served.name for served in SERVED)}.",
)
@click.option(
    "--streams",
    multiple=True,
    type=click.IntRange(1, 256),
    default=(1, 8, 32, 64),
    show_default=True,
    help="How many at once; may be given several times.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=12,
    show_default=True,
    help="How long each is measured.",
)
@click.option(
    "--new",
    type=click.IntRange(2, CONTEXT - LONGEST),
    default=64,
    show_default=True,
    help="Tokens of a text.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0),
    default=10,
    show_default=True,
    help=f"How long 124M-ours-float32, or the first chosen, goes on with {LONG} "
    "streams, for its memory; 0 for not at all.",
)
@click.option(
    "--cold/--no-cold",
    default=True,
    help="Also start with an empty cache of MAX's, in a folder of its own; without, "
    "the usual cache as it is.",
)
@page.to_option
def main(
    only: tuple[str, ...],
    streams: tuple[int, ...],
    seconds: float,
    new: int,
    minutes: float,
    cold: bool,
    folder: Path,
) -> None:
    """Measure servers under load: ours, and llama.cpp's.

    Prints tables, and writes them as load-CPU.md with a plot beside it.
    """
    process.raise_interrupts()  # there are servers to be ended
    chosen = choose(only)
    rows = [Row(served) for served in chosen]
    names = [served.name for served in chosen]
    long = "124M-ours-float32"
    long = long if long in names else names[0]
    with tempfile.TemporaryDirectory(prefix="load-") as own:
        setup = Setup(sorted(set(streams)), new, seconds, minutes, cold, Path(own))
        say(f"About {expected(chosen, setup):.0f} minutes: {', '.join(names)}")
        with moving("making the models"):
            make_models(chosen, setup.folder)
        for row in rows:
            try:
                measure(row, setup, bool(minutes) and row.served.name == long)
            except Missing as reason:
                row.missing = str(reason)
                say(f"{row.served.name}: {reason}")
    text = report(rows, setup)
    click.echo(text)
    file = page.file(folder, "load")
    file.write_text(f"{text}\n![plot]({file.stem}.svg)\n")
    draw(rows, file.with_suffix(".svg"))
    click.echo(f"Written to {file} and {file.stem}.svg", err=True)


if __name__ == "__main__":
    process.run(main, "./run load")
