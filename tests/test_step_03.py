"""What step 03 must do: layer normalization."""

import numpy as np
import pytest

from tests import reference
from tests.tensors import assert_close, build, normal, randomize, run, shapes


def test_parameters(step):
    """the parameters are weight and bias, one number for each of dim"""
    norm = build(step.LayerNorm, 7, eps=1e-5)
    assert shapes(norm) == {"weight": (7,), "bias": (7,)}


def test_a_new_one_only_normalizes(step):
    """before a checkpoint is loaded, weight is 1 and bias is 0"""
    norm = build(step.LayerNorm, 5, eps=1e-5)
    parameters = dict(norm.parameters)
    np.testing.assert_array_equal(parameters["weight"].to_numpy(), np.ones(5))
    np.testing.assert_array_equal(parameters["bias"].to_numpy(), np.zeros(5))


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7)])
def test_values(step, shape):
    """every vector along the last axis gets mean 0 and variance 1, then scale, shift"""
    norm = build(step.LayerNorm, 7, eps=1e-5)
    weights = randomize(norm)
    x = normal(*shape)
    assert_close(run(norm, x), reference.layer_norm(x, **weights, eps=1e-5))


@pytest.mark.parametrize("eps", [1e-5, 1e-2, 1.0])
def test_epsilon(step, eps):
    """eps is added to the variance, inside the root"""
    norm = build(step.LayerNorm, 5, eps=eps)
    weights = randomize(norm)
    x = normal(4, 5) * 0.01
    assert_close(run(norm, x), reference.layer_norm(x, **weights, eps=eps))
