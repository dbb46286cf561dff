"""What step 06 must do: position embeddings."""

import numpy as np
import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from tests import expect
from tests.tensors import randomize, run, shapes

CONFIG = GPT2Config(vocab_size=11, n_positions=9, n_embd=6, n_head=2)


@pytest.mark.about("PositionEmbedding.__init__")
def test_parameters(step):
    """there is one parameter, weight, with a row for each position"""
    embedding = build(step.PositionEmbedding, CONFIG)
    expect.parameters(shapes(embedding), {"weight": (9, 6)})


@pytest.mark.about("PositionEmbedding.forward")
@pytest.mark.parametrize("positions", [[0, 1, 2], [4], [8], [[3, 4], [0, 1]]])
def test_rows(step, positions):
    """each position is replaced by its row of the table, the first being row 0"""
    embedding = build(step.PositionEmbedding, CONFIG)
    weight = randomize(embedding)["weight"]
    actual = run(embedding, np.array(positions))
    axes = "token" if np.ndim(positions) == 1 else "batch token"
    expect.close(actual, weight[positions], f"positions {positions}", axes)
