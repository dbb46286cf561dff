"""What step 03 must do: layer normalization."""

import numpy as np
import pytest

from gpt2.learner import build
from tests import expect, reference
from tests.tensors import normal, randomize, run, shapes

AXES = {1: "", 2: "token", 3: "batch token"}


@pytest.mark.about("LayerNorm.__init__")
def test_parameters(step):
    """the parameters are weight and bias, one number for each of dim"""
    norm = build(step.LayerNorm, 7, eps=1e-5)
    expect.parameters(shapes(norm), {"weight": (7,), "bias": (7,)})


@pytest.mark.about("LayerNorm.__init__")
@pytest.mark.parametrize(("name", "value"), [("weight", 1), ("bias", 0)])
def test_a_new_one_only_normalizes(step, name, value):
    """before a checkpoint is loaded, weight is 1 and bias is 0"""
    norm = build(step.LayerNorm, 5, eps=1e-5)
    actual = dict(norm.parameters)[name].to_numpy()
    expect.equal(actual, np.full(5, value, np.float32), f"a new LayerNorm, {name} is")


@pytest.mark.about("LayerNorm.forward")
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 7), (1, 5, 6)])
def test_values(step, shape):
    """every vector along the last axis gets mean 0 and variance 1, then scale, shift"""
    norm = build(step.LayerNorm, shape[-1], eps=1e-5)
    weights = randomize(norm)
    x = normal(*shape)
    expected = reference.layer_norm(x, **weights, eps=1e-5)
    expect.close(run(norm, x), expected, f"x of shape {list(shape)}", AXES[len(shape)])


@pytest.mark.about("LayerNorm.forward")
@pytest.mark.parametrize("eps", [1e-5, 1e-2, 1.0])
def test_epsilon(step, eps):
    """eps is added to the variance, inside the root"""
    norm = build(step.LayerNorm, 5, eps=eps)
    weights = randomize(norm)
    x = normal(4, 5) * np.float32(0.01)
    expected = reference.layer_norm(x, **weights, eps=eps)
    expect.close(run(norm, x), expected, f"eps={eps:g} and small numbers", "token")
