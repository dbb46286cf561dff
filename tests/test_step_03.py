"""What step 03 must do: layer normalization."""

import numpy as np
import pytest
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import default_device, default_dtype

from gpt2.learner import build
from tests import expect, reference
from tests.tensors import (
    check_parameters,
    check_trace,
    normal,
    numbers,
    randomize,
    run,
    traced,
)

AXES = {1: "", 2: "token", 3: "batch token"}


@pytest.mark.about("LayerNorm.__init__")
def test_parameters(step):
    """the parameters are weight and bias, one number for each of dim"""
    norm = build(step.LayerNorm, 7, eps=1e-5)
    check_parameters(norm, {"weight": (7,), "bias": (7,)})


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
    x = 10 * normal(*shape)  # so large that the next check is the one to see eps
    expected = reference.layer_norm(x, **weights, eps=1e-5)
    expect.close(run(norm, x), expected, f"x of shape {list(shape)}", AXES[len(shape)])


@pytest.mark.about("LayerNorm.forward")
@pytest.mark.parametrize("eps", [1e-5, 1e-10, 1.0])
def test_epsilon(step, eps):
    """eps is added to the variance, inside the root"""
    norm = build(step.LayerNorm, 5, eps=eps)
    weights = randomize(norm)
    x = normal(4, 5) * np.float32(0.3 * eps**0.5)
    expected = reference.layer_norm(x, **weights, eps=eps)
    expect.close(
        run(norm, x), expected, f"eps={eps:g} and a variance as small", "token"
    )


@pytest.mark.about("LayerNorm.forward")
def test_numbers_far_from_zero(step):
    """a large mean costs no digits: it is subtracted first"""
    norm = build(step.LayerNorm, 4, eps=1e-5)
    weights = randomize(norm)
    # In float32, the squares of these numbers lose all that tells one from another.
    x = np.float32([[8191, 8193, 8191, 8193], [-8191, -8191, -8193, -8193]])
    expected = reference.layer_norm(x, **weights, eps=1e-5)
    given = "numbers near 8192 and -8192"
    expect.compare(run(norm, x), expected, given, "token", "", tolerance=1e-3)


@pytest.mark.about("LayerNorm.forward")
def test_symbolic_lengths(step):
    """lengths may be symbolic: only names, as when MAX compiles the model"""
    norm, x = build(step.LayerNorm, 6, eps=1e-5), numbers("batch", "seq", 6)
    given = "x of shape [batch, seq, 6]"
    check_trace(norm, x, given=given, shape=["batch", "seq", 6])


@pytest.mark.about("LayerNorm.forward")
def test_dtype(step):
    """the numbers keep their dtype: bfloat16 in, bfloat16 out"""
    with default_dtype(DType.bfloat16), default_device(CPU()), F.lazy():
        norm = step.LayerNorm(6, eps=1e-5)
    dtype = dict(norm.parameters)["weight"].dtype  # float32, if it was made so
    actual = traced(norm, numbers("seq", 6, dtype=dtype)).dtype
    given = f"numbers of DType.{dtype.name}, the dtype is"
    expect.same(actual.name, dtype.name, given)
