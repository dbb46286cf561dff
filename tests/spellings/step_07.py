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
        "softmax over the queries",
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
        "a mask for k_len queries although there are q_len",
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
        "cutting the width into head_dim heads of n_head numbers",
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
]
