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
        "a fixed epsilon of 1e-5",
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
        "the names ln1 and ln2",
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
        "the name attention instead of attn",
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
]
