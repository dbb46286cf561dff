"""How fast: what is put into a model of twelve steps, so that it runs at full speed.

Whoever wrote the steps, their model is right as it stands, and slow: for every token it
reads the whole text again.  Four kinds of its parts are exchanged for others, which
give the same numbers sooner:

    each Linear    reads its weights as they are kept, in four bytes, two or one
    each attend    puts keys and values into a cache, and attends to all that is there
    the head       looks at the last token only
    wte            in fewer bytes, widens the rows that it looks up

All else stays the step files' own code: sizes, layer norms, MLP, GELU, the embeddings
in float32, residuals, and the order of it all.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from max import tree
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor
from max.graph import BufferValue, DeviceRef, TensorType, TensorValue, ops

from gpt2 import processor
from gpt2.precision import CACHED, DTYPES, packed_shape
from gpt2.processor import Unit

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]

CPU = DeviceRef.CPU()
FAR = 1e30  # below every score: its weight is 0, and among its like it is no NaN


# --- Linear layers -----------------------------------------------------------------


def keep(layer: Any, precision: str, unit: Unit | None) -> None:
    """Gives a layer the parameters that it has in a precision.

    Args:
        layer: Its `weight` is `[n_out, n_in]`.
        precision: One of PRECISIONS.
        unit: What multiplies in the Mojo kernel; None for MAX's operations.
    """
    dtype = DTYPES[precision]
    n_out, n_in = shape = [int(size) for size in layer.weight.shape]
    layer.n_out, layer.n_in = shape
    if unit:
        shape = [*packed_shape(n_out, n_in, dtype.size_in_bytes, unit.group)]
    # The graph only asks for a parameter's type: the weights come later.
    layer.weight = Tensor.zeros(shape, dtype=dtype)
    if dtype == DType.int8:
        layer.scale = Tensor.ones([n_out])
    if dtype == DType.int8 and unit:
        layer.total = Tensor.zeros([n_out], dtype=DType.int32)


def linear(layer: Any, x: Tensor, *, unit: Unit | None) -> Tensor:
    """x @ weight.T + bias: `[batch, seq, n_in]` to `[batch, seq, n_out]`.

    Args:
        layer: Its `weight` is `[n_out, n_in]`, or packed; a `scale` or a `bias` is
            `[n_out]`.
        x: The tokens.
        unit: What multiplies in the Mojo kernel; None for MAX's operations.
    """
    if x.rank == 2:  # one text, without its axis
        return linear(layer, x.unsqueeze(0), unit=unit)[0]
    scale = layer.scale if has(layer, "scale") else None
    bias = layer.bias if has(layer, "bias") else None
    if unit:
        none = F.constant([0.0], DType.float32, x.device)
        nought = F.constant([0], DType.int32, x.device)
        return F.custom(
            "gpt2_linear",
            x.device,
            values=(
                x,
                layer.weight,
                none if scale is None else scale,
                nought if scale is None else layer.total,
                none if bias is None else bias,
            ),
            out_types=[TensorType(DType.float32, [*x.shape[:2], layer.n_out], CPU)],
            parameters={
                "unit": unit.name,
                "group": unit.group,
                "biased": bias is not None,
            },
        )[0]  # [batch, seq, n_out]
    y = x @ F.cast(layer.weight, DType.float32).T  # [batch, seq, n_out]
    y = y if scale is None else y * scale
    return y if bias is None else y + bias


def has(module: Any, name: str) -> bool:
    """Whether a module has such a parameter."""
    return isinstance(getattr(module, name, None), Tensor)


# --- Token embeddings --------------------------------------------------------------


def embed(table: Any, ids: Tensor, *, unit: Unit | None) -> Tensor:
    """Rows of a table, packed or in fewer bytes: `[batch, seq]` to
    `[batch, seq, n_embd]`."""
    if unit:
        shape = [*ids.shape, table.n_in]
        x = F.custom(
            "gpt2_embedding",
            ids.device,
            values=(ids, table.weight),
            out_types=[TensorType(DType.float32, shape, CPU)],
            parameters={"group": unit.group},
        )[0]  # [batch, seq, n_embd]
    else:
        x = F.gather(table.weight, ids, axis=0)  # [batch, seq, n_embd]
        x = F.cast(x, DType.float32)
    if has(table, "scale"):
        x = x * F.gather(table.scale, ids, axis=0).unsqueeze(-1)
    return x


# --- Attention ---------------------------------------------------------------------


class BlockCache(NamedTuple):
    """Where one block finds its keys and values.

    Attributes:
        n: Which block.
        data: `[n_layer, 2, rows, n_head, columns, width]`; keys, then values.  Token
            t of a text stands in column t of its row.
        texts: int64 `[texts, 3]`: of each its row, the index of its first new token,
            and that token's column.
        positions: int64 `[batch, seq]`, the column of each new token.
    """

    n: int
    data: BufferValue
    texts: Tensor
    positions: Tensor


def attend_with_kernel(
    unit: Unit, cache: BlockCache, q: Tensor, k: Tensor, v: Tensor
) -> Tensor:
    """What `attend` computes, in one Mojo kernel.

    Args:
        unit: What multiplies.
        cache: Where keys and values go, and come from.
        q: Queries of the new tokens, `[batch, n_head, seq, head_dim]`: of one text
            behind another, whatever the batch.
        k: Their keys.
        v: Their values.

    Returns:
        Tensor `[batch, n_head, seq, head_dim]`.
    """
    batch, n_head, seq, head_dim = q.shape
    n_embd = n_head * head_dim
    # As c_attn made them: MAX finds that nothing needs to be moved.
    apart = [x.transpose(1, 2).reshape([batch, seq, n_embd]) for x in (q, k, v)]
    qkv = F.concat(apart, axis=-1)  # [batch, seq, 3 * n_embd]
    n = ops.constant(cache.n, DType.int64, CPU)
    y = F.inplace_custom(
        "gpt2_attention",
        q.device,
        values=(cache.data, qkv, cache.texts, n),
        out_types=[TensorType(DType.float32, [batch, seq, n_embd], CPU)],
        parameters={"unit": unit.name, "head_dim": int(head_dim)},
    )[0]  # [batch, seq, n_embd]
    y = y.reshape([batch, seq, n_head, head_dim])
    return y.transpose(1, 2)  # [batch, n_head, seq, head_dim]


def attend(cache: BlockCache, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same with MAX's operations, for any device; a text is a row of the batch."""
    head_dim = int(q.shape[3])
    rows = F.rebind(cache.texts[:, 0], q.shape[:1])  # [batch]
    k, v = (put(cache, i, rows, x) for i, x in enumerate((k, v)))
    scores = q @ k.transpose(2, 3)  # [batch, n_head, seq, columns]
    scores = scores / math.sqrt(head_dim) + mask(cache)
    return F.softmax(scores) @ v  # [batch, n_head, seq, head_dim]


