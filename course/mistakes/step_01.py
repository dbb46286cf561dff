"""How step 01, the configuration, is got wrong."""

from course.mistakes import Mistake

CHECKED = """            size = getattr(self, name)
            if size is None and name == "n_inner":
                continue
"""
DIVIDES = "if self.n_embd % self.n_head != 0:"

MISTAKES = [
    Mistake(
        "vocab_size = 50256",
        "GPT-2 knows 256 bytes, 50,000 merged pieces and one token that ends a text: "
        "50257.",
        {"vocab_size: int = 50257": "vocab_size: int = 50256"},
    ),
    Mistake(
        "n_positions = 512",
        "512 was the context of the first GPT; GPT-2 reads 1024 tokens.",
        {"n_positions: int = 1024": "n_positions: int = 512"},
    ),
    Mistake(
        "the sizes of GPT-2 medium",
        "The smallest GPT-2 has 12 layers of 12 heads and is 768 wide.",
        {
            "n_embd: int = 768": "n_embd: int = 1024",
            "n_layer: int = 12": "n_layer: int = 24",
            "n_head: int = 12": "n_head: int = 16",
        },
    ),
    Mistake(
        "layer_norm_epsilon = 1e-6",
        "GPT-2 was trained with 1e-5.",
        {"layer_norm_epsilon: float = 1e-5": "layer_norm_epsilon: float = 1e-6"},
    ),
    Mistake(
        "layer_norm_epsilon = 1e-12",
        "That is BERT's. GPT-2 was trained with 1e-5.",
        {"layer_norm_epsilon: float = 1e-5": "layer_norm_epsilon: float = 1e-12"},
    ),
    Mistake(
        "a fixed n_inner of 3072",
        "3072 is 4 * 768 and right for one size only. With None, the width follows "
        "n_embd.",
        {"n_inner: int | None = None": "n_inner: int = 3072"},
    ),
    Mistake(
        "a dataclass that is not frozen",
        "A model is built from the configuration once; a size that changes later "
        "would no longer fit it. @dataclass(frozen=True) forbids that.",
        {"@dataclass(frozen=True)": "@dataclass"},
    ),
    Mistake(
        "n_embd / n_head, a float",
        "A width is a whole number: // divides into one.",
        {"return self.n_embd // self.n_head": "return self.n_embd / self.n_head"},
    ),
    Mistake(
        "dividing n_embd by n_layer",
        "The heads share the width, not the layers; both numbers are 12 by default.",
        {"return self.n_embd // self.n_head": "return self.n_embd // self.n_layer"},
    ),
    Mistake(
        "a fixed head_dim of 64",
        "64 is 768 / 12 and right for one size only.",
        {"return self.n_embd // self.n_head": "return 64"},
    ),
    Mistake(
        "ignoring n_inner",
        "inner_dim is 4 * n_embd only where n_inner is None.",
        {" if self.n_inner is None else self.n_inner": ""},
    ),
    Mistake(
        "returning n_inner as it is",
        "Where n_inner is None, the width is 4 * n_embd.",
        {
            "return 4 * self.n_embd if self.n_inner is None else self.n_inner": (
                "return self.n_inner"
            )
        },
    ),
    Mistake(
        "a fixed inner_dim of 3072",
        "3072 is 4 * 768 and right for one size only.",
        {"return 4 * self.n_embd if": "return 3072 if"},
    ),
    Mistake(
        "three times n_embd",
        "The MLP of GPT-2 is four times as wide as the stream.",
        {"return 4 * self.n_embd if": "return 3 * self.n_embd if"},
    ),
    Mistake(
        "letting 0 pass",
        "No size can be 0: only what is greater than 0 is positive.",
        {"if not size > 0:": "if size < 0:"},
    ),
    Mistake(
        "letting negative sizes pass",
        "Negative sizes are as impossible as 0.",
        {"if not size > 0:": "if size == 0:"},
    ),
    Mistake(
        "not checking n_inner",
        "n_inner may be None; where it is a number, it must be positive too.",
        {'            "n_inner",\n': ""},
    ),
    Mistake(
        "not checking layer_norm_epsilon",
        "With an epsilon of 0, a vector of equal numbers would be divided by 0.",
        {'            "layer_norm_epsilon",\n': ""},
    ),
    Mistake(
        "checking only some of the sizes",
        "Every size has to be positive: vocab_size and n_positions too.",
        {'            "vocab_size",\n            "n_positions",\n': ""},
    ),
    Mistake(
        "comparing n_inner with 0 even where it is None",
        "None means that n_inner was not given, and cannot be compared with a number.",
        {CHECKED: "            size = getattr(self, name)\n"},
    ),
    Mistake(
        "not checking the sizes",
        "A wrong size is best refused here, before it becomes a strange error in a "
        "later step.",
        {
            "if not size > 0:\n                raise ValueError("
            'f"{name} must be positive, not {size}")': "pass"
        },
    ),
    Mistake(
        "not checking that the heads share n_embd equally",
        "head_dim would be rounded down, and the heads would not fill the width.",
        {DIVIDES: "if False:"},
    ),
    Mistake(
        "n_head % n_embd, the wrong way round",
        "n_embd is what is divided: n_embd % n_head is 0 when the heads fit.",
        {DIVIDES: "if self.n_head % self.n_embd != 0:"},
    ),
    Mistake(
        "assert instead of raise ValueError",
        "Asserts are for what cannot happen; wrong arguments do, and Python drops "
        "asserts when it runs with -O.",
        {
            "if not size > 0:\n                raise ValueError("
            'f"{name} must be positive, not {size}")': (
                'assert size > 0, f"{name} must be positive, not {size}"'
            )
        },
    ),
    Mistake(
        "a message that does not say which size is wrong",
        "Whoever reads it has seven sizes to choose from: put the name in.",
        {'f"{name} must be positive, not {size}"': 'f"must be positive, not {size}"'},
    ),
]
