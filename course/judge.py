"""Let a worker check a step, and say what became of it."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from signal import SIGABRT, SIGKILL, strsignal
from typing import Any

from course import verdict, worker
from course.lessons import LESSONS, ROOT
from course.verdict import Failure, Verdict


class Judge:
    """A process of `course/worker.py`, which checks one step and ends.

    Made without a number, it imports MAX ahead and waits to be asked.
    """

    def __init__(self, number: int | None = None) -> None:
        reading, writing = os.pipe()
        # What the learner's file prints.  close() closes it, and the pipe.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115
        words = [str(writing)] + ([str(number)] if number else [])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "course.worker", *words],
            cwd=ROOT,
            env=dict(os.environ),
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            pass_fds=[writing],
        )
        os.close(writing)
        self._events = open(reading, encoding="utf-8", errors="replace")  # noqa: SIM115
        self._asked = number

    def ask(self, number: int) -> None:
        """Says which step to check, to a worker that waits."""
        assert self._process.stdin is not None
        self._asked = number
        with contextlib.suppress(BrokenPipeError):  # it has ended: events() tells how
            self._process.stdin.write(f"{number}\n".encode())
            self._process.stdin.flush()

    def events(self) -> Iterator[tuple[str, Any]]:
        """Name and value of what happens, a "verdict" and its "mistakes" last.

        See `course/worker.py` for the names.  Where the worker ends without a verdict,
        the verdict says how.
        """
        dump: list[str] = []
        failure: Failure | None = None
        judged = False
        title, printed = "", -1
        for line in self._events:
            if not line.startswith("{"):
                dump.append(line)
                continue
            ((name, value),) = json.loads(line).items()
            if name == "running":
                title, printed = value
            elif name == "failure":
                failure = Failure(**value)
            elif name == "verdict":
                judged = True
                yield name, verdict.from_json(value)
            else:
                yield name, value
        code = self._process.wait()
        if not judged:
            failure = failure or self._ending(code, "".join(dump), title, printed)
            yield "verdict", Verdict([], 0, failure)

    def _ending(self, code: int, dump: str, title: str, printed: int) -> Failure:
        """What it means that the worker has ended without a verdict.

        Args:
            code: Its exit code.
            dump: What faulthandler wrote when the time was over; empty if it was not.
            title: The check that was running.
            printed: At which byte begins what the file printed meanwhile; -1 if it did
                not run yet.
        """
        assert self._asked is not None
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
        file = LESSONS[self._asked].file
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
