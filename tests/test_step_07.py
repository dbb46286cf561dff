"""What step 07 must do: multi-head causal self-attention."""

import numpy as np
import pytest
from max.dtype import DType

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
    traced,
)

CONFIG = GPT2Config(n_positions=8, n_embd=15, n_head=3)  # head_dim 5 is no square
HEADS = "3 heads of width 5"
PARAMETERS = {
    "c_attn.weight": (45, 15),
    "c_attn.bias": (45,),
    "c_proj.weight": (15, 15),
    "c_proj.bias": (15,),
}


def queries_and_keys(q_len: int, k_len: int) -> str:
    queries, keys = (
        expect.some(q_len, "query", "queries"),
        expect.some(k_len, "key", "keys"),
    )
    return f"{HEADS}, {queries} and {keys}"


@pytest.mark.about("GPT2Attention.__init__")
def test_parameters(step):
    """c_attn makes q, k and v at once, c_proj mixes the heads, both with a bias"""
    check_parameters(build(step.GPT2Attention, CONFIG), PARAMETERS)


@pytest.mark.about("GPT2Attention.split_heads")
@pytest.mark.parametrize(("batch", "seq"), [(1, 2), (2, 4)])
def test_split_heads(step, batch, seq):
    """split_heads gives head h the columns h * head_dim and on, of every token"""
    x = normal(batch, seq, 15)
    attention = build(step.GPT2Attention, CONFIG)
    given = f"{HEADS} and {expect.some(seq, 'token', 'tokens')}"
    actual = run(attention.split_heads, x)
    expect.equal(actual, reference.split_heads(x, 3), given, "batch head token")


@pytest.mark.about("GPT2Attention.merge_heads")
@pytest.mark.parametrize(("batch", "seq"), [(1, 2), (2, 4)])
def test_merge_heads(step, batch, seq):
    """merge_heads undoes split_heads"""
    x = normal(batch, 3, seq, 5)
    attention = build(step.GPT2Attention, CONFIG)
    randomize(attention)
    given = f"{HEADS} and {expect.some(seq, 'token', 'tokens')}"
    actual = run(attention.merge_heads, x)
    expect.equal(actual, reference.merge_heads(x), given, "batch token")


@pytest.mark.about("GPT2Attention.attention_weights")
@pytest.mark.parametrize(
    ("batch", "q_len", "k_len"), [(1, 1, 1), (1, 3, 3), (2, 4, 4), (1, 1, 6), (2, 4, 6)]
)
def test_attention_weights(step, batch, q_len, k_len):
    """scores over sqrt(head_dim), the future hidden, each row a probability"""
    q = normal(batch, 3, q_len, 5) / 2
    k = normal(batch, 3, k_len, 5, seed=2) / 2
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
    ("batch", "q_len", "k_len"), [(1, 1, 1), (1, 3, 3), (2, 4, 4), (2, 2, 6)]
)
def test_attend(step, batch, q_len, k_len):
    """attend averages the values, weighted by the attention weights"""
    q = normal(batch, 3, q_len, 5) / 2
    k = normal(batch, 3, k_len, 5, seed=2) / 2
    v = normal(batch, 3, k_len, 5, seed=3)
    attention = build(step.GPT2Attention, CONFIG)
    expect.close(
        run(attention.attend, q, k, v),
        reference.attention_weights(q, k) @ v,
        queries_and_keys(q_len, k_len),
        "batch head query",
    )


@pytest.mark.about("GPT2Attention.forward")
@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (1, 3), (1, 6), (2, 4)])
def test_forward(step, batch, seq):
    """forward: q, k, v, heads, attend, merge, project"""
    attention = build(step.GPT2Attention, CONFIG)
    weights = randomize(attention)
    x = normal(batch, seq, 15)
    given = f"x of shape {[batch, seq, 15]}"
    expected = reference.attention(x, weights, 3)
    expect.close(run(attention, x), expected, given, "batch token")


