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
    sizes |= {"n_head": 2, "n_inner": 5, "layer_norm_epsilon": 1.5}
    config = step.GPT2Config(**sizes)
    for name, size in sizes.items():
        expect.same(getattr(config, name), size, f"GPT2Config({name}={size}).{name}")


@pytest.mark.about("GPT2Config.__post_init__")
@pytest.mark.parametrize(("size", "epsilon"), [(1, 1e-5), (12, 1e-30)])
def test_small_sizes_are_sizes(step, size, epsilon):
    """a size of 1 and a tiny epsilon are accepted"""
    sizes = dict.fromkeys(DEFAULTS, size) | {"layer_norm_epsilon": epsilon}
    config = step.GPT2Config(**sizes)
    for name, value in sizes.items():
        given = f"all sizes {size} and an epsilon of {epsilon}, {name} is"
        expect.same(getattr(config, name), value, given)


@pytest.mark.about("GPT2Config")
def test_it_is_frozen(step):
    """a configuration does not change after it was made"""
    config = step.GPT2Config()

    def change():
        config.n_embd = 1

    expect.refused(
        dataclasses.FrozenInstanceError, "n_embd", change, "config.n_embd = 1"
    )


def read(config, name):
    """A property: it is read without parentheses."""
    value = getattr(config, name)
    missing = f"config.{name} is a method: is the line @property above it missing?"
    expect.that(not callable(value), missing)
    return value


@pytest.mark.about("GPT2Config.head_dim")
@pytest.mark.parametrize(("n_embd", "n_head"), [(8, 8), (30, 3), (30, 5), (768, 12)])
def test_head_dim(step, n_embd, n_head):
    """head_dim is n_embd shared equally among the heads, a whole number"""
    config = step.GPT2Config(n_embd=n_embd, n_head=n_head, n_layer=2)
    given = f"n_embd={n_embd}, n_head={n_head}, n_layer=2, head_dim is"
    expect.same(read(config, "head_dim"), n_embd // n_head, given)


@pytest.mark.about("GPT2Config.inner_dim")
@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"n_embd": 24}, 96),
        ({"n_embd": 24, "n_inner": None}, 96),
        ({"n_embd": 24, "n_inner": 7}, 7),
        ({"n_embd": 24, "n_inner": 111}, 111),
        ({}, 3072),
    ],
)
def test_inner_dim(step, sizes, expected):
    """inner_dim is n_inner, or four times n_embd where that is None"""
    config = step.GPT2Config(n_head=3, **sizes)
    words = ", ".join(f"{name}={size}" for name, size in sizes.items())
    expect.same(read(config, "inner_dim"), expected, f"GPT2Config({words}).inner_dim")


@pytest.mark.about("GPT2Config.__post_init__")
@pytest.mark.parametrize("sign", [0, -1])
@pytest.mark.parametrize("name", DEFAULTS)
def test_sizes_must_be_positive(step, name, sign):
    """a size or epsilon that is not positive raises a ValueError that names it"""
    value = sign * (1e-5 if name == "layer_norm_epsilon" else 3)

    def make():
        return step.GPT2Config(**{name: value})

    expect.refused(ValueError, name, make, f"GPT2Config({name}={value})")


@pytest.mark.about("GPT2Config.__post_init__")
@pytest.mark.parametrize(
    ("n_embd", "n_head", "n_layer"), [(10, 3, 5), (3, 6, 2), (10, 4, 3)]
)
def test_heads_must_share_the_width_equally(step, n_embd, n_head, n_layer):
    """n_embd that cannot be divided among n_head heads raises a ValueError"""

    def make():
        return step.GPT2Config(n_embd=n_embd, n_head=n_head, n_layer=n_layer)

    given = f"GPT2Config(n_embd={n_embd}, n_head={n_head}, n_layer={n_layer})"
    expect.refused(ValueError, "n_head", make, given)
