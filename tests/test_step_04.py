"""What step 04 must do: the MLP."""

import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from tests import expect, reference
from tests.tensors import normal, randomize, run, shapes


@pytest.mark.about("GPT2MLP.__init__")
@pytest.mark.parametrize(("n_inner", "inner"), [(None, 24), (5, 5)])
def test_parameters(step, n_inner, inner):
    """c_fc widens to inner_dim, c_proj brings back, both with a bias"""
    mlp = build(step.GPT2MLP, GPT2Config(n_embd=6, n_head=2, n_inner=n_inner))
    expected = {
        "c_fc.weight": (inner, 6),
        "c_fc.bias": (inner,),
        "c_proj.weight": (6, inner),
        "c_proj.bias": (6,),
    }
    expect.parameters(shapes(mlp), expected)


@pytest.mark.about("GPT2MLP.forward")
@pytest.mark.parametrize("shape", [(1, 4), (3, 6), (2, 5, 6)])
def test_values(step, shape):
    """widen, GELU in its tanh form, narrow"""
    mlp = build(step.GPT2MLP, GPT2Config(n_embd=shape[-1], n_head=2))
    weights = randomize(mlp)
    x = normal(*shape)
    axes = "batch token" if len(shape) == 3 else "token"
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
