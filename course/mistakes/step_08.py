"""How step 08, the residual connection, is got wrong."""

from course.mistakes import Mistake

RETURN = "return x + sublayer(norm(x))"
AS_IT_WAS = "What is added to is the stream as it was, not its normalized form."

MISTAKES = [
    Mistake(
        "normalizing the sum",
        "That is the first Transformer's post-norm. GPT-2 normalizes what goes into "
        "the sublayer and leaves the stream alone.",
        {RETURN: "return norm(x + sublayer(x))"},
    ),
    Mistake(
        "normalizing before and after",
        "GPT-2 normalizes only what goes into the sublayer.",
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
]
