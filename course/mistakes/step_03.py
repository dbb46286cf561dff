"""How step 03, layer normalization, is got wrong."""

from course.mistakes import Mistake

NORM = "return F.layer_norm(x, self.weight, self.bias, self.eps)"
BY_HAND = """mean = F.mean(x, axis=-1)
        centered = x - mean
        variance = F.mean(centered * centered, axis=-1)
        normed = centered * F.rsqrt(variance + self.eps)
        return normed * self.weight + self.bias"""


def by_hand(old: str, new: str) -> dict[str, str]:
    """A change to layer normalization written out."""
    assert BY_HAND.count(old) == 1
    return {NORM: BY_HAND.replace(old, new)}


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
    Mistake(
        "a fixed eps of 1e-5",
        "The eps that was given has to be used: checkpoints differ in it.",
        {"self.eps = eps": "self.eps = 1e-5"},
    ),
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
        {
            NORM: BY_HAND.replace(
                "mean = ", "axis = max(-2, -x.rank)\n        mean = "
            ).replace("axis=-1", "axis=axis")
        },
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
    Mistake(
        "a single weight and a single bias",
        "Each of the dim numbers has a weight and a bias of its own.",
        {
            "Tensor.ones([dim])": "Tensor.ones([1])",
            "Tensor.zeros([dim])": "Tensor.zeros([1])",
        },
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
        "the names gamma and beta",
        "The checkpoint calls them weight and bias, and they are loaded by name.",
        {
            "self.weight = Tensor": "self.gamma = Tensor",
            "self.bias = Tensor": "self.beta = Tensor",
            NORM: "return F.layer_norm(x, self.gamma, self.beta, self.eps)",
        },
    ),
]
