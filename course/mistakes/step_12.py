"""How step 12, generating text, is got wrong."""

from course.mistakes import Mistake

REFUSED = "if not math.isfinite(temperature) or temperature < 0:"
LAST = "model(input_ids)[:, -1, :]"
GREEDY = "if not do_sample or temperature < 1e-30:"
ARGMAX = "return F.argmax(logits, axis=-1).to(input_ids.device)"
SCALED = "probabilities = F.softmax(logits / scale, axis=-1)"
ROWS = "rows = np.from_dlpack(probabilities.to(CPU())).astype(np.float64)"
SUM = "    rows /= rows.sum(axis=-1, keepdims=True)\n"
RNG = "rng = np.random.default_rng() if rng is None else rng\n    drawn ="
DRAWN = "drawn = [[rng.choice(len(row), p=row)] for row in rows]"
RESULT = "return Tensor(drawn, dtype=DType.int64, device=input_ids.device)"
CROP = "context = context[:, -n_positions:]"
IS_LONG = "if n_positions is not None and int(context.shape[1]) > n_positions:"
LOOP = "for _ in range(max_new_tokens):"
CALL = "model, context, temperature=temperature, do_sample=do_sample, rng=rng"
STOPS = "if stop_token is not None:"
IDS = "ids = np.where(finished, stop_token, token.to_numpy())"
CONCAT = "input_ids = F.concat([input_ids, token], axis=1)"
ALL = "if finished.all():"
RETURN = "            break\n    return input_ids"

