"""What `./run bench` makes of the times it is given, without the programs themselves.

They are not in this environment. In their place stand small classes, and in place of a
process for each something that lives right here.
"""

import os
import re
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner
from packaging.utils import canonicalize_name

from benchmarks import peers
from benchmarks.programs import PROGRAMS, gpt2_124m
from benchmarks.programs.ours import Ours
from benchmarks.programs.program import Files, Program
from gpt2.checkpoint import expected_shapes
from solutions.solution_01 import GPT2Config

ROOT = Path(__file__).parent.parent
ALONE, EIGHT, _, READING = peers.measures(new=20)
LIMITS = peers.Limits(bandwidth=20e9, float32=200e9, bfloat16=800e9)


# --- Figures --------------------------------------------------------------------------


def test_a_figure_is_the_median_and_its_ratio_to_the_reference_of_the_same_rounds():
    row = peers.Row("pytorch", "float32")
    row.times = {ALONE.name: [9.0, 2.0, 4.0], EIGHT.name: [5.0]}
    row.reference = {ALONE.name: [6.0, 5.0, 70.0], EIGHT.name: [4.0]}
    assert peers.figure(row, ALONE) == "5.0 (1.50)"  # 20 tokens in 4 s, not in 6 s
    assert peers.figure(row, EIGHT) == "32.0 (0.80)"  # 8 * 20 tokens in 5 s


def test_reading_is_in_milliseconds_and_faster_is_still_more():
    row = peers.Row("pytorch", "float32")
    row.times, row.reference = {READING.name: [0.2]}, {READING.name: [0.5]}
    assert peers.figure(row, READING) == "200 (2.50)"


@pytest.mark.parametrize(
    "tokens, expected",
    [([1, 2, 3], 3), ([1, 2, 4], 2), ([0, 2, 3], 0), ([1, 0, 3], 1)],
)
def test_tokens_agree_up_to_the_first_that_differs(tokens, expected):
    assert peers.agreeing(tokens, [1, 2, 3]) == expected


def test_a_token_needs_every_matrix_but_the_positions():
    sizes = [
        int(np.prod(shape))
        for name, shape in expected_shapes(GPT2Config())
        if len(shape) == 2 and name != "wpe.weight"
    ]
    assert sum(sizes) == gpt2_124m.READ_WEIGHTS


def test_the_least_times_follow_from_the_machine():
    float32, bfloat16, int8 = peers.limit_lines(LIMITS)
    # 123,532,032 weights; 84,934,656 of them are multiplied with each of 512 tokens.
    assert float32 == ["float32", "494 MB", "24.7", "40", "435"]
    assert bfloat16 == ["bfloat16", "247 MB", "12.4", "81", "109"]
    assert int8 == ["int8", "124 MB", "6.2", "162", ""]


def test_every_program_gets_the_same_prompts():
    assert peers.prompts(EIGHT) == peers.prompts(EIGHT)
    assert np.shape(peers.prompts(EIGHT)) == (8, 16)
    assert np.shape(peers.prompts(READING)) == (1, 512)


def test_what_the_report_names_is_pinned():
    pixi = tomllib.loads((ROOT / "pixi.toml").read_text())
    pinned = {*map(canonicalize_name, pixi["feature"]["bench"]["pypi-dependencies"])}
    for program in PROGRAMS.values():
        assert program.packages
        assert set(program.packages) <= pinned


# --- Processes ------------------------------------------------------------------------


@pytest.fixture
def child(tmp_path):
    child = peers.Child(tmp_path / "log")
    yield child
    child.close()


def test_a_child_answers_from_another_process(child):
    assert child.ask(os.getpid) != os.getpid()
    assert child.ask(os.getppid) == os.getpid()


def test_a_childs_error_is_one_line_and_the_child_lives_on(child):
    with pytest.raises(peers.Missing, match=r"^ValueError: invalid literal.*'x'$"):
        child.ask(int, "x")
    assert child.ask(int, "7") == 7


