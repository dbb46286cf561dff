"""What step 10 must do: the whole stack."""

import numpy as np
import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from solutions.solution_09 import GPT2Block
from tests import expect, reference
from tests.tensors import randomize, run, shapes, tensor

CONFIG = GPT2Config(
    vocab_size=11,
    n_positions=7,
    n_embd=6,
    n_layer=2,
    n_head=3,
    n_inner=7,
    layer_norm_epsilon=0.01,
)
IDS = np.array([[3, 10, 0, 3, 7], [1, 2, 9, 8, 8]])


@pytest.mark.about("GPT2Model.__init__")
def test_parameters(step):
    """the parts are wte, wpe, the blocks h and ln_f"""
    expected = {"wte.weight": (11, 6), "wpe.weight": (7, 6)}
    expected |= {"ln_f.weight": (6,), "ln_f.bias": (6,)}
    block = shapes(build(GPT2Block, CONFIG))
    expected |= {f"h.{i}.{name}": block[name] for i in range(2) for name in block}
    expect.parameters(shapes(build(step.GPT2Model, CONFIG)), expected)


@pytest.mark.about("GPT2Model.forward")
@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (1, 3), (2, 5)])
def test_values(step, batch, seq):
    """token plus position embeddings, the blocks in order, the last norm"""
    model = build(step.GPT2Model, CONFIG)
    weights = randomize(model)
    ids = IDS[:batch, :seq]
    expected = reference.model(ids, np.arange(seq), weights, 2, 3, 0.01)
    expect.close(run(model, ids), expected, f"ids {ids.tolist()}", "batch token")


@pytest.mark.about("GPT2Model.forward")
@pytest.mark.parametrize(
    "positions", [[2, 3, 4], [[4, 5, 6]], [[0, 1, 2, 3, 4], [0, 0, 1, 2, 3]]]
)
def test_given_positions(step, positions):
    """positions that are given are used"""
    model = build(step.GPT2Model, CONFIG)
    weights = randomize(model)
    positions = np.array(positions)
    ids = IDS[: 1 if positions.ndim == 1 else len(positions), : positions.shape[-1]]
    expected = reference.model(ids, positions, weights, 2, 3, 0.01)
    given = f"positions {positions.tolist()}"
    expect.close(run(model, ids, positions), expected, given, "batch token")


@pytest.mark.about("GPT2Model.forward")
def test_a_full_context_fits(step):
    """a sequence of n_positions tokens is accepted"""
    model = build(step.GPT2Model, CONFIG)
    weights = randomize(model)
    ids = np.array([[3, 1, 4, 1, 5, 9, 2]])
    expected = reference.model(ids, np.arange(7), weights, 2, 3, 0.01)
    given = "n_positions=7 and 7 tokens"
    expect.close(run(model, ids), expected, given, "batch token")


@pytest.mark.about("GPT2Model.forward")
def test_too_long(step):
    """a longer sequence raises a ValueError that names n_positions"""
    model = build(step.GPT2Model, CONFIG)
    randomize(model)
    ids = tensor(np.ones((1, 8), np.int64))
    given = "n_positions=7 and 8 tokens"
    expect.refused(ValueError, "n_positions", lambda: model(ids), given)
