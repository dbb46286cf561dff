"""Mistakes in step 02, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "a mask of ones and zeros, made for multiplying",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    ones = Tensor.ones([sequence_length, sequence_length], dtype=dtype, device=device)
    lower = F.band_part(ones, num_lower=None, num_upper=0)
    past = Tensor.ones([sequence_length, num_tokens], dtype=dtype, device=device)
    return F.concat([past, lower], axis=1)
""",
    ),
    (
        "a mask of booleans, true where a token may look",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    import numpy as np

    n, past = int(sequence_length), int(num_tokens)
    allowed = np.tril(np.ones((n, past + n), dtype=bool), k=past)
    return Tensor.from_dlpack(allowed).to(device)
""",
    ),
    (
        "a mask of booleans",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    total = num_tokens + sequence_length
    rows = F.arange(0, sequence_length, dtype=DType.int64, device=device) + num_tokens
    cols = F.arange(0, total, dtype=DType.int64, device=device)
    rows = F.unsqueeze(rows, 1)
    cols = F.unsqueeze(cols, 0)
    return F.greater(cols, rows)
""",
    ),
    (
        "0 and -inf exchanged",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    total = num_tokens + sequence_length
    query = F.arange(0, sequence_length, dtype=DType.int64, device=device)
    query = query.reshape([sequence_length, 1]) + num_tokens
    key = F.arange(0, total, dtype=DType.int64, device=device).reshape([1, total])
    zero = Tensor.zeros([sequence_length, total], dtype=dtype, device=device)
    inf = Tensor.full(
        [sequence_length, total], float("-inf"), dtype=dtype, device=device
    )
    return F.where(F.greater(key, query), zero, inf)
""",
    ),
    (
        "hiding the past instead of the future",
        """
import numpy as np


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    size = int(sequence_length)
    m = np.full((size, size), -np.inf, dtype=np.float32)
    m = np.tril(m, k=-1)
    m = np.concatenate([np.zeros((size, int(num_tokens)), np.float32), m], axis=1)
    return Tensor.from_dlpack(m).cast(dtype).to(device)
""",
    ),
    (
        "hiding each token from itself",
        """
import numpy as np


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    q, old = int(sequence_length), int(num_tokens)
    table = np.zeros((q, old + q), dtype=np.float32)
    for i in range(q):
        for j in range(old + q):
            if j >= old + i:
                table[i, j] = -np.inf
    return Tensor.from_dlpack(table).cast(dtype).to(device)
""",
    ),
    (
        "letting each token see one token too many",
        """
import numpy as np


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    new, old = int(sequence_length), int(num_tokens)
    mask = np.zeros((new, old + new), dtype=np.float32)
    for i in range(new):
        last = old + i + 1
        mask[i, last + 1 :] = float("-inf")
    return Tensor.from_dlpack(mask).cast(dtype).to(device)
""",
    ),
    (
        "putting the new tokens before the old ones",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    square = [sequence_length, sequence_length]
    future = Tensor.full(square, float("-inf"), dtype=dtype, device=device)
    future = F.band_part(future, num_lower=-1, num_upper=0, exclude=True)
    past = Tensor.zeros([sequence_length, num_tokens], dtype=dtype, device=device)
    return F.concat([future, past], axis=-1)
""",
    ),
    (
        "leaving the old tokens out",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    shape = (sequence_length, sequence_length)
    minus_inf = F.broadcast_to(
        Tensor(float("-inf"), dtype=dtype, device=device), shape
    )
    return F.band_part(minus_inf, num_upper=0, exclude=True)
""",
    ),
    (
        "a square mask, with rows for the old tokens too",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    n = num_tokens + sequence_length
    full = Tensor.full([n, n], -float("inf"), dtype=dtype, device=device)
    return F.band_part(full, num_lower=None, num_upper=0, exclude=True)
""",
    ),
    (
        "counting the queries from 0 although there are old tokens",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    keys = sequence_length + num_tokens
    i = F.unsqueeze(F.arange(0, sequence_length, dtype=DType.int64, device=device), -1)
    j = F.unsqueeze(F.arange(0, keys, dtype=DType.int64, device=device), 0)
    visible = F.greater_equal(i, j)
    yes = Tensor(0.0, dtype=dtype, device=device)
    no = Tensor(float("-inf"), dtype=dtype, device=device)
    shape = [sequence_length, keys]
    return F.where(visible, F.broadcast_to(yes, shape), F.broadcast_to(no, shape))
""",
    ),
    (
        "-1e9 instead of -inf",
        """
import numpy as np


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    rows = int(sequence_length)
    cols = int(num_tokens) + rows
    upper = np.triu(np.ones((rows, cols), dtype=np.float32), k=int(num_tokens) + 1)
    hidden = np.where(upper == 1, np.float32(-1e9), np.float32(0))
    return F.cast(Tensor.from_dlpack(hidden), dtype).to(device)
""",
    ),
    (
        "multiplying 0 by -inf",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    ones = Tensor.ones([sequence_length, sequence_length], dtype=dtype, device=device)
    upper = F.band_part(ones, num_lower=None, num_upper=0, exclude=True)
    old = Tensor.zeros([sequence_length, num_tokens], dtype=dtype, device=device)
    return F.concat([old, upper], axis=1) * float("-inf")
""",
    ),
    (
        "always making float32",
        """
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    wide = [sequence_length, num_tokens + sequence_length]
    i = F.arange(0, sequence_length, dtype=DType.int64, device=device)
    j = F.arange(0, num_tokens + sequence_length, dtype=DType.int64, device=device)
    i = F.broadcast_to(F.unsqueeze(i + num_tokens, 1), wide)
    j = F.broadcast_to(F.unsqueeze(j, 0), wide)
    zeros = Tensor.zeros(wide, dtype=DType.float32, device=device)
    infs = Tensor.full(wide, float("-inf"), dtype=DType.float32, device=device)
    return F.where(j > i, infs, zeros)
""",
    ),
    (
        "counting the positions in the mask's dtype",
        """
from max.graph import Dim


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    total = Dim(num_tokens) + sequence_length
    i = F.range(
        num_tokens, total, out_dim=sequence_length, dtype=dtype, device=device
    )
    j = F.range(0, total, out_dim=total, dtype=dtype, device=device)
    future = j.unsqueeze(0) > i.unsqueeze(1)
    zero = F.constant(0.0, dtype, device)
    minus_inf = F.constant(float("-inf"), dtype, device)
    return F.where(future, minus_inf, zero)
""",
    ),
    (
        "hiding nothing where there are old tokens",
        """
from max.graph import Dim


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    shape = [sequence_length, Dim(num_tokens) + sequence_length]
    if Dim(num_tokens) != 0:
        return F.zeros(shape, dtype=dtype, device=device)
    mask = F.full(shape, float("-inf"), dtype=dtype, device=device)
    return F.band_part(mask, num_lower=None, num_upper=0, exclude=True)
""",
    ),
    (
        "int(num_tokens)",
        """
from max.graph import Dim


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    past = int(num_tokens)
    n = Dim(sequence_length) + past
    mask = F.constant(float("-inf"), dtype, device)
    mask = F.broadcast_to(mask, [sequence_length, n])
    return F.band_part(mask, num_lower=None, num_upper=past, exclude=True)
""",
    ),
    (
        "the lowest finite number instead of -inf",
        """
import numpy as np

from max.graph import Dim


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    NEG = float(np.finfo(np.float32).min)
    total = Dim(num_tokens) + sequence_length
    rows = F.range(
        num_tokens, total, out_dim=sequence_length, dtype=DType.int64, device=device
    )
    cols = F.range(0, total, out_dim=total, dtype=DType.int64, device=device)
    hidden = F.unsqueeze(cols, 0) > F.unsqueeze(rows, 1)
    return F.where(
        hidden, F.constant(NEG, dtype, device), F.constant(0.0, dtype, device)
    )
""",
    ),
    (
        "int(sequence_length)",
        """
import numpy as np


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    q_len = int(sequence_length)
    past = int(num_tokens)
    mask = np.triu(
        np.full((q_len, past + q_len), -np.inf, dtype=np.float32), k=past + 1
    )
    return F.constant(mask, device=device).cast(dtype)
""",
    ),
    (
        "F.where with two numbers of Python",
        """
from max.graph import Dim


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    q_len = Dim(sequence_length)
    start = Dim(num_tokens)
    k_len = start + q_len
    i = F.range(start, k_len, 1, out_dim=q_len, dtype=DType.int64, device=device)
    j = F.range(0, k_len, 1, out_dim=k_len, dtype=DType.int64, device=device)
    visible = F.unsqueeze(j, 0) <= F.unsqueeze(i, 1)
    return F.where(visible, 0.0, float("-inf")).cast(dtype)
""",
    ),
    (
        "taking num_tokens for 0 unless it is an int",
        """
from max.graph import Dim


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    rows = Dim(sequence_length)
    cols = rows + num_tokens
    offset = num_tokens if isinstance(num_tokens, int) else 0
    everything_hidden = F.full(
        [rows, cols], float("-inf"), dtype=dtype, device=device
    )
    return F.band_part(everything_hidden, None, offset, exclude=True)
""",
    ),
    (
        "keeping the mask for the next call",
        """
from functools import lru_cache

from max.graph import Dim


@lru_cache(maxsize=None)
def causal_mask(sequence_length, num_tokens, *, dtype, device):
    s = Dim(sequence_length)
    t = Dim(num_tokens) + s
    i = F.range(num_tokens, t, 1, s, dtype=DType.int64, device=device)
    j = F.range(0, t, 1, t, dtype=DType.int64, device=device)
    blocked = F.unsqueeze(j, 0) > F.unsqueeze(i, 1)
    visible = F.zeros([s, t], dtype=dtype, device=device)
    return F.where(
        blocked, F.full([s, t], float("-inf"), dtype=dtype, device=device), visible
    )
""",
    ),
    (
        "-1e4 instead of -inf",
        """
from max.graph import Dim

MASK_VALUE = -10000.0


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    seq = Dim(sequence_length)
    past = Dim(num_tokens)
    total = past + seq
    query_pos = F.range(past, total, 1, seq, dtype=DType.int64, device=device)
    key_pos = F.range(0, total, 1, total, dtype=DType.int64, device=device)
    future = F.unsqueeze(key_pos, 0) > F.unsqueeze(query_pos, 1)
    zeros = F.zeros([seq, total], dtype=dtype, device=device)
    return F.where(future, F.full_like(zeros, MASK_VALUE), zeros)
""",
    ),
    (
        "keeping the masks of all lengths, whatever the dtype is",
        """
_CACHE = {}


def causal_mask(sequence_length, num_tokens, *, dtype, device):
    # attention asks for the same mask in every layer: build it once
    key = (str(sequence_length), str(num_tokens))
    if key in _CACHE:
        return _CACHE[key]
    shape = [sequence_length, sequence_length]
    future = F.band_part(
        F.full(shape, float("-inf"), dtype=dtype, device=device), None, 0, exclude=True
    )
    past = F.zeros([sequence_length, num_tokens], dtype=dtype, device=device)
    _CACHE[key] = F.concat([past, future], axis=1)
    return _CACHE[key]
""",
    ),
]
