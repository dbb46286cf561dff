"""The engine: a model of twelve steps, compiled, with a KV cache.

Step 12 reads the whole text again for every token.  But the keys and values of a
token depend only on what stands before it, and that never changes: kept in a cache,
they need computing once, and a new token takes only its own way through the blocks.

MAX compiles the model, with the parts that `gpt2/exchange.py` puts into it, as one
graph for every number of texts and of new tokens: a prompt is read in one call, and so
is each token that follows it.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from max.driver import CPU, Accelerator, Buffer, DLPackArray, accelerator_count
from max.dtype import DType
from max.engine import InferenceSession, Model
from max.experimental.compilation import StagedGraph
from max.graph import BufferType, DeviceRef, Graph, TensorType

from gpt2 import PRECISIONS, exchange
from gpt2.compiled import (
    compiled_file,
    keep_compiled,
    kernels_package,
    kernels_source,
    load_compiled,
)
from gpt2.exchange import Exchanged
from gpt2.learner import Steps, build, load_steps
from gpt2.precision import CACHED, DTYPES, Kept, Room, store
from gpt2.processor import unit
from solutions.solution_01 import GPT2Config

GROUP = 32  # columns that the kernel reads together; and numbers of a value

# --- KV cache ----------------------------------------------------------------------


class Cache:
    """Keys and values of every token so far, of some texts.

    Each text has a row, and token t of it stands in column t:

        R O M E O :        lengths[0] = 6
        K I N G            lengths[1] = 4

    Attributes:
        data: `[n_layer, 2, rows, n_head, columns, width]` on the device; keys, then
            values, in the order that suits what reads them.  The graphs write into it.
        lengths: int64 `[rows]`, the number of columns in use.  Whoever makes one less
            has the last token forgotten.
        capacity: The most columns that a row may use.
    """

    def __init__(self, data: Buffer, lengths: np.ndarray, capacity: int) -> None:
        self.data = data
        self.lengths = lengths
        self.capacity = capacity

    @property
    def full(self) -> bool:
        """Whether a row has no column left for another token."""
        return bool(self.lengths.max() >= self.capacity)

    def reorder(self, rows: Sequence[int], capacity: int | None = None) -> Cache:
        """A copy whose text i is text `rows[i]`; texts may be left out or repeated.

        It has room for as many tokens, or for `capacity`.
        """
        capacity = capacity or self.capacity
        old = self.data.to(CPU())
        lengths = self.lengths[np.asarray(rows)]
        new = empty(old.dtype, old.shape, len(rows), capacity)
        used = in_groups(int(lengths.max()))
        # As bytes: NumPy has no bfloat16.
        copy, read = (data.view(DType.uint8).to_numpy() for data in (new, old))
        copy[..., :used, :] = read[:, :, rows, :, :used]
        return Cache(new.to(self.data.device), lengths, capacity)


def empty(dtype: DType, shape: Sequence[int], rows: int, capacity: int) -> Buffer:
    """Zeros as the data of a cache, which otherwise has this shape."""
    n_layer, _, _, n_head, _, width = shape
    shape = (n_layer, 2, rows, n_head, in_groups(capacity), width * dtype.size_in_bytes)
    # Not Buffer.zeros: it is still at work when it returns, and graphs do not wait.
    zeros = Room(math.prod(shape)).take(shape, np.dtype(np.uint8))
    return Buffer.from_numpy(zeros).view(dtype)


def in_groups(count: int) -> int:
    """Columns, or numbers of a value, in whole groups."""
    return count + -count % GROUP


# --- Network -----------------------------------------------------------------------


class Network:
    """A model of twelve steps with the engine's parts, as one graph.

    Args:
        config: The sizes.
        steps: Whose model.
        precision: How weight matrices are kept, one of PRECISIONS.
        device: "cpu" or "gpu".
        kernels: Whether the Mojo kernels compute linear layers and attention, which
            they do on the CPU.  Otherwise MAX's operations do; the result is the same.

    Attributes:
        kept: How each parameter is kept.
        cached: How keys and values are.

    Raises:
        ValueError: If the precision or the device is unknown or not there.
    """

    exchanged: Callable[..., Exchanged] = Exchanged

    def __init__(
        self,
        config: GPT2Config,
        steps: Steps,
        *,
        precision: str = "float32",
        device: str = "cpu",
        kernels: bool = True,
    ) -> None:
        check(precision, device)
        self.config = config
        self.device = CPU() if device == "cpu" else Accelerator()
        self.unit = unit(precision) if kernels and device == "cpu" else None
        self.module = build(
            lambda: self.exchanged(steps.assemble(config), precision, self.unit),
            device=self.device,
        )
        self.cached = DTYPES[CACHED[precision]] if self.unit else DType.float32
        self.kept = {
            name: Kept(weight.dtype, int(weight.shape[2]) if weight.rank == 4 else 0)
            for name, weight in self.module.parameters
        }
        own = inspect.getfile(type(self))
        ours = [Path(file).read_text() for file in (own, __file__, exchange.__file__)]
        units = [unit(name) for name in (precision, CACHED[precision]) if self.unit]
        how = f"{config} {precision} {self.device} {units}"
        self.made_from = [steps.text, *ours, kernels_source(), how]
        self.session = InferenceSession(devices=[self.device])

    @cached_property
    def file(self) -> Path:
        """Where the compiled graph is kept, for all processes on this machine.

        It is known by the graph itself, so that a change in a step which leaves the
        graph as it was costs no compilation.  Which graph the sources make is noted
        beside it, by their text: to trace them takes a second.

        Raises:
            Exception: What a learner's step raises when MAX traces it.
        """
        note = compiled_file(*self.made_from, suffix=".graph")
        with contextlib.suppress(OSError, ValueError):  # there is none, or half of one
            return note.with_name(note.read_text())
        file = compiled_file(str(self.traced))
        with contextlib.suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(file.name)
        return file

    def compile(self) -> None:
        """Makes the file, if it is not there."""
        keep_compiled(self.session, self.file, self.graph)

    def load(self, weights: Mapping[str, Buffer]) -> Model:
        """The compiled graph with weights; compiled now, if it has not been yet."""
        # The only one there is; MAX may know an equal graph under an earlier name.
        (model,) = load_compiled(self.session, self.file, self.graph, weights).values()
        return model

    def graph(self) -> Graph:
        """The network for `[batch, seq]` tokens."""
        return self.traced.graph

    @cached_property
    def traced(self) -> StagedGraph[..., Any]:
        """What MAX notes down when the module runs; as text, it is the graph."""
        return self.module.trace(
            *self.inputs(),
            name="gpt2",
            custom_extensions=[kernels_package()] if self.unit else [],
        )

    def inputs(self) -> list[TensorType | BufferType]:
        """What the module's `forward` takes."""
        device = DeviceRef.from_device(self.device)
        ids = TensorType(DType.int64, ["batch", "seq"], device)
        texts = TensorType(DType.int64, ["texts", 3], device)
        asked = TensorType(DType.int64, ["asked"], device)
        sizes = self.cache_shape
        cache = BufferType(
            self.cached, [*sizes[:2], "rows", sizes[3], "columns", sizes[5]], device
        )
        return [ids, ids, texts, asked, cache]

    @property
    def cache_shape(self) -> tuple[int, ...]:
        """Of a cache without rows and columns."""
        config = self.config
        width = in_groups(config.head_dim) if self.unit else config.head_dim
        return config.n_layer, 2, 0, config.n_head, 0, width


