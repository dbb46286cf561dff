"""From logits to a token: against Hugging Face transformers, step 12 and arithmetic.

`tests/golden/make.py` made the golden values, with transformers' own processors in
transformers' own order.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from gpt2.decoding import (
    Decoding,
    apply_repetition_penalty,
    apply_temperature,
    exp,
    find,
    generators,
    greedy,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    log_softmax,
    logprob,
    sample,
    softmax,
)
from solutions.solution_12 import generate_next_token
from tests import reference
from tests.tensors import tensor

with safe_open(Path(__file__).parent / "golden" / "decoding.safetensors", "np") as file:
    LOGITS = file.get_tensor("logits")  # [row, vocab]
    IDS = file.get_tensor("ids")  # [row, seq]
    FILTERED = file.get_tensor("filtered")  # [case, row, vocab]
    CASES = json.loads(file.metadata()["cases"])
TIES = (4, 5)  # rows of LOGITS in which top-p has to choose among equals
VOCAB = 50257


def row(seed: int, vocab_size: int = VOCAB) -> np.ndarray:
    """Logits like those of GPT-2: float32, some of them far below the others."""
    logits = np.random.default_rng(seed).normal(-60, 3, vocab_size)
    return logits.astype(np.float32)


def kept(logits: np.ndarray) -> list[int]:
    """Ids of the tokens that are left."""
    return np.flatnonzero(np.isfinite(logits)).tolist()


# --- transformers ------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: str(CASES[n]))
def test_logits_are_those_of_transformers(number):
    decoding = Decoding(**CASES[number])
    for r, (logits, ids) in enumerate(zip(LOGITS, IDS, strict=True)):
        actual, expected = decoding.filter(logits, ids), FILTERED[number, r]
        if r in TIES and decoding.top_p < 1:
            # Which of equals transformers keeps depends on how PyTorch sorts.
            actual, expected = np.sort(actual), np.sort(expected)
        np.testing.assert_allclose(actual, expected, rtol=2e-7, err_msg=f"row {r}")
        assert actual.dtype == np.float32


# --- Logit processors --------------------------------------------------------------


def test_log_softmax():
    logits = np.stack([row(1, 50), row(2, 50) + 2000])  # [2, vocab_size]
    expected = np.log(reference.softmax(logits))
    np.testing.assert_allclose(log_softmax(logits), expected, rtol=1e-12)
    far_apart = np.array([0, -1000], np.float32)
    np.testing.assert_array_equal(log_softmax(far_apart), [0, -1000])


def test_logprob_is_that_of_log_softmax():
    logits = row(1)
    expected = log_softmax(logits)
    for token in (0, greedy(logits), int(logits.argmin())):
        assert logprob(logits, token) == pytest.approx(expected[token], abs=1e-6)


def test_repetition_penalty():
    logits = np.array([3, -3, 0, 1, -1], np.float32)
    twice = apply_repetition_penalty(logits, [0, 1, 2, 0], 2.0)
    np.testing.assert_array_equal(twice, [1.5, -6, 0, 1, -1])
    np.testing.assert_array_equal(apply_repetition_penalty(logits, [], 2.0), logits)


def test_top_k_keeps_ties():
    logits = np.array([2, 1, 3, 1, 1, 0], np.float32)
    assert kept(keep_top_k(logits, 2)) == [0, 2]
    assert kept(keep_top_k(logits, 3)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("k", [1, 40, 1570, 1571, 10_000, VOCAB, VOCAB + 1])
def test_top_k_of_a_large_vocabulary(k):
    for logits in (row(4), row(4).round()):  # rounded, many are equal
        last = np.sort(logits)[::-1][:k][-1]
        assert kept(keep_top_k(logits, k)) == np.flatnonzero(logits >= last).tolist()


def exact_rows():
    """Probabilities of whole percents, in any order, and what they are as logits."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        cuts = np.sort(rng.integers(0, 101, size=rng.integers(1, 12)))
        percents = np.diff(cuts, prepend=0, append=100)
        percents = rng.permutation(percents[percents > 0])
        yield percents, np.log(percents / 100).astype(np.float32)


def test_top_p_keeps_the_smallest_set_that_reaches_p():
    for percents, logits in exact_rows():
        likeliest = np.argsort(-percents, kind="stable")  # of equals, the first
        sums = percents[likeliest].cumsum()
        for p in {*sums.tolist(), *(sums - 1).tolist(), *(sums + 1).tolist()}:
            if 0 < p < 100:
                size = int((sums < p).sum()) + 1
                expected = sorted(likeliest[:size].tolist())
                assert kept(keep_top_p(logits, p / 100)) == expected, (percents, p)


@pytest.mark.parametrize("p", [1e-9, 0.01, 0.3, 0.9, 0.99, 0.9999])
def test_top_p_of_a_large_vocabulary(p):
    logits = row(3)
    probabilities = softmax(logits)
    likeliest = np.argsort(-probabilities, kind="stable")
    size = len(kept(keep_top_p(logits, p)))
    assert kept(keep_top_p(logits, p)) == sorted(likeliest[:size].tolist())
    sums = probabilities[likeliest].cumsum()
    assert sums[size - 1] >= p - 2e-6
    assert size == 1 or sums[size - 2] < p


