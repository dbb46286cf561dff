"""Guessed tokens: which, when, and that the text is the same without them."""

from itertools import pairwise

import numpy as np
import pytest

from gpt2.checkpoint import load_tokenizer
from gpt2.decoding import Decoding, generators
from gpt2.drafting import draft
from gpt2.eager_engine import EagerEngine
from gpt2.generation import Step, generate
from solutions.solution_01 import GPT2Config

TOKENIZER = load_tokenizer("models/names")


@pytest.mark.parametrize(
    "ids, expected",
    [
        ([1, 2, 3, 4, 5, 1, 2], [3, 4, 5, 1]),
        ([1, 2, 3, 9, 1, 2, 4, 8, 7, 1, 2], [4, 8, 7, 1]),  # the last time counts
        ([1, 2, 3, 1, 2], [3, 1, 2, 3]),  # on beyond the end
        ([5, 5, 5], [5, 5, 5, 5]),
        ([2, 1, 3, 1, 2], []),
        ([1, 2], []),
        ([1], []),
        ([], []),
    ],
)
def test_what_followed_the_last_two_tokens_is_guessed(ids, expected):
    assert draft(ids, 4) == expected
    assert draft(ids, 1) == expected[:1]
    assert draft(ids, 0) == draft(ids, -1) == []


class Repeating(EagerEngine):
    """Has no model: a token often follows from the last, but not always.

    Its logits are drawn by all ids that a row of the cache holds, so that a text shows
    whatever is read wrongly.  It notes how many tokens it reads of each text.
    """

    def __init__(self, at_once: int) -> None:
        self.config = GPT2Config(27, 16, 8, 1, 1)
        self.at_once = at_once
        self.calls: list[dict[int, int]] = []

    def read(self, texts, cache, *, every=False):
        self.calls.append({row: len(tokens) for row, tokens in texts.items()})
        return super().read(texts, cache, every=every)

    def following(self, ids):
        logits = np.random.default_rng(ids).normal(size=27).astype(np.float32)
        logits[(ids[-1] * 5 + 1) % 4] += 4
        return logits


def written(engine, prompts, decoding, *, count=12, **how) -> list[list[Step]]:
    """The steps of each prompt."""
    steps: list[list[Step]] = [[] for _ in prompts]
    rngs = generators(0, len(prompts))
    how = {"max_new_tokens": [count] * len(prompts), **how}
    decodings = [decoding] * len(prompts)
    for step in generate(engine, TOKENIZER, prompts, decodings, rngs, **how):
        steps[step.index].append(step)
    return steps


def seen(texts: list[list[Step]]) -> list[list[tuple]]:
    """All of a step, so that it can be compared."""
    return [
        [(s.token, s.text, s.end, s.logits.tolist(), s.context) for s in steps]
        for steps in texts
    ]


PROMPTS = [[1, 2, 3, 1, 2], [4], [0, 1, 2, 3, 0, 1], [6, 1]]


@pytest.mark.parametrize("full_context", ["slide", "drop", "stop"])
@pytest.mark.parametrize("batch_size", [1, 2, 4])
@pytest.mark.parametrize(
    "decoding", [Decoding(0), Decoding(), Decoding(0.8, 9, 0.9, 0.01, 1.3)]
)
def test_the_text_is_the_same_with_and_without(decoding, batch_size, full_context):
    """Whatever ends it, beyond the context too; and it takes fewer calls."""
    how = {"batch_size": batch_size, "full_context": full_context}
    stops = [["bab", "da"]] * len(PROMPTS)
    endings = [{}, {"stops": stops}, {"stop_tokens": [0]}, {"count": 40}]
    for ending in endings:
        drafting, plain = Repeating(8), Repeating(8)
        texts = written(drafting, PROMPTS, decoding, **how, **ending)
        expected = written(plain, PROMPTS, decoding, draft=False, **how, **ending)
        assert seen(texts) == seen(expected)
        assert len(drafting.calls) <= len(plain.calls)


def test_guesses_that_come_true_need_no_call():
    """Greedy goes in circles here."""
    drafting = Repeating(8)
    ((*steps,),) = written(drafting, [[1, 2]], Decoding(0), count=14)
    assert len(steps) == 14
    assert len(drafting.calls) < 9
    for step, after in pairwise(steps):
        assert after.context == [*step.context, step.token]
    plain = Repeating(8)
    written(plain, [[1, 2]], Decoding(0), count=14, draft=False)
    assert plain.calls == [{0: 2}] + [{0: 1}] * 13


def test_all_texts_together_are_read_at_once():
    """Prompts alone, then as many guesses as there is room for."""
    for at_once in (1, 3, 4, 8):
        engine = Repeating(at_once)
        written(engine, PROMPTS[:3], Decoding(0), count=9)
        assert engine.calls[0] == {0: 5, 1: 1, 2: 6}
        most = max(sum(call.values()) for call in engine.calls[1:])
        assert most == max(at_once, 3)


def test_nothing_is_guessed_that_could_not_be_used():
    """Beyond the last token that is wanted, or beyond the context."""
    engine = Repeating(8)
    written(engine, [[0, 1, 2, 3, 0, 1]], Decoding(0), count=3)
    assert engine.calls == [{0: 6}, {0: 2}]
    engine.calls.clear()
    written(engine, [[1, 2] * 8], Decoding(0), count=6)
    assert engine.calls == [{0: 16}] * 6
