"""Check a step each time it is saved.

A spare worker, with MAX imported and the kernels loaded, waits for the next file to
be saved; it takes that one verdict and is replaced.
"""

import re
from collections.abc import Iterator

import watchfiles

from course import check
from course.lessons import LESSONS, Lesson
from course.report import console, say
from course.worker_process import WorkerProcess
from gpt2 import process
from gpt2.learner import STEPS


def saved(lesson: Lesson) -> Iterator[Lesson]:
    """The step to check: `lesson` at once, then whichever is saved.

    Where several are saved together, it is the current one, or the first.
    """
    watching = watchfiles.watch(
        STEPS,
        debounce=50,
        step=20,
        rust_timeout=200,
        yield_on_timeout=True,
        recursive=False,
    )
    next(watching)  # from here on, nothing that is saved is missed
    yield lesson
    for changes in watching:
        names = (re.fullmatch(r".*/step_(\d\d)\.py", path) for _, path in changes)
        numbers = sorted(int(name[1]) for name in names if name)
        known = [number for number in numbers if number in LESSONS]
        if known:
            if lesson.number not in known:
                lesson = LESSONS[known[0]]
            yield lesson


def watch(lesson: Lesson) -> None:
    """Checks `lesson`, and every step that is saved, until Ctrl-C."""
    process.raise_interrupts()
    spare = WorkerProcess()
    try:
        for saved_lesson in saved(lesson):
            console.rule()
            if saved_lesson.file.exists():
                spare.ask(saved_lesson.number)
                check.check(saved_lesson, spare)
                spare = WorkerProcess()
            else:
                say(f"steps/{saved_lesson.file.name} is gone.")
            console.print()
            say("watching steps/: save a step to check it; Ctrl-C ends", "dim")
    except KeyboardInterrupt:
        console.print()  # the way to end it
    finally:
        spare.close()