def test_a_child_that_dies_says_what_it_said_last(child):
    child.ask(os.write, 2, b"loading\nout of luck\n")
    with pytest.raises(peers.Missing, match="its process died.*'out of luck'"):
        child.ask(os.abort)


def test_a_program_that_is_not_installed_is_missing_by_name(child, tmp_path):
    files = Files(tmp_path, tmp_path)
    with pytest.raises(peers.Missing, match="ModuleNotFoundError: .*'openvino_genai'"):
        child.ask(peers.load, "openvino", "int8", files, 1)


# --- Whole runs, with programs that compute nothing -----------------------------------


class Fake(Program):
    packages = ("numpy",)
    precisions = ("float32", "int8")
    calls: ClassVar[list[str]] = []

    def __init__(self, files, precision, threads):
        self.name = f"{type(self).__name__} {precision}"

    def generate(self, prompts, new):
        self.calls.append(f"{self.name} {len(prompts)}x{len(prompts[0])}")
        return [list(range(new)) for _ in prompts]


class Reference(Fake):
    precisions = ("float32",)


class Wrong(Fake):
    precisions = ("float32", "int8")

    def generate(self, prompts, new):
        return [[0, 1, 2, 7, *range(4, new)][:new] for _ in prompts]


class Short(Fake):
    """Takes a token for the end of the text."""

    def generate(self, prompts, new):
        return [list(range(new - 1)) for _ in prompts]


class Absent(Fake):
    def __init__(self, files, precision, threads):
        raise ModuleNotFoundError("No module named 'absent'")


class Tired(Fake):
    """Works while it warms up and for two turns more."""

    precisions = ("int8",)

    def generate(self, prompts, new):
        self.turns = getattr(self, "turns", 0) + 1
        if self.turns > 6:
            raise MemoryError("no room")
        return super().generate(prompts, new)


