"""Of cases that are much alike, the quick tests try some, and test-all every one."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def some(cases: Iterable[Any], quick: Callable[[Any], bool]) -> list[Any]:
    """Cases for `parametrize`: `quick` tells which of them `./run test` tries."""
    return [
        pytest.param(case, marks=() if quick(case) else pytest.mark.slow)
        for case in cases
    ]


def every(step: int, cases: Iterable[Any]) -> list[Any]:
    """Cases for `parametrize`: `./run test` tries the first of every so many."""
    cases = list(cases)
    return some(cases, cases[::step].__contains__)
