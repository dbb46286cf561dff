"""Beam search against Hugging Face transformers' `generate(num_beams=...)`.

`tests/golden/make.py` made what it is held to.  The engine here is a slow one, which
keeps nothing but the ids and computes everything anew: no MAX, and the same interface.
"""

import json
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from gpt2.beam import BeamSearch
from gpt2.checkpoint import load_checkpoint
from gpt2.decoding import log_softmax
from tests import reference

GOLDEN = Path(__file__).parent / "golden"
CASES = json.loads((GOLDEN / "beams.json").read_text())
NAMES = sorted({case["checkpoint"] for case in CASES})
PROMPT = [3, 1, 4, 1, 5]


class Rows:
    """A cache of ids `[batch, seq]`."""

    def __init__(self, ids: np.ndarray, capacity: int) -> None:
        self.ids, self.capacity = ids, capacity

    def reorder(self, rows: list[int]) -> "Rows":
        return Rows(self.ids[rows], self.capacity)


class SlowEngine:
    """The interface of `gpt2.engine.Engine` on the formulas of `reference`."""

    def __init__(self, name: str) -> None:
        checkpoint = load_checkpoint(GOLDEN / name)
        self.config = checkpoint.config
        self.weights = {
            key.removeprefix("transformer."): np.asarray(weight)
            for key, weight in checkpoint.weights.items()
        }

    def logits(self, ids: np.ndarray) -> np.ndarray:
        """`[batch, seq]` to `[batch, vocab_size]`."""
        sizes = self.config.n_layer, self.config.n_head, self.config.layer_norm_epsilon
        x = reference.model(ids, np.arange(ids.shape[1]), self.weights, *sizes)
        x = x[:, -1] @ self.weights["wte.weight"].T  # [batch, vocab_size]
        return x.astype(np.float32)

    def prefill(self, prompts: Any, capacity: int) -> tuple[np.ndarray, Rows]:
        assert len(prompts[0]) <= capacity <= self.config.n_positions
        return self.logits(np.array(prompts)), Rows(np.array(prompts), capacity)

    def decode(self, tokens: list[int], rows: Rows) -> np.ndarray:
        rows.ids = np.column_stack([rows.ids, tokens])  # [batch, seq]
        assert rows.ids.shape[1] <= rows.capacity
        return self.logits(rows.ids)


engine = cache(SlowEngine)


