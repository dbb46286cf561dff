"""Texts from the engine: the same as step 12 writes, alone or in a batch.

The two tiny models' graphs compile for half a minute each, the first time.
"""

import functools

import numpy as np
import pytest
from max.driver import CPU
from max.dtype import DType
from max.experimental.tensor import Tensor

from gpt2 import load
from gpt2.beam import BeamSearch
from gpt2.decoding import Decoding, generators
from gpt2.eager_engine import EagerEngine
from gpt2.generation import generate
from gpt2.learner import load_steps
from gpt2.pipeline import Pipeline
from solutions import solution_12


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
    checkpoint = model.checkpoint
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
    how = {"max_new_tokens": 20, "stop_tokens": ()}
    ids = [names.encode(prompt) for prompt in prompts]
    texts: list[list[int]] = [[] for _ in prompts]
    tokenizer, rngs = names.checkpoint.tokenizer, generators(0, 3)
    for step in generate(names.engine, tokenizer, ids, decoding, rngs, **how):
        texts[step.row].append(step.token)
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
        alone = ""
        for step in generate(
            shakespeare.engine,
            shakespeare.checkpoint.tokenizer,
            [shakespeare.encode(prompt)],
            Decoding(top_p=0.9),
            [np.random.default_rng(seed)],
            stop_tokens=shakespeare.stop_ids(),
            **how,
        ):
            alone += step.text
        assert together.text == alone


def test_the_stream_is_the_text(shakespeare):
    how = {"max_new_tokens": 30, "seed": 8}
    pieces = list(shakespeare.stream("ROMEO:", **how))
    assert len(pieces) > 5 and all(pieces)
    assert "".join(pieces) == shakespeare.generate("ROMEO:", **how).text


def test_logprobs_are_the_models_own(shakespeare):
    """Whatever a filter makes of them: greedy's are the highest there are."""
    text = shakespeare.generate("ROMEO:", Decoding(top_k=1), max_new_tokens=5)
    ids = shakespeare.encode("ROMEO:")
    for token, logprob in zip(text.ids, text.logprobs, strict=True):
        logits, _ = shakespeare.engine.prefill([ids])
        weights = np.exp(logits[0].astype(np.float64))
        assert logprob == pytest.approx(np.log(weights[token] / weights.sum()))
        assert token == logits[0].argmax()
        ids.append(token)


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
    limited = shakespeare.generate("ROMEO:", stop_at_limit=True, **how)
    assert limited.end == "limit"
    room = n_positions - len(shakespeare.encode("ROMEO:"))
    assert limited.ids == free.ids[:room]


def test_no_tokens(shakespeare):
    text = shakespeare.generate("ROMEO:", max_new_tokens=0)
    assert (text.text, text.ids, text.end) == ("", [], "length")


def test_beams(shakespeare):
    """The best of them is likelier than what greedy finds."""
    found = shakespeare.search(
        "ROMEO:", BeamSearch(4, num_return_sequences=3, length_penalty=0.0),
        max_new_tokens=12,
    )  # fmt: skip
    scores = [score for _, score in found]
    assert len(found) == 3 and scores == sorted(scores, reverse=True)
    greedy = shakespeare.generate("ROMEO:", Decoding(temperature=0), max_new_tokens=12)
    assert scores[0] > sum(greedy.logprobs)


REFUSED = {
    "a stop token it lacks": ({"stop_tokens": ["<pad>"]}, "'<pad>' is no token of"),
    "an empty stop string": ({"stop": [""]}, "a stop string is empty"),
    "a stop that is no list": ({"stop": "A"}, "stop and stop_tokens are lists"),
    "a seed below 0": ({"seed": -1}, "seed must be 0 or more"),
    "too few generators": ({"rngs": []}, "0 rngs for 1 prompts"),
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
