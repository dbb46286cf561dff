"""The engine says what the solutions say, whatever its cache, batch or precision.

MAX compiles one graph for each checkpoint and precision: half a minute each, the first
time on a machine.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from max.experimental.tensor import Tensor

from course import variants
from gpt2 import PRECISIONS, learner
from gpt2.checkpoint import Checkpoint, load_checkpoint
from gpt2.decoding import log_softmax
from gpt2.engine import Engine
from gpt2.learner import build, run_lazily
from gpt2.processor import UNITS, runs
from gpt2.step_12 import Reader, looks_elsewhere, write
from solutions.solution_11 import GPT2LMHeadModel
from tests.quick import some
from tests.shared import TEXT, needs
from tests.tensors import tensor

ROOT = Path(__file__).parent.parent
GOLDEN = sorted(file.parent for file in ROOT.glob("tests/golden/*/config.json"))


@pytest.fixture(scope="module")
def shakespeare() -> Checkpoint:
    return load_checkpoint(ROOT / "models" / "shakespeare")


@pytest.fixture(scope="module")
def engine(shakespeare) -> Engine:
    return Engine(shakespeare.config, shakespeare.weights)


def solution_logits(checkpoint: Checkpoint, ids: np.ndarray) -> np.ndarray:
    """What the solutions answer, without a cache: `[batch, seq, vocab_size]`."""
    model = build(GPT2LMHeadModel, checkpoint.config)
    model.load_state_dict(checkpoint.weights)
    return run_lazily(model)(Tensor.from_dlpack(ids)).to_numpy()


def cached_logits(engine: Engine, ids: np.ndarray, prompt: int) -> np.ndarray:
    """A prompt at once, then token by token: `[batch, seq - prompt + 1, vocab_size]`.

    `ids` is `[batch, seq]`.
    """
    logits, cache = engine.prefill(ids[:, :prompt].tolist())
    rows = [logits]
    for column in ids[:, prompt:].T:
        rows.append(engine.decode(column, cache))
    assert (cache.lengths == ids.shape[1]).all()
    return np.stack(rows, axis=1)


def random_ids(checkpoint: Checkpoint, *shape: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, checkpoint.config.vocab_size, shape)


def close(ours: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-4)


# --- Logits ------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", [1, 2, 100, 255])
def test_every_position_up_to_the_last(engine, shakespeare, eager, prompt):
    ids = random_ids(shakespeare, 2, shakespeare.config.n_positions)
    expected = solution_logits(shakespeare, ids)[:, prompt - 1 :]
    close(cached_logits(engine, ids, prompt), expected)


def test_prompts_of_every_length(engine, shakespeare, eager):
    """256 prompts, many as one batch."""
    n_positions = shakespeare.config.n_positions
    ids = random_ids(shakespeare, 1, n_positions)
    expected = solution_logits(shakespeare, ids)[0]  # [seq, vocab_size]
    prompts = [ids[0, :length].tolist() for length in range(1, n_positions + 1)]
    for batch in (prompts[:3], prompts[::5], prompts[-2:]):
        logits, _ = engine.prefill(batch)
        close(logits, expected[[len(prompt) - 1 for prompt in batch]])


def test_a_batch_of_different_lengths_goes_on(engine, shakespeare, eager):
    """One token at a time, then several at once."""
    ids = random_ids(shakespeare, 3, 60)
    lengths = (20, 3, 11)
    logits, cache = engine.prefill([ids[i, :n].tolist() for i, n in enumerate(lengths)])
    answers = [logits]
    for step in range(10):
        tokens = [ids[i, n + step] for i, n in enumerate(lengths)]
        answers.append(engine.decode(tokens, cache))
    more = {i: ids[i, n + 10 : n + 17].tolist() for i, n in enumerate(lengths)}
    last = engine.read(more, cache)
    expected = solution_logits(shakespeare, ids)
    for i, n in enumerate(lengths):
        close(np.stack(answers)[:, i], expected[i, n - 1 : n + 10])
        close(last[i], expected[i, n + 16])


@pytest.mark.slow
@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_odd_sizes(folder, eager):
    """Widths that fill no vector register: five graphs.  `./run test` tries the
    kernels alone with such."""
    checkpoint = load_checkpoint(folder)
    engine = Engine(checkpoint.config, checkpoint.weights)
    ids = random_ids(checkpoint, 3, checkpoint.config.n_positions)
    expected = solution_logits(checkpoint, ids)
    close(cached_logits(engine, ids, 4), expected[:, 3:])


@pytest.mark.slow
def test_the_same_without_kernels(engine, shakespeare, eager):
    """MAX's own operations: with their products, a minute or two to compile."""
    plain = Engine(shakespeare.config, shakespeare.weights, kernels=False)
    ids = random_ids(shakespeare, 2, 40)
    expected = solution_logits(shakespeare, ids)[:, 29:]
    close(cached_logits(plain, ids, 30), expected)
    prompts = [ids[0, :5].tolist(), ids[1, :30].tolist(), ids[1, :1].tolist()]
    logits, cache = plain.prefill(prompts)
    same, same_cache = engine.prefill(prompts)
    close(logits, same)
    for tokens in ([3, 4, 5], [6, 7, 8]):
        close(plain.decode(tokens, cache), engine.decode(tokens, same_cache))
    assert plain.weights.keys() == engine.weights.keys()


