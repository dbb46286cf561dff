"""Whose model: the learner's twelve files or ours, put together and run as they are.

    steps = load_steps("steps")               or "solutions"
    model = steps.build(checkpoint.config)    step 11's, with all that it is made of
    model.load_state_dict(checkpoint.weights)
    logits = run_lazily(model)(ids)

This is the only file that meets the learner's; the coach, the tests and the command
line come through it.  How fast the model then is, is another question: see
`gpt2/exchange.py`.
"""

import ast
import importlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from solutions.solution_01 import GPT2Config

if TYPE_CHECKING:  # MAX takes a second to import, and step 01 does without
    from max.experimental.tensor import Tensor

STEPS = Path(__file__).parent.parent / "steps"
SOLUTIONS = Path(__file__).parent.parent / "solutions"
NUMBERS = range(1, 13)


# --- One step ----------------------------------------------------------------------


def solution(number: int) -> str:
    """The text of a solution, as a learner would have it in steps/."""
    text = (SOLUTIONS / f"solution_{number:02d}.py").read_text(encoding="utf-8")
    return text.replace("solutions.solution_", "steps.step_")


def run_step(number: int, source: str | bytes, file: str | Path) -> ModuleType:
    """Runs a step's text as the module that later steps import.

    Args:
        number: 1 to 12.
        source: The text; it imports earlier steps that have run already.
        file: Where it comes from, for tracebacks.

    Raises:
        Exception: Whatever the text raises.
    """
    name = f"steps.step_{number:02d}"
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module  # where later steps, and dataclasses, look it up
    exec(compile(source, str(file), "exec"), vars(module))
    return module


def load_step(number: int, folder: Path | None) -> ModuleType:
    """Runs one step's file.

    Args:
        number: 1 to 12.
        folder: Where `step_NN.py` lies; None lets the solution stand in for it, which
            then builds on the steps before it, whoever wrote them.

    Raises:
        Exception: Whatever the file raises.
    """
    if folder is None:
        file = SOLUTIONS / f"solution_{number:02d}.py"
        return run_step(number, solution(number), file)
    file = folder / f"step_{number:02d}.py"
    return run_step(number, file.read_bytes(), file)


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


# --- Twelve steps ------------------------------------------------------------------


@dataclass(frozen=True)
class Steps:
    """A model and how it writes.

    Attributes:
        whose: "steps" or "solutions".
        make_config: `GPT2Config` of step 01.
        make_model: `GPT2LMHeadModel` of step 11.
        generate: `generate` of step 12.
        stand_ins: Number of each step that is still to be written, and what is
            missing in it; the solution stands in for it.
        text: The files that the model is made of, as they were when they ran.
    """

    whose: str
    make_config: Callable[..., Any]
    make_model: Callable[..., Any]
    generate: Callable[..., Any]
    stand_ins: dict[int, str]
    text: str

    def config(self, sizes: GPT2Config) -> Any:
        """Step 01's own configuration with a checkpoint's sizes."""
        return self.make_config(**asdict(sizes))

    def assemble(self, sizes: GPT2Config) -> Any:
        """Step 11's model of those sizes."""
        return self.make_model(self.config(sizes))

    def build(self, sizes: GPT2Config) -> Any:
        """The same by `build`, as it runs on the CPU; its weights are to be loaded."""
        return build(self.assemble, sizes)


def load_steps(whose: str) -> Steps:
    """Runs all twelve steps.

    Args:
        whose: "steps" (the learner's, with solutions for what is still a stub) or
            "solutions".

    Raises:
        Exception: Whatever a learner's file raises when it is imported.
    """
    text = text_of(whose)
    stand_ins = {}
    modules = {}
    for number in NUMBERS:
        if whose == "solutions":
            module = importlib.import_module(f"solutions.solution_{number:02d}")
        elif missing := unfinished(STEPS / f"step_{number:02d}.py"):
            stand_ins[number] = missing
            module = load_step(number, None)
        else:
            module = load_step(number, STEPS)
        modules[number] = module
    return Steps(
        whose,
        modules[1].GPT2Config,
        modules[11].GPT2LMHeadModel,
        modules[12].generate,
        stand_ins,
        text,
    )


def text_of(whose: str) -> str:
    """The files from which `load_steps` makes a model, as one text.

    All of them but step 12, which is not in the model.
    """
    files = sorted(SOLUTIONS.glob("*.py"))
    if whose == "steps":
        files += sorted(STEPS.glob("*.py"))
    model = [file for file in files if not file.stem.endswith("_12")]
    return "\n".join(file.read_text(errors="replace") for file in model)


# --- Model -------------------------------------------------------------------------


def build(
    make: Callable[..., Any], *args: Any, device: Any = None, **kwargs: Any
) -> Any:
    """Makes a module in float32, whose first weights nobody computes.

    Args:
        make: Takes `args` and `kwargs`.
        device: Where the module is to run; None means the CPU.
    """
    from max.driver import CPU
    from max.dtype import DType
    from max.experimental import functional as F
    from max.experimental.tensor import default_device, default_dtype

    with F.lazy(), default_device(device or CPU()), default_dtype(DType.float32):
        return make(*args, **kwargs)


def run_lazily(model: Callable[..., "Tensor"]) -> Callable[..., "Tensor"]:
    """The model as a function whose operations MAX collects, and computes together."""
    from max.experimental import functional as F

    def run(*inputs: "Tensor") -> "Tensor":
        with F.lazy():
            return model(*inputs)

    return run


def watched(model: Any, run: Callable[[], Any]) -> dict[tuple[str, str], Any]:
    """What goes in and out of each named part of `model` while `run()` runs.

    A part is named as its parameters are: one in a plain list too.

    Returns:
        By name of the part and "input" or "output", the first tensor that was seen.
    """
    from max import tree
    from max.experimental.nn import Module

    seen: dict[tuple[str, str], Any] = {}

    def watch(name: str, module: Any) -> None:
        forward = module.forward

        def noted(*inputs: Any, **options: Any) -> Any:
            output = forward(*inputs, **options)
            for given in [*inputs, *options.values()][:1]:
                seen.setdefault((name, "input"), given)
            seen.setdefault((name, "output"), output)
            return output

        module.forward = noted

    for name, module in tree.nodes(model, Module).items():
        watch(name, module)
    run()
    return seen


# --- Errors ------------------------------------------------------------------------


class Line(NamedTuple):
    """A line of the learner's."""

    file: Path
    number: int
    function: str
    text: str

    def __str__(self) -> str:
        return f"steps/{self.file.name}:{self.number}"


def own_lines(error: BaseException, only: Path | None = None) -> list[Line]:
    """The learner's own lines that led to an error, the last one last.

    Args:
        error: Whatever was raised.
        only: The one file whose lines count; None for all of steps/.
    """

    def own(file: Path) -> bool:
        return file == only if only else file.parent == STEPS

    lines = [
        Line(Path(frame.filename), frame.lineno or 0, frame.name, frame.line or "")
        for frame in traceback.extract_tb(error.__traceback__)
        if own(Path(frame.filename))
    ]
    if isinstance(error, RecursionError):
        lines = list(dict.fromkeys(lines))  # each once
    if isinstance(error, SyntaxError) and own(file := Path(error.filename or "")):
        lines.append(Line(file, error.lineno or 0, "", (error.text or "").strip()))
    return lines
