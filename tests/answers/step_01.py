"""Other right answers to step 01."""

ANSWERS = {
    "one condition after another": """
def __post_init__(self):
    if not self.vocab_size > 0:
        raise ValueError("vocab_size must be positive")
    if not self.n_positions > 0:
        raise ValueError("n_positions must be positive")
    if not self.n_embd > 0:
        raise ValueError("n_embd must be positive")
    if not self.n_layer > 0:
        raise ValueError("n_layer must be positive")
    if not self.n_head > 0:
        raise ValueError("n_head must be positive")
    if self.n_inner is not None and not self.n_inner > 0:
        raise ValueError("n_inner must be positive or None")
    if not self.layer_norm_epsilon > 0:
        raise ValueError("layer_norm_epsilon must be positive")
    if self.n_embd % self.n_head:
        raise ValueError("n_head must divide n_embd")
""",
    "a loop over the fields": """
from dataclasses import fields


def __post_init__(self):
    for field in fields(self):
        value = getattr(self, field.name)
        optional = field.name == "n_inner" and value is None
        if not (optional or value > 0):
            raise ValueError(f"{field.name} is {value}, but it must be above 0")
    if self.head_dim * self.n_head != self.n_embd:
        raise ValueError(f"{self.n_embd=} does not split into {self.n_head=} heads")
""",
    "the heads first": """
def __post_init__(self):
    both_positive = self.n_embd > 0 and self.n_head > 0
    if both_positive and self.n_embd % self.n_head != 0:
        raise ValueError("n_embd is not a multiple of n_head")
    for name, value in vars(self).items():
        if name == "n_inner" and value is None:
            continue
        if not value > 0:
            raise ValueError(f"{name}: {value} is not positive")


@property
def inner_dim(self):
    return self.n_inner or 4 * self.n_embd
""",
    "all bad fields in one message": """
def __post_init__(self):
    given = dict(self.__dict__)
    if given["n_inner"] is None:
        del given["n_inner"]
    bad = [name for name, value in given.items() if not value > 0]
    if bad:
        raise ValueError("these must be positive: " + ", ".join(bad))
    width, rest = divmod(self.n_embd, self.n_head)
    if rest:
        raise ValueError(
            f"n_head: {self.n_head} times {width} is not {self.n_embd}"
        )


@property
def head_dim(self):
    return divmod(self.n_embd, self.n_head)[0]
""",
    "slots and a helper": """
from dataclasses import field


def positive(name, value):
    if not value > 0:
        raise ValueError(f"{name} must be greater than zero, got {value!r}")


@dataclass(frozen=True, slots=True)
class GPT2Config:
    vocab_size: int = field(default=50257)
    n_positions: int = field(default=1024)
    n_embd: int = field(default=768)
    n_layer: int = field(default=12)
    n_head: int = field(default=12)
    n_inner: int | None = field(default=None)
    layer_norm_epsilon: float = field(default=0.00001)

    def __post_init__(self):
        positive("vocab_size", self.vocab_size)
        positive("n_positions", self.n_positions)
        positive("n_embd", self.n_embd)
        positive("n_layer", self.n_layer)
        positive("n_head", self.n_head)
        positive("n_inner", self.inner_dim)
        positive("layer_norm_epsilon", self.layer_norm_epsilon)
        if self.n_embd % self.n_head > 0:
            raise ValueError("n_embd must be divisible by n_head")

    @property
    def head_dim(self):
        return self.n_embd // self.n_head

    @property
    def inner_dim(self):
        if self.n_inner is not None:
            return self.n_inner
        return self.n_embd * 4
""",
    "cached properties": """
from functools import cached_property


@cached_property
def head_dim(self):
    return self.n_embd // self.n_head


@cached_property
def inner_dim(self):
    match self.n_inner:
        case None:
            return 4 * self.n_embd
        case width:
            return width
""",
    "types checked too": """
def __post_init__(self):
    for name, size in vars(self).items():
        if name == "n_inner" and size is None:
            continue
        kind = float if name == "layer_norm_epsilon" else int
        if not isinstance(size, kind):
            raise TypeError(f"{name} must be of type {kind.__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be positive")
    if self.n_embd % self.n_head:
        raise ValueError("n_head must divide n_embd")
""",
}
