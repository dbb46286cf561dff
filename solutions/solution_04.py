"""Step 04: the MLP.

Attention moves information between tokens; the MLP works on each token alone.  It
widens the vector, bends it with GELU, and brings it back to the stream's width.
"""

from max.experimental import functional as F
from max.experimental.nn import Linear, Module
from max.experimental.tensor import Tensor

from solutions.solution_01 import GPT2Config


class GPT2MLP(Module[[Tensor], Tensor]):
    """Two linear layers, each with a bias, and the tanh form of GELU between them:

        gelu(x) = 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))

    `c_fc` widens from n_embd to inner_dim, `c_proj` brings back.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), section 2;
    parameter names of the checkpoint, `transformer.h.N.mlp`.

    Args:
        config: The sizes; n_embd and inner_dim are used.
    """

    def __init__(self, config: GPT2Config) -> None:
        self.c_fc = Linear(config.n_embd, config.inner_dim)
        self.c_proj = Linear(config.inner_dim, config.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        """Transforms each token by itself: `[..., n_embd]` to `[..., n_embd]`.

        All lengths but n_embd may be symbolic.
        """
        x = F.gelu(self.c_fc(x), approximate="tanh")  # [..., inner_dim]
        return self.c_proj(x)  # [..., n_embd]
