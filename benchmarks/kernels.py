"""How near the kernels come to what the machine gives: `./run kernels`.

Two kernels do nearly all of the work.  Each is measured without the rest of the
model, with the sizes of GPT-2 124M: the linear layers of twelve MLPs, one behind
another, whose weights do not stay in a processor's cache; and twelve times attention.
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click
import numpy as np
from max.driver import CPU, Buffer, DLPackArray
from max.dtype import DType
from max.engine import InferenceSession, Model
from max.experimental.nn import Linear, Module, ModuleList
from max.experimental.tensor import Tensor
from max.graph import BufferType, DeviceRef, TensorType
from rich.progress import track

from benchmarks import machine, page
from benchmarks.bars import digits
from benchmarks.options import repeat_option
from gpt2 import PRECISIONS
from gpt2.compiled import (
    compiled_file,
    kernels_package,
    kernels_source,
    load_compiled,
)
from gpt2.engine import empty
from gpt2.exchange import BlockCache, attend_with_kernel, keep, linear
from gpt2.learner import build
from gpt2.precision import CACHED, DTYPES, Kept, store
from gpt2.processor import unit
from gpt2.terminal import messages, say
from solutions.solution_01 import GPT2Config
from solutions.solution_07 import GPT2Attention

CONFIG = GPT2Config()
WIDTHS = CONFIG.n_embd, 4 * CONFIG.n_embd  # of an MLP, outside and inside
NUMBERS = 2 * CONFIG.n_layer * WIDTHS[0] * WIDTHS[1]  # weights of all MLPs
COUNTS = 1, 8, 32, 512  # tokens
REST = 0.3  # seconds, in which NumPy's threads stop spinning
LEAST = 0.1  # seconds of a turn: one call alone is too short to be timed well


class Texts(NamedTuple):
    """What attention is asked for."""

    name: str
    number: int
    before: int  # tokens of each that are there
    new: int  # that come now


TEXTS = [
    Texts("a token of 1 text, after 1,000", 1, 1000, 1),
    Texts("a token of 8 texts, after 1,000", 8, 1000, 1),
    Texts("a token of 32 texts, after 80", 32, 80, 1),
    Texts("a prompt of 512", 1, 0, 512),
]

# --- Graphs ---------------------------------------------------------------------------

DEVICE = DeviceRef.CPU()


class MLPs(Module[[Tensor], Tensor]):
    """The linear layers of twelve MLPs, as the engine computes them."""

    def __init__(self, precision: str) -> None:
        outside, inside = WIDTHS
        self.unit = unit(precision)
        self.layers = ModuleList(
            Linear(*way)
            for _ in range(CONFIG.n_layer)
            for way in ((outside, inside), (inside, outside))
        )
        for layer in self.layers:
            keep(layer, precision, self.unit)

    def forward(self, x: Tensor) -> Tensor:
        """`[1, seq, n_embd]` to the same."""
        for layer in self.layers:
            x = linear(layer, x, unit=self.unit)
        return x  # [1, seq, n_embd]


class Attentions(Module[[Tensor, Tensor, Tensor], Tensor]):
    """Attention of twelve blocks, whose queries, keys and values are the same."""

    def __init__(self, precision: str) -> None:
        self.unit = unit(precision)

    def forward(self, qkv: Tensor, texts: Tensor, cache: Tensor) -> Tensor:
        """`[1, seq, 3 * n_embd]` to `[1, n_head, seq, head_dim]`, of the last block.

        `texts` and `cache` are those of `BlockCache`.
        """
        heads = build(GPT2Attention, CONFIG).split_heads
        q, k, v = (heads(x) for x in qkv.split([CONFIG.n_embd] * 3, axis=-1))
        for n in range(CONFIG.n_layer):
            its = BlockCache(n, cache.__buffervalue__(), texts, texts)
            y = attend_with_kernel(self.unit, its, q, k, v)
        return y  # [1, n_head, seq, head_dim]


def compiled(
    module: Module[..., Tensor],
    *inputs: TensorType | BufferType,
    weights: Mapping[str, DLPackArray] | None = None,
) -> Model:
    """The module as the engine's graph is compiled, and kept."""
    traced = module.trace(
        *inputs, name="kernels", custom_extensions=[kernels_package()]
    )
    session = InferenceSession(devices=[CPU()])
    file = compiled_file(str(traced), kernels_source())
    (model,) = load_compiled(session, file, lambda: traced.graph, weights).values()
    return model


# --- Measures -------------------------------------------------------------------------

What = int | Texts  # tokens that go through all MLPs, or texts whose tokens attend
Call = Callable[[], object]


def mlps(precision: str) -> dict[What, Call]:
    """By number of tokens, a call of all MLPs."""
    module = build(lambda: MLPs(precision))
    rng = np.random.default_rng(0)
    plain, kept = {}, {}
    for n, layer in enumerate(module.layers):
        weight, shape = f"layers.{n}.weight", (layer.n_out, layer.n_in)
        plain[weight] = rng.standard_normal(shape, np.float32) / layer.n_in**0.5
        plain[f"layers.{n}.bias"] = np.zeros(layer.n_out, np.float32)
        kept[weight] = Kept(DTYPES[precision], module.unit.group)
    x = TensorType(DType.float32, (1, "seq", CONFIG.n_embd), DEVICE)
    weights = {
        name: Buffer.from_dlpack(array) for name, array in store(plain, kept).items()
    }
    model = compiled(module, x, weights=weights)
    calls: dict[What, Call] = {}
    for count in COUNTS:
        tokens = rng.standard_normal((1, count, CONFIG.n_embd), np.float32)
        calls[count] = partial(model.execute, tokens)
    return calls


