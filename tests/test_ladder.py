"""The ladder's and the context curve's arithmetic, and one short run of each."""

import dataclasses
import io
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import click
import numpy as np
import pytest
from click.testing import CliRunner
from max.driver import Buffer
from rich.console import Console

from benchmarks import bars, context, ladder, machine, workload
from gpt2 import equivalence, learner
from gpt2.checkpoint import load_checkpoint
from gpt2.eager_engine import EagerEngine
from gpt2.engine import Engine, Network
from gpt2.precision import PRECISIONS, store
from gpt2.processor import unit
from gpt2.terminal import BadInput
from solutions.solution_01 import GPT2Config
from tests import reference


@pytest.fixture(scope="module")
def shakespeare():
    return load_checkpoint(workload.SHAKESPEARE)


def rung(name="KV cache", batch=1, count=64, **about) -> ladder.Rung:
    """A rung that writes nothing, with prompts of 16 tokens, 17 tokens, ..."""
    prompts = [[0] * (16 + row) for row in range(batch)]
    about = {"weights": 8_000_000, "column": 6000} | about
    return ladder.Rung(name, lambda prompts, count: None, prompts, count, **about)


def printed(table) -> str:
    file = io.StringIO()
    Console(file=file, width=80).print(table)
    return file.getvalue()


# --- Memory traffic -------------------------------------------------------------------


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_token_reads_all_weights_but_the_positions(shakespeare, precision):
    """As they are packed: up to whole groups of rows and whole lines."""
    config = shakespeare.config
    n_embd, n_layer, group = config.n_embd, config.n_layer, unit(precision).group

    def padded(rows: int) -> int:
        return rows + -rows % group

    outputs = [padded(times * n_embd) for times in (3, 1, 4, 1)]  # of a block
    widths = [n_embd, n_embd, n_embd, 4 * n_embd]
    matrices = padded(config.vocab_size) * n_embd
    matrices += n_layer * int(np.dot(outputs, widths))
    rows = config.vocab_size + n_layer * 9 * n_embd
    others = n_layer * 13 * n_embd + 2 * n_embd  # biases and layer norms
    expected = {
        "float32": 4 * matrices + 4 * others,
        "bfloat16": 2 * matrices + 4 * others,
        "int8": matrices + 8 * rows + 4 * others,  # a scale and a sum of each
    }
    solutions = learner.load_steps("solutions")
    network = Network(config, solutions, precision=precision)
    stored = store(shakespeare.weights, network.kept)
    buffers = {name: Buffer.from_dlpack(array) for name, array in stored.items()}
    engine = SimpleNamespace(weights=buffers)
    assert workload.weight_bytes(engine) == expected[precision]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_column_is_what_the_engine_stores_for_a_token(shakespeare, precision):
    engine = Engine(shakespeare.config, shakespeare.weights, precision=precision)
    _, cache = engine.prefill([[1, 2]] * 3, capacity=64)
    size = cache.data.num_elements * cache.data.dtype.size_in_bytes
    assert workload.column_bytes(shakespeare.config, precision) * 3 * 64 == size


def test_a_batch_shares_the_weights_and_not_the_cache():
    assert rung(count=1).bytes_per_token == 8_000_000 + 16 * 6000
    assert rung(count=3).bytes_per_token == 8_000_000 + 17 * 6000
    assert rung(batch=3, count=1).bytes_per_token == 8_000_000 / 3 + 17 * 6000


# --- Rungs ----------------------------------------------------------------------------


def test_the_table_shows_medians():
    one = rung(seconds=[6.4, 0.64, 0.64], same=63)
    eight = rung("batch 8", batch=8, seconds=[1.28], same=512)
    lines = printed(ladder.table([one, eight], bandwidth=1e9)).splitlines()
    # 8 MB + 47.5 x 6 kB = 8.285 MB, 100 times a second; 1 MB + 51 x 6 kB = 1.306 MB
    assert lines[1].split() == "KV cache 63 of 64 100 10.0 8.29 83%".split()
    assert lines[2].split() == "batch 8 512 of 512 400 20.0 1.31 52%".split()