class Here:
    """A child that lives in this process, with a program of its own all the same."""

    def __init__(self, log):
        self.program = None

    def ask(self, function, *arguments):
        peers.loaded = self.program
        try:
            return function(*arguments)
        except Exception as error:
            raise peers.Missing(f"{type(error).__name__}: {error}") from error
        finally:
            self.program = peers.loaded

    def close(self):
        pass


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Runs the command with the given programs: what it says, and its folder."""
    monkeypatch.setattr(peers, "Child", Here)
    monkeypatch.setattr(peers, "loaded", None, raising=False)
    monkeypatch.setattr(peers, "REST", 0)
    monkeypatch.setattr(peers, "make_checkpoint", lambda folder: None)
    monkeypatch.setattr(peers, "measure_limits", lambda threads: LIMITS)
    monkeypatch.setattr(peers, "draw", lambda *_: None)
    monkeypatch.setattr(Fake, "calls", [])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the command sets it: to be undone

    def run(**chosen):
        monkeypatch.setattr(peers, "PROGRAMS", {"transformers": Reference} | chosen)
        options = ["--new", "20", "--repeat", "3", "--to", str(tmp_path)]
        result = CliRunner().invoke(peers.main, options, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        (page,) = tmp_path.glob("peers-*.md")
        return page.read_text()

    return run


def rows_of(page):
    """The first table: {(program, precision): its other cells}."""
    lines = page.split("\n\n")[2].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {(program, precision): rest for program, precision, *rest in cells}


def test_programs_of_one_precision_take_turns_with_the_reference(bench):
    bench(fake=Fake)
    warm_up = ["1x16", "8x16", "32x16", "1x512"]
    sizes = warm_up * 3
    reference, float32, int8 = "Reference float32", "Fake float32", "Fake int8"
    expected = [f"{reference} {size}" for size in warm_up]
    for name in (float32, int8):
        expected += [f"{name} {size}" for size in warm_up]
        expected += [f"{one} {size}" for size in sizes for one in (reference, name)]
    assert Fake.calls == expected


def test_a_row_for_each_program_and_precision_by_precision(bench):
    rows = rows_of(bench(fake=Fake))
    assert [*rows] == [
        ("transformers", "float32"),
        ("fake", "float32"),
        ("fake", "int8"),
    ]
    for *figures, _peak, _load, same in rows.values():
        assert len(figures) == 4
        assert all(re.fullmatch(r"[\d.]+ \([\d.]+\)", figure) for figure in figures)
        assert same == "20"
    assert all("(1.00)" in figure for figure in rows["transformers", "float32"][:4])


def test_what_is_missing_is_named_with_the_reason(bench):
    page = bench(absent=Absent, fake=Fake)
    assert [*rows_of(page)][1:] == [("fake", "float32"), ("fake", "int8")]
    assert "- absent float32: ModuleNotFoundError: No module named 'absent'" in page
    assert "- absent int8: ModuleNotFoundError: No module named 'absent'" in page
    assert "- none" not in page
    assert "- none" in bench(fake=Fake)


def test_a_float32_program_that_computes_something_else_has_no_figures(bench):
    page = bench(wrong=Wrong)
    assert "- wrong float32: wrong: only 3 greedy tokens" in page
    rows = rows_of(page)
    assert ("wrong", "float32") not in rows
    assert rows["wrong", "int8"][-1] == "3"  # said, but a lower precision may differ


def test_a_program_that_writes_less_has_no_figures(bench):
    page = bench(short=Short)
    assert "- short int8: ValueError: it did not write 20 tokens" in page
    assert [*rows_of(page)] == [("transformers", "float32")]


def test_a_program_that_fails_halfway_has_no_figures_and_the_others_go_on(bench):
    page = bench(tired=Tired, fake=Fake)
    assert "- tired int8: MemoryError: no room" in page
    assert ("tired", "int8") not in rows_of(page)
    assert Fake.calls.count("Fake int8 1x512") == 1 + 3


def test_without_the_reference_there_is_nothing_to_say(bench):
    with pytest.raises(AssertionError, match="transformers float32: ModuleNotFound"):
        bench(transformers=Absent)


# --- Programs and plot ----------------------------------------------------------------


def test_ours_asks_the_engine_for_one_token_after_the_other(monkeypatch):
    class Engine:
        def __init__(self, config, weights, precision):
            self.made_of = config, weights, precision

        def prefill(self, prompts, capacity):
            assert capacity >= len(prompts[0]) + 2
            return logits([prompt[-1] for prompt in prompts]), "cache"

        def decode(self, tokens, cache):
            assert cache == "cache"
            return logits(tokens)

    def logits(tokens):  # after token n comes n + 1
        return np.eye(10, dtype=np.float32)[np.array(tokens) + 1]

    checkpoint = SimpleNamespace(config="config", weights="weights")
    modules = {
        "gpt2.checkpoint": SimpleNamespace(load_checkpoint=lambda folder: checkpoint),
        "gpt2.engine": SimpleNamespace(Engine=Engine),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    ours = Ours(Files(Path(), Path()), "int8", threads=1)
    assert ours.engine.made_of == ("config", "weights", "int8")
    assert ours.generate([[0, 1], [5, 4]], new=3) == [[2, 3, 4], [5, 6, 7]]


def test_the_plot_names_every_row(tmp_path):
    pytest.importorskip(
        "matplotlib", reason="no matplotlib here; `./run bench` has it, and draws"
    )
    rows = [peers.Row("transformers", "float32"), peers.Row("openvino", "int8")]
    rows.append(peers.Row("ours", "bfloat16", missing="not there"))
    setup = peers.Setup(peers.measures(20), 1, 1, tmp_path, None)
    for row in rows[:2]:
        row.times = {measure.name: [1.0] for measure in setup.measures}
    peers.draw(rows, LIMITS, setup, tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text()
    assert "transformers float32" in text and "openvino int8" in text
    assert "ours bfloat16" not in text
