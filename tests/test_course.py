"""The course holds together: stubs, solutions and checks belong to each other."""

import ast
import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import course.__main__
import gpt2
from course import doctor, state, variants, warmup, worker
from course.examiner import Examiner
from course.grade import titles
from course.lessons import LESSONS
from course.verdict import explain, find
from gpt2.learner import solution
from tests.house import build_house, coach, run
from tests.quick import every, some
from tests.survived import SURVIVED, UNHARMED

ROOT = Path(__file__).parent.parent
STUBS = ROOT / "course" / "stubs"
PIXI = tomllib.loads((ROOT / "pixi.toml").read_text())
NUMBERS = range(1, 13)


def outline(text: str) -> list[tuple[str, str, str | None]]:
    """Name, signature and docstring of the module and everything defined in it."""
    tree = ast.parse(text)
    found = [("module", "", ast.get_docstring(tree))]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = ", ".join(map(ast.unparse, node.bases + node.decorator_list))
            found.append((node.name, bases, ast.get_docstring(node)))
        if isinstance(node, ast.FunctionDef):
            signature = f"{ast.unparse(node.args)} -> {ast.unparse(node.returns)}"
            found.append((node.name, signature, ast.get_docstring(node)))
    return found


@pytest.mark.parametrize("own", [True, False])
def test_only_the_steps_own_todo_is_still_to_be_written(own, tmp_path):
    """MAX raises NotImplementedError too, for what it cannot do."""
    file = tmp_path / "step_02.py"
    body = "raise NotImplementedError" if own else "max()"
    file.write_text(f"def causal_mask(max):\n    {body}\n")
    names = {}
    exec(compile(file.read_text(), str(file), "exec"), names)

    def of_max():
        raise NotImplementedError("a symbolic length")

    with pytest.raises(NotImplementedError) as caught:
        names["causal_mask"](of_max)
    found = explain(caught.value, file, "a title", "causal_mask")
    assert (found.kind, found.line) == ("todo" if own else "error", 2)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_stub_has_the_signatures_and_docstrings_of_its_solution(number):
    stub = (STUBS / f"step_{number:02d}.py").read_text()
    assert outline(stub) == outline(solution(number))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_stub_gives_nothing_away(number):
    """Below its docstring, every function is a TODO and NotImplementedError."""
    text = (STUBS / f"step_{number:02d}.py").read_text()
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    assert functions
    for function in functions:
        body = function.body[ast.get_docstring(function) is not None :]
        assert [type(statement) for statement in body] == [ast.Raise]
        assert f'NotImplementedError("step {number:02d}: {function.name}")' in text
        above = text.splitlines()[function.lineno : body[0].lineno]
        assert any(line.strip().startswith("# TODO: ") for line in above)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_step_fits_its_place_in_the_house(number):
    """A solution imports MAX, NumPy, the standard library and earlier solutions."""
    tree = ast.parse((ROOT / "solutions" / f"solution_{number:02d}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module]
        else:
            continue
        for module in modules:
            earlier = re.fullmatch(r"solutions\.solution_(\d\d)", module)
            if earlier:
                assert int(earlier[1]) < number
            else:
                top = module.split(".")[0]
                assert top in {"max", "numpy"} | sys.stdlib_module_names


def test_nothing_imports_the_coach():
    """But for its own files, tests, and the figure that shows the catalogue."""
    figure = ROOT / "book" / "data" / "mistakes.py"
    found = []
    for folder in ("benchmarks", "book", "gpt2", "models", "solutions"):
        for file in sorted({*(ROOT / folder).rglob("*.py")} - {figure}):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                else:
                    continue
                if any(name.split(".")[0] == "course" for name in names):
                    found.append(f"{file}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("package, told", [("course", course.__main__), ("gpt2", gpt2)])
def test_the_files_are_named_in_their_order(package, told):
    named = re.findall(r"^    (\w+)/?  ", told.__doc__, re.MULTILINE)
    files = [file.stem for file in (ROOT / package).glob("*.py")]
    folders = [file.parent.name for file in (ROOT / package).glob("[!_]*/__init__.*")]
    assert {*named, "__init__", "__main__"} == {*files, *folders, "__init__"}
    assert len(named) == len(set(named))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_step_has_a_title_a_role_and_three_hints(number):
    lesson = LESSONS[number]
    assert lesson.title and lesson.role.endswith(".")
    assert len(lesson.hints) == 3 and all(hint.strip() for hint in lesson.hints)
    lines = "\n".join(lesson.hints).splitlines()
    assert all(len(line) <= 78 for line in lines if line.startswith(" "))  # code


@pytest.mark.parametrize("number", NUMBERS)
def test_a_step_is_called_by_its_title(number):
    """By the list of tasks, by its own file, and by the file of its checks."""
    names = [
        PIXI["tasks"][LESSONS[number].task]["description"],
        (STUBS / f"step_{number:02d}.py").read_text().splitlines()[0],
        (ROOT / "tests" / f"test_step_{number:02d}.py").read_text().splitlines()[0],
    ]
    for name in names:
        for word in LESSONS[number].title.lower().split():
            assert word in name.lower()


@pytest.mark.parametrize("number", NUMBERS)
def test_every_check_says_what_it_judges_and_what_should_hold(number):
    """The function or class is there, and the sentence fits a line of the verdict."""
    checks = ast.parse((ROOT / "tests" / f"test_step_{number:02d}.py").read_text())
    found = 0
    for node in checks.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = "\n".join(map(ast.unparse, node.decorator_list))
            about = re.search(r"pytest\.mark\.about\('([\w.]+)'\)", marks)
            line, name = find(ROOT / f"solutions/solution_{number:02d}.py", about[1])
            assert line and name == about[1].split(".")[-1]
            assert len(ast.get_docstring(node)) <= 78
            found += 1
    assert found >= 2


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    return build_house(tmp_path_factory.mktemp("house") / "here")


def outcomes(house: Path) -> dict[int, list[bool]]:
    """Runs every step's checks on steps/; for each step, whether each check passed."""
    tests = [f"tests/test_step_{number:02d}.py" for number in NUMBERS]
    words = ("--steps", "steps", "--junitxml", "report.xml", "--tb", "no")
    done = run(house, "-m", "pytest", *tests, *words)
    assert (house / "report.xml").exists(), done.stdout + done.stderr
    found: dict[int, list[bool]] = {number: [] for number in NUMBERS}
    for case in ET.parse(house / "report.xml").iter("testcase"):
        passed = case.find("failure") is None and case.find("error") is None
        found[int(case.get("classname", "")[-2:])].append(passed)
    return found


def test_every_stub_imports_and_fails_every_check(house, eager):
    for number in NUMBERS:
        shutil.copy(STUBS / f"step_{number:02d}.py", house / "steps")
    imports = ", ".join(f"steps.step_{number:02d}" for number in NUMBERS)
    done = run(house, "-c", f"import {imports}")
    assert done.returncode == 0, done.stderr
    for number, passed in outcomes(house).items():
        assert passed and not any(passed), f"step {number}: a stub passes a check"


@pytest.mark.slow
def test_every_solution_passes_in_the_place_of_its_stub(house, eager):
    for number in NUMBERS:
        (house / "steps" / f"step_{number:02d}.py").write_text(solution(number))
    for number, passed in outcomes(house).items():
        assert passed and all(passed), f"step {number}: a solution fails a check"


def test_the_earlier_steps_are_the_solutions_when_a_step_is_checked(house, eager):
    (house / "steps" / "step_03.py").write_text("raise RuntimeError('an old mistake')")
    (house / "steps" / "step_09.py").write_text(solution(9))
    done = coach(house, "check", "09")
    assert done.returncode == 0, done.stdout + done.stderr


# --- Messages: see also tests/transcripts ------------------------------------------


def write(house: Path, number: int, text: str | bytes) -> Path:
    file = house / "steps" / f"step_{number:02d}.py"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_check_says_what_is_still_to_be_written(house):
    shutil.copy(STUBS / "step_01.py", house / "steps")
    done = coach(house, "check", "01")
    assert done.returncode == 1
    assert f" 0 of {len(titles(1))} checks pass" in done.stdout
    assert "still to be written: __post_init__" in done.stdout
    assert re.search(r"look at  steps/step_01.py:\d+  __post_init__", done.stdout)
    assert done.stderr == ""


def test_check_says_when_a_step_is_right(house):
    write(house, 1, solution(1))
    done = coach(house, "check", "1")
    assert done.returncode == 0
    assert re.match(r"s01  Configuration +right\n", done.stdout)
    assert "next: ./run s02" in done.stdout


def test_check_points_at_the_learners_line(house):
    text = solution(1).replace("self.n_embd // self.n_head", "self.n_emdb // 2")
    write(house, 1, text)
    done = coach(house, "check", "01")
    assert done.returncode == 1
    line = 1 + text[: text.index("n_emdb")].count("\n")
    assert "no attribute 'n_emdb'" in done.stdout
    assert f"steps/step_01.py:{line}  head_dim" in done.stdout


SECTIONS = {
    "parameters": lambda text: text.replace("self.weight", "self.table"),
    "returns": lambda text: text.replace("axis=0)", "axis=0),"),
    "exit": lambda text: text + "\nexit()\n",
    "debugger": lambda text: text.replace("return F", "breakpoint()\n        return F"),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_failure_leads_to_the_page_that_tells_more(section, tmp_path, eager):
    (tmp_path / "step_05.py").write_text(SECTIONS[section](solution(5)))
    examiner = Examiner(5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "breakpointhook", worker.no_debugger)
        examiner.examine(tmp_path)
    error = examiner.broken or examiner.failure[1]
    found = explain(error, tmp_path / "step_05.py", "a title", "TokenEmbedding")
    assert found.section == section
    page = (ROOT / "book" / "src" / "troubleshooting.md").read_text()
    assert f"{{#{section}}}" in page


def test_check_shows_a_long_error_to_its_end(house):
    name = "a_name_that_is_much_too_long_for_one_line_of_a_terminal_of_eighty_columns"
    text = solution(1).replace("self.n_embd // self.n_head", f"self.{name}")
    write(house, 1, text)
    done = coach(house, "check", "01")
    assert f"'{name}'" in " ".join(done.stdout.split())


def test_the_learners_own_settings_of_pytest_change_no_verdict(house):
    shutil.copy(STUBS / "step_01.py", house / "steps" / "step_01.py")
    done = coach(house, "check", "01", PYTEST_ADDOPTS="-rs --no-such-option")
    assert done.returncode == 1
    assert f" 0 of {len(titles(1))} checks pass" in done.stdout


def test_what_was_not_checked_is_not_right(monkeypatch):
    def stopped(_words, plugins):
        plugins[0].results.append("a check that passes")
        return pytest.ExitCode.INTERRUPTED

    monkeypatch.setattr(pytest, "main", stopped)
    with pytest.raises(RuntimeError, match="not every check of step 01"):
        Examiner(1).examine(None)


def test_every_message_of_the_worker_is_described():
    sources = [inspect.getsource(module) for module in (worker, warmup)]
    sent = re.findall(r"send\((\w+)=", "".join(sources))
    assert set(sent) == set(re.findall(r'^    {"(\w+)"', worker.__doc__, re.MULTILINE))


@pytest.mark.parametrize("number", ["0", "13", "seven"])
def test_check_refuses_a_step_that_does_not_exist(house, number):
    done = coach(house, "check", number)
    assert done.returncode == 2
    said, _, section = done.stderr.partition(" More: ./run book, ")
    assert said == f"Error: {number!r} is not a step. There are 01 to 12."
    assert section == "troubleshooting.html#no-such-step\n"


def test_check_names_a_missing_file_and_reset_brings_it_back(house):
    file = house / "steps" / "step_02.py"
    file.unlink(missing_ok=True)
    done = coach(house, "check", "02")
    assert done.returncode == 2
    assert "steps/step_02.py is not there. ./run reset 02" in done.stderr
    assert coach(house, "reset", "02").returncode == 0
    assert file.read_text() == (STUBS / "step_02.py").read_text()


@pytest.mark.parametrize("what", every(4, UNHARMED))
def test_a_right_file_may(house, eager, what):
    number, change = UNHARMED[what]
    write(house, number, change(solution(number)))
    write(house, 3, "1 / 0")  # so that the whole chain writes no text after step 12
    done = coach(house, "check", str(number))
    assert done.returncode == 0, done.stdout


# One of each kind of end: before the file runs, while it does, with it, and none.
KINDS = {
    "a syntax error",
    "an exception in a helper",
    "a loop without an end",
    "exit()",
    "exit() at its end",
    "KeyboardInterrupt",
    "KeyboardInterrupt at its end",
    "breakpoint()",
    "the end of the process",
    "a crash",
    "returning None",
}


@pytest.fixture(scope="module")
def hasty(tmp_path_factory) -> Path:
    """A house whose coach gives up early: most of these are endless anyway."""
    house = build_house(tmp_path_factory.mktemp("hasty") / "here")
    file = house / "course" / "worker.py"
    limits = {f"TIME_LIMIT = {worker.TIME_LIMIT} ": "TIME_LIMIT = 3 "}
    file.write_text(variants.swap(file.read_text(), limits))
    return house


@pytest.mark.parametrize("what", some(SURVIVED, KINDS.__contains__))
def test_the_coach_survives(hasty, eager, what):
    """And says so, without a word of pytest's, in 80 columns."""
    number, change = SURVIVED[what]
    file = write(hasty, number, change(solution(number)))
    done = coach(hasty, "check", str(number))
    assert done.returncode == 1
    assert done.stderr == ""
    assert f"look at  steps/{file.name}" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    for word in ("Traceback", "assert ", "pytest", "site-packages", str(hasty)):
        assert word not in done.stdout.replace("assert self.n_head == 0", "")


@pytest.mark.slow
def test_time_for_compiling_does_not_count(house, eager):
    """An operation that no step needs is compiled, with a word, and judged after.

    It takes 20 s on a new machine; later MAX has it in its cache.
    """
    slow = (
        "return F.gather(self.weight, input_ids, axis=0) * 0 + F.atanh(self.weight[0])"
    )
    text = solution(5).replace("return F.gather(self.weight, input_ids, axis=0)", slow)
    write(house, 5, text)
    done = coach(house, "check", "5")
    assert done.returncode == 1
    assert "each id is replaced by its row" in done.stdout


# --- Other commands ----------------------------------------------------------------


@pytest.fixture
def fresh(tmp_path) -> Path:
    return build_house(tmp_path / "here")


def test_hints_come_one_after_another(fresh):
    stages = [coach(fresh, "hint", "7").stdout for _ in range(4)]
    for stage, text in enumerate(stages[:3], start=1):
        assert f"hint {stage} of 3" in text
    assert stages[3] == stages[2]
    assert "./run solution 07" in stages[3]
    assert "hint 1 of 3" in coach(fresh, "hint", "08").stdout


def test_progress_counts_a_step_only_while_its_file_is_what_passed(fresh):
    def row() -> str:
        return coach(fresh, "progress").stdout.splitlines()[0]

    assert row().endswith("not yet")
    write(fresh, 1, solution(1))
    coach(fresh, "check", "1")
    assert row().endswith("done") and len(row()) == 80
    write(fresh, 1, solution(1) + "# more\n")
    assert row().endswith("changed since it was done")
    write(fresh, 1, solution(1))
    assert row().endswith("done")
    assert "next: ./run s02" in coach(fresh, "progress").stdout


SPOILT = [b"", b"[]", b"{", b"\xff", b'{"other": 1}', 5000 * b"["]


@pytest.mark.parametrize("contents", SPOILT, ids=range(len(SPOILT)))
def test_a_spoilt_state_is_none(tmp_path, monkeypatch, contents):
    monkeypatch.setattr(state, "FILE", tmp_path / "state.json")
    state.FILE.write_bytes(contents)
    assert state.load() == state.State()


def test_a_spoilt_state_loses_nothing_but_comfort(fresh):
    (fresh / ".course").mkdir()
    (fresh / ".course" / "state.json").write_text("{")
    assert coach(fresh, "progress").returncode == 0
    write(fresh, 1, solution(1))
    assert coach(fresh, "check", "1").returncode == 0


def test_what_cannot_be_remembered_is_said_in_one_line_below_the_verdict(fresh):
    (fresh / ".course").write_text("a file where a folder should be")
    write(fresh, 1, solution(1))
    done = coach(fresh, "check", "1")
    assert done.returncode == 0
    assert f"All {len(titles(1))} checks pass" in done.stdout
    (line,) = done.stderr.splitlines()
    assert str(fresh / ".course") in line and "./run doctor" in line


def test_reset_keeps_every_file_that_it_replaces(fresh):
    for text in ("first = 1\n", "second = 2\n"):
        write(fresh, 3, text)
        assert "Your file is kept: .course/step_03" in coach(fresh, "reset", "3").stdout
    kept = sorted((fresh / ".course").glob("step_03.*.py"))
    assert [file.read_text() for file in kept] == ["first = 1\n", "second = 2\n"]
    assert (fresh / "steps" / "step_03.py").read_bytes() == (
        STUBS / "step_03.py"
    ).read_bytes()


def test_solution_shows_how_yours_differs(fresh):
    shown = coach(fresh, "solution", "8").stdout
    assert "+    return x + sublayer(norm(x))" in shown
    assert '-    raise NotImplementedError("step 08: residual")' in shown
    write(fresh, 8, solution(8))
    assert "There is no difference." in coach(fresh, "solution", "8").stdout


def test_doctor_finds_nothing_wrong_here(fresh, eager):
    done = coach(fresh, "doctor")
    assert done.returncode == 0, done.stdout
    assert "kernels         ready" in done.stdout


def test_doctor_names_what_is_wrong_and_how_to_mend_it(fresh, eager, tmp_path):
    (fresh / ".course").write_text("a file where a folder should be")
    cache = tmp_path / "cache"
    cache.write_text("and another")
    done = coach(fresh, "doctor", MODULAR_CACHE_DIR=str(cache))
    assert done.returncode == 1
    assert re.search(r"FIX write .course/ +no", done.stdout)
    assert "let yourself write" in done.stdout


def test_doctor_needs_no_folder_of_the_coachs(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(state, "FOLDER", tmp_path / "file")
    assert all(finding.fix == "" for finding in doctor.max_itself())


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A house whose steps are all written."""
    house = build_house(tmp_path_factory.mktemp("finished") / "here")
    for number in NUMBERS:
        write(house, number, solution(number))
    return house


def test_bisect_does_not_compare_the_reference_with_itself(fresh, eager):
    done = coach(fresh, "bisect")
    assert done.returncode == 0
    assert "there is nothing to compare" in done.stdout


@pytest.mark.slow
def test_bisect_agrees_with_solutions(finished, eager):
    done = coach(finished, "bisect")
    assert done.returncode == 0, done.stderr
    assert "do what the reference does at every place" in done.stdout


PARTED = [
    (4, '"tanh"', '"none"', "block 0, MLP"),
    (5, "input_ids, axis=0", "input_ids - 1, axis=0", "token embeddings"),
    (
        7,
        "self.head_dim)\n        mask",
        "self.n_embd)\n        mask",
        "block 0, att",
    ),
    (8, "x + sublayer(norm(x))", "x + sublayer(x)", "block 0, attention"),
    (10, "return self.ln_f(x)", "return x", "logits"),
    (11, "wte.weight.T", "wte.weight.T * 2", "logits"),
    (12, "[:, -1, :]", "[:, 0, :]", "the text"),
]


@pytest.mark.parametrize("case", every(7, PARTED), ids=lambda case: case[3])
def test_bisect_finds_the_first_place(finished, eager, case):
    number, old, new, place = case
    text = solution(number)
    assert text.count(old) == 1
    write(finished, number, text.replace(old, new))
    try:
        done = coach(finished, "bisect")
    finally:
        write(finished, number, text)
    assert done.returncode == 1
    assert f"The first place where they part: {place}" in done.stdout


@pytest.mark.slow
def test_bisect_says_that_a_model_has_other_parameters(finished, eager):
    text = solution(3)
    write(finished, 3, text.replace("self.bias", "self.beta"))
    try:
        done = coach(finished, "bisect")
    finally:
        write(finished, 3, text)
    assert done.returncode == 1 and done.stderr == ""
    assert "do not take the checkpoint's weights" in done.stdout
    assert "for which the module has no parameter" in " ".join(done.stdout.split())


def test_the_last_step_compares_the_whole_chain(finished, eager):
    text = solution(3)
    write(finished, 3, text.replace("self.eps = eps", "self.eps = 1.0"))
    try:
        done = coach(finished, "check", "12")
    finally:
        write(finished, 3, text)
    assert done.returncode == 0, "step 12 itself is right"
    assert "The first place where they part: block 0, ln_1" in done.stdout


@pytest.mark.slow
def test_a_right_last_step_ends_with_text_from_the_engine(finished, eager):
    done = coach(finished, "check", "12")
    assert done.returncode == 0, done.stderr
    _, _, text = done.stdout.partition("with the weights of models/shakespeare:\n\n")
    assert text.startswith("ROMEO:") and "next: ./run generate" in text
    assert "40 tokens in" in done.stderr and "eagerly" not in done.stderr


def test_watch_checks_what_is_saved(fresh, eager, ctrl_c_is_not_ignored):
    command = [sys.executable, "-u", "-I", "gpt2/start.py", "course", "watch", "8"]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80"}
    with subprocess.Popen(
        command, cwd=fresh, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        too_late = threading.Timer(120, process.kill)
        too_late.start()

        def read_to(text: str) -> str:
            seen = ""
            while text not in seen:
                line = process.stdout.readline()
                assert line, seen
                seen += line
            return seen

        assert re.search(r"s08 .* not yet", read_to("watching"))
        write(fresh, 8, solution(8))
        assert re.search(r"s08 .* right", read_to("watching"))
        write(fresh, 9, solution(9))
        assert re.search(r"s09 .* right", read_to("watching"))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        too_late.cancel()
