"""Mistakes in step 07, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "not scaling the scores",
        """
def attention_weights(self, q, k):
    queries = q.shape[2]
    keys = k.shape[2]
    past = keys - queries
    hide = causal_mask(queries, past, dtype=q.dtype, device=q.device)
    att = F.matmul(q, F.transpose(k, -1, -2))
    att = F.add(att, hide)
    biggest = F.max(att, axis=-1)
    e = F.exp(att - biggest)
    return e / F.sum(e, axis=-1)
""",
    ),
    (
        "scaling by 1/sqrt(n_embd)",
        """
def __init__(self, config):
    self.config = config
    self.c_attn = Linear(config.n_embd, config.n_embd * 3)
    self.c_proj = Linear(config.n_embd, config.n_embd)
    self.scale = config.n_embd**-0.5


def split_heads(self, x):
    b, t, c = x.shape
    heads = self.config.n_head
    x = F.reshape(x, [b, t, heads, self.config.head_dim])
    return F.permute(x, [0, 2, 1, 3])


def attention_weights(self, q, k):
    kt = F.permute(k, [0, 1, 3, 2])
    scores = (q * self.scale) @ kt
    n = q.shape[-2]
    m = causal_mask(n, k.shape[-2] - n, dtype=q.dtype, device=q.device)
    return F.softmax(scores + m)


def merge_heads(self, x):
    b, h, t, d = x.shape
    return F.reshape(F.permute(x, [0, 2, 1, 3]), [b, t, self.config.n_embd])


def forward(self, x):
    qkv = self.c_attn(x)
    n = self.config.n_embd
    q = self.split_heads(qkv[:, :, :n])
    k = self.split_heads(qkv[:, :, n : 2 * n])
    v = self.split_heads(qkv[:, :, 2 * n :])
    return self.c_proj(self.merge_heads(self.attend(q, k, v)))
""",
    ),
    (
        "dividing the scores by head_dim without the root",
        """
def attention_weights(self, q, k):
    d_k = self.head_dim
    similarity = F.matmul(q, k.permute([0, 1, 3, 2])) * (1.0 / d_k)
    rows = q.shape[2]
    cols = k.shape[2]
    similarity += causal_mask(
        sequence_length=rows,
        num_tokens=cols - rows,
        dtype=similarity.dtype,
        device=similarity.device,
    )
    return F.softmax(similarity, axis=3)
""",
    ),
    (
        "a softmax by hand with the sum over the queries",
        """
def attention_weights(self, q, k):
    root = math.sqrt(self.head_dim)
    k_t = k.transpose(-1, -2)
    logits = F.div(F.matmul(q, k_t), root)
    old = k.shape[-2] - q.shape[-2]
    logits = logits + causal_mask(q.shape[-2], old, dtype=q.dtype, device=q.device)
    probs = F.exp(logits)
    total = F.sum(probs, axis=-2)
    return probs / total
""",
    ),
    (
        "leaving the mask out",
        """
def attend(self, q, k, v):
    return F.matmul(self.attention_weights(q, k), v)


def attention_weights(self, q, k):
    dim = q.shape[3]
    qk = F.matmul(q, F.transpose(k, 2, 3))
    qk = qk * (float(int(dim)) ** -0.5)
    return F.softmax(qk, axis=-1)
""",
    ),
    (
        "adding the mask after the softmax",
        """
def attention_weights(self, q, k):
    scores = q @ k.transpose(-2, -1)
    probs = F.softmax(scores / self.head_dim**0.5, axis=-1)
    new_tokens = q.shape[2]
    all_tokens = k.shape[2]
    mask = causal_mask(
        new_tokens, all_tokens - new_tokens, dtype=probs.dtype, device=probs.device
    )
    masked = probs + F.unsqueeze(F.unsqueeze(mask, 0), 0)
    return masked
""",
    ),
    (
        "a mask for q_len keys although there are k_len",
        """
def attention_weights(self, q, k):
    batch, heads, seq, dim = q.shape
    dots = F.matmul(q, k.permute([0, 1, 3, 2]))
    dots = F.mul(dots, 1 / math.sqrt(self.head_dim))
    look_ahead = causal_mask(seq, 0, dtype=q.dtype, device=q.device)
    dots = F.add(dots, look_ahead)
    return F.softmax(dots, axis=-1)
