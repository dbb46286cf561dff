"""Step 11: the language model head.

The last vector of each token is compared with every row of the token embedding:
the better they agree, the higher that token's logit.  GPT-2 has no weights of its
own for this; reading and writing tokens use the same table.
"""

from max.experimental.nn import Module
from max.experimental.tensor import Tensor

from solutions.solution_01 import GPT2Config
from solutions.solution_10 import GPT2Model


class GPT2LMHeadModel(Module[..., Tensor]):
    """The logit of token i after position t is a dot product:

        logits[t, i] = hidden[t] . wte.weight[i]

    where hidden is what `transformer` returns.  No bias, no weight of its own.

    Source: Press and Wolf, "Using the Output Embedding to Improve Language Models"
    (2017), section 2; parameter names of the checkpoint.

    Args:
        config: The sizes.
    """

    def __init__(self, config: GPT2Config) -> None:
        self.transformer = GPT2Model(config)

    def forward(self, input_ids: Tensor, positions: Tensor | None = None) -> Tensor:
        """Scores every token of the vocabulary as the next one, at each position.

        Args:
            input_ids: int64 `[batch, seq]`; batch and seq may be symbolic.
            positions: int64 `[seq]` or `[batch, seq]`; None means 0, 1, 2, ...

        Returns:
            Logits `[batch, seq, vocab_size]`.
        """
        hidden = self.transformer(input_ids, positions)  # [batch, seq, n_embd]
        return hidden @ self.transformer.wte.weight.T  # [batch, seq, vocab_size]
