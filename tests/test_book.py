"""Nothing in the book is stale: its blocks run, its links lead somewhere.

When something is: `./run book-data`, and read the difference.
"""

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from book.chapters import (
    CHAPTERS,
    NEEDS_VOCABULARY,
    ROOT,
    SERVED,
    SOURCE,
    blocks,
    printed,
)
from course.lessons import LESSONS
from course.mistakes import catalogue
from course.mistakes.switches import SWITCHES
from tests.quick import some
from tests.shared import VOCABULARY, needs
from tests.transcripts.make import alike

TEXTS = {name: file.read_text() for name, file in CHAPTERS.items()}
SUMMARY = (SOURCE / "SUMMARY.md").read_text()
STEPS = {name: text for name, text in TEXTS.items() if re.fullmatch(r"step_\d\d", name)}
TRANSCRIPTS = ROOT / "tests" / "transcripts"
TASKS = tomllib.loads((ROOT / "pixi.toml").read_text())["tasks"]

# The blocks that need a download, which no test makes: chapter and how many.
NOT_RUN = {"weights": 1}

HEADINGS = [
    "The shapes, by hand",
    "The MAX operations",
    "Before you run it",
    "What to write",
    "Check it",
    "The solution",
    "Mistakes people make",
    "In the finished model",
    "Going further",
    "References",
]


# --- Code blocks -------------------------------------------------------------------


# MAX compiles the server's graph for one of them, for a minute.
@pytest.mark.parametrize("name", some(TEXTS, lambda name: name != "serving"))
def test_a_chapters_blocks_run_and_print_what_it_shows(
    name, compiled, monkeypatch, capsys
):
    monkeypatch.chdir(ROOT)
    for block, text in printed(TEXTS[name], name):
        shown = block.output.text if block.output else ""
        assert alike(shown, text), (
            f"{name}.md, line {block.line}, prints something else now; "
            f"./run book-data {name} writes it down:\n{text}"
        )
    assert compiled == [], f"{name}: a reader would wait for these to be compiled"


def test_what_is_not_run_is_known():
    unseen = {
        name: sum("norun" in block.marks for block in blocks(text))
        for name, text in TEXTS.items()
    }
    assert {name: count for name, count in unseen.items() if count} == NOT_RUN
    for name in NOT_RUN:
        for block in blocks(TEXTS[name]):
            if "norun" in block.marks:
                assert "openai-community/gpt2" in block.text and block.output is None


@needs(VOCABULARY)
def test_blocks_need_gpt2s_vocabulary():
    """Where it is not there, they are left out."""
    found = [
        b for t in TEXTS.values() for b in blocks(t) if NEEDS_VOCABULARY in b.marks
    ]
    assert found, "no block needs it any more: take this test away"


def test_every_fence_is_of_a_known_kind():
    for name, text in TEXTS.items():
        assert text.count("\n```") == 2 * len(blocks(text)), f"{name}: a broken fence"
        for block in blocks(text):
            known = block.language in ("python", "sh", "text", "json", "toml")
            marks = {"norun", "output", "formula", "shell", "coach", "message"} | {
                NEEDS_VOCABULARY,
                SERVED,
            }
            assert known and block.marks <= marks, f"{name}.md, line {block.line}"