def attentions(precision: str) -> dict[What, Call]:
    """By texts, a call of all attentions; keys and values are in that precision."""
    dtype, int64 = DTYPES[precision], DType.int64
    n_layer, n_head, width = CONFIG.n_layer, CONFIG.n_head, CONFIG.head_dim
    model = compiled(
        build(lambda: Attentions(precision)),
        TensorType(DType.float32, (1, "seq", 3 * CONFIG.n_embd), DEVICE),
        TensorType(int64, ("texts", 3), DEVICE),
        BufferType(dtype, (n_layer, 2, "rows", n_head, "columns", width), DEVICE),
    )
    rng = np.random.default_rng(0)
    calls: dict[What, Call] = {}
    for texts in TEXTS:
        count = texts.number * texts.new
        qkv = rng.standard_normal((1, count, 3 * CONFIG.n_embd), np.float32)
        nth = np.arange(texts.number)
        table = np.stack([nth, nth * texts.new, np.full_like(nth, texts.before)], 1)
        shape = n_layer, 2, 0, n_head, 0, width
        cache = empty(dtype, shape, texts.number, texts.before + texts.new)
        calls[texts] = partial(model.execute, qkv, table, cache)
    return calls


def seconds(call: Call) -> float:
    """Of one call, the mean of as many as take LEAST."""
    call()  # what another has put into the processor's cache is gone
    calls, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < LEAST:
        call()
        calls += 1
    return passed / calls


def numpy_arithmetic() -> float:
    """Operations a second of NumPy's matrix product in float32, the best of five."""
    size = 2048
    matrix = np.ones((size, size), np.float32)
    best = min(seconds(lambda: matrix @ matrix) for _ in range(5))
    return 2 * size**3 / best


# --- Report ---------------------------------------------------------------------------


def title(precision: str) -> str:
    return f"{precision}, {unit(precision).title}"


def report(
    times: Mapping[tuple[str, What], float], bandwidth: float, arithmetic: float
) -> str:
    """The page that `./run kernels` writes, in Markdown.

    Args:
        times: By precision, seconds of all MLPs for a number of tokens, and of all
            attentions for texts.
        bandwidth: Bytes a second that the machine reads.
        arithmetic: Operations a second of NumPy in float32.
    """
    lines = []
    for count in COUNTS:
        cells = []
        for precision in PRECISIONS:
            rate = NUMBERS / times[precision, count]
            size = DTYPES[precision].size_in_bytes
            cells.append(digits((size if count == 1 else 2 * count) * rate / 1e9))
        lines.append([f"{count}, GB/s" if count == 1 else f"{count}", *cells])
    rows = [
        [texts.name, *(digits(1000 * times[cached, texts]) for cached in caches())]
        for texts in TEXTS
    ]
    linear_header = ["tokens", *map(title, PRECISIONS)]
    header = ["", *map(title, caches())]
    return f"""# Two kernels, alone

{machine.processor()}. Medians of rounds in which memory gave
{bandwidth / 1e9:.1f} GB/s, and NumPy multiplied matrices of float32 at
{arithmetic / 1e9:.0f} GFLOP/s.

The linear layers of GPT-2 124M's twelve MLPs, one behind another: GFLOP/s, and with one
token the GB/s of their weights.

{page.table(linear_header, lines)}

Its twelve attentions, in ms. Keys and values beside int8 weights are in bfloat16.

{page.table(header, rows)}
"""


def caches() -> list[str]:
    """The precisions in which keys and values are kept."""
    return list(dict.fromkeys(CACHED[precision] for precision in PRECISIONS))


# --- Command line ---------------------------------------------------------------------


@click.command()
@repeat_option
@page.to_option
def main(repeat: int, folder: Path) -> None:
    """Measure the kernels alone, with the sizes of GPT-2 124M.

    Prints two tables, and writes them as kernels-CPU.md.
    """
    say("Preparing: seconds, but up to a minute the first time")
    calls: dict[tuple[str, What], Call] = {}
    for precision in PRECISIONS:
        calls |= {(precision, what): call for what, call in mlps(precision).items()}
    for cached in caches():
        calls |= {(cached, what): call for what, call in attentions(cached).items()}
    parts = machine.memory()
    found: dict[tuple[str, What], list[float]] = {what: [] for what in calls}
    limits = []
    for _ in track(range(repeat), "taking turns", console=messages):
        limits.append((machine.read(parts), numpy_arithmetic()))
        time.sleep(REST)
        for what, call in calls.items():
            found[what].append(seconds(call))
    times = {what: median(its) for what, its in found.items()}
    text = report(times, *map(median, zip(*limits, strict=True)))
    click.echo(text)
    file = page.file(folder, "kernels")
    file.write_text(text)
    say(f"Written to {file}")


if __name__ == "__main__":
    process.run(main, "./run kernels")
