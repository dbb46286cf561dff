"""What step 11 must do: the language model head."""

import numpy as np
import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from solutions.solution_10 import GPT2Model
from tests import expect, reference
from tests.tensors import randomize, run, shapes

CONFIG = GPT2Config(vocab_size=11, n_positions=7, n_embd=6, n_layer=1, n_head=2)
IDS = np.array([[3, 10, 0, 3, 7], [1, 2, 9, 8, 8]])


@pytest.mark.about("GPT2LMHeadModel.__init__")
def test_parameters(step):
    """the head has no parameters of its own, everything belongs to transformer"""
    inside = shapes(build(GPT2Model, CONFIG))
    expected = {f"transformer.{name}": shape for name, shape in inside.items()}
    expect.parameters(shapes(build(step.GPT2LMHeadModel, CONFIG)), expected)


@pytest.mark.about("GPT2LMHeadModel.forward")
@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (1, 3), (2, 5)])
def test_values(step, batch, seq):
    """each logit is the dot product of a vector with a row of the token embedding"""
    model = build(step.GPT2LMHeadModel, CONFIG)
    weights = reference.part(randomize(model), "transformer")
    ids = IDS[:batch, :seq]
    hidden = reference.model(ids, np.arange(seq), weights, 1, 2, 1e-5)
    expected = hidden @ weights["wte.weight"].T
    given = f"ids {ids.tolist()}, logits"
    expect.close(run(model, ids), expected, given, "batch token")


@pytest.mark.about("GPT2LMHeadModel.forward")
@pytest.mark.parametrize("positions", [[4, 5, 6], [[0, 2, 1]]])
def test_given_positions(step, positions):
    """positions that are given are passed on"""
    model = build(step.GPT2LMHeadModel, CONFIG)
    weights = reference.part(randomize(model), "transformer")
    positions = np.array(positions)
    hidden = reference.model(IDS[:1, :3], positions, weights, 1, 2, 1e-5)
    expected = hidden @ weights["wte.weight"].T
    given = f"positions {positions.tolist()}, logits"
    actual = run(model, IDS[:1, :3], positions)
    expect.close(actual, expected, given, "batch token")
