"""Several servers behind nginx: one may be killed, all may be restarted, none is left.

Every request of sixteen clients is accounted for: right to the last letter, or a text
that the killed server was writing.
"""

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import openai
import pytest
from click.testing import CliRunner

from gpt2 import load, start
from gpt2.decoding import Decoding
from gpt2.serving import replicas
from gpt2.serving.__main__ import main
from tests.servers import alive, family

MODEL = Path(__file__).parent.parent / "models" / "shakespeare"
PROMPTS = ["ROMEO:", "JULIET:\n", "First Citizen:", "To be, or"]
CLIENTS, TOKENS = 16, 60
PATIENCE = 240  # seconds, on a machine that has much else to do
ALL = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
NGINX = shutil.which("nginx", path=ALL)

needs_nginx = pytest.mark.skipif(
    not NGINX or not shutil.which("setpriv"),
    reason="needs nginx and setpriv: apt-get install nginx-light util-linux",
)


# --- Configuration and refusals ----------------------------------------------------


@needs_nginx
@pytest.mark.parametrize("up", [(True, True), (True, False), (False, False)])
def test_nginx_takes_its_configuration(up, tmp_path):
    ports = "127.0.0.1:8001", "127.0.0.1:8002"
    file = tmp_path / "nginx.conf"
    servers = dict(zip(ports, up, strict=True))
    file.write_text(replicas.configuration("127.0.0.1:8000", servers))
    words = [NGINX, "-t", "-p", f"{tmp_path}/", "-c", file]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_who_is_down_is_marked():
    servers = {"127.0.0.1:8001": True, "127.0.0.1:8002": False}
    text = replicas.configuration("127.0.0.1:8000", servers)
    assert "listen 127.0.0.1:8000;" in text
    assert re.search("server 127.0.0.1:8001 .*s;", text)
    assert re.search("server 127.0.0.1:8002 .*s down;", text)


@pytest.mark.parametrize(
    "program, install", [("nginx", "nginx-light"), ("setpriv", "util-linux")]
)
def test_what_is_not_installed_is_named_before_anything_starts(
    program, install, monkeypatch
):
    which = shutil.which
    there = {"nginx": "/nginx", "setpriv": "/setpriv", program: None}
    monkeypatch.setattr(
        shutil, "which", lambda name, **how: there.get(name, which(name, **how))
    )
    monkeypatch.setattr("gpt2.serving.__main__.listen", None)
    done = CliRunner().invoke(main, ["--replicas", "2"])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: --replicas needs {program}")
    assert done.stderr.endswith(f": apt-get install {install}\n")


@pytest.mark.parametrize("number", ["0", "17", "two"])
def test_a_number_of_replicas_is_one_to_sixteen(number):
    done = CliRunner().invoke(main, ["--replicas", number])
    assert done.exit_code == 2
    assert "'--replicas'" in done.stderr


# --- Servers -----------------------------------------------------------------------


@dataclass
class Servers:
    """A running `./run serve --replicas 2`.

    Attributes:
        process: What was started.
        url: Where it listens.
        file: nginx's.
        said: What it says on stderr, nginx's errors among it.
    """

    process: "subprocess.Popen[str]"
    url: str
    file: Path
    said: Path

    def pids(self) -> dict[str, int]:
        """The process of each replica, by its port."""
        found = {}
        for pid in family(self.process.pid):
            words = command(pid)
            if "--drain" in words:
                found[words[words.index("--port", words.index("--host")) + 1]] = pid
        return found

    def are_up_without(self, old: set[int]) -> bool:
        """Whether both are up, and neither is one of the old processes."""
        pids = {*self.pids().values()}
        in_use = " down;" not in self.file.read_text()
        return len(pids) == 2 and not pids & old and in_use


def command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def wait_until(what: Callable[[], object], seconds: float = PATIENCE) -> None:
    limit = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < limit, f"waited {seconds} s"
        time.sleep(0.1)


@pytest.fixture
def servers(tmp_path) -> Iterator[Servers]:
    words = start.words("gpt2.serving", "--replicas", 2, "--model", MODEL)
    said = tmp_path / "said"
    with said.open("w") as stderr:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
    before = {process.pid}
    try:
        ready = process.stdout.readline()
        assert "is ready at" in ready, said.read_text()
        url = re.search(r"http://[\d.:]+", ready)[0]
        (file,) = tmp_path.glob("*/nginx.conf")
        before = family(process.pid)
        yield Servers(process, url, file, said)
        before |= family(process.pid)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
        left = alive(before)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    assert not left


# --- Clients -----------------------------------------------------------------------


@dataclass
class Answer:
    """What came of a request; `error` says how it broke."""

    prompt: str
    is_stream: bool
    text: str = ""
    error: str = ""
    has_ended: bool = False


