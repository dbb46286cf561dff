"""What the coach says is what was read and agreed on: tests/transcripts/*.txt.

After a change on purpose: `./run transcripts`, and read the difference.
"""

from pathlib import Path

import pytest

from tests.quick import some
from tests.transcripts.make import NAMES, alike, transcript

FOLDER = Path(__file__).parent / "transcripts"
SLOW = {"step_07", "step_09", "step_10", "step_11", "step_12", "survived"}


def test_there_is_a_transcript_for_everything_and_nothing_else():
    assert sorted(file.stem for file in FOLDER.glob("*.txt")) == sorted(NAMES)


@pytest.mark.parametrize("name", some(NAMES, lambda name: name not in SLOW))
def test_the_coach_says_what_was_agreed_on(name, eager):
    before = (FOLDER / f"{name}.txt").read_text()
    now = transcript(name)
    assert alike(before, now), f"{name}.txt differs: ./run transcripts, and git diff"


@pytest.mark.parametrize("name", NAMES[:-1])  # "commands" shows files, which are wider
def test_it_fits_80_columns(name):
    lines = (FOLDER / f"{name}.txt").read_text().splitlines()
    assert [line for line in lines if len(line) > 80 and "ANCHOR" not in line] == []


def test_a_changed_word_and_a_changed_number_are_seen():
    assert alike("is 0.1234  ^^", "is  0.1235 ^^^")
    assert not alike("is 0.12", "is 0.13")
    assert not alike("is right", "is wrong")
