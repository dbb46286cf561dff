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
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from max import tree
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor
from max.graph import BufferValue, DeviceRef, Dim, TensorType, TensorValue, ops

from gpt2.precision import DTYPES
from solutions.solution_02 import causal_mask

CPU = DeviceRef.CPU()
FAR = 1e30  # below every score: its weight is 0, and among its like it is no NaN


# --- Linear layers -----------------------------------------------------------------


def linear(layer: Any, x: Tensor, *, kernels: bool) -> Tensor:
    """x @ weight.T + bias: `[batch, seq, n_in]` to `[batch, seq, n_out]`.

    Args:
        layer: Its `weight` is `[n_out, n_in]`; a `scale` or a `bias` is `[n_out]`.
        x: The tokens.
        kernels: Whether the Mojo kernel computes, or MAX's operations do.
    """
    if x.rank == 2:  # one text, without its axis
        return linear(layer, x.unsqueeze(0), kernels=kernels)[0]
    if kernels:
        n_out, n_in = layer.weight.shape
        y = F.custom(
            "gpt2_linear",
            x.device,
            values=(x, layer.weight),
            out_types=[TensorType(DType.float32, [*x.shape[:2], n_out], CPU)],
            parameters={"width": math.gcd(int(n_in), 32)},
        )[0]  # [batch, seq, n_out]
    else:
        y = x @ F.cast(layer.weight, DType.float32).T  # [batch, seq, n_out]
    if has(layer, "scale"):
        y = y * layer.scale
    return y + layer.bias if has(layer, "bias") else y


def has(module: Any, name: str) -> bool:
    """Whether a module has such a parameter."""
    return isinstance(getattr(module, name, None), Tensor)


# --- Token embeddings --------------------------------------------------------------


def embed(table: Any, ids: Tensor) -> Tensor:
    """Rows of a table in fewer bytes: `[batch, seq]` to `[batch, seq, n_embd]`."""
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
        data: `[n_layer, 2, batch, n_head, capacity, head_dim]`; keys, then values.
        first: int64 `[batch]`, the column of each text's first token.
        length: int64 `[]`, the number of columns that are filled already.
    """

    n: int
    data: BufferValue
    first: Tensor
    length: Tensor


def attend_with_kernel(cache: BlockCache, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """What `attend` computes, in one Mojo kernel.

    Args:
        cache: Where keys and values go, and come from.
        q: Queries of the new tokens, `[batch, n_head, seq, head_dim]`.
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
        values=(cache.data, qkv, cache.first, cache.length, n),
        out_types=[TensorType(DType.float32, [batch, seq, n_embd], CPU)],
        parameters={"width": math.gcd(int(head_dim), 16)},
    )[0]  # [batch, seq, n_embd]
    y = y.reshape([batch, seq, n_head, head_dim])
    return y.transpose(1, 2)  # [batch, n_head, seq, head_dim]


def attend(cache: BlockCache, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same with MAX's operations, for any device."""
    seq, head_dim = q.shape[2], int(q.shape[3])
    length = TensorValue(cache.length)
    end = length + ops.shape_to_tensor([seq])[0]
    new, so_far = (slice(length, end), seq), (slice(0, end), "total")
    every = slice(None)
    cache.data[cache.n, 0, every, every, new, every] = TensorValue(k)
    cache.data[cache.n, 1, every, every, new, every] = TensorValue(v)
    k, v = (  # [batch, n_head, total, head_dim]
        Tensor.from_graph_value(cache.data[cache.n, i, every, every, so_far, every])
        for i in (0, 1)
    )
    scores = q @ k.transpose(2, 3)  # [batch, n_head, seq, total]
    scores = scores / math.sqrt(head_dim) + mask(cache.first, seq)
    return F.softmax(scores) @ v  # [batch, n_head, seq, head_dim]


def mask(first: Tensor, seq: Dim) -> Tensor:
    """What no query may see: later tokens, and the columns before a text's first.

    Returns:
        Tensor `[batch, 1, seq, total]`.
    """
    total, device = Dim("total"), first.device
    causal = causal_mask(seq, total - seq, dtype=DType.float32, device=device)
    column = F.arange(0, total, out_dim=total, dtype=DType.int64, device=device)
    early = F.min(column - first.unsqueeze(1), 0)  # [batch, total], below 0 if early
    padding = F.cast(early, DType.float32) * FAR
    return causal + padding.reshape([-1, 1, 1, total])


# --- Exchange ----------------------------------------------------------------------


class Exchanged(Module[..., Tensor]):
    """A model of twelve steps that reads new tokens only.

    Args:
        model: What step 11 makes, `GPT2LMHeadModel`.
        precision: How Linear layers and `wte` keep their weights, one of PRECISIONS.
        kernels: Whether the Mojo kernels compute, on the CPU, or MAX's operations do.
    """

    def __init__(self, model: Any, precision: str, kernels: bool) -> None:
        self.model = model
        self.model.name_transparent = True  # the parameters keep their names
        self.kernels = kernels
        self.dtype = DTYPES[precision]
        if self.dtype != DType.float32:
            for layer in [*linear_layers(model), model.transformer.wte]:
                # The graph only asks for a parameter's type: the weights come later.
                layer.weight = Tensor.zeros(layer.weight.shape, dtype=self.dtype)
                if self.dtype == DType.int8:
                    layer.scale = Tensor.ones(layer.weight.shape[:1])

    def forward(
        self,
        tokens: Tensor,
        positions: Tensor,
        first: Tensor,
        length: Tensor,
        cache: Tensor,
    ) -> Tensor:
        """Reads new tokens, whose keys and values go into the cache.

        Args:
            tokens: int64 `[batch, seq]`.
            positions: int64 `[batch, seq]`, where in its text each of them stands.
            first: As in BlockCache, like the next two.
            length: The number of columns in use.
            cache: The keys and values of all blocks.

        Returns:
            Logits `[batch, vocab_size]` of what follows the last of them.
        """
        # What MAX traces is a copy of this module: the parts are put into that.
        transformer = self.model.transformer
        for layer in linear_layers(self.model):
            layer.forward = partial(linear, layer, kernels=self.kernels)
        if self.dtype != DType.float32:
            transformer.wte.forward = partial(embed, transformer.wte)
        collect = attend_with_kernel if self.kernels else attend
        for n, block in enumerate(transformer.h):
            its = BlockCache(n, cache.__buffervalue__(), first, length)
            block.attn.attend = partial(collect, its)
        hidden = transformer(tokens, positions)[:, -1:]  # [batch, 1, n_embd]
        logits = linear(transformer.wte, hidden, kernels=self.kernels)
        return logits[:, 0]  # [batch, vocab_size]


def linear_layers(model: Any) -> Iterator[Any]:
    """MAX's own; what a learner has written in their place stays."""
    layers = tree.nodes(model, Linear).values()
    return (layer for layer in layers if type(layer) is Linear)
