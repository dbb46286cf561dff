"""The Mojo kernels against NumPy, each alone in a graph of its own.

MAX compiles the graphs of the units that the engine takes here together, and those of
all others: half a minute each, the first time on a machine.  A unit that this processor
lacks is compiled where its instructions can be, and then skipped.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from max.driver import CPU, Buffer, DLPackArray
from max.dtype import DType
from max.engine import InferenceSession, Model
from max.graph import BufferType, DeviceRef, Graph, Module, TensorType, ops

from gpt2 import processor
from gpt2.compiled import KERNELS, compiled_file, kernels_package, load_compiled
from gpt2.engine import GROUP, in_groups
from gpt2.precision import DTYPES, Kept, pack, store, to_float32, upper_half
from gpt2.processor import UNITS, Unit
from tests import reference

DEVICE = DeviceRef.CPU()
HEAD_DIMS = (3, 64, 80)
N_HEAD = 3
COUNTS = (*range(1, 41), 100)  # tokens
SHAPES = [*product((1, 3, 47, 97), (1, 7, 33)), (97, 160), (96, 33)]  # [n_out, n_in]
LONG = (97, 1030)  # what is nearest to the processor holds no more lines of this one
EVERY = [(precision, unit) for precision in UNITS for unit in UNITS[precision]]


def named(precision: str, unit: Unit) -> str:
    return f"{precision} {unit.name} {unit.group}"


def chosen(precision: str, unit: Unit) -> bool:
    """Whether the engine takes it here; `./run test` tries these."""
    return unit == processor.unit(precision)


def each(ways: Iterable[tuple[str, Unit]]) -> pytest.MarkDecorator:
    ways = list(ways)
    cases = [
        pytest.param(
            *way, id=named(*way), marks=() if chosen(*way) else pytest.mark.slow
        )
        for way in ways
    ]
    return pytest.mark.parametrize(("precision", "unit"), cases)


each_unit = each(EVERY)


def compiles(unit: Unit) -> bool:
    """Whether there are registers for its instructions here."""
    wide = unit.needs & {"avx512f"}
    return processor.runs(unit._replace(needs=wide))


def skip_what_does_not_run(unit: Unit) -> None:
    if processor.runs(unit):
        return
    missing = ", ".join(sorted(unit.needs - processor.flags()))
    how_far = "was compiled, and" if compiles(unit) else "is not compiled, and"
    why = f"this processor has no {missing}" if missing else "Linux does not allow it"
    pytest.skip(f"{unit.name} {how_far} does not run: {why}")


# --- Graphs ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chosen_graphs():
    return compiled_graphs([way for way in EVERY if chosen(*way)])


@pytest.fixture(scope="module")
def other_graphs():
    return compiled_graphs(
        [way for way in EVERY if not chosen(*way) and compiles(way[1])]
    )


@pytest.fixture
def graphs(request, precision, unit):
    """The graphs by name, among them those of a precision and a unit."""
    which = "chosen" if chosen(precision, unit) else "other"
    return request.getfixturevalue(f"{which}_graphs")


def compiled_graphs(ways: Sequence[tuple[str, Unit]]) -> dict[str, Model]:
    """Kept as the engine's are."""
    sources = [Path(__file__), *sorted(KERNELS.glob("*.mojo"))]
    file = compiled_file(*(source.read_text() for source in sources), str(ways))

    def build() -> Module:
        module = Module()
        for precision, unit in ways:
            build_linear(module, precision, unit)
        for precision, group in sorted({(name, unit.group) for name, unit in ways}):
            build_embedding(module, precision, group)
        for (precision, unit), head_dim in product(CACHES, HEAD_DIMS):
            if (precision, unit) in ways:
                build_attention(module, precision, unit, head_dim)
        return module

    session = InferenceSession(devices=[CPU()], custom_extensions=[kernels_package()])
    return load_compiled(session, file, build)


def new_graph(module: Module, name: str, *inputs: BufferType | TensorType) -> Graph:
    package = [kernels_package()]
    return Graph(name, input_types=inputs, custom_extensions=package, module=module)


def packed_type(precision: str, group: int) -> TensorType:
    """Of a weight of any size."""
    dtype = DTYPES[precision]
    per_line = 4 // dtype.size_in_bytes
    return TensorType(dtype, ("groups", "lines", group, per_line), DEVICE)


def packed(precision: str, group: int, weight: np.ndarray) -> dict[str, DLPackArray]:
    """A weight as the engine keeps it, and its scale if it has one."""
    kept = Kept(packed_type(precision, group).dtype, group)
    return store({"weight": weight}, {"weight": kept})


# --- The linear layer --------------------------------------------------------------


