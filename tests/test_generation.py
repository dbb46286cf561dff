"""Texts from the engine: the same as step 12 writes, alone or in a batch.

The two tiny models' graphs compile for half a minute each, the first time.
"""

import functools

import numpy as np
import pytest
from max.driver import CPU
from max.dtype import DType
from max.experimental.tensor import Tensor

from gpt2 import PRECISIONS, load
from gpt2.beam import BeamSearch
from gpt2.checkpoint import load_checkpoint
from gpt2.decoding import Decoding, generators
from gpt2.eager_engine import EagerEngine
from gpt2.generation import generate
from gpt2.learner import load_steps
from gpt2.pipeline import Pipeline, completions
from solutions import solution_12
from solutions.solution_01 import GPT2Config
from tests.quick import some


@pytest.fixture(scope="module")
def shakespeare() -> Pipeline:
    return load("models/shakespeare")


@pytest.fixture(scope="module")
def names() -> Pipeline:
    """16 positions: its context is soon full."""
    return load("models/names")


@functools.cache
def eagerly(model: Pipeline) -> Pipeline:
    """The twelve files as they are, with the same weights."""
    checkpoint = load_checkpoint(model.checkpoint.source)
    steps = load_steps("solutions")
    engine = EagerEngine(checkpoint.config, checkpoint.weights, steps=steps)
    return Pipeline(checkpoint, engine)


def step_12(model: Pipeline, prompt: str, count: int, **how: object) -> list[int]:
    """The new ids of step 12's own loop."""
    ids = model.encode(prompt)
    rows = solution_12.generate(
        eagerly(model).engine.model,
        Tensor([ids], dtype=DType.int64, device=CPU()),
        count,
        n_positions=model.engine.config.n_positions,
        stop_token=model.checkpoint.boundary,
        **how,
    )
    return rows.to_numpy()[0, len(ids) :].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0, 0.7, 1.3])
def test_the_text_of_step_12(shakespeare, eager, temperature):
    """Token for token, for one seed: from the engine, and from the eager one.

    The quick tests see one such text, in test_cli.py.
    """
    rng = np.random.default_rng(5)
    expected = step_12(shakespeare, "ROMEO:", 16, temperature=temperature, rng=rng)
    for model in (shakespeare, eagerly(shakespeare)):
        decoding = Decoding(temperature=temperature)
        text = model.generate("ROMEO:", decoding, max_new_tokens=16, seed=5)
        assert text.ids == expected


def test_beyond_the_context(names, eager):
    """The last n_positions tokens go on, in rows that reach it at different times."""
    decoding = Decoding(temperature=0)
    prompts = ["anna", "ka", "elisabethmari"]
    ids = [names.encode(prompt) for prompt in prompts]
    texts: list[list[int]] = [[] for _ in prompts]
    tokenizer, rngs = names.checkpoint.tokenizer, generators(0, 3)
    how = {"max_new_tokens": [20] * 3}
    for step in generate(names.engine, tokenizer, ids, [decoding] * 3, rngs, **how):
        texts[step.index].append(step.token)
    for prompt, text in zip(ids, texts, strict=True):
        start = Tensor([prompt], dtype=DType.int64, device=CPU())
        rows = solution_12.generate(
            eagerly(names).engine.model, start, 20, do_sample=False, n_positions=16
        )
        assert text == rows.to_numpy()[0, len(prompt) :].tolist()


def test_a_row_does_not_depend_on_its_neighbours(shakespeare):
    """Nor on how many tokens they have, nor on where they end."""
    prompts = ["ROMEO:", "What, ho! I say,", "", "KING"]
    how = {"max_new_tokens": 50, "stop": ["."]}
    batch = shakespeare.generate_batch(prompts, Decoding(top_p=0.9), seed=3, **how)
    assert len({len(text.ids) for text in batch}) > 1
    seeds = np.random.SeedSequence(3).spawn(len(prompts))
    for prompt, together, seed in zip(prompts, batch, seeds, strict=True):
        rngs = [np.random.default_rng(seed)]
        alone = shakespeare.generate(prompt, Decoding(top_p=0.9), rngs=rngs, **how)
        assert together == alone


