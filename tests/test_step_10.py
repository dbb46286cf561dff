"""What step 10 must do: the whole stack."""

from dataclasses import replace

import numpy as np
import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from solutions.solution_09 import GPT2Block
from tests import expect, reference
from tests.tensors import (
    check_parameters,
    check_trace,
    randomize,
    run,
    shapes,
    tensor,
    whole_numbers,
)

# One block, where their number does not matter: that is quicker.
CONFIG = GPT2Config(
    vocab_size=11,
    n_positions=7,
    n_embd=6,
    n_layer=1,
    n_head=3,
    n_inner=7,
    layer_norm_epsilon=0.01,
)
IDS = np.array([[3, 10, 0, 3, 7], [1, 2, 9, 8, 8]])


def made(step, n_layer=1):
    """A model with random weights, and these."""
    config = replace(CONFIG, n_layer=n_layer)
    model = build(step.GPT2Model, config)
    block = shapes(build(GPT2Block, config))
    expected = {"wte.weight": (11, 6), "wpe.weight": (7, 6)}
    expected |= {"ln_f.weight": (6,), "ln_f.bias": (6,)}
    expected |= {f"h.{i}.{name}": block[name] for i in range(n_layer) for name in block}
    check_parameters(model, expected)
    return model, randomize(model)


def check_vectors(model, weights, ids, given, positions=None, n_layer=1):
    """The model gives what the formula gives."""
    inputs = [ids] if positions is None else [ids, positions]
    positions = np.arange(ids.shape[1]) if positions is None else positions
    expected = reference.model(ids, positions, weights, n_layer, 3, 0.01)
    expect.close(run(model, *inputs), expected, given, "batch token")


@pytest.mark.about("GPT2Model.__init__")
def test_parameters(step):
    """the parts are wte, wpe, the blocks h and ln_f"""
    made(step, n_layer=3)


@pytest.mark.about("GPT2Model.forward")
@pytest.mark.parametrize(("n_layer", "batch", "seq"), [(1, 1, 3), (1, 2, 5), (3, 1, 2)])
def test_values(step, n_layer, batch, seq):
    """token plus position embeddings, the blocks in order, the last norm"""
    model, weights = made(step, n_layer)
    ids = IDS[:batch, :seq]
    blocks = expect.some(n_layer, "block", "blocks")
    given = f"{blocks} and ids {ids.tolist()}"
    check_vectors(model, weights, ids, given, n_layer=n_layer)


@pytest.mark.about("GPT2Model.forward")
@pytest.mark.parametrize("positions", [[2, 3, 4], [[0, 1, 2, 3, 4], [0, 0, 1, 2, 3]]])
def test_given_positions(step, positions):
    """positions that are given are used"""
    model, weights = made(step)
    positions = np.array(positions)
    ids = IDS[:, : positions.shape[-1]]
    given = f"positions {positions.tolist()}"
    check_vectors(model, weights, ids, given, positions)


@pytest.mark.about("GPT2Model.forward")
def test_a_full_context_fits(step):
    """a sequence of n_positions tokens is accepted"""
    ids = np.array([[3, 1, 4, 1, 5, 9, 2]])
    check_vectors(*made(step), ids, "n_positions=7 and 7 tokens")


@pytest.mark.about("GPT2Model.forward")
def test_a_large_batch(step):
    """the batch may be larger than n_positions"""
    ids = np.arange(18).reshape(9, 2) % 11
    check_vectors(*made(step), ids, "n_positions=7 and 9 sequences of 2 tokens")


@pytest.mark.about("GPT2Model.forward")
def test_one_length_after_another(step):
    """the same model serves one length after another"""
    model, weights = made(step)
    for batch, seq in [(1, 1), (2, 4)]:
        ids = IDS[:batch, :seq]
        check_vectors(model, weights, ids, f"ids {ids.tolist()}, after others")


@pytest.mark.about("GPT2Model.forward")
@pytest.mark.parametrize(
    ("batch", "seq", "given"), [(1, 8, False), (2, 9, False), (1, 8, True)]
)
def test_too_long(step, batch, seq, given):
    """a longer sequence raises a ValueError that names n_positions"""
    model, _ = made(step)
    ids = tensor(np.ones((batch, seq), np.int64))
    positions = [tensor(np.zeros((batch, seq), np.int64))] if given else []
    words = f"n_positions=7 and {seq} tokens{' whose positions are 0' * given}"
    expect.refused(ValueError, "n_positions", lambda: model(ids, *positions), words)


@pytest.mark.about("GPT2Model.forward")
def test_too_long_in_any_batch(step):
    """a length that is known is checked even where the batch is symbolic"""
    model, _ = made(step)
    ids = whole_numbers("batch", 8)
    words = "n_positions=7 and ids of shape [batch, 8]"
    expect.refused(ValueError, "n_positions", lambda: model.trace(ids), words)


@pytest.mark.about("GPT2Model.forward")
@pytest.mark.parametrize("positions", [[], ["seq"], ["batch", "seq"]])
def test_symbolic_lengths(step, positions):
    """lengths may be symbolic: only names, as when MAX compiles the model"""
    model = build(step.GPT2Model, CONFIG)
    inputs = [whole_numbers(*shape) for shape in (["batch", "seq"], positions) if shape]
    given = "ids of shape [batch, seq]"
    if positions:
        given += f", positions of shape [{', '.join(positions)}]"
    check_trace(model, *inputs, given=given, shape=["batch", "seq", 6])
