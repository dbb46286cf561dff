"""Mistakes in step 03, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "dividing the variance by dim - 1",
        """
def __init__(self, dim, *, eps):
    self.dim = dim
    self.eps = eps
    self.weight = Tensor.ones([dim])
    self.bias = Tensor.zeros([dim])


def forward(self, x):
    mu = F.mean(x, axis=-1)
    diff = x - mu
    var = F.sum(diff * diff, axis=-1) / (self.dim - 1)
    return diff / F.sqrt(var + self.eps) * self.weight + self.bias
""",
    ),
    (
        "adding eps outside the root",
        """
def forward(self, x):
    mean = F.mean(x, axis=-1)
    centred = x - mean
    variance = F.mean(centred**2, axis=-1)
    std = F.sqrt(variance)
    normed = centred / (std + self.eps)
    return self.weight * normed + self.bias
""",
    ),
    (
        "leaving eps out",
        """
def forward(self, x):
    m = x.mean(axis=-1)
    v = F.mean((x - m) * (x - m), axis=-1)
    out = (x - m) * F.rsqrt(v)
    out = out * self.weight
    return out + self.bias
""",
    ),
    (
        "a fixed eps of 1e-5",
        """
class LayerNorm(Module[[Tensor], Tensor]):
    def __init__(self, dim: int, *, eps: float = 1e-5) -> None:
        self.weight = Tensor.full([dim], 1.0)
        self.bias = Tensor.full([dim], 0.0)

    def forward(self, x: Tensor) -> Tensor:
        average = F.mean(x, axis=-1)
        spread = F.mean(F.pow(x - average, 2), axis=-1)
        z = (x - average) / F.sqrt(spread + 0.00001)
        return z * self.weight + self.bias
""",
    ),
    (
        "a fixed eps of 1e-5",
        """
EPS = 1e-5


class LayerNorm(Module[[Tensor], Tensor]):
    def __init__(self, dim, *, eps):
        self.eps = EPS
        self.weight = Tensor.ones((dim,))
        self.bias = Tensor.zeros((dim,))

    def forward(self, x):
        return F.layer_norm(x, gamma=self.weight, beta=self.bias, epsilon=self.eps)
""",
    ),
    (
        "dividing by the variance",
        """
def forward(self, x):
    mean = F.mean(x, axis=-1)
    d = F.sub(x, mean)
    var = F.mean(F.mul(d, d), axis=-1)
    y = F.div(d, var + self.eps)
    return F.add(F.mul(y, self.weight), self.bias)
""",
    ),
    (
        "not subtracting the mean",
        """
def forward(self, x):
    mean_of_squares = F.mean(x * x, axis=-1)
    x = x * F.rsqrt(mean_of_squares + self.eps)
    return x * self.weight + self.bias
""",
    ),
    (
        "dividing without having subtracted the mean",
        """
def forward(self, x):
    mean = F.mean(x, axis=-1)
    var = F.mean((x - mean) ** 2, axis=-1)
    x = x / F.sqrt(var + self.eps)
    return self.weight * x + self.bias
""",
    ),
    (
        "leaving weight and bias out",
        """
def forward(self, x):
    mean = F.mean(x, axis=-1)
    second = F.mean(x * x, axis=-1)
    var = second - mean * mean
    return (x - mean) / F.sqrt(var + self.eps)
""",
    ),
    (
        "leaving the bias out",
        """
def forward(self, x):
    u = F.mean(x, axis=-1)
    s = F.mean(F.pow(x - u, 2), axis=-1)
    hat = (x - u) / F.sqrt(s + self.eps)
    return hat * self.weight
""",
    ),
    (
        "adding the bias before the weight is multiplied",
        """
def forward(self, x):
    mu = F.mean(x, axis=-1)
    sigma2 = F.mean((x - mu) * (x - mu), axis=-1)
    n = (x - mu) * F.rsqrt(sigma2 + self.eps)
    shifted = n + self.bias
    return shifted * self.weight
""",
    ),
    (
        "normalizing across the tokens",
        """
def forward(self, x):
    mean = F.mean(x, axis=-2)
    delta = x - mean
    var = F.mean(delta * delta, axis=-2)
    return delta / F.sqrt(var + self.eps) * self.weight + self.bias
""",
    ),
    (
        "one mean and one variance for the whole tensor",
        """
def forward(self, x):
    flat = F.reshape(x, [-1])
    mean = F.mean(flat)
    var = F.mean((flat - mean) * (flat - mean))
    return (x - mean) / F.sqrt(var + self.eps) * self.weight + self.bias
""",
    ),
    (
        "a weight that starts at 0",
        """
class LayerNorm(Module[[Tensor], Tensor]):
    def __init__(self, dim, *, eps):
        self.eps = eps
        self.dim = dim
        for name in ("weight", "bias"):
            setattr(self, name, Tensor.zeros([dim]))

    def forward(self, x):
        total = F.sum(x, axis=-1)
        mean = total / self.dim
        x = x - mean
        var = F.sum(x * x, axis=-1) / self.dim
        return x * F.rsqrt(var + self.eps) * self.weight + self.bias
""",
    ),
    (
        "other names than weight and bias",
        """
class LayerNorm(Module[[Tensor], Tensor]):
    def __init__(self, dim, *, eps):
        self.gamma = Tensor.ones([dim])
        self.beta = Tensor.zeros([dim])
        self.epsilon = eps

    def forward(self, x):
        mean = F.mean(x, axis=-1)
        var = F.mean((x - mean) ** 2, axis=-1)
        norm = (x - mean) / F.sqrt(var + self.epsilon)
        return self.gamma * norm + self.beta
""",
    ),
    (
        "the variance as the mean of the squares less the square of the mean",
        """
