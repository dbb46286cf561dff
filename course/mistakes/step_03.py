"""How step 03, layer normalization, is got wrong."""

from course.mistakes import Mistake

NORM = "return F.layer_norm(x, self.weight, self.bias, self.eps)"
BY_HAND = """mean = F.mean(x, axis=-1)
        centered = x - mean
        variance = F.mean(centered * centered, axis=-1)
        normed = centered * F.rsqrt(variance + self.eps)
        return normed * self.weight + self.bias"""

IMPORT = {
    "from max.experimental import functional": "from max.dtype import DType\n"
    "from max.experimental import functional"
}


def by_hand(old: str, new: str) -> dict[str, str]:
    """A change to layer normalization written out."""
    assert BY_HAND.count(old) == 1
    return {NORM: BY_HAND.replace(old, new)}


def renamed(what: str, weight: str, bias: str) -> Mistake:
    """Parameters that no checkpoint of GPT-2 has."""
    return Mistake(
        what,
        "The checkpoint calls them weight and bias, and they are loaded by name.",
        {
            "self.weight = Tensor": f"self.{weight} = Tensor",
            "self.bias = Tensor": f"self.{bias} = Tensor",
            NORM: f"return F.layer_norm(x, self.{weight}, self.{bias}, self.eps)",
        },
    )


def shaped(shape: str, what: str) -> Mistake:
    """Parameters of another shape."""
    return Mistake(
        what,
        "Each of the dim numbers has a weight and a bias of its own: [dim] each.",
        {
            "Tensor.ones([dim])": f"Tensor.ones({shape})",
            "Tensor.zeros([dim])": f"Tensor.zeros({shape})",
            NORM: BY_HAND,
        },
    )


def fixed_axis(axis: int) -> Mistake:
    """Right for one rank only."""
    return Mistake(
        f"normalizing along axis {axis}, whatever the rank",
        "Each token is normalized by itself, along the last axis: that is -1.",
        {NORM: BY_HAND.replace("axis=-1", f"axis={axis}")},
    )


def fixed_eps(eps: str, whose: str) -> Mistake:
    """An eps that is not the given one."""
    return Mistake(
        f"a fixed eps of {eps}",
        f"{whose}The eps that was given has to be used: checkpoints differ in it.",
        {"self.eps = eps": f"self.eps = {eps}"},
    )


