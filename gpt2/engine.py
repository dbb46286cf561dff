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
from collections.abc import Mapping, Sequence
from functools import cached_property
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
from gpt2.precision import store
from solutions.solution_01 import GPT2Config

# --- KV cache ----------------------------------------------------------------------


class Cache:
    """Keys and values of every token so far, of a batch of texts.

    The texts end at the same column; a shorter one begins later:

        R O M E O :        first 0
        . . K I N G        first 2

    Attributes:
        data: float32 `[n_layer, 2, batch, n_head, capacity, head_dim]` on the
            device; keys, then values.  The graphs write into it.
        first: int64 `[batch]`, the column of each text's first token.
        length: Number of columns in use.
    """

    def __init__(self, data: Buffer, first: np.ndarray, length: int = 0) -> None:
        self.data = data
        self.first = first
        self.length = length

    @property
    def capacity(self) -> int:
        """Number of columns."""
        return int(self.data.shape[4])

    @property
    def full(self) -> bool:
        """Whether there is no column left for another token."""
        return self.length == self.capacity

    def reorder(self, rows: Sequence[int], capacity: int | None = None) -> Cache:
        """A copy whose text i is text `rows[i]`; texts may be left out or repeated.

        It has as many columns, or `capacity`.
        """
        old = self.data.to(CPU()).to_numpy()
        n_layer, _, _, n_head, columns, head_dim = old.shape
        heads = (n_head, capacity or columns, head_dim)
        new = np.zeros((n_layer, 2, len(rows), *heads), old.dtype)
        new[..., : self.length, :] = old[:, :, rows, :, : self.length]
        copy = Buffer.from_numpy(new).to(self.data.device)
        return Cache(copy, self.first[np.asarray(rows)], self.length)


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
        dtypes: In which type each parameter is kept.

    Raises:
        ValueError: If the precision or the device is unknown or not there.
    """

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
        self.kernels = kernels and device == "cpu"
        self.module = build(
            lambda: Exchanged(steps.assemble(config), precision, self.kernels),
            device=self.device,
        )
        self.dtypes = {name: weight.dtype for name, weight in self.module.parameters}
        ours = [Path(file).read_text() for file in (__file__, exchange.__file__)]
        how = f"{config} {precision} {self.device} {self.kernels}"
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
        config, device = self.config, DeviceRef.from_device(self.device)
        ids = TensorType(DType.int64, ["batch", "seq"], device)
        first = TensorType(DType.int64, ["batch"], device)
        length = TensorType(DType.int64, [], DeviceRef.CPU())
        cache = BufferType(
            DType.float32,
            [config.n_layer, 2, "batch", config.n_head, "capacity", config.head_dim],
            device,
        )
        return self.module.trace(
            *(ids, ids, first, length, cache),
            name="gpt2",
            custom_extensions=[kernels_package()] if self.kernels else [],
        )


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
        self.device = self.network.device
        self.weights = {
            name: Buffer.from_dlpack(array).to(self.device)
            for name, array in store(weights, self.network.dtypes).items()
        }
        self.model = self.network.load(self.weights)

    def prefill(
        self, prompts: Sequence[Sequence[int]], capacity: int | None = None
    ) -> tuple[np.ndarray, Cache]:
        """Reads a batch of prompts.

        Args:
            prompts: Ids below vocab_size.  The prompts may differ in length.
            capacity: Tokens that the cache is to have room for; n_positions, if that
                is less or none is given.

        Returns:
            Logits `[batch, vocab_size]`, float32, of what follows each prompt; and
            the cache that holds them.

        Raises:
            ValueError: If a prompt is empty or does not fit.
        """
        config = self.config
        capacity = min(capacity or config.n_positions, config.n_positions)
        if not prompts:
            raise ValueError("not one prompt")
        if not all(prompts):
            raise ValueError("a prompt has no tokens")
        longest = max(map(len, prompts))
        first = np.array([longest - len(prompt) for prompt in prompts])
        tokens = np.zeros((len(prompts), longest), np.int64)  # [batch, seq]
        for row, prompt in enumerate(prompts):
            tokens[row, first[row] :] = prompt
        heads = (config.n_head, capacity, config.head_dim)
        empty = np.zeros((config.n_layer, 2, len(prompts), *heads), np.float32)
        data = Buffer.from_numpy(empty).to(self.device)
        cache = Cache(data, first)
        return self.extend(tokens, cache), cache

    def decode(self, tokens: Sequence[int], cache: Cache) -> np.ndarray:
        """Reads one more token of each text: logits `[batch, vocab_size]`, float32."""
        return self.extend(np.reshape(tokens, (-1, 1)), cache)

    def extend(self, tokens: np.ndarray, cache: Cache) -> np.ndarray:
        """Reads more tokens of each text.

        Args:
            tokens: int64 `[batch, seq]`.
            cache: Holds what stands before them, and then them too.

        Returns:
            Logits `[batch, vocab_size]`, float32, of what follows the last ones.

        Raises:
            ValueError: If there is no such id, or no room in the cache.
        """
        batch, seq = tokens.shape
        if batch != len(cache.first):
            raise ValueError(f"{batch} tokens for a cache of {len(cache.first)} texts")
        room = cache.capacity - cache.length
        if seq > room:
            raise ValueError(f"{seq} tokens, but the cache has room for {room}")
        if not 0 <= tokens.min() <= tokens.max() < self.config.vocab_size:
            raise ValueError(f"a token is not below {self.config.vocab_size}")
        columns = np.arange(cache.length, cache.length + seq)  # [seq]
        positions = np.maximum(columns - cache.first[:, None], 0)  # [batch, seq]
        (logits,) = self.model.execute(
            self.on_device(tokens),
            self.on_device(positions),
            self.on_device(cache.first),
            np.array(cache.length),
            cache.data,
        )
        cache.length += seq
        return logits.to(CPU()).to_numpy()  # [batch, vocab_size]

    def on_device(self, array: np.ndarray) -> Buffer:
        """The array where the graph reads it."""
        return Buffer.from_numpy(np.ascontiguousarray(array)).to(self.device)
