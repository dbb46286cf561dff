"""Assemble a GPT-2 from the learner's steps or from the solutions.

The only place where this package meets the learner's files.
"""

import ast
import importlib
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from solutions.solution_01 import GPT2Config

STEPS = Path(__file__).parent.parent / "steps"
SOLUTIONS = Path(__file__).parent.parent / "solutions"
NUMBERS = range(1, 13)


def load_step(number: int, folder: Path | None) -> ModuleType:
    """Runs one step's file as the module that later steps import.

    Args:
        number: 1 to 12.
        folder: Where `step_NN.py` lies; None lets the solution stand in for it, which
            then builds on the steps before it, whoever wrote them.

    Raises:
        Exception: Whatever the file raises.
    """
    name = f"steps.step_{number:02d}"
    if folder is None:
        file = SOLUTIONS / f"solution_{number:02d}.py"
        source = file.read_bytes().replace(b"solutions.solution_", b"steps.step_")
    else:
        file = folder / f"step_{number:02d}.py"
        source = file.read_bytes()
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module  # where later steps, and dataclasses, look it up
    exec(compile(source, str(file), "exec"), vars(module))
    return module


def unfinished(file: Path) -> str | None:
    """What is still to be written in a step's file; None if nothing is.

    Raises:
        SyntaxError: If it is no Python.
    """
    if not file.exists():
        return "the file is missing"
    todo = []
    for node in ast.walk(ast.parse(file.read_bytes(), filename=str(file))):
        if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Raise):
            raised = node.body[-1].exc
            raised = raised.func if isinstance(raised, ast.Call) else raised
            if isinstance(raised, ast.Name) and raised.id == "NotImplementedError":
                todo.append(node.name)
    return ", ".join(todo) if todo else None


@dataclass(frozen=True)
class Room:
    """A model and how it writes, from one room.

    Attributes:
        make_config: `GPT2Config` of step 01.
        make_model: `GPT2LMHeadModel` of step 11.
        generate: `generate` of step 12.
        stand_ins: Number of each step that is still to be written, and what is
            missing in it; the solution stands in for it.
    """

    make_config: Callable[..., Any]
    make_model: Callable[..., Any]
    generate: Callable[..., Any]
    stand_ins: dict[int, str]

    def config(self, sizes: GPT2Config) -> Any:
        """The room's own configuration with a checkpoint's sizes."""
        return self.make_config(**asdict(sizes))


def open_room(name: str) -> Room:
    """Imports all twelve steps of a room.

    Args:
        name: "steps" (the learner's, with solutions for what is still a stub) or
            "solutions".

    Raises:
        Exception: Whatever a learner's file raises when it is imported.
    """
    stand_ins = {}
    modules = {}
    for number in NUMBERS:
        if name == "solutions":
            module = importlib.import_module(f"solutions.solution_{number:02d}")
        elif missing := unfinished(STEPS / f"step_{number:02d}.py"):
            stand_ins[number] = missing
            module = load_step(number, None)
        else:
            module = load_step(number, STEPS)
        modules[number] = module
    return Room(
        modules[1].GPT2Config,
        modules[11].GPT2LMHeadModel,
        modules[12].generate,
        stand_ins,
    )
