"""Other right answers to step 03."""

ANSWERS = {
    "by hand with sqrt": """
def forward(self, x):
    mean = F.mean(x, axis=-1)  # [..., 1]
    variance = F.mean((x - mean) * (x - mean), axis=-1)  # [..., 1]
    normalized = (x - mean) / F.sqrt(variance + self.eps)
    return normalized * self.weight + self.bias
""",
    "by hand with rsqrt": """
def __init__(self, dim, *, eps):
    self._epsilon = eps
    self.weight = F.ones([dim])
    self.bias = F.zeros([dim])


def forward(self, x):
    x = x - x.mean()
    scale = F.rsqrt((x**2).mean() + self._epsilon)
    return F.add(F.mul(x * scale, self.weight), self.bias)
""",
    "sums over the width": """
def __init__(self, dim, *, eps):
    self._dim = dim
    self._eps = eps
    self.weight = Tensor.full([dim], 1.0)
    self.bias = Tensor.full([dim], 0.0)


def forward(self, x):
    centred = x - F.sum(x, axis=-1) / self._dim
    variance = F.sum(centred * centred, axis=-1) / self._dim
    return self.bias + self.weight * centred * (variance + self._eps) ** -0.5
""",
    "MAX's own layer": """
from max.experimental import nn


class LayerNorm(nn.LayerNorm):
    def __init__(self, dim, *, eps):
        super().__init__(dim, eps=eps)
""",
    "keyword arguments, bias made first": """
def __init__(self, dim: int, *, eps: float):
    super().__init__()
    self.bias = Tensor.zeros((dim,))
    self.weight = Tensor.ones_like(self.bias)
    self.epsilon = eps


def forward(self, x):
    return F.layer_norm(x, gamma=self.weight, beta=self.bias, epsilon=self.epsilon)
""",
    "in float32, and back": """
from max.dtype import DType


def forward(self, x):
    wide = F.cast(x, DType.float32)
    centred = wide - F.mean(wide, axis=-1)
    scale = F.rsqrt(F.mean(centred * centred, axis=-1) + self.eps)
    return F.cast(centred * scale, x.dtype) * self.weight + self.bias
""",
    "parameters of their own dtype, the weight scaled first": """
from max.dtype import DType


def __init__(self, dim, *, eps):
    self.dim, self.eps = dim, eps
    self.weight = Tensor.ones([dim], dtype=DType.float32)
    self.bias = Tensor.zeros([dim], dtype=DType.float32)


def forward(self, x):
    centred = x - F.sum(x, axis=-1) * (1.0 / self.dim)
    variance = F.sum(centred * centred, axis=-1) * (1.0 / self.dim)
    return centred * (self.weight / F.sqrt(variance + self.eps)) + self.bias
""",
}
