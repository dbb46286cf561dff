"""Mistakes in step 01, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "vocab_size = 50256",
        """
@dataclass(frozen=True)
class GPT2Config:
    vocab_size: int = 50_256
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    layer_norm_epsilon: float = 0.00001

    def __post_init__(self):
        if self.vocab_size <= 0:
            raise ValueError("vocab_size must be positive")
        if self.n_positions <= 0:
            raise ValueError("n_positions must be positive")
        if self.n_embd <= 0:
            raise ValueError("n_embd must be positive")
        if self.n_layer <= 0:
            raise ValueError("n_layer must be positive")
        if self.n_head <= 0:
            raise ValueError("n_head must be positive")
        if self.n_inner is not None and self.n_inner <= 0:
            raise ValueError("n_inner must be positive")
        if self.layer_norm_epsilon <= 0:
            raise ValueError("layer_norm_epsilon must be positive")
        if self.n_embd % self.n_head:
            raise ValueError("n_head must divide n_embd")

    @property
    def head_dim(self):
        return int(self.n_embd / self.n_head)

    @property
    def inner_dim(self):
        if self.n_inner is not None:
            return self.n_inner
        return self.n_embd * 4
""",
    ),
    (
        "layer_norm_epsilon = 1e-6",
        """
@dataclass(frozen=True)
class GPT2Config:
    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    layer_norm_epsilon: float = 0.000001

    def __post_init__(self) -> None:
        sizes = vars(self).copy()
        if sizes["n_inner"] is None:
            del sizes["n_inner"]
        for field, value in sizes.items():
            if value <= 0:
                raise ValueError(field + " must be > 0")
        if self.n_embd // self.n_head * self.n_head != self.n_embd:
            raise ValueError("n_head does not divide n_embd")

    @property
    def head_dim(self) -> int:
        return divmod(self.n_embd, self.n_head)[0]

    @property
    def inner_dim(self) -> int:
        return self.n_inner or 4 * self.n_embd
""",
    ),
    (
        "a dataclass that is not frozen",
        """
@dataclass
class GPT2Config:
    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    layer_norm_epsilon: float = 1e-5

    def __post_init__(self):
        for name, value in self.__dict__.items():
            if value is not None and value <= 0:
                raise ValueError(f"{name} is {value}")
        if self.n_embd % self.n_head > 0:
            raise ValueError(f"n_head is {self.n_head}, n_embd is {self.n_embd}")

    @property
    def head_dim(self):
        return self.n_embd // self.n_head

    @property
    def inner_dim(self):
        if self.n_inner is None:
            return 4 * self.n_embd
        else:
            return self.n_inner
""",
    ),
    (
        "n_embd / n_head, a float",
        """
@property
def head_dim(self):
    width, heads = self.n_embd, self.n_head
    return width / heads
""",
    ),
    (
        "ignoring n_inner",
        """
@property
def inner_dim(self):
    hidden = self.n_embd * 4
    return hidden
""",
    ),
    (
        "returning n_inner as it is",
        """
@property
def inner_dim(self) -> int | None:
    width = self.n_inner
    return width
""",
    ),
    (
        "letting 0 pass, for n_head too",
        """
def __post_init__(self):
    sizes = {
        "vocab_size": self.vocab_size,
        "n_positions": self.n_positions,
        "n_embd": self.n_embd,
        "n_layer": self.n_layer,
        "n_head": self.n_head,
        "layer_norm_epsilon": self.layer_norm_epsilon,
    }
    if self.n_inner is not None:
        sizes["n_inner"] = self.n_inner
    for key in sizes:
        if sizes[key] < 0:
            raise ValueError(f"{key} has to be positive but is {sizes[key]}")
    if self.n_head and self.n_embd % self.n_head:
        raise ValueError(f"n_embd={self.n_embd} cannot be cut in n_head={self.n_head}")
""",
    ),
    (
        "not checking n_inner",
        """
def __post_init__(self) -> None:
    if self.vocab_size < 1:
        raise ValueError(f"vocab_size is {self.vocab_size}")
    if self.n_positions < 1:
        raise ValueError(f"n_positions is {self.n_positions}")
    if self.n_embd < 1:
        raise ValueError(f"n_embd is {self.n_embd}")
    if self.n_layer < 1:
        raise ValueError(f"n_layer is {self.n_layer}")
    if self.n_head < 1:
        raise ValueError(f"n_head is {self.n_head}")
    if not self.layer_norm_epsilon > 0:
        raise ValueError(f"layer_norm_epsilon is {self.layer_norm_epsilon}")
    if self.n_embd % self.n_head:
        raise ValueError(f"n_head {self.n_head} does not divide {self.n_embd}")
""",
    ),
    (
        "not checking layer_norm_epsilon",
        """
def __post_init__(self):
    names = ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head"]
    if self.n_inner is not None:
        names.append("n_inner")
    wrong = [name for name in names if getattr(self, name) < 1]
    if wrong:
        raise ValueError("must be positive: " + ", ".join(wrong))
    rest = self.n_embd % self.n_head
    if rest != 0:
        raise ValueError("n_embd is not divisible by n_head")
