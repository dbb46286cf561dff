"""Mistakes in step 04, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "the exact GELU, with erf",
        """
import math


def gelu(x):
    return 0.5 * x * (1.0 + F.erf(x / math.sqrt(2.0)))


def forward(self, x):
    hidden = self.c_fc(x)
    return self.c_proj(gelu(hidden))
""",
    ),
    (
        "the exact GELU, with erf",
        """
def forward(self, x):
    wide = self.c_fc(x)
    bent = F.gelu(wide)
    narrow = self.c_proj(bent)
    return narrow
""",
    ),
    (
        "the quick GELU, with a sigmoid",
        """
def forward(self, x):
    h = self.c_fc(x)
    gate = 1 / (1 + F.exp(-1.702 * h))
    return self.c_proj(h * gate)
""",
    ),
    (
        "ReLU",
        """
def forward(self, x):
    h = self.c_fc(x)
    h = F.max(h, F.zeros_like(h))
    return self.c_proj(h)
""",
    ),
    (
        "leaving the activation out",
        """
def forward(self, x):
    for layer in (self.c_fc, self.c_proj):
        x = layer(x)
    return x
""",
    ),
    (
        "0.44715 instead of 0.044715",
        """
import math


def forward(self, x):
    x = self.c_fc(x)
    c = math.sqrt(2 / math.pi)
    inside = c * (x + 0.44715 * F.pow(x, 3))
    return self.c_proj(x * 0.5 * (F.tanh(inside) + 1))
""",
    ),
    (
        "sqrt(2) / pi instead of sqrt(2 / pi)",
        """
from math import pi, sqrt


def forward(self, x):
    h = self.c_fc(x)
    cubed = h * h * h
    t = F.tanh(sqrt(2) / pi * (h + 0.044715 * cubed))
    h = 0.5 * h * (1 + t)
    return self.c_proj(h)
""",
    ),
    (
        "x squared instead of x cubed",
        """
SQRT_2_OVER_PI = 0.7978845608


def activation(x):
    u = SQRT_2_OVER_PI * (x + 0.044715 * x * x)
    return 0.5 * x * (1 + F.tanh(u))


def forward(self, x):
    return self.c_proj(activation(self.c_fc(x)))
""",
    ),
    (
        "forgetting the factor 0.5",
        """
import math


def forward(self, x):
    y = self.c_fc(x)
    k = (2 / math.pi) ** 0.5
    y = y * (1.0 + F.tanh(k * (y + 0.044715 * y**3)))
    y = self.c_proj(y)
    return y
""",
    ),
    (
        "ignoring n_inner",
        """
def __init__(self, config):
    width = config.n_embd
    hidden = width * 4
    self.c_fc = Linear(in_dim=width, out_dim=hidden, bias=True)
    self.c_proj = Linear(in_dim=hidden, out_dim=width, bias=True)
""",
    ),
    (
        "two layers without a bias",
        """
class GPT2MLP(Module[[Tensor], Tensor]):
    def __init__(self, config: GPT2Config) -> None:
        d, d_ff = config.n_embd, config.inner_dim
        self.c_fc = Linear(d, d_ff, bias=False)
        self.c_proj = Linear(d_ff, d, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        a = self.c_fc(x)
        a = F.gelu(a, "tanh")
        return self.c_proj(a)
""",
    ),
    (
        "other names than c_fc and c_proj",
        """
class GPT2MLP(Module[[Tensor], Tensor]):
    def __init__(self, config):
        self.fc1 = Linear(config.n_embd, config.inner_dim)
        self.fc2 = Linear(config.inner_dim, config.n_embd)

    def forward(self, x):
        x = self.fc1(x)
        x = F.gelu(x, approximate="tanh")
        x = self.fc2(x)
        return x
""",
    ),
    (
        "adding x to the result",
        """
def forward(self, x):
    shortcut = x
    x = self.c_fc(x)
    x = F.gelu(x, approximate="tanh")
    x = self.c_proj(x)
    x += shortcut
    return x
""",
    ),
    (
        "GELU after c_proj instead of before",
        """
def forward(self, x):
    x = self.c_fc(x)
    x = self.c_proj(x)
    return F.gelu(x, approximate="tanh")
""",
    ),
    (
        "0.044175 instead of 0.044715",
        """
def _gelu(x):
    return 0.5 * x * (1.0 + F.tanh(0.7978845608028654 * (x + 0.044175 * x * x * x)))


def forward(self, x):
    return self.c_proj(_gelu(self.c_fc(x)))
""",
    ),
    (
        "an exp that overflows for large positive numbers",
        """
def forward(self, x):
    x = self.c_fc(x)
    u = (2 / 3.141592653589793) ** 0.5 * (x + 0.044715 * x**3)
    e = F.exp(2 * u)
    return self.c_proj(x * (e / (e + 1)))
""",
    ),
    (
        'approximate="gelu_new"',
        """
def forward(self, x):
    h = F.gelu(self.c_fc(x), approximate="gelu_new")
    return self.c_proj(h)
""",
    ),
    (
        "sqrt(2 / pi) for x alone, not for the cubic term",
        """
import math


def new_gelu(x):
    inner = math.sqrt(2.0 / math.pi) * x + 0.044715 * x * x * x
    return 0.5 * x * (1.0 + F.tanh(inner))


def forward(self, x):
    return self.c_proj(new_gelu(self.c_fc(x)))
""",
    ),
    (
        "cutting large numbers off at 10",
        """
def forward(self, x):
    h = self.c_fc(x)
    h = F.min(F.max(h, -10.0), 10.0)
    h = 0.5 * h * (1.0 + F.tanh(0.7978845608 * (h + 0.044715 * h * h * h)))
    return self.c_proj(h)
""",
    ),
    (
        "taking x's shape apart as batch, seq and width",
        """
def forward(self, x):
    batch, seq, width = x.shape
    tokens = F.reshape(x, [batch * seq, width])
    tokens = self.c_proj(F.gelu(self.c_fc(tokens), approximate="tanh"))
    return F.reshape(tokens, [batch, seq, width])
""",
    ),
    (
        "sigmoid(u) instead of sigmoid(2 u), or half of sqrt(2 / pi)",
        """
import math


def forward(self, x):
    h = self.c_fc(x)
    gate = F.sigmoid(math.sqrt(2 / math.pi) * (h + 0.044715 * h * h * h))
    return self.c_proj(h * gate)
""",
    ),
    (
        "approximate=True, as in JAX",
        """
def forward(self, x):
    return self.c_proj(F.gelu(self.c_fc(x), approximate=True))
""",
    ),
]
