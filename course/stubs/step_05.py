"""Step 05: token embeddings.

A token's id is only a name.  Its row in this table is what the model knows about
it before having read anything else.
"""

from max.experimental import functional as F
from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from steps.step_01 import GPT2Config


class TokenEmbedding(Module[[Tensor], Tensor]):
    """One learned vector for each token: `weight` is `[vocab_size, n_embd]`.

    Source: the checkpoint's `transformer.wte`.

    Args:
        config: The sizes; vocab_size and n_embd are used.
    """

    def __init__(self, config: GPT2Config) -> None:
        # TODO: Make the table. Its numbers come from a checkpoint later; zeros will do.
        raise NotImplementedError("step 05: __init__")

    def forward(self, input_ids: Tensor) -> Tensor:
        """Looks each id's row up: int64 `[batch, seq]` to `[batch, seq, n_embd]`.

        batch and seq may be symbolic.
        """
        # TODO: Replace each id by its row of the table.
        raise NotImplementedError("step 05: forward")
