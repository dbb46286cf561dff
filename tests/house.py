"""A copy of what the coach needs, with a steps/ of its own, for the tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def build_house(place: Path) -> Path:
    """Copies the folders to `place`, with the stubs as steps."""
    for folder in ("course", "gpt2", "solutions", "tests"):
        ignore = shutil.ignore_patterns("__pycache__", "golden", "transcripts")
        shutil.copytree(ROOT / folder, place / folder, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", place)
    shutil.copytree(ROOT / "models" / "shakespeare", place / "models" / "shakespeare")
    shutil.copytree(ROOT / "course" / "stubs", place / "steps")
    return place


def run(house: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Runs Python in a house, as into a pipe of 80 columns."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=house,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80", **env},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def coach(house: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Runs one of the coach's commands in a house."""
    return run(house, "-I", "gpt2/start.py", "course", *words, **env)
