"""What step 06 must do: position embeddings."""

import numpy as np
import pytest

from solutions.solution_01 import GPT2Config
from tests.tensors import build, randomize, run, shapes

CONFIG = GPT2Config(n_positions=9, n_embd=6, n_head=2)


def test_parameters(step):
    """there is one parameter, weight, with a row for each position"""
    assert shapes(build(step.PositionEmbedding, CONFIG)) == {"weight": (9, 6)}


@pytest.mark.parametrize("positions", [[0, 1, 2], [8], [[3, 4], [0, 1]]])
def test_rows(step, positions):
    """each position is replaced by its row of the table, the first being row 0"""
    embedding = build(step.PositionEmbedding, CONFIG)
    weight = randomize(embedding)["weight"]
    np.testing.assert_array_equal(
        run(embedding, np.array(positions)), weight[positions]
    )
