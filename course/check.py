"""Check a step, and say what came of it."""

import contextlib

from course import report, state
from course.lessons import Lesson
from course.report import Waiting, say
from course.worker_process import WorkerProcess


def check(lesson: Lesson, worker: WorkerProcess) -> bool:
    """Prints what a worker finds in a step's file, as it finds it, and remembers it.

    Args:
        lesson: The step.
        worker: Has been asked for it, and is closed in the end.

    Returns:
        Whether the step is right.
    """
    checking = f"checking step {lesson.number:02d}"
    digest = state.digest(lesson.file)  # of what is checked, whatever is saved later
    failure = None
    named: list[list[str]] = []
    with contextlib.closing(worker), Waiting(checking) as waiting:
        for name, value in worker.events():
            if name == "waiting":
                waiting.show(value or checking)
            elif name == "note":
                say(value)
            elif name in ("warmup", "kernels"):
                state.update(**{name: value})
            elif name == "verdict":
                failure = value.failure
                # Before anything is printed: somebody may stop reading.
                state.remember(lesson, digest, failure is None)
                if failure is None:
                    report.right(lesson, value)
                else:
                    report.wrong(lesson, value, failure)
                    waiting.show("comparing with the known mistakes")
            elif name == "mistakes":
                named = value
                report.named(named)
    if failure is not None:
        report.way_on(lesson, failure, named)
    return failure is None
