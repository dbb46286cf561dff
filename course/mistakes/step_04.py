"""How step 04, the MLP, is got wrong."""

from course.mistakes import Mistake

FC = "self.c_fc = Linear(config.n_embd, config.inner_dim)"
PROJ = "self.c_proj = Linear(config.inner_dim, config.n_embd)"
GELU = 'F.gelu(self.c_fc(x), approximate="tanh")'
RETURN = "return self.c_proj(x)"
TANH = "F.tanh(0.7978845608 * (x + 0.044715 * x * x * x))"


def written_out(gelu: str) -> dict[str, str]:
    """Another activation, as a formula of x."""
    return {"x = " + GELU: f"x = self.c_fc(x)\n        x = {gelu}"}


MISTAKES = [
    Mistake(
        "the exact GELU, with erf",
        "GPT-2 was trained with the tanh form; the two differ in the fourth digit.",
        {GELU: "F.gelu(self.c_fc(x))"},
    ),
    Mistake(
        "the quick GELU, with a sigmoid",
        "GPT-2 was trained with the tanh form.",
        {GELU: 'F.gelu(self.c_fc(x), approximate="quick")'},
    ),
    Mistake(
        "ReLU",
        "GPT-2 bends with GELU, which lets small negative numbers through.",
        {GELU: "F.relu(self.c_fc(x))"},
    ),
    Mistake(
        "SiLU",
        "GPT-2 bends with GELU, in its tanh form.",
        {GELU: "F.silu(self.c_fc(x))"},
    ),
    Mistake(
        "tanh alone",
        "tanh is only a part of GELU's formula.",
        {GELU: "F.tanh(self.c_fc(x))"},
    ),
    Mistake(
        "leaving the activation out",
        "Two linear layers in a row are only one linear layer: GELU comes between.",
        {GELU: "self.c_fc(x)"},
    ),
    Mistake(
        "GELU after c_proj instead of before",
        "The wide vector is bent, then brought back to the stream's width.",
        {
            GELU: "self.c_fc(x)",
            RETURN: 'return F.gelu(self.c_proj(x), approximate="tanh")',
        },
    ),
    Mistake(
        "a second GELU after c_proj",
        "What is added to the stream is not bent once more.",
        {RETURN: 'return F.gelu(self.c_proj(x), approximate="tanh")'},
    ),
    Mistake(
        "GELU before c_fc",
        "The vector is widened first, then bent.",
        {GELU: 'self.c_fc(F.gelu(x, approximate="tanh"))'},
    ),
    Mistake(
        "0.44715 instead of 0.044715",
        "A zero is missing in GELU's formula.",
        written_out("0.5 * x * (1 + " + TANH.replace("0.044715", "0.44715") + ")"),
    ),
    Mistake(
        "sqrt(2) / pi instead of sqrt(2 / pi)",
        "The root is taken of the whole fraction.",
        written_out(
            "0.5 * x * (1 + " + TANH.replace("0.7978845608", "0.4501581581") + ")"
        ),
    ),
    Mistake(
        "x squared instead of x cubed",
        "GELU's formula has x^3 in it.",
        written_out("0.5 * x * (1 + " + TANH.replace("x * x * x", "x * x") + ")"),
    ),
    Mistake(
        "forgetting 1 + in front of tanh",
        "gelu(x) = 0.5 x (1 + tanh(...)).",
        written_out(f"0.5 * x * {TANH}"),
    ),
    Mistake(
        "forgetting the factor 0.5",
        "gelu(x) = 0.5 x (1 + tanh(...)): for large x that has to be x, not 2 x.",
        written_out(f"x * (1 + {TANH})"),
    ),
    Mistake(
        "forgetting the factor x",
        "gelu(x) = 0.5 x (1 + tanh(...)).",
        written_out(f"0.5 * (1 + {TANH})"),
    ),
    Mistake(
        "ignoring n_inner",
        "The hidden width is config.inner_dim, which is 4 * n_embd only by default.",
        {
            FC: FC.replace("config.inner_dim", "4 * config.n_embd"),
            PROJ: PROJ.replace("config.inner_dim", "4 * config.n_embd"),
        },
    ),
    Mistake(
        "not widening",
        "c_fc leads to inner_dim numbers, four times as many by default.",
        {
            FC: FC.replace("config.inner_dim", "config.n_embd"),
            PROJ: PROJ.replace("config.inner_dim", "config.n_embd"),
        },
    ),
    Mistake(
        "the sizes of c_fc exchanged",
        "Linear takes the width that comes in, then the width that goes out.",
        {FC: "self.c_fc = Linear(config.inner_dim, config.n_embd)"},
    ),
    Mistake(
        "the sizes of c_fc and c_proj exchanged",
        "Linear takes the width that comes in, then the width that goes out.",
        {
            FC: "self.c_fc = Linear(config.inner_dim, config.n_embd)",
            PROJ: "self.c_proj = Linear(config.n_embd, config.inner_dim)",
        },
    ),
    Mistake(
        "two layers without a bias",
        "Every linear layer of GPT-2 has a bias, and the checkpoint holds it.",
        {FC: FC[:-1] + ", bias=False)", PROJ: PROJ[:-1] + ", bias=False)"},
    ),
    Mistake(
        "c_proj without a bias",
        "Every linear layer of GPT-2 has a bias, and the checkpoint holds it.",
        {PROJ: PROJ[:-1] + ", bias=False)"},
    ),
    Mistake(
        "the names fc1 and fc2",
        "The checkpoint calls them c_fc and c_proj, and they are loaded by name.",
        {
            FC: FC.replace("c_fc", "fc1"),
            PROJ: PROJ.replace("c_proj", "fc2"),
            GELU: GELU.replace("c_fc", "fc1"),
            RETURN: "return self.fc2(x)",
        },
    ),
    Mistake(
        "adding x to the result",
        "The residual connection is step 08's; the MLP only gives what it found.",
        {
            GELU: GELU,
            "x = " + GELU: "hidden = " + GELU,
            RETURN: "return x + self.c_proj(hidden)",
        },
    ),
    Mistake(
        "returning the wide vector",
        "c_proj brings it back to n_embd numbers.",
        {RETURN: "return x"},
    ),
]
