"""How step 08, the residual connection, is got wrong."""

from course.mistakes import Mistake

TENSOR = "from max.experimental.tensor"
RETURN = "return x + sublayer(norm(x))"
ADDED = "The sublayer's result is added to the stream, as it is."
ONCE = "It is computed once, sublayer(norm(x)), and added to the stream."
ONLY_AT_FIRST = (
    "GPT-2 scales so only the weights with which training begins, by its number of "
    "layers."
)
KEEPS_ITS_SHAPE = (
    "x keeps its shape on the way: attention has to know which tokens belong to one "
    "text."
)
ONE_NORM = "GPT-2 normalizes only what goes into the sublayer."
SUM = "The stream is the plain sum: nothing scales it."
AS_IT_WAS = "What is added to is the stream as it was, not its normalized form."

MISTAKES = [
    Mistake(
        "normalizing the sum",
        "That is the first Transformer's post-norm. GPT-2 normalizes what goes into "
        "the sublayer and leaves the stream alone.",
        {RETURN: "return norm(x + sublayer(x))"},
    ),
    Mistake(
        "giving the sublayer norm itself instead of norm(x)",
        "norm is a function: what it makes of x goes into the sublayer.",
        {RETURN: "return x + sublayer(norm)"},
    ),
    Mistake(
        "normalizing before and after",
        ONE_NORM,
        {RETURN: "return norm(x + sublayer(norm(x)))"},
    ),
    Mistake(
        "adding to the normalized stream",
        AS_IT_WAS,
        {RETURN: "x = norm(x)\n    return x + sublayer(x)"},
    ),
    Mistake(
        "adding to the normalized stream, which the sublayer does not see",
        AS_IT_WAS + " The sublayer is what sees the normalized one.",
        {RETURN: "return norm(x) + sublayer(x)"},
    ),
    Mistake(
        "not adding to the stream",
        "A sublayer does not replace the stream, it adds to it.",
        {RETURN: "return sublayer(norm(x))"},
    ),
    Mistake(
        "not normalizing",
        "The sublayer sees norm(x).",
        {RETURN: "return x + sublayer(x)"},
    ),
    Mistake(
        "normalizing what the sublayer gives",
        "The norm comes in front of the sublayer: sublayer(norm(x)).",
        {RETURN: "return x + norm(sublayer(x))"},
    ),
    Mistake(
        "normalizing twice",
        "One norm in front of the sublayer is enough.",
        {RETURN: "return x + sublayer(norm(norm(x)))"},
    ),
    Mistake(
        "multiplying instead of adding",
        "The sublayer's result is added to the stream.",
        {RETURN: "return x * sublayer(norm(x))"},
    ),
    Mistake(
        "subtracting instead of adding",
        "The sublayer's result is added to the stream.",
        {RETURN: "return x - sublayer(norm(x))"},
    ),
    Mistake(
        "adding the norm's result too",
        "Only the stream and what the sublayer found are added.",
        {RETURN: "return x + norm(x) + sublayer(norm(x))"},
    ),
    Mistake(
        "calling the sublayer twice",
        "The sublayer is called once: it may be expensive.",
        {RETURN: "sublayer(norm(x))\n    return x + sublayer(norm(x))"},
    ),
    Mistake(
        "halving the sum",
        "The stream is not averaged with what is found, it is added to.",
        {RETURN: "return (x + sublayer(norm(x))) / 2"},
    ),
    Mistake(
        "leaving the sublayer out",
        "norm only prepares; what is added is sublayer(norm(x)).",
        {RETURN: "return x + norm(x)"},
    ),
    Mistake(
        "normalizing what the sublayer gives too",
        "That is Gemma 2's. GPT-2 normalizes only what goes into the sublayer.",
        {RETURN: "return x + norm(sublayer(norm(x)))"},
    ),
    Mistake(
        "normalizing everything: the stream, what goes in and what comes out",
        ONE_NORM,
        {RETURN: "return norm(x) + norm(sublayer(norm(x)))"},
    ),
    Mistake(
        "normalizing the stream and what the sublayer gives",
        ONE_NORM,
        {RETURN: "return norm(x) + norm(sublayer(x))"},
    ),
    Mistake(
        "normalizing the stream, the sublayer's input, and the sum",
        ONE_NORM,
        {RETURN: "return norm(norm(x) + sublayer(norm(x)))"},
    ),
    Mistake(
        "normalizing without adding to the stream",
        "A sublayer does not replace the stream, it adds to it.",
        {RETURN: "return norm(sublayer(x))"},
    ),
    Mistake(
        "normalizing before and after, without adding to the stream",
        "A sublayer does not replace the stream, it adds to it.",
        {RETURN: "return norm(sublayer(norm(x)))"},
    ),
    Mistake(
        "the sublayer alone",
        "The sublayer sees norm(x), and what it finds is added to x.",
        {RETURN: "return sublayer(x)"},
    ),
    Mistake(
        "the norm alone",
        "sublayer(norm(x)) is added to x.",
        {RETURN: "return norm(x)"},
    ),
    Mistake(
        "giving x back as it was",
        "sublayer(norm(x)) is added to x.",
        {RETURN: "return x"},
    ),
    Mistake(
        "adding x before the sublayer",
        "x is added to what the sublayer gives, not to what it gets.",
        {RETURN: "return sublayer(x + norm(x))"},
    ),
    Mistake(
        "adding x before the sublayer, and once more after it",
        "x is added to what the sublayer gives, not to what it gets.",
        {RETURN: "return x + sublayer(x + norm(x))"},
    ),
    Mistake(
        "adding the stream to the sum of the norm and the sublayer without one",
        "Only the stream and what the sublayer found are added, and that saw norm(x).",
        {RETURN: "return x + norm(x) + sublayer(x)"},
    ),
    Mistake(
        "adding what the sublayer makes of x too",
        ONCE,
        {RETURN: "return x + sublayer(x) + sublayer(norm(x))"},
    ),
    Mistake(
        "adding the stream twice",
        "The stream is added once.",
        {RETURN: "return x + x + sublayer(norm(x))"},
    ),
    Mistake(
        "adding what the sublayer gives twice",
        ONCE,
        {RETURN: "return x + 2 * sublayer(norm(x))"},
    ),
    Mistake(
        "subtracting what the sublayer was given",
        "What the sublayer finds is added as it is.",
        {RETURN: "normed = norm(x)\n    return x + sublayer(normed) - normed"},
    ),
    Mistake(
        "subtracting x from what the sublayer gives",
        ADDED,
        {RETURN: "return sublayer(norm(x)) - x"},
    ),
    Mistake(
        "multiplying what the sublayer gives by its input",
        ADDED,
        {RETURN: "normed = norm(x)\n    return x + normed * sublayer(normed)"},
    ),
    Mistake(
        "multiplying what the sublayer gives by x",
        ADDED,
        {RETURN: "return x + x * sublayer(norm(x))"},
    ),
    Mistake(
        "dividing the sum by sqrt(2)",
        SUM,
        {RETURN: "return (x + sublayer(norm(x))) * 0.7071067811865476"},
    ),
    Mistake(
        "halving what the sublayer gives",
        ADDED,
        {RETURN: "return x + 0.5 * sublayer(norm(x))"},
    ),
    Mistake(
        "dividing what the sublayer gives by sqrt(2)",
        ADDED,
        {RETURN: "return x + sublayer(norm(x)) * 0.7071067811865476"},
    ),
    Mistake(
        "dividing what the sublayer gives by sqrt(24)",
        ONLY_AT_FIRST,
        {RETURN: "return x + sublayer(norm(x)) / 24**0.5"},
    ),
    Mistake(
        "dividing what the sublayer gives by sqrt(12)",
        ONLY_AT_FIRST,
        {RETURN: "return x + sublayer(norm(x)) / 12**0.5"},
    ),
    Mistake(
        "a tenth of what the sublayer gives",
        ADDED,
        {RETURN: "return x + 0.1 * sublayer(norm(x))"},
    ),
    Mistake(
        "nine tenths of what the sublayer gives, as for dropout",
        "Nothing is dropped or scaled when a text is written.",
        {RETURN: "return x + 0.9 * sublayer(norm(x))"},
    ),
    Mistake(
        "going through the sublayer twice",
        "The sublayer is called once, with norm(x).",
        {RETURN: "return x + sublayer(sublayer(norm(x)))"},
    ),
    Mistake(
        "adding twice in a row",
        "One call of residual adds one sublayer's result.",
        {RETURN: "x = x + sublayer(norm(x))\n    return x + sublayer(norm(x))"},
    ),
    Mistake(
        "normalizing twice, one result of which is not used",
        "norm is called once.",
        {RETURN: "norm(x)\n    return x + sublayer(norm(x))"},
    ),
    Mistake(
        "calling the sublayer with x too, without using it",
        "The sublayer is called once, with norm(x).",
        {RETURN: "sublayer(x)\n    return x + sublayer(norm(x))"},
    ),
    Mistake(
        "one list of tokens for norm and sublayer",
        KEEPS_ITS_SHAPE,
        {
            RETURN: "flat = x.reshape([-1, x.shape[-1]])\n    "
            "return x + sublayer(norm(flat)).reshape(x.shape)"
        },
    ),
    Mistake(
        "one list of tokens for the sublayer",
        KEEPS_ITS_SHAPE,
        {
            RETURN: "flat = norm(x).reshape([-1, x.shape[-1]])\n    "
            "return x + sublayer(flat).reshape(x.shape)"
        },
    ),
    Mistake(
        "only the last token for norm and sublayer",
        "Every token of the stream goes through norm and sublayer.",
        {RETURN: "return x + sublayer(norm(x[:, -1:, :]))"},
    ),
    Mistake(
        "one text after the other for norm and sublayer",
        "They are called once, with the whole batch.",
        {
            TENSOR: f"from max.experimental import functional as F\n{TENSOR}",
            RETURN: "texts = [x[i : i + 1] for i in range(int(x.shape[0]))]\n    "
            "return F.concat([t + sublayer(norm(t)) for t in texts], axis=0)",
        },
    ),
    Mistake(
        "putting both side by side instead of adding",
        "The result is as wide as x: the two are added.",
        {
            TENSOR: f"from max.experimental import functional as F\n{TENSOR}",
            RETURN: "return F.concat([x, sublayer(norm(x))], axis=-1)",
        },
    ),
    Mistake(
        "demanding that norm and sublayer are Modules",
        "Anything that takes a tensor and gives one back may be norm or sublayer.",
        {
            TENSOR: f"from max.experimental.nn import Module\n{TENSOR}",
            RETURN: "if not isinstance(norm, Module):\n"
            "        raise TypeError(norm)\n"
            f"    {RETURN}",
        },
    ),
    Mistake(
        "giving back several tensors",
        "residual gives back one: the sum, which is the new stream.",
        {RETURN: "return x + sublayer(norm(x)), x"},
    ),
    Mistake(
        "not giving anything back",
        "The sum has to be returned.",
        {RETURN: "x = x + sublayer(norm(x))"},
    ),
]
