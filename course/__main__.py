"""The coach: `python -m course check 07` tells whether steps/step_07.py is right.

It runs tests/test_step_07.py on the learner's file, with the solutions in the place
of the earlier steps.
"""

import io
import os
import subprocess
import sys
import traceback
from collections.abc import Generator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import click
import pytest
from rich.console import Console

ROOT = Path(__file__).parent.parent
STEPS = ROOT / "steps"
TITLES = {
    1: "Configuration",
    2: "Causal mask",
    3: "Layer normalization",
    4: "MLP",
    5: "Token embeddings",
    6: "Position embeddings",
    7: "Multi-head attention",
    8: "Residual connection",
    9: "Transformer block",
    10: "The whole stack",
    11: "Language model head",
    12: "Generating text",
}
console = Console(highlight=False)


class Verdicts:
    """A pytest plugin: which checks pass, and how the first other one fails."""

    def __init__(self) -> None:
        self.passed = 0
        self.total = 0
        self.first: tuple[str, pytest.ExceptionInfo[BaseException]] | None = None

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None]:
        yield
        if call.when == "call":
            self.total += 1
            self.passed += call.excinfo is None
        elif call.when == "setup" and call.excinfo is not None:
            self.total += 1
        if call.excinfo is not None and self.first is None:
            assert isinstance(item, pytest.Function)
            self.first = item.function.__doc__ or item.name, call.excinfo


@click.group()
def main() -> None:
    """The coach of the course."""


@main.command()
@click.argument("number", type=click.IntRange(1, 12))
def check(number: int) -> None:
    """Check step NUMBER: exit code 0 if it is right, 1 if not yet."""
    file = STEPS / f"step_{number:02d}.py"
    if not file.exists():
        raise click.UsageError(
            f"steps/{file.name} is not there: "
            f"copy course/stubs/{file.name} to it and begin anew"
        )
    console.print(f"s{number:02d}  [bold]{TITLES[number]}[/]")
    if number > 1:
        load_kernels()
    verdicts = Verdicts()
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        pytest.main(
            [
                str(ROOT / "tests" / f"test_step_{number:02d}.py"),
                f"--steps={STEPS}",
                "-p",
                "no:cacheprovider",
            ],
            plugins=[verdicts],
        )
    console.print()
    if verdicts.first is None and verdicts.total > 0:
        console.print(f"  right: all {verdicts.total} checks pass")
        console.print()
        console.print(f"  next: {next_command(number)}")
        if number == 12:
            write_a_few_lines()
        return
    console.print(
        f"  not yet: {verdicts.passed} of {verdicts.total} checks pass.  "
        "The first that does not:"
    )
    if verdicts.first is not None:
        show(*verdicts.first)
    console.print(
        f"\n  next: correct steps/{file.name}, then ./run s{number:02d} again"
    )
    sys.exit(1)


def load_kernels() -> None:
    """Readies MAX's eager kernels, saying so: the first time it compiles them."""
    text = "preparing MAX: seconds, but 2 minutes the first time on a machine"
    if not console.is_terminal:
        console.print(text)
    with console.status(text):
        from gpt2 import eager

        eager.prepare()


def show(behaviour: str, failure: pytest.ExceptionInfo[BaseException]) -> None:
    """Prints what should hold, what happened instead, and where in the step's file."""
    console.print(f"\n  [bold]{behaviour}[/]")
    error = failure.value
    if isinstance(error, NotImplementedError):
        console.print(f"    still to be written: {error}", markup=False)
    else:
        text = str(error) if isinstance(error, AssertionError) else ""
        text = text or "".join(traceback.format_exception_only(error))
        lines = [line for line in text.splitlines() if line.strip()]
        for line in lines[:12]:
            console.print(f"    {line}", markup=False)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).parent == STEPS:
            name = Path(frame.filename).name
            console.print(f"\n  look at  steps/{name}:{frame.lineno}  {frame.name}")
            break


def next_command(number: int) -> str:
    return f"./run s{number + 1:02d}" if number < 12 else "./run generate --from steps"


def write_a_few_lines() -> None:
    """Lets the learner's own model write, all twelve steps together."""
    console.print("\n  Your own model, with the weights of models/shakespeare:\n")
    words = "generate --from steps --max-new-tokens 40 --seed 1 ROMEO:".split()
    sys.stdout.flush()
    code = subprocess.call(
        [sys.executable, "-m", "gpt2", *words],
        cwd=ROOT,
        env=dict(os.environ),  # without the PYTHONEXECUTABLE that MAX has set by now
    )
    if code != 0:
        sys.exit(code)


if __name__ == "__main__":
    main(prog_name="course")
