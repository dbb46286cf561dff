"""What step 12 must do: generating text.

The models here are plain functions with known logits.  Sampling is judged by one
call on thousands of equal rows: each token's count must lie within six standard
deviations of its expectation, which chance misses less than once in ten million.
"""

import numpy as np
import pytest

from tests import reference
from tests.tensors import tensor

LOGITS = np.array([0.5, 2.0, -1.0, 1.5, 0.0], np.float32)
ROWS = 4000


def constant(logits):
    """A model that gives the same logits at the last position, others before it."""

    def model(ids):
        batch, seq = (int(n) for n in ids.shape)
        answer = np.tile(logits[::-1], (batch, seq, 1))  # [batch, seq, vocab]
        answer[:, -1] = logits
        return tensor(answer)

    return model


def counting(vocab=10):
    """A model that always wants the number after the last one, ten steps round."""

    def model(ids):
        following = (ids.to_numpy() + 1) % vocab  # [batch, seq]
        return tensor(20 * np.eye(vocab, dtype=np.float32)[following])

    return model


def assert_drawn_from(drawn, probabilities):
    """`drawn` `[rows, 1]` has each token about as often as it should."""
    counts = np.bincount(drawn[:, 0], minlength=len(probabilities))
    spread = np.sqrt(len(drawn) * probabilities * (1 - probabilities))
    deviation = np.abs(counts - len(drawn) * probabilities)
    assert (deviation <= 6 * spread + 1e-9).all(), counts / len(drawn)


@pytest.mark.parametrize("options", [{"do_sample": False}, {"temperature": 0}])
def test_greedy(step, options):
    """greedy takes the largest logit of the last position, in every row"""
    token = step.generate_next_token(
        counting(), tensor(np.array([[1, 2], [7, 4], [3, 9]])), **options
    ).to_numpy()
    np.testing.assert_array_equal(token, [[3], [5], [0]])
    assert token.dtype == np.int64


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_sampling(step, temperature):
    """sampling draws with probability softmax(logits / temperature)"""
    drawn = step.generate_next_token(
        constant(LOGITS),
        tensor(np.zeros((ROWS, 2), np.int64)),
        temperature=temperature,
        rng=np.random.default_rng(5),
    ).to_numpy()
    assert drawn.shape == (ROWS, 1)
    assert drawn.dtype == np.int64
    assert_drawn_from(drawn, reference.softmax(LOGITS / temperature))


def test_cold_sampling_is_greedy(step):
    """a temperature near 0 gives the largest logit"""
    drawn = step.generate_next_token(
        constant(LOGITS),
        tensor(np.zeros((50, 1), np.int64)),
        temperature=1e-3,
        rng=np.random.default_rng(5),
    ).to_numpy()
    np.testing.assert_array_equal(drawn, np.full((50, 1), 1))


def test_impossible_tokens_are_never_drawn(step):
    """a logit of -inf is never drawn"""
    logits = np.array([-np.inf, 1.0, -np.inf, 1.0], np.float32)
    drawn = step.generate_next_token(
        constant(logits),
        tensor(np.zeros((ROWS, 1), np.int64)),
        rng=np.random.default_rng(5),
    ).to_numpy()
    assert_drawn_from(drawn, np.array([0, 0.5, 0, 0.5]))


def test_a_whole_vocabulary(step):
    """sampling works over 50257 tokens"""
    logits = np.random.default_rng(3).normal(0, 3, 50257).astype(np.float32)
    for seed in range(8):
        token = step.generate_next_token(
            constant(logits),
            tensor(np.zeros((1, 1), np.int64)),
            rng=np.random.default_rng(seed),
        )
        assert 0 <= token.item() < 50257


def test_the_seed_decides(step):
    """the same seed draws the same tokens, another seed others"""

    def draw(seed):
        ids = tensor(np.zeros((60, 1), np.int64))
        rng = np.random.default_rng(seed)
        return step.generate_next_token(constant(LOGITS), ids, rng=rng).to_numpy()

    np.testing.assert_array_equal(draw(1), draw(1))
    assert (draw(1) != draw(2)).any()


@pytest.mark.parametrize("temperature", [-0.1, float("nan"), float("inf")])
def test_bad_temperatures(step, temperature):
    """a negative or non-finite temperature raises a ValueError"""
    ids = tensor(np.zeros((1, 1), np.int64))
    with pytest.raises(ValueError, match="temperature"):
        step.generate_next_token(constant(LOGITS), ids, temperature=temperature)
    with pytest.raises(ValueError, match="temperature"):
        step.generate(constant(LOGITS), ids, 1, temperature=temperature)


def test_generate_appends(step):
    """generate appends one token after another to every prompt"""
    prompts = tensor(np.array([[1, 2], [7, 8]]))
    ids = step.generate(counting(), prompts, 4, do_sample=False).to_numpy()
    np.testing.assert_array_equal(ids, [[1, 2, 3, 4, 5, 6], [7, 8, 9, 0, 1, 2]])
    assert ids.dtype == np.int64


def test_generate_nothing(step):
    """no new tokens asked for, none generated"""
    prompts = tensor(np.array([[1, 2]]))
    np.testing.assert_array_equal(
        step.generate(counting(), prompts, 0).to_numpy(), [[1, 2]]
    )


def test_generate_samples_with_one_generator(step):
    """generate draws token after token from the same generator"""
    ids = tensor(np.zeros((1, 1), np.int64))
    long = step.generate(
        constant(LOGITS), ids, 30, temperature=2.0, rng=np.random.default_rng(5)
    )
    rng = np.random.default_rng(5)
    for _ in range(30):
        ids = step.generate(constant(LOGITS), ids, 1, temperature=2.0, rng=rng)
    np.testing.assert_array_equal(long.to_numpy(), ids.to_numpy())
    assert len(np.unique(long.to_numpy())) > 1


def test_the_context_is_cropped(step):
    """the model sees the last n_positions tokens, the result keeps them all"""
    seen = []

    def model(ids):
        seen.append(ids.to_numpy().tolist())
        return counting()(ids)

    prompt = tensor(np.array([[1, 2, 3]]))
    ids = step.generate(model, prompt, 3, do_sample=False, n_positions=4).to_numpy()
    np.testing.assert_array_equal(ids, [[1, 2, 3, 4, 5, 6]])
    assert seen == [[[1, 2, 3]], [[1, 2, 3, 4]], [[2, 3, 4, 5]]]


def test_a_prompt_longer_than_the_context(step):
    """a prompt longer than n_positions is cropped too"""
    prompt = tensor(np.array([[1, 2, 3, 4, 5]]))
    lengths = []

    def model(ids):
        lengths.append(int(ids.shape[1]))
        return counting()(ids)

    step.generate(model, prompt, 1, do_sample=False, n_positions=2)
    assert lengths == [2]


def test_stop_token(step):
    """finished rows repeat the stop token, and all finished ends it"""
    prompts = tensor(np.array([[1], [3], [4]]))
    ids = step.generate(counting(), prompts, 50, do_sample=False, stop_token=5)
    np.testing.assert_array_equal(
        ids.to_numpy(), [[1, 2, 3, 4, 5], [3, 4, 5, 5, 5], [4, 5, 5, 5, 5]]
    )


def test_a_stop_token_in_the_prompt_does_not_stop(step):
    """only a generated stop token counts"""
    ids = step.generate(
        counting(), tensor(np.array([[5, 1]])), 2, do_sample=False, stop_token=5
    )
    np.testing.assert_array_equal(ids.to_numpy(), [[5, 1, 2, 3]])