def put(cache: BlockCache, i: int, rows: Tensor, x: Tensor) -> Tensor:
    """Puts new keys (i = 0) or values (1) into the cache: all of the rows' there."""
    every = slice(None)
    at = (cache.n, i, every, every, every, every)
    old = Tensor.from_graph_value(cache.data[at])  # [rows, n_head, columns, head_dim]
    _, n_head, columns, head_dim = old.shape
    heads = F.arange(0, int(n_head), dtype=DType.int64, device=x.device)
    places = rows.reshape([-1, 1]) * int(n_head) + heads  # [batch, n_head]
    length = Tensor.from_graph_value(ops.shape_to_tensor([columns])[0]).to(x.device)
    places = places.unsqueeze(-1) * length  # [batch, n_head, 1]
    places = places + cache.positions.unsqueeze(1)  # [batch, n_head, seq]
    new = F.scatter_nd(
        old.reshape([-1, head_dim]), x.reshape([-1, head_dim]), places.reshape([-1, 1])
    ).reshape(old.shape)
    cache.data[at] = TensorValue(new)
    return F.gather(new, rows, axis=0)  # [batch, n_head, columns, head_dim]


def mask(cache: BlockCache) -> Tensor:
    """What no query may see: what comes after it in its text, and empty columns.

    Returns:
        Tensor `[batch, 1, seq, columns]`.
    """
    columns, device = cache.data.shape[4], cache.positions.device
    column = F.arange(0, columns, out_dim=columns, dtype=DType.int64, device=device)
    early = F.min(cache.positions.unsqueeze(-1) - column, 0)  # below 0 if later
    return (F.cast(early, DType.float32) * FAR).unsqueeze(1)


