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
        "letting 0 pass",
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
        "checking only some of the sizes",
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
        "comparing n_inner with 0 even where it is None",
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
]
