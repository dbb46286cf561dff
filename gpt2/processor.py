"""Which of the processor's instructions multiply weights.

A processor that lacks an instruction takes the next; `plain` runs on any.  What each of
them is stands in `gpt2/kernels/lines.mojo`.
"""

import contextlib
import ctypes
import platform
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Unit(NamedTuple):
    """What multiplies.

    Attributes:
        name: What the kernels call it.
        group: How many outputs of a packed weight lie beside each other, so that
            their sums fill the registers.
        needs: What the processor must have, as Linux calls it.
    """

    name: str
    group: int
    needs: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """What it is called where people read it; `plain` runs on any processor."""
        titles = {"amx": "AMX", "bf16": "AVX-512 BF16", "vnni": "AVX-512 VNNI"}
        return titles.get(self.name, "AVX-512" if self.needs else "plain")


PLAIN = [Unit("plain", 48, frozenset({"avx512f"})), Unit("plain", 16)]
UNITS = {  # by precision, the best first
    "float32": PLAIN,
    "bfloat16": [
        Unit("amx", 32, frozenset({"avx512f", "avx512_bf16", "amx_tile", "amx_bf16"})),
        Unit("bf16", 48, frozenset({"avx512f", "avx512_bf16"})),
        *PLAIN,
    ],
    "int8": [
        Unit("amx", 32, frozenset({"avx512f", "amx_tile", "amx_int8"})),
        Unit("vnni", 48, frozenset({"avx512f", "avx512_vnni"})),
        *PLAIN,
    ],
}


@cache
def unit(precision: str) -> Unit:
    """What multiplies weights of a precision here."""
    return next(unit for unit in UNITS[precision] if runs(unit))


def runs(unit: Unit) -> bool:
    """Whether this processor has it, and Linux allows it."""
    return unit.needs <= flags() and (unit.name != "amx" or allow_amx())


@cache
def flags() -> frozenset[str]:
    """What the processor has; nothing where only Linux would know."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return frozenset(line.split())
    return frozenset()


@cache
def allow_amx() -> bool:
    """Asks Linux for AMX's registers, once for the process and all its threads.

    It refuses where a thread's signal stack has no room to save them.
    Source: Linux, Documentation/arch/x86/xstate.rst.
    """
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return False
    arch_prctl, request_permission, tile_data = 158, 0x1023, 18
    call = ctypes.CDLL(None).syscall
    return call(arch_prctl, request_permission, tile_data) == 0
