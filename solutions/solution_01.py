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

    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    layer_norm_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        for name in (
            "vocab_size",
            "n_positions",
            "n_embd",
            "n_layer",
            "n_head",
            "n_inner",
            "layer_norm_epsilon",
        ):
            size = getattr(self, name)
            if size is None and name == "n_inner":
                continue
            if not size > 0:
                raise ValueError(f"{name} must be positive, not {size}")
        if self.n_embd % self.n_head != 0:
            raise ValueError(
                f"n_embd ({self.n_embd}) must be a multiple of n_head ({self.n_head})"
            )

    @property
    def head_dim(self) -> int:
        """Width of one attention head: the heads share n_embd equally."""
        return self.n_embd // self.n_head

    @property
    def inner_dim(self) -> int:
        """Width of the MLP's hidden layer, whether n_inner is given or not."""
        return 4 * self.n_embd if self.n_inner is None else self.n_inner