""",
    ),
    (
        "checking neither vocab_size nor n_positions",
        """
def __post_init__(self):
    if self.n_embd <= 0 or self.n_layer <= 0 or self.n_head <= 0:
        raise ValueError("n_embd, n_layer and n_head must be positive")
    if self.n_inner is not None and self.n_inner <= 0:
        raise ValueError("n_inner must be positive")
    if self.layer_norm_epsilon <= 0:
        raise ValueError("layer_norm_epsilon must be positive")
    if self.n_embd % self.n_head != 0:
        raise ValueError("n_embd must be divisible by n_head")
""",
    ),
    (
        "asking whether n_inner <= 0 even where it is None",
        """
import dataclasses


def __post_init__(self) -> None:
    for field in dataclasses.fields(self):
        value = getattr(self, field.name)
        if value <= 0:
            raise ValueError(f"{field.name} must be positive, got {value}")
    if self.n_embd % self.n_head != 0:
        raise ValueError("n_embd must be divisible by n_head")
""",
    ),
    (
        "not checking that the heads share n_embd equally",
        """
def __post_init__(self) -> None:
    def check(name):
        value = getattr(self, name)
        if not value > 0:
            raise ValueError(f"{name}: {value} is not positive")

    check("vocab_size")
    check("n_positions")
    check("n_embd")
    check("n_layer")
    check("n_head")
    check("layer_norm_epsilon")
    if self.n_inner is not None:
        check("n_inner")
""",
    ),
    (
        "assert instead of raise ValueError",
        """
def __post_init__(self) -> None:
    assert self.vocab_size > 0, "vocab_size must be positive"
    assert self.n_positions > 0, "n_positions must be positive"
    assert self.n_embd > 0, "n_embd must be positive"
    assert self.n_layer > 0, "n_layer must be positive"
    assert self.n_head > 0, "n_head must be positive"
    assert self.n_inner is None or self.n_inner > 0, "n_inner must be positive"
    assert self.layer_norm_epsilon > 0, "layer_norm_epsilon must be positive"
    assert self.n_embd % self.n_head == 0, "n_embd must be divisible by n_head"
""",
    ),
    (
        "a message that does not say which size is wrong",
        """
def __post_init__(self):
    numbers = [
        self.vocab_size,
        self.n_positions,
        self.n_embd,
        self.n_layer,
        self.n_head,
        self.layer_norm_epsilon,
    ]
    if self.n_inner is not None:
        numbers += [self.n_inner]
    if any(n <= 0 for n in numbers):
        raise ValueError("All sizes must be positive")
    if self.n_embd % self.n_head != 0:
        raise ValueError("The width cannot be divided by the number of heads")
""",
    ),
    (
        "dividing by n_head before it is known to be positive",
        """
def __post_init__(self):
    if self.n_embd % self.n_head != 0:
        raise ValueError(
            f"n_head: {self.n_head} heads cannot share n_embd={self.n_embd}"
        )
    for name in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head"):
        if getattr(self, name) <= 0:
            raise ValueError(f"{name} must be positive")
    if self.n_inner is not None and self.n_inner <= 0:
        raise ValueError("n_inner must be positive or None")
    if self.layer_norm_epsilon <= 0:
        raise ValueError("layer_norm_epsilon must be positive")
""",
    ),
    (
        "letting an n_inner of 0 pass",
        """
def __post_init__(self):

    def check(name):
        if not getattr(self, name) > 0:
            raise ValueError(f"{name} must be > 0, got {getattr(self, name)}")

    check("vocab_size")
    check("n_positions")
    check("n_embd")
    check("n_layer")
    check("n_head")
    check("layer_norm_epsilon")
    if self.n_inner and self.n_inner < 0:
        raise ValueError(f"n_inner must be > 0, got {self.n_inner}")
    if self.n_embd % self.n_head != 0:
        raise ValueError(
            f"n_head={self.n_head} does not divide n_embd={self.n_embd}"
        )


@property
def inner_dim(self):
    return self.n_inner if self.n_inner is not None else 4 * self.n_embd
""",
    ),
    (
        "letting an epsilon of 0 pass",
        """
def __post_init__(self):
    for field in [
        "vocab_size",
        "n_positions",
        "n_embd",
        "n_layer",
        "n_head",
        "n_inner",
    ]:
        value = getattr(self, field)
        if value is None and field == "n_inner":
            continue
        if value < 1:
            raise ValueError(f"{field} must be positive, but is {value}")
    if self.layer_norm_epsilon < 0:
        raise ValueError(
            f"layer_norm_epsilon must be positive, but is {self.layer_norm_epsilon}"
        )
    heads_left_over = self.n_embd % self.n_head
    if heads_left_over:
        raise ValueError(f"n_head must divide n_embd, remainder {heads_left_over}")


@property
def inner_dim(self):
    if self.n_inner is None:
        return 4 * self.n_embd
    return self.n_inner
""",
    ),
    (
        "assert for the sharing instead of raise ValueError",
        """
