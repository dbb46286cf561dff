"""Step 09: the transformer block.

Attention, then the MLP, each behind its own layer norm and each added to the
stream.  GPT-2 is n_layer of these in a row.
"""

from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from solutions.solution_01 import GPT2Config
from solutions.solution_03 import LayerNorm
from solutions.solution_04 import GPT2MLP
from solutions.solution_07 import GPT2Attention
from solutions.solution_08 import residual


class GPT2Block(Module[[Tensor], Tensor]):
    """A residual around the attention, then one around the MLP, each with a layer
    norm of its own: `ln_1` belongs to `attn`, `ln_2` to `mlp`.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners"
    (2019), section 2.3; parameter names of the checkpoint, `transformer.h.N`.

    Args:
        config: The sizes.
    """

    def __init__(self, config: GPT2Config) -> None:
        self.ln_1 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = GPT2Attention(config)
        self.ln_2 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = GPT2MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        """One round: `[batch, seq, n_embd]` to `[batch, seq, n_embd]`.

        batch and seq may be symbolic.
        """
        x = residual(x, self.ln_1, self.attn)  # [batch, seq, n_embd]
        return residual(x, self.ln_2, self.mlp)  # [batch, seq, n_embd]