def build_linear(module: Module, precision: str, unit: Unit) -> None:
    inputs = (
        TensorType(DType.float32, ("batch", "seq", "n_in"), DEVICE),
        packed_type(precision, unit.group),
        TensorType(DType.float32, ("scales",), DEVICE),
        TensorType(DType.int32, ("scales",), DEVICE),
        TensorType(DType.float32, ("n_out",), DEVICE),
    )
    with new_graph(module, f"linear {named(precision, unit)}", *inputs) as graph:
        y = ops.custom(
            "gpt2_linear",
            DEVICE,
            graph.inputs,
            [TensorType(DType.float32, ("batch", "seq", "n_out"), DEVICE)],
            {"unit": unit.name, "group": unit.group, "biased": True},
        )
        graph.output(*y)


def expected_product(
    precision: str, unit: Unit, x: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, float]:
    """`x @ weight.T` as that unit rounds both, and how near the kernel must come."""
    if precision == "int8":
        least, most = (
            np.float32(f(x, axis=1, keepdims=True, initial=0)) for f in (np.min, np.max)
        )  # [count, 1]
        span = most - least
        by = np.divide(255, span, where=span > 0, out=np.zeros_like(span))
        zero = np.rint(-least * by)
        q = np.clip(np.rint(x * by) + zero, 0, 255) - zero
        kept = store({"weight": weight}, {"weight": Kept(DType.int8)})
        sums = q.astype(np.float64) @ kept["weight"].T  # [count, n_out], whole numbers
        y = np.float32(sums) * (span / 255)  # every bit is the same
        return y * np.float64(kept["scale"]), 0
    if precision == "bfloat16":
        weight = rounded(weight)
        x = x if unit.name == "plain" else rounded(x)
    y = x.astype(np.float64) @ weight.T.astype(np.float64)
    return y, 2e-6 * np.abs(y).max()


def alone(array: np.ndarray) -> np.ndarray:
    """The same, and memory in front of it and behind it that no kernel may read."""
    memory = np.full(array.size + 128, np.nan, np.float32)
    copy = memory[64:-64].reshape(array.shape)
    copy[:] = array
    return copy


def rounded(array: np.ndarray) -> np.ndarray:
    """To bfloat16."""
    return (upper_half(array).astype(np.uint32) << 16).view(np.float32)


@each_unit
def test_linear(graphs, precision, unit):
    """Tiles that are full and what is left over of them; and a token's outputs have
    the same bits, however many there are."""
    skip_what_does_not_run(unit)
    graph = graphs[f"linear {named(precision, unit)}"]
    rng = np.random.default_rng(1)
    for n_out, n_in in [*SHAPES, LONG]:
        weight = rng.standard_normal((n_out, n_in), dtype=np.float32)
        weight[-1] = 0
        x = rng.standard_normal((max(COUNTS), n_in), dtype=np.float32) * 3
        x[2] = 0
        stored = packed(precision, unit.group, weight)
        bias = rng.standard_normal(n_out, dtype=np.float32)
        none = bias, np.zeros(n_out, np.int32)
        extra = (stored["scale"], stored["total"]) if "scale" in stored else none
        inputs = stored["weight"], *extra, alone(bias)
        (y,) = graph.execute(alone(x.reshape(2, -1, n_in)), *inputs)
        y = y.to_numpy().reshape(-1, n_out)
        expected, atol = expected_product(precision, unit, x, weight)
        expected = np.float32(expected + bias)
        np.testing.assert_allclose(y, expected, rtol=0, atol=atol)
        for count in COUNTS:
            (fewer,) = graph.execute(alone(x[None, :count]), *inputs)
            np.testing.assert_array_equal(fewer.to_numpy()[0], y[:count])
        (more,) = graph.execute(np.tile(x, (6, 1))[None], *inputs)
        np.testing.assert_array_equal(more.to_numpy()[0], np.tile(y, (6, 1)))


# --- Embeddings --------------------------------------------------------------------


def build_embedding(module: Module, precision: str, group: int) -> None:
    inputs = (
        TensorType(DType.int64, ("batch", "seq"), DEVICE),
        packed_type(precision, group),
        TensorType(DType.float32, ("n_in",), DEVICE),
    )
    with new_graph(module, f"embedding {precision} {group}", *inputs) as graph:
        ids, weight, _ = graph.inputs
        y = ops.custom(
            "gpt2_embedding",
            DEVICE,
            (ids, weight),
            [TensorType(DType.float32, ("batch", "seq", "n_in"), DEVICE)],
            {"group": group},
        )
        graph.output(*y)


@each_unit
def test_embedding(graphs, precision, unit):
    """Every row of a table, as exact as it is kept."""
    if not compiles(unit):
        skip_what_does_not_run(unit)
    rng = np.random.default_rng(2)
    for n_out, n_in in SHAPES:
        table = rng.standard_normal((n_out, n_in), dtype=np.float32)
        ids = rng.permutation(n_out)[None]
        weight = packed(precision, unit.group, table)["weight"]
        graph = graphs[f"embedding {precision} {unit.group}"]
        (y,) = graph.execute(ids, weight, np.zeros(n_in, np.float32))
        kept = store({"weight": table}, {"weight": Kept(DTYPES[precision])})["weight"]
        expected = to_float32(Buffer.from_dlpack(kept))[ids]
        np.testing.assert_array_equal(y.to_numpy(), expected)


