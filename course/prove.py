"""Prove the checks: that they reject every known mistake, and what the coach says.

For each step, the solution has to pass and every entry of the catalogue to fail.  The
coach then has to name the entry.  The same for mistakes that somebody has written who
has not seen the catalogue's code (`tests/spellings/`): each belongs to an entry, and
has to be rejected and named too.
"""

import warnings
from dataclasses import dataclass, field
from importlib import import_module

from course import variants
from course.examiner import Examiner, Example, Outcome, Suspects


@dataclass
class Proof:
    """What came of one step's mistakes.

    Attributes:
        number: The step.
        solved: Whether the solution passes; where it does not, nothing else is tried.
        mistakes: How many there are.
        rejected: How many of them fail a check.
        named: How many of them the coach names, alone.
        spellings: How many independent spellings there are.
        caught: How many of those fail a check.
        spelled: How many of those it names, alone.
        complaints: What is not as it should be.
    """

    number: int
    solved: bool = False
    mistakes: int = 0
    rejected: int = 0
    named: int = 0
    spellings: int = 0
    caught: int = 0
    spelled: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the checks tell right from wrong, whatever the coach then names."""
        all_fail = self.rejected == self.mistakes and self.caught == self.spellings
        return self.solved and all_fail


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
    proof.mistakes = len(suspects.mistakes)
    for mistake in suspects.mistakes:
        # Run anew, as a learner's file would be: what is random differs.
        module = variants.load(number, mistake.source(number))
        results = [(e, e.judge(module)) for e in examples]
        found = names(suspects, results)
        proof.rejected += found is not None
        proof.named += found == [mistake.what]
        if found is None:
            proof.complaints.append(f"not rejected: {mistake.what}")
        elif found != [mistake.what]:
            proof.complaints.append(f"named {found}: {mistake.what}")
    for what, text in spellings(number):
        source = variants.redefine(variants.solution(number), text)
        module = variants.load(number, source)
        found = names(suspects, [(e, e.judge(module)) for e in examples])
        proof.spellings += 1
        proof.caught += found is not None
        proof.spelled += found == [what]
        if found is None:
            proof.complaints.append(f"a spelling is not rejected: {what}")
        elif found != [what]:
            proof.complaints.append(f"a spelling is named {found}: {what}")
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
