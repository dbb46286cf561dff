"""A check gives its verdict, or one line that names the cause, wherever it runs."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from course.grade import titles
from gpt2.learner import solution
from tests.house import build_house, coach, run
from tests.quick import some

ROOT = Path(__file__).parent.parent
STRAY = "raise RuntimeError('nobody has asked for this file')\n"
START = ["-I", "gpt2/start.py", "course"]


@pytest.fixture
def house(tmp_path) -> Path:
    """With a right step 01 and a right step 02, and kernels that nobody looks for."""
    house = build_house(tmp_path / "here")
    (house / ".course").mkdir()
    (house / ".course" / "state.json").write_text(json.dumps({"kernels": __file__}))
    for number in (1, 2):
        (house / "steps" / f"step_{number:02d}.py").write_text(solution(number))
    return house


def judges(house: Path, number: int, **env: str) -> None:
    """Step `number` gets its verdict: that it is right, and no more than that."""
    done = coach(house, "check", str(number), **env)
    assert re.search(rf"^s{number:02d} .* right$", done.stdout, re.MULTILINE), done
    assert (done.returncode, done.stderr) == (0, "")


# --- Files that lie around ---------------------------------------------------------

# What is imported before the first line of ours; what is by the coach; what only a
# step imports; and what is installed.
HIDING = """
    types token dataclasses random json enum signal functools pathlib runpy bisect
    colorsys
    numpy pytest click rich conftest sitecustomize usercustomize gpt2
""".split()
SETTINGS = {
    "pytest.ini": "[pytest]\naddopts = --no-such-option\n",
    "tox.ini": "[pytest]\npython_functions = no_such_function\n",
    "setup.cfg": "[tool:pytest]\naddopts = --no-such-option\n",
}


@pytest.mark.parametrize("number", some([1, 2], (2).__eq__))
def test_stray_files_change_no_verdict(house, eager, number):
    with open(house / "steps" / f"step_{number:02d}.py", "a") as file:
        file.write("\nimport colorsys, json, random\n")
    for folder in (house, house / "steps"):
        for name in HIDING:
            (folder / f"{name}.py").write_text(STRAY)
        for name, text in SETTINGS.items():
            (folder / name).write_text(text)
    judges(house, number)


@pytest.mark.parametrize("name", ["max", "tests", "course", "solutions"])
def test_a_file_that_hides_a_folder_is_named(house, name):
    """One without an `__init__.py` comes second, wherever it lies."""
    (house / f"{name}.py").write_text(STRAY)
    done = coach(house, "check", "01")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {name}.py hides {name}, which the course needs")
    assert line.endswith(f"move it out of {house}, or give it another name.")


def test_run_itself_minds_no_stray_file(tmp_path):
    """It lists the tasks, with the Python that it finds."""
    for name in ("run", "pixi.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for name in HIDING:
        (tmp_path / f"{name}.py").write_text(STRAY)
    for env in ({}, {"PYTHONSAFEPATH": "1"}):
        done = subprocess.run(
            [sys.executable, "run"],
            cwd=tmp_path,
            env={"PATH": str(tmp_path), **env},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "Check step 01" in done.stdout


# --- What a shell has set ----------------------------------------------------------


def cache() -> Path:
    """The MODULAR_CACHE_DIR of here; in another, all would be compiled anew."""
    from gpt2 import eager

    return eager.kernels_file().parent.parent


@pytest.mark.parametrize("number", some([1, 2], (1).__eq__))
def test_the_environment_changes_no_verdict(house, eager, tmp_path, number):
    for name in ("tests", "course", "solutions", "numpy", "max", "json"):
        (tmp_path / "others" / name).mkdir(parents=True)
        (tmp_path / "others" / name / "__init__.py").write_text(STRAY)
    judges(
        house,
        number,
        PYTHONPATH=str(tmp_path / "others"),
        PYTHONSAFEPATH="1",
        PYTHONSTARTUP=str(tmp_path / "nothing"),
        PYTHONOPTIMIZE="2",
        PYTHONWARNINGS="error",
        PYTHONINSPECT="1",
        PYTHONBREAKPOINT="no.such",
        PYTEST_PLUGINS="no_such_plugin",
        PYTEST_ADDOPTS="--no-such-option",
        HOME="/dev/null/home",
        MODULAR_CACHE_DIR=str(cache()),
        TMPDIR=str(tmp_path / "nothing"),
        LC_ALL="C",
        TERM="dumb",
        COLUMNS="0",
    )


# --- Folders that cannot be written ------------------------------------------------
# Root may write everywhere, but not into what is no folder: see also test_course.py.


def test_a_folder_that_cannot_be_written_costs_the_memory_alone(house):
    (house / ".course" / "state.json").unlink()
    (house / ".course").rmdir()
    (house / ".course").symlink_to("/dev/null/nowhere")
    (house / "course" / "__pycache__").touch()
    done = coach(house, "check", "1")
    assert done.returncode == 0
    assert f"All {len(titles(1))} checks pass" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("Note: the coach cannot remember this: ")
    assert f"{house / '.course'} cannot be written (" in line


def test_no_room_for_what_a_file_prints_is_one_line(house):
    """As on a machine whose temporary folders are full or cannot be written."""
    code = (
        "import sys, tempfile; tempfile._candidate_tempdir_list = lambda: []\n"
        "sys.path.append('.'); sys.argv = ['course', 'check', '1']\n"
        "import runpy; runpy.run_module('course', run_name='__main__')"
    )
    done = run(house, "-I", "-c", code)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "No usable temporary directory" in done.stderr


# --- Where the words go ------------------------------------------------------------


def test_a_full_device_is_one_line_and_the_step_counts(house):
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has /dev/full")
    words = [sys.executable, *START, "check", "1"]
    with open("/dev/full", "w") as full:
        env = dict(os.environ)  # without what MAX has set behind Python's back
        piped = {"stdout": full, "stderr": subprocess.PIPE, "text": True, "env": env}
        done = subprocess.run(words, cwd=house, **piped)
        assert done.stderr == "Error: [Errno 28] No space left on device\n"
        both = subprocess.run(words, cwd=house, stdout=full, stderr=full, env=env)
    assert done.returncode == both.returncode == 2
    state = json.loads((house / ".course" / "state.json").read_text())
    assert state["passed"].keys() == {"1"}


def on_a_terminal(house: Path, columns: int) -> list[str]:
    """The lines of `check 1`, without the one that moves."""
    ours, terminal = pty.openpty()
    size = struct.pack("HHHH", 40, columns, 0, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, *START, "check", "1"],
        cwd=house,
        env={**env, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    ):
        os.close(terminal)
        said = b""
        try:
            while data := os.read(ours, 1000):
                said += data
        except OSError:  # on Linux, the end
            pass
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())
    # A moving line is drawn over, from its beginning.
    lines = [line.split("\r")[-1] for line in text.split("\r\n")]
    return [line for line in lines if not re.match("[\u2800-\u28ff]", line)]


LONG = "a_name_that_is_much_too_long_for_one_line_of_a_narrow_terminal"


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_the_text_is_as_wide_as_the_terminal_and_at_most_80_columns(house, columns):
    text = solution(1).replace("self.n_embd // self.n_head", f"self.{LONG}")
    (house / "steps" / "step_01.py").write_text(text)
    lines = on_a_terminal(house, columns)
    width = min(columns, 80)
    assert width - 5 <= max(map(len, lines)) <= width
    assert "not yet" in " ".join(lines) and LONG in "".join("".join(lines).split())
