"""What the coach remembers: a few lines of JSON in a folder that git ignores.

Deleting the folder loses nothing but comfort.
"""

import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from course.lessons import LESSONS, ROOT, Lesson

FOLDER = ROOT / ".course"
FILE = FOLDER / "state.json"


@dataclass
class State:
    """
    Attributes:
        passed: For each step that was right, by its number as text: a digest of the
            file that was.
        hints: For each step, how many of its hints were shown.
        kernels: MAX's compiled kernels; empty if they were never seen.
        warmup: Number of the process that compiles them; 0 if none was started.
    """

    passed: dict[str, str] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    kernels: str = ""
    warmup: int = 0

    def save(self) -> None:
        """Writes it, as a whole or not at all; where it cannot be, it says so."""
        try:
            FOLDER.mkdir(exist_ok=True)
            unfinished = FILE.with_suffix(f".{os.getpid()}")
            unfinished.write_text(json.dumps(asdict(self), indent=1) + "\n")
            unfinished.replace(FILE)
        except OSError as error:
            complain(
                f"Note: the coach cannot remember this: {FOLDER} cannot be written "
                f"({error.strerror}). See ./run doctor"
            )

    def is_done(self, lesson: Lesson) -> bool:
        """A step is done while its file is what passed."""
        passed = self.passed.get(str(lesson.number))
        return passed is not None and passed == digest(lesson.file)

    def next_lesson(self) -> Lesson | None:
        """The first step that is not done."""
        return next((x for x in LESSONS.values() if not self.is_done(x)), None)

    def kernels_are(self) -> str:
        """ "ready", "being compiled", "not compiled yet" or "not looked for yet"."""
        if self.kernels and Path(self.kernels).exists():
            return "ready"
        if alive(self.warmup):
            return "being compiled"
        looked = self.kernels or self.warmup
        return "not compiled yet" if looked else "not looked for yet"


@cache  # once in a process
def complain(text: str) -> None:
    print(text, file=sys.stderr)


def load() -> State:
    """What was saved; a new state if there is nothing that can be read."""
    try:
        return State(**json.loads(FILE.read_text()))
    except (OSError, ValueError, TypeError, RecursionError):
        return State()


def update(**values: Any) -> State:
    """Saves these attributes beside what is saved, and gives the whole."""
    state = load()
    for name, value in values.items():
        setattr(state, name, value)
    state.save()
    return state


def remember(lesson: Lesson, digest: str, right: bool) -> None:
    """Saves that a step's file with this digest is right, or that it is not."""
    state = load()
    if right:
        state.passed[str(lesson.number)] = digest
    elif state.passed.get(str(lesson.number)) == digest:
        del state.passed[str(lesson.number)]
    state.save()


# --- Files and processes -----------------------------------------------------------


def keep(file: Path) -> Path:
    """Copies a file to the first free number in the coach's folder."""
    FOLDER.mkdir(exist_ok=True)
    number = 1
    while (kept := FOLDER / f"{file.stem}.{number}{file.suffix}").exists():
        number += 1
    kept.write_bytes(file.read_bytes())
    return kept


def digest(file: Path) -> str:
    """What stands for a file's contents; empty if there is no such file."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:  # no Linux
        return pid > 0
    except (OSError, OverflowError):
        return False
    return pid > 0 and stat.rpartition(")")[2].split()[0] != "Z"
