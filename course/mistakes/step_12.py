"""How step 12, generating text, is got wrong."""

from course.mistakes import Mistake

REFUSED = "if not math.isfinite(temperature) or temperature < 0:"
LAST = "model(input_ids)[:, -1, :]"
GREEDY = "if not do_sample or temperature < 1e-30:"
ARGMAX = "return F.argmax(logits, axis=-1).to(input_ids.device)"
SCALE = "scale = Tensor(temperature, dtype=logits.dtype, device=logits.device)"
SCALED = "probabilities = F.softmax(logits / scale, axis=-1)"
ROWS = "rows = np.from_dlpack(probabilities.to(CPU())).astype(np.float64)"
SUM = "    rows /= rows.sum(axis=-1, keepdims=True)\n"
PROBABILITIES = f"""{SCALE}  # []
    {SCALED}  # [batch, vocab_size]
    # NumPy insists on rows that sum to 1 as float64 counts it.
    {ROWS}
{SUM}"""
RNG = "rng = np.random.default_rng() if rng is None else rng\n    drawn ="
DRAWN = "drawn = [[rng.choice(len(row), p=row)] for row in rows]"
RESULT = "return Tensor(drawn, dtype=DType.int64, device=input_ids.device)"
CROP = "context = context[:, -n_positions:]"
IS_LONG = "if n_positions is not None and int(context.shape[1]) > n_positions:"
LOOP = "for _ in range(max_new_tokens):"
CALL = "model, context, temperature=temperature, do_sample=do_sample, rng=rng"
STOPS = "if stop_token is not None:"
IDS = "ids = np.where(finished, stop_token, token.to_numpy())"
MADE = "token = Tensor(ids, dtype=DType.int64, device=input_ids.device)"
CONCAT = "input_ids = F.concat([input_ids, token], axis=1)"
ALL = "if finished.all():"
MARKS = "finished |= ids == stop_token"
RETURN = "            break\n    return input_ids"
FRESH = "rng = np.random.default_rng() if rng is None else rng"
START = FRESH + "\n    finished"
FINISHED = "finished = np.zeros((int(input_ids.shape[0]), 1), dtype=bool)"
CHOICE = "[rng.choice(len(row), p=row)]"
# So that generate gets on with a token of another shape or dtype.
TAKEN = {CALL + "\n        )": CALL + "\n        ).reshape([-1, 1]).cast(DType.int64)"}
SUMMED = (
    "NumPy insists on a sum of 1 as float64 counts it, and over 50257 tokens a float32 "
    "softmax is off by too much: divide by the sum in float64."
)
PRODUCED = (
    "Only a token that was generated counts: a prompt may hold the stop token, or "
    "end with it."
)

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
    Mistake(
        "choosing a token at every position",
        "Only the logits of the last position count: [:, -1].",
        {LAST: "model(input_ids)"},
    ),
    Mistake(
        "taking the logits of the last sequence of the batch",
        "[-1] is the last sequence; the last position of every sequence is [:, -1].",
        {LAST: "model(input_ids)[-1]"},
    ),
    Mistake(
        "choosing for the first sequence only, and giving its token to all",
        "Each sequence of the batch has its own next token.",
        {
            LAST: LAST + "\n    logits = F.broadcast_to("
            "logits[:1], [input_ids.shape[0], logits.shape[1]])"
        },
    ),
    Mistake(
        "the largest logit over the batch, not over the vocabulary",
        "The tokens to choose from lie along the last axis: -1.",
        {ARGMAX: ARGMAX.replace("axis=-1", "axis=0")},
    ),
    Mistake(
        "adding up the logits of all positions",
        "What follows the text is predicted at its last position alone.",
        {LAST: "F.sum(model(input_ids), axis=1)[:, 0, :]"},
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
        "taking do_sample the wrong way round",
        "do_sample=True draws, False takes the largest logit.",
        {GREEDY: GREEDY.replace("not do_sample", "do_sample")},
    ),
    Mistake(
        "greedy only if do_sample=False and the temperature is 0",
        "Each of them alone asks for the largest logit: or, not and.",
        {GREEDY: GREEDY.replace("or", "and")},
    ),
    Mistake(
        "taking a temperature of 0 for none, as `or` does",
        "0 is a temperature like any other, and means greedy.",
        {REFUSED: "temperature = temperature or 1.0\n    " + REFUSED},
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
        "returning one number a row instead of a column where it is greedy",
        "The result is [batch, 1], so that it can be appended.",
        {**TAKEN, ARGMAX: "return F.argmax(logits, axis=-1).reshape([-1])"},
    ),
    Mistake(
        "returning one number a row instead of a column where it draws",
        "The result is [batch, 1], so that it can be appended.",
        {**TAKEN, DRAWN: DRAWN.replace(CHOICE, CHOICE[1:-1])},
    ),
    Mistake(
        "returning a row instead of a column",
        "The result is [batch, 1], so that it can be appended.",
        {
            ARGMAX: "return F.argmax(logits, axis=-1).reshape([1, -1])",
            RESULT: RESULT + ".reshape([1, -1])",
        },
    ),
    Mistake(
        "returning a row instead of a column where it draws",
        "The result is [batch, 1], so that it can be appended.",
        {**TAKEN, RESULT: RESULT + ".reshape([1, -1])"},
    ),
    Mistake(
        "an axis too many where it is greedy",
        "The result is [batch, 1]. MAX's argmax keeps the axis that it looks along: "
        "no unsqueeze is needed.",
        {**TAKEN, ARGMAX: "return F.argmax(logits, axis=-1).reshape([-1, 1, 1])"},
    ),
    Mistake(
        "returning the whole text instead of the next token",
        "Only the next token is returned, [batch, 1]: generate appends it.",
        {
            ARGMAX: "return F.concat([input_ids, F.argmax(logits, axis=-1)], axis=1)",
            RESULT: "token = "
            + RESULT.removeprefix("return ")
            + "\n    return F.concat([input_ids, token], axis=1)",
        },
    ),
    Mistake(
        "returning the probabilities instead of a token drawn by them",
        "NumPy's choice draws a token by its probability.",
        {RESULT: "return Tensor.from_dlpack(rows.astype(np.float32))"},
    ),
    Mistake(
        "returning int32",
        "Ids are int64.",
        {
            ARGMAX: "return F.cast(F.argmax(logits, axis=-1), DType.int32)",
            RESULT: RESULT.replace("int64", "int32"),
        },
    ),
    Mistake(
        "returning int32 where it draws",
        "Ids are int64.",
        {**TAKEN, RESULT: RESULT.replace("int64", "int32")},
    ),
    Mistake(
        "making a Tensor of the tokens without naming a dtype",
        "Ids are int64; a Tensor that is made of a list is float32 otherwise.",
        {
            **TAKEN,
            RESULT: "tokens = [[int(token)] for [token] in drawn]\n"
            "    return Tensor(tokens, device=input_ids.device)",
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
        "divided by a number and made to sum to 1 again are what they were, and so is "
        "the largest of logits and noise that are divided together.",
        {SCALED: "probabilities = F.softmax(logits, axis=-1)"},
    ),
    Mistake(
        "drawing by the logits, without softmax",
        "Only softmax turns logits into probabilities.",
        {SCALED: "probabilities = logits / scale"},
    ),
    Mistake(
        "drawing by the logits less the smallest, without softmax",
        "Only softmax turns logits into probabilities.",
        {
            SCALED: "probabilities = logits / scale",
            SUM: "    rows -= rows.min(axis=-1, keepdims=True)\n" + SUM,
        },
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
        "softmax over the positions",
        "Each sequence has probabilities of its own, over the vocabulary: axis -1.",
        {
            LAST: "model(input_ids)",
            GREEDY: GREEDY + "\n        logits = logits[:, -1, :]",
            SCALED: SCALED.replace("axis=-1", "axis=1") + "[:, -1, :]",
        },
    ),
    Mistake(
        "taking probabilities for logits: softmax twice, or Gumbel noise upon them",
        "softmax turns logits into probabilities, once; Gumbel noise belongs upon the "
        "logits over the temperature.",
        {SCALED: SCALED.replace("F.softmax(", "F.softmax(F.softmax(") + ")"},
    ),
    Mistake(
        "drawing by the logarithms of the probabilities",
        "NumPy wants the probabilities themselves: softmax, not logsoftmax.",
        {SCALED: SCALED.replace("softmax", "logsoftmax"), SUM: ""},
    ),
    Mistake(
        "exp of the logits as they are",
        "At a low temperature that is infinite. softmax takes the largest logit away "
        "first, which changes no probability.",
        {
            SCALED: "probabilities = logits / scale",
            SUM: "    rows = np.exp(rows)\n" + SUM,
        },
    ),
    Mistake(
        "drawing among the likeliest tokens only, as top-k does",
        "Every token is drawn with its probability, the unlikely ones too.",
        {SUM: "    rows[rows < np.sort(rows, axis=-1)[:, -50:][:, :1]] = 0\n" + SUM},
    ),
    Mistake(
        "drawing among the likeliest tokens only, as top-p does",
        "Every token is drawn with its probability, the unlikely ones too.",
        {
            SUM: SUM
            + "    best = np.sort(rows, axis=-1)[:, ::-1]\n"
            + "    count = (best.cumsum(axis=-1) < 0.9).sum(axis=-1, keepdims=True)\n"
            + "    rows[rows < np.take_along_axis(best, count, axis=-1)] = 0\n"
            + SUM
        },
    ),
    Mistake(
        "taking places in sorted probabilities for tokens",
        "What is drawn from a sorted row is a place in it, not yet a token.",
        {SUM: SUM + "    rows = np.sort(rows, axis=-1)[:, ::-1]\n"},
    ),
    Mistake(
        "not making the probabilities sum to 1 again after the cast to float64",
        "NumPy insists on a sum of 1 as float64 counts it; a float32 softmax is off "
        "by a little, and over 50257 tokens by too much.",
        {SUM: ""},
    ),
    Mistake(
        "drawing with multinomial by float32 probabilities",
        SUMMED,
        {
            SUM: SUM + "    rows = rows.astype(np.float32)\n",
            DRAWN: "drawn = [[rng.multinomial(1, row).argmax()] for row in rows]",
        },
    ),
    Mistake(
        "drawing with one multinomial by probabilities that sum to 1 in float32 only",
        SUMMED,
        {
            SUM: SUM + "    rows = rows.astype(np.float32)\n",
            DRAWN: "drawn = rng.multinomial(1, rows).argmax(axis=-1)[:, None]",
        },
    ),
    Mistake(
        "drawing with multinomial without making the probabilities sum to 1 again",
        SUMMED,
        {
            SUM: "",
            DRAWN: "drawn = [[rng.multinomial(1, row).argmax()] for row in rows]",
        },
    ),
    Mistake(
        "counting the wrong side of the cumulative sum",
        "The token is how many cumulative sums lie below the random number.",
        {
            DRAWN: "drawn = [[(row.cumsum() > rng.random()).sum()] for row in rows]",
        },
    ),
    Mistake(
        "the token before the one that the random number falls on",
        "The token is how many cumulative sums lie below the random number.",
        {DRAWN: DRAWN.replace(CHOICE, "[max(0, rng.choice(len(row), p=row) - 1)]")},
    ),
    Mistake(
        "Gumbel noise with the wrong sign",
        "The noise is -log(-log(u)): the largest sum is drawn with softmax's chance.",
        {
            DRAWN: "noise = np.log(-np.log(rng.random(rows.shape)))\n"
            "    with np.errstate(divide='ignore'):\n"
            "        drawn = (np.log(rows) + noise).argmax(axis=-1)[:, None]",
        },
    ),
    Mistake(
        "normal noise where Gumbel's belongs",
        "Only Gumbel noise makes the largest sum as likely as softmax says.",
        {
            DRAWN: "noise = rng.normal(size=rows.shape)\n"
            "    with np.errstate(divide='ignore'):\n"
            "        drawn = (np.log(rows) + noise).argmax(axis=-1)[:, None]",
        },
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
        "a fixed seed where no generator is given",
        "Without a generator each call is new: default_rng() without a seed.",
        {RNG: RNG.replace("default_rng()", "default_rng(0)")},
    ),
    Mistake(
        "drawing from a copy of the generator",
        "The generator itself draws, and so goes on; its copy draws the same again.",
        {
            DRAWN: "import copy\n\n    rng = copy.deepcopy(rng)\n    " + DRAWN,
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
        "one random number for all sequences",
        "Each sequence draws for itself: with one number, equal prompts go on alike.",
        {
            DRAWN: "number = rng.random()\n"
            "    drawn = [[int((row.cumsum() <= number).sum())] for row in rows]"
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
    Mistake(
        "refusing a temperature of 0 in generate",
        "0 means greedy.",
        {
            START: "if not math.isfinite(temperature) or temperature <= 0:\n"
            "        raise ValueError(f'temperature is {temperature}')\n    " + START
        },
    ),
    Mistake(
        "accepting NaN as a temperature",
        "NaN is no temperature: NaN < 0 is False, and NaN is not infinity.",
        {REFUSED: "if temperature < 0 or temperature == math.inf:"},
    ),
    Mistake(
        "accepting a negative temperature",
        "It turns the order of the tokens round.",
        {REFUSED: "if not math.isfinite(temperature):"},
    ),
    Mistake(
        "refusing a temperature above 1 or 2",
        "Any finite temperature from 0 up is one: above 1 it flattens.",
        {REFUSED: "if not 0 <= temperature <= 2:"},
    ),
    Mistake(
        "refusing a bad temperature only where it is drawn",
        "It is refused before anything else, also with do_sample=False.",
        {REFUSED: REFUSED.replace("if ", "if do_sample and (").replace(":", "):")},
    ),
    Mistake(
        "refusing a bad temperature in generate only",
        "generate_next_token refuses it: whoever calls that alone wants to know too.",
        {
            REFUSED: "if False:",
            START: REFUSED
            + "\n        raise ValueError(f'temperature is {temperature}')\n    "
            + START,
        },
    ),
    Mistake(
        "an assert instead of a ValueError",
        "Python leaves asserts out when it is told to optimize; callers catch the "
        "ValueError.",
        {
            REFUSED: "assert math.isfinite(temperature) and temperature >= 0\n"
            "    if False:"
        },
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
        "cropping only once, before the first token",
        "The text grows with each token: it is cropped each time.",
        {
            "context = input_ids\n": "pass\n",
            START: "context = input_ids\n    "
            + IS_LONG
            + "\n        context = context[:, -n_positions:]\n    "
            + START,
            IS_LONG + "\n            ": "if True:\n            ",
            CROP + "  #": "pass  #",
            CONCAT: CONCAT + "\n        context = F.concat([context, token], axis=1)",
        },
    ),
    Mistake(
        "cropping the prompt itself, once",
        "What the model sees is cropped, for each token anew; the result keeps all.",
        {
            START: IS_LONG.replace("context", "input_ids")
            + "\n        input_ids = input_ids[:, -n_positions:]\n    "
            + START,
            CROP: "pass",
        },
    ),
    Mistake(
        "cropping to one token more than n_positions",
        "The model sees the last n_positions tokens.",
        {
            CROP: "context = context[:, -n_positions - 1 :]",
        },
    ),
    Mistake(
        "dropping only the first token of a long text",
        "The model sees the last n_positions tokens, however long the text is.",
        {CROP: "context = context[:, 1:]"},
    ),
    Mistake(
        "cropping the rows instead of the tokens",
        "Tokens lie along axis 1: [:, -n_positions:].",
        {CROP: "context = context[-n_positions:]"},
    ),
    Mistake(
        "ending when the context is full",
        "The text goes on, and the model sees its last n_positions tokens.",
        {
            LOOP: LOOP
            + "\n        if n_positions and int(input_ids.shape[1]) >= n_positions:"
            + "\n            break"
        },
    ),
    Mistake(
        "refusing a text that is longer than n_positions",
        "It is cropped: the model sees its last n_positions tokens.",
        {CROP: "raise ValueError('the prompt is too long')"},
    ),
    Mistake(
        "showing the model only the last token",
        "Without a KV cache, the model has to see the whole text each time.",
        {"context = input_ids\n": "context = input_ids[:, -1:]\n"},
    ),
    Mistake(
        "showing the model the prompt, and then only the last token",
        "Without a KV cache, the model has to see the whole text each time.",
        {
            "context = input_ids\n": "context = input_ids if _ == 0 else "
            "input_ids[:, -1:]\n"
        },
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
    Mistake(
        "one token even if none is asked for",
        "max_new_tokens tokens are added; 0 adds none.",
        {LOOP: "for _ in range(max(1, max_new_tokens)):"},
    ),
    Mistake(
        "returning inside the loop",
        "The text is finished after the loop: return stands left of the loop's lines.",
        {RETURN: "            break\n        return input_ids\n    return input_ids"},
    ),
    Mistake(
        "not keeping what concat returns",
        "F.concat changes nothing: it returns the longer text.",
        {CONCAT: "F.concat([input_ids, token], axis=1)"},
    ),
    Mistake(
        "replacing the text by the new token",
        "The new token goes to the end of its sequence.",
        {CONCAT: "input_ids = token"},
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
        "not passing the generator that was given on",
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
    Mistake(
        "passing neither temperature nor do_sample nor rng on",
        "generate_next_token needs them.",
        {CALL: "model, context"},
    ),
    Mistake(
        "always the largest logit in generate",
        "generate_next_token chooses, as do_sample and temperature say.",
        {CALL: CALL.replace("=do_sample", "=False")},
    ),
    Mistake(
        "a generator with a fixed seed in generate",
        "The generator that was given draws; without one, each call is new.",
        {START: START.replace(FRESH, "rng = np.random.default_rng(0)")},
    ),
    Mistake(
        "a fixed seed in generate where no generator is given",
        "Without a generator each call is new: default_rng() without a seed.",
        {START: START.replace("default_rng()", "default_rng(0)")},
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
    Mistake(
        "taking a stop token of 0 for none",
        "0 is a token like any other, and counts as false: ask whether it is None.",
        {STOPS: "if stop_token:"},
    ),
    Mistake(
        "not remembering which rows have finished",
        "Once a row has produced stop_token it has finished, whatever comes next.",
        {IDS: "ids = token.to_numpy()", MARKS: "finished = ids == stop_token"},
    ),
    Mistake(
        "ending when the first row has finished",
        "It ends when every row has.",
        {ALL: "if finished[0]:"},
    ),
    Mistake(
        "ending when the last row has finished",
        "It ends when every row has.",
        {ALL: "if finished[-1]:"},
    ),
    Mistake(
        "one more token after every row has finished",
        "It ends as soon as every row has.",
        {
            LOOP: LOOP + "\n        over = finished.all()",
            ALL: "if over:",
        },
    ),
    Mistake(
        "a mask of finished rows [batch] for tokens [batch, 1]",
        "NumPy makes [batch, batch] of the two: the mask has to be [batch, 1] too.",
        {
            FINISHED: "finished = np.zeros(int(input_ids.shape[0]), dtype=bool)",
            MARKS: "finished |= token.to_numpy()[:, 0] == stop_token",
        },
    ),
    Mistake(
        "asking for the stop token as if there were one row",
        "A batch has a token for each row, and each row its own end.",
        {
            STOPS: STOPS + "\n            token.item()",
        },
    ),
    Mistake(
        "asking NumPy for the stop token as if there were one row",
        "A batch has a token for each row, and each row its own end.",
        {
            STOPS: STOPS + "\n            token.to_numpy().item()",
        },
    ),
    Mistake(
        "looking for the stop token in the first row only",
        "Each row of the batch has its own end.",
        {
            IDS: "ids = token.to_numpy()",
            ALL: "if stop_token is not None and ids[0, 0] == stop_token:",
        },
    ),
    Mistake(
        "looking for the stop token in the prompt too",
        PRODUCED,
        {
            ALL: "if False:",
            LOOP: LOOP
            + """
        if stop_token is not None:
            finished = (input_ids.to_numpy() == stop_token).any(axis=1, keepdims=True)
        if finished.all():
            break""",
            MARKS: "pass",
        },
    ),
    Mistake(
        "a prompt that ends with the stop token counts as finished",
        PRODUCED,
        {
            LOOP: """if stop_token is not None:
        finished = input_ids.to_numpy()[:, -1:] == stop_token
    """
            + LOOP
        },
    ),
    Mistake(
        "looking at the last token before the first is generated",
        PRODUCED,
        {
            ALL: "if False:",
            LOOP: LOOP
            + """
        if stop_token is not None:
            finished = input_ids.to_numpy()[:, -1:] == stop_token
        if finished.all():
            break""",
            MARKS: "pass",
        },
    ),
    Mistake(
        "filling finished rows with -1",
        "A row that has finished repeats stop_token.",
        {IDS: "ids = np.where(finished, -1, token.to_numpy())"},
    ),
    Mistake(
        "filling finished rows with 50256",
        "A row that has finished repeats stop_token, whichever that is.",
        {IDS: "ids = np.where(finished, 50256, token.to_numpy())"},
    ),
]