def test_each_prompt_may_have_its_own_decoding_and_stops(shakespeare):
    """And its text is the one that it has alone."""
    decodings = [Decoding(0), Decoding(0.6), Decoding(top_k=5)]
    stops = [["e"], [], [".", "a"]]
    rngs = [np.random.default_rng(i) for i in range(3)]
    texts = shakespeare.generate_batch(
        ["KING"] * 3, decodings, stop=stops, rngs=rngs, max_new_tokens=20
    )
    for i, text in enumerate(texts):
        how = {"stop": stops[i], "seed": i, "max_new_tokens": 20}
        assert text == shakespeare.generate("KING", decodings[i], **how)
    assert [text.end for text in texts] == ["stop", "length", "stop"]


@pytest.mark.parametrize("decoding", [Decoding(0), Decoding(0.6, top_k=40)])
def test_guesses_change_nothing(shakespeare, decoding, monkeypatch):
    """Bit for bit, in fewer calls."""
    calls = []
    read = shakespeare.engine.read

    def counted(*texts, **how):
        calls.append(texts)
        return read(*texts, **how)

    monkeypatch.setattr(shakespeare.engine, "read", counted)
    how = {"seed": 2, "max_new_tokens": 80}
    steps = list(shakespeare.steps(["ROMEO:"], decoding, **how))
    with_guesses = len(calls)
    calls.clear()
    plain = list(shakespeare.steps(["ROMEO:"], decoding, draft=False, **how))
    assert with_guesses < len(calls) == 80
    for step, other in zip(steps, plain, strict=True):
        assert (step.token, step.text, step.end) == (other.token, other.text, other.end)
        assert np.array_equal(step.logits, other.logits)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("source", some(["shakespeare", "names"], "shakespeare".__eq__))
def test_a_text_is_the_same_however_it_is_written(source, precision):
    """Alone, in batches of any size, with guesses and without, and where an interrupted
    text is taken up again: bit for bit."""
    model = load(f"models/{source}", precision=precision)
    prompts = ["ka", "anna", "", "so", "maria", "lea", "in", "elisa", "t"]
    counts = [80, 3, 40, 1, 25, 60, 8, 90, 30]
    how = {"max_new_tokens": counts, "full_context": "stop", "seed": 4}

    def logits(**more: object) -> dict[tuple[int, int], np.ndarray]:
        """By text, and the number of tokens before."""
        steps = model.steps(prompts, Decoding(0.8), **how, **more)
        return {(step.index, len(step.context)): step.logits for step in steps}

    alone = logits(batch_size=1, draft=False)
    others = [logits(batch_size=n) for n in (1, 2, 9)]
    for other in others:
        assert other.keys() == alone.keys()
        assert all(np.array_equal(other[place], alone[place]) for place in alone)
    for step in model.steps(prompts, Decoding(0.8), **how):
        if len(step.context) % 7 == 0:  # the prompt of whoever goes on
            said, _ = model.engine.prefill([step.context])
            assert np.array_equal(said[0], alone[step.index, len(step.context)])


def test_the_stream_is_the_text(shakespeare):
    how = {"max_new_tokens": 30, "seed": 8}
    pieces = list(shakespeare.stream("ROMEO:", **how))
    assert len(pieces) > 5 and all(pieces)
    assert "".join(pieces) == shakespeare.generate("ROMEO:", **how).text


def test_logprobs_are_the_models_own(shakespeare):
    """Whatever a filter makes of them: greedy's are the highest there are."""
    how = {"max_new_tokens": 5, "logprobs": True}
    text = shakespeare.generate("ROMEO:", Decoding(top_k=1), **how)
    ids = shakespeare.encode("ROMEO:")
    for token, logprob in zip(text.ids, text.logprobs, strict=True):
        logits, _ = shakespeare.engine.prefill([ids])
        weights = np.exp(logits[0].astype(np.float64))
        assert logprob == pytest.approx(np.log(weights[token] / weights.sum()))
        assert token == logits[0].argmax()
        ids.append(token)
    assert len(text.logprobs) == 5
    assert shakespeare.generate("ROMEO:", max_new_tokens=5).logprobs == []


# --- Batch -------------------------------------------------------------------------


class Answering(EagerEngine):
    """Has no model: its logits are drawn, by all ids that a row of the cache holds.

    So a text shows whatever is read wrongly.  It notes what is read.
    """

    def __init__(self, config: GPT2Config) -> None:
        self.config = config
        self.capacity = 0
        self.calls: list[dict[int, list[int]]] = []

    def new_cache(self, rows, capacity=None):
        self.capacity = capacity
        return super().new_cache(rows, capacity)

    def read(self, texts, cache, *, every=False):
        self.calls.append({row: [*tokens] for row, tokens in texts.items()})
        return super().read(texts, cache, every=every)

    def following(self, ids):
        return np.random.default_rng(ids).normal(size=27).astype(np.float32)


