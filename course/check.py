"""Check a step, and say what came of it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from course import report, state, warmup
from course.judge import Judge
from course.lessons import LESSONS, ROOT, Lesson
from course.report import console, say, verbatim
from course.verdict import last_words, own_frames

PATIENCE = 120  # seconds for two models, and for what MAX compiles meanwhile


def check(lesson: Lesson, judge: Judge) -> bool:
    """Checks one step's file and prints the verdict.

    Args:
        lesson: The step.
        judge: The worker that checks it.

    Returns:
        Whether the step is right.
    """
    digest = state.digest(lesson.file)  # of what is checked, whatever is saved later
    try:
        return follow(lesson, judge, digest)
    finally:
        judge.close()


def follow(lesson: Lesson, judge: Judge, digest: str) -> bool:
    """Prints what the worker finds, as it finds it."""
    failure = None
    with Waiting(f"checking step {lesson.number:02d}") as waiting:
        for name, value in judge.events():
            if name == "waiting":
                waiting.show(value or f"checking step {lesson.number:02d}")
            elif name == "note":
                say(value)
            elif name in ("warmup", "kernels"):
                remembered = state.load()
                setattr(remembered, name, value)
                remembered.save()
            elif name == "verdict":
                failure = value.failure
                remember(lesson, digest, failure is None)
                if failure is None:
                    report.right(lesson, value)
                else:
                    report.wrong(lesson, value, failure)
                    waiting.show("comparing with the known mistakes")
            elif name == "mistakes":
                report.named(value)
    if failure is not None:
        report.way_on(lesson, failure)
    return failure is None


def remember(lesson: Lesson, digest: str, right: bool) -> None:
    """Notes that a file is right, or is not, before anybody may stop reading."""
    remembered = state.load()
    if right:
        remembered.passed[str(lesson.number)] = digest
    elif remembered.passed.get(str(lesson.number)) == digest:
        del remembered.passed[str(lesson.number)]
    remembered.save()


class Waiting:
    """A moving line, on a terminal, for whatever takes its time."""

    def __init__(self, text: str) -> None:
        columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        self._display = Progress(*columns, console=console, transient=True)
        self._task = self._display.add_task(text)
        self._text = text

    def __enter__(self) -> "Waiting":
        if console.is_terminal:
            self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        if console.is_terminal:  # where nothing moves, stopping prints a line
            self._display.stop()

    def show(self, text: str) -> None:
        """Says what is waited for now; into a pipe, only what takes long."""
        if text != self._text:
            self._text = text
            self._display.reset(self._task, description=text)
            if not console.is_terminal and text.startswith("compiling"):
                say(text)


def warm_up() -> None:
    """Has the kernels compiled in the background, if nothing says that they are."""
    remembered = state.load()
    if remembered.kernels_are() in ("ready", "being compiled"):
        return
    with Waiting("looking for MAX's kernels"):
        process = warmup.start()
        remembered.warmup = process.pid
        remembered.save()
        file = warmup.found(process)
    if file is None:
        warmup.step_back(process.pid)  # nobody waits for it yet
        being_compiled(process.pid)
    else:
        remembered.kernels = file
        remembered.save()


def being_compiled(pid: int) -> None:
    """Says that a process compiles the kernels, and for how long."""
    console.print()
    say(warmup.started(pid))
    report.about("kernels")


def finish() -> None:
    """After step 12: the whole chain, compared with the reference, and some text."""
    console.print()
    if not compare_models():
        say("More: ./run bisect")
        report.about("bisect")
        return
    say("It writes, with the weights of models/shakespeare:")
    console.print()
    words = "generate --from steps --max-new-tokens 40 --seed 1 ROMEO:".split()
    sys.stdout.flush()
    subprocess.call(
        [sys.executable, "-m", "gpt2", *words],
        cwd=ROOT,
        env=dict(os.environ),  # without the PYTHONEXECUTABLE that MAX has set by now
    )
    console.print()
    say('next: ./run generate --from steps "your words"')


def compare_models() -> bool:
    """Runs the learner's whole model beside the reference; whether they agree."""
    running = "running your model and the reference"
    with Waiting("preparing MAX") as waiting, learners_code():
        from course.bisect import compare
        from gpt2 import eager

        @contextlib.contextmanager
        def compiling(kernel: str) -> Iterator[None]:
            waiting.show(warmup.compiling(kernel))
            yield
            waiting.show(running)

        signal.signal(signal.SIGALRM, stop)
        signal.alarm(PATIENCE)
        eager.prepare()
        eager.announce_compilations(compiling)
        waiting.show(running)
        agree = compare()
        signal.alarm(0)
        return agree


def stop(*_: object) -> None:
    raise TimeoutError(f"stopped after {PATIENCE} s: does a loop never end?")


@contextlib.contextmanager
def learners_code() -> Iterator[None]:
    """Ends with what the learner's own files raise, cut to their own lines."""
    try:
        yield
    except Exception as error:
        found = [
            (lesson, frame)
            for lesson in LESSONS.values()
            for frame in own_frames(error, lesson.file)
        ]
        broken = str(getattr(error, "filename", None))
        files = [lesson.file for lesson in LESSONS.values()]
        if not found and broken not in map(str, files):
            raise
        say("Your steps, put together, stop:")
        if isinstance(error, SyntaxError):
            say(f"steps/{Path(broken).name}:{error.lineno}", indent=4)
        for lesson, (number, name, text) in reversed(found):
            verbatim(f"steps/{lesson.file.name}:{number}, in {name}")
            verbatim(text, indent=8)
        for line in last_words(error):
            say(line, indent=4)
        console.print()
        names = [lesson.file.name for lesson, _ in found] or [Path(broken).name]
        say(f"next: ./run s{names[0][5:7]}")
        report.about("steps-stop")
        sys.exit(1)


def current(remembered: state.State) -> Lesson | None:
    """The first step that is not done."""
    todo = (lesson for lesson in LESSONS.values() if not is_done(lesson, remembered))
    return next(todo, None)


def is_done(lesson: Lesson, remembered: state.State) -> bool:
    """A step is done while its file is what passed."""
    digest = remembered.passed.get(str(lesson.number))
    return digest is not None and digest == state.digest(lesson.file)
