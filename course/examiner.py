"""Run the checks of one step on a learner's file.

pytest collects the checks and runs them on the file.  Each call of a check with one
set of inputs is an `Example`; it is kept, so that it can be tried on other modules
too: on known mistakes, when the learner's file fails (`suspects.py`).
"""

import dis
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from course.lessons import ROOT
from tests import expect


@dataclass(frozen=True)
class Outcome:
    """What happened when an example was tried on a module.

    Attributes:
        notes: Everything that the check was handed over.
        error: What it raised; None if the module is right as far as this can see.
        origin: Where that came from; empty if it came from the file itself, or nothing.
        words: What Python, MAX or NumPy said; empty where the file itself raised it:
            then its words are its author's.
    """

    notes: list[Any]
    error: BaseException | None
    origin: str = ""
    words: str = ""

    def agrees(self, other: "Outcome") -> bool:
        """Whether two modules have done the same: value, shape, dtype or error."""
        return (
            type(self.error) is type(other.error)
            and (self.origin, self.words) == (other.origin, other.words)
            and expect.agree(self.notes, other.notes)
        )


def origin(error: BaseException, file: str) -> tuple[str, str]:
    """Origin and words of an error, as in `Outcome`.

    Args:
        error: What was raised.
        file: The module under test.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    assert place is not None, "it was raised"
    code = place.tb_frame.f_code
    words = re.sub(r"0x[0-9a-f]+", "0x", str(error).partition("\n\n")[0])
    if code.co_filename != file:
        return f"{Path(code.co_filename).name} {code.co_name}", words
    by_hand = dis.opname[code.co_code[place.tb_lasti]] == "RAISE_VARARGS"
    return "", "" if by_hand else words


@dataclass(frozen=True)
class Example:
    """A check with one set of inputs.

    Attributes:
        check: The check's name.
        title: The behaviour that it checks, in words.
        about: The function, method or class that it judges.
        function: The check itself.
        inputs: Its arguments but for the module under test.
    """

    check: str
    title: str
    about: str
    function: Callable[..., None]
    inputs: dict[str, Any] = field(default_factory=dict)

    def judge(self, module: ModuleType) -> Outcome:
        """Tries the example on a module."""
        with expect.noting() as notes:
            try:
                self.function(step=module, **self.inputs)
            except expect.Different as different:
                return Outcome(notes, different)
            except BaseException as error:  # a learner's exit() included
                return Outcome(notes, error, *origin(error, str(module.__file__)))
        return Outcome(notes, None)


class Examiner:
    """The checks of one step, and how a file did in them.

    Attributes:
        results: Every example that was tried, in order, with its outcome.
        broken: What the file raised when it was imported; None if nothing.
    """

    def __init__(
        self,
        number: int,
        around: Callable[[str], AbstractContextManager[Any]] = nullcontext,
        tried: Callable[[Example, Outcome], None] = lambda *_: None,
    ) -> None:
        """
        Args:
            number: The step.
            around: Is entered whenever code of the file under test runs, with the
                title of the check; empty while the file is imported.
            tried: Is told of every example and its outcome.
        """
        self.number = number
        self.around = around
        self.tried = tried
        self.results: list[tuple[Example, Outcome]] = []
        self.broken: BaseException | None = None

    def examine(self, folder: Path | None) -> None:
        """Runs all checks on `folder`/step_NN.py, or on the solution.

        Raises:
            RuntimeError: If pytest runs none: what was not checked is not right.
        """
        checks = ROOT / "tests" / f"test_step_{self.number:02d}.py"
        words = [str(checks), f"--rootdir={ROOT}", "--capture=no", "--assert=plain"]
        words += [] if folder is None else [f"--steps={folder}"]
        # Nothing of what else is installed, or lies around.
        words += ["--disable-plugin-autoload", f"--config-file={ROOT}/pyproject.toml"]
        words += ["--override-ini=pythonpath=", f"--confcutdir={ROOT / 'tests'}"]
        for plugin in ("terminal", "cacheprovider", "faulthandler", "debugging"):
            words += ["-p", f"no:{plugin}"]
        with pytest.MonkeyPatch.context() as environment:
            for name in [name for name in os.environ if name.startswith("PYTEST_")]:
                environment.delenv(name)  # of another pytest
            code = pytest.main(words, plugins=[self])
        if code is not pytest.ExitCode.OK and self.broken is None:
            raise RuntimeError(
                f"pytest ran not every check of step {self.number:02d}: {code!r}"
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        if fixturedef.argname != "step":
            return (yield)
        try:
            with self.around(""):
                return (yield)
        except BaseException as error:  # a learner's exit() included
            self.broken = error
            request.session.shouldfail = "no check can run"
            raise RuntimeError("the file cannot be run") from error

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        names = pyfuncitem._fixtureinfo.argnames
        inputs: dict[str, Any] = {n: pyfuncitem.funcargs[n] for n in names}
        marker = pyfuncitem.get_closest_marker("about")
        example = Example(
            pyfuncitem.originalname,
            str(pyfuncitem.function.__doc__),
            marker.args[0] if marker else "",
            pyfuncitem.obj,
            {name: value for name, value in inputs.items() if name != "step"},
        )
        with self.around(example.title):
            outcome = example.judge(inputs["step"])
        self.results.append((example, outcome))
        self.tried(example, outcome)
        return True  # the error is kept: pytest need not spend time on describing it

    @property
    def failure(self) -> tuple[Example, BaseException] | None:
        """The first example that the file fails, and how."""
        for example, outcome in self.results:
            if outcome.error is not None:
                return example, outcome.error
        return None

    def checks(self) -> dict[str, bool]:
        """For each check, by its title, whether all its examples pass."""
        passed: dict[str, bool] = {}
        for example, outcome in self.results:
            before = passed.get(example.title, True)
            passed[example.title] = before and outcome.error is None
        return passed
