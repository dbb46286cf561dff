"""Step 08: the residual connection.

A sublayer does not replace the stream, it adds to it.  So the token's own vector
survives all blocks, and each block only has to learn what to change.
"""

from collections.abc import Callable

from max.experimental.tensor import Tensor


def residual(
    x: Tensor,
    norm: Callable[[Tensor], Tensor],
    sublayer: Callable[[Tensor], Tensor],
) -> Tensor:
    """GPT-2's pre-norm residual: the sublayer sees the normalized stream, and what
    it finds is added to the stream as it was.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners"
    (2019), section 2.3: layer normalization moved to the input of each sub-block.

    Args:
        x: The residual stream `[batch, seq, n_embd]`; batch and seq may be symbolic.
        norm: The layer norm in front of the sublayer, shape to same shape.
        sublayer: Attention or MLP, shape to same shape.

    Returns:
        Tensor `[batch, seq, n_embd]`.
    """
    # TODO: Three things happen, in the right order: one to the input of the sublayer,
    # one is the sublayer, one to its output.
    raise NotImplementedError("step 08: residual")
