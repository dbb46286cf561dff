"""A page about this machine, in Markdown: `bench` and `kernels` write one."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks import machine

RESULTS = Path(__file__).resolve().parent / "results"

to_option = click.option(
    "--to",
    "folder",
    default=RESULTS,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for what is written.  [default: benchmarks/results]",
)


def table(
    header: Sequence[str], lines: Sequence[Sequence[Any]], *, words: int = 1
) -> str:
    """A table; the first `words` columns are words, the others numbers."""
    rule = ["---" if i < words else "---:" for i in range(len(header))]
    return "\n".join(
        f"| {' | '.join(map(str, cells))} |" for cells in (header, rule, *lines)
    )


def file(folder: Path, kind: str) -> Path:
    """Where the page goes; the folder is made.  The processor names it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", machine.processor().lower()).strip("-")
    return folder / f"{kind}-{name}.md"
