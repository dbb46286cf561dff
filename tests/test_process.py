"""Ctrl-C and `| head` end every command without a word, whatever it is doing."""

import ast
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gpt2.learner import solution
from gpt2.terminal import learners_lines
from tests.house import build_house

ROOT = Path(__file__).parent.parent
PIXI = tomllib.loads((ROOT / "pixi.toml").read_text())
TASKS = [PIXI["tasks"], *(feature["tasks"] for feature in PIXI["feature"].values())]
COMMANDS = {task["cmd"] for tasks in TASKS for task in tasks.values()}

STARTED: "list[subprocess.Popen[str]]" = []

# A job in the background has Ctrl-C ignored, and its children inherit that.
NOT_IGNORED = "import signal; signal.signal(2, signal.default_int_handler)\n"


def start(code: str, cwd: Path = ROOT, **how) -> "subprocess.Popen[str]":
    """Without what MAX has set behind Python's back, and with buffers as in a shell."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, "-c", NOT_IGNORED + code],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **how},
    )
    STARTED.append(process)
    return process


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    while STARTED:
        STARTED.pop().kill()


def programs() -> list[Path]:
    """The files of this repository that a task runs."""
    found = set()
    for command in COMMANDS:
        start = r"python (?:-I gpt2/start.py ([\w.]+)|(\S+\.py))"
        for module, script in re.findall(start, command):
            file = ROOT / (script or f"{module.replace('.', '/')}.py")
            found.add(file if file.exists() else file.with_suffix("") / "__main__.py")
    return sorted(file for file in found if file.exists())


@pytest.mark.parametrize("file", programs(), ids=lambda file: file.parent.name)
def test_a_program_begins_before_it_imports_and_ends_as_all_do(file):
    statements = ast.parse(file.read_text()).body
    begun = [ast.unparse(s) for s in statements if "process.begin()" in ast.unparse(s)]
    place = [ast.unparse(s) for s in statements].index(begun[0])
    before = {n.name for s in statements[:place] for n in getattr(s, "names", [])}
    assert before <= {"sys", "Path", "process"}
    assert "click" not in file.read_text() or "process.run(" in file.read_text()


def test_there_are_programs():
    names = [str(file.relative_to(ROOT)) for file in programs()]
    assert {"gpt2/__main__.py", "benchmarks/ladder.py", "models/train.py"} <= {*names}


# --- Ctrl-C ------------------------------------------------------------------------

BEGUN = "from gpt2 import process; process.begin()\n"
SAY = "print('in', flush=True)"
FOREVER = "hashlib.pbkdf2_hmac('md5', b'', b'', 2**31 - 1)"  # nearly
WHILE = {
    "it imports": f"import time; {SAY}; time.sleep(60)",
    "it catches everything": f"import time\ntry: {SAY}; time.sleep(60)\nexcept: {SAY}",
    "it is in C": f"""
import hashlib, threading
threading.Timer(0.2, lambda: {SAY}).start()
{FOREVER}
""",
}


@pytest.mark.parametrize("code", WHILE.values(), ids=list(WHILE))
def test_ctrl_c_ends_it_while(code):
    process = start(BEGUN + code)
    assert process.stdout.readline() == "in\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 130


def test_what_runs_in_the_background_ignores_ctrl_c_as_its_shell_wants():
    ignored = "signal.signal(2, signal.SIG_IGN)\n"
    process = start(ignored + BEGUN + f"signal.raise_signal(2); {SAY}")
    assert process.communicate(timeout=20) == ("in\n", "")


CATCHES = f"""
    try:
        signal.raise_signal(2)
    except KeyboardInterrupt:
        time.sleep(0.2)
        {SAY}
