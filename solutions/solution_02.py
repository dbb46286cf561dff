"""Step 02: the causal mask.

A token may look at itself and at what came before it, never at what comes after:
otherwise the model would be shown the very word that it has to guess.  The mask is
added to the attention scores: adding 0 changes nothing, adding -inf makes the
softmax give that key a probability of exactly 0.
"""

from max.driver import Device
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor
from max.graph import DimLike


def causal_mask(
    sequence_length: DimLike,
    num_tokens: DimLike,
    *,
    dtype: DType,
    device: Device,
) -> Tensor:
    """The additive mask for `sequence_length` new tokens after `num_tokens` old ones.

    Query i stands at position `num_tokens + i` of the text, key j at position j:

        mask[i, j] = 0     where j <= num_tokens + i
        mask[i, j] = -inf  elsewhere

    Source: "Attention Is All You Need" (2017), section 3.2.3.

    Args:
        sequence_length: Number of queries; an int or a symbolic dimension.
        num_tokens: Number of tokens before the first query (0 without a KV cache);
            an int or a symbolic dimension.
        dtype: Type of the mask's numbers, that of the scores it is added to.
        device: Where the mask is made.

    Returns:
        Tensor `[sequence_length, num_tokens + sequence_length]`.
    """
    # Comparing two F.arange positions would say the same, but MAX 26.7 compiles it
    # wrongly once it is fused into the attention: no token is masked.
    zero = Tensor(0.0, dtype=dtype, device=device)  # []
    blocked = Tensor(float("-inf"), dtype=dtype, device=device)  # []
    new = F.broadcast_to(blocked, [sequence_length] * 2)  # [new, new]
    new = F.band_part(new, num_lower=None, num_upper=0, exclude=True)  # [new, new]
    old = F.broadcast_to(zero, [sequence_length, num_tokens])  # [new, old]
    return F.concat([old, new], axis=1)  # [new, old + new]
