"""The servers of `./run load`: what they serve, and their processes."""

import asyncio
import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.peers import Child, Missing
from benchmarks.programs.gpt2_124m import VOCAB_SIZE, make_checkpoint
from benchmarks.programs.llama_cpp import LlamaCpp
from benchmarks.programs.program import Files
from benchmarks.streams import Model, first_token
from gpt2 import start

ROOT = Path(__file__).resolve().parent.parent
SHAKESPEARE = ROOT / "models" / "shakespeare"
BATCH = 32  # texts that grow at once in ours; llama.cpp has as many slots as streams
CONTEXT = 256  # tokens of a text with its prompt, in both
PATIENCE = 600  # seconds for a server to be ready

# --- What is served -------------------------------------------------------------------


class Served(NamedTuple):
    """A model in a server."""

    model: str
    program: str
    precision: str
    replicas: int = 1

    @property
    def name(self) -> str:
        several = f"-x{self.replicas}" if self.replicas > 1 else ""
        return f"{self.model}-{self.program}-{self.precision}{several}"


SERVED = [
    Served("shakespeare", "ours", "float32"),
    Served("shakespeare", "ours", "float32", replicas=2),
    Served("shakespeare", "llama.cpp", "float32"),
    Served("124M", "ours", "float32"),
    Served("124M", "ours", "float32", replicas=2),
    Served("124M", "llama.cpp", "float32"),
    Served("124M", "ours", "int8"),
    Served("124M", "llama.cpp", "int8"),
]
MODELS = {
    "shakespeare": Model("shakespeare", 512),
    "124M": Model("124M", VOCAB_SIZE),
}


def make_models(chosen: Sequence[Served], folder: Path) -> None:
    """Makes the random model and llama.cpp's files, in a process of its own."""
    with closing(Child(folder / "models.log")) as helper:
        if any(served.model == "124M" for served in chosen):
            helper.ask(make_checkpoint, folder / "124M")
        for served in chosen:
            if served.program == "llama.cpp":
                files = Files(checkpoint(served.model, folder), folder / served.name)
                helper.ask(LlamaCpp.prepare, files, served.precision)


def checkpoint(model: str, folder: Path) -> Path:
    return SHAKESPEARE if model == "shakespeare" else folder / model


def command(served: Served, folder: Path, streams: int) -> list[str]:
    """What starts a server."""
    context = ["--context", str(CONTEXT)]
    if served.program == "llama.cpp":
        words = [folder / served.name, "--streams", streams, *context]
        return start.words("benchmarks.llama_server", *words)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--model", checkpoint(served.model, folder), "--port", port, *context]
    words += ["--precision", served.precision, "--batch-size", BATCH]
    if served.replicas > 1:
        words += ["--replicas", served.replicas]
    return [str(ROOT / "run"), "serve", *map(str, words)]  # where there is no PyTorch


# --- Process of a server --------------------------------------------------------------


class Running(NamedTuple):
    """A server that has answered."""

    url: str
    seconds: float  # from its start to its first token
    process: psutil.Process

    def memory(self) -> int:
        """Bytes of memory of all its processes; on Linux, what they share counts
        once."""
        total = 0
        for each in (self.process, *self.process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                info = each.memory_full_info()
                total += getattr(info, "pss", info.rss)
        return total


@contextlib.contextmanager
def running(
    served: Served, folder: Path, streams: int, cache: Path | None
) -> Iterator[Running]:
    """A server, until the end of the block.

    Args:
        served: What it serves.
        folder: Where the models lie.
        streams: How many will come.
        cache: For what MAX compiles; None for its usual place.

    Raises:
        Missing: If it does not get ready, with the reason.
    """
    env = os.environ | ({"MODULAR_CACHE_DIR": str(cache)} if cache else {})
    log = folder / f"{served.name}.log"
    begin = time.perf_counter()
    with log.open("w") as file:
        server = psutil.Popen(
            command(served, folder, streams),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=env,
            start_new_session=True,  # Ctrl-C is for us to hear, and to pass on
            preexec_fn=end_with_parent if sys.platform == "linux" else None,
        )
    try:
        url = wait_for_url(server, log, begin + PATIENCE)
        try:
            asyncio.run(first_token(url, MODELS[served.model]))
        except OSError as error:
            raise Missing(str(error)) from error
        yield Running(url, time.perf_counter() - begin, server)
    finally:
        end(server)


def end_with_parent() -> None:
    """In the child: has Linux end it when this process is no more, even by -9."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def wait_for_url(server: psutil.Popen, log: Path, until: float) -> str:
    """Waits for the line that says where a server is ready."""
    while True:
        said = log.read_text(errors="replace")
        if found := re.search(r"ready at (http://[^\s;]+)", said):
            return found[1]
        if server.poll() is not None:
            raise Missing((said.strip() or "it said nothing").split("\n")[-1])
        if time.perf_counter() > until:
            raise Missing(f"it was not ready after {PATIENCE} s")
        time.sleep(0.02)


def end(server: psutil.Popen) -> None:
    """Ends a server, and whatever it leaves behind."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [*server.children(recursive=True), server]
        server.terminate()
        _, alive = psutil.wait_procs(family, timeout=15)
        for each in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
    server.wait()
