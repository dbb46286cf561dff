"""Step 07: multi-head causal self-attention.

The one place where tokens exchange information.  Each token asks a question (its
query), offers a label (its key) and something to say (its value).  A head lets
every token collect the values whose keys answer its query; GPT-2 runs n_head such
heads beside each other, each on its own slice of the width.
"""

import math

from max.experimental import functional as F
from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor

from solutions.solution_01 import GPT2Config
from solutions.solution_02 import causal_mask


class GPT2Attention(Module[[Tensor], Tensor]):
    """For each head, with queries Q, keys K and values V as rows:

        attention(Q, K, V) = softmax(Q K^T / sqrt(head_dim) + mask) V

    `c_attn` makes Q, K and V of all heads at once, in this order; `c_proj` mixes
    what the heads have found.

    Source: "Attention Is All You Need" (2017), sections 3.2.1 and 3.2.2; parameter
    names of the checkpoint, `transformer.h.N.attn`.

    In all methods, batch and the numbers of tokens may be symbolic.

    Args:
        config: The sizes; n_embd, n_head and head_dim are used.
    """

    def __init__(self, config: GPT2Config) -> None:
        self.n_embd = config.n_embd
        self.n_head = config.n_head
        self.head_dim = config.head_dim
        self.c_attn = Linear(config.n_embd, 3 * config.n_embd)  # q, k and v at once
        self.c_proj = Linear(config.n_embd, config.n_embd)

    def split_heads(self, x: Tensor) -> Tensor:
        """Gives each head its slice of the width.

        `[batch, seq, n_embd]` to `[batch, n_head, seq, head_dim]`.
        """
        batch, seq, _ = x.shape
        x = x.reshape([batch, seq, self.n_head, self.head_dim])
        return x.transpose(1, 2)  # [batch, n_head, seq, head_dim]

    def attention_weights(self, q: Tensor, k: Tensor) -> Tensor:
        """How much each query attends to each key.

        Args:
            q: Queries `[batch, n_head, q_len, head_dim]`.
            k: Keys `[batch, n_head, k_len, head_dim]`; with a KV cache there are
                k_len - q_len keys from before the first query.

        Returns:
            Probabilities `[batch, n_head, q_len, k_len]`, of q's dtype; each row sums
            to 1, and is 0 for every key that comes after its query.
        """
        q_len, k_len = q.shape[2], k.shape[2]
        scores = q @ k.transpose(2, 3)  # [batch, n_head, q_len, k_len]
        scores = scores / math.sqrt(self.head_dim)
        mask = causal_mask(
            q_len, k_len - q_len, dtype=scores.dtype, device=scores.device
        )  # [q_len, k_len]
        return F.softmax(scores + mask, axis=-1)  # [batch, n_head, q_len, k_len]

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Collects for each query the values it attends to.

        Args:
            q: Queries `[batch, n_head, q_len, head_dim]`.
            k: Keys `[batch, n_head, k_len, head_dim]`.
            v: Values `[batch, n_head, k_len, head_dim]`.

        Returns:
            Tensor `[batch, n_head, q_len, head_dim]`.
        """
        return self.attention_weights(q, k) @ v  # [batch, n_head, q_len, head_dim]

    def merge_heads(self, x: Tensor) -> Tensor:
        """Puts the heads side by side again, the inverse of `split_heads`.

        `[batch, n_head, seq, head_dim]` to `[batch, seq, n_embd]`.
        """
        batch, _, seq, _ = x.shape
        x = x.transpose(1, 2)  # [batch, seq, n_head, head_dim]
        return x.reshape([batch, seq, self.n_embd])

    def forward(self, x: Tensor) -> Tensor:
        """Lets the tokens of each sequence attend to what came before them.

        `[batch, seq, n_embd]` to `[batch, seq, n_embd]`.
        """
        q, k, v = F.split(
            self.c_attn(x),  # [batch, seq, 3 * n_embd]
            [self.n_embd, self.n_embd, self.n_embd],
            axis=-1,
        )
        x = self.attend(self.split_heads(q), self.split_heads(k), self.split_heads(v))
        return self.c_proj(self.merge_heads(x))  # [batch, seq, n_embd]
