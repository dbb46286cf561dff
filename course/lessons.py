"""The twelve steps, as data: `lessons.toml`, and where their files lie."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from gpt2.learner import STEPS

ROOT = Path(__file__).parent.parent
STUBS = ROOT / "course" / "stubs"


@dataclass(frozen=True)
class Lesson:
    """One step.  See `lessons.toml` for what the texts are."""

    number: int
    title: str
    role: str
    hints: list[str]

    @property
    def task(self) -> str:
        return f"s{self.number:02d}"

    @property
    def heading(self) -> str:
        """Task and title, as every table and message has them."""
        return f"{self.task}  {self.title}"

    @property
    def file(self) -> Path:
        """Where the learner writes."""
        return STEPS / f"step_{self.number:02d}.py"

    @property
    def stub(self) -> Path:
        """The file as it was in the beginning."""
        return STUBS / f"step_{self.number:02d}.py"

    @property
    def needs_kernels(self) -> bool:
        """Whether checking it runs operations of MAX."""
        return self.number > 1


def load() -> dict[int, Lesson]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    lessons = tomllib.loads(text)["lesson"]
    return {number: Lesson(number, **data) for number, data in enumerate(lessons, 1)}


LESSONS = load()
