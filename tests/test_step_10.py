"""What step 10 must do: the whole stack."""

import numpy as np
import pytest

from solutions.solution_01 import GPT2Config
from tests import reference
from tests.tensors import assert_close, build, randomize, run, shapes, tensor

CONFIG = GPT2Config(vocab_size=11, n_positions=7, n_embd=6, n_layer=2, n_head=3)
IDS = np.array([[3, 10, 0, 3, 7], [1, 2, 9, 8, 8]])


def test_parameters(step):
    """the parts are wte, wpe, the blocks h and ln_f"""
    names = shapes(build(step.GPT2Model, CONFIG))
    assert names["wte.weight"] == (11, 6)
    assert names["wpe.weight"] == (7, 6)
    assert names["ln_f.weight"] == names["ln_f.bias"] == (6,)
    assert {name.split(".")[1] for name in names if name.startswith("h.")} == {"0", "1"}
    assert len(names) == 4 + 2 * 12


@pytest.mark.parametrize("seq", [1, 5])
def test_values(step, seq):
    """token plus position embeddings, the blocks in order, the last norm"""
    model = build(step.GPT2Model, CONFIG)
    weights = randomize(model)
    expected = reference.model(IDS[:, :seq], np.arange(seq), weights, 2, 3, 1e-5)
    assert_close(run(model, IDS[:, :seq]), expected)


@pytest.mark.parametrize(
    "positions", [[2, 3, 4, 5, 6], [[0, 1, 2, 3, 4], [0, 0, 1, 2, 3]]]
)
def test_given_positions(step, positions):
    """positions that are given are used"""
    model = build(step.GPT2Model, CONFIG)
    weights = randomize(model)
    positions = np.array(positions)
    expected = reference.model(IDS, positions, weights, 2, 3, 1e-5)
    assert_close(run(model, IDS, positions), expected)


def test_a_full_context_fits(step):
    """a sequence of n_positions tokens is accepted"""
    model = build(step.GPT2Model, CONFIG)
    randomize(model)
    assert run(model, np.ones((1, 7), np.int64)).shape == (1, 7, 6)


def test_too_long(step):
    """a longer sequence raises a ValueError that names n_positions"""
    model = build(step.GPT2Model, CONFIG)
    with pytest.raises(ValueError, match="n_positions"):
        model(tensor(np.ones((1, 8), np.int64)))
