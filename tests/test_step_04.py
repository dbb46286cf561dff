"""What step 04 must do: the MLP."""

import numpy as np
import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from tests import expect, reference
from tests.tensors import (
    check_parameters,
    check_trace,
    normal,
    numbers,
    randomize,
    run,
    shapes,
)


def plain(step, n_embd, n_inner=None):
    """An MLP whose layers only add 1: what comes out is gelu(x + 1) + 1."""
    mlp = build(step.GPT2MLP, GPT2Config(n_embd=n_embd, n_head=1, n_inner=n_inner))
    weights = {}
    for name, shape in shapes(mlp).items():
        ones = np.eye(*shape) if len(shape) == 2 else np.ones(shape)
        weights[name] = ones.astype(np.float32)
    mlp.load_state_dict(weights)
    return mlp


A, B = np.sqrt(2 / np.pi), 0.044715


def constants(x, y):
    """a and b, where y is 0.5 x (1 + tanh(a (x + b x^3))); of any other y, nan."""
    with np.errstate(all="ignore"):
        inside = np.arctanh(2 * np.float64(y) / x - 1) / x  # a + a b x^2
    if np.isfinite(inside).all():
        ab, a = np.polyfit(x[1:] ** 2, inside[1:], 1)
        if 1e-4 < abs(ab) < abs(a) and np.allclose(a + ab * x**2, inside, rtol=1e-3):
            return np.array([a, ab / a])
    return np.array([np.nan, np.nan])


@pytest.mark.about("GPT2MLP.__init__")
@pytest.mark.parametrize(("n_inner", "inner"), [(None, 24), (10, 10)])
def test_parameters(step, n_inner, inner):
    """c_fc widens to inner_dim, c_proj brings back, both with a bias"""
    mlp = build(step.GPT2MLP, GPT2Config(n_embd=6, n_head=2, n_inner=n_inner))
    expected = {
        "c_fc.weight": (inner, 6),
        "c_fc.bias": (inner,),
        "c_proj.weight": (6, inner),
        "c_proj.bias": (6,),
    }
    check_parameters(mlp, expected)


@pytest.mark.about("GPT2MLP.forward")
def test_gelu(step):
    """between the layers, each number goes through GELU in its tanh form"""
    wide = np.array([[-3, -2, -1, 0, 1, 3]], np.float32)
    y = run(plain(step, 6), wide - 1)
    given = f"layers that add 1 and x = {(wide - 1).astype(int).tolist()}"
    if y.shape == wide.shape:
        bent = y - 1
        a, b = found = constants(wide[0, :3], bent[0, :3])
        expect.note(bent)
        expect.note(found)
        expect.that(
            np.isnan(a) or np.allclose(found, [A, B], rtol=0, atol=1e-5),
            f"for {given}, gelu(x) is\n"
            f"  yours     0.5 x (1 + tanh({a:.5g} (x + {b:.5g} x^3)))\n"
            f"  expected  0.5 x (1 + tanh({A:.5g} (x + {B:.5g} x^3)))",
        )
    expect.close(y, reference.gelu(wide) + 1, given, "token")


@pytest.mark.about("GPT2MLP.forward")
@pytest.mark.parametrize("shape", [(4,), (3, 6), (1, 3, 4), (2, 5, 6), (2, 1, 3, 4)])
def test_values(step, shape):
    """widen, GELU in its tanh form, narrow"""
    mlp = build(step.GPT2MLP, GPT2Config(n_embd=shape[-1], n_head=2))
    weights = randomize(mlp)
    x = normal(*shape)
    axes = ["", "token", "batch token", "axis axis token"][len(shape) - 1]
    given = f"x of shape {list(shape)}"
    expect.close(run(mlp, x), reference.mlp(x, weights), given, axes)


@pytest.mark.about("GPT2MLP.forward")
def test_another_inner_width(step):
    """an inner_dim that is not four times n_embd works too"""
    mlp = build(step.GPT2MLP, GPT2Config(n_embd=6, n_head=2, n_inner=5))
    weights = randomize(mlp)
    x = normal(3, 6)
    given = "n_embd=6 and n_inner=5"
    expect.close(run(mlp, x), reference.mlp(x, weights), given, "token")


@pytest.mark.about("GPT2MLP.forward")
def test_large_numbers(step):
    """large numbers go through GELU as they are, or become 0"""
    # Only three: MAX's exp overflows where it computes number by number.
    x = np.array([[50], [-5000], [5000]], np.float32)
    given = f"layers that add 1 and x = {x.astype(int).tolist()}"
    y = run(plain(step, 1, 1), x)
    expect.close(y, reference.gelu(x + 1) + 1, given, "token")


@pytest.mark.about("GPT2MLP.forward")
def test_symbolic_lengths(step):
    """lengths may be symbolic: only names, as when MAX compiles the model"""
    mlp = build(step.GPT2MLP, GPT2Config(n_embd=6, n_head=2, n_inner=5))
    given = "x of shape [batch, seq, 6]"
    x = numbers("batch", "seq", 6)
    check_trace(mlp, x, given=given, shape=["batch", "seq", 6])
