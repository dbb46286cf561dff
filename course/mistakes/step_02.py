"""How step 02, the causal mask, is got wrong."""

from course.mistakes import Mistake

ZERO = "zero = Tensor(0.0,"
BLOCKED = 'blocked = Tensor(float("-inf"),'
TRIANGLE = "F.band_part(new, num_lower=None, num_upper=0, exclude=True)"
OLD = "F.broadcast_to(zero, [sequence_length, num_tokens])"
RETURN = "return F.concat([old, new], axis=1)"

MISTAKES = [
    Mistake(
        "a mask of ones and zeros, made for multiplying",
        "This mask is added to the scores: 0 where a token may look, -inf where not.",
        {RETURN: "return 1.0 - F.cast(F.is_inf(F.concat([old, new], axis=1)), dtype)"},
    ),
    Mistake(
        "a mask of ones where a token may not look",
        "This mask is added to the scores: adding 1 hides nothing, adding -inf does.",
        {BLOCKED: "blocked = Tensor(1.0,"},
    ),
    Mistake(
        "a mask of booleans",
        "The mask is added to the scores, so it holds numbers of their dtype.",
        {RETURN: "return F.is_inf(F.concat([old, new], axis=1))"},
    ),
    Mistake(
        "a mask of booleans, true where a token may look",
        "The mask is added to the scores, so it holds numbers of their dtype.",
        {RETURN: "return F.logical_not(F.is_inf(F.concat([old, new], axis=1)))"},
    ),
    Mistake(
        "0 and -inf exchanged",
        "0 changes no score and lets a token look; -inf forbids it.",
        {ZERO: 'zero = Tensor(float("-inf"),', BLOCKED: "blocked = Tensor(0.0,"}
        | {TRIANGLE: "F.broadcast_to(zero, [sequence_length] * 2) - new"}
        | {"return F.concat([old, new], axis=1)": "return _exchanged(old, new)"}
        | {
            "def causal_mask(": """def _exchanged(old, new):
    size = new.shape[0]
    new = F.band_part(new, num_lower=None, num_upper=0, exclude=False)
    return F.concat([old, new], axis=1)


def causal_mask("""
        },
    ),
    Mistake(
        "hiding the past instead of the future",
        "The triangle is upside down: query i sees the keys 0 to i.",
        {TRIANGLE: "F.band_part(new, num_lower=0, num_upper=None, exclude=True)"},
    ),
    Mistake(
        "hiding each token from itself",
        "A token may look at itself; the first one has nothing else to look at.",
        {
            TRIANGLE: "F.band_part(new, num_lower=0, num_upper=None)\n"
            "    new = F.where(F.equal(new, new), new, zero)"
        },
    ),
    Mistake(
        "letting each token see one token too many",
        "The last key that query i may see is its own: key i, not key i + 1.",
        {TRIANGLE: "F.band_part(new, num_lower=None, num_upper=1, exclude=True)"},
    ),
    Mistake(
        "hiding nothing",
        "Every key after the query has to be -inf.",
        {TRIANGLE: "F.broadcast_to(zero, [sequence_length] * 2)"},
    ),
    Mistake(
        "hiding everything",
        "-inf belongs only where the key comes after the query.",
        {TRIANGLE: "new"},
    ),
    Mistake(
        "putting the new tokens before the old ones",
        "The keys stand in the order of the text: first the old tokens, then the new.",
        {RETURN: "return F.concat([new, old], axis=1)"},
    ),
    Mistake(
        "hiding the old tokens",
        "What is in the cache came before, so every new token may look at it.",
        {OLD: "F.broadcast_to(blocked, [sequence_length, num_tokens])"},
    ),
    Mistake(
        "leaving the old tokens out",
        "The mask has a column for every key: the old tokens' too.",
        {RETURN: "return new"},
    ),
    Mistake(
        "a square mask, with rows for the old tokens too",
        "There is one row for each new token; the old ones ask nothing any more.",
        {
            "    new = F.broadcast_to(blocked, [sequence_length] * 2)": (
                "    sequence_length = sequence_length + num_tokens\n"
                "    num_tokens = 0\n"
                "    new = F.broadcast_to(blocked, [sequence_length] * 2)"
            )
        },
    ),
    Mistake(
        "counting the queries from 0 although there are old tokens",
        "Query i stands at position num_tokens + i, so it sees num_tokens keys more.",
        {
            RETURN: "all_keys = F.concat([old + blocked, new + blocked], axis=1)\n"
            "    return F.band_part(all_keys, num_lower=None, num_upper=0, "
            "exclude=True)"
        },
    ),
    Mistake(
        "-1e9 instead of -inf",
        "Only -inf makes the softmax give exactly 0, whatever the scores are.",
        {BLOCKED: "blocked = Tensor(-1e9,"},
    ),
    Mistake(
        "+inf instead of -inf",
        "The softmax gives the highest score the most: what is hidden must be lowest.",
        {BLOCKED: 'blocked = Tensor(float("inf"),'},
    ),
    Mistake(
        "multiplying 0 by -inf",
        "0 * -inf is not 0 but NaN. Choose between the two values instead.",
        {
            RETURN: "mask = F.concat([old, new], axis=1)\n"
            "    return F.cast(F.is_inf(mask), dtype) * blocked"
        },
    ),
    Mistake(
        "always making float32",
        "The mask is added to the scores and has to have their dtype.",
        {
            ZERO + " dtype=dtype": ZERO + " dtype=DType.float32",
            BLOCKED + " dtype=dtype": BLOCKED + " dtype=DType.float32",
        },
    ),
]