@pytest.mark.parametrize("p", [0.5, 0.9])
def test_top_p_though_every_64th_token_misleads(p):
    """One of them is likelier than all others, which the first guess leaves out."""
    probabilities = np.full(64 * 200, 8e-5)
    probabilities[::64] = 1e-9
    probabilities[64] = 1e-4
    logits = np.log(probabilities).astype(np.float32)
    likeliest = np.argsort(-probabilities, kind="stable")
    size = int((softmax(logits)[likeliest].cumsum() < p).sum()) + 1
    assert kept(keep_top_p(logits, p)) == sorted(likeliest[:size].tolist())


def test_top_p_keeps_the_first_of_equals_and_p_1_keeps_all():
    equal = np.zeros(8, np.float32)
    assert kept(keep_top_p(equal, 0.5)) == [0, 1, 2, 3]
    assert kept(keep_top_p(equal, 0.51)) == [0, 1, 2, 3, 4]
    assert kept(keep_top_p(equal, 1e-9)) == [0] == [greedy(equal)]
    unlikely = np.array([0, -1000, -50], np.float32)
    assert kept(keep_top_p(unlikely, 1.0)) == [0, 1, 2]


def test_min_p_keeps_what_is_exactly_likely_enough():
    for percents, logits in exact_rows():
        for least in set(percents.tolist()):
            expected = np.flatnonzero(percents >= least).tolist()
            assert kept(keep_min_p(logits, least / percents.max())) == expected


def test_the_logits_given_stay_as_they_are():
    logits = LOGITS[0].copy()
    for _ in Decoding(0.5, 9, 0.9, 0.01, 1.2).stages(logits, [1, 2]):
        pass
    sample(logits, np.random.default_rng(0))
    log_softmax(logits)
    np.testing.assert_array_equal(logits, LOGITS[0])


# --- Sampling ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(),
        Decoding(top_k=40),
        Decoding(top_p=0.95),
        Decoding(min_p=0.05),
        Decoding(0.8, 40, 0.95, 0.02, 1.1),
    ],
)
def test_draws_are_those_of_choice(decoding):
    ours, numpys = (np.random.default_rng(11) for _ in range(2))
    for seed in range(50):
        logits = row(seed)
        filtered = decoding.filter(logits, [1, 2, 3])
        expected = numpys.choice(VOCAB, p=softmax(filtered))
        assert decoding.choose(logits, [1, 2, 3], ours) == expected
    assert ours.bit_generator.state == numpys.bit_generator.state


def borders(logits: np.ndarray) -> np.ndarray:
    """float64 `[vocab_size]`: where `choice` goes over to the next token."""
    sums = softmax(logits).cumsum()
    return sums / sums[-1]


