"""Keep what MAX has compiled, so that the next process only loads it.

MAX has a cache of its own, but to find something there it first builds the whole graph
anew, which takes seconds.  A compiled model can be exported to one file, and is then
loaded in milliseconds.  So can the Mojo kernels, which MAX otherwise compiles for
every graph.  The files lie beside MAX's cache, so deleting that folder deletes them
too.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from max import _core
from max.driver import DLPackArray
from max.engine import InferenceSession, Model
from max.graph import Graph, Module
from mojo.run import subprocess_run_mojo

SPACE = 200 << 20  # bytes that MAX's cache and a file take while they are made


KERNELS = Path(__file__).parent / "kernels"  # in Mojo, for the CPU


def compiled_file(*made_from: str, suffix: str = ".mef") -> Path:
    """The file for what is compiled from `made_from`, on this processor by this MAX."""
    made_for = [platform.machine(), _core.__version__, *made_from]
    with contextlib.suppress(OSError):  # only Linux has it
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        made_for += sorted({line for line in lines if line[:5] in ("flags", "Featu")})
    digest = hashlib.sha256("\n".join(made_for).encode()).hexdigest()
    folder = _core.engine.max_cache_dir() or Path.home() / ".cache"
    return Path(folder) / f"gpt2_course_{digest[:16]}{suffix}"


def load_compiled(
    session: InferenceSession,
    file: Path,
    build: Callable[[], Graph | Module],
    weights: Mapping[str, DLPackArray] | None = None,
) -> dict[str, Model]:
    """Loads `file`, after compiling what `build` returns where it is not there yet.

    Where nothing can be written, each process compiles for itself.

    Returns:
        The compiled graphs by name.
    """
    try:
        keep_compiled(session, file, build)
        return session.load_all(file, weights_registry=weights)
    # A folder that is read-only or full; a damaged file, of which MAX 26.7 says so with
    # a RuntimeError, but once in a while, for the same file, with a ValueError.
    except (OSError, RuntimeError, ValueError):
        return session.load_all(build(), weights_registry=weights)


def keep_compiled(
    session: InferenceSession, file: Path, build: Callable[[], Graph | Module]
) -> None:
    """Compiles what `build` returns into `file`, if it is not there.

    Several processes may come at once: one compiles, the others wait for it.

    Raises:
        OSError: If nothing can be written.
    """
    with only_one(file.with_suffix(".lock")):
        if not file.exists():
            compiled = session.compile(build())
            unfinished = file.with_suffix(f".{os.getpid()}")
            compiled.export_mef(unfinished)
            unfinished.rename(file)


def kernels_source() -> str:
    """The text of the Mojo kernels."""
    return "\n".join(file.read_text() for file in sorted(KERNELS.glob("*.mojo")))


def kernels_package() -> Path:
    """The compiled Mojo kernels; where nothing can be written, their folder.

    MAX takes either, and compiles the folder again for each graph, in two seconds.
    """
    package = compiled_file(kernels_source(), suffix=".mojoc")
    try:
        with only_one(package.with_suffix(".lock")):
            if not package.exists():
                # Mojo takes the module's name from the file's: a folder keeps it.
                with tempfile.TemporaryDirectory(dir=package.parent) as folder:
                    unfinished = Path(folder) / package.name
                    words = ["precompile", str(KERNELS), "-o", str(unfinished)]
                    subprocess_run_mojo(words, capture_output=True, check=True)
                    unfinished.rename(package)
        return package
    except (OSError, subprocess.CalledProcessError):
        return KERNELS


def why_not_kept(file: Path) -> str | None:
    """Why `file` cannot be written; None if it can be, or is there."""
    try:
        with only_one(file.with_suffix(".lock"), wait=False):
            pass
        free = shutil.disk_usage(file.parent).free
    except BlockingIOError:
        return None
    except OSError as error:
        return f"MAX's cache {file.parent} cannot be written ({error.strerror})."
    if free < SPACE and not file.exists():
        return f"MAX's cache {file.parent} has no room: {SPACE >> 20} MB are needed."
    return None


@contextlib.contextmanager
def only_one(lock: Path, wait: bool = True) -> Iterator[None]:
    """Waits until no other process is in here; one that is killed lets the next in.

    Raises:
        BlockingIOError: If another process is, and `wait` is false.
        OSError: If the lock's folder cannot be written.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
