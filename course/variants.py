"""Other ways to write a step, right or wrong, as changes to its solution."""

import ast
import sys
import textwrap
from types import ModuleType

from gpt2.learner import run_step


def swap(source: str, changes: dict[str, str]) -> str:
    """Replaces pieces of text.

    Raises:
        ValueError: If a piece is not there exactly once.
    """
    for old, new in changes.items():
        if source.count(old) != 1:
            raise ValueError(f"found {source.count(old)} times instead of once: {old}")
        source = source.replace(old, new)
    return source


def redefine(source: str, definitions: str) -> str:
    """Replaces functions, methods and classes by others of the same name.

    Args:
        source: A step's text.
        definitions: Python text at the margin.  What `source` defines is replaced
            where it stands; everything else goes in front of the first definition.
    """
    definitions = textwrap.dedent(definitions)
    kinds = (ast.FunctionDef, ast.ClassDef)
    known = {
        node.name for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)
    }
    for new in ast.parse(definitions).body:
        text = lines_of(definitions, new)
        tree = ast.parse(source)
        if isinstance(new, kinds) and new.name in known:
            found = [n for n in ast.walk(tree) if isinstance(n, kinds)]
            (old,) = [n for n in found if n.name == new.name]
            text = textwrap.indent(text, " " * old.col_offset)
        else:
            old = next(n for n in tree.body if isinstance(n, kinds))
            text += "\n\n" + lines_of(source, old)
        source = source.replace(lines_of(source, old), text)
    return source


def lines_of(source: str, node: ast.stmt) -> str:
    """The lines of a statement, its decorators included, without a last newline."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def load(number: int, source: str, file: str = "<a variant>") -> ModuleType:
    """Runs a step's text; later steps go on importing the one that they did before."""
    name = f"steps.step_{number:02d}"
    before = sys.modules.get(name)
    try:
        return run_step(number, source, file)
    finally:
        if before is not None:
            sys.modules[name] = before
