"""How step 01, the configuration, is got wrong."""

from course.mistakes import Mistake

FIRST = "        for name in (\n"
CHECKED = """            size = getattr(self, name)
            if size is None and name == "n_inner":
                continue
"""
POSITIVE = "if not size > 0:"
REFUSED = 'raise ValueError(f"{name} must be positive, not {size}")'
DIVIDES = "if self.n_embd % self.n_head != 0:"
MULTIPLE = (
    'f"n_embd ({self.n_embd}) must be a multiple of n_head ({self.n_head})"\n'
    "            )"
)
HEAD_DIM = "return self.n_embd // self.n_head"
INNER_DIM = "return 4 * self.n_embd if self.n_inner is None else self.n_inner"
ALL = """
            "vocab_size",
            "n_positions",
            "n_embd",
            "n_layer",
            "n_head",
            "n_inner",
            "layer_norm_epsilon",
        """
DEFAULTS = {
    "vocab_size: int": "50257",
    "n_positions: int": "1024",
    "n_embd: int": "768",
    "n_layer: int": "12",
    "n_head: int": "12",
    "n_inner: int | None": "None",
    "layer_norm_epsilon: float": "1e-5",
}


def default(name: str, value: str) -> dict[str, str]:
    """A change to the default of one field."""
    (field,) = (field for field in DEFAULTS if field.startswith(f"{name}:"))
    return {f"    {field} = {DEFAULTS[field]}": f"    {field} = {value}"}


def unchecked(name: str) -> Mistake:
    """A size that is not looked at."""
    return Mistake(
        f"not checking {name}",
        f"Every size has to be positive, {name} too.",
        {f'            "{name}",\n': ""},
    )


def misnamed(name: str, other: str) -> Mistake:
    """A message that was copied from the size before."""
    return Mistake(
        f"a message about {other} where {name} is wrong",
        f"Whoever reads it would look for the mistake in {other}.",
        {
            REFUSED: f'name = "{other}" if name == "{name}" else name\n'
            f"                {REFUSED}"
        },
    )


