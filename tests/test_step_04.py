"""What step 04 must do: the MLP."""

import pytest

from solutions.solution_01 import GPT2Config
from tests import reference
from tests.tensors import assert_close, build, normal, randomize, run, shapes


@pytest.mark.parametrize(("n_inner", "inner"), [(None, 24), (5, 5)])
def test_parameters(step, n_inner, inner):
    """c_fc widens to inner_dim, c_proj brings back, both with a bias"""
    mlp = build(step.GPT2MLP, GPT2Config(n_embd=6, n_head=2, n_inner=n_inner))
    assert shapes(mlp) == {
        "c_fc.weight": (inner, 6),
        "c_fc.bias": (inner,),
        "c_proj.weight": (6, inner),
        "c_proj.bias": (6,),
    }


@pytest.mark.parametrize("shape", [(3, 6), (2, 5, 6)])
def test_values(step, shape):
    """widen, GELU in its tanh form, narrow"""
    mlp = build(step.GPT2MLP, GPT2Config(n_embd=6, n_head=2))
    weights = randomize(mlp)
    x = normal(*shape)
    assert_close(run(mlp, x), reference.mlp(x, weights))