@pytest.fixture
def answering(names) -> Answering:
    return Answering(names.engine.config)


def written(engine, names, prompts, counts, **how) -> list[list[int]]:
    """The new tokens of each prompt, which ends nowhere but after its count."""
    texts: list[list[int]] = [[] for _ in prompts]
    tokenizer, rngs = names.checkpoint.tokenizer, generators(0, len(prompts))
    how = {"max_new_tokens": counts, **how}
    decodings = [Decoding()] * len(prompts)
    for step in generate(engine, tokenizer, prompts, decodings, rngs, **how):
        texts[step.index].append(step.token)
    return texts


PROMPTS = [[1], [2, 3], [4, 5, 6], [7], [8, 9]]
COUNTS = [2, 4, 1, 3, 2]


def test_a_text_that_waits_takes_the_row_of_one_that_has_ended(answering, names):
    """Its prompt is read beside the others' tokens, and nobody waits for anybody."""
    texts = written(answering, names, PROMPTS, COUNTS, batch_size=2)
    assert [len(text) for text in texts] == COUNTS
    first, second, _, fourth, fifth = texts
    assert answering.calls == [
        {0: [1], 1: [2, 3]},
        {0: first[:1], 1: second[:1]},
        {1: second[1:2], 0: [4, 5, 6]},
        {1: second[2:3], 0: [7]},
        {0: fourth[:1], 1: [8, 9]},
        {0: fourth[1:2], 1: fifth[:1]},
    ]
    assert answering.capacity == 5  # of the second: its last token is not read


@pytest.mark.parametrize("full_context", ["slide", "drop", "stop"])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 9])
def test_texts_do_not_depend_on_the_batch_size(
    answering, names, batch_size, full_context
):
    counts = [3, 40, 0, 17, 30]
    how = {"full_context": full_context}
    together = written(answering, names, PROMPTS, counts, **how)
    cut = {"slide": counts, "drop": counts, "stop": [3, 14, 0, 15, 14]}[full_context]
    assert [len(text) for text in together] == cut
    how["batch_size"] = batch_size
    assert written(answering, names, PROMPTS, counts, **how) == together


def test_a_full_context_slides_or_drops_its_oldest_quarter(answering, names):
    """16 positions; what each token is chosen by, and what is read for it."""
    for full_context, dropped in (("slide", 1), ("drop", 4)):
        answering.calls.clear()
        how = {"full_context": full_context}
        ((*new,),) = written(answering, names, [[1]], [40], **how)
        text, start, rng = [1], 0, generators(0, 1)[0]
        read = []
        for token in new:
            anew = len(text) - start > 16
            start += dropped if anew else 0
            logits = answering.following(text[start:])
            assert token == Decoding().choose(logits, text, rng)
            read.append({0: text[start:] if anew else text[-1:]})
            text.append(token)
        assert answering.calls == read
    assert [len(call[0]) for call in read] == 16 * [1] + 6 * [13, 1, 1, 1]


def test_a_dropped_context_is_the_same_in_company(names):
    """Bit for bit, from the engine."""
    prompts = [names.encode(name) for name in ("anna", "ka", "elisabethmari")]

    def logits(**how):
        tokenizer, rngs = names.checkpoint.tokenizer, generators(0, 3)
        steps = generate(
            *(names.engine, tokenizer, prompts, [Decoding()] * 3, rngs),
            max_new_tokens=[30, 9, 20],
            full_context="drop",
            **how,
        )
        return {(step.index, len(step.context)): step.logits for step in steps}

    together, alone = logits(), logits(batch_size=1)
    assert together.keys() == alone.keys() and len(alone) == 59
    for place, said in together.items():
        assert np.array_equal(said, alone[place])


def test_whole_texts_come_in_order(shakespeare):
    """As soon as those before them have ended, not at the end."""
    prompts = ["A", "B", "C"]
    steps = shakespeare.steps(prompts, max_new_tokens=[4, 2, 30], seed=0)
    seen = 0

    def counted():
        nonlocal seen
        for seen, step in enumerate(steps, start=1):  # noqa: B007 (used outside)
            yield step

    came = [
        (text.prompt, len(text.ids), seen) for text in completions(prompts, counted())
    ]
    assert came == [("A", 4, 9), ("B", 2, 9), ("C", 30, 36)]


