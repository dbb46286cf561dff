"""The worker's process, as the coach holds it: asked, listened to, and ended."""

import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from signal import SIGABRT, SIGKILL, strsignal
from typing import Any

from course import verdict, worker
from course.lessons import LESSONS, ROOT
from course.verdict import Failure, Verdict
from gpt2 import start
from gpt2.learner import STEPS


class WorkerProcess:
    """A process of `course/worker.py`, which checks one step after another, and ends.

    Made without a number, it imports MAX ahead and waits to be asked.
    """

    def __init__(self, *numbers: int, folder: Path = STEPS) -> None:
        """
        Args:
            numbers: The steps to check, in this order.
            folder: Where their files lie.
        """
        self._asked = list(numbers)
        self._folder = folder
        reading, writing = os.pipe()
        # What the learner's file prints.  close() closes it, and the pipe.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            start.words("course.worker", writing, folder, *numbers),
            cwd=ROOT,
            env=dict(os.environ),
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            pass_fds=[writing],
        )
        os.close(writing)
        self._events = open(reading, encoding="utf-8", errors="replace")  # noqa: SIM115

    def ask(self, number: int) -> None:
        """Says which step to check, to a worker that waits."""
        assert self._process.stdin is not None
        self._asked.append(number)
        with contextlib.suppress(BrokenPipeError):  # it has ended: events() tells how
            self._process.stdin.write(f"{number}\n".encode())
            self._process.stdin.flush()

    def events(self) -> Iterator[tuple[str, Any]]:
        """Name and value of what happens, a "verdict" and its "mistakes" last.

        This is about one step: for the next one, call it again.  See
        `course/worker.py` for the names.  Where the worker ends without a verdict, the
        verdict says how, and which checks had passed by then.
        """
        file = self._folder / LESSONS[self._asked.pop(0)].file.name
        passed: list[str] = []
        dump: list[str] = []
        failure: Failure | None = None
        decided = False
        title, printed = "", -1
        for line in self._events:
            if not line.startswith("{"):
                dump.append(line)
                continue
            ((name, value),) = json.loads(line).items()
            if name == "running":
                if title not in ("", value[0]) and failure is None:
                    passed.append(title)
                title, printed = value
            elif name == "failure":
                failure = Failure(**value)
            elif name == "verdict":
                decided = True
                yield name, verdict.from_json(value)
            else:
                yield name, value
                if name == "mistakes":
                    return
        code = self._process.wait()
        if not decided:
            dumped = "".join(dump)
            failure = failure or self._ending(file, code, dumped, title, printed)
            yield "verdict", Verdict(passed, 0, failure)

    def _ending(
        self, file: Path, code: int, dump: str, title: str, printed: int
    ) -> Failure:
        """What it means that the worker has ended without a verdict.

        Args:
            file: What it checked.
            code: Its exit code.
            dump: What faulthandler wrote when the time was over; empty if it was not.
            title: The check that was running.
            printed: At which byte begins what the file printed meanwhile; -1 if it did
                not run yet.
        """
        self._output.seek(max(printed, 0))
        text = self._output.read().decode(errors="replace")
        if printed < 0:
            words = ["MAX could not be made ready. Its last words:"]
            return Failure("max", "", [*words, *text.splitlines()[-3:]])
        if not dump:
            how = f"(exit code {code})" if code >= 0 else f"({strsignal(-code)})"
            words = [f"It ended the process that checks it {how}."]
            if -code in (SIGABRT, SIGKILL):
                words[0] += " Does it need too much memory?"
            return Failure("end", title, words, printed=text[: worker.PRINTED])
        sources = file.read_text(errors="replace").splitlines() if file.exists() else []
        # faulthandler's lines, the innermost first.
        places = re.findall(rf'File "{re.escape(str(file))}", line (\d+) in (.+)', dump)
        frames = [
            (int(line), name, sources[int(line) - 1].strip())
            for line, name in reversed(places[: verdict.FRAMES])
        ]
        line, name = frames[-1][:2] if frames else (0, "")
        words = [
            f"It was stopped after {worker.TIME_LIMIT} seconds, which is far more "
            "than it needs: does a loop never end?"
        ]
        return Failure("time", title, words, frames, line, name, text[: worker.PRINTED])

    def close(self) -> None:
        """Ends the worker, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._events.close()
        self._output.close()
