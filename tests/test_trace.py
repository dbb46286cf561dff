"""The look inside: candidates, what was cut, what came; as a table and as JSON."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from gpt2.checkpoint import load_tokenizer
from gpt2.decoding import Decoding
from gpt2.generation import Step
from gpt2.trace import CANDIDATES, trace, traced

PROBABILITIES = [0.25, 0.5, 0.15, 0.07, 0.03]


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("models/shakespeare")


def step(token: int, logits: np.ndarray) -> Step:
    return Step(0, token, "", None, logits.astype(np.float32), [34, 35])


def test_each_candidate_is_drawn_with_a_probability_or_cut_by_one_filter(tokenizer):
    """0.03 goes first, by top-k; 0.5, 0.25 and 0.15 are enough for 0.85 of the rest."""
    drawn = step(0, np.log(PROBABILITIES))
    look = trace(drawn, 1, Decoding(top_k=4, top_p=0.85), tokenizer)
    assert [candidate.id for candidate in look.candidates] == [1, 0, 2, 3, 4]
    model = [candidate.probability for candidate in look.candidates]
    assert model == pytest.approx([0.5, 0.25, 0.15, 0.07, 0.03])
    shares = [candidate.drawn_with for candidate in look.candidates[:3]]
    assert shares == pytest.approx([0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9])
    assert [candidate.drawn_with for candidate in look.candidates[3:]] == [None, None]
    cut_by = [candidate.removed_by for candidate in look.candidates]
    assert cut_by == [None, None, None, "top_p", "top_k"]
    assert look.removed == {"top_k": 1, "top_p": 1} and look.left == 3
    assert look.logprob == pytest.approx(np.log(0.25))


def test_a_temperature_changes_what_is_drawn_with_and_cuts_nothing(tokenizer):
    look = trace(
        step(1, np.log(PROBABILITIES)), 1, Decoding(temperature=0.5), tokenizer
    )
    squares = np.square(PROBABILITIES) / np.square(PROBABILITIES).sum()
    shares = [candidate.drawn_with for candidate in look.candidates]
    assert shares == pytest.approx(sorted(squares, reverse=True), rel=1e-5)
    assert look.removed == {} and look.left == 5


@pytest.mark.parametrize("how", [{"do_sample": False}, {"temperature": 0.0}])
def test_greedy_leaves_one(tokenizer, how):
    look = trace(step(1, np.log(PROBABILITIES)), 1, Decoding(**how), tokenizer)
    assert look.left == 1 and look.removed == {"greedy": 4}
    assert look.candidates[0].drawn_with == 1


def test_the_drawn_one_is_shown_even_if_it_is_unlikely(tokenizer):
    logits = np.arange(512, 0, -1) / 100
    look = trace(step(300, logits), 1, Decoding(), tokenizer)
    shown = [candidate.id for candidate in look.candidates]
    assert shown == [*range(CANDIDATES), 300]


def test_the_table_marks_the_drawn_one_and_fits_80_columns(tokenizer):
    """The longest tokens of the vocabulary are the likeliest here."""
    vocabulary = tokenizer.get_vocab()
    longest = sorted(vocabulary, key=len)[-CANDIDATES:]
    logits = np.zeros(len(vocabulary))
    logits[[vocabulary[token] for token in longest]] = 100
    token = vocabulary[longest[3]]
    out = io.StringIO()
    console = Console(file=out, width=80)
    context = Step(0, token, "", "stop", logits.astype(np.float32), [5] * 200)
    steps = traced(iter([context]), Decoding(min_p=0.5), tokenizer, console=console)
    assert list(steps) == [context]
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    (marked,) = [line for line in lines if line.startswith("->")]
    assert f" {token} " in marked
    assert f"{CANDIDATES} of 512 tokens left; cut: {512 - CANDIDATES} by min_p" in lines


def test_the_file_has_one_line_for_each_token(tokenizer):
    logits = np.log(PROBABILITIES).astype(np.float32)
    steps = [
        Step(0, 2, "", None, logits, [34]),
        Step(1, 1, "", "stop", logits, [35]),
        Step(0, 0, "", "length", logits, [34, 2]),
    ]
    file = io.StringIO()
    assert list(traced(iter(steps), Decoding(), tokenizer, file=file)) == steps
    looks = [json.loads(line) for line in file.getvalue().splitlines()]
    order = [
        (look["text"], look["token"], look["drawn"], look["end"]) for look in looks
    ]
    assert order == [(0, 1, 2, None), (1, 1, 1, "stop"), (0, 2, 0, "length")]
    first = looks[0]["candidates"][0]
    assert first["text"] == tokenizer.decode([1]) and first["removed_by"] is None
