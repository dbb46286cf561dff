"""Step 10: the whole stack.

Token and position embeddings open the residual stream, the blocks add to it, and a
last layer norm closes it.
"""

from max.dtype import DType
from max.experimental import functional as F
from max.experimental.nn import Module, ModuleList
from max.experimental.tensor import Tensor
from max.graph import StaticDim

from solutions.solution_01 import GPT2Config
from solutions.solution_03 import LayerNorm
from solutions.solution_05 import TokenEmbedding
from solutions.solution_06 import PositionEmbedding
from solutions.solution_09 import GPT2Block


class GPT2Model(Module[..., Tensor]):
    """Token embeddings `wte` and position embeddings `wpe`, added; then the blocks
    `h`, in order; then the layer norm `ln_f`.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners"
    (2019), section 2.3; parameter names of the checkpoint, `transformer`.

    Args:
        config: The sizes.
    """

    def __init__(self, config: GPT2Config) -> None:
        self.n_positions = config.n_positions
        self.wte = TokenEmbedding(config)
        self.wpe = PositionEmbedding(config)
        self.h = ModuleList([GPT2Block(config) for _ in range(config.n_layer)])
        self.ln_f = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)

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
        seq = input_ids.shape[1]
        if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
            raise ValueError(
                f"a sequence of {int(seq)} tokens does not fit n_positions, "
                f"which is {self.n_positions}"
            )
        if positions is None:
            positions = F.arange(
                0, seq, out_dim=seq, dtype=DType.int64, device=input_ids.device
            )  # [seq]
        x = self.wte(input_ids) + self.wpe(positions)  # [batch, seq, n_embd]
        for block in self.h:
            x = block(x)  # [batch, seq, n_embd]
        return self.ln_f(x)  # [batch, seq, n_embd]