COMMANDS = sorted(
    {
        line
        for text in TEXTS.values()
        for block in blocks(text)
        if block.language == "sh"
        for line in block.text.splitlines()
        if line.startswith("./run")
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_a_task_that_exists_and_has_the_options(command):
    words = shlex.split(command, comments=True)[1:]
    if not words:
        return
    features = tomllib.loads((ROOT / "pixi.toml").read_text())["feature"].values()
    tasks = TASKS | {k: t for feature in features for k, t in feature["tasks"].items()}
    task, *arguments = words
    assert task in tasks
    options = {word for word in arguments if word.startswith("--")}
    if options:
        assert options <= options_of(tasks[task]["cmd"])


@cache
def options_of(command: str) -> set[str]:
    program = command.split()[1]
    if program.endswith(".py"):  # of an environment that is not this one
        return set(re.findall(r"--[a-z][a-z0-9-]*", (ROOT / program).read_text()))
    done = subprocess.run(
        [sys.executable, *shlex.split(command)[1:], "--help"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    return set(re.findall(r"--[a-z][a-z0-9-]*", done.stdout))


def test_every_other_command_is_one_that_setup_explains():
    for name, text in TEXTS.items():
        for block in blocks(text):
            if block.language == "sh" and SERVED not in block.marks:  # those are run
                for line in block.text.splitlines():
                    if not line.startswith("./run"):
                        assert name in ("setup", "troubleshooting"), f"{name}: {line}"


# --- Prose -------------------------------------------------------------------------


def test_the_summary_names_every_chapter():
    assert sorted(re.findall(r"\((\w+)\.md\)", SUMMARY)) == sorted(TEXTS)


@pytest.mark.parametrize("name", STEPS)
def test_a_steps_chapter_has_its_order(name):
    lesson = LESSONS[int(name[-2:])]
    title = f"Step {lesson.number:02d}: {lesson.title}"
    text = STEPS[name]
    assert text.startswith(f"# {title}\n")
    assert f"[{title}]({name}.md)" in SUMMARY
    code = [block.span for block in blocks(text)]
    headings = [
        match[1]
        for match in re.finditer(r"^## (.+)$", text, re.MULTILINE)
        if not any(start <= match.start() < end for start, end in code)
    ]
    assert [h for h in headings if h in HEADINGS] == HEADINGS
    for part in (
        "{{#include ../drawn/",
        f"{{{{#include ../../course/stubs/{name}.py}}}}",
        f"{{{{#include ../../solutions/solution_{name[-2:]}.py}}}}",
        f"{{{{#include ../../tests/transcripts/{name}.txt:the-stub}}}}",
        f"{{{{#include ../../tests/transcripts/{name}.txt:right}}}}",
        f"./run s{name[-2:]}",
    ):
        assert part in text, f"{name}.md lacks {part}"
    assert "<details>" in text[: text.index("solutions/solution_")]


@pytest.mark.parametrize("name", STEPS)
def test_the_mistakes_that_people_make_are_in_the_catalogue(name):
    text = STEPS[name].split("## Mistakes people make")[1].split("\n## ")[0]
    named = re.findall(r"^- \*\*(.+?)\*\*", text, re.MULTILINE | re.DOTALL)
    assert len(named) >= 3
    known = {mistake.what for mistake in catalogue(int(name[-2:]))}
    assert {" ".join(what.split()) for what in named} <= known


def test_links_to_the_outside_stand_in_one_place():
    for name, text in TEXTS.items():
        if name != "references":
            assert not re.search(r"https?://(?!127\.0\.0\.1|localhost)", text), name


def test_every_file_and_anchor_that_is_included_is_there():
    found = 0
    for name, text in TEXTS.items():
        for place, anchor in re.findall(r"\{\{#include ([^}:]+):?([^}]*)\}\}", text):
            file = CHAPTERS[name].parent / place
            assert file.is_file(), f"{name}.md includes {place}"
            found += 1
            if anchor:
                anchors = re.findall(r"ANCHOR: (\S+)", file.read_text())
                assert anchors.count(anchor) == 1, f"{name}.md: {place}:{anchor}"
    assert found > 60


def test_the_coach_links_to_sections_that_are_there():
    said = "".join(file.read_text() for file in TRANSCRIPTS.glob("*.txt"))
    linked = set(re.findall(r"troubleshooting\.html#([a-z-]+)", said))
    kinds = {"todo", "different", "error", "import", "name", "time", "end"}
    assert kinds < linked
    for section in linked | {"max", "kernels"}:
        assert f"{{#{section}}}" in TEXTS["troubleshooting"], section
    chapters = set(re.findall(r"127\.0\.0\.1:3000/(\w+)\.html", said))
    assert chapters == {*STEPS, "troubleshooting", "playground"}
    broken = re.findall(r"playground\.html#broken=(\S+)", said)
    assert broken and set(broken) <= SWITCHES.keys()


def constants():
    """Every text in the programs that have messages."""
    folders = (ROOT / name for name in ("book", "course", "gpt2"))
    files = [ROOT / "run", *(file for f in folders for file in f.glob("*.py"))]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield " ".join(node.value.split())


def test_a_message_that_is_quoted_is_one_that_is_given():
    """Where it cannot be had by running something: four words in a row are the same."""
    said = list(constants())
    quoted = [
        line
        for block in blocks(TEXTS["troubleshooting"])
        if block.language == "text" and block.marks <= {"message"}
        for line in re.split(r"\n(?=\S)", block.text.strip())
    ]
    assert len(quoted) > 10
    for line in quoted:
        words = line.split()
        rows = [" ".join(words[i : i + 4]) for i in range(len(words) - 3)]
        assert any(row in text for row in rows for text in said), line


# --- Pages -------------------------------------------------------------------------


class Page(HTMLParser):
    """The names and the links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if named.get("id"):
            self.ids.append(named["id"])
        if tag == "a" and named.get("href"):
            self.links.append(named["href"])
        elif tag in ("link", "script", "img", "iframe", "source"):
            place = named.get("src") or named.get("href")
            if place and named.get("rel") != "canonical":
                self.loaded.append(place)
        if tag in ("img", "svg"):
            self.images.append(named)


@pytest.fixture(scope="session")
def pages(built) -> dict[str, Page]:
    return {file.name: Page(file.read_text()) for file in built.glob("*.html")}


def test_every_link_leads_somewhere(pages, built):
    internal = 0
    for name, page in pages.items():
        if name in ("404.html", "toc.html"):
            continue
        for link in page.links:
            if link.startswith(("http://", "https://")):
                assert name == "references.html", f"{name}: {link}"
                continue
            target, _, anchor = link.partition("#")
            file = target or name
            assert (built / file).is_file(), f"{name}: {link}"
            if anchor and file in pages:
                assert anchor in pages[file].ids, f"{name}: {link}"
            internal += 1
    assert internal > 300


def test_nothing_is_loaded_from_outside(pages, built):
    for name, page in pages.items():
        for place in page.loaded:
            assert not place.startswith(("http:", "https:", "//")), f"{name}: {place}"
            if name != "404.html":
                assert (built / place.partition("?")[0]).is_file(), f"{name}: {place}"


def test_a_pages_names_are_unique_and_its_pictures_have_words(pages):
    for name, page in pages.items():
        again = [i for i, count in Counter(page.ids).items() if count > 1]
        assert again == [], name
    for file in (ROOT / "book" / "drawn").glob("*.html"):
        for picture in Page(file.read_text()).images:
            assert picture["role"] == "img" and picture["aria-label"], file.name


def test_a_warning_is_an_error(tmp_path):
    from click.testing import CliRunner

    from book import __main__ as book

    (tmp_path / "src").mkdir()
    (tmp_path / "book.toml").write_text("[book]\n")
    (tmp_path / "src" / "SUMMARY.md").write_text("- [one](one.md)\n")
    (tmp_path / "src" / "one.md").write_text("{{#include nowhere.md}}\n")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    words = ["build", "--book", str(tmp_path), "--to", str(tmp_path / "html")]
    done = CliRunner().invoke(book.main, words, env={"PATH": path})
    assert done.exit_code == 1 and "nowhere.md" in done.stderr
