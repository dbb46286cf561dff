"""What step 09 must do: the transformer block."""

import pytest

from solutions.solution_01 import GPT2Config
from tests import reference
from tests.tensors import assert_close, build, normal, randomize, run, shapes

CONFIG = GPT2Config(n_embd=6, n_head=3, n_inner=7, layer_norm_epsilon=0.01)


def test_parameters(step):
    """the parts are ln_1, attn, ln_2 and mlp, each norm with its own parameters"""
    assert shapes(build(step.GPT2Block, CONFIG)) == {
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


@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (2, 5)])
def test_values(step, batch, seq):
    """attention first, then the MLP, each inside its residual"""
    block = build(step.GPT2Block, CONFIG)
    weights = randomize(block)
    x = normal(batch, seq, 6)
    assert_close(run(block, x), reference.block(x, weights, 3, 0.01))
