"""The catalogue of mistakes: how each step is really got wrong.

Each entry is a few lines over the solution.  The coach finds a learner's mistake by
running the entries on the same inputs; `course-check` proves with them that the
checks let no mistake through.
"""

from dataclasses import dataclass
from importlib import import_module

from course import variants
from gpt2.learner import solution


@dataclass(frozen=True)
class Mistake:
    """One way to get a step wrong.

    Attributes:
        what: What was done, in a few words.
        why: What GPT-2 does instead, or why, in a sentence or two.
        swap: Text of the solution, and the text that takes its place.
    """

    what: str
    why: str
    swap: dict[str, str]

    def source(self, number: int) -> str:
        """Step `number`'s text with this mistake in it."""
        return variants.swap(solution(number), self.swap)


def catalogue(number: int) -> list[Mistake]:
    """The known mistakes of one step."""
    found: list[Mistake] = import_module(f"course.mistakes.step_{number:02d}").MISTAKES
    return found
