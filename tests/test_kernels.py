"""The Mojo kernels against NumPy, each alone in a graph of its own.

MAX compiles the graphs together: half a minute, the first time on a machine.
"""

import math
from pathlib import Path

import numpy as np
import pytest
from max.driver import CPU, Buffer
from max.dtype import DType
from max.engine import InferenceSession
from max.graph import BufferType, DeviceRef, Graph, Module, TensorType, ops

from gpt2.compiled import KERNELS, compiled_file, load_compiled
from gpt2.precision import from_float32, to_float32
from tests import reference

DEVICE = DeviceRef.CPU()
SHAPES = [(3, 1), (6, 2), (131, 24), (40, 32), (257, 96), (4099, 160)]  # [n_out, n_in]
PRECISIONS = (DType.float32, DType.bfloat16, DType.int8)
HEADS = [(2, 3, 20), (1, 2, 64)]  # (batch, n_head, head_dim)


@pytest.fixture(scope="module")
def graphs():
    """The compiled graphs by name, kept as the engine's are."""
    sources = [Path(__file__), *sorted(KERNELS.glob("*.mojo"))]
    file = compiled_file(*(source.read_text() for source in sources))

    def build() -> Module:
        module = Module()
        build_linear(module)
        for _, n_head, head_dim in HEADS:
            build_attention(module, n_head, head_dim)
        return module

    session = InferenceSession(devices=[CPU()], custom_extensions=[KERNELS])
    return load_compiled(session, file, build)


# --- The linear layer --------------------------------------------------------------


def build_linear(module: Module) -> None:
    """One graph with every linear layer: x and a weight for each, y for each."""
    inputs = [
        type_
        for n_out, n_in in SHAPES
        for dtype in PRECISIONS
        for type_ in (
            TensorType(DType.float32, ("batch", "seq", n_in), DEVICE),
            TensorType(dtype, (n_out, n_in), DEVICE),
        )
    ]
    with Graph(
        "linear", input_types=inputs, custom_extensions=[KERNELS], module=module
    ) as graph:
        outputs = []
        for x, weight in zip(graph.inputs[::2], graph.inputs[1::2], strict=True):
            n_out, n_in = map(int, weight.tensor.shape)
            outputs += ops.custom(
                "gpt2_linear",
                DEVICE,
                (x, weight),
                [TensorType(DType.float32, ("batch", "seq", n_out), DEVICE)],
                {"width": math.gcd(n_in, 32)},
            )
        graph.output(*outputs)


@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (3, 1), (1, 4), (2, 5), (7, 10)])
def test_linear(graphs, batch, seq):
    """Whole tiles, what is left over of them, and a single token."""
    rng = np.random.default_rng(batch)
    arguments, expected = [], []
    for n_out, n_in in SHAPES:
        for dtype in PRECISIONS:
            x = rng.standard_normal((batch, seq, n_in), dtype=np.float32)
            if dtype == DType.int8:
                kept = weight = rng.integers(-127, 128, (n_out, n_in), dtype=np.int8)
            else:
                weight = rng.standard_normal((n_out, n_in), dtype=np.float32)
                kept = Buffer.from_dlpack(from_float32(weight, dtype))
                weight = to_float32(kept)
            arguments += [x, kept]
            expected.append(x.astype(np.float64) @ weight.T.astype(np.float64))
    for y, right in zip(graphs["linear"].execute(*arguments), expected, strict=True):
        scale = np.abs(right).max()
        np.testing.assert_allclose(y.to_numpy(), right, rtol=0, atol=2e-6 * scale)


# --- Attention ---------------------------------------------------------------------


def build_attention(module: Module, n_head: int, head_dim: int) -> None:
    """A graph with layer 1 of two."""
    n_embd = n_head * head_dim
    cache = [2, 2, "batch", n_head, "capacity", head_dim]
    inputs = [
        BufferType(DType.float32, cache, DEVICE),
        TensorType(DType.float32, ("batch", "seq", 3 * n_embd), DEVICE),
        TensorType(DType.int64, ("batch",), DEVICE),
        TensorType(DType.int64, (), DEVICE),
    ]
    with Graph(
        f"attention of {n_head} x {head_dim}",
        input_types=inputs,
        custom_extensions=[KERNELS],
        module=module,
    ) as graph:
        y = ops.inplace_custom(
            "gpt2_attention",
            DEVICE,
            (*graph.inputs, ops.constant(1, DType.int64, DEVICE)),
            [TensorType(DType.float32, ("batch", "seq", n_embd), DEVICE)],
            {"width": math.gcd(head_dim, 16)},
        )
        graph.output(*y)


@pytest.mark.parametrize(("batch", "n_head", "head_dim"), HEADS)
@pytest.mark.parametrize("seq", [1, 5, 40])
@pytest.mark.parametrize("length", [0, 1, 17])
def test_attention(graphs, batch, n_head, head_dim, length, seq):
    """New keys and values are put behind the old ones, and nothing else changes."""
    graph = graphs[f"attention of {n_head} x {head_dim}"]
    rng = np.random.default_rng(seq)
    capacity = length + seq + 2
    shape = (2, 2, batch, n_head, capacity, head_dim)
    cache = rng.standard_normal(shape, dtype=np.float32)
    n_embd = n_head * head_dim
    qkv = rng.standard_normal((batch, seq, 3 * n_embd), dtype=np.float32) * 3
    first = np.arange(batch) * min(length, 3)  # the second row begins later

    q, k, v = (reference.split_heads(x, n_head) for x in np.split(qkv, 3, axis=-1))
    after = cache.copy()
    after[1, 0, :, :, length : length + seq] = k
    after[1, 1, :, :, length : length + seq] = v
    (y,) = graph.execute(cache, qkv, first, np.array(length))
    np.testing.assert_array_equal(cache, after)
    for row in range(batch):
        keys, values = after[1, :, row, None, :, first[row] : length + seq]
        weights = reference.attention_weights(q[row, None], keys)
        right = reference.merge_heads(weights @ values)[0]  # [seq, n_embd]
        np.testing.assert_allclose(
            y.to_numpy()[row], right, rtol=0, atol=1e-5 * np.abs(right).max()
        )
