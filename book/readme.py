"""Draw the pictures of README.md: a verdict as a terminal shows it, and a figure.

Where a README is shown, nothing of the book's style is there.  So each picture brings
its own colours, light and dark, a ground to stand on, and takes the reader's fonts.
"""

import re
import tempfile
from html import escape, unescape
from pathlib import Path

from rich.console import Console
from rich.text import Text

from book.chapters import ROOT
from book.drawing import DRAWN
from gpt2.learner import solution
from tests.house import build_house, coach

PICTURES = ROOT / "book" / "pictures"
STEP, MISTAKE = 7, "not scaling the scores"
RIGHT, WRONG = "scores / math.sqrt(self.head_dim)", "scores"
FIGURE = "attention"

COLORS = {  # on a light ground, on a dark one
    "fg": ("#1f2328", "#e6edf3"),
    "bg": ("#ffffff", "#0d1117"),
    "frame": ("#d1d9e0", "#3d444d"),
    "red": ("#c1121f", "#ff7b72"),
    "yellow": ("#8a5a00", "#e3b341"),
    "green": ("#1a7f37", "#3fb950"),
    "figure": ("#1d6fa5", "#4fa3dd"),  # these two as in figures.css
    "other": ("#b4511a", "#e8944a"),
}
ANSI = ("fg", "red", "green", "yellow")  # the terminal's colours, by their numbers
COLUMNS = 80
CELL, LINE = 8.5, 19  # pixels of the terminal
EDGE = 12  # of free ground around a picture


def write() -> None:
    """Writes the pictures anew."""
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "verdict.svg").write_text(terminal(f"$ ./run s{STEP:02d}\n{verdict()}"))
    (PICTURES / "figure.svg").write_text(figure(FIGURE))


def verdict() -> str:
    """What the coach says of the mistake, with the codes that colour it."""
    colored = {"FORCE_COLOR": "1", "NO_COLOR": "", "TERM": "xterm"}
    with tempfile.TemporaryDirectory() as folder:
        house = build_house(Path(folder) / "house")
        file = house / "steps" / f"step_{STEP:02d}.py"
        file.write_text(solution(STEP).replace(RIGHT, WRONG))
        # Nothing moves on this terminal: it shows what is left in the end.
        done = coach(house, "check", str(STEP), TTY_INTERACTIVE="0", **colored)
    return done.stdout


def terminal(said: str) -> str:
    """Draws what a program has printed, with the codes that colour it."""
    lines = [Text.from_ansi(line) for line in said.splitlines()]
    body = []
    for row, line in enumerate(lines):
        column = 0
        for text, look, _ in line.render(Console()):
            word = text.strip()
            if word:
                x, y = CELL * (column + text.index(word)), LINE * row + 14
                color = ANSI[look.color.number or 0] if look and look.color else ""
                bold = "bold" if look and look.bold else ""
                body.append(
                    f'<text x="{x:g}" y="{y}" textLength="{CELL * len(word):g}" '
                    f'class="{color} {bold}">{escape(word)}</text>'
                )
            column += len(text)
    style = (
        "text { fill: var(--fg); white-space: pre; font: 14px ui-monospace, "
        "SFMono-Regular, Menlo, Consolas, monospace }\n.bold { font-weight: bold }"
    )
    for color in ANSI:
        style += f"\n.{color} {{ fill: var(--{color}) }}"
    size = CELL * COLUMNS, LINE * len(lines)
    return picture(size, 1, "\n".join(line.plain for line in lines), style, body)


def figure(name: str) -> str:
    """A figure of the book as it is before anybody touches it."""
    page = (DRAWN / f"{name}.html").read_text()
    css = (ROOT / "book" / "figures" / "figures.css").read_text()
    drawn = re.search(r'viewBox="0 0 (\S+) (\S+)".*?label="(.*?)">(.*)</svg>', page)
    assert drawn is not None
    width, height, words, shapes = drawn.groups()
    shapes = re.sub(r'<rect [^>]*pointer-events="all"[^>]*></rect>', "", shapes)
    style = "text { font-family: system-ui, sans-serif }"
    for names, rules in re.findall(r"figure\.touch svg (\S[^{,]*)\{([^}]*)\}", css):
        style += f"\n{names}{{ {' '.join(rules.split())} }}"
    size = float(width), float(height)
    return picture(size, 1.4, unescape(words), style, [shapes])


def picture(
    size: tuple[float, float], zoom: float, words: str, style: str, body: list[str]
) -> str:
    """An SVG file.

    Args:
        size: Width and height of what is drawn.
        zoom: How many pixels one of its units takes.
        words: What the picture shows, for those who do not see it.
        style: CSS, to which every colour of COLORS is a variable.
        body: What is drawn.
    """
    width, height = (length + 2 * EDGE for length in size)
    light, dark = (
        " ".join(f"--{name}: {colors[theme]};" for name, colors in COLORS.items())
        for theme in (0, 1)
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
            f'aria-label="{escape(words)}" '
            f'width="{zoom * width:g}" height="{zoom * height:g}" '
            f'viewBox="{-EDGE} {-EDGE} {width:g} {height:g}">',
            f"<style>\n:root {{ {light} }}",
            f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}",
            f".ground {{ fill: var(--bg); stroke: var(--frame) }}\n{style}\n</style>",
            f'<rect class="ground" x="{0.5 - EDGE}" y="{0.5 - EDGE}" '
            f'width="{width - 1:g}" height="{height - 1:g}" rx="6"/>',
            *body,
            "</svg>\n",
        ]
    )
