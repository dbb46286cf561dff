"""What the tests share: the step under test, and MAX made quick before its first use.

    pytest tests/test_step_07.py                  tests solutions/solution_07.py
    pytest tests/test_step_07.py --steps steps    tests steps/step_07.py

Either way the earlier steps are the solutions, so that an old mistake cannot spoil
a new step.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BROWSERS = "chromium", "chromium-browser", "google-chrome"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--steps",
        metavar="FOLDER",
        type=Path,
        help="test the step_NN.py files of this folder instead of the solutions",
    )


# What begins first.  On a new machine one core compiles MAX's eager kernels for the
# first file, for two minutes; the next four do without them, and keep the other core
# busy.  Then come the longest, so that at the end none waits for another.
FIRST = """
    test_answers test_kernels test_compiled test_jobs test_figures_in_a_browser
    test_mistakes test_cli test_generation test_course test_transcripts test_book
    test_readme
""".split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Says what will take its time, before it does."""
    # In a new environment MAX links a piece of itself at this import: here, before
    # there are several processes, of which one could read what another half wrote.
    import max.experimental.nn  # noqa: F401

    from gpt2 import eager

    if eager.kernels_file().exists():
        return []
    return ["MAX compiles what the tests run, once on a machine: about 3 min more"]


@pytest.fixture(scope="session")
def eager() -> None:
    """Eager operations are quick: asked for by every test that runs one."""
    from gpt2 import eager

    eager.prepare()


@pytest.fixture(scope="module")
def ctrl_c_is_not_ignored() -> Iterator[None]:
    """Children inherit an ignored Ctrl-C, which a job in the background has."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def compiled(eager: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Name of each kernel that had to be compiled while a test ran."""
    from max._interpreter_ops import gc_compile

    names: list[str] = []
    compile_one = gc_compile.compile_single_target

    def noted(family, key, *rest):
        names.append(key)
        return compile_one(family, key, *rest)

    monkeypatch.setattr(gc_compile, "compile_single_target", noted)
    return names


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the book's pages, built without a warning."""
    folder = tmp_path_factory.mktemp("book")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "book", "build", "--to", str(folder)],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


class Quiet(SimpleHTTPRequestHandler):
    """Tells nobody what it was asked for."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(built: Path) -> Iterator[str]:
    """The book, served on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=built))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without a window."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("Chromium is not there: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, built: Path) -> Iterator[Callable[..., Any]]:
    """A function that opens a page of the book in a window of its own; afterwards
    nothing has gone wrong on it, and nothing has been asked of anybody else; of this
    machine itself only what is `allowed`, besides."""
    contexts, troubles = [], []

    def open_one(
        place: str,
        *,
        site: str = "",
        allowed: tuple[str, ...] = (),
        width: int = 1280,
        theme: str = "light",
        **how: Any,
    ) -> Any:
        site = site or built.as_uri()
        context = browser.new_context(
            viewport={"width": width, "height": 800}, has_touch=width < 500, **how
        )
        contexts.append(context)
        context.add_init_script(f"localStorage.setItem('mdbook-theme', '{theme}')")
        page = context.new_page()
        page.on("console", lambda m: m.type == "error" and troubles.append(m.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        own = site, "data:", *allowed
        page.on("request", lambda r: r.url.startswith(own) or troubles.append(r.url))
        page.goto(f"{site}/{place}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture(scope="session")
def node() -> str:
    """The program that runs the page's scripts without a page."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not there: apt-get install nodejs")
    return found


@pytest.fixture(scope="session")
def pass_in_node(node: str) -> Callable[[Path], None]:
    """A function that runs a file of JavaScript tests."""

    def run(file: Path) -> None:
        done = subprocess.run([node, "--test", file], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        assert int(re.search(r"^# pass (\d+)", done.stdout, re.MULTILINE)[1]) > 0

    return run


@pytest.fixture(scope="module")
def step(request: pytest.FixtureRequest) -> ModuleType:
    """The module under test of a `test_step_NN.py`."""
    from gpt2.learner import load_step

    number = int(request.path.stem[-2:])
    if number > 1:
        request.getfixturevalue("eager")
    for earlier in range(1, number):
        load_step(earlier, None)
    return load_step(number, request.config.getoption("--steps"))
