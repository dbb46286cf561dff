"""Compile MAX's eager kernels in the background, once on a machine.

`gpt2/eager.py` compiles, and `gpt2/compiled.py` has the lock and the file: run as a
program, the former says which file it is, makes it where it is not there, and ends.
Here that program is started, so that it is done by the time a step needs it, and
waited for where it is not.

Only MAX knows what it has compiled before, for another clone or another version of the
course.  So it gets a moment to find that, before anything is said of a minute.
"""

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from course import state
from course.lessons import ROOT
from gpt2 import start as program

SECONDS = 75  # on the two cores on which this was written
MOMENT = 5  # seconds in which MAX starts, and finds what it has compiled before
ATTEMPTS = 2
STARTING = 5  # seconds that it may take to begin


# --- Start in the background -------------------------------------------------------


def begin() -> int | None:
    """Has the kernels compiled in the background, if nothing says that they are.

    Returns:
        The number of the process, where it takes longer than a moment.
    """
    if state.load().kernels_are() in ("ready", "being compiled"):
        return None
    process = start()
    state.update(warmup=process.pid)
    file = found(process)
    if file is None:
        step_back(process.pid)  # nobody waits for it yet
        return process.pid
    state.update(kernels=file)
    return None


def start() -> "subprocess.Popen[bytes]":
    """Starts compiling, out of Ctrl-C's reach."""
    return subprocess.Popen(
        program.words("gpt2.eager"),
        cwd=ROOT,
        env=dict(os.environ),  # without what MAX has set behind Python's back
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # the name of the file
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def step_back(pid: int) -> None:
    """Lets everything else on the machine go first."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, 19)
        # Linux shares the processor out among sessions first.
        Path(f"/proc/{pid}/autogroup").write_text("19")


def found(process: "subprocess.Popen[bytes]") -> str | None:
    """The file, if the process that was started is done in a moment; or else None."""
    try:
        told, _ = process.communicate(timeout=MOMENT)
    except subprocess.TimeoutExpired:
        return None
    return told.decode().strip()


# --- Words -------------------------------------------------------------------------


def started(pid: int) -> str:
    """The line that says that it takes longer."""
    return (
        f"MAX's kernels are being compiled in the background: about {SECONDS} s, once "
        f"on this machine. Steps 02 to 12 need them. To stop it: kill {pid}"
    )


def compiling(kernel: str) -> str:
    """The line for an operation that is not among the kernels."""
    name = kernel.replace("_cpu_0", "")
    return f"compiling {name}, once on this machine, about 20 s"


# --- Wait --------------------------------------------------------------------------


def running(file: Path) -> bool:
    """Whether some process is making `file`."""
    with contextlib.suppress(OSError), open(file.with_suffix(".lock")) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait(send: Callable[..., None]) -> None:
    """Waits until the kernels are there, having them compiled if need be.

    Where they cannot be, or the compiler is killed again and again, it returns too:
    `eager.prepare` then compiles them for this process alone.

    Args:
        send: Takes `waiting=`, what is waited for; `note=`, a line for the learner;
            `warmup=`, the number of a process that was started; `kernels=`, the file.
    """
    from gpt2 import compiled, eager

    file = eager.kernels_file()
    problem = compiled.why_not_kept(file)
    if problem and not file.exists():
        send(note=f"{problem} Set MODULAR_CACHE_DIR to another folder.")
        send(waiting=f"compiling MAX's kernels for this check alone: {SECONDS} s")
        return
    process = None
    # One that was just started has not come to taking the lock.
    grace = time.monotonic() + STARTING * state.alive(state.load().warmup)
    for attempt in range(ATTEMPTS + 1):
        asked, told = time.monotonic(), False
        while not file.exists() and (
            running(file)
            or time.monotonic() < grace
            or (process is not None and process.poll() is None)
        ):
            if not told and time.monotonic() - asked >= MOMENT:
                told, how_long = True, f"once on this machine: about {SECONDS} s"
                send(waiting=f"compiling MAX's kernels, {how_long}")
                if process is not None:
                    send(note=started(process.pid))
            time.sleep(0.1)
        if file.exists() or attempt == ATTEMPTS:
            break
        process = start()
        send(warmup=process.pid)
    send(kernels=str(file))
