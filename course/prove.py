"""Prove the checks: that they reject every known mistake, and what the coach says.

For each step, the solution has to pass and every entry of the catalogue to fail.  The
coach then has to name the entry.  The same for mistakes that somebody has written who
has not seen the catalogue's code (`tests/spellings/`): each belongs to an entry, and
has to be rejected and named too.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module

from course import variants
from course.examiner import Examiner, Example, Outcome, Suspects
from course.lessons import Lesson
from course.report import Waiting, say
from gpt2.learner import solution


@dataclass
class Tally:
    """How many wrong answers were tried, fail a check, and are named, alone."""

    tried: int = 0
    rejected: int = 0
    named: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.tried + other.tried,
            self.rejected + other.rejected,
            self.named + other.named,
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
    """

    number: int
    solved: bool = False
    mistakes: Tally = field(default_factory=Tally)
    spellings: Tally = field(default_factory=Tally)
    complaints: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the checks tell right from wrong, whatever the coach then names."""
        tallies = self.mistakes, self.spellings
        return self.solved and all(some.rejected == some.tried for some in tallies)


def show_all(lessons: Iterable[Lesson]) -> bool:
    """Proves the checks of these steps, and prints a line for each.

    Returns:
        Whether they all tell right from wrong.
    """
    proofs = []
    for lesson in lessons:
        with Waiting(f"step {lesson.number:02d}"):
            proof = prove(lesson.number)
        proofs.append(proof)
        mistakes, spellings = proof.mistakes, proof.spellings
        rejected = f"rejected {mistakes.rejected}/{mistakes.tried}"
        named = f"named {mistakes.named}/{mistakes.tried}"
        spelled = f"spellings named {spellings.named}/{spellings.tried}"
        say(f"{lesson.task}  {rejected:17}  {named:14}  {spelled}", indent=0)
        for complaint in proof.complaints:
            say(complaint, indent=5)
    mistakes = sum((proof.mistakes for proof in proofs), Tally())
    spellings = sum((proof.spellings for proof in proofs), Tally())
    say(
        f"rejected {mistakes.rejected}/{mistakes.tried}, "
        f"named {mistakes.named}/{mistakes.tried}; "
        f"independent spellings named {spellings.named}/{spellings.tried}",
        "bold",
        indent=0,
    )
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
    examples = [example for example, _ in examiner.results]
    suspects = Suspects(number)

    def tried(tally: Tally, kind: str, what: str, source: str) -> None:
        # Run anew, as a learner's file would be: what is random differs.
        module = variants.load(number, source)
        found = names(suspects, [(e, e.judge(module)) for e in examples])
        tally.tried += 1
        tally.rejected += found is not None
        tally.named += found == [what]
        if found is None:
            proof.complaints.append(f"{kind} is not rejected: {what}")
        elif found != [what]:
            proof.complaints.append(f"{kind} is named {found}: {what}")

    for mistake in suspects.mistakes:
        tried(proof.mistakes, "a mistake", mistake.what, mistake.source(number))
    for what, text in spellings(number):
        source = variants.redefine(solution(number), text)
        tried(proof.spellings, "a spelling", what, source)
    return proof


def names(
    suspects: Suspects, results: list[tuple[Example, Outcome]]
) -> list[str] | None:
    """What the coach would name; None if the checks find nothing wrong."""
    if all(outcome.error is None for _, outcome in results):
        return None
    return [mistake.what for mistake in suspects.explain(results)]


def spellings(number: int) -> list[tuple[str, str]]:
    """Independent spellings of known mistakes: what the mistake is, and the text."""
    found: list[tuple[str, str]] = import_module(
        f"tests.spellings.step_{number:02d}"
    ).SPELLINGS
    return found
