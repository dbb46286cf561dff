"""The book's figures show what the solutions compute, and compute what they do.

When one is stale: `./run book-data`, and read the difference.
"""

import json
import re
import tomllib

import pytest

from book import drawing
from book.chapters import CHAPTERS, ROOT
from tests.quick import some

TESTS = ROOT / "tests" / "figures"
LONG = "schedule", "mistakes"  # what takes half a minute
SETTINGS = tomllib.loads((ROOT / "book" / "book.toml").read_text())


def close(one, other, tolerance=2e-3) -> bool:
    """Whether two trees of data are the same, but for the rounding of numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            close(one[key], other[key], tolerance) for key in one
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            close(a, b, tolerance) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, float) or isinstance(other, float):
        return abs(one - other) <= tolerance * max(1, abs(one))
    return one == other


def stored(name):
    """What the page of a figure has: its data, and its picture."""
    page = (drawing.DRAWN / f"{name}.html").read_text()
    data = re.search(r'<script type="application/json">(.*)</script>', page)
    return json.loads(data[1]), page


@pytest.mark.filterwarnings("ignore:pythonjsonlogger")  # MAX's server imports it
@pytest.mark.parametrize("name", some(drawing.NAMES, lambda name: name not in LONG))
def test_a_figures_numbers_are_what_the_model_computes(name, eager):
    figure = drawing.module(name)
    now = json.loads(json.dumps(figure.data()))
    assert close(stored(name)[0], now), f"./run book-data {name}"
    if hasattr(figure, "vectors"):
        vectors = json.loads((drawing.VECTORS / f"{name}.json").read_text())
        now = json.loads(json.dumps(figure.vectors()))
        assert close(vectors, now, 1e-4), f"./run book-data {name}"


def test_a_changed_number_is_seen():
    assert close({"a": [1.0, "x"]}, {"a": [1.0001, "x"]})
    assert not close({"a": [1.0, "x"]}, {"a": [1.01, "x"]})
    assert not close({"a": [1]}, {"a": [2]})
    assert not close([1.0], [1.0, 2.0])


@pytest.mark.parametrize("name", drawing.NAMES)
def test_a_static_picture_is_what_the_page_draws_first(name, node):
    data, page = stored(name)
    drawn = drawing.draw({name: data})[name]
    assert drawing.page(name, data, drawn) == page, f"./run book-data {name}"
    assert "\n\n" not in page and len(drawn["words"]) > 20
    assert len(page) < 250_000


def test_every_figure_is_in_a_chapter_and_on_the_page():
    included = re.findall(
        r"\{\{#include \.\./drawn/([\w-]+)\.html\}\}",
        "".join(file.read_text() for file in CHAPTERS.values()),
    )
    assert set(included) == set(drawing.NAMES)
    assert {file.stem for file in drawing.DRAWN.glob("*")} == set(drawing.NAMES)
    scripts = SETTINGS["output"]["html"]["additional-js"]
    assert {f"figures/{name}.js" for name in drawing.NAMES} < set(scripts)
    assert all((ROOT / "book" / script).is_file() for script in scripts)


@pytest.mark.parametrize("file", sorted(TESTS.glob("*.test.js")), ids=lambda f: f.stem)
def test_a_figures_arithmetic_in_node(file, pass_in_node):
    pass_in_node(file)


def test_every_figure_has_tests_in_node():
    tests = "".join(file.read_text() for file in TESTS.glob("*.test.js"))
    assert [name for name in drawing.NAMES if f'"{name}"' not in tests] == []