def __init__(self, dim, *, eps):
    self.weight = Tensor.ones((dim,))
    self.bias = Tensor.zeros((dim,))
    self.eps = eps


def forward(self, x):
    m = F.mean(x, axis=-1)
    var = F.mean(x * x, axis=-1) - m * m
    return (x - m) * F.rsqrt(var + self.eps) * self.weight + self.bias
""",
    ),
    (
        "normalizing along axis 2, whatever the rank",
        """
def forward(self, x):
    axis = 2
    mu = F.mean(x, axis=axis)
    sigma2 = F.mean((x - mu) ** 2, axis=axis)
    x_hat = (x - mu) / F.sqrt(sigma2 + self.eps)
    return self.weight * x_hat + self.bias
""",
    ),
    (
        "unsqueeze after the means",
        """
def __init__(self, dim, *, eps):
    super().__init__()
    self.eps = eps
    self.weight = F.ones([dim])
    self.bias = F.zeros([dim])


def forward(self, x):
    mean = x.mean(axis=-1).unsqueeze(-1)
    centered = x - mean
    variance = (centered * centered).mean(axis=-1).unsqueeze(-1)
    normalized = centered / F.sqrt(variance + self.eps)
    return normalized * self.weight + self.bias
""",
    ),
    (
        "normalizing along axis 1, whatever the rank",
        """
class LayerNorm(Module[[Tensor], Tensor]):
    weight: Tensor
    bias: Tensor

    def __init__(self, dim, *, eps):
        self.dim = dim
        self.eps = eps
        self.weight = Tensor.ones((dim,))
        self.bias = Tensor.zeros((dim,))

    def forward(self, x):
        AXIS = 1
        mu = F.mean(x, axis=AXIS)
        diff = F.sub(x, mu)
        sigma2 = F.mean(F.mul(diff, diff), axis=AXIS)
        normed = F.div(diff, F.sqrt(F.add(sigma2, self.eps)))
        return F.add(F.mul(normed, self.weight), self.bias)
""",
    ),
    (
        "dividing by the root of the mean square",
        """
def __init__(self, dim, *, eps):
    self.eps = eps
    self.weight, self.bias = (Tensor.ones([dim]), Tensor.zeros([dim]))


def forward(self, x):
    m = F.mean(x, axis=-1)
    v = F.mean(x * x, axis=-1)
    return (x - m) / F.sqrt(v + self.eps) * self.weight + self.bias
""",
    ),
    (
        "keeping eps as a Tensor",
        """
def __init__(self, dim, *, eps):
    self.eps = Tensor(eps)
    self.weight = Tensor.ones([dim])
    self.bias = Tensor.zeros([dim])


def forward(self, x):
    mu = x.mean(axis=-1)
    d = x - mu
    var = (d * d).mean(axis=-1)
    return d / F.sqrt(var + self.eps) * self.weight + self.bias
""",
    ),
    (
        "the larger of variance and eps",
        """
def __init__(self, dim, *, eps):
    self.eps = float(eps)
    self.weight, self.bias = (Tensor.ones([dim]), Tensor.zeros([dim]))


def forward(self, x):
    centered = x - F.mean(x, axis=-1)
    variance = F.mean(centered**2, axis=-1)
    safe = F.max(variance, self.eps)
    normalized = centered * F.rsqrt(safe)
    return normalized * self.weight + self.bias
""",
    ),
    (
        "F.layer_norm without its epsilon",
        """
def forward(self, x):
    return F.layer_norm(x, self.weight, self.bias, eps=self.eps)
""",
    ),
    (
        "a weight that starts at 0, and multiplying by 1 + weight",
        """
class LayerNorm(Module[[Tensor], Tensor]):
    weight: Tensor
    bias: Tensor

    def __init__(self, dim, *, eps):
        super().__init__()
        self.eps = eps
        self.weight = Tensor.zeros([dim])
        self.bias = Tensor.zeros([dim])

    def forward(self, x):
        mean = F.mean(x, axis=-1)
        centered = x - mean
        variance = F.mean(centered * centered, axis=-1)
        normalized = centered * F.rsqrt(variance + self.eps)
        return normalized * (1.0 + self.weight) + self.bias
""",
    ),
    (
        "unsqueeze after the mean of x",
        """
def forward(self, x):
    mean = x.mean(axis=-1).unsqueeze(-1)
    diff = x - mean
    var = (diff * diff).mean(axis=-1)
    return self.weight * (diff / F.sqrt(var + self.eps)) + self.bias
""",
    ),
    (
        "keeping eps as a Tensor of shape [1]",
        """
def __init__(self, dim, *, eps):
    self.weight = Tensor.ones([dim])
    self.bias = Tensor.zeros([dim])
    self.eps = Tensor.full(
        [1], eps, dtype=self.weight.dtype, device=self.weight.device
    )


def forward(self, x):
    centered = x - F.mean(x, axis=-1)
    variance = F.mean(centered**2, axis=-1)
    return self.weight * (centered / F.sqrt(variance + self.eps)) + self.bias
""",
    ),
    (
        "computing in float32 and not going back",
        """
from max.dtype import DType


def forward(self, x):
    return F.layer_norm(
        F.cast(x, DType.float32),
        gamma=F.cast(self.weight, DType.float32),
        beta=F.cast(self.bias, DType.float32),
        epsilon=self.eps,
    )
""",
    ),
    (
        "the variance as the mean of the squares less the mean",
        """
def forward(self, x):
    mu = F.mean(x, axis=-1)
    var = F.mean(x * x, axis=-1) - mu
    return (x - mu) / F.sqrt(var + self.eps) * self.weight + self.bias
""",
    ),
]