# --- Ending ------------------------------------------------------------------------


def test_a_stop_string_ends_it_across_tokens(shakespeare):
    tokenizer = shakespeare.checkpoint.tokenizer
    whole = shakespeare.generate("ROMEO:", seed=1).text
    stop = whole[20:40]
    assert len(tokenizer.encode(stop).ids) > 1
    text = shakespeare.generate("ROMEO:", seed=1, stop=["nowhere", stop])
    assert text.end == "stop"
    assert text.text == whole[: whole.index(stop)]


def test_a_stop_token_ends_it(shakespeare):
    text = shakespeare.generate("ROMEO:", seed=1, stop_tokens=[","])
    assert text.end == "stop"
    assert text.ids[-1] == shakespeare.checkpoint.tokenizer.token_to_id(",")
    assert "," not in text.text


def test_the_boundary_ends_it(names):
    text = names.generate("", Decoding(temperature=0.5), seed=1)
    assert text.end == "stop"
    assert text.ids[-1] == names.checkpoint.boundary
    assert text.text.isalpha()


def test_the_limit_ends_it_only_if_asked(shakespeare):
    n_positions = shakespeare.engine.config.n_positions
    how = {"seed": 1, "max_new_tokens": n_positions}
    free = shakespeare.generate("ROMEO:", **how)
    assert free.end == "length" and len(free.ids) == n_positions
    limited = shakespeare.generate("ROMEO:", full_context="stop", **how)
    assert limited.end == "limit"
    room = n_positions - len(shakespeare.encode("ROMEO:"))
    assert limited.ids == free.ids[:room]


def test_no_tokens(shakespeare):
    text = shakespeare.generate("ROMEO:", max_new_tokens=0)
    assert (text.text, text.ids, text.end) == ("", [], "length")
    counts = {"max_new_tokens": [1, 0, 2]}
    texts = shakespeare.generate_batch(["A", "B", "C"], **counts)
    assert [len(text.ids) for text in texts] == [1, 0, 2]


def test_beams(shakespeare):
    """The best of them is likelier than what greedy finds."""
    found = shakespeare.search(
        "ROMEO:", BeamSearch(4, num_return_sequences=3, length_penalty=0.0),
        max_new_tokens=12,
    )  # fmt: skip
    scores = [score for _, score in found]
    assert len(found) == 3 and scores == sorted(scores, reverse=True)
    how = {"max_new_tokens": 12, "logprobs": True}
    greedy = shakespeare.generate("ROMEO:", Decoding(temperature=0), **how)
    assert scores[0] > sum(greedy.logprobs)


REFUSED = {
    "a stop token it lacks": ({"stop_tokens": ["<pad>"]}, "'<pad>' is no token of"),
    "an empty stop string": ({"stop": [""]}, "a stop string is empty"),
    "a stop that is no list": ({"stop": "A"}, "stop and stop_tokens are lists"),
    "a seed below 0": ({"seed": -1}, "seed must be 0 or more"),
    "too few generators": ({"rngs": []}, "0 rngs for 1 prompts"),
    "too few lengths": ({"max_new_tokens": []}, "0 max_new_tokens for 1 prompts"),
    "stops of another": ({"stop": [[], []]}, "2 stop for 1 prompts: give one"),
    "no way to choose": ({"decoding": []}, "0 decoding for 1 prompts"),
    "another context": ({"full_context": "x"}, "'x' is none of slide, drop, stop"),
    "no batch": ({"batch_size": 0}, "batch_size must be 1 or more"),
    "less than nothing": ({"max_new_tokens": -1}, "max_new_tokens must be 0 or more"),
}


@pytest.mark.parametrize("options, message", REFUSED.values(), ids=list(REFUSED))
def test_a_bad_option_is_refused(shakespeare, options, message):
    with pytest.raises(ValueError, match=message):
        shakespeare.generate("ROMEO:", **options)


def test_a_name_that_is_no_option_is_refused(shakespeare):
    with pytest.raises(TypeError, match="max_tokens"):
        shakespeare.generate("ROMEO:", max_tokens=3)


def test_a_prompt_that_cannot_be_read_is_refused(shakespeare, names):
    with pytest.raises(ValueError, match="the prompt is 17 tokens long, and .* 16"):
        names.generate("a" * 17)
    with pytest.raises(ValueError, match="characters that .* has no tokens for"):
        names.generate("Émile")
    with pytest.raises(ValueError, match="not valid UTF-8"):
        shakespeare.generate("\udc80")
