"""Write the figures into the book: numbers from a run, and the picture they make.

Node draws the pictures, with the code that draws them on the page, so the figure that
can be touched starts as the one that cannot.
"""

import importlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import click

from book.chapters import ROOT

DATA = ROOT / "book" / "data"
DRAWN = ROOT / "book" / "drawn"
VECTORS = ROOT / "tests" / "figures" / "vectors"  # on which Node and Python agree
DRAW = ROOT / "book" / "figures" / "draw.js"
NAMES = sorted(
    file.stem.replace("_", "-")
    for file in DATA.glob("*.py")
    if "\ndef data(" in file.read_text()
)


def module(name: str) -> ModuleType:
    """Where a figure's numbers are computed."""
    return importlib.import_module(f"book.data.{name.replace('-', '_')}")


def page(name: str, data: dict[str, Any], drawn: dict[str, str]) -> str:
    """A figure as it is included in a chapter.  No line is empty: Markdown would take
    what follows for text."""
    inside = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    inside = inside.replace("</", "<\\/")  # a script ends at the first "</script"
    words = drawn["words"].replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<figure class="touch" id="figure-{name}" data-figure="{name}">\n'
        f'<div class="picture">{drawn["picture"]}</div>\n'
        f'<p class="words">{words}</p>\n'
        f'<script type="application/json">{inside}</script>\n'
        f"</figure>\n"
    )


def draw(data: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The static picture of each figure, and what it says in words."""
    node = shutil.which("node")
    if node is None:
        raise click.ClickException("node is needed to draw: apt-get install nodejs")
    done = subprocess.run(
        [node, str(DRAW)],
        input=json.dumps(data),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise click.ClickException(f"a figure cannot be drawn:\n{done.stderr}")
    drawn: dict[str, dict[str, str]] = json.loads(done.stdout)
    return drawn


def write(names: Iterable[str]) -> None:
    """Writes figures anew into book/drawn."""
    data = {}
    for name in names:
        click.echo(f"{name}: numbers")
        figure = module(name)
        data[name] = figure.data()
        if hasattr(figure, "vectors"):
            vectors = json.dumps(figure.vectors(), ensure_ascii=False, indent=1)
            (VECTORS / f"{name}.json").write_text(f"{vectors}\n")
    for name, drawn in draw(data).items():
        (DRAWN / f"{name}.html").write_text(page(name, data[name], drawn))
    click.echo(f"{len(data)} figures are in {DRAWN.relative_to(ROOT)}")