def arguments(case: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """A golden case's BeamSearch and stop tokens."""
    names = "num_beams num_return_sequences length_penalty early_stopping".split()
    return {name: case[name] for name in names}, case["eos_token_id"]


@pytest.mark.parametrize("name", NAMES)
def test_texts_and_scores_are_those_of_transformers(name):
    cases = [case for case in CASES if case["checkpoint"] == name]
    assert len(cases) == 84
    for case in cases:
        beams, stops = arguments(case)
        found = BeamSearch(**beams).search(
            engine(name), case["prompt"], case["max_new_tokens"], stop_tokens=stops
        )
        assert [text.ids for text in found] == case["texts"], case
        scores = [text.score for text in found]
        np.testing.assert_allclose(scores, case["scores"], atol=2e-5, err_msg=str(case))


@pytest.mark.parametrize("argument", ["length_penalty", "early_stopping"])
def test_the_golden_texts_depend_on_each_value(argument):
    groups: dict[str, dict[Any, Any]] = {}  # of cases that differ in it alone
    for case in CASES:
        same = {k: v for k, v in case.items() if k not in ("texts", "scores", argument)}
        groups.setdefault(json.dumps(same), {})[case[argument]] = case["texts"]
    for one, other in combinations({case[argument] for case in CASES}, 2):
        pairs = [(g[one], g[other]) for g in groups.values() if {one, other} <= set(g)]
        assert any(texts != others for texts, others in pairs)


@pytest.mark.parametrize("penalty", [1, 0.5, -2])
def test_with_beams_for_all_tokens_nothing_is_missed(penalty):
    slow = engine("inner_set")
    vocab_size = slow.config.vocab_size
    first, cache = slow.prefill([PROMPT], len(PROMPT) + 1)  # [1, vocab_size]
    second = slow.decode(range(vocab_size), cache.reorder([0] * vocab_size))
    both = log_softmax(first).T + log_softmax(second)  # [first token, second token]

    search = BeamSearch(vocab_size, num_return_sequences=10, length_penalty=penalty)
    found = search.search(slow, PROMPT, 2)
    likeliest = np.argsort(-both, axis=None)[:10]
    assert [text.ids for text in found] == [
        list(divmod(int(both), vocab_size)) for both in likeliest
    ]
    scores = [text.score for text in found]
    np.testing.assert_allclose(scores, both.flat[likeliest] / 2**penalty, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_one_beam_is_greedy(name):
    expected = load_file(GOLDEN / name / "expected.safetensors")
    prompt, greedy = expected["input_ids"][0], expected["greedy"][0]
    [text] = BeamSearch(1).search(engine(name), prompt.tolist(), 5)
    room = engine(name).config.n_positions + 1 - len(prompt)
    assert text.ids == greedy[len(prompt) :][:room].tolist()


def test_it_stops_when_the_context_is_full():
    [case] = [
        case
        for case in CASES
        if case["checkpoint"] == "odd_heads"
        and case["num_beams"] == 5
        and case["length_penalty"] == 1
        and not case["eos_token_id"]
    ]
    beams, _ = arguments(case)
    found = BeamSearch(**beams).search(engine("odd_heads"), case["prompt"], 1000)
    assert [text.ids for text in found] == case["texts"]
    assert len(case["prompt"]) + len(case["texts"][0]) == 17 + 1


def test_fewer_texts_are_the_best_ones():
    search = BeamSearch(4, num_return_sequences=4)
    four = search.search(engine("odd_heads"), PROMPT, 6, stop_tokens={52, 14})
    assert four == sorted(four, key=lambda text: -text.score)
    fewer = replace(search, num_return_sequences=2)
    two = fewer.search(engine("odd_heads"), PROMPT, 6, stop_tokens={52, 14})
    assert two == four[:2]


@pytest.mark.parametrize(
    "values, message",
    [
        ({"num_beams": 0}, "num_beams must be a whole number above 0, not 0"),
        ({"num_beams": 2.5}, "num_beams must be a whole number above 0, not 2.5"),
        ({"num_return_sequences": 0}, "num_return_sequences must be a whole number"),
        ({"num_return_sequences": 3}, r"num_return_sequences \(3\) must be at most"),
        ({"length_penalty": float("nan")}, "length_penalty must be .*, not nan"),
        ({"length_penalty": float("-inf")}, "length_penalty must be .*, not -inf"),
        ({"length_penalty": "long"}, "length_penalty must be .*, not long"),
        ({"early_stopping": "soon"}, "early_stopping must be .*, not 'soon'"),
        ({"early_stopping": None}, "early_stopping must be .*, not None"),
    ],
)
def test_a_bad_value_is_named(values, message):
    with pytest.raises(ValueError, match=message):
        BeamSearch(**{"num_beams": 2, **values})


def test_a_search_that_cannot_be_is_refused():
    slow = engine("odd_heads")
    with pytest.raises(ValueError, match="the prompt must have 1 to 17 tokens, not 0"):
        BeamSearch(2).search(slow, [], 5)
    with pytest.raises(ValueError, match="the prompt must have 1 to 17 tokens, not 18"):
        BeamSearch(2).search(slow, [0] * 18, 5)
    with pytest.raises(ValueError, match="max_new_tokens must be 1 or more, not 0"):
        BeamSearch(2).search(slow, PROMPT, 0)
    with pytest.raises(ValueError, match=r"num_beams \(61\) .* vocab_size \(61\)"):
        BeamSearch(61).search(slow, PROMPT, 5, stop_tokens=[60])
    assert len(BeamSearch(60, 60).search(slow, PROMPT, 2, stop_tokens=[60])) == 60