# --- The same bits -----------------------------------------------------------------


def test_a_cache_takes_the_memory_of_one_that_is_gone(engine, shakespeare):
    text, other = random_ids(shakespeare, 2, 40).tolist()
    engine.spare.clear()
    expected, cache = engine.prefill([text[:9]], 50)
    memory = cache.data
    engine.read({0: other}, cache)
    _, beside = engine.prefill([other], 50)
    assert beside.data is not memory  # the first one is still there
    del cache
    logits, cache = engine.prefill([text[:9]], 50)
    assert cache.data is memory
    np.testing.assert_array_equal(logits, expected)  # whatever stood there
    assert engine.new_cache(1, 50).data is not memory  # only one may have it

    del cache
    engine.new_cache(2, 50)
    assert not any(data is memory for data in engine.spare.values())  # of no use


def in_every_way(engine: Engine, text: Sequence[int]) -> None:
    """A text's logits have the same bits, whatever is read with each of its tokens."""
    seq, vocab_size = len(text), engine.config.vocab_size
    cache = engine.new_cache(1)
    expected = np.concatenate([engine.decode([token], cache) for token in text])
    # [seq, vocab_size]

    for piece in (8, 13, seq):  # several at once, then as one prompt
        cache = engine.new_cache(1)
        pieces = [text[n : n + piece] for n in range(0, seq, piece)]
        found = [engine.read({0: ids}, cache, every=True) for ids in pieces]
        np.testing.assert_array_equal(np.concatenate(found), expected)

    rng = np.random.default_rng(6)
    others = {
        row: rng.integers(vocab_size, size=1 + 5 * row % seq).tolist()
        for row in range(40)
    }
    cache = engine.new_cache(41)
    found = engine.read({40: text, **others}, cache, every=True)
    np.testing.assert_array_equal(found[:seq], expected)

    cache = engine.new_cache(41)
    engine.read(others, cache)  # then it begins beside those that go on
    for n, token in enumerate(text):
        going_on = {
            row: [token] for row in others if cache.lengths[row] < cache.capacity
        }
        logits = engine.read({**going_on, 40: [token]}, cache)
        np.testing.assert_array_equal(logits[-1], expected[n])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_text_has_the_same_bits_alone_and_in_company(shakespeare, precision):
    """Beyond a block of 64 keys, and beyond two."""
    engine = Engine(shakespeare.config, shakespeare.weights, precision=precision)
    in_every_way(engine, random_ids(shakespeare, 140).tolist())


@pytest.mark.parametrize(
    "precision", some(PRECISIONS, lambda precision: precision == "float32")
)
def test_a_narrow_model_has_the_same_bits(precision):
    """Its heads fill a quarter of a register."""
    checkpoint = load_checkpoint(ROOT / "models" / "names")
    engine = Engine(checkpoint.config, checkpoint.weights, precision=precision)
    in_every_way(engine, random_ids(checkpoint, 16).tolist())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "unit"),
    [
        pytest.param(precision, unit, id=f"{precision} {unit.name} {unit.group}")
        for precision, units in UNITS.items()
        for unit in units
    ],
)
def test_every_unit_gives_the_same_bits(shakespeare, monkeypatch, precision, unit):
    """Not only the one that this processor chooses: a graph for each."""
    if not runs(unit):
        pytest.skip(f"this processor has no {unit.name}")
    monkeypatch.setattr("gpt2.engine.unit", lambda precision: unit)
    engine = Engine(shakespeare.config, shakespeare.weights, precision=precision)
    in_every_way(engine, random_ids(shakespeare, 140).tolist())


