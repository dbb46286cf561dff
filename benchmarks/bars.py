"""A picture of bars: as text for the terminal, as SVG for the book."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

COLUMNS = 80  # of the terminal
FILLS = "█▒"  # of a bar's first part and of its second
COLORS = ("#4c8dd6", "#e39c37")
GRAY = "#777"  # readable on white and on black
LEFT, WIDTH, RIGHT, HEIGHT = 110, 400, 230, 26  # pixels of the SVG; HEIGHT of a bar


class Bar(NamedTuple):
    """One bar.

    Attributes:
        label: Stands before it.
        parts: Lengths, end to end, in all at most 1.
        text: Stands behind it.
    """

    label: str
    parts: Sequence[float]
    text: str


Ticks = dict[float, str]  # where on the scale from 0 to 1 something is to be read


def logarithmic(values: Sequence[float]) -> tuple[list[float], Ticks]:
    """Lengths of bars on a scale with a tick for each power of ten."""
    low = math.floor(math.log10(min(values) / 2))  # so that every bar can be seen
    span = math.log10(max(values)) - low
    lengths = [(math.log10(value) - low) / span for value in values]
    ticks = {n / span: f"{10 ** (low + n):,g}" for n in range(math.floor(span) + 1)}
    return lengths, ticks


def digits(number: float) -> str:
    """Three digits, or all before the point."""
    return f"{number:,.{0 if number >= 100 else 1 if number >= 10 else 2}f}"


def as_text(bars: Sequence[Bar], ticks: Ticks) -> str:
    """Lines of at most COLUMNS characters."""
    labels = max(len(bar.label) for bar in bars)
    width = COLUMNS - labels - max(len(bar.text) for bar in bars) - 2
    lines = []
    for bar in bars:
        drawn = "".join(
            fill * round(width * part)
            for fill, part in zip(FILLS, bar.parts, strict=False)
        )
        lines.append(f"{bar.label:<{labels}} {drawn} {bar.text}")
    scale = ""
    for place, label in ticks.items():
        scale = f"{scale:<{round(width * place)}}{label}"
    return "\n".join([*lines, f"{'':<{labels}} {scale}"])


def as_svg(headings: Sequence[str], bars: Sequence[Bar], ticks: Ticks) -> str:
    """The same as a picture, without a background of its own."""
    top = HEIGHT * len(headings)
    bottom = top + HEIGHT * len(bars)
    shapes = []

    def write(x: float, y: float, text: str) -> None:
        shapes.append(f'<text x="{x:.1f}" y="{y}">{escape(text)}</text>')

    for n, heading in enumerate(headings):
        write(0, HEIGHT * n + 18, heading)
    for place, label in ticks.items():
        x = LEFT + WIDTH * place
        line = f'x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"'
        shapes.append(f'<line {line} stroke="{GRAY}" stroke-dasharray="2 4"/>')
        write(x, bottom + 18, label)
    for n, bar in enumerate(bars):
        x, y = float(LEFT), top + HEIGHT * n
        write(0, y + 18, bar.label)
        write(LEFT + WIDTH + 10, y + 18, bar.text)
        for part, color in zip(bar.parts, COLORS, strict=False):
            corner = f'x="{x:.1f}" y="{y + 4}" width="{WIDTH * part:.1f}"'
            shapes.append(f'<rect {corner} height="{HEIGHT - 8}" fill="{color}"/>')
            x += WIDTH * part
    body = "\n".join(shapes)
    words = escape("; ".join(f"{bar.label}: {bar.text}" for bar in bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{words}" '
        f'viewBox="0 0 {LEFT + WIDTH + RIGHT} {bottom + HEIGHT}" '
        f'font-family="sans-serif" font-size="14" fill="{GRAY}">\n{body}\n</svg>\n'
    )
