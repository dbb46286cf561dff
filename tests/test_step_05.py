"""What step 05 must do: token embeddings."""

import numpy as np
import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from tests import expect
from tests.tensors import randomize, run, shapes

CONFIG = GPT2Config(vocab_size=11, n_embd=6, n_head=2)
IDS = [[[1]], [[0, 10, 3]], [[5], [5], [1]], [[2, 7], [10, 0]]]


@pytest.mark.about("TokenEmbedding.__init__")
def test_parameters(step):
    """there is one parameter, weight, with a row for each token"""
    expect.parameters(shapes(build(step.TokenEmbedding, CONFIG)), {"weight": (11, 6)})


@pytest.mark.about("TokenEmbedding.forward")
@pytest.mark.parametrize("ids", IDS)
def test_rows(step, ids):
    """each id is replaced by its row of the table"""
    embedding = build(step.TokenEmbedding, CONFIG)
    weight = randomize(embedding)["weight"]
    given = f"ids {ids} of {CONFIG.vocab_size} tokens"
    expect.close(run(embedding, np.array(ids)), weight[ids], given, "batch token")