""",
    ),
    (
        "a mask for k_len queries (mask + scores) although there are q_len",
        """
def attention_weights(self, q, k):
    total = k.shape[2]
    scores = F.matmul(q, F.transpose(k, 2, 3)) * self.head_dim ** (-0.5)
    triangle = causal_mask(total, 0, dtype=k.dtype, device=k.device)
    return F.softmax(F.add(triangle, scores), axis=-1)
""",
    ),
    (
        "counting all keys as old ones",
        """
def attention_weights(self, q, k):
    mask = causal_mask(q.shape[2], k.shape[2], dtype=q.dtype, device=q.device)
    s = q / math.sqrt(self.head_dim)
    s = F.matmul(s, k.transpose(3, 2))
    s = s + mask
    return F.softmax(s)
""",
    ),
    (
        "splitting the heads by a reshape alone",
        """
def split_heads(self, x):
    batch = x.shape[0]
    seq = x.shape[1]
    return F.reshape(x, (batch, self.n_head, seq, self.head_dim))
""",
    ),
    (
        "giving head h every n_head-th number, from number h on",
        """
def split_heads(self, x):
    b, s, _ = x.shape
    pieces = F.reshape(x, [b, s, self.head_dim, self.n_head])
    return F.permute(pieces, [0, 3, 1, 2])


def merge_heads(self, x):
    b, _, s, _ = x.shape
    return F.reshape(F.permute(x, [0, 2, 3, 1]), [b, s, self.n_embd])
""",
    ),
    (
        "not moving the heads in front of the tokens",
        """
def split_heads(self, x):
    width = self.n_embd // self.n_head
    return x.reshape((x.shape[0], x.shape[1], self.n_head, width))
""",
    ),
    (
        "merging the heads by a reshape alone",
        """
def merge_heads(self, x):
    b, h, t, d = x.shape
    return F.reshape(x, [b, t, h * d])
""",
    ),
    (
        "merging with the numbers of the heads interleaved",
        """
def merge_heads(self, x):
    batch = x.shape[0]
    seq = x.shape[2]
    tokens = x.permute([0, 2, 3, 1])
    return tokens.reshape([batch, seq, self.n_embd])
""",
    ),
    (
        "averaging the keys instead of the values",
        """
def attend(self, q, k, v):
    share = self.attention_weights(q, k)
    collected = []
    for head in range(self.n_head):
        one = F.matmul(share[:, head], k[:, head])
        collected.append(F.unsqueeze(one, 1))
    return F.concat(collected, axis=1)
""",
    ),
    (
        "taking c_attn's thirds as k, q, v",
        """
def forward(self, x):
    y = self.c_attn(x)
    w = self.n_embd
    keys = self.split_heads(y[..., 0:w])
    queries = self.split_heads(y[..., w : w + w])
    values = self.split_heads(y[..., w + w :])
    y = self.attend(queries, keys, values)
    y = self.merge_heads(y)
    y = self.c_proj(y)
    return y
""",
    ),
    (
        "taking q, k and v of each head from neighbouring columns",
        """
def forward(self, x):
    b, t, _ = x.shape
    qkv = self.c_attn(x).reshape([b, t, self.n_head, 3 * self.head_dim])
    qkv = qkv.transpose(1, 2)
    d = self.head_dim
    q = qkv[:, :, :, :d]
    k = qkv[:, :, :, d : 2 * d]
    v = qkv[:, :, :, 2 * d :]
    out = self.merge_heads(self.attend(q, k, v))
    return self.c_proj(out)
""",
    ),
    (
        "leaving c_proj out",
        """
def forward(self, x):
    q, k, v = F.chunk(self.c_attn(x), 3, axis=-1)
    q, k, v = [self.split_heads(t) for t in (q, k, v)]
    heads = self.attend(q, k, v)
    return self.merge_heads(heads)
""",
    ),
    (
        "three layers for q, k and v",
        """
def __init__(self, config):
    self.n_head = config.n_head
    self.n_embd = config.n_embd
    self.head_dim = config.n_embd // config.n_head
    self.q_proj = Linear(self.n_embd, self.n_embd)
    self.k_proj = Linear(self.n_embd, self.n_embd)
    self.v_proj = Linear(self.n_embd, self.n_embd)
    self.c_proj = Linear(self.n_embd, self.n_embd)


