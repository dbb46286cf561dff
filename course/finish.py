"""What follows a right step 12: the whole model compared, and its first text."""

import os
import subprocess
import sys

from course.bisect import bisect
from course.lessons import ROOT
from course.report import BOOK, console, say
from gpt2 import start

WRITE = "generate --from steps --max-new-tokens 40 --seed 1 ROMEO:"


def finish() -> None:
    """Compares the learner's model with the reference; where they agree, it writes."""
    console.print()
    if not bisect():
        return
    say("It writes, with the weights of models/shakespeare:")
    console.print()
    sys.stdout.flush()
    subprocess.call(
        start.words("gpt2", *WRITE.split()),
        cwd=ROOT,
        env=dict(os.environ),  # without the PYTHONEXECUTABLE that MAX has set by now
    )
    console.print()
    say('next: ./run generate --from steps "your words"')
    say("in the book (./run book), break it and see why each line is there:")
    say(f"{BOOK}/playground.html", indent=4)
