"""The two commands about the loop of `generate`: what they compute, a run of each."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import full_batch, full_context
from gpt2 import load
from gpt2.decoding import Decoding, generators
from gpt2.generation import generate


@pytest.fixture(scope="module")
def names():
    """16 positions: a context is soon full."""
    return load("models/names")


def test_lengths_are_spread_evenly_and_always_the_same():
    counts = full_batch.lengths(512)
    assert counts == full_batch.lengths(512)
    assert min(counts) == 10 and max(counts) == 200
    assert np.mean(counts) == pytest.approx(105, abs=5)


def test_a_batch_that_waits_has_the_steps_of_its_longest_text():
    assert full_batch.waiting_for_the_longest([3, 9, 2, 1, 4], 2) == 9 + 2 + 4


def test_a_round_with_free_rows_ought_to_take_less():
    """Of two texts: a prompt is read in 3 s, full rounds take 1 s, the last one too."""
    starts = [(0, 2, 9), (3, 2, 2), (4, 2, 2), (5, 1, 1), (6, 0, 0)]
    rounds = [full_batch.Round(*how) for how in starts]
    assert full_batch.beside_full_batches(rounds, 2) == pytest.approx(6 / 5.5)


def test_a_short_run_of_full_batches():
    words = ["--texts", "7", "--batch-size", "3", "--repeat", "1"]
    done = CliRunner().invoke(full_batch.main, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert re.search(r"They take \d+\.\d\d of what full batches would", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_random_weights_have_a_tokenizer_of_numbers():
    assert full_batch.wordless(3).decode([2, 0]) == "2 0"


@pytest.mark.parametrize("name", full_context.WAYS)
def test_both_ways_guess_by_what_a_text_was_written_by(names, name):
    """Bit for bit, at every token between two times that a quarter is dropped."""
    steps = generate(
        *(names.engine, names.checkpoint.tokenizer, [[0]], [Decoding()]),
        generators(0, 1),
        max_new_tokens=[31],
        full_context=name,
    )
    ids, logits = [0], [None]  # of each token, the logits that it was chosen by
    for step in steps:
        ids.append(step.token)
        logits.append(step.logits)
    for start in (17, 21, 25):
        guessed = full_context.WAYS[name](names.engine, ids, start, 4)
        assert np.array_equal(guessed, logits[start : start + 4])


def test_equal_chances_among_eight_take_three_bits():
    assert full_context.bits(np.zeros((5, 8)), [0, 1, 7, 7, 3]) == pytest.approx(15)


def test_a_short_run_beyond_the_context(tmp_path):
    text = tmp_path / "names.txt"
    text.write_text("emma" * 200)
    words = ["--text", str(text), "--model", "models/names", "--places", "3"]
    done = CliRunner().invoke(full_context.main, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "12 tokens beyond 16" in done.stdout
    assert re.search(r"^slide +\d+\.\d{4} ", done.stdout, flags=re.MULTILINE)
    text.write_text("emma")
    done = CliRunner().invoke(full_context.main, words)
    assert done.exit_code == 2 and "the last tenth of" in done.stderr