# --- KV cache ----------------------------------------------------------------------


def test_reorder_moves_and_repeats_texts(engine, shakespeare):
    ids = random_ids(shakespeare, 3, 12)
    prompts = [ids[0].tolist(), ids[1, :4].tolist(), ids[2, :9].tolist()]
    _, cache = engine.prefill(prompts)
    moved = cache.reorder([2, 0, 0, 1])
    logits = engine.decode([7, 8, 9, 10], moved)
    for row, (text, token) in enumerate(zip((2, 0, 0, 1), (7, 8, 9, 10), strict=True)):
        alone, _ = engine.prefill([[*prompts[text], token]])
        close(logits[row], alone[0])
    unmoved = engine.decode([1, 2, 3], cache)  # reorder has left it as it was
    close(unmoved[1], engine.prefill([[*prompts[1], 2]])[0][0])


def test_a_full_cache_says_so(engine):
    _, cache = engine.prefill([[1, 2, 3]], capacity=4)
    assert not cache.full
    engine.decode([4], cache)
    assert cache.full
    with pytest.raises(ValueError, match="1 tokens, but the cache has room for 0"):
        engine.decode([5], cache)


def test_a_cache_is_never_longer_than_the_positions(engine, shakespeare):
    _, cache = engine.prefill([[1]], capacity=10_000)
    assert cache.capacity == shakespeare.config.n_positions


def test_what_cannot_be_read_is_refused(engine, shakespeare):
    vocab_size, n_positions = 512, shakespeare.config.n_positions
    with pytest.raises(ValueError, match="a prompt has no tokens"):
        engine.prefill([[1], []])
    with pytest.raises(ValueError, match="not one prompt"):
        engine.prefill([])
    _, cache = engine.prefill([[1], [2]])
    with pytest.raises(ValueError, match="1 tokens for a cache of 2 texts"):
        engine.decode([3], cache)
    for token in (-1, vocab_size):
        with pytest.raises(ValueError, match="a token is not below 512"):
            engine.prefill([[1, token]])
    with pytest.raises(ValueError, match=f"room for {n_positions}"):
        engine.prefill([[1] * (n_positions + 1)])


# --- Precision and device ----------------------------------------------------------


def perplexity(engine: Engine, ids: np.ndarray) -> float:
    """exp of the mean loss of every token after the first; `ids` `[batch, seq]`."""
    logits = cached_logits(engine, ids, 1)[:, :-1]  # [batch, seq - 1, vocab_size]
    logprobs = np.take_along_axis(log_softmax(logits), ids[:, 1:, None], axis=-1)
    return float(np.exp(-logprobs.mean()))