def __post_init__(self):
    for name in (
        "vocab_size",
        "n_positions",
        "n_embd",
        "n_layer",
        "n_head",
        "layer_norm_epsilon",
    ):
        if not getattr(self, name) > 0:
            raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
    if self.n_inner is not None and self.n_inner <= 0:
        raise ValueError(f"n_inner must be positive or None, got {self.n_inner}")
    assert self.n_embd % self.n_head == 0, (
        f"n_embd ({self.n_embd}) must be divisible by n_head ({self.n_head})"
    )
""",
    ),
    (
        "a message about the sharing that does not name n_head",
        """
from dataclasses import fields


def __post_init__(self):
    for field in fields(self):
        value = getattr(self, field.name)
        if field.name == "n_inner" and value is None:
            continue
        if not value > 0:
            raise ValueError(f"{field.name} must be > 0, got {value!r}")
    if self.head_dim * self.n_head != self.n_embd:
        raise ValueError(
            f"embed_dim must be divisible by num_heads (got `embed_dim`: "
            f"{self.n_embd} and `num_heads`: {self.n_head})."
        )


@property
def inner_dim(self):
    return self.n_inner if self.n_inner is not None else 4 * self.n_embd
""",
    ),
    (
        "writing 4 * n_embd into n_inner where it was None",
        """
def __post_init__(self):
    if self.n_inner is None:
        object.__setattr__(self, "n_inner", 4 * self.n_embd)
    for name, value in vars(self).items():
        if not value > 0:
            raise ValueError(f"{name} must be positive (got {value})")
    if self.n_embd % self.n_head:
        raise ValueError(
            f"n_embd={self.n_embd} is not divisible by n_head={self.n_head}"
        )


@property
def inner_dim(self):
    return self.n_inner
""",
    ),
    (
        "not checking n_positions",
        """
def __post_init__(self):

    def check(name, value):
        if not value > 0:
            raise ValueError(f"{name} must be > 0 but is {value}")

    check("vocab_size", self.vocab_size)
    check("n_embd", self.n_embd)
    check("n_embd", self.n_embd)
    check("n_layer", self.n_layer)
    check("n_head", self.n_head)
    check("layer_norm_epsilon", self.layer_norm_epsilon)
    if self.n_inner is not None:
        check("n_inner", self.n_inner)
    if self.head_dim * self.n_head != self.n_embd:
        raise ValueError(f"n_head: {self.n_head} heads cannot share {self.n_embd}")


@property
def inner_dim(self):
    return self.n_inner or 4 * self.n_embd
""",
    ),
    (
        "letting 0 pass, for n_head too",
        """
def __post_init__(self):
    for name, value in vars(self).items():
        if value and value <= 0:
            raise ValueError(f"{name} must be positive, got {value}")
    if self.n_head and self.n_embd % self.n_head:
        raise ValueError(
            f"n_head={self.n_head} does not divide n_embd={self.n_embd}"
        )
""",
    ),
    (
        "the larger of n_inner and 4 * n_embd",
        """
def __post_init__(self):

    def require(ok, message):
        if not ok:
            raise ValueError(message)

    for name in (
        "vocab_size",
        "n_positions",
        "n_embd",
        "n_layer",
        "n_head",
        "layer_norm_epsilon",
    ):
        require(getattr(self, name) > 0, f"{name} must be > 0")
    require(self.n_inner is None or self.n_inner > 0, "n_inner must be > 0")
    require(self.n_embd % self.n_head == 0, "n_embd must be divisible by n_head")


@property
def inner_dim(self):
    return max(self.n_inner or 0, 4 * self.n_embd)
""",
    ),
    (
        "not checking layer_norm_epsilon",
        """
from dataclasses import fields


def __post_init__(self):
    for field in fields(self):
        value = getattr(self, field.name)
        if isinstance(value, int) and value <= 0:
            raise ValueError(f"{field.name} must be positive, got {value}")
    if self.n_embd % self.n_head != 0:
        raise ValueError(
            f"n_embd ({self.n_embd}) must be divisible by n_head ({self.n_head})"
        )
""",
    ),
    (
        "refusing an odd head_dim",
        """
def __post_init__(self):
    positive = {
        "vocab_size": self.vocab_size,
        "n_positions": self.n_positions,
        "n_embd": self.n_embd,
        "n_layer": self.n_layer,
        "n_head": self.n_head,
        "layer_norm_epsilon": self.layer_norm_epsilon,
    }
    if self.n_inner is not None:
        positive["n_inner"] = self.n_inner
    for name, value in positive.items():
        if value <= 0:
            raise ValueError(f"{name} must be positive (got {value})")
    head_dim, remainder = divmod(self.n_embd, self.n_head)
    if remainder != 0 or head_dim % 2 != 0:
        raise ValueError(
            f"n_head: {self.n_embd} cannot be shared evenly among {self.n_head} heads"
        )


@property
def inner_dim(self):
    return self.n_inner if self.n_inner is not None else 4 * self.n_embd
""",
    ),
]
