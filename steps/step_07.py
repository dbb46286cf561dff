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

from steps.step_01 import GPT2Config
from steps.step_02 import causal_mask


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
        # TODO: Keep the sizes you need, and make the two linear layers, named as the
        # checkpoint names them.
        raise NotImplementedError("step 07: __init__")

    def split_heads(self, x: Tensor) -> Tensor:
        """Gives each head its slice of the width.

        `[batch, seq, n_embd]` to `[batch, n_head, seq, head_dim]`.
        """
        # TODO: Cut the width into heads, and move the heads in front of the tokens.
        raise NotImplementedError("step 07: split_heads")

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
        # TODO: Score every query against every key, hide the future with the mask of
        # step 02, and turn each row into probabilities. The keys may be more than the
        # queries: the surplus came before.
        raise NotImplementedError("step 07: attention_weights")

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Collects for each query the values it attends to.

        Args:
            q: Queries `[batch, n_head, q_len, head_dim]`.
            k: Keys `[batch, n_head, k_len, head_dim]`.
            v: Values `[batch, n_head, k_len, head_dim]`.

        Returns:
            Tensor `[batch, n_head, q_len, head_dim]`.
        """
        # TODO: Average the values, weighted by the attention weights.
        raise NotImplementedError("step 07: attend")

    def merge_heads(self, x: Tensor) -> Tensor:
        """Puts the heads side by side again, the inverse of `split_heads`.

        `[batch, n_head, seq, head_dim]` to `[batch, seq, n_embd]`.
        """
        # TODO: Undo split_heads.
        raise NotImplementedError("step 07: merge_heads")

    def forward(self, x: Tensor) -> Tensor:
        """Lets the tokens of each sequence attend to what came before them.

        `[batch, seq, n_embd]` to `[batch, seq, n_embd]`.
        """
        # TODO: Make the queries, keys and values, split them into heads, let the heads
        # attend, merge them, and project.
        raise NotImplementedError("step 07: forward")