MISTAKES = [
    Mistake(
        "dividing the variance by dim - 1",
        "Layer norm divides by dim: it measures this vector, it does not estimate "
        "something from a sample.",
        by_hand(
            "F.mean(centered * centered, axis=-1)",
            "F.sum(centered * centered, axis=-1) / (int(x.shape[-1]) - 1)",
        ),
    ),
    Mistake(
        "adding eps outside the root",
        "eps is added to the variance, and then the root is taken.",
        by_hand(
            "centered * F.rsqrt(variance + self.eps)",
            "centered / (F.sqrt(variance) + self.eps)",
        ),
    ),
    Mistake(
        "leaving eps out",
        "eps keeps a vector of almost equal numbers from being blown up.",
        by_hand("variance + self.eps", "variance"),
    ),
    fixed_eps("1e-5", ""),
    fixed_eps("1e-6", ""),
    fixed_eps("1e-8", ""),
    fixed_eps("1e-12", "That is BERT's. "),
    Mistake(
        "squaring eps",
        "eps is added to the variance as it is.",
        by_hand("variance + self.eps", "variance + self.eps * self.eps"),
    ),
    Mistake(
        "dividing by the variance",
        "Dividing by its square root is what brings the variance to 1.",
        by_hand(
            "centered * F.rsqrt(variance + self.eps)",
            "centered / (variance + self.eps)",
        ),
    ),
    Mistake(
        "not subtracting the mean",
        "That is another norm, RMSNorm. GPT-2's layer norm first centers the vector.",
        by_hand("centered = x - mean", "centered = x"),
    ),
    Mistake(
        "dividing without having subtracted the mean",
        "The numerator is x - mean, not x.",
        by_hand("normed = centered *", "normed = x *"),
    ),
    Mistake(
        "subtracting the mean but not dividing",
        "Centred numbers still have to be divided by the root of their variance.",
        by_hand("centered * F.rsqrt(variance + self.eps)", "centered"),
    ),
    Mistake(
        "leaving the bias out",
        "After the normalization come weight, which stretches, and bias, which shifts.",
        by_hand("normed * self.weight + self.bias", "normed * self.weight"),
    ),
    Mistake(
        "leaving the weight out",
        "After the normalization come weight, which stretches, and bias, which shifts.",
        by_hand("normed * self.weight + self.bias", "normed + self.bias"),
    ),
    Mistake(
        "leaving weight and bias out",
        "After the normalization come weight, which stretches, and bias, which shifts.",
        by_hand("normed * self.weight + self.bias", "normed"),
    ),
    Mistake(
        "weight and bias exchanged",
        "weight is multiplied, bias is added.",
        by_hand("normed * self.weight + self.bias", "normed * self.bias + self.weight"),
    ),
    Mistake(
        "adding the bias before the weight is multiplied",
        "First stretch, then shift: otherwise weight stretches the bias too.",
        by_hand(
            "normed * self.weight + self.bias", "(normed + self.bias) * self.weight"
        ),
    ),
    Mistake(
        "multiplying by 1 + weight",
        "In GPT-2's checkpoint, weight is the whole factor.",
        by_hand("normed * self.weight", "normed * (1 + self.weight)"),
    ),
    Mistake(
        "stretching and shifting before normalizing",
        "Normalizing comes first, otherwise it undoes most of weight and bias.",
        {
            NORM: BY_HAND.replace(
                "mean = ", "x = x * self.weight + self.bias\n        mean = "
            ).replace("normed * self.weight + self.bias", "normed")
        },
    ),
    Mistake(
        "normalizing across the tokens",
        "Each token is normalized by itself, along the last axis.",
        {NORM: BY_HAND.replace("axis=-1", "axis=-2")},
    ),
    Mistake(
        "normalizing along the first axis",
        "Each token is normalized by itself, along the last axis.",
        {NORM: BY_HAND.replace("axis=-1", "axis=0")},
    ),
    Mistake(
        "one mean and one variance for the whole tensor",
        "Each token is normalized by itself, along the last axis.",
        {
            NORM: BY_HAND.replace(
                "mean = F.mean(x, axis=-1)", "mean = F.mean(x.reshape([-1]), axis=-1)"
            ).replace(
                "F.mean(centered * centered, axis=-1)",
                "F.mean((centered * centered).reshape([-1]), axis=-1)",
            )
        },
    ),
    Mistake(
        "a weight that starts at 0",
        "A new layer norm must not change the normalized vector: its weight is 1.",
        {"self.weight = Tensor.ones([dim])": "self.weight = Tensor.zeros([dim])"},
    ),
    Mistake(
        "a bias that starts at 1",
        "A new layer norm must not change the normalized vector: its bias is 0.",
        {"self.bias = Tensor.zeros([dim])": "self.bias = Tensor.ones([dim])"},
    ),
    shaped("[1]", "a single weight and a single bias"),
    shaped("[]", "a weight and a bias that are numbers, without an axis"),
    shaped("[dim, dim]", "a weight and a bias that are matrices"),
    shaped("[1, dim]", "a weight and a bias of shape [1, dim]"),
    shaped("[dim, 1]", "a weight and a bias of shape [dim, 1]"),
    shaped("[1, 1, dim]", "a weight and a bias of shape [1, 1, dim]"),
    Mistake(
        "a bias of shape [1]",
        "Each of the dim numbers has a bias of its own: [dim].",
        {"Tensor.zeros([dim])": "Tensor.zeros([1])", NORM: BY_HAND},
    ),
    Mistake(
        "a weight that is a matrix",
        "Each of the dim numbers has a weight of its own, and is not mixed with the "
        "others: [dim].",
        {"Tensor.ones([dim])": "Tensor.ones([dim, dim])", NORM: BY_HAND},
    ),
    Mistake(
        "having no bias parameter",
        "The checkpoint holds a bias for every layer norm of GPT-2.",
        {
            "\n        self.bias = Tensor.zeros([dim])": "",
            NORM: BY_HAND.replace(" + self.bias", ""),
        },
    ),
    Mistake(
        "a weight that starts at 0 and a bias that starts at 1",
        "A new layer norm must not change the normalized vector: the weight is 1, the "
        "bias 0.",
        {
            "self.weight = Tensor.ones([dim])": "self.weight = Tensor.zeros([dim])",
            "self.bias = Tensor.zeros([dim])": "self.bias = Tensor.ones([dim])",
        },
    ),
    Mistake(
        "a weight that starts at 0, and multiplying by 1 + weight",
        "That is Gemma's. In GPT-2's checkpoint, weight is the whole factor, and it "
        "starts at 1.",
        by_hand("normed * self.weight", "normed * (1 + self.weight)")
        | {"self.weight = Tensor.ones([dim])": "self.weight = Tensor.zeros([dim])"},
    ),
    Mistake(
        "having no weight parameter",
        "The checkpoint holds a weight for every layer norm of GPT-2.",
        {
            "        self.weight = Tensor.ones([dim])\n": "",
            NORM: BY_HAND.replace(" * self.weight", ""),
        },
    ),
    Mistake(
        "making no parameters",
        "The checkpoint holds a weight and a bias for every layer norm of GPT-2. MAX "
        "knows them as parameters if they are Tensors, each an attribute of its own.",
        {
            "        self.weight = Tensor.ones([dim])\n": "",
            "        self.bias = Tensor.zeros([dim])\n": "",
            NORM: BY_HAND.replace(" * self.weight + self.bias", ""),
        },
    ),
    Mistake(
        "keeping eps as a Tensor",
        "A Tensor that is an attribute is a parameter, and the checkpoint has no such: "
        "keep the number itself.",
        {"self.eps = eps": "self.eps = Tensor(eps)", NORM: BY_HAND},
    ),
    Mistake(
        "keeping eps as a Tensor of shape [1]",
        "A Tensor that is an attribute is a parameter, and the checkpoint has no such: "
        "keep the number itself.",
        {"self.eps = eps": "self.eps = Tensor.full([1], eps)", NORM: BY_HAND},
    ),
    Mistake(
        "not keeping eps",
        "forward needs it later: self.eps = eps.",
        {"        self.eps = eps\n": ""},
    ),
    Mistake(
        "not returning the result",
        "A function gives what its `return` says, None where there is none.",
        {NORM: NORM.removeprefix("return ")},
    ),
    renamed("other names than weight and bias", "gamma", "beta"),
    renamed("another name than weight", "gamma", "bias"),
    renamed("another name than bias", "weight", "beta"),
    Mistake(
        "a LayerNorm of MAX in an attribute, norm",
        "Its parameters are then norm.weight and norm.bias; the checkpoint's are "
        "weight and bias.",
        {
            "self.weight = Tensor.ones([dim])": "from max.experimental import nn\n\n"
            "        self.norm = nn.LayerNorm(dim, eps=eps)",
            "        self.bias = Tensor.zeros([dim])\n": "",
            NORM: "return self.norm(x)",
        },
    ),
    fixed_axis(1),
    fixed_axis(2),
    Mistake(
        "one mean and one variance for all tokens of a text",
        "Each token is normalized by itself, along the last axis.",
        {
            NORM: BY_HAND.replace(
                "mean = F.mean(x, axis=-1)",
                "axis = max(-2, -x.rank)\n"
                "        mean = F.mean(F.mean(x, axis=-1), axis=axis)",
            ).replace(
                "F.mean(centered * centered, axis=-1)",
                "F.mean(F.mean(centered * centered, axis=-1), axis=axis)",
            )
        },
    ),
    Mistake(
        "the variance as the mean of the squares less the square of the mean",
        "Where the mean is large, both are large and almost equal, and float32 keeps "
        "no digit of their difference: subtract the mean first, then square.",
        by_hand("F.mean(centered * centered, axis=-1)", "F.mean(x * x) - mean * mean"),
    ),
    Mistake(
        "the variance as the mean of the squares less the mean",
        "It is the square of the mean that is subtracted. And better, the mean is "
        "subtracted first: float32 keeps more digits then.",
        by_hand("F.mean(centered * centered, axis=-1)", "F.mean(x * x) - mean"),
    ),
    Mistake(
        "dividing by the root of the mean square",
        "The variance is the mean of (x - mean) squared: the mean is subtracted there "
        "too.",
        by_hand("F.mean(centered * centered, axis=-1)", "F.mean(x * x, axis=-1)"),
    ),
    Mistake(
        "the sum of the squares instead of their mean",
        "The variance is the mean of the squares: their sum divided by dim.",
        by_hand(
            "F.mean(centered * centered, axis=-1)",
            "F.sum(centered * centered, axis=-1)",
        ),
    ),
    Mistake(
        "subtracting the sum instead of the mean",
        "The mean is the sum divided by dim.",
        by_hand("F.mean(x, axis=-1)", "F.sum(x, axis=-1)"),
    ),
    Mistake(
        "dividing by the vector's length",
        "That brings the sum of the squares to 1; layer norm brings the mean to 0 and "
        "the variance to 1.",
        {
            NORM: BY_HAND.replace("centered = x - mean", "centered = x").replace(
                "F.mean(centered * centered, axis=-1)",
                "F.sum(centered * centered, axis=-1)",
            )
        },
    ),
    Mistake(
        "the mean distance from the mean instead of the root of the variance",
        "The variance is the mean of the squares; it is their root that divides.",
        by_hand(
            "centered * F.rsqrt(variance + self.eps)",
            "centered / (F.mean(F.abs(centered), axis=-1) + self.eps)",
        ),
    ),
    Mistake(
        "dividing by the largest distance from the mean",
        "It is the root of the variance that divides.",
        by_hand(
            "centered * F.rsqrt(variance + self.eps)",
            "centered / (F.max(F.abs(centered), axis=-1) + self.eps)",
        ),
    ),
    Mistake(
        "multiplying by the root instead of dividing",
        "Dividing by the root of the variance is what brings it to 1.",
        by_hand(
            "centered * F.rsqrt(variance + self.eps)",
            "centered * F.sqrt(variance + self.eps)",
        ),
    ),
    Mistake(
        "multiplying by the variance instead of dividing by its root",
        "Dividing by the root of the variance is what brings it to 1.",
        by_hand(
            "centered * F.rsqrt(variance + self.eps)",
            "centered * (variance + self.eps)",
        ),
    ),
    Mistake(
        "adding the mean",
        "It is subtracted, so that the mean becomes 0.",
        by_hand("centered = x - mean", "centered = x + mean"),
    ),
    Mistake(
        "mean - x, the wrong way round",
        "The mean is subtracted from x: otherwise every sign is turned.",
        by_hand("centered = x - mean", "centered = mean - x"),
    ),
    Mistake(
        "dividing only the mean, for want of parentheses",
        "(x - mean) / root: x and mean are subtracted first.",
        by_hand(
            "centered * F.rsqrt(variance + self.eps)",
            "x - mean * F.rsqrt(variance + self.eps)",
        ),
    ),
    Mistake(
        "adding eps after the division, for want of parentheses",
        "eps belongs to the variance, inside the root.",
        by_hand(
            "centered * F.rsqrt(variance + self.eps)",
            "centered * F.rsqrt(variance) + self.eps",
        ),
    ),
    Mistake(
        "adding eps to the root's reciprocal",
        "eps belongs to the variance, inside the root.",
        by_hand("F.rsqrt(variance + self.eps)", "(F.rsqrt(variance) + self.eps)"),
    ),
    Mistake(
        "subtracting eps",
        "eps is added: it keeps the variance away from 0.",
        by_hand("variance + self.eps", "variance - self.eps"),
    ),
    Mistake(
        "multiplying the variance by eps",
        "eps is added to the variance.",
        by_hand("variance + self.eps", "variance * self.eps"),
    ),
    Mistake(
        "the larger of variance and eps",
        "eps is added to the variance, whichever is larger.",
        by_hand("variance + self.eps", "F.max(variance, self.eps)"),
    ),
    Mistake(
        "the root of eps",
        "eps is added to the variance as it is.",
        by_hand("variance + self.eps", "variance + self.eps**0.5"),
    ),
    Mistake(
        "adding eps inside the root and outside of it",
        "eps is added once, to the variance.",
        by_hand(
            "centered * F.rsqrt(variance + self.eps)",
            "centered / (F.sqrt(variance + self.eps) + self.eps)",
        ),
    ),
    Mistake(
        "adding eps to x too",
        "eps is added to the variance only.",
        by_hand("normed = centered *", "normed = (centered + self.eps) *"),
    ),
    Mistake(
        "subtracting the bias",
        "After the normalization come weight, which stretches, and bias, which shifts: "
        "it is added.",
        by_hand("* self.weight + self.bias", "* self.weight - self.bias"),
    ),
    Mistake(
        "dividing by the weight",
        "After the normalization come weight, which stretches, and bias, which shifts.",
        by_hand("normed * self.weight", "normed / self.weight"),
    ),
    Mistake(
        "adding weight and bias, multiplying by neither",
        "weight is multiplied, bias is added.",
        by_hand("normed * self.weight", "normed + self.weight"),
    ),
    Mistake(
        "multiplying by weight and by bias",
        "weight is multiplied, bias is added.",
        by_hand("* self.weight + self.bias", "* self.weight * self.bias"),
    ),
    Mistake(
        "adding x to the result",
        "That sum is the block's business, in step 09.",
        by_hand("return normed", "return x + normed"),
    ),
    Mistake(
        "unsqueeze after the means",
        "MAX keeps the axis that a mean was taken along, with length 1: the result "
        "fits x as it is.",
        {
            NORM: BY_HAND.replace(
                "F.mean(x, axis=-1)", "F.mean(x).unsqueeze(-1)"
            ).replace(
                "F.mean(centered * centered, axis=-1)",
                "F.mean(centered * centered).unsqueeze(-1)",
            )
        },
    ),
    Mistake(
        "unsqueeze after the mean of x",
        "MAX keeps the axis that a mean was taken along, with length 1: the result "
        "fits x as it is.",
        by_hand("F.mean(x, axis=-1)", "F.mean(x).unsqueeze(-1)"),
    ),
    Mistake(
        "unsqueeze after the variance",
        "MAX keeps the axis that a mean was taken along, with length 1: the result "
        "fits x as it is.",
        by_hand(
            "F.mean(centered * centered, axis=-1)\n"
            "        normed = centered * F.rsqrt(variance + self.eps)",
            "F.mean(centered * centered).unsqueeze(-1)\n"
            "        normed = centered / F.sqrt(variance + self.eps)",
        ),
    ),
    Mistake(
        "unsqueeze after the variance, before rsqrt",
        "MAX keeps the axis that a mean was taken along, with length 1: the result "
        "fits x as it is.",
        by_hand(
            "F.mean(centered * centered, axis=-1)",
            "F.mean(centered * centered).unsqueeze(-1)",
        ),
    ),
    Mistake(
        "squeeze after the means",
        "An axis of length 1 is needed there: it is what broadcasts along the vector.",
        {
            NORM: BY_HAND.replace(
                "F.mean(x, axis=-1)", "F.mean(x).squeeze(-1)"
            ).replace(
                "F.mean(centered * centered, axis=-1)",
                "F.mean(centered * centered).squeeze(-1)",
            )
        },
    ),
    Mistake(
        "F.layer_norm without its epsilon",
        "MAX calls that argument epsilon; eps= is PyTorch's.",
        {NORM: "return F.layer_norm(x, self.weight, self.bias, eps=self.eps)"},
    ),
    Mistake(
        "PyTorch's arguments for F.layer_norm",
        "MAX takes x, weight, bias and epsilon: the length of the last axis it knows.",
        {
            NORM: "shape = (self.weight.shape[0],)\n"
            "        return F.layer_norm(x, shape, self.weight, self.bias, self.eps)"
        },
    ),
    Mistake(
        "dim instead of [dim] as a shape",
        "A shape is a list of lengths, even if there is only one.",
        {
            "Tensor.ones([dim])": "Tensor.ones(dim)",
            "Tensor.zeros([dim])": "Tensor.zeros(dim)",
        },
    ),
    Mistake(
        "flattening x and leaving it so",
        "The result has x's shape, with however many axes.",
        {NORM: f"x = x.reshape([-1, self.weight.shape[0]])\n        {NORM}"},
    ),
    Mistake(
        "taking x for [batch, seq, dim]",
        "x may have any number of axes before the last.",
        {NORM: f"batch, seq, dim = x.shape\n        {NORM}"},
    ),
    Mistake(
        "taking the numbers out of MAX in forward",
        "A model is compiled before there are numbers: compute with F and Tensors, not "
        "with NumPy.",
        {NORM: f"x.to_numpy()\n        {NORM}"},
    ),
    Mistake(
        "int() of a length",
        "A symbolic length has no number yet, and none is needed.",
        {NORM: f"[int(length) for length in x.shape]\n        {NORM}"},
    ),
    Mistake(
        "computing in float32 and not going back",
        "The result has x's dtype: cast it back, F.cast(result, x.dtype).",
        {
            NORM: "wide = [F.cast(t, DType.float32) for t in "
            "(x, self.weight, self.bias)]\n"
            "        return F.layer_norm(*wide, self.eps)"
        }
        | IMPORT,
    ),
]