def test_a_rung_must_write_the_known_text():
    known = list(range(30))
    two = rung(batch=2, count=3)
    assert ladder.prove(two, np.array([[16, 17, 18], [17, 18, 19]]), known) == 6
    with pytest.raises(
        click.ClickException,
        match="KV cache writes another text: token 2 of text 1 is 7, expected 19",
    ):
        ladder.prove(two, np.array([[16, 17, 18], [17, 18, 7]]), known)


def test_reading_a_text_gives_what_prefill_gives(shakespeare):
    engine = Engine(shakespeare.config, shakespeare.weights)
    text = np.random.default_rng(0).integers(512, size=5).tolist()
    expected = [engine.prefill([text[: n + 1]])[0][0] for n in range(5)]
    np.testing.assert_array_equal(ladder.read(engine, text), expected)


# --- Accuracy -------------------------------------------------------------------------


class Sure:
    """Gives token 1 of two a probability, after token 0 and after token 1."""

    def __init__(self, after_0, after_1):
        probabilities = np.array([after_0, after_1])
        odds = probabilities / (1 - probabilities)
        self.logits = np.stack([np.zeros(2), np.log(odds)], axis=1)

    def new_cache(self, rows, capacity):
        return None

    def read(self, texts, cache, *, every):
        (text,) = texts.values()
        return self.logits[text]


def test_the_distance_is_that_of_probabilities():
    windows = np.array([[0, 1, 1, 0], [1, 1, 0, 0]])
    far = ladder.distance(Sure(0.25, 0.4), Sure(0.5, 0.8), windows)
    # Two tokens follow 0: 1 and 0; four follow 1: 1, 0, 1 and 0.
    kl_0 = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    kl_1 = 0.8 * np.log(0.8 / 0.4) + 0.2 * np.log(0.2 / 0.6)
    assert far.kl == pytest.approx((2 * kl_0 + 4 * kl_1) / 6)
    worse = np.log([0.5 / 0.25, 0.5 / 0.75, 2, 0.2 / 0.6, 2, 0.2 / 0.6])
    assert far.tokens == 6
    assert far.perplexity == pytest.approx(np.exp(worse.mean()))
    assert far.error == pytest.approx(far.perplexity * worse.std() / np.sqrt(6))
    assert far.same == pytest.approx(2 / 6)  # after 0, 0 is likelier, or as likely
    same, loss = ladder.compare(
        Sure(0.25, 0.4), Sure(0.5, 0.8), [0, 1, 0, 1], 2, windows
    )
    assert same == 1
    assert "over 6 tokens of the text, KL from float32 0.27, perplexity" in loss
    assert "likeliest token the same 33.3% of the time" in loss


