"""What step 09 must do: the transformer block."""

import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from tests import expect, reference
from tests.tensors import normal, randomize, run, shapes

CONFIG = GPT2Config(n_embd=6, n_head=3, n_inner=7, layer_norm_epsilon=0.01)


@pytest.mark.about("GPT2Block.__init__")
def test_parameters(step):
    """the parts are ln_1, attn, ln_2 and mlp, each norm with its own parameters"""
    expected = {
        "ln_1.weight": (6,),
        "ln_1.bias": (6,),
        "attn.c_attn.weight": (18, 6),
        "attn.c_attn.bias": (18,),
        "attn.c_proj.weight": (6, 6),
        "attn.c_proj.bias": (6,),
        "ln_2.weight": (6,),
        "ln_2.bias": (6,),
        "mlp.c_fc.weight": (7, 6),
        "mlp.c_fc.bias": (7,),
        "mlp.c_proj.weight": (6, 7),
        "mlp.c_proj.bias": (6,),
    }
    expect.parameters(shapes(build(step.GPT2Block, CONFIG)), expected)


@pytest.mark.about("GPT2Block.forward")
@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (1, 3), (2, 5)])
def test_values(step, batch, seq):
    """attention first, then the MLP, each inside its residual"""
    block = build(step.GPT2Block, CONFIG)
    weights = randomize(block)
    x = normal(batch, seq, 6)
    expected = reference.block(x, weights, 3, 0.01)
    expect.close(
        run(block, x), expected, f"x of shape {[batch, seq, 6]}", "batch token"
    )


@pytest.mark.about("GPT2Block.__init__")
@pytest.mark.parametrize("eps", [1e-5, 1.0])
def test_epsilon(step, eps):
    """the layer norms use layer_norm_epsilon of the configuration"""
    config = GPT2Config(n_embd=6, n_head=3, n_inner=7, layer_norm_epsilon=eps)
    block = build(step.GPT2Block, config)
    weights = randomize(block)
    x = normal(1, 2, 6)
    expected = reference.block(x, weights, 3, eps)
    expect.close(run(block, x), expected, f"layer_norm_epsilon={eps:g}", "batch token")
