"""Other right answers to step 07."""

ANSWERS = {
    "permuted, cut into three chunks": """
def split_heads(self, x):
    batch, seq, _ = x.shape
    heads = x.reshape((batch, seq, self.n_head, self.head_dim))
    return heads.permute([0, 2, 1, 3])


def merge_heads(self, x):
    batch, n_head, seq, head_dim = x.shape
    return F.permute(x, [0, 2, 1, 3]).reshape([batch, seq, n_head * head_dim])


def forward(self, x):
    parts = F.chunk(self.c_attn(x), 3, axis=-1)
    heads = [self.split_heads(part) for part in parts]
    return self.c_proj(self.merge_heads(self.attend(*heads)))
""",
    "scaled queries, softmax by hand": """
def attention_weights(self, q, k):
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    scores = (q * self.head_dim**-0.5) @ k.transpose(-1, -2)
    scores = scores + causal_mask(
        n_queries, n_keys - n_queries, dtype=q.dtype, device=q.device
    )
    powers = F.exp(scores - F.max(scores, axis=-1))
    return powers / F.sum(powers, axis=-1)
""",
    "split and stacked, head by head": """
def split_heads(self, x):
    heads = F.split(x, [self.head_dim] * self.n_head, axis=-1)
    return F.stack(heads, axis=1)


def merge_heads(self, x):
    return F.flatten(x.permute([0, 2, 1, 3]), 2, 3)
""",
    "q, k and v cut by reshaping": """
def forward(self, x):
    batch, seq, _ = x.shape
    qkv = self.c_attn(x).reshape([batch, seq, 3, self.n_head, self.head_dim])
    qkv = qkv.permute([2, 0, 3, 1, 4])  # [3, batch, n_head, seq, head_dim]
    attended = self.attend(qkv[0], qkv[1], qkv[2])
    return self.c_proj(self.merge_heads(attended))
""",
    "one head after another": """
def attention_weights(self, q, k):
    q_len, k_len = q.shape[2], k.shape[2]
    mask = causal_mask(q_len, k_len - q_len, dtype=q.dtype, device=q.device)
    weights = []
    for head in range(self.n_head):
        scores = q[:, head] @ k[:, head].T  # [batch, q_len, k_len]
        weights.append(F.softmax(scores / math.sqrt(self.head_dim) + mask))
    return F.stack(weights, axis=1)
""",
    "other attributes, slices, where": """
class GPT2Attention(Module[[Tensor], Tensor]):
    def __init__(self, config):
        super().__init__()
        self.config = config
        width = config.n_embd
        self.c_proj = Linear(width, width, bias=True)
        self.c_attn = Linear(width, width * 3, bias=True)

    def split_heads(self, x):
        shape = [x.shape[0], x.shape[1], self.config.n_head, self.config.head_dim]
        return F.transpose(F.reshape(x, shape), 1, 2)

    def attention_weights(self, q, k):
        q_len, k_len = q.shape[2], k.shape[2]
        scores = F.matmul(q, F.transpose(k, -1, -2))
        scores = F.div(scores, self.config.head_dim**0.5)
        mask = causal_mask(q_len, k_len - q_len, dtype=q.dtype, device=q.device)
        mask = F.broadcast_to(mask, scores.shape)
        return F.softmax(F.where(F.equal(mask, 0.0), scores, mask))

    def attend(self, q, k, v):
        return F.matmul(self.attention_weights(q, k), v)

    def merge_heads(self, x):
        x = F.transpose(x, 2, 1)
        return F.flatten(x, start_dim=2)

    def forward(self, x):
        n = self.config.n_embd
        qkv = self.c_attn(x)
        q, k, v = qkv[..., :n], qkv[..., n : 2 * n], qkv[..., 2 * n :]
        heads = map(self.split_heads, (q, k, v))
        return self.c_proj(self.merge_heads(self.attend(*heads)))
""",
    "divided after the values are added": """
def exponentials(q, k):
    q_len, k_len, head_dim = q.shape[2], k.shape[2], int(q.shape[3])
    scores = q @ k.transpose(2, 3) / math.sqrt(head_dim)
    scores += causal_mask(q_len, k_len - q_len, dtype=q.dtype, device=q.device)
    return F.exp(scores - scores.max())


def attention_weights(self, q, k):
    powers = exponentials(q, k)
    return powers / powers.sum()


def attend(self, q, k, v):
    powers = exponentials(q, k)
    return powers @ v / powers.sum()
""",
}