@dataclass
class Clients:
    """Sixteen that ask again and again; every second one has its texts streamed."""

    url: str
    answers: list[Answer] = field(default_factory=list)

    def __enter__(self) -> "Clients":
        self.is_over = threading.Event()
        ask = self.ask
        self.threads = [threading.Thread(target=ask, args=(i,)) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def ask(self, number: int) -> None:
        api = openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0)
        while not self.is_over.is_set():
            answer = Answer(PROMPTS[number // 2 % len(PROMPTS)], number % 2 == 0)
            self.answers.append(answer)
            try:
                write(api, answer)
            except (openai.APIError, httpx.HTTPError) as error:
                answer.error = repr(error)
            answer.has_ended = True

    def ended(self) -> int:
        return sum(answer.has_ended for answer in self.answers)

    def go_on(self, count: int = 2 * CLIENTS) -> None:
        """Until so many more have ended."""
        goal = self.ended() + count
        wait_until(lambda: self.ended() >= goal)


def write(api: openai.OpenAI, answer: Answer, tokens: int = TOKENS) -> None:
    """Asks for a greedy text."""
    ask = {"model": MODEL.name, "prompt": answer.prompt, "max_tokens": tokens}
    if not answer.is_stream:
        done = api.completions.create(**ask, temperature=0)
        answer.text = done.choices[0].text
        return
    for piece in api.completions.create(**ask, temperature=0, stream=True):
        answer.text += piece.choices[0].text


@pytest.fixture(scope="module")
def right() -> dict[str, str]:
    """What the engine writes, token for token as the servers should."""
    model = load(MODEL)
    greedy = Decoding(do_sample=False)
    return {p: model.generate(p, greedy, max_new_tokens=TOKENS).text for p in PROMPTS}


# --- Going on ----------------------------------------------------------------------


@needs_nginx
@pytest.mark.slow
def test_a_killed_server_loses_what_it_was_writing_and_comes_back(servers, right):
    before = servers.pids()
    port, pid = min(before.items())
    with Clients(servers.url) as clients:
        clients.go_on()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: servers.are_up_without({pid}))
        clients.go_on()
    lost = [answer for answer in clients.answers if answer.error]
    said = servers.said.read_text()
    retried = re.findall("while reading response header.*?:([0-9]+)/v1", said)
    cut = re.findall("while reading upstream.*?:([0-9]+)/v1", said)
    count = f"{len(clients.answers)} requests, {len(lost)} lost, {len(retried)} retried"
    print(count)
    for answer in clients.answers:
        if not answer.error:
            assert answer.text == right[answer.prompt], count
    # The killed server had begun to answer those, and them alone.
    assert cut == [port] * len(lost), lost
    assert len(lost) <= CLIENTS
    for answer in lost:
        assert right[answer.prompt].startswith(answer.text)
    after = servers.pids()
    assert after.keys() == before.keys()
    assert [p for p in before if before[p] != after[p]] == [port]

    # It has come back: now it is the one that goes on.
    os.kill(max(after.items())[1], signal.SIGKILL)
    api = openai.OpenAI(base_url=f"{servers.url}/v1", api_key="none", max_retries=0)
    for is_stream in (False, True):
        answer = Answer(PROMPTS[0], is_stream)
        write(api, answer)
        assert answer.text == right[answer.prompt]


@needs_nginx
@pytest.mark.slow
def test_a_server_that_loses_its_model_comes_back(servers, right):
    """What had no word of its answer yet is answered by the other."""
    _, pid = min(servers.pids().items())
    (model,) = [child for child in family(pid) if "spawn_main" in str(command(child))]
    with Clients(servers.url) as clients:
        clients.go_on()
        os.kill(model, signal.SIGKILL)
        wait_until(lambda: servers.are_up_without({pid}))
        clients.go_on()
    lost = [answer for answer in clients.answers if answer.error]
    print(f"{len(clients.answers)} requests, {len(lost)} lost")
    assert len(lost) <= CLIENTS
    assert all(answer.is_stream for answer in lost), lost
    for answer in clients.answers:
        text = right[answer.prompt]
        assert text.startswith(answer.text) if answer.error else answer.text == text


@needs_nginx
@pytest.mark.slow
def test_all_are_restarted_and_no_text_is_lost(servers, right):
    before = set(servers.pids().values())
    with Clients(servers.url) as clients:
        clients.go_on()
        servers.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: servers.are_up_without(before), 2 * PATIENCE)
        clients.go_on()
    print(f"{len(clients.answers)} requests")
    assert [answer.error for answer in clients.answers if answer.error] == []
    for answer in clients.answers:
        assert answer.text == right[answer.prompt]


# --- The end -----------------------------------------------------------------------


@needs_nginx
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left(number, servers, right):
    """Texts end first, unless it is killed."""
    everyone = family(servers.process.pid)
    api = openai.OpenAI(base_url=f"{servers.url}/v1", api_key="none", max_retries=0)
    answers = [Answer(prompt, True) for prompt in PROMPTS]

    def ask(answer: Answer) -> None:
        try:
            write(api, answer)
        except (openai.APIError, httpx.HTTPError) as error:
            answer.error = repr(error)

    threads = [threading.Thread(target=ask, args=(answer,)) for answer in answers]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(answer.text for answer in answers))
    told = time.monotonic()
    if number == signal.SIGINT:  # as a terminal does it
        os.killpg(servers.process.pid, number)
    else:
        servers.process.send_signal(number)
    code = servers.process.wait(20)
    wait_until(lambda: not alive(everyone), 20)
    took = time.monotonic() - told
    for thread in threads:
        thread.join(20)
    print(f"{took:.1f} s")
    assert took < 10
    if number == signal.SIGKILL:
        return
    assert code == 0
    assert not servers.file.parent.exists()
    for answer in answers:
        assert (answer.error, answer.text) == ("", right[answer.prompt])
