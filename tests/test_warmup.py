"""The kernels are compiled in the background, once, whatever happens meanwhile."""

import os
import signal
import subprocess
import sys
import time

import pytest

from course import report, state, warmup
from course.lessons import ROOT
from gpt2 import eager

MAKES_THE_FILE = "import sys, time; time.sleep(0.3); open(sys.argv[1], 'w').close()"


@pytest.fixture
def file(monkeypatch, tmp_path):
    """Where the kernels go, and a coach's folder that remembers nothing."""
    file = tmp_path / "cache" / "kernels.mef"
    monkeypatch.setattr(eager, "kernels_file", lambda: file)
    monkeypatch.setattr(state, "FILE", tmp_path / "state.json")
    return file


@pytest.fixture
def started(monkeypatch, file):
    """The processes that were started; each runs the first of `started.code`."""

    class Started(list):
        def __init__(self):
            self.code = [MAKES_THE_FILE]

    processes = Started()

    def start():
        code = processes.code[min(len(processes), len(processes.code) - 1)]
        words = [sys.executable, "-c", code, str(file)]
        processes.append(subprocess.Popen(words, stdout=subprocess.PIPE))
        return processes[-1]

    monkeypatch.setattr(warmup, "start", start)
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def wait() -> dict[str, list]:
    """What `warmup.wait` sends, by name."""
    sent: dict[str, list] = {}

    def send(**event):
        for name, value in event.items():
            sent.setdefault(name, []).append(value)

    warmup.wait(send)
    return sent


def test_kernels_that_are_there_are_not_made_again(file, started):
    file.parent.mkdir()
    file.touch()
    assert wait() == {"kernels": [str(file)]}
    assert not started


def test_kernels_that_max_finds_in_a_moment_need_no_word(file, started):
    """As in a new clone, where MAX's own cache has them."""
    assert wait() == {"warmup": [started[0].pid], "kernels": [str(file)]}


def test_kernels_that_are_missing_are_made_and_waited_for(file, started, monkeypatch):
    monkeypatch.setattr(warmup, "MOMENT", 0)
    sent = wait()
    assert file.exists() and len(started) == 1
    assert sent["warmup"] == [started[0].pid]
    assert f"kill {started[0].pid}" in sent["note"][0]
    assert "once on this machine" in sent["waiting"][0]


def test_a_killed_one_is_noticed_and_started_again(file, started):
    started.code = ["import os; os.kill(os.getpid(), 9)", MAKES_THE_FILE]
    wait()
    assert file.exists() and len(started) == 2


def test_one_that_always_fails_is_given_up(file, started):
    started.code = ["raise SystemExit(1)"]
    wait()
    assert len(started) == warmup.ATTEMPTS and not file.exists()


def test_another_ones_work_is_waited_for(file, started):
    """Two at once do not fight: the lock tells, and nothing more is started."""
    code = (
        "import sys, time; from pathlib import Path; from gpt2 import compiled\n"
        "file = Path(sys.argv[1])\n"
        "with compiled.only_one(file.with_suffix('.lock')):\n"
        "    print('in', flush=True); time.sleep(1); file.touch()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdout=subprocess.PIPE,
        env=dict(os.environ),
        cwd=ROOT,
    ) as other:
        assert other.stdout.readline() == b"in\n"
        assert warmup.running(file)
        wait()
    assert file.exists() and not started


def test_a_cache_that_cannot_be_written_is_named_with_the_way_on(file, started):
    file.parent.write_text("a file where a folder should be")
    sent = wait()
    assert str(file.parent) in sent["note"][0]
    assert "Set MODULAR_CACHE_DIR" in sent["note"][0]
    assert not started


ENDS_AT_ONCE = "import sys; print(sys.argv[1])"


def test_the_first_check_says_nothing_of_kernels_that_are_there(file, started):
    started.code = [ENDS_AT_ONCE, ENDS_AT_ONCE]
    file.parent.mkdir()
    file.touch()
    for _ in range(2):
        assert warmup.begin() is None
        assert state.load().kernels_are() == "ready"
    assert len(started) == 1


def test_the_first_check_says_what_takes_longer_and_goes_on(
    file, started, capsys, monkeypatch
):
    monkeypatch.setattr(warmup, "MOMENT", 0.1)
    started.code = ["import time; time.sleep(60)"]
    pid = warmup.begin()
    assert pid == started[0].pid
    report.being_compiled(pid)
    said = " ".join(capsys.readouterr().out.split())
    assert f"about {warmup.SECONDS} s, once on this machine" in said
    assert f"kill {pid}" in said
    assert state.load().kernels_are() == "being compiled"
    assert warmup.begin() is None
    assert len(started) == 1


def test_the_state_tells_whether_a_process_is_alive():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as process:
        assert state.alive(process.pid)
        process.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while state.alive(process.pid):  # a zombie, as nobody has asked for its code
            assert time.monotonic() < deadline
    assert not state.alive(0)
    assert state.State().kernels_are() == "not looked for yet"
    assert state.State(warmup=process.pid).kernels_are() == "not compiled yet"