"""


@pytest.mark.parametrize(
    "main, code, said", [(CATCHES, 0, "in\n"), ("signal.raise_signal(2)", 130, "")]
)
def test_a_command_may_wait_for_ctrl_c(main, code, said):
    process = start(
        f"{BEGUN}import click, time\nprocess.raise_interrupts()\n"
        f"def main(): {main}\nprocess.run(click.Command('x', callback=main), 'x')"
    )
    assert process.communicate(timeout=20) == (said, "")
    assert process.returncode == code


def test_ctrl_c_leaves_the_terminal_as_it_was():
    """rich hides the cursor while a line moves."""
    ours, terminal = pty.openpty()
    code = BEGUN + "from gpt2.terminal import moving\n"
    code += (
        "import time\nwith moving('at work'): signal.raise_signal(2); time.sleep(60)"
    )
    process = start(code, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    assert process.wait(timeout=20) == 130
    said = b""
    while b"\x1b[?25l" not in said or b"\x1b[?25h" not in said.split(b"\x1b[?25l")[-1]:
        said += os.read(ours, 1000)
    os.close(ours)


LOOP = """
import faulthandler, os
faulthandler.cancel_dump_traceback_later()  # its time is without limit
told = open("told", "w")
print(os.getpid(), file=told, flush=True)
while True:
    pass
"""
CHECK = """
import runpy, sys
sys.argv = ["course", "check", "1"]
runpy.run_module("course", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    return build_house(tmp_path_factory.mktemp("house") / "here")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_worker_ends_with_the_coach(house, number):
    """Though the learner's file runs in a loop without an end."""
    (house / "steps" / "step_01.py").write_text(LOOP)
    (house / "told").unlink(missing_ok=True)
    os.mkfifo(house / "told")
    coach = start(CHECK, house)
    with open(house / "told") as told:
        worker = int(told.readline())
        coach.send_signal(number)
        assert coach.communicate(timeout=20) == ("", "")
        assert coach.returncode in (130, -signal.SIGKILL)
        ended, _, _ = select.select([told], [], [], 20)  # its end of the pipe is closed
        if not ended:
            os.kill(worker, signal.SIGKILL)
        assert ended


# --- Closed pipes -------------------------------------------------------------------


def cut_short(code: str, cwd: Path = ROOT, stream: str = "stdout") -> tuple[int, str]:
    """Exit code of a process that nobody reads, and what it says elsewhere."""
    reading, writing = os.pipe()
    os.close(reading)
    process = start(code, cwd, **{stream: writing})
    os.close(writing)
    others = process.communicate(timeout=60)
    return process.returncode, "".join(filter(None, others))


WAYS = {
    "click": "click.echo('a'); click.echo('b')",
    "rich": "from rich import print; print('a'); print('b')",
    "at the end": "print('a')",
    "a refusal": "raise click.UsageError('a')",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_reader_who_has_read_enough_ends_it(way):
    code = f"def main():\n    {WAYS[way]}\n"
    code = f"import click\n{code}from gpt2 import process\n"
    code += "process.run(click.Command('x', callback=main), 'x')"
    stream = "stderr" if way == "a refusal" else "stdout"
    assert cut_short(code, stream=stream) == (141, "")


def test_a_full_disk_is_one_line():
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has /dev/full")
    code = "import click\nfrom gpt2 import process\n"
    code += "process.run(click.Command('x', callback=lambda: print('a')), 'x')"
    with open("/dev/full", "w") as full:
        process = start(code, stdout=full)
    _, said = process.communicate(timeout=20)
    assert said == "Error: [Errno 28] No space left on device\n"
    assert process.returncode == 2


def test_an_exit_code_stays_what_it_is():
    code = "import click\nfrom gpt2 import process\n"
    code += "process.run(click.Command('x', callback=lambda: exit(7)), 'x')"
    process = start(code)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 7


def test_a_learner_is_not_blamed_for_a_closed_pipe():
    with pytest.raises(BrokenPipeError), learners_lines("steps"):
        raise BrokenPipeError


def test_a_right_step_counts_even_if_nobody_reads_to_the_end(house):
    (house / "steps" / "step_01.py").write_text(solution(1))
    assert cut_short(CHECK, house) == (141, "")
    state = json.loads((house / ".course" / "state.json").read_text())
    assert state["passed"].keys() == {"1"}