def forward(self, x):
    q = self.split_heads(self.q_proj(x))
    k = self.split_heads(self.k_proj(x))
    v = self.split_heads(self.v_proj(x))
    return self.c_proj(self.merge_heads(self.attend(q, k, v)))
""",
    ),
    (
        "giving head h every n_head-th number, from number h on",
        """
def split_heads(self, x):
    batch, seq, _ = x.shape
    x = F.reshape(x, [batch, seq, self.head_dim, self.n_head])
    return F.permute(x, [0, 3, 1, 2])


def merge_heads(self, x):
    batch, _, seq, _ = x.shape
    x = F.permute(x, [0, 2, 3, 1])
    return F.reshape(x, [batch, seq, self.n_embd])
""",
    ),
    (
        "letting query i look at key j where j <= i, whatever keys came before",
        """
def attention_weights(self, q, k):
    q_len, k_len = (q.shape[-2], k.shape[-2])
    att = q @ k.transpose(-2, -1) * (1.0 / math.sqrt(self.head_dim))
    mask = causal_mask(k_len, 0, dtype=att.dtype, device=att.device)
    att = att + mask[:q_len, :k_len]
    return F.softmax(att, axis=-1)
""",
    ),
    (
        "letting query i look at key j where j <= i, whatever keys came before",
        """
from max.dtype import DType


def attention_weights(self, q, k):
    q_len, k_len = (q.shape[2], k.shape[2])
    scores = F.matmul(q, F.transpose(k, -2, -1)) / math.sqrt(self.head_dim)
    i = F.range(0, q_len, 1, q_len, dtype=DType.int64, device=q.device)
    j = F.range(0, k_len, 1, k_len, dtype=DType.int64, device=q.device)
    future = F.unsqueeze(j, 0) > F.unsqueeze(i, 1)
    zero = F.zeros([q_len, k_len], dtype=scores.dtype, device=scores.device)
    mask = F.where(future, F.full_like(zero, float("-inf")), zero)
    return F.softmax(scores + mask)
""",
    ),
    (
        "scaling in forward although attention_weights scales too",
        """
def __init__(self, config):
    self.n_embd, self.n_head, self.head_dim = (
        config.n_embd,
        config.n_head,
        config.head_dim,
    )
    self.scale = self.head_dim ** (-0.5)
    self.c_attn = Linear(self.n_embd, 3 * self.n_embd)
    self.c_proj = Linear(self.n_embd, self.n_embd)


def attention_weights(self, q, k):
    old = k.shape[2] - q.shape[2]
    scores = F.matmul(q, k.T) * self.scale
    scores = scores + causal_mask(
        q.shape[2], old, dtype=scores.dtype, device=scores.device
    )
    return F.softmax(scores)


def forward(self, x):
    q, k, v = F.split(
        self.c_attn(x), [self.n_embd, self.n_embd, self.n_embd], axis=-1
    )
    q = q * self.scale
    out = self.attend(self.split_heads(q), self.split_heads(k), self.split_heads(v))
    return self.c_proj(self.merge_heads(out))
""",
    ),
    (
        "keeping the mask of the first call",
        """
def __init__(self, config):
    self.c_attn = Linear(config.n_embd, config.n_embd * 3)
    self.c_proj = Linear(config.n_embd, config.n_embd)
    self.n_head = config.n_head
    self.head_dim = config.head_dim
    self.n_embd = config.n_embd
    self.mask = None


def attention_weights(self, q, k):
    scores = q @ k.transpose(2, 3)
    scores = scores / math.sqrt(self.head_dim)
    if self.mask is None:
        n = q.shape[2]
        self.mask = causal_mask(
            n, k.shape[2] - n, dtype=scores.dtype, device=scores.device
        )
    return F.softmax(scores + self.mask)
""",
    ),
    (
        "a softmax by hand without the largest score taken off",
        """
def attention_weights(self, q, k):
    q_len = q.shape[2]
    k_len = k.shape[2]
    scores = F.matmul(q, k.transpose(2, 3)) / self.head_dim**0.5
    scores = scores + causal_mask(
        q_len, k_len - q_len, dtype=scores.dtype, device=scores.device
    )
    weights = F.exp(scores)
    return weights / F.sum(weights, axis=-1)
""",
    ),
    (
        "turning batch and seq into ints in split_heads and merge_heads",
        """
