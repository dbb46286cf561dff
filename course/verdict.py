"""What a check has found, in the form in which it goes from the worker to the coach."""

import ast
import errno
import traceback
from bdb import BdbQuit
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course import max_errors
from gpt2.learner import own_lines

LINES = 12  # of a counterexample
FRAMES = 4  # of the learner's own


# --- Verdict -----------------------------------------------------------------------


@dataclass
class Failure:
    """The first thing that is not right.

    Attributes:
        kind: "todo" (still to be written), "different" (it gives something else),
            "error" (it raises), "import" (the file cannot be run at all), "name"
            (something is not in it), "time" (it does not come to an end), "end" (it
            ends the process).
        title: The behaviour that was checked; empty where nothing could be.
        lines: What happened, in words.
        frames: The learner's own lines that led there: number, function, text.
        line: Where to look; 0 if that cannot be said.
        name: The function or class there.
        printed: What the file printed meanwhile.
        section: Where the book says more about it; empty if that is the kind's own.
    """

    kind: str
    title: str
    lines: list[str]
    frames: list[tuple[int, str, str]] = field(default_factory=list)
    line: int = 0
    name: str = ""
    printed: str = ""
    section: str = ""


@dataclass
class Verdict:
    """What is right, and the first thing that is not.

    Attributes:
        passed: Title of each check that passes.
        total: How many checks there are; 0 where they did not come to their end.
        failure: None if the step is right.
    """

    passed: list[str]
    total: int
    failure: Failure | None


# --- Explanation of an error -------------------------------------------------------


def explain(error: BaseException, file: Path, title: str, about: str) -> Failure:
    """Says in plain words what `error` means to the one who wrote `file`.

    Args:
        error: What a check, or importing the file, has raised.
        file: The learner's file.
        title: The behaviour that was checked; empty if the file was being imported.
        about: The function, method or class that was judged.
    """
    from tests.expect import Different

    own = own_lines(error, file)[-FRAMES:]
    frames = [(place.number, place.function, place.text) for place in own]
    line, name = find(file, about)
    if own and not isinstance(error, Different):
        line = own[-1].number
        named = [place.function for place in own if place.function[:1] != "<"]
        name = named[-1] if named else ""  # not "<listcomp>"
    kind = "error" if title else "import"
    section = ""
    lines = words(error, file)
    if isinstance(error, Different):
        kind, lines, frames = "different", str(error).splitlines()[:LINES], []
        section = error.section
    elif isinstance(error, NotImplementedError) and raised_in(error, file):
        kind, lines, frames = "todo", [f"still to be written: {name}"], []
    elif isinstance(error, SystemExit | KeyboardInterrupt):
        section = "exit"
    elif isinstance(error, BdbQuit):
        section = "debugger"
        lines = [
            "it calls the debugger, as breakpoint() does, but a check has no terminal "
            "for it: print instead, or stop there in ./run repl, after",
            f"    from steps.{file.stem} import *",
        ]
    elif isinstance(error, SyntaxError) and error.filename == str(file):
        line, name, frames = error.lineno or 1, "", []
        lines = syntax_error(error)
    elif isinstance(error, AttributeError) and not frames and title:
        missing = getattr(error.obj, "__name__", "")
        if missing.startswith("steps.step_"):
            kind, line, name = "name", 0, ""
            lines = [f"there is no {error.name} in it: was it renamed or deleted?"]
    return Failure(kind, title, lines, frames, line, name, section=section)


def raised_in(error: BaseException, file: Path) -> bool:
    """Whether a line of `file` raises the error itself: MAX has its own TODOs."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename == str(file)


def words(error: BaseException, file: Path) -> list[str]:
    """What an error means, where it is MAX's and `file` led to it, and what it says."""
    ours = max_errors.in_our_words(error, file).splitlines()
    return ours if ours and not str(error) else [*ours, *last_words(error)]


def last_words(error: BaseException) -> list[str]:
    """An error's type and message; of a long message, the first paragraph."""
    if isinstance(error, SystemExit):
        return ["it calls exit(), which ends everything: a step only computes"]
    if isinstance(error, KeyboardInterrupt):
        return ["it raises KeyboardInterrupt, as Ctrl-C does: a step only computes"]
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return ["it prints far more than anybody reads: does a loop never end?"]
    text = f"{type(error).__name__.lstrip('_')}: {error}".strip().removesuffix(":")
    if isinstance(error, ImportError):  # where it lies helps nobody
        text = text.removesuffix(f" ({error.path})")
    return text.split("\n\n")[0].splitlines()[:LINES]


def syntax_error(error: SyntaxError) -> list[str]:
    """Python's words, with the line and a mark below the place."""
    lines = [f"{type(error).__name__}: {error.msg}"]
    if error.text and error.text.strip():
        text = error.text.rstrip().expandtabs(1)
        indent = len(text) - len(text.lstrip())
        lines.append("  " + text.lstrip())
        if error.offset and error.offset > indent:
            lines.append("  " + " " * (error.offset - 1 - indent) + "^")
    return lines


def find(file: Path, about: str) -> tuple[int, str]:
    """The line of a `def` or `class`, and its name; the class if it lacks the method.

    Args:
        file: A step's file.
        about: "function", "Class" or "Class.method".
    """
    try:
        body = ast.parse(file.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return 0, ""
    place = 0, ""
    for name in about.split("."):
        for node in body:
            kinds = (ast.FunctionDef, ast.ClassDef)
            if isinstance(node, kinds) and node.name == name:
                place, body = (node.lineno, name), node.body
                break
        else:
            break
    return place


# --- JSON --------------------------------------------------------------------------


def as_json(thing: Any) -> Any:
    """For `json.dumps(..., default=as_json)`."""
    return vars(thing)


def from_json(found: dict[str, Any]) -> Verdict:
    failure = Failure(**found["failure"]) if found["failure"] else None
    return Verdict(found["passed"], found["total"], failure)
