"""What the checks of the steps compare, and what they say when it differs.

A check calls the step's code and hands over what came out.  Where that is not what
should have come out, `Different` says so in the words that the learner reads: at
most a dozen lines, the smallest piece that shows it, numbers below numbers.

Everything that is handed over is also noted (`noting`): two files that make all the
same notes on a check have, as far as it can see, made the same mistake.
"""

import contextlib
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

TOLERANCE = 1e-5  # float32, sums of a few dozen numbers near 1
SHOWN = 6  # numbers in a row

_notes: list[Any] | None = None


class Different(AssertionError):
    """What a step gave is not what it should have given.

    Attributes:
        section: Where the book's page of troubles says more about it.
    """

    def __init__(self, text: str, section: str = "different") -> None:
        super().__init__(text)
        self.section = section


@contextlib.contextmanager
def noting() -> Iterator[list[Any]]:
    """Collects what the checks are handed over."""
    global _notes
    before, _notes = _notes, []
    try:
        yield _notes
    finally:
        _notes = before


def note(thing: Any) -> None:
    if _notes is not None:
        _notes.append(thing)


class Drawn(np.ndarray):
    """How often each token was drawn: another seed would give other numbers."""


def agree(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two files have made the same notes, rounding and luck aside."""
    return len(one) == len(other) and all(map(alike, one, other))


def alike(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, Drawn):
        if one.shape != other.shape:
            return False
        # Six standard deviations of the difference of two counts.
        return bool((abs(one - other) <= 6 * np.sqrt(one + other) + 1e-9).all())
    if isinstance(one, np.ndarray):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        return np.allclose(one, other, rtol=1e-3, atol=1e-5, equal_nan=True)
    return bool(one == other)


# --- Comparison ------------------------------------------------------------------


def close(
    actual: ArrayLike, expected: ArrayLike, given: str, axes: str = "", what: str = ""
) -> None:
    """The same shape, and values within float32 rounding of each other.

    Args:
        actual: What the step gave.
        expected: What it should have given.
        given: What the step was given, in a few words: "2 heads and 3 tokens".
        axes: A name for each axis of the arrays but the last: "head token".
        what: What the numbers are: "token 2 attends with"; nothing if that is clear.

    Raises:
        Different: If they differ.
    """
    compare(actual, expected, given, axes, what, TOLERANCE)


def equal(
    actual: ArrayLike, expected: ArrayLike, given: str, axes: str = "", what: str = ""
) -> None:
    """As `close`, for values that are only moved about: they must be equal."""
    compare(actual, expected, given, axes, what, 0.0)


def compare(
    actual: ArrayLike,
    expected: ArrayLike,
    given: str,
    axes: str,
    what: str,
    tolerance: float,
) -> None:
    actual, expected = np.asarray(actual), np.asarray(expected)
    note(actual)
    if actual.shape != expected.shape:
        raise Different(
            f"for {given}, the shape is not right:\n"
            f"  yours     {list(actual.shape)}\n"
            f"  expected  {list(expected.shape)}"
        )
    same = np.isclose(actual, expected, rtol=tolerance, atol=tolerance, equal_nan=False)
    if same.all():
        return
    *place, column = np.argwhere(~same)[0] if actual.ndim else [0]
    names = axes.split()
    where = "".join(f", {n} {i}" for n, i in zip(names, place, strict=True))
    row = tuple(place)
    raise Different(
        "\n".join(
            [
                f"for {given}{where}{', ' + what if what else ''}",
                *rows(
                    np.atleast_1d(actual[row]),
                    np.atleast_1d(expected[row]),
                    np.atleast_1d(same[row]),
                    int(column),
                ),
            ]
        )
    )


def rows(
    actual: np.ndarray, expected: np.ndarray, same: np.ndarray, column: int
) -> list[str]:
    """Two rows of numbers below each other, those that differ marked with ^."""
    first = 0 if len(actual) <= SHOWN else max(0, min(column, len(actual) - SHOWN))
    window = slice(first, first + SHOWN)
    yours, wanted = actual[window], expected[window]
    differing = [
        pair
        for pair, s in zip(zip(yours, wanted, strict=True), same[window], strict=True)
        if not s
    ]
    digits = 2
    while digits < 8 and any(
        number(a, digits) == number(e, digits) for a, e in differing
    ):
        digits += 1
    ours = [number(n, digits) for n in yours]
    theirs = [number(n, digits) for n in wanted]
    marks = ["" if s else "^" for s in same[window]]
    width = [max(map(len, pair)) for pair in zip(ours, theirs, strict=True)]
    marks = [m * w for m, w in zip(marks, width, strict=True)]

    def line(title: str, cells: list[str]) -> str:
        text = "  ".join(f"{c:>{w}}" for c, w in zip(cells, width, strict=True))
        return f"  {title:8}  {text}".rstrip()

    lines = [line("yours", ours), line("expected", theirs), line("", marks)]
    if len(actual) > SHOWN:
        last = first + len(ours) - 1
        lines.append(f"  (numbers {first} to {last} of the {len(actual)} in this row)")
    return lines


def some(count: int, one: str, more: str) -> str:
    """A number of things, in words."""
    return f"{count} {one if count == 1 else more}"


def number(value: Any, digits: int) -> str:
    """A number with that many decimals; whole ones and very large ones without."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if not np.isfinite(value) or value == int(value) or abs(value) >= 1e4:
        return f"{value:.{digits + 4}g}"
    return f"{value:.{digits}f}"


def same(actual: Any, expected: Any, given: str) -> None:
    """Two plain values are equal, and of one type.

    Raises:
        Different: If they are not.
    """
    note(actual)
    if type(actual) is not type(expected) or actual != expected:
        raise Different(
            f"for {given}\n  yours     {actual!r}\n  expected  {expected!r}"
        )


def that(holds: bool, otherwise: str) -> None:
    """Something holds.

    Args:
        holds: Whether it does.
        otherwise: What to say if not.

    Raises:
        Different: If not.
    """
    note(bool(holds))
    if not holds:
        raise Different(otherwise)


def parameters(
    actual: dict[str, tuple[int, ...]],
    expected: dict[str, tuple[int, ...]],
    twins: dict[str, str],
) -> None:
    """A module's parameters have the names and shapes of the checkpoint's.

    Args:
        actual: The shape of each parameter, by its name.
        expected: What they should be.
        twins: Names of parameters that are others too, and the names of those.

    Raises:
        Different: If they are not, or if two of them are one.
    """
    # What others are called is their author's own matter: their shapes are noted, which
    # of the expected ones they are, and of how many parts.
    there, others = sorted(actual.keys() & expected), sorted(actual.keys() - expected)
    first = {twins.get(name, name): name for name in there}
    note([(name, actual[name], twins.get(name) in expected) for name in there])
    note(sorted((actual[name], first.get(twins.get(name, name))) for name in others))
    note(len({name.partition(".")[0] for name in others}))
    wrong = []
    for name in sorted(actual.keys() | expected.keys()):
        if name not in actual:
            wrong.append(f"  missing   {name} {list(expected[name])}")
        elif name not in expected:
            again = f", which is {twins[name]}" if name in twins else ""
            wrong.append(f"  too many  {name} {list(actual[name])}{again}")
        elif actual[name] != expected[name]:
            wrong.append(
                f"  not right {name}: yours {list(actual[name])}, "
                f"expected {list(expected[name])}"
            )
        elif name in twins:
            wrong.append(f"  not right {name}: it is {twins[name]}")
    if wrong:
        more = [f"  and {len(wrong) - 8} more"] if len(wrong) > 8 else []
        lines = ["the parameters are not the checkpoint's:", *wrong[:8], *more]
        raise Different("\n".join(lines), "parameters")


def dimensions(actual: Sequence[Any], expected: Sequence[Any], given: str) -> None:
    """A shape whose lengths may be symbolic, such as `old + new`.

    Raises:
        Different: If it is another one.
    """
    yours, wanted = (f"[{', '.join(map(str, shape))}]" for shape in (actual, expected))
    note(yours)
    if list(actual) != list(expected):
        raise Different(
            f"for {given}, the shape is not right:\n"
            f"  yours     {yours}\n"
            f"  expected  {wanted}"
        )


def refused(
    error: type[Exception], word: str, call: Callable[[], object], given: str
) -> None:
    """`call` raises `error`, with `word` in its message, in capitals or not.

    Raises:
        Different: If it raises nothing, or says something else.
        Exception: What `call` raises instead.
    """
    try:
        call()
    except error as raised:
        # MAX may raise the same kind of error, later and for another reason.
        by_max = (
            "max" in Path(traceback.extract_tb(raised.__traceback__)[-1].filename).parts
        )
        is_named = word.casefold() in str(raised).casefold()
        note((type(raised), is_named, by_max))
        if not is_named:
            raise Different(
                f"for {given}, the {error.__name__} does not name {word}:\n"
                f"  yours     {str(raised).partition(chr(10))[0] or '(no message)'}"
            ) from None
    else:
        note("nothing raised")
        article = "an" if error.__name__[0] in "AEIOU" else "a"
        raise Different(
            f"for {given}\n  yours     raises nothing\n"
            f"  expected  raises {article} {error.__name__} that names {word}"
        )


def drawn_from(drawn: np.ndarray, probabilities: np.ndarray, given: str) -> None:
    """Each token was drawn about as often as it should have been.

    Every count has to lie within six standard deviations of its expectation, which
    chance misses less than once in ten million.

    Args:
        drawn: Tokens `[rows]`.
        probabilities: Of each token `[vocab_size]`.
        given: As for `close`.

    Raises:
        Different: If not.
    """
    counts = np.bincount(drawn, minlength=len(probabilities))
    note(counts.view(Drawn))
    chance = np.zeros(len(counts))
    chance[: len(probabilities)] = probabilities
    spread = np.sqrt(len(drawn) * chance * (1 - chance))
    fits = np.abs(counts - len(drawn) * chance) <= 6 * spread + 1e-9
    if not fits.all():
        shares = np.round(counts / len(drawn), 3)
        column = int(np.argmin(fits))
        raise Different(
            "\n".join(
                [
                    f"for {given}, how often each token is drawn",
                    *rows(shares, np.round(chance, 3), fits, column),
                ]
            )
        )
