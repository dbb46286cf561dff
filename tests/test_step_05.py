"""What step 05 must do: token embeddings."""

import numpy as np
import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from tests import expect
from tests.tensors import (
    check_parameters,
    check_trace,
    randomize,
    run,
    whole_numbers,
)

CONFIG = GPT2Config(vocab_size=11, n_positions=9, n_embd=6, n_head=2)
IDS = [[[1]], [[0, 10, 3]], [[5], [5], [1]], [[2, 7, 4], [10, 0, 9]]]


@pytest.mark.about("TokenEmbedding.__init__")
def test_parameters(step):
    """there is one parameter, weight, with a row for each token"""
    check_parameters(build(step.TokenEmbedding, CONFIG), {"weight": (11, 6)})


@pytest.mark.about("TokenEmbedding.forward")
@pytest.mark.parametrize("ids", IDS)
def test_rows(step, ids):
    """each id is replaced by its row of the table"""
    embedding = build(step.TokenEmbedding, CONFIG)
    weight = randomize(embedding)["weight"]
    given = f"ids {ids} of {CONFIG.vocab_size} tokens"
    expect.close(run(embedding, np.array(ids)), weight[ids], given, "batch token")


@pytest.mark.about("TokenEmbedding.forward")
def test_a_second_call(step):
    """a second call looks its own ids up"""
    embedding = build(step.TokenEmbedding, CONFIG)
    weight = randomize(embedding)["weight"]
    ids = [[7, 0, 10]]
    run(embedding, np.array([[1, 2, 3]]))
    given = f"ids {ids}, after [[1, 2, 3]]"
    expect.close(run(embedding, np.array(ids)), weight[ids], given, "batch token")


@pytest.mark.about("TokenEmbedding.forward")
def test_a_large_vocabulary(step):
    """ids may be larger than 16 bits can hold"""
    embedding = build(
        step.TokenEmbedding, GPT2Config(vocab_size=70_000, n_embd=2, n_head=1)
    )
    weight = randomize(embedding)["weight"]
    ids = [[69_999, 40_000], [4_463, 5]]
    given = f"ids {ids} of 70000 tokens"
    expect.close(run(embedding, np.array(ids)), weight[ids], given, "batch token")


@pytest.mark.about("TokenEmbedding.forward")
def test_symbolic_lengths(step):
    """lengths may be symbolic: only names, as when MAX compiles the model"""
    embedding, ids = build(step.TokenEmbedding, CONFIG), whole_numbers("batch", "seq")
    given = "ids of shape [batch, seq]"
    check_trace(embedding, ids, given=given, shape=["batch", "seq", 6])
