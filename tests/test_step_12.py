"""What step 12 must do: generating text.

The models here are plain functions with known logits.  Sampling is judged by one
call on a thousand equal rows: each token's count must lie within six standard
deviations of its expectation, which chance misses less than once in ten million.
"""

import numpy as np
import pytest

from tests import expect, reference
from tests.tensors import numpy, tensor

LOGITS = np.array([0.5, 2.0, -1.0, 1.5, 0.0], np.float32)
ROWS = 1000


def constant(logits):
    """A model that gives the same logits at the last position, others before it."""

    def model(ids):
        batch, seq = (int(n) for n in ids.shape)
        answer = np.tile(logits[::-1], (batch, seq, 1))  # [batch, seq, vocab]
        answer[:, -1] = logits
        return tensor(answer)

    return model


def counting(vocab=10):
    """A model that prefers the number after the last one, ten steps round."""

    def model(ids):
        following = (ids.to_numpy() + 1) % vocab  # [batch, seq]
        return tensor(np.eye(vocab, dtype=np.float32)[following])

    return model


def next_tokens(step, model, ids, **options):
    """What `generate_next_token` returns, `[batch]`, once its form is right."""
    options.setdefault("rng", np.random.default_rng(7))  # for what draws by mistake
    token = numpy(step.generate_next_token(model, tensor(ids), **options))
    expect.same(list(token.shape), [len(ids), 1], "the next tokens, their shape is")
    expect.same(token.dtype.name, "int64", "the next tokens, their dtype is")
    return token[:, 0]


def prompts(rows, tokens=1):
    return np.zeros((rows, tokens), np.int64)


@pytest.mark.about("generate_next_token")
@pytest.mark.parametrize("options", [{"do_sample": False}, {"temperature": 0}])
@pytest.mark.parametrize(
    "ids", [[[4]], [[1, 2], [7, 4], [3, 9]], [[i] for i in range(10)] * 2]
)
def test_greedy(step, options, ids):
    """greedy takes the largest logit of the last position, in every row"""
    actual = next_tokens(step, counting(), np.array(ids), **options)
    (setting,) = (f"{name}={value}" for name, value in options.items())
    prompts = ids if len(ids) < 9 else f"{len(ids)} prompts"
    given = f"{setting} and a model that counts on: after {prompts}"
    expect.equal(actual, (np.array(ids)[:, -1] + 1) % 10, given, what="the next are")


@pytest.mark.about("generate_next_token")
@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0, 1e4])
def test_sampling(step, temperature):
    """sampling draws with probability softmax(logits / temperature)"""
    rng = np.random.default_rng(5)
    drawn = next_tokens(
        step, constant(LOGITS), prompts(ROWS, 2), temperature=temperature, rng=rng
    )
    given = f"temperature {temperature:g}, logits {LOGITS.tolist()} and {ROWS} draws"
    expect.drawn_from(drawn, reference.softmax(LOGITS / temperature), given)


