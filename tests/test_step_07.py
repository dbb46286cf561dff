"""What step 07 must do: multi-head causal self-attention."""

import numpy as np
import pytest

from solutions.solution_01 import GPT2Config
from tests import reference
from tests.tensors import assert_close, build, normal, randomize, run, shapes

CONFIG = GPT2Config(n_embd=12, n_head=3)  # head_dim 4


def test_parameters(step):
    """c_attn makes q, k and v at once, c_proj mixes the heads, both with a bias"""
    assert shapes(build(step.GPT2Attention, CONFIG)) == {
        "c_attn.weight": (36, 12),
        "c_attn.bias": (36,),
        "c_proj.weight": (12, 12),
        "c_proj.bias": (12,),
    }


def test_split_heads(step):
    """split_heads gives head h the columns h * head_dim and on, of every token"""
    x = normal(2, 5, 12)
    attention = build(step.GPT2Attention, CONFIG)
    np.testing.assert_array_equal(
        run(attention.split_heads, x), reference.split_heads(x, 3)
    )


def test_merge_heads(step):
    """merge_heads undoes split_heads"""
    x = normal(2, 3, 5, 4)
    attention = build(step.GPT2Attention, CONFIG)
    np.testing.assert_array_equal(
        run(attention.merge_heads, x), reference.merge_heads(x)
    )


@pytest.mark.parametrize(("q_len", "k_len"), [(1, 1), (4, 4), (1, 5), (3, 5)])
def test_attention_weights(step, q_len, k_len):
    """scores over sqrt(head_dim), the future hidden, each row a probability"""
    q, k = normal(2, 3, q_len, 4), normal(2, 3, k_len, 4, seed=2)
    attention = build(step.GPT2Attention, CONFIG)
    assert_close(
        run(attention.attention_weights, q, k), reference.attention_weights(q, k)
    )


@pytest.mark.parametrize(("q_len", "k_len"), [(4, 4), (2, 5)])
def test_attend(step, q_len, k_len):
    """attend averages the values, weighted by the attention weights"""
    q, k = normal(2, 3, q_len, 4), normal(2, 3, k_len, 4, seed=2)
    v = normal(2, 3, k_len, 4, seed=3)
    attention = build(step.GPT2Attention, CONFIG)
    assert_close(run(attention.attend, q, k, v), reference.attention_weights(q, k) @ v)


@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (1, 6), (3, 5)])
def test_forward(step, batch, seq):
    """forward: q, k, v, heads, attend, merge, project"""
    attention = build(step.GPT2Attention, CONFIG)
    weights = randomize(attention)
    x = normal(batch, seq, 12)
    assert_close(run(attention, x), reference.attention(x, weights, 3))
