"""What step 06 must do: position embeddings."""

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

CONFIG = GPT2Config(vocab_size=23, n_positions=9, n_embd=6, n_head=2)
# From 0 and from elsewhere, out of order, and with a text that was filled up in front.
POSITIONS = [[0, 1, 2], [4], [5, 8, 2], [[6, 7]], [[3, 4, 5], [0, 0, 1]]]


@pytest.mark.about("PositionEmbedding.__init__")
def test_parameters(step):
    """there is one parameter, weight, with a row for each position"""
    embedding = build(step.PositionEmbedding, CONFIG)
    check_parameters(embedding, {"weight": (9, 6)})


@pytest.mark.about("PositionEmbedding.forward")
@pytest.mark.parametrize("positions", POSITIONS)
def test_rows(step, positions):
    """each position is replaced by its row of the table, the first being row 0"""
    embedding = build(step.PositionEmbedding, CONFIG)
    weight = randomize(embedding)["weight"]
    actual = run(embedding, np.array(positions))
    axes = "token" if np.ndim(positions) == 1 else "batch token"
    expect.close(actual, weight[positions], f"positions {positions}", axes)


@pytest.mark.about("PositionEmbedding.forward")
def test_a_second_call(step):
    """a second call looks its own positions up"""
    embedding = build(step.PositionEmbedding, CONFIG)
    weight = randomize(embedding)["weight"]
    positions = [3, 4, 5]
    run(embedding, np.array([0, 1, 2]))
    given = f"positions {positions}, after [0, 1, 2]"
    expect.close(run(embedding, np.array(positions)), weight[positions], given, "token")


@pytest.mark.about("PositionEmbedding.forward")
@pytest.mark.parametrize("shape", [["seq"], ["batch", "seq"]])
def test_symbolic_lengths(step, shape):
    """lengths may be symbolic: only names, as when MAX compiles the model"""
    embedding = build(step.PositionEmbedding, CONFIG)
    given = f"positions of shape [{', '.join(shape)}]"
    check_trace(embedding, whole_numbers(*shape), given=given, shape=[*shape, 6])