@pytest.fixture(scope="module")
def held_out(engine, shakespeare) -> tuple[np.ndarray, float]:
    """64 windows of the text's last tenth, which neither model nor tokenizer has seen,
    and float32's perplexity on them.
    """
    text = TEXT.read_text()
    ids = shakespeare.tokenizer.encode(text[len(text) * 9 // 10 :]).ids
    windows = np.reshape(ids[: 64 * 256], (64, 256))
    return windows, perplexity(engine, windows)


@pytest.mark.slow
@needs(TEXT)
@pytest.mark.parametrize(("precision", "loss"), [("bfloat16", 0.01), ("int8", 0.02)])
def test_perplexity(held_out, shakespeare, precision, loss):
    windows, full = held_out
    reduced = Engine(shakespeare.config, shakespeare.weights, precision=precision)
    ratio = perplexity(reduced, windows) / full
    print(f"{precision}: {ratio:.5f} of float32's perplexity")
    assert abs(ratio - 1) < loss


def test_what_is_not_there_is_refused(shakespeare, monkeypatch):
    def make(**how: str) -> Engine:
        return Engine(shakespeare.config, shakespeare.weights, **how)

    with pytest.raises(ValueError, match="precision 'float16' is none of float32"):
        make(precision="float16")
    with pytest.raises(ValueError, match="device must be 'cpu' or 'gpu', not 'tpu'"):
        make(device="tpu")
    monkeypatch.setattr("gpt2.engine.accelerator_count", lambda: 0)
    with pytest.raises(ValueError, match="no GPU on this machine"):
        make(device="gpu")


# --- Step 12 on the engine ---------------------------------------------------------


class Asked:
    """Stands for the model as it is."""

    def __init__(self) -> None:
        self.shapes: list[list[int]] = []

    def __call__(self, ids: Tensor) -> Tensor:
        self.shapes.append([int(n) for n in ids.shape])
        return ids


def test_a_reader_reads_each_token_once(engine, shakespeare, monkeypatch):
    """Its cache grows with the text, and begins anew with another."""
    read = []
    engine_reads = Engine.read

    def noted(self, texts, cache):
        read.append([len(ids) for ids in texts.values()])
        return engine_reads(self, texts, cache)

    monkeypatch.setattr(Engine, "read", noted)
    reader = Reader(engine, Asked())
    ids = random_ids(shakespeare, 2, 20)
    other = random_ids(shakespeare, 1, 5) + 0 * ids[:1, :5]
    for asked in (ids[:, :3], ids[:, :4], ids[:, :4], ids, other, ids[:, :3]):
        logits = reader(tensor(asked)).to_numpy()
        expected, _ = engine.prefill(asked.tolist())
        close(logits, expected[:, None])
        read.pop()  # that of the line before
    assert read == [[3, 3], [1, 1], [16, 16], [5], [3, 3]]


def test_what_the_engine_cannot_read_goes_to_the_model_as_it_is(engine, shakespeare):
    asked = Asked()
    reader = Reader(engine, asked)
    too_long = np.zeros((1, shakespeare.config.n_positions + 1), np.int64)
    for ids in (too_long, np.full((1, 2), 512), np.full((1, 2), -1), np.zeros(3, int)):
        reader(tensor(ids))
    assert asked.shapes == [[1, 257], [1, 2], [1, 2], [3]]


LAST = "[:, -1, :]  # [batch"


@pytest.mark.parametrize(
    "changes, why",
    [
        ({}, ""),
        (
            {LAST: "[:, 0, :]  # [batch"},
            "step 12 uses logits of other positions than the last",
        ),
        (
            {LAST: ".reshape([*input_ids.shape, -1])[:, -1, :]  # [batch"},
            "steps/step_12.py:50: step 12 asks for logits of other positions",
        ),
    ],
    ids=["last", "first", "by its shape"],
)
def test_a_loop_that_looks_elsewhere_is_found(
    eager, monkeypatch, tmp_path, changes, why
):
    monkeypatch.setattr(learner, "STEPS", tmp_path)
    source = variants.swap(learner.solution(12), changes)
    (tmp_path / "step_12.py").write_text(source)
    step = learner.load_step(12, tmp_path)
    assert looks_elsewhere(step.generate).startswith(why)
    assert bool(looks_elsewhere(step.generate)) == bool(why)


def test_the_loop_is_called_once_and_shows_its_tokens_as_they_come(
    engine, shakespeare, eager
):
    """Beyond a full context too; what it returns last, it shows last."""
    steps = learner.load_steps("solutions")
    calls = []

    class Noted:
        @staticmethod
        def generate(*args, **kwargs):
            calls.append(kwargs)
            return steps.generate(*args, **kwargs)

    shown: list[int] = []
    prompt = random_ids(shakespeare, 1, 253)[0].tolist()
    reader = Reader(engine, Asked())
    lengths = []

    def model(ids: Tensor) -> Tensor:
        lengths.append(len(shown))
        return reader(ids)

    how = {"max_new_tokens": 6, "temperature": 1.0, "do_sample": False, "rng": None}
    config = shakespeare.config
    write(Noted, model, prompt, config, **how, stop_token=None, show=shown.append)
    expected = []
    for _ in range(6):
        text = [*prompt, *expected][-config.n_positions :]
        expected.append(int(engine.prefill([text])[0].argmax()))
    assert shown == expected
    assert len(calls) == 1 and lengths == [0, 1, 2, 3, 4, 5]


def test_a_loop_that_asks_twice_shows_each_token_once(engine, shakespeare, eager):
    """From a prompt of one token, which the first question repeats."""
    steps = learner.load_steps("solutions")

    def generate(model, ids, *args, **kwargs):
        return steps.generate(
            lambda ids: (model(ids), model(ids))[0], ids, *args, **kwargs
        )

    shown: list[int] = []
    how = {"max_new_tokens": 4, "temperature": 1.0, "do_sample": False, "rng": None}
    twice = dataclasses.replace(steps, generate=generate)
    reader = Reader(engine, Asked())
    write(
        twice,
        reader,
        [40],
        shakespeare.config,
        **how,
        stop_token=None,
        show=shown.append,
    )
    expected: list[int] = []
    for _ in range(4):
        expected.append(int(engine.prefill([[40, *expected]])[0].argmax()))
    assert shown == expected
