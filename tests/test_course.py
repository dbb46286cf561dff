"""The course holds together: stubs, solutions and checks belong to each other."""

import ast
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STUBS = ROOT / "course" / "stubs"
NUMBERS = range(1, 13)


def solution_text(number: int) -> str:
    """The solution as a learner would have it in steps/."""
    text = (ROOT / "solutions" / f"solution_{number:02d}.py").read_text()
    return text.replace("solutions.solution_", "steps.step_")


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


@pytest.mark.parametrize("number", NUMBERS)
def test_a_stub_has_the_signatures_and_docstrings_of_its_solution(number):
    stub = (STUBS / f"step_{number:02d}.py").read_text()
    assert outline(stub) == outline(solution_text(number))


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


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of the rooms that a check needs, with a steps/ of its own."""
    copy = tmp_path_factory.mktemp("house")
    for room in ("course", "gpt2", "solutions", "tests"):
        ignore = shutil.ignore_patterns("__pycache__", "golden")
        shutil.copytree(ROOT / room, copy / room, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", copy)
    (copy / "steps").mkdir()
    return copy


def run(house: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=house,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def outcomes(house: Path) -> dict[int, list[bool]]:
    """Runs every step's checks on steps/; for each step, whether each check passed."""
    tests = [f"tests/test_step_{number:02d}.py" for number in NUMBERS]
    words = ("-m", "pytest", *tests, "--steps", "steps", "--junitxml", "report.xml")
    done = run(house, *words)
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


def test_every_solution_passes_in_the_place_of_its_stub(house, eager):
    for number in NUMBERS:
        (house / "steps" / f"step_{number:02d}.py").write_text(solution_text(number))
    for number, passed in outcomes(house).items():
        assert passed and all(passed), f"step {number}: a solution fails a check"


def test_the_earlier_steps_are_the_solutions_when_a_step_is_checked(house, eager):
    (house / "steps" / "step_03.py").write_text("raise RuntimeError('an old mistake')")
    (house / "steps" / "step_09.py").write_text(solution_text(9))
    done = run(house, "-m", "course", "check", "09")
    assert done.returncode == 0, done.stdout + done.stderr


# --- What a learner reads --------------------------------------------------------


def test_check_says_what_is_still_to_be_written(house):
    shutil.copy(STUBS / "step_01.py", house / "steps")
    done = run(house, "-m", "course", "check", "01")
    assert done.returncode == 1
    assert "not yet: 0 of" in done.stdout
    assert "still to be written: step 01: __post_init__" in done.stdout
    assert re.search(r"look at  steps/step_01.py:\d+  __post_init__", done.stdout)
    assert done.stderr == ""


def test_check_says_when_a_step_is_right(house):
    (house / "steps" / "step_01.py").write_text(solution_text(1))
    done = run(house, "-m", "course", "check", "1")
    assert done.returncode == 0
    assert re.search(r"right: all \d+ checks pass", done.stdout)
    assert "next: ./run s02" in done.stdout


def test_check_points_at_the_learners_line(house):
    text = solution_text(1).replace("self.n_embd // self.n_head", "self.n_emdb // 2")
    (house / "steps" / "step_01.py").write_text(text)
    done = run(house, "-m", "course", "check", "01")
    assert done.returncode == 1
    line = 1 + text[: text.index("n_emdb")].count("\n")
    assert "no attribute 'n_emdb'" in done.stdout
    assert f"steps/step_01.py:{line}  head_dim" in done.stdout


def test_check_shows_a_long_error_to_its_end(house):
    name = "a_name_that_is_much_too_long_for_one_line_of_a_terminal_of_eighty_columns"
    text = solution_text(1).replace("self.n_embd // self.n_head", f"self.{name}")
    (house / "steps" / "step_01.py").write_text(text)
    done = run(house, "-m", "course", "check", "01")
    assert f"'{name}'" in " ".join(done.stdout.split())


def test_check_survives_a_syntax_error(house):
    (house / "steps" / "step_01.py").write_text("class GPT2Config\n    pass\n")
    done = run(house, "-m", "course", "check", "01")
    assert done.returncode == 1
    assert "SyntaxError: expected ':'" in done.stdout


@pytest.mark.parametrize("number", ["0", "13", "seven"])
def test_check_refuses_a_step_that_does_not_exist(house, number):
    done = run(house, "-m", "course", "check", number)
    assert done.returncode == 2
    assert "NUMBER" in done.stderr


def test_check_names_a_missing_file(house):
    (house / "steps" / "step_02.py").unlink(missing_ok=True)
    done = run(house, "-m", "course", "check", "02")
    assert done.returncode == 2
    assert "steps/step_02.py is not there" in done.stderr