def test_the_windows_come_from_everywhere_in_the_last_tenth(
    shakespeare, tmp_path, monkeypatch
):
    config, tokenizer = shakespeare.config, shakespeare.tokenizer
    load = workload.Workload("", config, shakespeare.weights, tokenizer, [])
    letters = "To be, or not to be. " * 4000
    text = tmp_path / "text"
    text.write_text(letters)
    every = ladder.held_out(load, text)
    ids = tokenizer.encode(letters[-len(letters) // 10 :]).ids
    assert every.ravel().tolist() == ids[: every.size]
    assert len(ids) - every.size < 256
    monkeypatch.setattr(ladder, "LOGITS", 4 * 256 * config.vocab_size)
    some = ladder.held_out(load, text)
    step = -(-len(every) // 4)
    assert step > 1
    np.testing.assert_array_equal(some, every[::step])


# --- Whose steps ----------------------------------------------------------------------


# A model of 40 tokens to which n + 7 follows n, quick although nothing is compiled.
MODEL = """
import numpy as np
from max.experimental.tensor import Tensor

FOLLOWS = np.roll(np.eye(40, dtype=np.float32), 7, axis=1)


class GPT2LMHeadModel:
    def __init__(self, config):
        pass

    def load_state_dict(self, weights):
        pass

    def compile(self, ids, weights):
        return self

    def __call__(self, ids):
        return Tensor.from_dlpack(FOLLOWS[ids.to_numpy()])
"""


class Slow(EagerEngine):
    """Made of the same steps as the engine, in any precision, and not compiled."""

    def __init__(self, config, weights, *, steps, precision):
        self.config, self.weights = config, {}
        self.model = learner.run_lazily(steps.build(config))


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """A learner's folder with a model of its own, and the loop of step 12."""
    folder = tmp_path / "steps"
    folder.mkdir()
    (folder / "step_11.py").write_text(MODEL)
    (folder / "step_12.py").write_text(learner.solution(12))
    monkeypatch.setattr(learner, "STEPS", folder)
    return folder


@pytest.fixture
def tiny(monkeypatch, eager) -> workload.Workload:
    """A climb of a moment, beside whatever engine there is."""
    monkeypatch.setattr(ladder, "Engine", Slow)
    monkeypatch.setattr(ladder, "BATCHES", (2,))
    monkeypatch.setattr(machine, "memory", list)
    monkeypatch.setattr(machine, "read", lambda parts: 1e9)
    config = GPT2Config(40, 32, 16, n_layer=1, n_head=2)
    return workload.Workload("tiny", config, {}, None, [1, 2, 3])


def test_every_rung_runs_the_learners_files(steps, tiny):
    callers = []
    loaded = learner.load_steps("steps")

    def noted(model, *inputs, **options):
        callers.append(type(model).__name__)
        return loaded.generate(model, *inputs, **options)

    assert loaded.generate.__module__ == "steps.step_12"
    own = dataclasses.replace(loaded, generate=noted)
    rungs, _, _ = ladder.climb(own, tiny, 2, 1, None)
    names = "eager,compiled,KV cache,our loop,bfloat16,int8,batch 2".split(",")
    assert [rung.name for rung in rungs] == names
    assert [rung.same for rung in rungs] == [1, 2, 2, 2, 2, 2, 4]
    for rung in rungs:
        assert rung.turn().tolist() == [[10, 17][: rung.count], [17, 24]][: rung.batch]
    # Three rungs have proved themselves, been timed, and now written once more.
    assert callers[-9:] == ["method", "GPT2LMHeadModel", "Reader"] * 3


@pytest.mark.parametrize(
    ("compiled", "reason"),
    [
        (
            "return lambda ids: -1 * self(ids)",
            "as MAX compiles your steps, compiled writes another text: token 0",
        ),
        (
            "raise TypeError('int() of a Dim\\nand more')",
            "steps/step_11.py:16: MAX cannot make a graph of it: int() of a Dim",
        ),
    ],
    ids=["another text", "no graph"],
)
def test_the_compiled_rung_is_left_out_where_max_goes_wrong(
    steps, tiny, compiled, reason
):
    """As with a mask that MAX compiles wrongly: the engine has another in its place."""
    (steps / "step_11.py").write_text(MODEL.replace("return self\n", f"{compiled}\n"))
    own = learner.load_steps("steps")
    rungs, remarks, _ = ladder.climb(own, tiny, 2, 1, None)
    assert [rung.name for rung in rungs[:2]] == ["eager", "KV cache"]
    assert remarks["compiled"].startswith(f"left out: {reason}")
    assert "and more" not in remarks["compiled"]
    ours = dataclasses.replace(own, whose="solutions")
    with pytest.raises((TypeError, ladder.OtherText)):
        ladder.climb(ours, tiny, 2, 1, None)


def test_a_loop_that_needs_all_positions_does_not_climb(steps, tiny):
    text = learner.solution(12)
    all_of_them = "model(input_ids)[:, int(input_ids.shape[1]) - 1, :]"
    text = text.replace("model(input_ids)[:, -1, :]", all_of_them)
    (steps / "step_12.py").write_text(text)
    with pytest.raises(BadInput, match="other positions than the last"):
        ladder.climb(learner.load_steps("steps"), tiny, 2, 1, None)


@pytest.mark.parametrize("command", [ladder.main, context.main], ids="{.name}".format)
def test_steps_that_the_engine_cannot_run_are_refused(steps, monkeypatch, command):
    """In one line, after what is still to be written."""
    reason = "steps/step_07.py:70: attend computes something else"
    monkeypatch.setattr(equivalence, "why_not", lambda *how: reason)
    done = CliRunner().invoke(command, ["--from", "steps"])
    assert done.exit_code == 2
    said = " ".join(done.output.split())
    assert "solutions stand in: step 01, 02, 03, 04, 05, 06, 07, 08, 09, 10" in said
    assert f"--from steps: the engine cannot run yours: {reason}." in said


def test_a_learners_error_is_shown_by_their_own_lines(steps):
    (steps / "step_02.py").write_text("x = 1\nx.nothing_of_the_kind\n")
    done = CliRunner().invoke(ladder.main, ["--from", "steps"])
    assert done.exit_code == 1
    assert "steps/step_02.py:2" in done.output
    assert "no attribute 'nothing_of_the_kind'" in done.output
    assert "learner.py" not in done.output


def test_table_and_picture_say_whose_steps_they_show(steps, tmp_path, monkeypatch):
    monkeypatch.setattr(equivalence, "why_not", lambda *how: "")
    rungs = [rung("eager", seconds=[1.0]), rung("compiled", seconds=[0.1])]
    monkeypatch.setattr(ladder, "climb", lambda *how: (rungs, {}, 1e9))
    svg = tmp_path / "ladder.svg"
    for whose, title in [
        ("steps", "Your steps (2 of 12): shakespeare on"),
        ("solutions", "The solutions: shakespeare on"),
    ]:
        words = ["--from", whose, "--svg", str(svg)]
        done = CliRunner().invoke(ladder.main, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith(title)
        heading = ElementTree.parse(svg).find("{*}text")
        assert heading.text.startswith(title)


# --- Random weights -------------------------------------------------------------------


def test_random_weights_are_shaped_like_a_checkpoints(shakespeare):
    weights = workload.random_weights(shakespeare.config)
    expected = {name: np.shape(array) for name, array in shakespeare.weights.items()}
    assert {name: array.shape for name, array in weights.items()} == expected


def test_logits_of_random_weights_spread_like_real_ones():
    config = GPT2Config(500, 32, 64, n_layer=3, n_head=4)
    weights = reference.part(workload.random_weights(config), "transformer")
    ids = np.random.default_rng(0).integers(500, size=(4, 32))
    hidden = reference.model(ids, np.arange(32), weights, 3, 4, 1e-5)
    assert (hidden @ weights["wte.weight"].T).std() == pytest.approx(2.75, rel=0.1)


# --- Pictures -------------------------------------------------------------------------


def test_equal_ratios_are_equal_steps_on_the_logarithmic_scale():
    lengths, ticks = bars.logarithmic([3, 30, 3000])
    assert lengths[0] == pytest.approx(np.log10(3) / np.log10(3000))
    assert lengths[2] == 1
    assert lengths[2] - lengths[1] == pytest.approx(2 * (lengths[1] - lengths[0]))
    assert [*ticks.values()] == ["1", "10", "100", "1,000"]
    assert [*ticks] == pytest.approx([n / np.log10(3000) for n in range(4)])


def test_bars_fit_the_terminal_and_keep_their_proportions():
    drawn = [bars.Bar("longer", [0.5, 0.5], "2 ms"), bars.Bar("b", [0.25, 0], "1 ms")]
    lines = bars.as_text(drawn, {0: "0", 1: "x"}).splitlines()
    assert max(map(len, lines)) == 80
    assert lines[0].count("█") == lines[0].count("▒") == 2 * lines[1].count("█")


def test_the_svg_shows_what_the_text_shows():
    drawn = [bars.Bar("a < b", [0.5, 0.25], "2 ms"), bars.Bar("c", [1.0], "3 ms")]
    svg = ElementTree.fromstring(bars.as_svg(["A & B"], drawn, {0: "0", 0.5: "half"}))
    texts = [text.text for text in svg.findall("{*}text")]
    assert sorted(texts) == sorted(["A & B", "0", "half", "a < b", "2 ms", "c", "3 ms"])
    widths = [float(rect.get("width")) for rect in svg.findall("{*}rect")]
    assert widths == [0.5 * widths[2], 0.25 * widths[2], widths[2]]


def test_lengths_go_up_to_the_longest_that_leaves_room():
    assert context.lengths(1024) == [16, 32, 64, 128, 256, 512, 1023]
    assert context.lengths(33) == [16, 32]


def test_the_contexts_share_is_what_comes_on_top():
    points = [
        context.Point(16, 8_000_000, cached=[0.010, 0.010, 9], again=[0.010]),
        context.Point(32, 9_000_000, cached=[0.0125], again=[0.250]),
    ]
    lines = printed(context.table(points)).splitlines()
    assert lines[1].split() == "16 8.00 10.0 0% 10.0 1.00".split()
    assert lines[2].split() == "32 9.00 12.5 20% 250 20.0".split()
    drawn, _ = context.picture(points)
    assert drawn[0].parts == pytest.approx([0.8, 0])
    assert drawn[1].parts == pytest.approx([0.8, 0.2])


# --- Command line ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("--tokens 0", "0 is not in the range"),
        ("--tokens 210", "has room for 209"),
        ("--repeat 0", "0 is not in the range"),
        ("--from nobody", "'nobody' is not one of"),
        ("--random 7B", "'7B' is not '124M'"),
        ("--random 124M --model models/names", "name two models"),
        ("--model models/nowhere", "models/nowhere"),
        ("--svg nowhere/picture.svg", "there is no folder nowhere"),
        ("--text nowhere.txt", "'nowhere.txt' does not exist"),
        ("--text {short}", "the last tenth of"),
        ("--text {binary}", "is not UTF-8"),
    ],
)
def test_the_ladder_refuses(words, problem, tmp_path, monkeypatch):
    (tmp_path / "short").write_text("To be, or not to be.\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    files = {"short": tmp_path / "short", "binary": tmp_path / "binary"}
    monkeypatch.setattr(ladder, "climb", None)  # it does not come to that
    done = CliRunner().invoke(ladder.main, words.format(**files).split())
    assert done.exit_code == 2
    assert problem in re.sub(r"\s+", " ", done.output)


def test_the_context_curve_refuses_a_context_without_a_curve():
    done = CliRunner().invoke(context.main, ["--model", "models/names"])
    assert done.exit_code == 2
    assert "names has a context of" in done.output
    done = CliRunner().invoke(context.main, ["--precision", "float16"])
    assert done.exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("whose", ["solutions", "steps"])
def test_the_ladder_climbs(whose, tmp_path, eager):
    """MAX compiles four graphs the first time on a machine: a few minutes."""
    svg = tmp_path / "ladder.svg"
    words = ["--from", whose, "--tokens", "4", "--repeat", "1", "--svg", str(svg)]
    done = CliRunner().invoke(ladder.main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows = re.findall(r"^(\S.*?) +(\d+) of (\d+) ", done.stdout, flags=re.M)
    names = "eager,compiled,KV cache,our loop,bfloat16,int8,batch 8,batch 32".split(",")
    assert [name for name, _, _ in rows] == names
    counts = [int(count) for _, _, count in rows]
    assert counts == [1, 4, 4, 4, 4, 4, 32, 128]
    same = {name: int(same) for name, same, _ in rows}
    assert [same[n] for n in names if n not in ladder.REDUCED] == [1, 4, 4, 4, 32, 128]
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert len(ElementTree.parse(svg).findall("{*}rect")) == 8


@pytest.mark.slow
def test_the_context_curve_is_drawn(tmp_path, eager):
    svg = tmp_path / "context.svg"
    words = ["--repeat", "1", "--svg", str(svg)]
    done = CliRunner().invoke(context.main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows = re.findall(r"^ +(\d+) +[\d.,]+ +[\d.,]+ +\d+% ", done.stdout, flags=re.M)
    assert rows == ["16", "32", "64", "128", "255"]
    apart = re.search(r"logits differ by at most (\S+)\.", done.stdout)
    assert float(apart[1]) < 1e-4
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert len(ElementTree.parse(svg).findall("{*}rect")) == 2 * 5
