"""What step 07 must do: multi-head causal self-attention."""

import pytest

from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from tests import expect, reference
from tests.tensors import normal, randomize, run, shapes

CONFIG = GPT2Config(n_embd=12, n_head=3)  # head_dim 4
HEADS = "3 heads of width 4"


def queries_and_keys(q_len: int, k_len: int) -> str:
    queries, keys = (
        expect.some(q_len, "query", "queries"),
        expect.some(k_len, "key", "keys"),
    )
    return f"{HEADS}, {queries} and {keys}"


@pytest.mark.about("GPT2Attention.__init__")
def test_parameters(step):
    """c_attn makes q, k and v at once, c_proj mixes the heads, both with a bias"""
    expected = {
        "c_attn.weight": (36, 12),
        "c_attn.bias": (36,),
        "c_proj.weight": (12, 12),
        "c_proj.bias": (12,),
    }
    expect.parameters(shapes(build(step.GPT2Attention, CONFIG)), expected)


@pytest.mark.about("GPT2Attention.split_heads")
@pytest.mark.parametrize(("batch", "seq"), [(1, 2), (2, 5)])
def test_split_heads(step, batch, seq):
    """split_heads gives head h the columns h * head_dim and on, of every token"""
    x = normal(batch, seq, 12)
    attention = build(step.GPT2Attention, CONFIG)
    given = f"{HEADS} and {expect.some(seq, 'token', 'tokens')}"
    actual = run(attention.split_heads, x)
    expect.equal(actual, reference.split_heads(x, 3), given, "batch head token")


@pytest.mark.about("GPT2Attention.merge_heads")
@pytest.mark.parametrize(("batch", "seq"), [(1, 2), (2, 5)])
def test_merge_heads(step, batch, seq):
    """merge_heads undoes split_heads"""
    x = normal(batch, 3, seq, 4)
    attention = build(step.GPT2Attention, CONFIG)
    given = f"{HEADS} and {expect.some(seq, 'token', 'tokens')}"
    actual = run(attention.merge_heads, x)
    expect.equal(actual, reference.merge_heads(x), given, "batch token")


@pytest.mark.about("GPT2Attention.attention_weights")
@pytest.mark.parametrize(
    ("batch", "q_len", "k_len"), [(1, 1, 1), (1, 3, 3), (2, 4, 4), (1, 1, 5), (2, 3, 5)]
)
def test_attention_weights(step, batch, q_len, k_len):
    """scores over sqrt(head_dim), the future hidden, each row a probability"""
    q = normal(batch, 3, q_len, 4) / 2
    k = normal(batch, 3, k_len, 4, seed=2) / 2
    attention = build(step.GPT2Attention, CONFIG)
    expect.close(
        run(attention.attention_weights, q, k),
        reference.attention_weights(q, k),
        queries_and_keys(q_len, k_len),
        "batch head query",
        "the weights are",
    )


@pytest.mark.about("GPT2Attention.attend")
@pytest.mark.parametrize(
    ("batch", "q_len", "k_len"), [(1, 1, 1), (1, 3, 3), (2, 4, 4), (2, 2, 5)]
)
def test_attend(step, batch, q_len, k_len):
    """attend averages the values, weighted by the attention weights"""
    q = normal(batch, 3, q_len, 4) / 2
    k = normal(batch, 3, k_len, 4, seed=2) / 2
    v = normal(batch, 3, k_len, 4, seed=3)
    attention = build(step.GPT2Attention, CONFIG)
    expect.close(
        run(attention.attend, q, k, v),
        reference.attention_weights(q, k) @ v,
        queries_and_keys(q_len, k_len),
        "batch head query",
    )


@pytest.mark.about("GPT2Attention.forward")
@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (1, 3), (1, 6), (3, 5)])
def test_forward(step, batch, seq):
    """forward: q, k, v, heads, attend, merge, project"""
    attention = build(step.GPT2Attention, CONFIG)
    weights = randomize(attention)
    x = normal(batch, seq, 12)
    given = f"x of shape {[batch, seq, 12]}"
    expected = reference.attention(x, weights, 3)
    expect.close(run(attention, x), expected, given, "batch token")
