"""Other right answers to step 02.

Comparing positions made by F.arange is not among them: see the solution.
"""

ANSWERS = {
    "the logarithm of ones and zeros": """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    old = F.ones([sequence_length, num_tokens], dtype=dtype, device=device)
    new = F.ones([sequence_length, sequence_length], dtype=dtype, device=device)
    new = F.band_part(new, num_lower=None, num_upper=0)  # 1 where it may look
    return F.log(F.concat([old, new], axis=-1))
""",
    "a large square, its last rows": """
import math

from max.graph import Dim


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    total = Dim(num_tokens) + Dim(sequence_length)
    minus_inf = Tensor(-math.inf, dtype=dtype, device=device)
    square = F.broadcast_to(minus_inf, [total, total])
    square = F.band_part(square, num_lower=None, num_upper=0, exclude=True)
    start = Tensor.from_dim(num_tokens)
    return square[(slice(start, None), sequence_length), :]
""",
    "positions counted by cumsum": """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    shape = [sequence_length, sequence_length]
    ones = F.ones(shape, dtype=DType.float32, device=device)
    query, key = F.cumsum(ones, axis=0), F.cumsum(ones, axis=1)
    zero = Tensor(0.0, dtype=dtype, device=device)
    blocked = Tensor(float("-inf"), dtype=dtype, device=device)
    among_new = F.where(key <= query, zero, blocked)
    return F.concat(
        [F.broadcast_to(zero, [sequence_length, num_tokens]), among_new], axis=1
    )
""",
    "zeros beside a triangle": """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    options = {"dtype": dtype, "device": device}
    past = Tensor.zeros([sequence_length, num_tokens], **options)
    triangle = F.band_part(
        Tensor.full([sequence_length, sequence_length], float("-inf"), **options),
        num_upper=0,
        exclude=True,
    )
    return F.concat([past, triangle], axis=-1)
""",
    "where on a triangle of ones": """
import numpy as np


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    shape = [sequence_length, sequence_length]
    one, zero, minus_inf = (
        Tensor(value, dtype=dtype, device=device) for value in (1.0, 0.0, -np.inf)
    )
    seen = F.band_part(F.broadcast_to(one, shape), num_upper=0)
    among_new = F.where(F.equal(seen, one), zero, minus_inf)
    before = F.broadcast_to(zero, [sequence_length, num_tokens])
    return F.concat((before, among_new), axis=1)
""",
    "numpy where the lengths are known": """
import numpy as np
from max.graph import Dim, StaticDim


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    new, old = Dim(sequence_length), Dim(num_tokens)
    if isinstance(new, StaticDim) and isinstance(old, StaticDim):
        n, m = int(new), int(old)
        rows = np.triu(np.full((n, m + n), -np.inf), k=m + 1)
        return Tensor(rows.tolist(), dtype=dtype, device=device)
    blocked = F.full([new, new], -np.inf, dtype=dtype, device=device)
    blocked = F.band_part(blocked, num_lower=None, num_upper=0, exclude=True)
    past = F.zeros([new, old], dtype=dtype, device=device)
    return F.concat([past, blocked], axis=1)
""",
    "made in float32, then cast": """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    float32 = {"dtype": DType.float32, "device": device}
    past = F.zeros([sequence_length, num_tokens], **float32)
    future = F.full([sequence_length, sequence_length], float("-inf"), **float32)
    future = F.band_part(future, num_upper=0, exclude=True)
    return F.cast(F.concat([past, future], axis=1), dtype)
""",
}
