"""How step 04, the MLP, is got wrong."""

from course.mistakes import Mistake

CLASS = "class GPT2MLP(Module[[Tensor], Tensor]):"
FC = "self.c_fc = Linear(config.n_embd, config.inner_dim)"
PROJ = "self.c_proj = Linear(config.inner_dim, config.n_embd)"
GELU = 'F.gelu(self.c_fc(x), approximate="tanh")'
RETURN = "return self.c_proj(x)"
U = "0.7978845608 * (x + 0.044715 * x * x * x)"
TANH = f"F.tanh({U})"
NEXT = "\n        "


def written_out(gelu: str) -> dict[str, str]:
    """Another activation, as a formula of x."""
    return {"x = " + GELU: f"x = self.c_fc(x){NEXT}x = {gelu}"}


def formula(old: str, new: str) -> dict[str, str]:
    """A change to GELU written out."""
    gelu = f"0.5 * x * (1 + {TANH})"
    assert gelu.count(old) == 1
    return written_out(gelu.replace(old, new))


def layers(fc: str, proj: str, more: str = "") -> dict[str, str]:
    """Other layers, which `forward` goes through with a GELU between them."""
    return {
        FC: f"self.{fc} = Linear(config.n_embd, config.inner_dim)",
        PROJ: f"self.{proj} = Linear(config.inner_dim, config.n_embd){more}",
        GELU: GELU.replace("c_fc", fc),
        RETURN: f"return self.{proj}(x)",
    }


def extra(layer: str) -> dict[str, str]:
    """A third layer, whose result is a factor of the wide vector."""
    return {
        PROJ: f"{PROJ}{NEXT}self.gate = {layer}",
        GELU: f"{GELU} * self.gate(x)",
    }


def by_hand(fc: str, proj: str) -> dict[str, str]:
    """The products with the weights written out."""
    return {
        GELU: GELU.replace("self.c_fc(x)", fc),
        RETURN: f"return {proj}",
    }


FC_BY_HAND = "x @ self.c_fc.weight.T + self.c_fc.bias"
PROJ_BY_HAND = "x @ self.c_proj.weight.T + self.c_proj.bias"

TANH_FORM = "GPT-2 was trained with the tanh form of GELU."
BIASES = "Every linear layer of GPT-2 has a bias, and the checkpoint holds it."
BY_NAME = "The checkpoint calls them c_fc and c_proj, and they are loaded by name."
FORMULA = "gelu(x) = 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."
TWO_LAYERS = (
    "The MLP has two layers: a gate is Llama's, and the layer norm is the block's."
)
OVERFLOW = (
    "e^100 is more than float32 can hold, and inf / inf is nan. "
    "F.tanh and F.sigmoid take care of that."
)
ANY_RANK = "x is [..., n_embd]: there may be any number of axes in front of n_embd."
CALLED_TANH = 'MAX calls this form of GELU "tanh".'

