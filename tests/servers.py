"""Servers for tests: started as a user starts them, and seen to leave nothing."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass
class Server:
    """One that runs.

    Attributes:
        process: What was started.
        url: Where it answers.
        said: What it has printed.
    """

    process: "subprocess.Popen[bytes]"
    url: str
    said: str

    def family(self) -> set[int]:
        """The numbers of its processes."""
        return family(self.process.pid)

    def end(self, number: int = signal.SIGTERM, within: float = 12) -> int:
        """Ends it, and returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=within)


def processes() -> dict[int, int]:
    """Every living process, with its parent."""
    rows = subprocess.check_output(["ps", "-eo", "pid=,ppid=,stat="], text=True)
    each = (row.split() for row in rows.splitlines())
    return {int(pid): int(parent) for pid, parent, state in each if state[0] != "Z"}


def family(pid: int) -> set[int]:
    """A process and all that come of it."""
    parents, found = processes(), {pid}
    while more := {p for p in parents if parents[p] in found} - found:
        found |= more
    return found


def alive(numbers: set[int]) -> set[int]:
    """Which of these processes are there."""
    return numbers & processes().keys()


def gone(numbers: set[int], within: float) -> bool:
    """Whether these processes end in so many seconds."""
    until = time.monotonic() + within
    while alive(numbers) and time.monotonic() < until:
        time.sleep(0.1)
    return not alive(numbers)


@contextlib.contextmanager
def serving(*words: str, root: Path = ROOT, within: float = 400) -> Iterator[Server]:
    """`./run serve WORDS` of a repository, which is ready when this is entered."""
    family: set[int] = set()
    with tempfile.NamedTemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", f"{root}/gpt2/start.py", "gpt2.serving", *words],
            cwd=root,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            until = time.monotonic() + within
            while "curl" not in (said := Path(output.name).read_text()):
                assert process.poll() is None, said
                assert time.monotonic() < until, said
                time.sleep(0.1)
            found = re.search(r"ready at (http://\S+?);", said)
            assert found, said
            server = Server(process, found[1], said)
            family = server.family()
            yield server
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=12)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert gone(family, within=10), "it has left processes behind"
