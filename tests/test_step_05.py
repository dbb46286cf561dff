"""What step 05 must do: token embeddings."""

import numpy as np
import pytest

from solutions.solution_01 import GPT2Config
from tests.tensors import build, randomize, run, shapes

CONFIG = GPT2Config(vocab_size=11, n_embd=6, n_head=2)


def test_parameters(step):
    """there is one parameter, weight, with a row for each token"""
    assert shapes(build(step.TokenEmbedding, CONFIG)) == {"weight": (11, 6)}


@pytest.mark.parametrize("ids", [[[0, 10, 3]], [[5], [5], [1]], [[2, 7], [10, 0]]])
def test_rows(step, ids):
    """each id is replaced by its row of the table"""
    embedding = build(step.TokenEmbedding, CONFIG)
    weight = randomize(embedding)["weight"]
    np.testing.assert_array_equal(run(embedding, np.array(ids)), weight[ids])