MISTAKES = [
    Mistake(
        "the exact GELU, with erf",
        "GPT-2 was trained with the tanh form; the two differ in the fourth digit.",
        {GELU: "F.gelu(self.c_fc(x))"},
    ),
    Mistake(
        "the quick GELU, with a sigmoid",
        TANH_FORM,
        {GELU: 'F.gelu(self.c_fc(x), approximate="quick")'},
    ),
    Mistake(
        "a sigmoid of 1.7 x",
        TANH_FORM,
        written_out("x * F.sigmoid(1.7 * x)"),
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
        formula("0.044715", "0.44715"),
    ),
    Mistake(
        "sqrt(2) / pi instead of sqrt(2 / pi)",
        "The root is taken of the whole fraction.",
        formula("0.7978845608", "0.4501581581"),
    ),
    Mistake(
        "x squared instead of x cubed",
        "GELU's formula has x^3 in it.",
        formula("x * x * x", "x * x"),
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
        BIASES,
        {FC: FC[:-1] + ", bias=False)", PROJ: PROJ[:-1] + ", bias=False)"},
    ),
    Mistake(
        "c_proj without a bias",
        BIASES,
        {PROJ: PROJ[:-1] + ", bias=False)"},
    ),
    Mistake(
        "other names than c_fc and c_proj",
        BY_NAME,
        layers("fc1", "fc2"),
    ),
    Mistake(
        "another name than c_proj",
        BY_NAME,
        layers("c_fc", "proj"),
    ),
    Mistake(
        "another name than c_fc",
        BY_NAME,
        layers("fc", "c_proj"),
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
    Mistake(
        "0.044175 instead of 0.044715",
        FORMULA,
        formula("0.044715", "0.044175"),
    ),
    Mistake(
        "0.0044715 instead of 0.044715",
        FORMULA,
        formula("0.044715", "0.0044715"),
    ),
    Mistake(
        "0.04715 instead of 0.044715",
        FORMULA,
        formula("0.044715", "0.04715"),
    ),
    Mistake(
        "0.047715 instead of 0.044715",
        FORMULA,
        formula("0.044715", "0.047715"),
    ),
    Mistake(
        "sqrt(2 / pi) for x alone, not for the cubic term",
        "sqrt(2 / pi) stands in front of the brackets: it multiplies x and 0.044715 "
        "x^3.",
        formula(U, "0.7978845608 * x + 0.044715 * x * x * x"),
    ),
    Mistake(
        "leaving sqrt(2 / pi) out",
        FORMULA,
        formula("0.7978845608 * ", ""),
    ),
    Mistake(
        "2 / pi without its root",
        FORMULA,
        formula("0.7978845608", "0.6366197724"),
    ),
    Mistake(
        "sqrt(pi / 2) instead of sqrt(2 / pi)",
        FORMULA,
        formula("0.7978845608", "1.2533141373"),
    ),
    Mistake(
        "2 / sqrt(pi) instead of sqrt(2 / pi)",
        "The root is taken of the whole fraction.",
        formula("0.7978845608", "1.1283791671"),
    ),
    Mistake(
        "leaving 0.044715 x^3 out",
        FORMULA,
        formula(" + 0.044715 * x * x * x", ""),
    ),
    Mistake(
        "leaving the x in front of 0.044715 x^3 out",
        FORMULA,
        formula("x + 0.044715", "0.044715"),
    ),
    Mistake(
        "taking the cube of 0.044715 too",
        "Only x is cubed, and 0.044715 multiplies the cube.",
        formula("0.044715 *", "0.044715**3 *"),
    ),
    Mistake(
        "3 x instead of x^3",
        "GELU's formula has x to the power of 3 in it.",
        formula("0.044715 * x * x * x", "0.044715 * 3 * x"),
    ),
    Mistake(
        "subtracting 0.044715 x^3",
        FORMULA,
        formula("x + 0.044715", "x - 0.044715"),
    ),
    Mistake(
        "1 - tanh instead of 1 + tanh",
        FORMULA,
        formula("1 +", "1 -"),
    ),
    Mistake(
        "brackets that end before tanh: 0.5 x + tanh(...)",
        "gelu(x) = 0.5 x (1 + tanh(...)): 0.5 x multiplies both.",
        written_out(f"0.5 * x * 1 + {TANH}"),
    ),
    Mistake(
        "0.5 (x + tanh(...))",
        "gelu(x) = 0.5 x (1 + tanh(...)): x multiplies the tanh too.",
        written_out(f"0.5 * (x + {TANH})"),
    ),
    Mistake(
        "erf instead of tanh in the tanh form",
        "erf belongs to the exact GELU, 0.5 x (1 + erf(x / sqrt(2))).",
        formula("F.tanh", "F.erf"),
    ),
    Mistake(
        "tanh instead of erf in the exact GELU",
        "The tanh form has another inside: sqrt(2 / pi) (x + 0.044715 x^3).",
        formula(U, "x * 0.7071067812"),
    ),
    Mistake(
        "sigmoid(u) instead of sigmoid(2 u), or half of sqrt(2 / pi)",
        "0.5 (1 + tanh(u)) is sigmoid(2 u).",
        written_out(f"x * F.sigmoid({U})"),
    ),
    Mistake(
        "sigmoid alone",
        "GPT-2 bends with GELU, in its tanh form.",
        {GELU: "F.sigmoid(self.c_fc(x))"},
    ),
    Mistake(
        "ReLU squared",
        "GPT-2 bends with GELU, in its tanh form.",
        written_out("F.relu(x) * F.relu(x)"),
    ),
    Mistake(
        "leaky ReLU",
        "GPT-2 bends with GELU, in its tanh form.",
        written_out("F.max(x, 0.01 * x)"),
    ),
    Mistake(
        "ELU",
        "GPT-2 bends with GELU, in its tanh form.",
        written_out("F.relu(x) + F.min(F.exp(x) - 1, 0 * x)"),
    ),
    Mistake(
        "softplus",
        "GPT-2 bends with GELU, in its tanh form.",
        written_out("F.log(1 + F.exp(x))"),
    ),
    Mistake(
        "softmax",
        "GPT-2 bends with GELU, in its tanh form: each number by itself.",
        {GELU: "F.softmax(self.c_fc(x))"},
    ),
    Mistake(
        "GELU twice between the layers",
        "The wide vector is bent once.",
        written_out('F.gelu(F.gelu(x, approximate="tanh"), approximate="tanh")'),
    ),
    Mistake(
        "a GELU before c_fc too",
        "What comes in is widened as it is.",
        {GELU: GELU.replace("c_fc(x)", 'c_fc(F.gelu(x, approximate="tanh"))')},
    ),
    Mistake(
        "multiplying GELU by x once more",
        "GELU has its factor x already.",
        written_out('x * F.gelu(x, approximate="tanh")'),
    ),
    Mistake(
        "cutting large numbers off at 10",
        "GELU leaves large positive numbers as they are, and F.tanh and F.gelu bear "
        "them.",
        written_out('F.gelu(F.min(F.max(x, -10.0), 10.0), approximate="tanh")'),
    ),
    Mistake(
        "an exp that overflows for large positive numbers",
        OVERFLOW,
        written_out(f"x * F.exp(2 * {U}) / (F.exp(2 * {U}) + 1)"),
    ),
    Mistake(
        "an exp that overflows for large negative numbers",
        OVERFLOW,
        formula(TANH, f"(1 - F.exp(-2 * {U})) / (1 + F.exp(-2 * {U}))"),
    ),
    Mistake(
        "a tanh by hand, whose exp overflows for large numbers",
        OVERFLOW,
        formula(TANH, f"(F.exp({U}) - F.exp(-{U})) / (F.exp({U}) + F.exp(-{U}))"),
    ),
    Mistake(
        'approximate="gelu_new"',
        CALLED_TANH,
        {GELU: GELU.replace('"tanh"', '"gelu_new"')},
    ),
    Mistake(
        'approximate="gelu_pytorch_tanh"',
        CALLED_TANH,
        {GELU: GELU.replace('"tanh"', '"gelu_pytorch_tanh"')},
    ),
    Mistake(
        "approximate=True, as in JAX",
        CALLED_TANH,
        {GELU: GELU.replace('"tanh"', "True")},
    ),
    Mistake(
        "c_fc without a bias",
        BIASES,
        {FC: FC[:-1] + ", bias=False)"},
    ),
    Mistake(
        "three layers with a gate, under names of their own",
        "That is Llama's MLP. GPT-2's has two layers, c_fc and c_proj.",
        {
            FC: "self.up = Linear(config.n_embd, config.inner_dim, bias=False)",
            PROJ: "self.gate = Linear(config.n_embd, config.inner_dim, bias=False)"
            + NEXT
            + "self.down = Linear(config.inner_dim, config.n_embd, bias=False)",
            GELU: "F.silu(self.gate(x)) * self.up(x)",
            RETURN: "return self.down(x)",
        },
    ),
    Mistake(
        "a third layer",
        TWO_LAYERS,
        extra("Linear(config.n_embd, config.inner_dim)"),
    ),
    Mistake(
        "a third layer, without a bias",
        TWO_LAYERS,
        extra("Linear(config.n_embd, config.inner_dim, bias=False)"),
    ),
    Mistake(
        "weights of [in, out], as in Hugging Face's Conv1D",
        "A linear layer of MAX keeps its weight as [out, in], and loading turns the "
        "checkpoint's around.",
        {
            CLASS: """class Conv1D(Module[[Tensor], Tensor]):
    def __init__(self, columns, rows):
        self.weight = Tensor.zeros([rows, columns])
        self.bias = Tensor.zeros([columns])

    def forward(self, x):
        return x @ self.weight + self.bias


"""
            + CLASS,
            FC: "self.c_fc = Conv1D(config.inner_dim, config.n_embd)",
            PROJ: "self.c_proj = Conv1D(config.n_embd, config.inner_dim)",
        },
    ),
    Mistake(
        "widening to 4 * inner_dim",
        "inner_dim is the hidden width itself: 4 * n_embd by default.",
        {
            FC: FC.replace("config.inner_dim", "4 * config.inner_dim"),
            PROJ: PROJ.replace("config.inner_dim", "4 * config.inner_dim"),
        },
    ),
    Mistake(
        "n_inner instead of inner_dim",
        "n_inner may be None; config.inner_dim says how wide the hidden layer then is.",
        {
            FC: FC.replace("inner_dim", "n_inner"),
            PROJ: PROJ.replace("inner_dim", "n_inner"),
        },
    ),
    Mistake(
        "the sizes of GPT-2 small, written as numbers",
        "The sizes are the configuration's: config.n_embd and config.inner_dim.",
        {
            FC: "self.c_fc = Linear(768, 3072)",
            PROJ: "self.c_proj = Linear(3072, 768)",
        },
    ),
    Mistake(
        "c_proj that stays wide",
        "c_proj brings the inner_dim numbers back to n_embd.",
        {PROJ: PROJ.replace("config.n_embd", "config.inner_dim")},
    ),
    Mistake(
        "returning what c_fc gives",
        "After c_fc come GELU, and c_proj, which brings the vector back to n_embd "
        "numbers.",
        {GELU: "x", RETURN: "return self.c_fc(x)"},
    ),
    Mistake(
        "a weight the wrong way round",
        "c_fc comes first, then c_proj; and a weight is [out, in], so that the product "
        "is x @ weight.T.",
        by_hand(FC_BY_HAND.replace(".T", ""), PROJ_BY_HAND),
    ),
    Mistake(
        "forgetting both biases",
        "A linear layer is x @ weight.T + bias.",
        by_hand("x @ self.c_fc.weight.T", "x @ self.c_proj.weight.T"),
    ),
    Mistake(
        "forgetting c_fc's bias",
        "A linear layer is x @ weight.T + bias.",
        by_hand("x @ self.c_fc.weight.T", PROJ_BY_HAND),
    ),
    Mistake(
        "forgetting c_proj's bias",
        "A linear layer is x @ weight.T + bias.",
        by_hand(FC_BY_HAND, "x @ self.c_proj.weight.T"),
    ),
    Mistake(
        "taking x's shape apart as batch, seq and width",
        ANY_RANK,
        {"x = " + GELU: f"batch, seq, width = x.shape{NEXT}x = {GELU}"},
    ),
    Mistake(
        "taking x's shape apart as rows and width",
        ANY_RANK,
        {"x = " + GELU: f"rows, width = x.shape{NEXT}x = {GELU}"},
    ),
    Mistake(
        "a result that is one list of tokens",
        "The axes in front of n_embd come back as they were.",
        {"x = " + GELU: f"x = x.reshape([-1, x.shape[-1]]){NEXT}x = {GELU}"},
    ),
    Mistake(
        "only the last token",
        "Every token is transformed.",
        {RETURN: "return self.c_proj(x[..., -1, :] if x.rank > 1 else x)"},
    ),
    Mistake(
        "adding what c_fc gives to GELU's result",
        "There is no residual connection inside of the MLP.",
        {
            "x = "
            + GELU: f"x = self.c_fc(x){NEXT}x = x + {GELU.replace('self.c_fc(x)', 'x')}"
        },
    ),
    Mistake(
        "refusing an x that is not [batch, seq, n_embd]",
        ANY_RANK,
        {
            "x = " + GELU: f"if x.rank != 3:{NEXT}    raise ValueError(x.rank){NEXT}"
            f"x = {GELU}"
        },
    ),
    Mistake(
        "refusing a single vector",
        ANY_RANK,
        {
            "x = " + GELU: f"if x.rank < 2:{NEXT}    raise ValueError(x.rank){NEXT}"
            f"x = {GELU}"
        },
    ),
    Mistake(
        "leaving a batch of 1 out",
        "The axes in front of n_embd come back as they were.",
        {
            RETURN: f"x = self.c_proj(x){NEXT}"
            "return x[0] if x.rank == 3 and x.shape[0] == 1 else x"
        },
    ),
    Mistake(
        "4 * n_embd in c_fc alone, instead of inner_dim",
        "The hidden width is config.inner_dim, for both layers.",
        {FC: FC.replace("config.inner_dim", "4 * config.n_embd")},
    ),
    Mistake(
        "4 * n_embd in c_proj alone, instead of inner_dim",
        "The hidden width is config.inner_dim, for both layers.",
        {PROJ: PROJ.replace("config.inner_dim", "4 * config.n_embd")},
    ),
    Mistake(
        "n_embd where n_inner is None",
        "Then the hidden width is 4 * n_embd: config.inner_dim knows.",
        {
            FC: FC.replace("inner_dim", "n_inner or config.n_embd"),
            PROJ: PROJ.replace("inner_dim", "n_inner or config.n_embd"),
        },
    ),
    Mistake(
        "a third layer in between",
        "The MLP has two layers: c_fc and c_proj.",
        {
            PROJ: f"{PROJ}{NEXT}self.more = Linear(config.inner_dim, config.inner_dim)",
            GELU: GELU.replace("self.c_fc(x)", f"self.more({GELU})"),
        },
    ),
    Mistake(
        "the bias of c_fc twice",
        "Linear has added its bias already.",
        {GELU: GELU.replace("self.c_fc(x)", "self.c_fc(x) + self.c_fc.bias")},
    ),
    Mistake(
        "the bias of c_proj twice",
        "Linear has added its bias already.",
        {RETURN: RETURN + " + self.c_proj.bias"},
    ),
    Mistake(
        "the bias of c_fc after GELU",
        "The bias belongs to the linear layer: GELU comes after it.",
        {
            GELU: GELU.replace("self.c_fc(x)", "x @ self.c_fc.weight.T")
            + " + self.c_fc.bias"
        },
    ),
]
