"""Step 03: layer normalization.

Every sublayer of GPT-2 first brings each token's vector to mean 0 and variance 1,
then lets two learned vectors stretch and shift it.  So the numbers stay in one
range, however many blocks have added to them.
"""

from max.experimental import functional as F
from max.experimental.nn import Module
from max.experimental.tensor import Tensor


class LayerNorm(Module[[Tensor], Tensor]):
    """y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias

    Mean and variance are taken over the last axis; the variance divides by dim,
    not by dim - 1.

    Source: Ba, Kiros and Hinton, "Layer Normalization" (2016), section 3.1.

    Args:
        dim: Length of the last axis.
        eps: Added to the variance, inside the root.
    """

    def __init__(self, dim: int, *, eps: float) -> None:
        self.eps = eps
        self.weight = Tensor.ones([dim])
        self.bias = Tensor.zeros([dim])

    def forward(self, x: Tensor) -> Tensor:
        """Normalizes each vector along the last axis: `[..., dim]` to `[..., dim]`.

        All lengths but dim may be symbolic.  The numbers keep their dtype.
        """
        return F.layer_norm(x, self.weight, self.bias, self.eps)