def check(precision: str, device: str) -> None:
    """Raises the ValueError of `Engine`, for which it needs no weights."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
    if device not in ("cpu", "gpu"):
        raise ValueError(f"device must be 'cpu' or 'gpu', not {device!r}")
    if device == "gpu" and accelerator_count() == 0:
        raise ValueError("MAX finds no GPU on this machine: use device 'cpu'")


# --- Engine ------------------------------------------------------------------------


class Engine:
    """A GPT-2 that remembers what it has read.

    Args:
        config: The sizes.
        weights: The parameters under their checkpoint names, linear layers as
            `[out, in]`, as `load_checkpoint` gives them in float32.
        steps: Whose model; the solutions' if none are given.
        precision: As for `Network`, like the next two.
        device: "cpu" or "gpu".
        kernels: Whether the Mojo kernels compute.

    Attributes:
        at_once: How many tokens are read in little more than the time of one; 1 where
            the bits of a text's logits would not stay the same.
        spare: Data of caches that are gone, by rows and columns.

    Raises:
        ValueError: If the precision or the device is unknown or not there.
    """

    def __init__(
        self,
        config: GPT2Config,
        weights: Mapping[str, DLPackArray],
        *,
        steps: Steps | None = None,
        precision: str = "float32",
        device: str = "cpu",
        kernels: bool = True,
    ) -> None:
        self.network = Network(
            config,
            steps or load_steps("solutions"),
            precision=precision,
            device=device,
            kernels=kernels,
        )
        self.config = config
        self.at_once = 8 if self.network.unit else 1
        self.device = self.network.device
        self.weights = {
            name: Buffer.from_dlpack(array).to(self.device)
            for name, array in store(weights, self.network.kept).items()
        }
        self.model = self.network.load(self.weights)
        self.spare: dict[tuple[int, int], Buffer] = {}

    def new_cache(self, rows: int, capacity: int | None = None) -> Cache:
        """A cache in which nothing stands.

        It takes the memory of one as large that is gone, with what stood there: Linux
        may take tens of milliseconds to find other memory in large pages.

        Args:
            rows: How many texts it is for.
            capacity: Tokens of each that it is to have room for; n_positions, if that
                is less or none is given.
        """
        n_positions = self.config.n_positions
        capacity = min(capacity or n_positions, n_positions)
        network = self.network
        size = rows, in_groups(capacity)
        data = self.spare.pop(size, None)
        if data is None:
            self.spare.clear()
            data = empty(network.cached, network.cache_shape, rows, capacity)
            data = data.to(self.device)
        cache = Cache(data, np.zeros(rows, np.int64), capacity)
        weakref.finalize(cache, self.spare.__setitem__, size, data)
        return cache

    def prefill(
        self, prompts: Sequence[Sequence[int]], capacity: int | None = None
    ) -> tuple[np.ndarray, Cache]:
        """Reads a batch of prompts.

        Args:
            prompts: Ids below vocab_size.  The prompts may differ in length.
            capacity: As for `new_cache`.

        Returns:
            Logits `[batch, vocab_size]`, float32, of what follows each prompt; and
            the cache that holds them.

        Raises:
            ValueError: If a prompt is empty or does not fit.
        """
        cache = self.new_cache(len(prompts), capacity)
        return self.read(dict(enumerate(prompts)), cache), cache

    def decode(self, tokens: Sequence[int], cache: Cache) -> np.ndarray:
        """Reads one more token of each text: logits `[batch, vocab_size]`, float32.

        Raises:
            ValueError: If it is not one of each, or as for `read`.
        """
        if len(tokens) != len(cache.lengths):
            raise ValueError(
                f"{len(tokens)} tokens for a cache of {len(cache.lengths)} texts"
            )
        return self.read({row: [token] for row, token in enumerate(tokens)}, cache)

    def read(
        self, texts: Mapping[int, Sequence[int]], cache: Cache, *, every: bool = False
    ) -> np.ndarray:
        """Reads more tokens of some texts, all in one call of the model.

        A text's logits have the same bits however it is read: alone or among others,
        token by token or many at once.

        Args:
            texts: By row of the cache, the ids that come next there.
            cache: Holds what stands before them, and then them too.
            every: Whether all of the new tokens are asked about, not only the last.

        Returns:
            Logits `[texts, vocab_size]`, float32, of what follows each text; or
            `[new tokens, vocab_size]`, those of one text behind another's.

        Raises:
            ValueError: If there is no such id, or no room in the cache.
        """
        config, counts = self.config, np.array([len(ids) for ids in texts.values()])
        if not texts:
            raise ValueError("not one prompt")
        if not counts.all():
            raise ValueError("a prompt has no tokens")
        rows = np.fromiter(texts, np.int64)  # [texts]
        lengths = cache.lengths[rows]  # [texts]
        for count, room in zip(counts, cache.capacity - lengths, strict=True):
            if count > room:
                raise ValueError(f"{count} tokens, but the cache has room for {room}")
        ids = np.fromiter(chain.from_iterable(texts.values()), np.int64)  # [new tokens]
        if not 0 <= ids.min() <= ids.max() < config.vocab_size:
            raise ValueError(f"a token is not below {config.vocab_size}")
        ends = counts.cumsum()  # [texts]
        starts = ends - counts  # [texts]
        text = np.repeat(np.arange(len(rows)), counts)  # [new tokens]
        nth = np.arange(len(ids)) - starts[text]  # [new tokens], in its text
        positions = lengths[text] + nth  # [new tokens]
        asked = np.arange(len(ids)) if every else ends - 1  # [asked]
        if self.network.unit:  # one text behind another, [1, new tokens]
            order = np.arange(len(ids))[None]
        else:  # each a row, [texts, seq]; a shorter one says its last token again
            seq = int(counts.max())
            order = starts[:, None] + np.minimum(np.arange(seq), counts[:, None] - 1)
            starts = np.arange(len(rows)) * seq
            asked = (text * seq + nth)[asked]
        (logits,) = self.model.execute(
            self.on_device(ids[order]),
            self.on_device(positions[order]),
            self.on_device(np.stack([rows, starts, lengths], axis=1)),
            self.on_device(asked),
            cache.data,
        )
        cache.lengths[rows] += counts
        return logits.to(CPU()).to_numpy()  # [asked, vocab_size]

    def on_device(self, array: np.ndarray) -> Buffer:
        """The array where the graph reads it."""
        return Buffer.from_numpy(np.ascontiguousarray(array)).to(self.device)