MISTAKES = [
    Mistake(
        "vocab_size = 50256",
        "GPT-2 knows 256 bytes, 50,000 merged pieces and one token that ends a text: "
        "50257.",
        default("vocab_size", "50256"),
    ),
    Mistake(
        "vocab_size = 50304",
        "That is 50257 rounded up to a multiple of 64, as nanoGPT does it for speed; "
        "the checkpoint has 50257 tokens.",
        default("vocab_size", "50304"),
    ),
    Mistake(
        "vocab_size = 50000",
        "50,000 is the number of merged pieces; with 256 bytes and one token that ends "
        "a text they make 50257.",
        default("vocab_size", "50000"),
    ),
    Mistake(
        "n_positions = 512",
        "512 was the context of the first GPT; GPT-2 reads 1024 tokens.",
        default("n_positions", "512"),
    ),
    Mistake(
        "n_positions = 2048",
        "2048 is the context of GPT-3; GPT-2 reads 1024 tokens.",
        default("n_positions", "2048"),
    ),
    Mistake(
        "n_embd = 1024",
        "GPT-2 medium is 1024 wide; the smallest one 768.",
        default("n_embd", "1024"),
    ),
    Mistake(
        "n_embd = 512",
        "512 is the width of the first Transformer; the smallest GPT-2 is 768 wide.",
        default("n_embd", "512") | default("n_head", "8"),
    ),
    Mistake(
        "n_layer = 6",
        "DistilGPT-2 has 6 layers; GPT-2 has 12.",
        default("n_layer", "6"),
    ),
    Mistake(
        "n_layer = 24",
        "GPT-2 medium has 24 layers; the smallest one 12.",
        default("n_layer", "24"),
    ),
    Mistake(
        "n_head = 16",
        "GPT-2 medium has 16 heads; the smallest one 12.",
        default("n_head", "16"),
    ),
    Mistake(
        "n_head = 8",
        "The first Transformer had 8 heads; the smallest GPT-2 has 12.",
        default("n_head", "8"),
    ),
    Mistake(
        "the sizes of GPT-2 medium",
        "The smallest GPT-2 has 12 layers of 12 heads and is 768 wide.",
        default("n_embd", "1024") | default("n_layer", "24") | default("n_head", "16"),
    ),
    Mistake(
        "the sizes of GPT-2 large",
        "The smallest GPT-2 has 12 layers of 12 heads and is 768 wide.",
        default("n_embd", "1280") | default("n_layer", "36") | default("n_head", "20"),
    ),
    Mistake(
        "the sizes of GPT-2 XL",
        "The smallest GPT-2 has 12 layers of 12 heads and is 768 wide.",
        default("n_embd", "1600") | default("n_layer", "48") | default("n_head", "25"),
    ),
    *(
        Mistake(
            f"layer_norm_epsilon = {value}",
            f"{whose}GPT-2 was trained with 1e-5, one in a hundred thousand.",
            default("layer_norm_epsilon", value),
        )
        for value, whose in {
            "1e-6": "Llama and T5 have that. ",
            "1e-12": "That is BERT's. ",
            "1e-8": "",
            "1e-4": "",
            "1e-3": "",
            "1e5": "The exponent has lost its sign. ",
        }.items()
    ),
    Mistake(
        "a fixed n_inner of 3072",
        "3072 is 4 * 768 and right for one size only. With None, the width follows "
        "n_embd.",
        {"n_inner: int | None = None": "n_inner: int = 3072"},
    ),
    Mistake(
        "writing 4 * n_embd into n_inner where it was None",
        "n_inner keeps what was given, None too; inner_dim is there to work the width "
        "out.",
        {
            DIVIDES: "if self.n_inner is None:\n"
            '            object.__setattr__(self, "n_inner", 4 * self.n_embd)\n'
            f"        {DIVIDES}"
        },
    ),
    Mistake(
        "assigning to self.n_inner in __post_init__",
        "The dataclass is frozen: nothing is assigned any more. inner_dim is there to "
        "work the width out.",
        {
            MULTIPLE: f"{MULTIPLE}\n        if self.n_inner is None:\n"
            "            self.n_inner = 4 * self.n_embd"
        },
    ),
    Mistake(
        "a class without @dataclass",
        "@dataclass is what makes fields of the names, and an __init__ that takes "
        "them.",
        {"@dataclass(frozen=True)\n": ""},
    ),
    Mistake(
        "fields without their types",
        "Only a name with a type, `n_embd: int = 768`, is a field of a dataclass; "
        "without one it is the same for the whole class.",
        {
            f"    {field} = {value}": f"    {field.partition(':')[0]} = {value}"
            for field, value in DEFAULTS.items()
        },
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
        {HEAD_DIM: "return self.n_embd / self.n_head"},
    ),
    Mistake(
        "dividing n_embd by n_layer",
        "The heads share the width, not the layers; both numbers are 12 by default.",
        {HEAD_DIM: "return self.n_embd // self.n_layer"},
    ),
    Mistake(
        "dividing n_head by n_embd",
        "The heads share the width: n_embd is what is divided, by n_head.",
        {HEAD_DIM: "return self.n_head // self.n_embd"},
    ),
    Mistake(
        "dividing n_embd by a fixed 12",
        "12 heads is right for one size only.",
        {HEAD_DIM: "return self.n_embd // 12"},
    ),
    Mistake(
        "dividing inner_dim by n_head",
        "The heads share n_embd, the stream's width; inner_dim is the MLP's.",
        {HEAD_DIM: "return self.inner_dim // self.n_head"},
    ),
    Mistake(
        "n_embd % n_head, what is left over",
        "% is the rest of a division; // is how often the heads fit.",
        {HEAD_DIM: "return self.n_embd % self.n_head"},
    ),
    Mistake(
        "n_embd as the width of each head",
        "The heads share n_embd: each has n_embd // n_head of it.",
        {HEAD_DIM: "return self.n_embd"},
    ),
    Mistake(
        "n_head as the width of each head",
        "n_head is how many heads there are, not how wide one is.",
        {HEAD_DIM: "return self.n_head"},
    ),
    Mistake(
        "n_embd * n_head as the width of a head",
        "The heads share n_embd: each has n_embd // n_head of it.",
        {HEAD_DIM: "return self.n_embd * self.n_head"},
    ),
    Mistake(
        "a fixed head_dim of 64",
        "64 is 768 / 12 and right for one size only.",
        {HEAD_DIM: "return 64"},
    ),
    Mistake(
        "head_dim without a return",
        "A property gives what its `return` says, None where there is none.",
        {HEAD_DIM: "self.n_embd // self.n_head"},
    ),
    Mistake(
        "head_dim without @property",
        "The steps read config.head_dim, without parentheses: @property makes that a "
        "call.",
        {"    @property\n    def head_dim": "    def head_dim"},
    ),
    Mistake(
        "inner_dim without @property",
        "The steps read config.inner_dim, without parentheses: @property makes that a "
        "call.",
        {"    @property\n    def inner_dim": "    def inner_dim"},
    ),
    Mistake(
        "ignoring n_inner",
        "inner_dim is 4 * n_embd only where n_inner is None.",
        {" if self.n_inner is None else self.n_inner": ""},
    ),
    Mistake(
        "returning n_inner as it is",
        "Where n_inner is None, the width is 4 * n_embd.",
        {INNER_DIM: "return self.n_inner"},
    ),
    Mistake(
        "asking for n_inner the wrong way round",
        "Where n_inner is None the width is 4 * n_embd; otherwise it is n_inner.",
        {"if self.n_inner is None else": "if self.n_inner is not None else"},
    ),
    Mistake(
        "the larger of n_inner and 4 * n_embd",
        "A width that was given counts, be it smaller than 4 * n_embd or not.",
        {INNER_DIM: "return max(self.n_inner or 0, 4 * self.n_embd)"},
    ),
    Mistake(
        "the smaller of n_inner and 4 * n_embd",
        "A width that was given counts, be it larger than 4 * n_embd or not.",
        {
            INNER_DIM: "return min(self.n_inner or 4 * self.n_embd, 4 * self.n_embd)",
        },
    ),
    Mistake(
        "4 * n_inner where n_inner is given",
        "n_inner is the width of the hidden layer itself; only n_embd is multiplied.",
        {INNER_DIM: "return 4 * (self.n_inner or self.n_embd)"},
    ),
    Mistake(
        "4 * n_inner, even where n_inner is None",
        "Where n_inner is None, the width is 4 * n_embd; otherwise it is n_inner.",
        {INNER_DIM: "return 4 * self.n_inner"},
    ),
    Mistake(
        "a fixed inner_dim of 3072",
        "3072 is 4 * 768 and right for one size only.",
        {"return 4 * self.n_embd if": "return 3072 if"},
    ),
    Mistake(
        "3072, whatever n_embd and n_inner are",
        "3072 is 4 * 768 and right for one size only.",
        {INNER_DIM: "return 3072"},
    ),
    Mistake(
        "three times n_embd",
        "The MLP of GPT-2 is four times as wide as the stream.",
        {"return 4 * self.n_embd if": "return 3 * self.n_embd if"},
    ),
    Mistake(
        "twice n_embd",
        "The MLP of GPT-2 is four times as wide as the stream.",
        {"return 4 * self.n_embd if": "return 2 * self.n_embd if"},
    ),
    Mistake(
        "n_embd itself where n_inner is None",
        "The MLP of GPT-2 is four times as wide as the stream.",
        {"return 4 * self.n_embd if": "return self.n_embd if"},
    ),
    Mistake(
        "8/3 of n_embd",
        "That is Llama's MLP, which has three matrices; GPT-2's is 4 * n_embd wide.",
        {"return 4 * self.n_embd if": "return 8 * self.n_embd // 3 if"},
    ),
    Mistake(
        "4 * head_dim",
        "It is the whole stream, n_embd, whose width is multiplied by 4.",
        {"return 4 * self.n_embd if": "return 4 * self.head_dim if"},
    ),
    Mistake(
        "4.0 * n_embd, a float",
        "A width is a whole number, and so is 4.",
        {"return 4 * self.n_embd if": "return 4.0 * self.n_embd if"},
    ),
    Mistake(
        "inner_dim without a return",
        "A property gives what its `return` says, None where there is none.",
        {INNER_DIM: INNER_DIM.removeprefix("return ")},
    ),
    Mistake(
        "letting 0 pass",
        "No size can be 0: only what is greater than 0 is positive. With 0 heads there "
        "would be a division by 0.",
        {POSITIVE: "if size < 0:"},
    ),
    Mistake(
        "letting 0 pass, for n_head too",
        "No size can be 0: only what is greater than 0 is positive.",
        {
            POSITIVE: "if size < 0:",
            DIVIDES: "if self.n_head and self.n_embd % self.n_head:",
        },
    ),
    Mistake(
        "letting an epsilon of 0 pass",
        "With an epsilon of 0, a vector of equal numbers would be divided by 0.",
        {POSITIVE: 'if size < 0 or size == 0 and name != "layer_norm_epsilon":'},
    ),
    Mistake(
        "letting an n_inner of 0 pass",
        "Only None means that n_inner was not given. 0 is as false as None where a "
        "condition asks for a truth: ask `is not None`.",
        {"if size is None and": "if not size and"},
    ),
    Mistake(
        "letting all 0 pass but those of n_inner and the epsilon",
        "No size can be 0: only what is greater than 0 is positive.",
        {
            POSITIVE: "if size < 0 or size == 0 and "
            'name in ("n_inner", "layer_norm_epsilon"):'
        },
    ),
    Mistake(
        "letting negative sizes pass",
        "Negative sizes are as impossible as 0.",
        {POSITIVE: "if size == 0:"},
    ),
    Mistake(
        "letting a negative epsilon pass",
        "The root of a negative number does not exist: the epsilon must be above 0.",
        {POSITIVE: 'if size == 0 or size < 0 and name != "layer_norm_epsilon":'},
    ),
    Mistake(
        "refusing an epsilon below 1",
        "The epsilon is no whole number: compare it with 0, not with 1.",
        {POSITIVE: "if size < 1:"},
    ),
    Mistake(
        "refusing an epsilon that is no int",
        "The epsilon is a small number, 1e-5, and no int.",
        {POSITIVE: "if not isinstance(size, int) or size <= 0:"},
    ),
    Mistake(
        "refusing a tiny epsilon",
        "Whatever is greater than 0 is positive, however small.",
        {POSITIVE: "if size < 1e-12:"},
    ),
    Mistake(
        "refusing an n_inner smaller than n_embd",
        "The hidden layer may be narrower than the stream.",
        {
            DIVIDES: "if self.n_inner and self.n_inner < self.n_embd:\n"
            f'            raise ValueError("n_inner")\n        {DIVIDES}'
        },
    ),
    Mistake(
        "refusing a size of 1",
        "1 is positive: one layer of one head is a GPT-2 too.",
        {POSITIVE: 'if size <= 0 or size == 1 and name != "layer_norm_epsilon":'},
    ),
    Mistake(
        "refusing an n_inner of None",
        "None is n_inner's default: the width is then 4 * n_embd.",
        {
            "                continue\n": (
                '                raise ValueError("n_inner must not be None")\n'
            )
        },
    ),
    *map(unchecked, ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")),
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
        "checking neither n_inner nor layer_norm_epsilon",
        "n_inner must be positive where it is a number, and the epsilon always.",
        {'            "n_inner",\n            "layer_norm_epsilon",\n': ""},
    ),
    Mistake(
        "checking neither vocab_size nor n_positions",
        "Every size has to be positive: vocab_size and n_positions too.",
        {'            "vocab_size",\n            "n_positions",\n': ""},
    ),
    *(
        Mistake(
            f"checking only {names[0]}" + "".join(f" and {name}" for name in names[1:]),
            "Every size has to be positive, and the epsilon.",
            {ALL: "".join(f'"{name}", ' for name in names)},
        )
        for names in (["n_embd", "n_head"], ["n_head"])
    ),
    Mistake(
        "checking only n_embd, n_layer and n_head",
        "Every size has to be positive, and the epsilon.",
        {ALL: '"n_embd", "n_layer", "n_head"'},
    ),
    Mistake(
        "leaving __post_init__ where n_inner is None",
        "What comes after it is then never checked: go on with the next size.",
        {"                continue\n": "                return\n"},
    ),
    *(
        Mistake(
            f"asking whether n_inner {sign} even where it is None",
            "None means that n_inner was not given, and cannot be compared with a "
            "number.",
            {
                CHECKED: "            size = getattr(self, name)\n",
                POSITIVE: f"if {'not ' * (sign == '> 0')}size {sign}:",
            },
        )
        for sign in ("> 0", "<= 0")
    ),
    Mistake(
        "asking whether n_inner < 1 even where it is None",
        "None means that n_inner was not given, and cannot be compared with a number.",
        {
            CHECKED: "            size = getattr(self, name)\n",
            POSITIVE: 'if size <= 0 if name == "layer_norm_epsilon" else size < 1:',
        },
    ),
    Mistake(
        "raising nothing for a size that is not positive",
        "A wrong size is best refused here, before it becomes a strange error in a "
        "later step.",
        {POSITIVE: "if False:"},
    ),
    Mistake(
        "raising nothing at all",
        "Wrong sizes are best refused here, before they become a strange error in a "
        "later step: `raise` a ValueError.",
        {POSITIVE: "if False:", DIVIDES: "if False:"},
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
        "inner_dim % n_head",
        "The heads share n_embd, the stream's width; inner_dim is the MLP's.",
        {DIVIDES: "if self.inner_dim % self.n_head != 0:"},
    ),
    Mistake(
        "n_embd % n_layer",
        "The heads share the width, not the layers; both numbers are 12 by default.",
        {DIVIDES: "if self.n_embd % self.n_layer != 0:"},
    ),
    Mistake(
        "refusing what can be shared equally",
        "n_embd % n_head is 0 where the heads fit: refuse what is not 0.",
        {DIVIDES: "if self.n_embd % self.n_head == 0:"},
    ),
    Mistake(
        "n_embd // n_head instead of the rest",
        "// is how often the heads fit, hardly ever 0; % is what is left over.",
        {DIVIDES: "if self.n_embd // self.n_head != 0:"},
    ),
    Mistake(
        "refusing only more heads than numbers",
        "10 numbers can not be shared equally by 3 heads either: a rest must not be "
        "left.",
        {DIVIDES: "if self.n_embd < self.n_head:"},
    ),
    Mistake(
        "refusing an odd head_dim",
        "Only rotary embeddings, of later models, need an even one.",
        {DIVIDES: "if self.n_embd % self.n_head or self.n_embd // self.n_head % 2:"},
    ),
    Mistake(
        "dividing by n_head before it is known to be positive",
        "With 0 heads, Python complains of the division first: look at the sizes, then "
        "at the sharing.",
        {FIRST: f"        {DIVIDES}\n            raise ValueError({MULTIPLE}\n{FIRST}"},
    ),
    Mistake(
        "testing the sharing before the sizes, in a message about n_head alone",
        "An n_embd of -3 is then called n_head's mistake, and with 0 heads Python "
        "complains of the division: look at the sizes first.",
        {
            FIRST: f"        {DIVIDES}\n"
            f'            raise ValueError("n_head does not fit")\n{FIRST}'
        },
    ),
    Mistake(
        "testing the sharing before the sizes, in a message about neither",
        "An n_embd of -3 is then not named, and with 0 heads Python complains of the "
        "division: look at the sizes first.",
        {FIRST: f'        {DIVIDES}\n            raise ValueError("uneven")\n{FIRST}'},
    ),
    Mistake(
        "working head_dim out before n_head is known to be positive",
        "With 0 heads, Python complains of the division first: look at the sizes, then "
        "at the sharing.",
        {
            FIRST: "        if self.head_dim * self.n_head != self.n_embd:\n"
            f"            raise ValueError({MULTIPLE}\n{FIRST}"
        },
    ),
    *(
        Mistake(
            f"{error} for a size that is not positive",
            "Python's error for a wrong value is the ValueError, and it was asked for.",
            {REFUSED: REFUSED.replace("ValueError", error)},
        )
        for error in ("TypeError", "Exception", "RuntimeError")
    ),
    *(
        Mistake(
            f"{error} for heads that do not share n_embd equally",
            "Python's error for a wrong value is the ValueError, and it was asked for.",
            {"raise ValueError(\n": f"raise {error}(\n"},
        )
        for error in ("TypeError", "Exception", "RuntimeError")
    ),
    Mistake(
        "assert instead of raise ValueError",
        "Asserts are for what cannot happen; wrong arguments do, and Python drops "
        "asserts when it runs with -O.",
        {f"{POSITIVE}\n                {REFUSED}": "assert size > 0, name"},
    ),
    Mistake(
        "assert for the sharing instead of raise ValueError",
        "Asserts are for what cannot happen; wrong arguments do, and Python drops "
        "asserts when it runs with -O.",
        {
            f"{DIVIDES}\n            raise ValueError(\n                {MULTIPLE}": (
                "assert self.n_embd % self.n_head == 0"
            )
        },
    ),
    Mistake(
        "a message that does not say which size is wrong",
        "Whoever reads it has seven sizes to choose from: put the name in.",
        {'f"{name} must be positive, not {size}"': 'f"must be positive, not {size}"'},
    ),
    Mistake(
        "a message about the sharing that does not name n_head",
        "Whoever reads it looks for the field: say n_head, as the configuration does.",
        {MULTIPLE: '"embed_dim must be divisible by num_heads")'},
    ),
    misnamed("n_positions", "vocab_size"),
    misnamed("n_embd", "n_positions"),
    misnamed("n_layer", "n_embd"),
    misnamed("n_head", "n_layer"),
    misnamed("n_inner", "n_head"),
    misnamed("layer_norm_epsilon", "n_inner"),
]
