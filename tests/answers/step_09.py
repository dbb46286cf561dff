"""Other right answers to step 09."""

ANSWERS = {
    "written out, without the helper": """
def forward(self, x):
    x = x + self.attn(self.ln_1(x))
    x = x + self.mlp(self.ln_2(x))
    return x
""",
    "a loop over the two halves": """
def forward(self, x):
    for norm, sublayer in ((self.ln_1, self.attn), (self.ln_2, self.mlp)):
        x = residual(x, norm, sublayer)
    return x
""",
    "nested, with keywords, made in another order": """
def __init__(self, config: GPT2Config):
    super().__init__()
    width, eps = config.n_embd, config.layer_norm_epsilon
    self.mlp, self.attn = GPT2MLP(config), GPT2Attention(config)
    self.ln_2 = LayerNorm(width, eps=eps)
    self.ln_1 = LayerNorm(dim=width, eps=eps)


def forward(self, x: Tensor) -> Tensor:
    return residual(
        residual(x, norm=self.ln_1, sublayer=self.attn),
        norm=self.ln_2,
        sublayer=self.mlp,
    )
""",
    "norms made by one function": """
from functools import partial


def __init__(self, config):
    make_norm = partial(LayerNorm, config.n_embd, eps=config.layer_norm_epsilon)
    self.ln_1 = make_norm()
    self.ln_2 = make_norm()
    self.attn = GPT2Attention(config)
    self.mlp = GPT2MLP(config)


def forward(self, stream):
    after_attention = residual(stream, self.ln_1, self.attn)
    return residual(after_attention, self.ln_2, self.mlp)
""",
    "lambdas as sublayers": """
def forward(self, x):
    x = residual(x, lambda stream: self.ln_1(stream), lambda y: self.attn(y))
    return residual(x, lambda stream: self.ln_2(stream), lambda y: self.mlp(y))
""",
    "parts and their names in loops": """
def __init__(self, config):
    for number, make in enumerate((GPT2Attention, GPT2MLP), start=1):
        setattr(self, ("attn", "mlp")[number - 1], make(config))
        norm = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        setattr(self, f"ln_{number}", norm)


def forward(self, x):
    for norm, part in (("ln_1", "attn"), ("ln_2", "mlp")):
        x = residual(x, getattr(self, norm), getattr(self, part))
    return x
""",
}
