"""Step 06: position embeddings.

Attention by itself does not know in which order the tokens stand.  GPT-2 learns
one vector for each position and adds it to the token's.
"""

from max.experimental import functional as F
from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from steps.step_01 import GPT2Config


class PositionEmbedding(Module[[Tensor], Tensor]):
    """One learned vector for each position: `weight` is `[n_positions, n_embd]`.

    Source: Radford et al., "Improving Language Understanding by Generative
    Pre-Training" (2018), section 3.1; the checkpoint's `transformer.wpe`.

    Args:
        config: The sizes; n_positions and n_embd are used.
    """

    def __init__(self, config: GPT2Config) -> None:
        # TODO: Make the table. Its numbers come from a checkpoint later; zeros will do.
        raise NotImplementedError("step 06: __init__")

    def forward(self, positions: Tensor) -> Tensor:
        """Looks each position's row up, the first position being 0.

        Args:
            positions: int64 `[seq]` or `[batch, seq]`, each below n_positions; batch
                and seq may be symbolic.

        Returns:
            Tensor `[seq, n_embd]` or `[batch, seq, n_embd]`.
        """
        # TODO: Replace each position by its row of the table.
        raise NotImplementedError("step 06: forward")
