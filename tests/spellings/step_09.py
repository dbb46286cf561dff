"""Mistakes in step 09, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "using ln_1 for the MLP too",
        """
def forward(self, x):
    a = x + self.attn(self.ln_1(x))
    return a + self.mlp(self.ln_1(a))
""",
    ),
    (
        "one layer norm under two names",
        """
def __init__(self, config):
    norm = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
    self.attn = GPT2Attention(config)
    self.mlp = GPT2MLP(config)
    self.ln_1 = norm
    self.ln_2 = norm
""",
    ),
    (
        "the MLP before the attention",
        """
def forward(self, x):
    for norm, part in ((self.ln_2, self.mlp), (self.ln_1, self.attn)):
        x = residual(x, norm, part)
    return x
""",
    ),
    (
        "attention and MLP side by side",
        """
def forward(self, x):
    from_attention = self.attn(self.ln_1(x))
    from_mlp = self.mlp(self.ln_2(x))
    return x + from_attention + from_mlp
""",
    ),
    (
        "adding the MLP to the block's input",
        """
def forward(self, x):
    h = residual(x, self.ln_1, self.attn)
    out = self.mlp(self.ln_2(h))
    return x + out
""",
    ),
    (
        "leaving both residuals out",
        """
def forward(self, x):
    normed = self.ln_1(x)
    attended = self.attn(normed)
    normed = self.ln_2(attended)
    return self.mlp(normed)
""",
    ),
    (
        "normalizing after each addition",
        """
def forward(self, x):
    x = self.ln_1(x + self.attn(x))
    x = self.ln_2(x + self.mlp(x))
    return x
""",
    ),
    (
        "adding to the normalized stream",
        """
def forward(self, x):
    x = self.ln_1(x)
    x = x + self.attn(x)
    x = self.ln_2(x)
    x = x + self.mlp(x)
    return x
""",
    ),
    (
        "an MLP that replaces the stream",
        """
def forward(self, x):
    stream = residual(x, self.ln_1, self.attn)
    stream = self.mlp(self.ln_2(stream))
    return stream
""",
    ),
    (
        "not normalizing",
        """
def forward(self, x):
    h = x + self.attn(x)
    return h + self.mlp(h)
""",
    ),
    (
        "a fixed epsilon in both layer norms",
        """
class GPT2Block(Module[[Tensor], Tensor]):
    def __init__(self, config):
        width = config.n_embd
        self.ln_1 = LayerNorm(width, eps=1e-5)
        self.ln_2 = LayerNorm(width, eps=1e-5)
        self.attn = GPT2Attention(config)
        self.mlp = GPT2MLP(config)

    def forward(self, x):
        x = residual(x, norm=self.ln_1, sublayer=self.attn)
        x = residual(x, norm=self.ln_2, sublayer=self.mlp)
        return x
""",
    ),
    (
        "other names for the layer norms than ln_1 and ln_2",
        """
class GPT2Block(Module[[Tensor], Tensor]):
    def __init__(self, config):
        eps = config.layer_norm_epsilon
        self.attn = GPT2Attention(config)
        self.mlp = GPT2MLP(config)
        self.ln1 = LayerNorm(config.n_embd, eps=eps)
        self.ln2 = LayerNorm(config.n_embd, eps=eps)

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))
""",
    ),
    (
        "another name for the attention than attn",
        """
class GPT2Block(Module[[Tensor], Tensor]):
    def __init__(self, config):
        self.ln_1 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attention = GPT2Attention(config)
        self.ln_2 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = GPT2MLP(config)

    def forward(self, x):
        after = residual(x, self.ln_1, self.attention)
        return residual(after, self.ln_2, self.mlp)
""",
    ),
    (
        "a fixed epsilon in ln_2",
        """
def __init__(self, config):
    dim = config.n_embd
    self.ln_1 = LayerNorm(dim, eps=config.layer_norm_epsilon)
    self.attn = GPT2Attention(config)
    self.ln_2 = LayerNorm(dim, eps=1e-5)
    self.mlp = GPT2MLP(config)


def forward(self, x):
    return residual(residual(x, self.ln_1, self.attn), self.ln_2, self.mlp)
""",
    ),
    (
        "a fixed epsilon in both layer norms",
        """
def __init__(self, config):
    self.attn = GPT2Attention(config)
    self.mlp = GPT2MLP(config)
    self.ln_1 = LayerNorm(config.n_embd, eps=1e-6)
    self.ln_2 = LayerNorm(config.n_embd, eps=1e-6)
""",
    ),
    (
        "adding the stream to what residual returns",
        """
def forward(self, x):
    x = x + residual(x, self.ln_1, self.attn)
    x = x + residual(x, self.ln_2, self.mlp)
    return x
""",
    ),
    (
        "keeping the parts a second time, in a list",
        """
def __init__(self, config):
    eps = config.layer_norm_epsilon
    self.ln_1 = LayerNorm(config.n_embd, eps=eps)
    self.attn = GPT2Attention(config)
    self.ln_2 = LayerNorm(config.n_embd, eps=eps)
    self.mlp = GPT2MLP(config)
    self.sublayers = [(self.ln_1, self.attn), (self.ln_2, self.mlp)]


def forward(self, x):
    for norm, layer in self.sublayers:
        x = residual(x, norm, layer)
    return x
""",
    ),
    (
        "normalizing twice in front of each sublayer",
        """
def attention_half(self, h):
    return self.attn(self.ln_1(h))


class GPT2Block(Module[[Tensor], Tensor]):
    def __init__(self, config):
        self.ln_1 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = GPT2Attention(config)
        self.ln_2 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = GPT2MLP(config)

    def _feed_forward(self, h):
        return self.mlp(self.ln_2(h))

    def forward(self, x):
        x = residual(x, self.ln_1, lambda h: attention_half(self, h))
        return residual(x, self.ln_2, self._feed_forward)
""",
    ),
    (
        "other names for the layer norms and the attention than ln_1, ln_2 and attn",
        """
class GPT2Block(Module[[Tensor], Tensor]):
    def __init__(self, config):
        hidden_size, eps = config.n_embd, config.layer_norm_epsilon
        self.self_attn = GPT2Attention(config)
        self.mlp = GPT2MLP(config)
        self.input_layernorm = LayerNorm(hidden_size, eps=eps)
        self.post_attention_layernorm = LayerNorm(hidden_size, eps=eps)

    def forward(self, hidden_states):
        hidden_states = residual(hidden_states, self.input_layernorm, self.self_attn)
        return residual(hidden_states, self.post_attention_layernorm, self.mlp)
""",
    ),
    (
        "taking [0] of what attention returns, as of a tuple",
        """
def forward(self, hidden_states):
    def attention(normed):
        attn_outputs = self.attn(normed)
        return attn_outputs[0]  # output_attn: a, present, (attentions)

    hidden_states = residual(hidden_states, self.ln_1, attention)
    return residual(hidden_states, self.ln_2, self.mlp)
""",
    ),
]
