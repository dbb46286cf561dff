"""Prove the checks: that they reject every known mistake, and what the coach says.

For each step, the solution has to pass and every entry of the catalogue to fail.  The
coach then has to name the entry.  The same for mistakes that somebody has written who
has not seen the catalogue's code (`tests/spellings/`): each belongs to an entry, and
has to be rejected and named too.

What the entries do is remembered on the way, for the coach (`suspects.py`).
"""

import contextlib
import os
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field
from importlib import import_module

from course import report, suspects, variants
from course.examiner import Examiner, Example, Outcome
from course.lessons import Lesson
from course.mistakes import catalogue
from course.report import Waiting, say
from course.suspects import Sketch, Suspects, sketch
from gpt2.learner import solution

SECONDS = 0.5  # for an entry, on the two cores on which this was written


@dataclass
class Tally:
    """How many wrong answers there are, and what became of them.

    Attributes:
        tried: All of them.
        rejected: Those that fail a check.
        named: Those that the coach calls by their name, and by no other.
        misnamed: Those that it only calls by others.
    """

    tried: int = 0
    rejected: int = 0
    named: int = 0
    misnamed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        return (
            f"{self.tried:4} tried  {self.rejected:4} rejected  {self.named:4} named  "
            f"{self.misnamed:3} wrongly named"
        )


@dataclass
class Proof:
    """What came of one step's wrong answers.

    Attributes:
        number: The step.
        solved: Whether the solution passes; where it does not, nothing else is tried.
        mistakes: Those of the catalogue.
        spellings: The independent spellings.
        complaints: What is not as it should be.
        known: For each entry, a sketch of what it does on each input.
    """

    number: int
    solved: bool = False
    mistakes: Tally = field(default_factory=Tally)
    spellings: Tally = field(default_factory=Tally)
    complaints: list[str] = field(default_factory=list)
    known: dict[str, list[Sketch]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the checks tell right from wrong, whatever the coach then names."""
        tallies = self.mistakes, self.spellings
        return self.solved and all(some.rejected == some.tried for some in tallies)


@contextlib.contextmanager
def speaking_alone() -> Iterator[None]:
    """MAX prints each graph that it refuses; what the coach says goes past that."""
    stdout = os.dup(1)
    console = report.console
    spoken = open(os.dup(1), "w", buffering=1)  # noqa: SIM115 (line by line)
    with open(os.devnull, "w") as nowhere, spoken as console.file:
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)
            console.file = None  # type: ignore[assignment]  # sys.stdout again


def show_all(lessons: Iterable[Lesson]) -> bool:
    """Proves the checks of these steps, and prints what came of each.

    Returns:
        Whether they all tell right from wrong.
    """
    lessons = list(lessons)
    entries = sum(len(catalogue(lesson.number)) for lesson in lessons)
    if SECONDS * entries > 60:
        minutes = round(SECONDS * entries / 60)
        say(f"{entries} known mistakes: about {minutes} min on two cores", indent=0)
    proofs = []
    with speaking_alone():
        for lesson in lessons:
            start = time.monotonic()
            with Waiting(f"step {lesson.number:02d}"):
                proof = prove(lesson.number)
            proofs.append(proof)
            took = f"{time.monotonic() - start:.0f} s"
            say(f"{lesson.task}  mistakes   {proof.mistakes}  {took}", indent=0)
            say(f"     spellings  {proof.spellings}", indent=0)
            for complaint in proof.complaints:
                say(complaint, indent=5)
            if proof.holds and not suspects.is_known(lesson.number):
                suspects.remember(lesson.number, proof.known)
                say(f"written: {suspects.FILE.relative_to(suspects.ROOT)}", indent=5)
        for kind in ("mistakes", "spellings"):
            tally = sum((getattr(proof, kind) for proof in proofs), Tally())
            say(f"all  {kind:9}  {tally}", "bold", indent=0)
    return all(proof.holds for proof in proofs)


def prove(number: int) -> Proof:
    """Tries every known mistake of a step, and every spelling."""
    warnings.simplefilter("ignore")  # some divide by 0
    proof = Proof(number)
    examiner = Examiner(number)
    examiner.examine(None)
    if examiner.broken or examiner.failure or not examiner.results:
        proof.complaints.append("the solution does not pass")
        return proof
    proof.solved = True

    def results(source: str) -> list[tuple[Example, Outcome]]:
        module = variants.load(number, source)
        return [(example, example.judge(module)) for example, _ in examiner.results]

    entries = {m.what: results(m.source(number)) for m in catalogue(number)}
    for what, found in entries.items():
        proof.known[what] = [sketch(outcome) for _, outcome in found]
    suspects = Suspects(number, proof.known)

    def tried(
        tally: Tally, kind: str, what: str, found: list[tuple[Example, Outcome]]
    ) -> None:
        rejected = any(outcome.error is not None for _, outcome in found)
        names = [m.what for m in suspects.explain(found)] if rejected else []
        tally.tried += 1
        tally.rejected += rejected
        tally.named += names == [what]
        tally.misnamed += bool(names) and what not in names
        if not rejected:
            proof.complaints.append(f"{kind} is not rejected: {what}")
        elif names != [what]:
            proof.complaints.append(f"{kind} is named {names}: {what}")

    for what, found in entries.items():
        tried(proof.mistakes, "a mistake", what, found)
    for what, text in spellings(number):
        source = variants.redefine(solution(number), text)
        tried(proof.spellings, "a spelling", what, results(source))
    return proof


def spellings(number: int) -> list[tuple[str, str]]:
    """Independent spellings of known mistakes: what the mistake is, and the text."""
    found: list[tuple[str, str]] = import_module(
        f"tests.spellings.step_{number:02d}"
    ).SPELLINGS
    return found
