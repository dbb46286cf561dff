"""What step 12 must do: generating text.

The models here are plain functions with known logits.  Sampling is judged by one
call on many equal rows: each token's count must lie within six standard deviations
of its expectation, which chance misses less than once in ten million.  A token costs
MAX more time than a row does: the checks take many rows and few tokens.
"""

import numpy as np
import pytest
from max.experimental.tensor import Tensor

from tests import expect, reference
from tests.tensors import numpy, tensor

LOGITS = np.array([0.5, 2.0, -1.0, 1.5, 0.0], np.float32)
EVEN = np.zeros(1000, np.float32)  # two draws are hardly ever the same token
ROWS = 1000


def asked(ids):
    """The ids that a model is given, as an array `[batch, seq]`."""
    if not isinstance(ids, Tensor):
        expect.note(type(ids))
        raise expect.Different(
            f"the model is not given a Tensor:\n  yours     {type(ids).__name__}"
        )
    array = ids.to_numpy()
    if array.dtype != np.int64 or array.ndim != 2:
        expect.note((array.dtype, array.ndim))
        raise expect.Different(
            "the model is not given int64 ids [batch, seq]:\n"
            f"  yours     {array.dtype} {list(array.shape)}"
        )
    return array


def constant(logits):
    """A model that gives these logits at the last position, turned ones before it."""

    def model(ids):
        batch, seq = asked(ids).shape
        answer = [np.roll(logits, -distance) for distance in reversed(range(seq))]
        return tensor(np.tile(answer, (batch, 1, 1)))  # [batch, seq, vocab]

    return model


def counting(vocab=10):
    """A model that is sure of the number after the last one, ten steps round.

    So sure that whoever draws gets it too: what is drawn is judged elsewhere.  Of
    each row it is surer than of the row before.
    """

    def model(ids):
        following = (asked(ids) + 1) % vocab  # [batch, seq]
        sure = np.arange(60, 60 + len(following), dtype=np.float32)  # [batch]
        logits = np.eye(vocab, dtype=np.float32)[following]  # [batch, seq, vocab]
        return tensor(logits * sure[:, None, None])

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


def words(options):
    """Options as they are written in a call."""
    return ", ".join(f"{name}={value}" for name, value in options.items())


GREEDY = [{"do_sample": False}, {"temperature": 0}]


@pytest.mark.about("generate_next_token")
@pytest.mark.parametrize("options", GREEDY)
def test_greedy(step, options):
    """greedy takes the largest logit of the last position, always"""
    drawn = next_tokens(step, constant(LOGITS), prompts(100, 3), **options)
    given = f"{words(options)}, logits {LOGITS.tolist()} and 100 rows"
    expect.drawn_from(drawn, np.eye(5)[LOGITS.argmax()], given)


@pytest.mark.about("generate_next_token")
@pytest.mark.parametrize(
    ("ids", "options"),
    [
        ([[4]], {"do_sample": False}),
        ([[1, 2], [7, 4], [3, 9]], {"temperature": 0}),
        ([[i] for i in range(10)] * 2, {"do_sample": False}),
    ],
)
def test_greedy_in_every_row(step, ids, options):
    """greedy takes the largest logit of each row of a batch"""
    actual = next_tokens(step, counting(), np.array(ids), **options)
    setting = words(options)
    prompts = ids if len(ids) < 9 else f"{len(ids)} prompts"
    given = f"{setting} and a model that counts on: after {prompts}"
    expect.equal(actual, (np.array(ids)[:, -1] + 1) % 10, given, what="the next are")


@pytest.mark.about("generate_next_token")
def test_every_row_has_its_own_probabilities(step):
    """each row of a batch is drawn by its own logits"""
    logits = np.array([[5.0, 0.0, 0.0], [0.0, 5.0, 0.0]], np.float32)

    def model(ids):
        return tensor(np.repeat(logits, ROWS, axis=0)[:, None, :])

    rng = np.random.default_rng(5)
    drawn = next_tokens(step, model, prompts(2 * ROWS), rng=rng)
    for row, part in zip(logits, np.split(drawn, 2), strict=True):
        given = f"a batch of two kinds of rows, where logits are {row.tolist()}"
        expect.drawn_from(part, reference.softmax(row), given)


@pytest.mark.about("generate_next_token")
@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0, 1e4])
def test_sampling(step, temperature):
    """sampling draws with probability softmax(logits / temperature)"""
    rng = np.random.default_rng(5)
    drawn = next_tokens(
        step, constant(LOGITS), prompts(ROWS, 3), temperature=temperature, rng=rng
    )
    given = f"temperature {temperature:g}, logits {LOGITS.tolist()} and {ROWS} draws"
    expect.drawn_from(drawn, reference.softmax(LOGITS / temperature), given)


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
    drawn = next_tokens(step, constant(logits), prompts(200), rng=rng)
    given = f"logits {logits.tolist()} and 200 draws"
    expect.drawn_from(drawn, np.array([0, 0.5, 0, 0.5]), given)