def split_heads(self, x):
    B, T, C = map(int, x.shape)
    return x.reshape([B, T, self.n_head, C // self.n_head]).permute([0, 2, 1, 3])


def merge_heads(self, x):
    B, H, T, D = map(int, x.shape)
    return x.permute([0, 2, 1, 3]).reshape([B, T, H * D])
""",
    ),
    (
        "a mask kept in self, where a tensor is a parameter",
        """
from max.driver import CPU
from max.dtype import DType


def __init__(self, config):
    super().__init__()
    self.n_embd = config.n_embd
    self.n_head = config.n_head
    self.head_dim = config.head_dim
    self.c_attn = Linear(config.n_embd, 3 * config.n_embd)
    self.c_proj = Linear(config.n_embd, config.n_embd)
    self.bias = causal_mask(config.n_positions, 0, dtype=DType.float32, device=CPU())


def attention_weights(self, q, k):
    q_len, k_len = (q.shape[-2], k.shape[-2])
    att = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
    mask = self.bias[k_len - q_len : k_len, :k_len]
    mask = mask.cast(att.dtype).to(att.device)
    return F.softmax(att + mask, axis=-1)
""",
    ),
    (
        "taking the keys for the values too",
        """
def forward(self, x):
    n = self.n_embd
    qkv = self.c_attn(x)
    q = qkv[:, :, 0:n]
    k = qkv[:, :, n : 2 * n]
    v = qkv[:, :, n : 2 * n]
    q = self.split_heads(q)
    k = self.split_heads(k)
    v = self.split_heads(v)
    out = self.attend(q, k, v)
    out = self.merge_heads(out)
    return self.c_proj(out)
""",
    ),
    (
        "turning batch and seq into ints in split_heads",
        """
def split_heads(self, x):
    B, T, _ = [int(n) for n in x.shape]
    x = F.reshape(x, (B, T, self.n_head, self.head_dim))
    return F.transpose(x, 1, 2)
""",
    ),
    (
        "adding x to the result",
        """
def forward(self, x):
    shortcut = x
    qkv = self.c_attn(x)
    q, k, v = (self.split_heads(part) for part in F.chunk(qkv, 3, axis=2))
    heads = self.attend(q, k, v)
    return shortcut + self.c_proj(self.merge_heads(heads))
""",
    ),
    (
        "returning x as it came where there is one head",
        """
def split_heads(self, x):
    if self.n_head == 1:
        return x
    batch, seq = (x.shape[0], x.shape[1])
    return x.reshape([batch, seq, self.n_head, self.head_dim]).permute([0, 2, 1, 3])
""",
    ),
    (
        "dividing the scores by 8, the root of 64",
        """
SCALE = 8.0


def attention_weights(self, q, k):
    queries = q.shape[2]
    keys = k.shape[2]
    scores = F.matmul(q, F.transpose(k, -1, -2)) / SCALE
    mask = causal_mask(
        queries, keys - queries, dtype=scores.dtype, device=scores.device
    )
    return F.softmax(F.add(scores, mask), axis=-1)
""",
    ),
    (
        "asking whether k_len < q_len",
        """
def attention_weights(self, q, k):
    q_len = q.shape[2]
    k_len = k.shape[2]
    if k_len < q_len:
        raise ValueError("there cannot be fewer keys than queries")
    mask = causal_mask(q_len, k_len - q_len, dtype=q.dtype, device=q.device)
    scores = q @ k.T / math.sqrt(self.head_dim)
    return F.softmax(scores + mask)
""",
    ),
    (
        "softmax in attend although the weights are probabilities already",
        """
def attend(self, q, k, v):
    scores = self.attention_weights(q, k)
    probabilities = F.softmax(scores, axis=-1)
    return probabilities @ v
""",
    ),
    (
        "rotating queries and keys by their positions, as in Llama",
        """
def apply_rotary(x, base=10000.0):
    seq, dim = (x.shape[2], int(x.shape[3]))
    half = dim // 2
    inv_freq = F.constant(
        [base ** (-2.0 * i / dim) for i in range(half)],
        dtype=x.dtype,
        device=x.device,
    )
    t = F.arange(0, seq, out_dim=seq, dtype=x.dtype, device=x.device)
    freqs = t.unsqueeze(1) * inv_freq.unsqueeze(0)
    cos, sin = (F.cos(freqs), F.sin(freqs))
    x1, x2 = F.split(x, [half, dim - half], axis=-1)
    return F.concat([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=-1)


def forward(self, x):
    q, k, v = F.split(self.c_attn(x), [self.n_embd] * 3, axis=-1)
    q = apply_rotary(self.split_heads(q))
    k = apply_rotary(self.split_heads(k))
    v = self.split_heads(v)
    return self.c_proj(self.merge_heads(self.attend(q, k, v)))
""",
    ),
    (
        "turning q_len and k_len into ints",
        """
def __init__(self, config):
    self.config = config
    self.c_attn = Linear(config.n_embd, 3 * config.n_embd)
    self.c_proj = Linear(config.n_embd, config.n_embd)


def split_heads(self, x):
    batch, seq = (x.shape[0], x.shape[1])
    x = F.reshape(x, [batch, seq, self.config.n_head, self.config.head_dim])
    return F.transpose(x, 1, 2)


def attention_weights(self, q, k):
    q_len = int(q.shape[-2])
    k_len = int(k.shape[-2])
    past = max(k_len - q_len, 0)
    scale = self.config.head_dim ** (-0.5)
    scores = q @ F.transpose(k, -2, -1) * scale
    scores = scores + causal_mask(
        q_len, past, dtype=scores.dtype, device=scores.device
    )
    return F.softmax(scores, axis=-1)


def merge_heads(self, x):
    batch, seq = (x.shape[0], x.shape[2])
    return F.reshape(F.transpose(x, 1, 2), [batch, seq, self.config.n_embd])


def forward(self, x):
    width = self.config.n_embd
    q, k, v = F.split(self.c_attn(x), [width, width, width], axis=-1)
    context = self.attend(
        self.split_heads(q), self.split_heads(k), self.split_heads(v)
    )
    return self.c_proj(self.merge_heads(context))
""",
    ),
    (
        "putting the tokens before the batch in merge_heads",
        """
def __init__(self, config):
    self.heads = config.n_head
    self.head_dim = config.head_dim
    self.width = config.n_embd
    self.c_attn = Linear(self.width, 3 * self.width)
    self.c_proj = Linear(self.width, self.width)


def split_heads(self, x):
    b, t, _ = x.shape
    return F.transpose(F.reshape(x, [b, t, self.heads, self.head_dim]), 1, 2)


def merge_heads(self, x):
    b, _, t, _ = x.shape
    x = F.permute(x, [2, 0, 1, 3])
    return F.reshape(x, [b, t, self.width])


def forward(self, x):
    q, k, v = map(self.split_heads, F.chunk(self.c_attn(x), 3, axis=-1))
    return self.c_proj(self.merge_heads(self.attend(q, k, v)))
""",
    ),
    (
        "a softmax by hand with the largest score of all taken off, not of each row",
        """
def stable_softmax(scores):
    peak = F.max(scores, axis=None)
    exps = F.exp(scores - peak)
    return exps / F.sum(exps, axis=-1)


def attention_weights(self, q, k):
    q_len, k_len = (q.shape[-2], k.shape[-2])
    scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
    mask = causal_mask(q_len, k_len - q_len, dtype=scores.dtype, device=scores.device)
    return stable_softmax(scores + mask)
""",
    ),
    (
        "a mask kept in self, where a tensor is a parameter",
        """
from max.dtype import DType


def __init__(self, config):
    self.n_embd = config.n_embd
    self.n_head = config.n_head
    self.head_dim = config.head_dim
    self.c_attn = Linear(config.n_embd, 3 * config.n_embd)
    self.c_proj = Linear(config.n_embd, config.n_embd)
    self.mask = causal_mask(
        config.n_positions,
        0,
        dtype=self.c_attn.weight.dtype,
        device=self.c_attn.weight.device,
    )


def attention_weights(self, q, k):
    q_len, k_len = (q.shape[2], k.shape[2])
    keys = F.range(0, k_len, 1, k_len, dtype=DType.int64, device=q.device)
    queries = F.range(
        k_len - q_len, k_len, 1, q_len, dtype=DType.int64, device=q.device
    )
    mask = F.gather(F.gather(self.mask, queries, axis=0), keys, axis=1)
    scores = q @ k.transpose(-1, -2) / math.sqrt(self.head_dim)
    return F.softmax(scores + mask)
""",
    ),
]
