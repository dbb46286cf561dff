"""What step 01 must do: the configuration."""

import dataclasses

import pytest


def test_the_defaults_are_those_of_the_124m_model(step):
    """the defaults are those of the smallest published GPT-2"""
    assert dataclasses.asdict(step.GPT2Config()) == {
        "vocab_size": 50257,
        "n_positions": 1024,
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "n_inner": None,
        "layer_norm_epsilon": 1e-5,
    }


def test_sizes_can_be_chosen(step):
    """every size can be given by name"""
    config = step.GPT2Config(
        vocab_size=11, n_positions=7, n_embd=6, n_layer=3, n_head=2, n_inner=5
    )
    assert (config.vocab_size, config.n_positions, config.n_embd) == (11, 7, 6)
    assert (config.n_layer, config.n_head, config.n_inner) == (3, 2, 5)


def test_it_is_frozen(step):
    """a configuration does not change after it was made"""
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.GPT2Config().n_embd = 1


@pytest.mark.parametrize(("n_embd", "n_head"), [(768, 12), (30, 3), (30, 5), (8, 8)])
def test_head_dim(step, n_embd, n_head):
    """head_dim is n_embd shared equally among the heads, a whole number"""
    head_dim = step.GPT2Config(n_embd=n_embd, n_head=n_head).head_dim
    assert head_dim == n_embd // n_head
    assert isinstance(head_dim, int)


@pytest.mark.parametrize(
    ("n_embd", "n_inner", "expected"), [(768, None, 3072), (20, None, 80), (20, 7, 7)]
)
def test_inner_dim(step, n_embd, n_inner, expected):
    """inner_dim is n_inner, or four times n_embd where that is None"""
    config = step.GPT2Config(n_embd=n_embd, n_head=4, n_inner=n_inner)
    assert config.inner_dim == expected


@pytest.mark.parametrize("value", [0, -3])
@pytest.mark.parametrize(
    "name",
    "vocab_size n_positions n_embd n_layer n_head n_inner layer_norm_epsilon".split(),
)
def test_sizes_must_be_positive(step, name, value):
    """a size or epsilon that is not positive raises a ValueError that names it"""
    with pytest.raises(ValueError, match=name):
        step.GPT2Config(**{name: value})


def test_heads_must_share_the_width_equally(step):
    """n_embd that cannot be divided among n_head heads raises a ValueError"""
    with pytest.raises(ValueError, match="n_head"):
        step.GPT2Config(n_embd=10, n_head=3)