@pytest.mark.about("generate_next_token")
def test_every_row_has_its_own_probabilities(step):
    """each row of a batch is drawn by its own logits"""
    logits = np.array([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0]], np.float32)

    def model(ids):
        return tensor(np.repeat(logits, ROWS // 2, axis=0)[:, None, :])

    rng = np.random.default_rng(5)
    drawn = next_tokens(step, model, prompts(ROWS), rng=rng)
    for row, part in zip(logits, np.split(drawn, 2), strict=True):
        given = f"a batch of two kinds of rows, where logits are {row.tolist()}"
        expect.drawn_from(part, reference.softmax(row), given)


@pytest.mark.about("generate_next_token")
def test_cold_sampling_is_greedy(step):
    """a temperature near 0 gives the largest logit"""
    rng = np.random.default_rng(5)
    drawn = next_tokens(step, constant(LOGITS), prompts(20), temperature=1e-3, rng=rng)
    given = f"temperature 0.001 and logits {LOGITS.tolist()}"
    expect.equal(drawn, np.ones(20, np.int64), given, what="the next tokens are")


@pytest.mark.about("generate_next_token")
def test_impossible_tokens_are_never_drawn(step):
    """a logit of -inf is never drawn"""
    logits = np.array([-np.inf, 1.0, -np.inf, 1.0], np.float32)
    rng = np.random.default_rng(5)
    drawn = next_tokens(step, constant(logits), prompts(ROWS), rng=rng)
    given = f"logits {logits.tolist()} and {ROWS} draws"
    expect.drawn_from(drawn, np.array([0, 0.5, 0, 0.5]), given)


@pytest.mark.about("generate_next_token")
def test_a_whole_vocabulary(step):
    """sampling works over 50257 tokens"""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        logits = rng.normal(0, 3, 50257).astype(np.float32)
        (token,) = next_tokens(step, constant(logits), prompts(1), rng=rng)
        expect.that(0 <= token < 50257, f"of 50257 tokens it chooses number {token}")


@pytest.mark.about("generate_next_token")
def test_the_seed_decides(step):
    """the same seed draws the same tokens, another seed others"""

    def draw(seed):
        rng = np.random.default_rng(seed)
        return next_tokens(step, constant(LOGITS), prompts(60), rng=rng)

    before = np.random.get_state()
    first, again, other = draw(1), draw(1), draw(2)
    kept = all(map(np.array_equal, before, np.random.get_state()))
    expect.that(kept, "it draws from NumPy's global generator, not from the one given")
    same = bool((first == again).all())
    expect.that(same, "two generators of the same seed draw different tokens")
    same = bool((first == other).all())
    expect.that(not same, "generators of different seeds draw the same tokens")
    one, two = (
        next_tokens(step, constant(LOGITS), prompts(60), rng=None) for _ in range(2)
    )
    same = bool((one == two).all())
    expect.that(not same, "without a generator, two calls draw the same tokens")


# --- generate --------------------------------------------------------------------


def written(step, model, ids, max_new_tokens, **options):
    """What `generate` returns, `[batch, seq + new]`, once its dtype is right."""
    options.setdefault("rng", np.random.default_rng(7))  # for what draws by mistake
    ids = numpy(step.generate(model, tensor(np.array(ids)), max_new_tokens, **options))
    expect.same(ids.dtype.name, "int64", "the ids that generate returns, the dtype is")
    return ids


@pytest.mark.about("generate")
@pytest.mark.parametrize(("ids", "new"), [([[4]], 2), ([[1, 2], [7, 8]], 4)])
def test_generate_appends(step, ids, new):
    """generate appends one token after another to every prompt"""
    actual = written(step, counting(), ids, new, do_sample=False)
    ids = np.array(ids)
    following = (ids[:, -1:] + 1 + np.arange(new)) % 10
    given = f"a model that counts on, {new} new tokens after {ids.tolist()}"
    expect.equal(actual, np.concatenate([ids, following], axis=1), given, "batch")


@pytest.mark.about("generate")
def test_generate_nothing(step):
    """no new tokens asked for, none generated"""
    actual = written(step, counting(), [[1, 2]], 0)
    expect.equal(actual, [[1, 2]], "0 new tokens after [[1, 2]]", "batch")


@pytest.mark.about("generate")
@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_generate_samples(step, temperature):
    """generate draws every token at the temperature that it was given"""
    rng = np.random.default_rng(5)
    ids = written(
        step, constant(LOGITS), prompts(ROWS, 2), 2, temperature=temperature, rng=rng
    )
    probabilities = reference.softmax(LOGITS / temperature)
    for new in (1, 2):
        given = f"temperature {temperature:g}, new token {new} of {ROWS} rows"
        expect.drawn_from(ids[:, 1 + new], probabilities, given)


@pytest.mark.about("generate")
def test_generate_samples_with_one_generator(step):
    """generate draws token after token from the same generator"""
    options = {"temperature": 2.0}
    rng = np.random.default_rng(5)
    long = written(step, constant(LOGITS), [[0, 0]], 12, rng=rng, **options)
    stuck = bool((long[:, 2:] == long[:, 2]).all())
    expect.that(not stuck, "12 draws from one generator are all the same token")
    rng, ids = np.random.default_rng(5), [[0, 0]]
    for _ in range(12):
        ids = written(step, constant(LOGITS), ids, 1, rng=rng, **options)
    same = bool((long == ids).all())
    expect.that(same, "12 tokens at once are not those of 12 calls with one generator")


@pytest.mark.about("generate")
def test_the_context_is_cropped(step):
    """the model sees the last n_positions tokens, the result keeps them all"""
    seen = []

    def model(ids):
        seen.append(ids.to_numpy().tolist())
        return counting()(ids)

    ids = written(step, model, [[1, 2, 3]], 3, do_sample=False, n_positions=4)
    for call, expected in enumerate([[[1, 2, 3]], [[1, 2, 3, 4]], [[2, 3, 4, 5]]]):
        given = f"n_positions=4 and the prompt [1, 2, 3], call {call} of the model gets"
        expect.same(seen[call], expected, given)
    given = "n_positions=4 and 3 new tokens after [1, 2, 3]"
    expect.equal(ids, [[1, 2, 3, 4, 5, 6]], given, "batch")


@pytest.mark.about("generate")
def test_a_prompt_longer_than_the_context(step):
    """a prompt longer than n_positions is cropped too"""
    seen = []

    def model(ids):
        seen.append(ids.to_numpy().tolist())
        return counting()(ids)

    ids = written(step, model, [[1, 2, 3, 4, 5]], 1, do_sample=False, n_positions=2)
    given = "n_positions=2 and the prompt [1, 2, 3, 4, 5], the model gets"
    expect.same(seen, [[[4, 5]]], given)
    expect.equal(ids, [[1, 2, 3, 4, 5, 6]], "the same, the result", "batch")


@pytest.mark.about("generate")
@pytest.mark.parametrize("ids", [[[3]], [[1], [3], [4]]])
def test_stop_token(step, ids):
    """finished rows repeat the stop token, and all finished ends it"""
    actual = written(step, counting(), ids, 9, do_sample=False, stop_token=5)
    new = 5 - min(row[0] for row in ids)
    expected = np.minimum(np.array(ids) + np.arange(new + 1), 5)
    given = f"stop_token=5 and a model that counts on, after {ids}"
    expect.equal(actual, expected, given, "batch")


@pytest.mark.about("generate")
def test_a_stop_token_in_the_prompt_does_not_stop(step):
    """only a generated stop token counts"""
    actual = written(step, counting(), [[5, 1]], 2, do_sample=False, stop_token=5)
    given = "stop_token=5 and 2 new tokens after [5, 1]"
    expect.equal(actual, [[5, 1, 2, 3]], given, "batch")


# --- both -----------------------------------------------------------------------


@pytest.mark.about("generate_next_token")
@pytest.mark.parametrize("temperature", [-0.1, float("nan"), float("inf")])
def test_bad_temperatures(step, temperature):
    """a negative or non-finite temperature raises a ValueError"""
    ids, model = tensor(prompts(1)), constant(LOGITS)

    def choose():
        return step.generate_next_token(model, ids, temperature=temperature)

    def write():
        return step.generate(model, ids, 1, temperature=temperature)

    given = f"temperature={temperature}"
    expect.refused(ValueError, "temperature", choose, f"generate_next_token, {given}")
    expect.refused(ValueError, "temperature", write, f"generate, {given}")