@pytest.mark.about("generate_next_token")
def test_a_whole_vocabulary(step):
    """sampling works over 50257 tokens, however float32 rounds their sum"""
    logits = np.zeros((8, 1, 50257), np.float32)
    for row, impossible in enumerate(range(1, 16, 2)):
        logits[row, :, -impossible:] = -np.inf
    rng = np.random.default_rng(5)
    drawn = next_tokens(step, lambda _: tensor(logits), prompts(8), rng=rng)
    possible = bool((logits[np.arange(8), 0, drawn] == 0).all())
    expect.that(possible, f"of 50257 tokens it draws impossible ones: {drawn}")


@pytest.mark.about("generate_next_token")
def test_every_token_can_be_drawn(step):
    """the unlikely tokens are drawn too, not only the best"""
    logits = np.linspace(0, 2, 150, dtype=np.float32)
    rng = np.random.default_rng(5)
    drawn = next_tokens(step, constant(logits), prompts(400), rng=rng)
    chance = reference.softmax(logits).reshape(3, 50).sum(axis=1)
    given = "150 tokens and 400 draws, from each 50 of them, the worst first"
    expect.drawn_from(drawn // 50, chance, given)


@pytest.mark.about("generate_next_token")
def test_the_seed_decides(step):
    """the generator that is given draws: again other tokens, the same by its seed"""

    def draw(rng):
        return next_tokens(step, constant(EVEN), prompts(60), rng=rng)

    before = np.random.get_state()
    rng = np.random.default_rng(1)
    first, second, again = draw(rng), draw(rng), draw(np.random.default_rng(1))
    kept = all(map(np.array_equal, before, np.random.get_state()))
    expect.that(kept, "it draws from NumPy's global generator, not from the one given")
    same = bool((first == again).all())
    expect.that(same, "two generators of the same seed draw different tokens")
    same = bool((first == second).all())
    expect.that(not same, "one generator draws the same tokens a second time")


@pytest.mark.about("generate_next_token")
def test_without_a_generator(step):
    """without a generator, every call draws other tokens"""
    one, two = (
        next_tokens(step, constant(EVEN), prompts(60), rng=None) for _ in range(2)
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
@pytest.mark.parametrize(
    ("ids", "new", "options"),
    [([[4]], 2, {"do_sample": False}), ([[1, 2], [7, 8]], 3, {"temperature": 0})],
)
def test_generate_appends(step, ids, new, options):
    """generate appends one token after another to every prompt"""
    actual = written(step, counting(), ids, new, **options)
    ids = np.array(ids)
    following = (ids[:, -1:] + 1 + np.arange(new)) % 10
    given = f"{words(options)}, a model that counts on, {new} tokens after "
    given += str(ids.tolist())
    expect.equal(actual, np.concatenate([ids, following], axis=1), given, "batch")


@pytest.mark.about("generate")
def test_generate_nothing(step):
    """no new tokens asked for, none generated"""
    actual = written(step, counting(), [[1, 2]], 0)
    expect.equal(actual, [[1, 2]], "0 new tokens after [[1, 2]]", "batch")


@pytest.mark.about("generate")
@pytest.mark.parametrize("options", [*GREEDY, {"temperature": 3.0}])
def test_generate_samples(step, options):
    """generate chooses every token as it was told to, greedy or at a temperature"""
    model, rng = constant(LOGITS), np.random.default_rng(5)
    ids = written(step, model, prompts(300, 2), 2, rng=rng, **options)
    given = f"{words(options)} and 2 new tokens after 300 prompts of 2"
    expect.same(list(ids.shape), [300, 4], f"{given}, the shape is")
    greedy = np.eye(5)[LOGITS.argmax()]
    hot = reference.softmax(LOGITS / 3)
    for new in (1, 2):
        chances = hot if options.get("temperature") else greedy
        given = f"{words(options)}, new token {new} of 300 rows"
        expect.drawn_from(ids[:, 1 + new], chances, given)


@pytest.mark.about("generate")
def test_generate_samples_with_one_generator(step):
    """generate draws token after token from the same generator"""
    model, ids = constant(EVEN), prompts(30)
    rng = np.random.default_rng(5)
    both = written(step, model, ids, 2, rng=rng)
    stuck = bool((both[:, 1] == both[:, 2]).all())
    expect.that(not stuck, "in 30 rows the second token is the first one again")
    rng = np.random.default_rng(5)
    for _ in range(2):
        ids = written(step, model, ids, 1, rng=rng)
    same = bool((both == ids).all())
    expect.that(same, "2 tokens at once are not those of 2 calls with one generator")


@pytest.mark.about("generate")
def test_generate_without_a_generator(step):
    """without a generator, every call of generate draws other tokens"""
    one, two = (
        written(step, constant(EVEN), prompts(60), 1, rng=None) for _ in range(2)
    )
    same = bool((one == two).all())
    expect.that(not same, "without a generator, two calls draw the same 60 tokens")


@pytest.mark.about("generate")
def test_the_context_is_cropped(step):
    """the model sees the last n_positions tokens, the result keeps them all"""
    seen = []

    def model(ids):
        seen.append(asked(ids).tolist())
        return counting()(ids)

    ids = [[1, 2, 3], [6, 7, 8]]
    ids = written(step, model, ids, 3, do_sample=False, n_positions=4)
    first = [[1, 2, 3], [6, 7, 8]]
    second = [[1, 2, 3, 4], [6, 7, 8, 9]]
    third = [[2, 3, 4, 5], [7, 8, 9, 0]]
    for call, expected in enumerate([first, second, third]):
        given = f"n_positions=4 and prompts of 3, call {call} of the model gets"
        expect.same(seen[call] if call < len(seen) else None, expected, given)
    given = "n_positions=4 and 3 new tokens after prompts of 3"
    expect.equal(ids, [[1, 2, 3, 4, 5, 6], [6, 7, 8, 9, 0, 1]], given, "batch")


@pytest.mark.about("generate")
def test_a_prompt_longer_than_the_context(step):
    """a prompt longer than n_positions is cropped too"""
    seen = []

    def model(ids):
        seen.append(asked(ids).tolist())
        return counting()(ids)

    ids = written(step, model, [[1, 2, 3, 4, 5]], 1, do_sample=False, n_positions=2)
    given = "n_positions=2 and the prompt [1, 2, 3, 4, 5], the model gets"
    expect.same(seen, [[[4, 5]]], given)
    expect.equal(ids, [[1, 2, 3, 4, 5, 6]], "the same, the result", "batch")


@pytest.mark.about("generate")
@pytest.mark.parametrize("ids", [[[3]], [[2], [4], [3]], [[4], [3]]])
def test_stop_token(step, ids):
    """finished rows repeat the stop token, and all finished ends it"""
    actual = written(step, counting(), ids, 6, do_sample=False, stop_token=5)
    new = 5 - min(row[0] for row in ids)
    expected = np.minimum(np.array(ids) + np.arange(new + 1), 5)
    given = f"stop_token=5 and a model that counts on, after {ids}"
    expect.equal(actual, expected, given, "batch")


@pytest.mark.about("generate")
def test_stop_token_0(step):
    """a stop token of 0 is one like any other"""
    actual = written(step, counting(), [[9], [8]], 4, do_sample=False, stop_token=0)
    given = "stop_token=0 and a model that counts 8, 9, 0, 1, after [[9], [8]]"
    expect.equal(actual, [[9, 0, 0], [8, 9, 0]], given, "batch")


@pytest.mark.about("generate")
@pytest.mark.parametrize("ids", [[[5, 1]], [[1, 5]]])
def test_a_stop_token_in_the_prompt_does_not_stop(step, ids):
    """only a generated stop token counts"""
    actual = written(step, counting(), ids, 2, do_sample=False, stop_token=5)
    following = (np.array(ids)[:, -1:] + np.array([1, 2])) % 10
    given = f"stop_token=5 and 2 new tokens after {ids}"
    expect.equal(actual, np.concatenate([ids, following], axis=1), given, "batch")


# --- both -----------------------------------------------------------------------


def check_refused(step, **options):
    ids, model = tensor(prompts(1)), constant(LOGITS)

    def choose():
        return step.generate_next_token(model, ids, **options)

    def write():
        return step.generate(model, ids, 1, **options)

    try:
        write()
        expect.note("generate accepts it")  # does it alone refuse, or nothing?
    except Exception as error:
        expect.note(type(error))
    given = words(options)
    expect.refused(ValueError, "temperature", choose, f"generate_next_token, {given}")
    expect.refused(ValueError, "temperature", write, f"generate, {given}")


BAD = [-0.1, float("nan"), float("inf")]


@pytest.mark.about("generate_next_token")
@pytest.mark.parametrize("temperature", BAD)
def test_bad_temperatures_where_greedy(step, temperature):
    """a negative or non-finite temperature raises a ValueError, where greedy too"""
    check_refused(step, temperature=temperature, do_sample=False)


@pytest.mark.about("generate_next_token")
@pytest.mark.parametrize("temperature", BAD)
def test_bad_temperatures(step, temperature):
    """a negative or non-finite temperature raises a ValueError before it is used"""
    check_refused(step, temperature=temperature)
