"""Step 09: the transformer block.

Attention, then the MLP, each behind its own layer norm and each added to the
stream.  GPT-2 is n_layer of these in a row.
"""

from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from steps.step_01 import GPT2Config
from steps.step_03 import LayerNorm
from steps.step_04 import GPT2MLP
from steps.step_07 import GPT2Attention
from steps.step_08 import residual


class GPT2Block(Module[[Tensor], Tensor]):
    """A residual around the attention, then one around the MLP, each with a layer
    norm of its own: `ln_1` belongs to `attn`, `ln_2` to `mlp`.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners"
    (2019), section 2.3; parameter names of the checkpoint, `transformer.h.N`.

    Args:
        config: The sizes.
    """

    def __init__(self, config: GPT2Config) -> None:
        # TODO: Make the four parts, named as the checkpoint names them, each layer norm
        # with the epsilon of the configuration.
        raise NotImplementedError("step 09: __init__")

    def forward(self, x: Tensor) -> Tensor:
        """One round: `[batch, seq, n_embd]` to `[batch, seq, n_embd]`.

        batch and seq may be symbolic.
        """
        # TODO: Attention first, then the MLP, each inside the residual of step 08.
        raise NotImplementedError("step 09: forward")
