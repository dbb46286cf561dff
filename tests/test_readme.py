"""Every command in the README works as it stands there."""

import contextlib
import os
import random
import re
import shlex
import shutil
import socket
import subprocess
import time
import tomllib
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from book import readme
from course.compatibility import used
from tests.house import build_house, coach
from tests.transcripts.make import alike

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
TASKS = tomllib.loads((ROOT / "pixi.toml").read_text())["tasks"]
IMAGES = re.findall(r"!\[(.*?)\]\((.*?)\)", README, flags=re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]


def run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(command),
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


TOOLS = "LICENSE README.md CONTRIBUTING.md pixi.toml pyproject.toml run".split()


def test_nothing_lies_at_the_top_that_nobody_explains():
    """Folders stand in the table of the README; tools look for the files."""
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("this is no clone")
    tops = [path.partition("/")[0] for path in run("git ls-files").stdout.splitlines()]
    known = {*TOOLS, *re.findall(r"^\| `(\w+)/` \|", README, flags=re.MULTILINE)}
    names = {top for top in tops if not re.fullmatch(r"\..*|.*\.lock", top)}
    assert tops and names <= known


def test_the_readme_has_commands():
    assert "./run generate" in COMMANDS and "./run test" in COMMANDS


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """For the coach's commands: they remember, and reset, what a learner has."""
    return build_house(tmp_path_factory.mktemp("house") / "here")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command(command, house, eager, tmp_path):
    """As a learner types it; the suite does not run itself, nor download a model."""
    _, task, *rest = shlex.split(command, comments=True)
    python, *words = shlex.split(TASKS[task]["cmd"])
    assert python == "python"
    if words[:3] == ["-I", "gpt2/start.py", "course"]:
        done = coach(house, *words[3:], *rest)
        codes = (0, 1) if words[3] in ("check", "grade") else (0,)
        assert done.returncode in codes, done.stderr
        assert done.stdout.strip() and not done.stderr
    elif task == "test":
        done = run(f"{command} --collect-only -q tests/test_text.py")
        assert done.returncode == 0, done.stderr
        assert "test_text.py" in done.stdout
    elif task in ("repl", "serve"):  # which wait for somebody
        done = run(f"{command.partition('#')[0]} --help")
        assert done.returncode == 0
        assert {"repl": "IPython", "serve": "/v1/completions"}[task] in done.stdout
    elif task == "build-book":
        done = run(f"{command.partition('#')[0]} --to {tmp_path / 'html'}")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "html" / "index.html").exists()
    elif task == "book":
        page = served(command)
        assert "Introduction" in page
    elif "openai-community/gpt2" in rest:
        done = run(f"{command} --max-new-tokens 3")
        assert done.returncode == 0 or "is not on this machine" in done.stderr
    elif "steps" in rest:  # whatever the learner has written there
        done = run(f"{command} --max-new-tokens 3")
        assert done.returncode == 0 or "Your steps stopped here" in done.stderr
    elif "--out" in rest:
        out = rest[rest.index("--out") + 1]
        done = run(command.replace(out, str(tmp_path / out)))
        assert done.returncode == 0, done.stderr
        assert (tmp_path / out).read_text()
    else:
        done = run(command)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()


def free_port() -> int:
    """One that stays free while the book is built, and until the server takes it.

    Asked for any port, the system would give one of those from which outgoing
    connections get theirs (from 32768 on, or higher), and the next one may get it.
    """
    for port in random.sample(range(20_000, 32_000), 20):
        with contextlib.suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            return port
    raise OSError("no port is free")


def served(command: str) -> str:
    """The first page of the book, as a browser gets it."""
    port = free_port()
    words = [*shlex.split(command, comments=True), "--port", str(port)]
    env = dict(os.environ)  # without what MAX sets behind Python's back
    server = subprocess.Popen(
        words, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True
    )
    try:
        # Asked for earlier, the port might be taken by the one who asks.
        assert any("Serving on" in line for line in server.stderr), "it has ended"
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                    return answer.read().decode()
            except OSError:
                assert server.poll() is None, "it has ended"
                time.sleep(0.1)
    finally:
        server.terminate()
        server.wait()
    raise TimeoutError("the book is not served")


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_the_python_runs(code, capsys):
    exec(code, {})
    assert capsys.readouterr().out.strip()


# --- CONTRIBUTING.md ---------------------------------------------------------------


def test_contributing_names_tasks_and_files_that_are_there():
    tasks = set(re.findall(r"\./run ([\w-]+)", CONTRIBUTING))
    assert tasks and tasks <= set(TASKS)
    paths = re.findall(
        r"\b(?:book|course|gpt2|solutions|tests)/[\w./]+\w", CONTRIBUTING
    )
    paths = [path for path in paths if "NAME" not in path]
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_contributing_names_every_file_that_reaches_inside_max():
    table = re.findall(r"^ *\| (`.*?`) \|", CONTRIBUTING, flags=re.MULTILINE)
    named = {file for row in table for file in re.findall(r"`(.*?)`", row)}
    private = [use for use in used() if use.private]
    users = {file for use in private for file in use.files}
    assert named == users | {"gpt2/kernels/attention.mojo"}
    assert all(use.private in CONTRIBUTING for use in private)


# --- The pictures: `./run book-data readme` draws them anew -------------------------


def test_the_picture_of_a_verdict_is_what_the_coach_says():
    transcript = ROOT / "tests" / "transcripts" / f"step_{readme.STEP:02d}.txt"
    name = readme.MISTAKE.replace(" ", "-")
    _, said, _ = re.split(rf"ANCHOR(?:_END)?: {name}\n", transcript.read_text())
    picture = ET.parse(readme.PICTURES / "verdict.svg")
    drawn = " ".join(text.text for text in picture.iterfind("{*}text"))
    assert alike(drawn, f"$ ./run s{readme.STEP:02d} {said}")
    count = re.search(r"\d+ of \d+ checks pass", said)
    assert f"In the terminal: {count[0]}." in (ROOT / "README.md").read_text()


def test_the_picture_of_a_figure_is_the_figure_of_the_book():
    assert (readme.PICTURES / "figure.svg").read_text() == readme.figure(readme.FIGURE)


def test_a_terminals_words_have_their_columns_and_colours():
    drawn = readme.terminal("a\n  \x1b[1;31mb < c\x1b[0m d")
    pieces = re.findall(r'<text x="([\d.]+)" y="(\d+)".*?class="(.*?)">(.*)<', drawn)
    cell = readme.CELL
    assert [(float(x) / cell, look, text) for x, _, look, text in pieces] == [
        (0, " ", "a"),
        (2, "red bold", "b &lt; c"),
        (8, " ", "d"),
    ]
    assert pieces[0][1] < pieces[1][1] == pieces[2][1]


@pytest.mark.parametrize(("words", "place"), IMAGES)
def test_a_picture_is_there_stands_alone_and_has_words(words, place):
    text = (ROOT / place).read_text()
    assert len(words) > 20 and len(text) < 60_000
    assert ET.fromstring(text).attrib["aria-label"]
    for outside in ("href", "url(", "@import", "@font-face", "<script"):
        assert outside not in text


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w+/)` \|", README, flags=re.M))
def test_a_folder_of_the_map_is_there(name):
    assert (ROOT / name).is_dir()