# --- Attention ---------------------------------------------------------------------

# What multiplies keys and values; those of int8 weights are in bfloat16.  A group is
# always as large here, so that a unit of each name will do: the best that compiles.
CACHES = {
    (precision, unit.name): (precision, unit)
    for precision, unit in reversed(EVERY)
    if precision != "int8" and compiles(unit)
}.values()


def build_attention(module: Module, precision: str, unit: Unit, head_dim: int) -> None:
    """Of layer 1 of two."""
    n_embd = N_HEAD * head_dim
    cache = [2, 2, "rows", N_HEAD, "columns", in_groups(head_dim)]
    inputs = (
        BufferType(DTYPES[precision], cache, DEVICE),
        TensorType(DType.float32, ("batch", "seq", 3 * n_embd), DEVICE),
        TensorType(DType.int64, ("texts", 3), DEVICE),
    )
    name = f"attention {named(precision, unit)} {head_dim}"
    with new_graph(module, name, *inputs) as graph:
        y = ops.inplace_custom(
            "gpt2_attention",
            DEVICE,
            (*graph.inputs, ops.constant(1, DType.int64, DEVICE)),
            [TensorType(DType.float32, ("batch", "seq", n_embd), DEVICE)],
            {"unit": unit.name, "head_dim": head_dim},
        )
        graph.output(*y)


def as_kept(precision: str, plain: np.ndarray) -> np.ndarray:
    """Keys and values `[n_layer, 2, rows, n_head, columns, width]` as the cache has
    them: packed, the values by column."""
    kept = upper_half(plain) if precision == "bfloat16" else plain
    cache = np.empty_like(kept)
    for place in np.ndindex(kept.shape[:4]):
        its = kept[place]  # [columns, width]
        weight = pack(its.T, its.shape[1]) if place[1] else pack(its, GROUP)
        cache[place] = weight.reshape(its.shape)
    return cache


# Row of the cache, tokens there, new tokens.
TEXTS = {
    "one token": [(0, 0, 1)],
    "a prompt": [(2, 0, 40)],
    "a long prompt": [(1, 0, 150)],
    "one after another block": [(1, 64, 1), (0, 63, 1), (3, 128, 1), (2, 190, 1)],
    "of all lengths": [(4, 17, 5), (0, 130, 9), (2, 0, 1), (3, 60, 70), (1, 1, 8)],
}


@pytest.mark.parametrize("texts", TEXTS.values(), ids=list(TEXTS))
@pytest.mark.parametrize("head_dim", HEAD_DIMS)
@each(CACHES)
def test_attention(graphs, precision, unit, head_dim, texts):
    """New keys and values are put behind the old ones, and nothing else changes."""
    skip_what_does_not_run(unit)
    graph = graphs[f"attention {named(precision, unit)} {head_dim}"]
    keeps = rounded if precision == "bfloat16" else np.copy
    rounds = np.copy if unit.name == "plain" else rounded  # queries and weights
    rng = np.random.default_rng(3)
    width, n_embd = in_groups(head_dim), N_HEAD * head_dim
    after = keeps(rng.standard_normal((2, 2, 5, N_HEAD, 256, width), dtype=np.float32))
    after[..., head_dim:] = 0
    cache = as_kept(precision, after)
    count = sum(new for _, _, new in texts)
    qkv = rng.standard_normal((1, count, 3 * n_embd), dtype=np.float32) * 3
    q, k, v = (  # [1, n_head, count, head_dim]
        reference.split_heads(x, N_HEAD) for x in np.split(qkv, 3, axis=-1)
    )
    table, expected, first = [], [], 0
    for row, length, new in texts:
        its, end = slice(first, first + new), length + new
        after[1, 0, row, :, length:end, :head_dim] = keeps(k[0, :, its])
        after[1, 1, row, :, length:end, :head_dim] = keeps(v[0, :, its])
        if precision == "bfloat16" and end % 2:  # what stood beside it is forgotten
            after[1, 1, row, :, end] = 0
        keys, values = after[1, :, row, None, :, :end, :head_dim]
        weights = reference.attention_weights(rounds(q[:, :, its]), keys)
        top = weights.max(axis=-1, keepdims=True)
        weights = top * rounds(np.float32(weights / top))
        expected.append(reference.merge_heads(weights @ values)[0])
        table.append([row, first, length])
        first += new
    buffer = Buffer.from_numpy(cache).view(DTYPES[precision])
    (y,) = graph.execute(buffer, alone(qkv), np.array(table))
    np.testing.assert_array_equal(cache, as_kept(precision, after))
    right = np.concatenate(expected)  # [count, n_embd]
    off = np.abs(y.to_numpy()[0] - right) / np.abs(right).max()
    # A weight in the middle between two of bfloat16 may become either.
    assert off.max() <= (1e-5 if rounds is np.copy else 4e-3)
    assert np.quantile(off, 0.9) <= 1e-5
