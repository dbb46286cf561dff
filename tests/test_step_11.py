"""What step 11 must do: the language model head."""

import numpy as np
import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from solutions.solution_10 import GPT2Model
from tests import expect, reference
from tests.tensors import (
    check_parameters,
    check_trace,
    randomize,
    run,
    shapes,
    whole_numbers,
)

CONFIG = GPT2Config(vocab_size=11, n_positions=7, n_embd=6, n_layer=1, n_head=2)
IDS = np.array([[3, 10, 0, 3, 7], [1, 2, 9, 8, 8]])


def made(step):
    """A model with random weights, and those of its transformer."""
    model = build(step.GPT2LMHeadModel, CONFIG)
    inside = shapes(build(GPT2Model, CONFIG))
    check_parameters(model, {f"transformer.{name}": inside[name] for name in inside})
    return model, reference.part(randomize(model), "transformer")


def check_logits(step, ids, positions, given, *more):
    """The model gives what the formula gives."""
    model, weights = made(step)
    hidden = reference.model(ids, positions, weights, 1, 2, 1e-5)
    expected = hidden @ weights["wte.weight"].T
    expect.close(run(model, ids, *more), expected, given, "batch token")


@pytest.mark.about("GPT2LMHeadModel.__init__")
def test_parameters(step):
    """the head has no parameters of its own, everything belongs to transformer"""
    made(step)


@pytest.mark.about("GPT2LMHeadModel.forward")
@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (1, 3), (2, 5)])
def test_values(step, batch, seq):
    """each logit is the dot product of a vector with a row of the token embedding"""
    ids = IDS[:batch, :seq]
    check_logits(step, ids, np.arange(seq), f"ids {ids.tolist()}, logits")


@pytest.mark.about("GPT2LMHeadModel.forward")
@pytest.mark.parametrize("positions", [[4, 5, 6], [[0, 1, 2, 3], [3, 2, 6, 0]]])
def test_given_positions(step, positions):
    """positions that are given are passed on"""
    positions = np.array(positions)
    ids = IDS[:, : positions.shape[-1]]
    given = f"positions {positions.tolist()}, logits"
    check_logits(step, ids, positions, given, positions)


@pytest.mark.about("GPT2LMHeadModel.forward")
@pytest.mark.parametrize("positions", [[], ["seq"]])
def test_symbolic_lengths(step, positions):
    """lengths may be symbolic: only names, as when MAX compiles the model"""
    model = build(step.GPT2LMHeadModel, CONFIG)
    inputs = [whole_numbers(*shape) for shape in (["batch", "seq"], positions) if shape]
    given = "ids of shape [batch, seq]"
    if positions:
        given += ", positions of shape [seq]"
    check_trace(model, *inputs, given=given, shape=["batch", "seq", 11])