@pytest.mark.about("GPT2Attention.attention_weights")
def test_large_scores(step):
    """scores in the hundreds, of either sign, still give probabilities"""
    q = np.ones((1, 3, 2, 5), np.float32) * np.float32([[20], [-20]])
    k = np.ones((1, 3, 2, 5), np.float32) * np.float32(20)
    attention = build(step.GPT2Attention, CONFIG)
    given = f"{HEADS}, scores of 894 for query 0 and of -894 for query 1"
    actual = run(attention.attention_weights, q, k)
    axes, what = "batch head query", "the weights are"
    expect.close(actual, reference.attention_weights(q, k), given, axes, what)


@pytest.mark.about("GPT2Attention.attention_weights")
def test_one_length_after_another(step):
    """the same module serves one length after another, and keeps nothing of it"""
    attention = build(step.GPT2Attention, CONFIG)
    for q_len, k_len in [(1, 2), (1, 3), (2, 3)]:
        q, k = normal(1, 3, q_len, 5) / 2, normal(1, 3, k_len, 5, seed=2) / 2
        expect.close(
            run(attention.attention_weights, q, k),
            reference.attention_weights(q, k),
            f"{queries_and_keys(q_len, k_len)}, after other lengths",
            "batch head query",
            "the weights are",
        )
    check_parameters(attention, PARAMETERS)


@pytest.mark.about("GPT2Attention.forward")
def test_one_text_after_another(step):
    """forward knows nothing of the texts before"""
    attention = build(step.GPT2Attention, CONFIG)
    weights = randomize(attention)
    for batch, seq in [(1, 2), (2, 4), (1, 2)]:
        x = normal(batch, seq, 15, seed=seq)
        given = f"x of shape {[batch, seq, 15]}, after other texts"
        expected = reference.attention(x, weights, 3)
        expect.close(run(attention, x), expected, given, "batch token")


@pytest.mark.about("GPT2Attention.forward")
def test_a_single_head(step):
    """one head that has the whole width is attention too"""
    attention = build(step.GPT2Attention, GPT2Config(n_embd=4, n_head=1))
    weights = randomize(attention)
    x = normal(2, 3, 4)
    expected = reference.attention(x, weights, 1)
    expect.close(run(attention, x), expected, "1 head of width 4", "batch token")


@pytest.mark.about("GPT2Attention")
@pytest.mark.parametrize(
    "method", ["split_heads", "merge_heads", "attention_weights", "attend", "forward"]
)
def test_symbolic_lengths(step, method):
    """lengths may be symbolic: only names, as when MAX compiles the model"""
    attention = build(step.GPT2Attention, CONFIG)
    x, heads = numbers("batch", "seq", 15), numbers("batch", 3, "seq", 5)
    q, k = numbers("batch", 3, "q_len", 5), numbers("batch", 3, "k_len", 5)
    whole = "x of shape [batch, seq, 15]"
    cut = "x of shape [batch, 3, seq, 5]"
    apart = f"{HEADS}, q_len queries and k_len keys"
    inputs, given, shape = {
        "split_heads": ([x], whole, ["batch", 3, "seq", 5]),
        "merge_heads": ([heads], cut, ["batch", "seq", 15]),
        "attention_weights": ([q, k], apart, ["batch", 3, "q_len", "k_len"]),
        "attend": ([q, k, k], apart, ["batch", 3, "q_len", 5]),
        "forward": ([x], whole, ["batch", "seq", 15]),
    }[method]
    function = attention if method == "forward" else getattr(attention, method)
    check_trace(function, *inputs, given=given, shape=shape)


@pytest.mark.about("GPT2Attention.attention_weights")
def test_half_precision(step):
    """the weights have the dtype of q and k, bfloat16 too"""
    attention = build(step.GPT2Attention, CONFIG)
    q, k = (numbers(1, 3, length, 5, dtype=DType.bfloat16) for length in (2, 4))
    actual = traced(attention.attention_weights, q, k).dtype
    expect.same(actual.name, "bfloat16", "q and k in bfloat16, weights in")