MISTAKES = [
    # which logits
    Mistake(
        "taking the logits of the first position",
        "What follows the text is predicted at its last position.",
        {LAST: "model(input_ids)[:, 0, :]"},
    ),
    Mistake(
        "taking the logits of the last position but one",
        "What follows the text is predicted at its very last position: -1.",
        {LAST: "model(input_ids)[:, max(-2, -int(input_ids.shape[1])), :]"},
    ),
    Mistake(
        "taking the largest logit of the whole tensor",
        "Each sequence of the batch has its own next token.",
        {
            ARGMAX: "best = F.argmax(logits.reshape([-1]), axis=-1)\n"
            "        return F.broadcast_to(best, [input_ids.shape[0], 1])"
        },
    ),
    Mistake(
        "taking the smallest logit",
        "The higher a token's logit, the likelier it is.",
        {ARGMAX: ARGMAX.replace("argmax", "argmin")},
    ),
    # greedy or not
    Mistake(
        "always drawing",
        "do_sample=False asks for the largest logit.",
        {GREEDY: "if temperature == 0:"},
    ),
    Mistake(
        "always taking the largest logit",
        "With do_sample, tokens are drawn by their probabilities.",
        {GREEDY: "if True:"},
    ),
    Mistake(
        "dividing by a temperature of 0",
        "0 cannot be divided by: it means greedy.",
        {GREEDY: "if not do_sample:"},
    ),
    Mistake(
        "returning one number a row instead of a column",
        "The result is [batch, 1], so that it can be appended.",
        {
            ARGMAX: "return F.argmax(logits, axis=-1).reshape([-1])",
            DRAWN: DRAWN.replace(
                "[rng.choice(len(row), p=row)]", "rng.choice(len(row), p=row)"
            ),
        },
    ),
    Mistake(
        "returning int32",
        "Ids are int64.",
        {
            ARGMAX: "return F.cast(F.argmax(logits, axis=-1), DType.int32)",
            RESULT: RESULT.replace("int64", "int32"),
        },
    ),
    # temperature
    Mistake(
        "multiplying by the temperature",
        "The logits are divided: a low temperature makes differences larger.",
        {SCALED: SCALED.replace("/", "*")},
    ),
    Mistake(
        "leaving the temperature out, or dividing by it after the softmax",
        "The logits are divided by it before the softmax. Probabilities that are "
        "divided by a number and made to sum to 1 again are what they were.",
        {SCALED: "probabilities = F.softmax(logits, axis=-1)"},
    ),
    Mistake(
        "drawing by the logits, without softmax",
        "Only softmax turns logits into probabilities.",
        {SCALED: "probabilities = logits / scale"},
    ),
    Mistake(
        "drawing every token with the same probability",
        "Tokens are drawn with the probabilities that softmax gives.",
        {DRAWN: DRAWN.replace(", p=row", "")},
    ),
    Mistake(
        "softmax over the batch",
        "Each sequence has probabilities of its own, over the vocabulary.",
        {SCALED: SCALED.replace("axis=-1", "axis=0")},
    ),
    Mistake(
        "not making the probabilities sum to 1 again after the cast to float64",
        "NumPy insists on a sum of 1 as float64 counts it; a float32 softmax is off "
        "by a little, and over 50257 tokens by too much.",
        {SUM: ""},
    ),
    # randomness
    Mistake(
        "not using rng",
        "Whoever passes a generator wants the same text from the same seed.",
        {RNG: RNG.replace(" if rng is None else rng", "")},
    ),
    Mistake(
        "a generator with a fixed seed",
        "The generator that was given draws; without one, each call is new.",
        {
            RNG: RNG.replace(
                "np.random.default_rng() if rng is None else rng",
                "np.random.default_rng(0)",
            )
        },
    ),
    Mistake(
        "NumPy's global generator",
        "The generator that was given draws: nothing else may disturb it.",
        {DRAWN: DRAWN.replace("rng.choice", "np.random.choice")},
    ),
    Mistake(
        "one draw for all sequences",
        "Each sequence draws for itself.",
        {
            DRAWN: (
                "one = rng.choice(len(rows[0]), p=rows[0])\n"
                "    drawn = [[one] for row in rows]"
            )
        },
    ),
    Mistake(
        "drawing from the first sequence's probabilities for all",
        "Each sequence has probabilities of its own.",
        {DRAWN: "drawn = [[rng.choice(len(row), p=rows[0])] for row in rows]"},
    ),
    # bad temperatures
    Mistake(
        "not refusing a bad temperature",
        "A negative temperature turns the order of the tokens round; NaN and infinity "
        "are no temperatures.",
        {REFUSED: "if False:"},
    ),
    Mistake(
        "refusing only negative temperatures",
        "NaN and infinity are no temperatures either: NaN < 0 is False.",
        {REFUSED: "if temperature < 0:"},
    ),
    Mistake(
        "accepting an infinite temperature",
        "Every token would be equally likely, whatever the model says.",
        {REFUSED: "if not temperature >= 0:"},
    ),
    Mistake(
        "refusing a temperature of 0",
        "0 means greedy.",
        {REFUSED: "if not math.isfinite(temperature) or temperature <= 0:"},
    ),
    # generate: the context
    Mistake(
        "not cropping the context",
        "The model sees the last n_positions tokens; it knows no further positions.",
        {CROP: "pass"},
    ),
    Mistake(
        "cropping a text that is short enough",
        "Only a longer one is cropped. MAX refuses a slice that begins before the "
        "start, where NumPy gives everything.",
        {IS_LONG: "if n_positions is not None:"},
    ),
    Mistake(
        "keeping the first n_positions tokens",
        "The last ones decide what comes next.",
        {CROP: "context = context[:, :n_positions]"},
    ),
    Mistake(
        "cropping one token too many",
        "n_positions tokens fit.",
        {CROP: "context = context[:, 1 - n_positions :]"},
    ),
    Mistake(
        "cropping when the context is full",
        "n_positions tokens fit; only more are cropped.",
        {
            IS_LONG: IS_LONG.replace(">", ">="),
            CROP: "context = context[:, 1 - n_positions :]",
        },
    ),
    Mistake(
        "cropping the text itself",
        "Only what the model sees is cropped; the result keeps every token.",
        {CROP: "context = input_ids = context[:, -n_positions:]"},
    ),
    Mistake(
        "showing the model only the last token",
        "Without a KV cache, the model has to see the whole text each time.",
        {"context = input_ids\n": "context = input_ids[:, -1:]\n"},
    ),
    Mistake(
        "showing the model the prompt each time",
        "Each new token has to see the ones before it.",
        {
            "context = input_ids\n": "context = prompt\n",
            LOOP: "prompt = input_ids\n    " + LOOP,
        },
    ),
    # generate: appending
    Mistake(
        "appending along the batch",
        "The new token goes to the end of its sequence: axis 1.",
        {CONCAT: CONCAT.replace("axis=1", "axis=0")},
    ),
    Mistake(
        "putting the new token in front",
        "The new token goes to the end of its sequence.",
        {CONCAT: "input_ids = F.concat([token, input_ids], axis=1)"},
    ),
    Mistake(
        "returning only the new tokens",
        "The result is the prompts and what follows them.",
        {
            LOOP: "prompt = input_ids.shape[1]\n    " + LOOP,
            RETURN: "            break\n    return input_ids[:, int(prompt) :]",
        },
    ),
    Mistake(
        "counting the prompt among max_new_tokens",
        "max_new_tokens is how many are added, however long the prompt is.",
        {LOOP: "for _ in range(max_new_tokens - int(input_ids.shape[1])):"},
    ),
    Mistake(
        "one token too few",
        "max_new_tokens tokens are added.",
        {LOOP: "for _ in range(max_new_tokens - 1):"},
    ),
    Mistake(
        "one token too many",
        "max_new_tokens tokens are added; 0 adds none.",
        {LOOP: "for _ in range(max_new_tokens + 1):"},
    ),
    # generate: passing on
    Mistake(
        "not passing the temperature on",
        "generate_next_token needs it.",
        {CALL: "model, context, do_sample=do_sample, rng=rng"},
    ),
    Mistake(
        "not passing do_sample on",
        "generate_next_token needs it.",
        {CALL: "model, context, temperature=temperature, rng=rng"},
    ),
    Mistake(
        "not passing the generator on",
        "One generator draws token after token.",
        {CALL: "model, context, temperature=temperature, do_sample=do_sample"},
    ),
    Mistake(
        "starting the generator anew for each token",
        "One generator draws token after token; started anew, it repeats itself.",
        {
            LOOP: "state = rng.bit_generator.state\n    " + LOOP,
            CALL: CALL.replace("rng=rng", "rng=_again(rng, state)"),
            "def generate(": """def _again(rng, state):
    rng.bit_generator.state = state
    return rng


def generate(""",
        },
    ),
    # generate: stopping
    Mistake(
        "ignoring stop_token",
        "A row that has produced it only repeats it.",
        {STOPS: "if False:"},
    ),
    Mistake(
        "stopping as soon as one row has stopped",
        "The others still have something to say: it ends when every row has finished.",
        {ALL: "if finished.any():"},
    ),
    Mistake(
        "letting finished rows go on",
        "A row that has produced stop_token only repeats it.",
        {IDS: "ids = token.to_numpy()"},
    ),
    Mistake(
        "going on when every row has finished",
        "There is nothing left to say: it ends there.",
        {ALL: "if False:"},
    ),
    Mistake(
        "stopping at a stop token of the prompt",
        "Only a token that was generated counts.",
        {
            STOPS: STOPS
            + (
                "\n"
                "            in_prompt = input_ids.to_numpy() == stop_token\n"
                "            finished |= in_prompt.any(axis=1, keepdims=True)"
            )
        },
    ),
    Mistake(
        "filling finished rows with 0",
        "A row that has finished repeats stop_token.",
        {IDS: "ids = np.where(finished, 0, token.to_numpy())"},
    ),
    Mistake(
        "leaving the stop token out",
        "stop_token itself belongs to the text.",
        {CONCAT: "if finished.all():\n            break\n        " + CONCAT},
    ),
]
