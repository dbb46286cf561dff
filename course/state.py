"""What the coach remembers: a few lines of JSON in a folder that git ignores.

Deleting the folder loses nothing but comfort.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
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
        """Writes it, as a whole or not at all."""
        FOLDER.mkdir(exist_ok=True)
        unfinished = FILE.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(asdict(self), indent=1) + "\n")
        unfinished.replace(FILE)

    def kernels_are(self) -> str:
        """ "ready", "being compiled", "not compiled yet" or "not looked for yet"."""
        if self.kernels and Path(self.kernels).exists():
            return "ready"
        if alive(self.warmup):
            return "being compiled"
        looked = self.kernels or self.warmup
        return "not compiled yet" if looked else "not looked for yet"


def load() -> State:
    """What was saved; a new state if there is nothing that can be read."""
    try:
        return State(**json.loads(FILE.read_text()))
    except (OSError, ValueError, TypeError, RecursionError):
        return State()


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
