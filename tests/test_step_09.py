"""What step 09 must do: the transformer block."""

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
)

CONFIG = GPT2Config(n_embd=6, n_head=3, n_inner=7)
PARAMETERS = {
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


def made(step, config=CONFIG):
    """A block with random weights, and these."""
    block = build(step.GPT2Block, config)
    check_parameters(block, PARAMETERS)
    return block, randomize(block)


@pytest.mark.about("GPT2Block.__init__")
def test_parameters(step):
    """the parts are ln_1, attn, ln_2 and mlp, each norm with its own parameters"""
    check_parameters(build(step.GPT2Block, CONFIG), PARAMETERS)


@pytest.mark.about("GPT2Block.forward")
@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (1, 3), (2, 5)])
def test_values(step, batch, seq):
    """attention first, then the MLP, each inside its residual"""
    block, weights = made(step)
    x = normal(batch, seq, 6)
    expected = reference.block(x, weights, 3, 1e-5)
    expect.close(
        run(block, x), expected, f"x of shape {[batch, seq, 6]}", "batch token"
    )


@pytest.mark.about("GPT2Block.__init__")
def test_epsilon(step):
    """the layer norms use layer_norm_epsilon of the configuration"""
    config = GPT2Config(n_embd=6, n_head=3, n_inner=7, layer_norm_epsilon=1.0)
    block, weights = made(step, config)
    x = normal(1, 2, 6)
    expected = reference.block(x, weights, 3, 1.0)
    expect.close(run(block, x), expected, "layer_norm_epsilon=1", "batch token")


@pytest.mark.about("GPT2Block.forward")
def test_symbolic_lengths(step):
    """lengths may be symbolic: only names, as when MAX compiles the model"""
    block, shape = build(step.GPT2Block, CONFIG), ["batch", "seq", 6]
    given = "x of shape [batch, seq, 6]"
    check_trace(block, numbers(*shape), given=given, shape=shape)
