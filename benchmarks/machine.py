"""The machine under the numbers: its processor, and how fast it reads memory."""

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np


def processor() -> str:
    """Its name, as far as the system tells it, and the cores this process may use."""
    file = Path("/proc/cpuinfo")  # only Linux has it
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {cores()} cores"


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> list[np.ndarray]:
    """1 GiB in one part for each core: far more than stays in a CPU's cache."""
    return np.array_split(np.ones(2**28, np.float32), cores())


def read(parts: list[np.ndarray]) -> float:
    """Bytes a second at which all cores together read their parts: the best of three.

    A maximum costs nothing beside the reading, and NumPy lets other threads run
    meanwhile.  The machine itself may allow a little more.
    """
    seconds = []
    with ThreadPoolExecutor(len(parts)) as pool:
        for _ in range(3):
            start = time.perf_counter()
            list(pool.map(np.max, parts))
            seconds.append(time.perf_counter() - start)
    return sum(part.nbytes for part in parts) / min(seconds)
