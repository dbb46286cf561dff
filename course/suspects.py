"""Which known mistakes do what a learner's file does.

To try the whole catalogue on a step's inputs takes up to half a minute.  So what each
mistake does on each input is known beforehand, in short: a `Sketch`.  They lie in
mistakes/outcomes.json, which `course-check` writes.  Only the mistakes whose sketches
fit are tried.  Where the file is older than the checks, the catalogue or MAX, it is
not used, and all are tried.
"""

import hashlib
import json
import zlib
from dataclasses import dataclass
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np

from course import variants
from course.examiner import Example, Outcome
from course.lessons import ROOT
from course.mistakes import Mistake, catalogue
from tests import expect

FILE = ROOT / "course" / "mistakes" / "outcomes.json"


# --- Sketches ----------------------------------------------------------------------


@dataclass(frozen=True)
class Sketch:
    """An outcome in short.

    Attributes:
        kind: A checksum of all that has to be the same: error, shapes, plain values.
        sum: Of the numbers, each with a weight of its own.
        slack: How far from it the sum of an outcome that agrees may be.
    """

    kind: str
    sum: float
    slack: float = 0.0

    def fits(self, other: "Sketch") -> bool:
        """Whether the outcomes may agree; where not, they do not."""
        near = abs(self.sum - other.sum) <= self.slack + other.slack
        return self.kind == other.kind and near

    def __str__(self) -> str:
        return f"{self.kind}:{self.sum:.6g}"


def read(text: str) -> Sketch:
    """A sketch from its text, which has no slack."""
    kind, _, total = text.partition(":")
    return Sketch(kind, float(total))


def sketch(outcome: Outcome) -> Sketch:
    kind: list[Any] = [type(outcome.error).__name__, outcome.origin]
    total, slack = 0.0, 1e-4
    for note in outcome.notes:
        if not isinstance(note, np.ndarray):
            kind.append(note)
            continue
        kind += [note.shape, note.dtype.name]
        if note.dtype.kind not in "biuf":  # no numbers
            continue
        numbers = np.nan_to_num(note.astype(np.float64), nan=7, posinf=11, neginf=-13)
        if isinstance(note, expect.Drawn):  # the root of a count varies by 1/2
            numbers, tolerance = np.sqrt(numbers), np.full(note.shape, 6.0)
        else:
            tolerance = 1e-5 + 1e-3 * abs(numbers)
        places = np.arange(note.size).reshape(note.shape)
        weights = np.sin(1 + places * places % 9973)  # without a pattern
        total += float((weights * numbers).sum())
        slack += float(np.linalg.norm(weights * tolerance))
    return Sketch(f"{zlib.crc32(repr(kind).encode()):08x}", total, slack)


# --- The file of them --------------------------------------------------------------


def digest(number: int) -> str:
    """What stands for all on which a step's outcomes depend."""
    names = [f"course/mistakes/step_{number:02d}", f"tests/test_step_{number:02d}"]
    names += ["tests/expect", "tests/reference", "tests/tensors"]
    names += [f"solutions/solution_{n:02d}" for n in range(1, number + 1)]
    texts = [(ROOT / f"{name}.py").read_text(encoding="utf-8") for name in names]
    text = "\n".join([version("modular"), *texts])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def remembered() -> dict[str, Any]:
    """The whole file; nothing if it cannot be read."""
    try:
        found = json.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def recall(number: int) -> dict[str, list[Sketch]]:
    """For each mistake of a step, by what it is, its sketch for each input."""
    step = remembered().get(f"{number:02d}", {})
    if step.get("of") != digest(number):
        return {}
    return {
        what: [read(text) for text in line.split()]
        for what, line in step["does"].items()
    }


def is_known(number: int) -> bool:
    """Whether the file has what this step's mistakes do now."""
    return recall(number) != {}


def remember(number: int, found: dict[str, list[Sketch]]) -> None:
    """Writes what `recall` gives."""
    does = {what: " ".join(map(str, sketches)) for what, sketches in found.items()}
    steps = remembered() | {f"{number:02d}": {"of": digest(number), "does": does}}
    text = json.dumps(steps, indent=1, sort_keys=True)
    FILE.write_text(text + "\n", encoding="utf-8")


# --- Suspects ----------------------------------------------------------------------


class Suspects:
    """The catalogue of one step, tried on its inputs as far as that is needed."""

    def __init__(
        self, number: int, known: dict[str, list[Sketch]] | None = None
    ) -> None:
        """
        Args:
            number: The step.
            known: What the mistakes do, if not what is remembered.
        """
        self.number = number
        self.mistakes = catalogue(number)
        self._known = recall(number) if known is None else known
        self._modules: dict[str, ModuleType] = {}
        self._outcomes: dict[tuple[str, int], Outcome] = {}

    def outcome(self, mistake: Mistake, example: Example) -> Outcome:
        """What a mistake does on an example, on which it is tried once."""
        key = mistake.what, id(example)
        if key not in self._outcomes:
            if mistake.what not in self._modules:
                source = mistake.source(self.number)
                self._modules[mistake.what] = variants.load(self.number, source)
            self._outcomes[key] = example.judge(self._modules[mistake.what])
        return self._outcomes[key]

    def explain(self, results: list[tuple[Example, Outcome]]) -> list[Mistake]:
        """The known mistakes that explain the first check which a file fails.

        A mistake explains it when it does the same as the file on every input of that
        check, and passes whatever else the file passes.  Where several do, and some
        do the same on all inputs of the step, it is one of those.

        Args:
            results: Every example of the step, in order, and what the file did.
        """
        first = next(example.check for example, outcome in results if outcome.error)
        sketches = [sketch(outcome) for _, outcome in results]
        # Of the failing check, of what passes, and of the rest.
        failing, passing, rest = [], [], []
        for place, (example, outcome) in enumerate(results):
            if example.check == first:
                failing.append(place)
            elif outcome.error is None:
                passing.append(place)
            else:
                rest.append(place)

        def fits(mistake: Mistake, place: int) -> bool:
            known = self._known.get(mistake.what)
            return known is None or sketches[place].fits(known[place])

        def agrees(mistake: Mistake, place: int) -> bool:
            example, outcome = results[place]
            return outcome.agrees(self.outcome(mistake, example))

        explaining, identical = [], []
        for mistake in self.mistakes:
            known = mistake.what in self._known
            if not all(fits(mistake, place) for place in failing + passing):
                continue
            # What the sketches say of the other checks is enough.
            tried = failing if known else failing + passing
            if not all(agrees(mistake, place) for place in tried):
                continue
            explaining.append(mistake)
            alike = fits if known else agrees
            if all(alike(mistake, place) for place in rest):
                identical.append(mistake)
        return identical or explaining
