"""What step 01 must do: the configuration."""

import dataclasses

import pytest

from tests import expect

DEFAULTS = {
    "vocab_size": 50257,
    "n_positions": 1024,
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "n_inner": None,
    "layer_norm_epsilon": 1e-5,
}


@pytest.mark.about("GPT2Config")
@pytest.mark.parametrize("name", DEFAULTS)
def test_the_defaults_are_those_of_the_124m_model(step, name):
    """the defaults are those of the smallest published GPT-2"""
    config = step.GPT2Config()
    expect.same(getattr(config, name), DEFAULTS[name], f"GPT2Config().{name}")


@pytest.mark.about("GPT2Config")
def test_sizes_can_be_chosen(step):
    """every size can be given by name"""
    sizes = {"vocab_size": 11, "n_positions": 7, "n_embd": 6, "n_layer": 3}
    sizes |= {"n_head": 2, "n_inner": 5, "layer_norm_epsilon": 0.25}
    config = step.GPT2Config(**sizes)
    for name, size in sizes.items():
        expect.same(getattr(config, name), size, f"GPT2Config({name}={size}).{name}")


@pytest.mark.about("GPT2Config")
def test_it_is_frozen(step):
    """a configuration does not change after it was made"""
    config = step.GPT2Config()

    def change():
        config.n_embd = 1

    expect.refused(
        dataclasses.FrozenInstanceError, "n_embd", change, "config.n_embd = 1"
    )


@pytest.mark.about("GPT2Config.head_dim")
@pytest.mark.parametrize(("n_embd", "n_head"), [(8, 8), (30, 3), (30, 5), (768, 12)])
def test_head_dim(step, n_embd, n_head):
    """head_dim is n_embd shared equally among the heads, a whole number"""
    head_dim = step.GPT2Config(n_embd=n_embd, n_head=n_head, n_layer=2).head_dim
    given = f"n_embd={n_embd}, n_head={n_head}, n_layer=2, head_dim is"
    expect.same(head_dim, n_embd // n_head, given)


@pytest.mark.about("GPT2Config.inner_dim")
@pytest.mark.parametrize(
    ("n_embd", "n_inner", "expected"), [(20, 7, 7), (20, None, 80), (768, None, 3072)]
)
def test_inner_dim(step, n_embd, n_inner, expected):
    """inner_dim is n_inner, or four times n_embd where that is None"""
    config = step.GPT2Config(n_embd=n_embd, n_head=4, n_inner=n_inner)
    given = f"n_embd={n_embd}, n_inner={n_inner}, inner_dim is"
    expect.same(config.inner_dim, expected, given)


@pytest.mark.about("GPT2Config.__post_init__")
@pytest.mark.parametrize("value", [0, -3])
@pytest.mark.parametrize("name", DEFAULTS)
def test_sizes_must_be_positive(step, name, value):
    """a size or epsilon that is not positive raises a ValueError that names it"""

    def make():
        return step.GPT2Config(**{name: value})

    expect.refused(ValueError, name, make, f"GPT2Config({name}={value})")


@pytest.mark.about("GPT2Config.__post_init__")
@pytest.mark.parametrize(("n_embd", "n_head"), [(10, 3), (3, 6)])
def test_heads_must_share_the_width_equally(step, n_embd, n_head):
    """n_embd that cannot be divided among n_head heads raises a ValueError"""

    def make():
        return step.GPT2Config(n_embd=n_embd, n_head=n_head)

    given = f"GPT2Config(n_embd={n_embd}, n_head={n_head})"
    expect.refused(ValueError, "n_head", make, given)
