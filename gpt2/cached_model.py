"""The formulas of `solutions/` once more, as MAX compiles them for the engine.

What is new: keys and values go into a cache and are read from there, only the last
token gets logits, and weights may be kept in fewer bytes.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from max.dtype import DType
from max.graph import BufferValue, DeviceRef, Dim, TensorType, TensorValue, ops

from solutions.solution_01 import GPT2Config

KERNELS = Path(__file__).parent / "kernels"  # in Mojo, for the CPU
FAR = 1e30  # below every score: its weight is 0, and among its like it is no NaN


class CachedModel:
    """The formulas, as they are put into a graph.

    Args:
        config: The sizes.
        weights: The graph's parameters.
        cache: As in `Cache.data`.
        kernels: Whether the Mojo kernels compute linear layers and attention.
    """

    def __init__(
        self,
        config: GPT2Config,
        weights: Mapping[str, TensorValue],
        cache: BufferValue,
        kernels: bool,
    ) -> None:
        self.config = config
        self.weights = weights
        self.cache = cache
        self.kernels = kernels
        self.device = cache.device

    def __call__(
        self,
        tokens: TensorValue,
        positions: TensorValue,
        first: TensorValue,
        length: TensorValue,
    ) -> TensorValue:
        """Reads new tokens, whose keys and values go into the cache.

        Args:
            tokens: int64 `[batch, seq]`.
            positions: int64 `[batch, seq]`, where in its text each of them stands.
            first: int64 `[batch]`, the column of each text's first token.
            length: int64 `[]`, the number of columns that are filled already.

        Returns:
            Logits `[batch, vocab_size]` of what follows the last of them.
        """
        self.first, self.length = first, length
        x = self.embed("transformer.wte", tokens)  # [batch, seq, n_embd]
        x = x + self.embed("transformer.wpe", positions)  # [batch, seq, n_embd]
        for n in range(self.config.n_layer):
            block = f"transformer.h.{n}"
            x = x + self.attention(n, self.norm(f"{block}.ln_1", x))
            x = x + self.mlp(f"{block}.mlp", self.norm(f"{block}.ln_2", x))
        last = self.norm("transformer.ln_f", x[:, -1:])  # [batch, 1, n_embd]
        logits = self.linear("transformer.wte", last)  # [batch, 1, vocab_size]
        return logits[:, 0]  # [batch, vocab_size]

    def mlp(self, name: str, x: TensorValue) -> TensorValue:
        """A block's MLP: `[batch, seq, n_embd]` to `[batch, seq, n_embd]`."""
        x = self.linear(f"{name}.c_fc", x)  # [batch, seq, inner_dim]
        x = ops.gelu(x, approximate="tanh")
        return self.linear(f"{name}.c_proj", x)  # [batch, seq, n_embd]

    def attention(self, n: int, x: TensorValue) -> TensorValue:
        """Block n's attention: `[batch, seq, n_embd]` to `[batch, seq, n_embd]`."""
        name = f"transformer.h.{n}.attn"
        qkv = self.linear(f"{name}.c_attn", x)  # [batch, seq, 3 * n_embd]
        x = self.attend_fast(n, qkv) if self.kernels else self.attend(n, qkv)
        return self.linear(f"{name}.c_proj", x)  # [batch, seq, n_embd]

    def attend_fast(self, n: int, qkv: TensorValue) -> TensorValue:
        """What `attend` computes, in one Mojo kernel."""
        layer = ops.constant(n, DType.int64, DeviceRef.CPU())
        y = TensorType(DType.float32, [*qkv.shape[:2], self.config.n_embd], self.device)
        return ops.inplace_custom(
            "gpt2_attention",
            self.device,
            values=(self.cache, qkv, self.first, self.length, layer),
            out_types=[y],
            parameters={"width": math.gcd(self.config.head_dim, 16)},
        )[0].tensor

    def attend(self, n: int, qkv: TensorValue) -> TensorValue:
        """Stores keys and values, then lets the queries attend to all stored so far.

        `[batch, seq, 3 * n_embd]` to `[batch, seq, n_embd]`.
        """
        config, (batch, seq, _) = self.config, qkv.shape
        qkv = qkv.reshape((batch, seq, 3, config.n_head, config.head_dim))
        qkv = qkv.permute([2, 0, 3, 1, 4])  # [3, batch, n_head, seq, head_dim]
        q, k, v = (qkv[i] for i in range(3))  # [batch, n_head, seq, head_dim]

        end = self.length + ops.shape_to_tensor([seq])[0]
        new, so_far = (slice(self.length, end), seq), (slice(0, end), "total")
        every = slice(None)
        self.cache[n, 0, every, every, new, every] = k
        self.cache[n, 1, every, every, new, every] = v
        # [batch, n_head, total, head_dim]
        k = self.cache[n, 0, every, every, so_far, every]
        v = self.cache[n, 1, every, every, so_far, every]

        scores = q @ k.transpose(2, 3)  # [batch, n_head, seq, total]
        scores = scores / math.sqrt(config.head_dim) + self.mask(seq)
        x = ops.softmax(scores) @ v  # [batch, n_head, seq, head_dim]
        return x.transpose(1, 2).reshape([batch, seq, config.n_embd])

    def mask(self, seq: Dim) -> TensorValue:
        """What no query may see: later tokens, and the columns before the first."""
        old = Dim("total") - seq
        later = ops.constant(-math.inf, DType.float32, self.device)
        later = ops.broadcast_to(later, [seq, seq])
        later = ops.band_part(later, num_upper=0, exclude=True)  # [seq, seq]
        none = ops.constant(0.0, DType.float32, self.device)
        none = ops.broadcast_to(none, [seq, old])
        causal = ops.concat([none, later], axis=1)  # [seq, total]
        column = ops.range(
            0, Dim("total"), 1, Dim("total"), dtype=DType.int64, device=self.device
        )  # [total]
        early = ops.min(column - ops.unsqueeze(self.first, 1), 0)  # [batch, total]
        padding = ops.cast(early, DType.float32) * FAR
        return causal + padding.reshape([-1, 1, 1, "total"])  # [batch, 1, seq, total]

    # --- What has weights --------------------------------------------------------

    def norm(self, name: str, x: TensorValue) -> TensorValue:
        """A layer norm: `[batch, seq, n_embd]` to `[batch, seq, n_embd]`."""
        gamma, beta = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return ops.layer_norm(x, gamma, beta, self.config.layer_norm_epsilon)

    def embed(self, name: str, ids: TensorValue) -> TensorValue:
        """Rows of a table: `[batch, seq]` to `[batch, seq, n_embd]`."""
        rows = ops.gather(self.weights[f"{name}.weight"], ids, axis=0)
        x = ops.cast(rows, DType.float32)
        if f"{name}.scale" in self.weights:
            scale = ops.gather(self.weights[f"{name}.scale"], ids, axis=0)
            x = x * ops.unsqueeze(scale, -1)
        return x

    def linear(self, name: str, x: TensorValue) -> TensorValue:
        """`x @ weight.T + bias`: `[batch, seq, n_in]` to `[batch, seq, n_out]`."""
        weight = self.weights[f"{name}.weight"]
        if self.kernels:
            shape = [*x.shape[:2], weight.shape[0]]
            y = TensorType(DType.float32, shape, self.device)
            width = math.gcd(int(weight.shape[1]), 32)
            x = ops.custom(
                "gpt2_linear",
                self.device,
                values=(x, weight),
                out_types=[y],
                parameters={"width": width},
            )[0].tensor
        else:
            x = x @ ops.cast(weight, DType.float32).T
        if f"{name}.scale" in self.weights:
            x = x * self.weights[f"{name}.scale"]
        if f"{name}.bias" in self.weights:
            x = x + self.weights[f"{name}.bias"]
        return x
