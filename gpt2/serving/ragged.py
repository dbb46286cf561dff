"""The model of the twelve steps, with keys and values in MAX's pages.

The engine keeps a row of its cache for each text.  A server does not know beforehand
how many texts will come, and how long they will be; so MAX keeps keys and values in
pages of 128 tokens, which a text gets as it grows, and gives back at its end:

    text 0    R O M E O :          page 3
    text 1    … 200 tokens …       pages 0, 4
    text 2    K I N G              page 2

Every call reads new tokens of many texts, one text behind another ("ragged"): a whole
prompt, a part of one, or the last token of each.

MAX 26.7 has no public way from a Tensor to its value in the graph but `_graph_value`.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from max import tree
from max.dtype import DType
from max.experimental.tensor import Tensor
from max.graph import BufferType, DeviceRef, TensorType, TensorValue, ops
from max.nn.attention import MHAMaskVariant
from max.nn.kernels import (
    flash_attention_ragged,
    store_k_cache_ragged,
    store_v_cache_ragged,
)
from max.pipelines.lib.interfaces.arch_config import (
    ArchConfigWithAttentionKVCache,
    ArchConfigWithBoundedMaxSeqLen,
)

from gpt2.engine import Network
from gpt2.exchange import Attend, Exchanged
from gpt2.learner import Steps
from solutions.solution_01 import GPT2Config


class Sizes(ArchConfigWithBoundedMaxSeqLen, ArchConfigWithAttentionKVCache):
    """What MAX asks before there is a model: the shape of its pages."""

    DEFAULT_ENCODING: ClassVar[Any] = "float32"
    SUPPORTED_ENCODINGS: ClassVar[Any] = {"float32"}
    huggingface_config: Any = None

    @property
    def num_key_value_heads(self) -> int:
        return int(self.huggingface_config.n_head)

    @property
    def head_dim(self) -> int:
        return int(self.huggingface_config.n_embd) // self.num_key_value_heads

    @property
    def num_layers(self) -> int:
        return int(self.huggingface_config.n_layer)


class Ragged(Exchanged):
    """A model of twelve steps that reads new tokens of many texts.

    Args:
        kv_params: MAX's description of its pages.
        model: As for `Exchanged`, like the others.
    """

    def __init__(self, kv_params: Any, model: Any, *how: Any) -> None:
        super().__init__(model, *how)
        self.kv_params = kv_params

    def forward(
        self, tokens: Tensor, positions: Tensor, offsets: Tensor, *pages: Tensor
    ) -> Tensor:
        """Reads new tokens, whose keys and values go into their texts' pages.

        Args:
            tokens: int64 `[total]`, of one text behind another.
            positions: int64 `[total]`, where in its text each of them stands.
            offsets: uint32 `[texts + 1]`: the index of each text's first token, and
                of what would come next.
            pages: What MAX says about them.

        Returns:
            Logits `[texts, vocab_size]` of what follows each text.
        """
        values = (each._graph_value for each in pages)
        (cache,) = self.kv_params.unflatten_kv_inputs(values)
        rows = TensorValue(offsets)

        def attention(n: int) -> Attend:
            return partial(self.attend, n, cache, rows)

        last = offsets[1:] - 1  # [texts]
        one: list[Any] = [1, tokens.shape[0]]  # as if they were of one text
        return self.read(tokens.reshape(one), positions.reshape(one), last, attention)

    def attend(
        self, n: int, cache: Any, offsets: TensorValue, q: Tensor, k: Tensor, v: Tensor
    ) -> Tensor:
        """What `attend` computes, with MAX's operations on pages.

        Args:
            n: Which block.
            cache: Its pages and the others'.
            offsets: As for `forward`.
            q: Queries of the new tokens, `[1, n_head, total, head_dim]`.
            k: Their keys.
            v: Their values.

        Returns:
            Tensor `[1, n_head, total, head_dim]`.
        """
        _, n_head, total, head_dim = q.shape
        apart = (TensorValue(x).transpose(1, 2) for x in (q, k, v))
        queries, keys, values = (  # [total, n_head, head_dim]
            x.reshape([total, n_head, head_dim]) for x in apart
        )
        block = ops.constant(n, DType.uint32, DeviceRef.CPU())
        store_k_cache_ragged(cache, keys, offsets, block)
        store_v_cache_ragged(cache, values, offsets, block)
        x = flash_attention_ragged(
            self.kv_params,
            queries,
            offsets,
            cache,
            block,
            MHAMaskVariant.CAUSAL_MASK,
            1 / math.sqrt(int(head_dim)),
        )  # [total, n_head, head_dim]
        x = x.reshape([1, total, n_head, head_dim]).transpose(1, 2)
        return Tensor.from_graph_value(x)  # [1, n_head, total, head_dim]


class RaggedNetwork(Network):
    """The same as one graph, compiled and kept as the engine's is.

    Args:
        config: As for `Network`, like the next and `precision`.
        steps: Whose model.
        kv_params: MAX's description of its pages.
    """

    def __init__(
        self, config: GPT2Config, steps: Steps, kv_params: Any, *, precision: str
    ) -> None:
        self.kv_params = kv_params
        self.exchanged: Callable[..., Exchanged] = partial(Ragged, kv_params)
        super().__init__(config, steps, precision=precision)

    def inputs(self) -> list[TensorType | BufferType]:
        """What the module's `forward` takes."""
        device = DeviceRef.from_device(self.device)
        return [
            TensorType(DType.int64, ["total"], device),
            TensorType(DType.int64, ["total"], device),
            TensorType(DType.uint32, ["offsets"], device),
            *tree.leaves(self.kv_params.get_symbolic_inputs()),
        ]