# --- Exchange ----------------------------------------------------------------------


class Exchanged(Module[..., Tensor]):
    """A model of twelve steps that reads new tokens only.

    Args:
        model: What step 11 makes, `GPT2LMHeadModel`.
        precision: How Linear layers and `wte` keep their weights, one of PRECISIONS.
        unit: What multiplies in the Mojo kernels, on the CPU; None for MAX's
            operations.
    """

    def __init__(self, model: Any, precision: str, unit: Unit | None) -> None:
        self.model = model
        self.model.name_transparent = True  # the parameters keep their names
        self.cached = CACHED[precision]
        self.unit = unit
        for layer in [*linear_layers(model), model.transformer.wte]:
            keep(layer, precision, unit)

    def forward(
        self,
        tokens: Tensor,
        positions: Tensor,
        texts: Tensor,
        asked: Tensor,
        cache: Tensor,
    ) -> Tensor:
        """Reads new tokens, whose keys and values go into the cache.

        Args:
            tokens: int64 `[batch, seq]`, of one text behind another; without the
                kernels a text is a row.
            positions: int64 `[batch, seq]`, where in its text each of them stands.
            texts: As in BlockCache.
            asked: int64 `[asked]`, the indices of some tokens.
            cache: The keys and values of all blocks.

        Returns:
            Logits `[asked, vocab_size]` of what follows each of these.
        """
        collect = attend
        if self.unit:
            collect = partial(attend_with_kernel, processor.unit(self.cached))
        data = cache.__buffervalue__()

        def attention(n: int) -> Attend:
            return partial(collect, BlockCache(n, data, texts, positions))

        return self.read(tokens, positions, asked, attention)

    def read(
        self,
        tokens: Tensor,
        positions: Tensor,
        asked: Tensor,
        attention: Callable[[int], Attend],
    ) -> Tensor:
        """The model with the parts that it gets.

        Args:
            tokens: As for `forward`, like the next two.
            positions: Where each token stands in its text.
            asked: The indices of some tokens.
            attention: Gives the n-th block its `attend`.

        Returns:
            Logits `[asked, vocab_size]`.
        """
        # What MAX traces is a copy of this module: the parts are put into that.
        transformer = self.model.transformer
        for layer in linear_layers(self.model):
            layer.forward = partial(linear, layer, unit=self.unit)
        transformer.wte.forward = partial(embed, transformer.wte, unit=self.unit)
        for n, block in enumerate(transformer.h):
            block.attn.attend = attention(n)
        hidden = transformer(tokens, positions)  # [batch, seq, n_embd]
        hidden = hidden.reshape([-1, hidden.shape[-1]])  # [batch * seq, n_embd]
        hidden = F.gather(hidden, asked, axis=0)  # [asked, n_embd]
        return linear(transformer.wte, hidden, unit=self.unit)  # [asked, vocab_size]


def linear_layers(model: Any) -> Iterator[Any]:
    """MAX's own; what a learner has written in their place stays."""
    layers = tree.nodes(model, Linear).values()
    return (layer for layer in layers if type(layer) is Linear)
