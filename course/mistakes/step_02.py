"""How step 02, the causal mask, is got wrong."""

from course.mistakes import Mistake

ZERO = "zero = Tensor(0.0,"
BLOCKED = 'blocked = Tensor(float("-inf"),'
TRIANGLE = "F.band_part(new, num_lower=None, num_upper=0, exclude=True)"
OLD = "F.broadcast_to(zero, [sequence_length, num_tokens])"
RETURN = "return F.concat([old, new], axis=1)"
POSITIONS = """from max.graph import Dim

    total = Dim(num_tokens) + sequence_length
    options = {"dtype": DType.int64, "device": device}
    query = F.range(num_tokens, total, out_dim=sequence_length, **options)
    key = F.range(0, total, out_dim=total, **options)
    return F.where(F.unsqueeze(key, 0) > F.unsqueeze(query, 1), blocked, zero)
"""
DEF = "def causal_mask(\n"


def lowest(value: str, why: str) -> Mistake:
    """A finite number."""
    return Mistake(
        f"{value} instead of -inf",
        f"{why}Only -inf makes the softmax give exactly 0, whatever the scores are.",
        {BLOCKED: f"blocked = Tensor({value},"},
    )


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
        {
            RETURN: "hidden = F.cumsum(F.cast(F.is_inf(new), DType.float32), axis=1)\n"
            "    new = F.where(hidden > 1, blocked, zero)\n"
            "    return F.concat([old, new], axis=1)"
        },
    ),
    Mistake(
        "num_upper=1, which lets each token see the next one",
        "The band that stays open ends with the diagonal: key i is the last that query "
        "i may see.",
        {TRIANGLE: TRIANGLE.replace("num_upper=0", "num_upper=1")},
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
    lowest("-1e9", ""),
    lowest("-1e4", "That was BERT's and Hugging Face's once. "),
    lowest("-1e10", "That is the first GPT-2's own habit, and nearly enough. "),
    lowest("-1e5", ""),
    lowest("-1e6", ""),
    lowest("-1e12", ""),
    lowest("-1e20", ""),
    lowest("-1e30", ""),
    lowest("-1e38", ""),
    lowest("-65504.0", "That is the lowest number of float16. "),
    lowest("-1.0", ""),
    Mistake(
        "the lowest finite number instead of -inf",
        "Only -inf makes the softmax give exactly 0, whatever the scores are.",
        {BLOCKED: "blocked = Tensor(-3.4028234663852886e38,"},
    ),
    Mistake(
        "NaN instead of -inf",
        "A score that NaN is added to is NaN, and so is the softmax of its whole row.",
        {BLOCKED: 'blocked = Tensor(float("nan"),'},
    ),
    Mistake(
        "1 instead of 0 where a token may look",
        "The mask is added to the scores, and must not change those that count.",
        {ZERO: "zero = Tensor(1.0,"}
        | {
            RETURN: "one = F.where(F.is_inf(new), new, zero)\n"
            "    return F.concat([old, one], axis=1)"
        },
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
    Mistake(
        "multiplying -inf by what a token may see",
        "It is what a token may not see that becomes -inf; and 0 * -inf is NaN.",
        {
            RETURN: "mask = F.concat([old, new], axis=1)\n"
            "    return (1.0 - F.cast(F.is_inf(mask), dtype)) * blocked"
        },
    ),
    Mistake(
        "band_part without exclude=True",
        "band_part keeps the band, here the past; exclude=True keeps what is outside "
        "of it.",
        {TRIANGLE: "F.band_part(new, num_lower=None, num_upper=0)"},
    ),
    Mistake(
        "hiding everything, old tokens too",
        "-inf belongs only where the key comes after the query.",
        {
            TRIANGLE: "new",
            OLD: "F.broadcast_to(blocked, [sequence_length, num_tokens])",
        },
    ),
    Mistake(
        "hiding all but the token itself among the new ones",
        "A token may look at itself and at everything that came before it.",
        {TRIANGLE: "F.band_part(new, num_lower=0, num_upper=0, exclude=True)"},
    ),
    Mistake(
        "letting the first token see nothing but the last one everything",
        "The rows are upside down: query 0 is the first of the new tokens.",
        {RETURN: "return F.concat([old, F.flip(new, 0)], axis=1)"},
    ),
    Mistake(
        "hiding nothing where there are old tokens",
        "Several new tokens can come after old ones, and then the later ones of them "
        "have to be hidden too.",
        {
            RETURN: "if num_tokens != 0:\n"
            "        new = F.broadcast_to(zero, [sequence_length] * 2)\n"
            "    return F.concat([old, new], axis=1)"
        },
    ),
    Mistake(
        "asking whether num_tokens > 0",
        "Symbolic lengths have no numbers to compare yet; the mask can be made without "
        "asking.",
        {
            RETURN: "if num_tokens > 0:\n"
            "        return F.concat([old, new], axis=1)\n"
            "    return new"
        },
    ),
    Mistake(
        "hiding nothing where there are old tokens, asking whether num_tokens > 0",
        "Several new tokens can come after old ones, and then the later ones of them "
        "have to be hidden too.",
        {
            RETURN: "if num_tokens > 0:\n"
            "        new = F.broadcast_to(zero, [sequence_length] * 2)\n"
            "    return F.concat([old, new], axis=1)"
        },
    ),
    Mistake(
        "asking whether sequence_length > 1",
        "Symbolic lengths have no numbers to compare yet; the mask can be made without "
        "asking.",
        {
            RETURN: "if sequence_length > 1:\n"
            "        return F.concat([old, new], axis=1)\n"
            "    return F.broadcast_to(zero, [1, num_tokens + 1])"
        },
    ),
    Mistake(
        "counting the queries from 0 unless there is only one",
        "Query i stands at position num_tokens + i, be it one of many or the only one.",
        {
            RETURN: "if sequence_length == 1:\n"
            "        return F.concat([old, new], axis=1)\n"
            "    all_keys = F.concat([old + blocked, new + blocked], axis=1)\n"
            "    return F.band_part(all_keys, num_lower=None, num_upper=0, "
            "exclude=True)"
        },
    ),
    Mistake(
        "counting the old tokens twice",
        "Query i stands at position num_tokens + i: the first of the new tokens comes "
        "after the last of the old ones.",
        {
            RETURN: POSITIONS.replace(
                "F.range(num_tokens, total,",
                "F.range(2 * num_tokens, 2 * num_tokens + sequence_length,",
            )
        },
    ),
    Mistake(
        "taking num_tokens for 0 unless it is an int",
        "It may be a dimension as well, with or without a number, and counts as much.",
        {
            RETURN: "if isinstance(num_tokens, int):\n"
            "        return F.concat([old, new], axis=1)\n"
            "    all_keys = F.concat([old + blocked, new + blocked], axis=1)\n"
            "    return F.band_part(all_keys, num_lower=None, num_upper=0, "
            "exclude=True)"
        },
    ),
    Mistake(
        "sequence_length and num_tokens exchanged",
        "sequence_length is how many tokens are new, and the rows are theirs.",
        {
            "    zero = Tensor": "    sequence_length, num_tokens = "
            "num_tokens, sequence_length\n    zero = Tensor"
        },
    ),
    Mistake(
        "taking num_tokens for the number of all tokens",
        "num_tokens counts the old ones; there are num_tokens + sequence_length keys.",
        {
            RETURN: "shape = [sequence_length, num_tokens]\n"
            "    new = F.broadcast_to(blocked, shape)\n"
            "    return F.band_part(new, num_lower=None, num_upper=0, exclude=True)"
        },
    ),
    Mistake(
        "rows and columns exchanged",
        "The queries are the rows, the keys the columns.",
        {RETURN: "return F.transpose(F.concat([old, new], axis=1), 0, 1)"},
    ),
    Mistake(
        "two more axes, for batch and heads",
        "Adding broadcasts the mask over them: it is [new, old + new] by itself.",
        {
            RETURN: "mask = F.concat([old, new], axis=1)\n"
            "    return F.unsqueeze(F.unsqueeze(mask, 0), 0)"
        },
    ),
    Mistake(
        "one more axis, for the batch",
        "Adding broadcasts the mask over it: it is [new, old + new] by itself.",
        {RETURN: "return F.unsqueeze(F.concat([old, new], axis=1), 0)"},
    ),
    Mistake(
        "only the last query's row",
        "Each of the new tokens asks, and has a row of its own.",
        {RETURN: "return F.concat([old, new], axis=1)[-1:]"},
    ),
    Mistake(
        "joining old and new along axis 0",
        "The old tokens are more keys, that is more columns: axis 1.",
        {RETURN: "return F.concat([old, new], axis=0)"},
    ),
    Mistake(
        "not returning the mask",
        "A function gives what its `return` says, None where there is none.",
        {RETURN: "mask = F.concat([old, new], axis=1)"},
    ),
    Mistake(
        "F.where with two numbers of Python",
        "MAX gives them the condition's type, a boolean, which cannot be -inf: make "
        "Tensors of them first, with the mask's dtype.",
        {RETURN: 'return F.where(F.is_inf(new), float("-inf"), 0.0)'},
    ),
    Mistake(
        "int(num_tokens)",
        "A symbolic length has no number yet. Build the mask from shapes, which may be "
        "symbolic.",
        {"    zero = Tensor": "    num_tokens = int(num_tokens)\n    zero = Tensor"},
    ),
    Mistake(
        "int(sequence_length)",
        "A symbolic length has no number yet. Build the mask from shapes, which may be "
        "symbolic.",
        {
            "    zero = Tensor": "    sequence_length = int(sequence_length)\n"
            "    zero = Tensor"
        },
    ),
    Mistake(
        "int(num_tokens), then int(sequence_length)",
        "A symbolic length has no number yet. Build the mask from shapes, which may be "
        "symbolic.",
        {
            "    zero = Tensor": "    num_tokens = int(num_tokens)\n"
            "    sequence_length = int(sequence_length)\n    zero = Tensor"
        },
    ),
    Mistake(
        "int(num_tokens + sequence_length)",
        "A symbolic length has no number yet. Build the mask from shapes, which may be "
        "symbolic.",
        {
            "    zero = Tensor": "    from max.graph import Dim\n\n"
            "    int(num_tokens + Dim(sequence_length))\n    zero = Tensor"
        },
    ),
    Mistake(
        "a Dim where Python or NumPy wants an int",
        "They would need its number, which a symbolic length does not have. Build the "
        "mask with F and shapes.",
        {
            "    zero = Tensor": "    range(sequence_length), range(num_tokens)\n"
            "    zero = Tensor"
        },
    ),
    Mistake(
        "a Dim where Python wants an int, in range(sequence_length)",
        "It would need its number, which a symbolic length does not have. Build the "
        "mask with F and shapes.",
        {"    zero = Tensor": "    range(sequence_length)\n    zero = Tensor"},
    ),
    Mistake(
        "a mask of 1 x 1 where there is only one query",
        "It has a row for that query, and a column for every key.",
        {
            RETURN: "if sequence_length == 1:\n"
            "        return F.broadcast_to(zero, [1, 1])\n"
            "    return F.concat([old, new], axis=1)"
        },
    ),
    Mistake(
        "a piece of a fixed mask, 1024 x 1024",
        "The lengths are what was asked for, and may be larger: make the mask as large "
        "as they say.",
        {
            RETURN: "fixed = F.broadcast_to(blocked, [1024, 1024])\n"
            "    fixed = F.band_part(fixed, None, 0, exclude=True)\n"
            "    end = num_tokens + sequence_length\n"
            "    return fixed[num_tokens:end, :end]"
        },
    ),
    Mistake(
        "num_tokens as band_part's num_upper",
        "band_part compares it with numbers, which a symbolic length does not have. "
        "Only the new tokens need a band, and theirs is 0.",
        {
            RETURN: "all_keys = F.concat([old + blocked, new + blocked], axis=1)\n"
            "    return F.band_part(all_keys, num_lower=None, num_upper=num_tokens, "
            "exclude=True)"
        },
    ),
    Mistake(
        "counting the positions in the mask's dtype",
        "bfloat16 has no whole number after 256 but every second: count in int64.",
        {RETURN: POSITIONS.replace('"dtype": DType.int64', '"dtype": dtype')},
    ),
    Mistake(
        "keeping the masks of all lengths, whatever the dtype is",
        "Another call may ask for another dtype, or come from another graph: make the "
        "mask in each call.",
        {
            DEF: "masks = {}\n\n\n" + DEF,
            RETURN: "lengths = str(sequence_length), str(num_tokens)\n"
            "    return masks.setdefault(lengths, F.concat([old, new], axis=1))",
        },
    ),
    Mistake(
        "keeping the mask for the next call",
        "A tensor belongs to the graph in which it was made: make it in each call.",
        {"from max.driver": "from functools import lru_cache\n\nfrom max.driver"}
        | {DEF: "@lru_cache\n" + DEF},
    ),
]
