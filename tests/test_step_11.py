"""What step 11 must do: the language model head."""

import numpy as np

from solutions.solution_01 import GPT2Config
from tests import reference
from tests.tensors import assert_close, build, randomize, run, shapes

CONFIG = GPT2Config(vocab_size=11, n_positions=7, n_embd=6, n_layer=1, n_head=2)


def test_parameters(step):
    """the head has no parameters of its own, everything belongs to transformer"""
    names = shapes(build(step.GPT2LMHeadModel, CONFIG))
    assert all(name.startswith("transformer.") for name in names)
    assert len(names) == 4 + 12


def test_values(step):
    """each logit is the dot product of a vector with a row of the token embedding"""
    model = build(step.GPT2LMHeadModel, CONFIG)
    weights = reference.part(randomize(model), "transformer")
    ids = np.array([[3, 10, 0, 3, 7], [1, 2, 9, 8, 8]])
    hidden = reference.model(ids, np.arange(5), weights, 1, 2, 1e-5)
    assert_close(run(model, ids), hidden @ weights["wte.weight"].T)


def test_given_positions(step):
    """positions that are given are passed on"""
    model = build(step.GPT2LMHeadModel, CONFIG)
    weights = reference.part(randomize(model), "transformer")
    ids, positions = np.array([[3, 10, 0]]), np.array([4, 5, 6])
    hidden = reference.model(ids, positions, weights, 1, 2, 1e-5)
    assert_close(run(model, ids, positions), hidden @ weights["wte.weight"].T)