@pytest.mark.parametrize("vocab_size", [1, 2, 255, 256, 257, 600, VOCAB])
@pytest.mark.parametrize("left", [1.0, 0.1])
def test_draws_at_the_borders_are_those_of_choice(vocab_size, left):
    """However near: there, a sum in another order could give the token beside."""
    everything = row(vocab_size, vocab_size)
    drawn = np.random.default_rng(0).random(vocab_size) <= left
    drawn[0] = True
    ids = np.flatnonzero(drawn)
    logits = np.where(drawn, everything, np.float32(-np.inf))
    sums = borders(logits)
    some = sums[:: max(vocab_size // 50, 1)]
    for far in (0, 1e-16, 1e-12, 1e-9, 4e-8, 2e-7, 3e-6):
        for u in [*(some - far), *(some + far), 0.0]:
            if 0 <= u < 1:
                expected = sums.searchsorted(u, side="right")
                assert sample(logits, Always(u)) == expected, (u, far)
                assert sample(everything, Always(u), ids) == expected, (u, far)


def test_what_is_found_without_adding_up_everything():
    """Most draws, and each of them what `choice` finds."""
    weights, sums = exp(row(1)), borders(row(1))
    numbers = np.random.default_rng(2).random(1000)
    found = [find(weights, u) for u in numbers]
    assert sum(token is not None for token in found) > 990
    for u, token in zip(numbers, found, strict=True):
        assert token is None or token == sums.searchsorted(u, side="right")
    assert find(weights, sums[1000]) is None


class Always(np.random.Generator):
    """A generator that gives one number alone."""

    def __init__(self, number: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.number = number

    def random(self) -> float:
        return self.number


def test_what_is_filtered_is_never_drawn():
    half = np.array([-np.inf, 0, -np.inf, 0, -np.inf], np.float32)
    largest = float(np.nextafter(1, 0))
    assert [sample(half, Always(u)) for u in (0, 0.49, 0.5, largest)] == [1, 1, 3, 3]
    for seed in range(50):
        logits = row(seed, 1000)
        logits[-10:] = -np.inf
        assert sample(logits, Always(largest)) == 989


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.9, 1e-39, 5e-324, 1e39])
def test_draws_are_those_of_step_12(temperature, eager):
    rows = np.stack([row(seed, 300) for seed in range(500)])  # [batch, vocab_size]
    expected = generate_next_token(
        lambda ids: tensor(rows[:, None]),  # [batch, 1, vocab_size]
        tensor(np.zeros((len(rows), 1), np.int64)),
        temperature=temperature,
        rng=np.random.default_rng(7),
    ).to_numpy()  # [batch, 1]
    rng = np.random.default_rng(7)
    drawn = [Decoding(temperature).choose(logits, [], rng) for logits in rows]
    assert drawn == expected[:, 0].tolist()


@pytest.mark.parametrize("values", [{"temperature": 0}, {"do_sample": False}])
def test_greedy_takes_the_likeliest_after_the_penalty(values):
    logits, rng = np.array([1, 3, 2.5, 3], np.float32), np.random.default_rng(1)
    state = rng.bit_generator.state
    assert Decoding(**values, top_k=1, top_p=0.1).choose(logits, [], rng) == 1
    penalty = Decoding(**values, repetition_penalty=1.3)
    assert penalty.choose(logits, [1], rng) == 3
    assert penalty.choose(logits, [1, 3], rng) == 2
    assert rng.bit_generator.state == state


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("temperature", [1e-3, 1e-38, 1e-45, 5e-324, 1e38, 1e308])
@pytest.mark.parametrize("penalty", [1e-300, 1e-45, 1.0, 1e38, 1e300])
@pytest.mark.parametrize("level", [-60, 0, 60])
def test_nothing_extreme_gives_nan(temperature, penalty, level):
    logits = np.array([1, 0, 3, 2], np.float32) + np.float32(level)
    decoding = Decoding(temperature, 3, 0.9, 0.1, penalty)
    for name, stage in decoding.stages(logits, [0, 1, 0]):
        assert not np.isnan(stage).any(), name
        assert np.isclose(softmax(stage).sum(), 1), name
    token = decoding.choose(logits, [0, 1, 0], np.random.default_rng(2))
    if temperature < 1:
        penalized = apply_repetition_penalty(logits, [0, 1, 0], penalty)
        assert penalized[token] == penalized.max()


def test_a_small_temperature_keeps_the_likeliest_of_many():
    logits = row(5)
    for temperature in (1e-2, 1e-38, 5e-324):
        assert greedy(apply_temperature(logits, temperature)) == greedy(logits)


@pytest.mark.parametrize("bad", [[1, np.nan], [1, np.inf], [-np.inf, -np.inf]])
def test_logits_that_say_nothing_are_refused(bad):
    with pytest.raises(ValueError, match=r"the largest logit is .*: no token"):
        sample(np.array(bad, np.float32), np.random.default_rng(0))


def test_every_row_has_a_generator_of_its_own():
    [alone] = generators(5, 1)
    assert alone.random() == np.random.default_rng(5).random()
    draws = [generator.random() for generator in generators(5, 3)]
    seeds = np.random.SeedSequence(5).spawn(3)
    assert draws == [np.random.default_rng(seed).random() for seed in seeds]
    assert [generator.random() for generator in generators(5, 2)] == draws[:2]


# --- Decoding ----------------------------------------------------------------------


def test_the_stages_are_what_is_on_in_one_order():
    everything = Decoding(
        min_p=0.1, top_p=0.9, top_k=5, temperature=2, repetition_penalty=2
    )
    stages = list(everything.stages(LOGITS[0], [1]))
    names = "model repetition_penalty temperature top_k top_p min_p".split()
    assert [name for name, _ in stages] == names
    np.testing.assert_array_equal(stages[0][1], LOGITS[0])
    np.testing.assert_array_equal(stages[-1][1], everything.filter(LOGITS[0], [1]))
    counts = [len(kept(logits)) for _, logits in stages]
    assert counts[:3] == [LOGITS.shape[1]] * 3 and counts[3] == 5

    [(name, logits)] = Decoding().stages(LOGITS[0], [1])
    assert name == "model"
    np.testing.assert_array_equal(logits, LOGITS[0])


@pytest.mark.parametrize(
    "name, values, rule",
    [
        ("temperature", [-0.1, np.nan, np.inf, "hot", None], "0 or more, and finite"),
        ("top_k", [-1, 1.5, 2.0, np.nan, "all"], "a whole number, and 0 or more"),
        ("top_p", [0, -0.5, 1.01, np.nan, "most"], "above 0, and at most 1"),
        ("min_p", [-0.1, 1.1, np.nan, None], "from 0 to 1"),
        ("repetition_penalty", [0, -1, np.nan, np.inf, None], "above 0, and finite"),
    ],
)
def test_a_bad_value_is_named_with_its_rule(name, values, rule):
    for value in values:
        with pytest.raises(ValueError) as error:
            Decoding(**{name: value})
        assert str(error.value) == f"{name} must be {rule}, not {value!r}"


def test_the_ends_of_what_is_allowed_are_allowed():
    Decoding(0, 0, 1, 0, 1e-9)
    Decoding(np.float32(0.5), np.int64(3), 1e-9, 1, 1e9)
