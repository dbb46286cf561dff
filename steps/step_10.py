"""Step 10: the whole stack.

Token and position embeddings open the residual stream, the blocks add to it, and a
last layer norm closes it.
"""

from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Module, ModuleList
from max.experimental.tensor import Tensor
from max.graph import StaticDim

from steps.step_01 import GPT2Config
from steps.step_03 import LayerNorm
from steps.step_05 import TokenEmbedding
from steps.step_06 import PositionEmbedding
from steps.step_09 import GPT2Block


class GPT2Model(Module[..., Tensor]):
    """Token embeddings `wte` and position embeddings `wpe`, added; then the blocks
    `h`, in order; then the layer norm `ln_f`.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners"
    (2019), section 2.3; parameter names of the checkpoint, `transformer`.

    Args:
        config: The sizes.
    """

    def __init__(self, config: GPT2Config) -> None:
        # TODO: Make the four parts, named as the checkpoint names them. The blocks go
        # into a ModuleList.
        raise NotImplementedError("step 10: __init__")

    def forward(self, input_ids: Tensor, positions: Tensor | None = None) -> Tensor:
        """Turns ids into one vector for each token.

        Args:
            input_ids: int64 `[batch, seq]`, each below vocab_size; batch and seq may
                be symbolic.
            positions: int64 `[seq]` or `[batch, seq]`; None means 0, 1, 2, ...

        Returns:
            Tensor `[batch, seq, n_embd]`.

        Raises:
            ValueError: If the sequence is longer than n_positions, which the message
                names.  A symbolic length is known only when the model runs: there the
                caller checks.
        """
        # TODO: Refuse a length that is known and too long. Where no positions are
        # given, count them from the first token; the length may be symbolic. Then
        # embed, run the blocks, and normalize.
        raise NotImplementedError("step 10: forward")
