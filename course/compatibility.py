"""Whether the installed MAX has what the course uses of it.

A release of MAX may rename things, and above all what is not public: names in which a
part begins with `_`.  What the course uses stands in its own code, so it is read from
there: every name of MAX, and with how many arguments it is called.
"""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.lessons import ROOT

FOLDERS = ("benchmarks", "book", "book/data", "course", "gpt2", "solutions", "tests")
KERNELS = ROOT / "gpt2" / "kernels"  # in Mojo


@dataclass
class Use:
    """A name of MAX that is used.

    Attributes:
        name: All of it, such as "max.driver.CPU".
        files: Which files use it.
        trouble: What is not as they expect; empty if all is.
    """

    name: str
    files: list[str] = field(default_factory=list)
    trouble: str = ""

    @property
    def private(self) -> str:
        """The module of MAX's inside that it belongs to; empty if it is public."""
        inside = re.match(r"max\._\w+", self.name)
        return inside[0] if inside else ""


def used(root: Path = ROOT) -> list[Use]:
    """What the code of the course uses of MAX, by name."""
    found: dict[str, Use] = {}
    for file in (f for name in FOLDERS for f in sorted((root / name).glob("*.py"))):
        text, place = file.read_text(encoding="utf-8"), str(file.relative_to(root))
        for name, call in names(ast.parse(text if "from max" in text else "")):
            use = found.setdefault(name, Use(name))
            use.files += [place] if place not in use.files else []
            use.trouble = use.trouble or trouble(name, call)
    return [found[name] for name in sorted(found)]


def names(tree: ast.Module) -> Iterator[tuple[str, ast.Call | None]]:
    """The names of MAX in a file, each with the call where it is called."""
    stands_for: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and re.match(r"max\b", node.module or ""):
            for alias in node.names:
                stands_for[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    yield from ((name, None) for name in stands_for.values())
    for node in ast.walk(tree):
        call = node if isinstance(node, ast.Call) else None
        first, _, rest = dotted(call.func if call else node).partition(".")
        if first in stands_for and (call or rest):
            yield f"{stands_for[first]}.{rest}".rstrip("."), call
        text = str(node.value) if isinstance(node, ast.Constant) else ""
        if re.fullmatch(r"max\._\w+", text):  # the name of a logger
            yield text, None


def dotted(node: ast.AST) -> str:
    """`a.b.c` as text; empty if it is anything else."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return before and f"{before}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def trouble(name: str, call: ast.Call | None) -> str:
    """In what the installed MAX is not as expected: empty if it is."""
    try:
        thing = find(name)
    except (ImportError, AttributeError):
        return "is gone"
    if call is None or any(isinstance(given, ast.Starred) for given in call.args):
        return ""
    by_name = {given.arg: None for given in call.keywords if given.arg}
    if len(by_name) < len(call.keywords):  # **options
        return ""
    try:
        inspect.signature(thing).bind(*call.args, **by_name)
    except ValueError:  # written in C++, it does not say what it takes
        return ""
    except TypeError as error:
        return f"takes other arguments ({error})"
    return ""


def find(name: str) -> Any:
    """Imports what has this name.

    Raises:
        ImportError, AttributeError: If there is no such thing.
    """
    parts = name.split(".")
    thing = importlib.import_module(parts[0])
    for end, part in enumerate(parts[1:], start=2):
        if not hasattr(thing, part):  # a module that nobody has imported yet
            importlib.import_module(".".join(parts[:end]))
        thing = getattr(thing, part)
    return thing


def mojo(folder: Path = KERNELS) -> str:
    """The first thing that Mojo cannot compile in the kernels; empty if it can."""
    program = str(Path(sys.executable).with_name("mojo"))
    with tempfile.TemporaryDirectory() as scratch:
        words = [program, "precompile", str(folder), "-o", f"{scratch}/kernels.mojoc"]
        env = dict(os.environ)  # without what MAX has set behind Python's back
        done = subprocess.run(words, env=env, stderr=subprocess.PIPE, text=True)
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    return "" if done.returncode == 0 else (errors or [done.stderr])[0]
