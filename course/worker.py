"""The process in which learners' files run.

    python -I gpt2/start.py course.worker FD FOLDER [NUMBER]...

Whatever a file does - loops for ever, calls exit(), fills the memory - it does here,
and the coach (`course/worker_process.py`) lives to tell.  A worker checks the steps
of FOLDER that are named, one after another, and ends.  Where none is, it imports MAX,
loads the kernels and waits for a number on its standard input: the spare process of
`watch`.

What it finds goes to the file descriptor FD, one JSON object a line:

    {"waiting": "..."}     something slow has begun, and what it is; null: it is over
    {"note": "..."}        something that the learner should read
    {"warmup": 123}        the number of a process that compiles MAX's kernels
    {"kernels": "..."}     the file of MAX's kernels, which need no more waiting for
    {"running": [...]}     the file runs now: the check's title, and at which byte
                           begins what it prints
    {"failure": {...}}     a `Failure`, the first; the checks go on
    {"verdict": {...}}     a `Verdict`
    {"mistakes": [...]}    the known mistakes that explain it, each [what, why]; with
                           this line, the check of a step is over

When the file takes too long, what faulthandler writes comes there too: no JSON.
What the file prints goes to standard output, a temporary file of the coach's.
"""

import contextlib
import faulthandler
import json
import os
import resource
import signal
import sys
import threading
from bdb import BdbQuit
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from course import lessons, verdict

if TYPE_CHECKING:  # a second's worth of imports, which `watch` does ahead
    from course.examiner import Example, Outcome

TIME_LIMIT = 4  # seconds for one example; a right answer takes a fraction of one
MEMORY_LIMIT = 2 << 30  # bytes more than MAX itself takes
FILE_LIMIT = 64 << 20  # bytes that it may print
PRINTED = 2000  # characters that are shown of that


class Worker:
    """The checks of one step after another.

    Attributes:
        events: File descriptor of the coach's.
        output: File descriptor of what is printed.
        folder: Where the learner's files lie.
        file: The one that is checked.
        runs: For each run of that file, from which byte to which the standard output
            holds what it printed.  The first is its import.
        failure: The first thing that is not right; None as long as all is.
    """

    def __init__(self, events: int, folder: Path) -> None:
        self.events = events
        self.folder = folder
        self.output = os.dup(1)  # which the file may close

    def send(self, **event: Any) -> None:
        text = json.dumps(event, default=verdict.as_json)
        os.write(self.events, f"{text}\n".encode())

    def prepare(self) -> None:
        """Imports MAX and loads its kernels, waiting for them to be compiled."""
        with self.waiting("preparing MAX"):
            from course import warmup
            from gpt2 import eager

            warmup.wait(self.send)
            eager.prepare_process()
            with ThreadPoolExecutor(1) as beside:
                kernels = beside.submit(eager.load_kernels)
                from course import examiner  # noqa: F401 (so that it is there in time)
                from tests import reference, tensors  # noqa: F401
            kernels.result()
        eager.announce_compilations(self.compiling)

    @contextlib.contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        self.send(waiting=text)
        yield
        self.send(waiting=None)

    @contextlib.contextmanager
    def compiling(self, kernel: str) -> Iterator[None]:
        """An operation is compiled on its first use: time that does not count."""
        from course import warmup

        faulthandler.cancel_dump_traceback_later()
        with self.waiting(warmup.compiling(kernel)):
            yield
        self.limit_time()

    def limit_time(self) -> None:
        """Ends this process, saying where it is, unless it gets on within the limit."""
        faulthandler.dump_traceback_later(TIME_LIMIT, exit=True, file=self.events)

    @contextlib.contextmanager
    def learner_code(self, title: str) -> Iterator[None]:
        """Around every run of the learner's file."""
        start = os.lseek(self.output, 0, os.SEEK_CUR)
        self.send(running=[title, start])
        self.limit_time()
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            with contextlib.suppress(OSError, ValueError):  # too much, or closed
                sys.stdout.flush()
            self.runs.append((start, os.lseek(self.output, 0, os.SEEK_CUR)))

    def check(self, number: int) -> None:
        """Checks one step's file, and sends the verdict."""
        from course.examiner import Examiner
        from course.suspects import Suspects

        set_limits()
        sys.breakpointhook = no_debugger
        self.file = self.folder / lessons.LESSONS[number].file.name
        self.runs: list[tuple[int, int]] = []
        self.failure: verdict.Failure | None = None
        examiner = Examiner(number, self.learner_code, self.tried)
        examiner.examine(self.folder)
        if examiner.broken is not None:
            self.failure = verdict.explain(examiner.broken, self.file, "", "")
            self.failure.printed = self.printed(0)
        checks = examiner.checks()
        passed = [title for title, right in checks.items() if right]
        self.send(verdict=verdict.Verdict(passed, len(checks), self.failure))
        found = []
        if self.failure and examiner.results and self.failure.kind != "todo":
            found = Suspects(number).explain(examiner.results)
        self.send(mistakes=[[mistake.what, mistake.why] for mistake in found])

    def tried(self, example: "Example", outcome: "Outcome") -> None:
        """Sends the first failure at once: the file may not come to its end."""
        if outcome.error is None or self.failure is not None:
            return
        title, about = example.title, example.about
        self.failure = verdict.explain(outcome.error, self.file, title, about)
        self.failure.printed = self.printed(0) + self.printed(-1)
        self.send(failure=self.failure)

    def printed(self, run: int) -> str:
        start, end = self.runs[run]
        return os.pread(self.output, min(end - start, PRINTED), start).decode(
            errors="replace"
        )


def set_limits() -> None:
    """Lets the file have MEMORY_LIMIT more than this process has, on Linux."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # print() raises OSError instead
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
    with contextlib.suppress(OSError, ValueError):
        status = Path("/proc/self/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmData:"))
        limit = 1024 * int(line.split()[1]) + MEMORY_LIMIT
        _, highest = resource.getrlimit(resource.RLIMIT_DATA)  # for the next step
        resource.setrlimit(resource.RLIMIT_DATA, (limit, highest))


def no_debugger(*_: object, **_options: object) -> NoReturn:
    """What breakpoint() does here: its questions would reach nobody."""
    raise BdbQuit


def end_with_the_coach() -> None:
    """Ends this process when the coach has ended, of which its closed pipe tells."""
    pipe = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the file can ask for nothing

    def wait() -> None:
        os.read(pipe, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main(events: int, folder: Path, numbers: list[int]) -> None:
    worker = Worker(events, folder)
    if not numbers:
        worker.prepare()
        answer = sys.stdin.readline()
        if not answer:  # the coach has ended
            return
        numbers = [int(answer)]
        end_with_the_coach()
    else:
        end_with_the_coach()
        if any(lessons.LESSONS[number].needs_kernels for number in numbers):
            worker.prepare()
    for number in numbers:
        worker.check(number)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), [int(n) for n in sys.argv[3:]])
    os._exit(0)  # without tidying up: somebody is waiting
