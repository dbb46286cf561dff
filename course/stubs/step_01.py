"""Step 01: the configuration.

Seven numbers say how large a GPT-2 is.  Everything that follows reads them from
here, and the checkpoint's `config.json` fills them in.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class GPT2Config:
    """The sizes of a GPT-2; the defaults are the smallest published one, 124M.

    The names are those of the `config.json` in a Hugging Face GPT-2 checkpoint
    (`openai-community/gpt2`).

    Attributes:
        vocab_size: Number of different tokens.
        n_positions: The context: the longest sequence, in tokens.
        n_embd: Width of the residual stream, in numbers per token.
        n_layer: Number of transformer blocks.
        n_head: Number of attention heads in each block.
        n_inner: Width of the MLP's hidden layer; None means 4 * n_embd.
        layer_norm_epsilon: Added to the variance in every layer norm.

    Raises:
        ValueError: If a size or epsilon is not positive, or if n_embd cannot be
            divided evenly among n_head heads.
    """

    # TODO: Give each field its default, that of the smallest published GPT-2: 50257
    # tokens, 1024 positions, width 768, 12 layers, 12 heads, no n_inner of its own,
    # and an epsilon of one in a hundred thousand.
    vocab_size: int = None
    n_positions: int = None
    n_embd: int = None
    n_layer: int = None
    n_head: int = None
    n_inner: int | None = None
    layer_norm_epsilon: float = None

    def __post_init__(self) -> None:
        # TODO: Refuse sizes that no GPT-2 can have: every size and the epsilon must be
        # positive (n_inner may also be None), and the heads must share n_embd equally.
        # Raise a ValueError that names the field, n_head where it is the sharing that
        # fails.
        raise NotImplementedError("step 01: __post_init__")

    @property
    def head_dim(self) -> int:
        """Width of one attention head: the heads share n_embd equally."""
        # TODO: Work the width of one head out from the other sizes.
        raise NotImplementedError("step 01: head_dim")

    @property
    def inner_dim(self) -> int:
        """Width of the MLP's hidden layer, whether n_inner is given or not."""
        # TODO: Work the width of the hidden layer out from the other sizes.
        raise NotImplementedError("step 01: inner_dim")
