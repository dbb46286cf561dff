"""`./run load` counts what came, ends what it started, and writes its page."""

import asyncio
import contextlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from aiohttp import web
from click.testing import CliRunner

from benchmarks import load, servers, streams
from benchmarks.peers import Missing
from benchmarks.streams import Figures, Model, Text, Window
from tests.quick import every

ROOT = Path(__file__).parent.parent
MODEL = Model("tiny", 100)


# --- Figures --------------------------------------------------------------------------


def test_a_text_counts_when_its_first_token_comes():
    before = Text(0.0, 3, [0.5, 1.5, 1.75])  # its first token came before the window
    within = Text(1.0, 2, [2.0, 2.5])
    after = Text(2.5, 2, [3.0, 3.5])  # the end does not count
    found = streams.figures([before, within, after], 1.0, 3.0)
    assert found.rate == 4 / 2
    assert found.texts == 1 and found.first == [1.0] * 3
    assert found.gaps == [0.5, 1.0, 1.0]  # of 0.25, 0.5 and 1


def test_pieces_of_an_ended_text_have_their_share_of_its_tokens():
    text = Text(0.0, 6, [1.0, 1.5, 2.5, 3.0])
    assert streams.figures([text], 1.0, 2.0).rate == 2
    text.ended = True
    assert streams.figures([text], 1.0, 2.0).rate == 3


def test_errors_count_whenever_they_came():
    texts = [Text(0.0, 2, [], "500: no"), Text(9.0, 2, [9.5], "1 events")]
    found = streams.figures(texts, 1.0, 3.0)
    assert found.errors == ["500: no", "1 events"]
    assert found.rate == 0 and all(map(math.isnan, found.first))


def test_percentiles_are_values_that_occurred():
    assert streams.percentiles(range(1, 101)) == [50, 95, 99]
    assert streams.percentiles([3.0, 1.0, 2.0]) == [2.0, 3.0, 3.0]


def test_prompts_differ_and_leave_room_for_the_text():
    rng = np.random.default_rng(0)
    bodies = [streams.body(MODEL, rng, 64) for _ in range(200)]
    sizes = {len(body["prompt"]) for body in bodies}
    assert min(sizes) == streams.SHORTEST and max(sizes) == streams.LONGEST
    assert len({tuple(body["prompt"]) for body in bodies}) == 200
    assert {i for body in bodies for i in body["prompt"]} == {*range(1, 99)}
    assert streams.LONGEST + 64 <= servers.CONTEXT


# --- Client, before a server that computes nothing ------------------------------------


class Server:
    """Streams as many tokens as are asked for.

    Args:
        last: What it says at the end: llama.cpp has one event more than tokens.
        lost: How many tokens it leaves out.
        status: Not 200 for a server that refuses.
    """

    def __init__(self, last=True, lost=0, status=200):
        self.last, self.lost, self.status = last, lost, status
        self.asked = []

    async def answer(self, request):
        body = await request.json()
        self.asked.append(body)
        if self.status != 200:
            return web.Response(status=self.status, text="it is full")
        answer = web.StreamResponse()
        with contextlib.suppress(ConnectionError):  # at the end, the client is gone
            await self.write(answer, request, body["max_tokens"] - self.lost)
        return answer

    async def write(self, answer, request, new):
        await answer.prepare(request)

        async def say(fields):
            await answer.write(f"data: {json.dumps(fields)}\n\n".encode())

        for _ in range(new):
            await asyncio.sleep(0.001)
            await say({"choices": [{"text": "a"}]})
        end = {"choices": [{"text": ""}] if self.last else []}
        await say({**end, "usage": {"completion_tokens": new}})
        await answer.write(b"data: [DONE]\n\n")

    def drive(self, count, seconds=0.3, **how):
        async def run():
            app = web.Application()
            app.router.add_post("/v1/completions", self.answer)
            runner = web.AppRunner(app, shutdown_timeout=0)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            url = f"http://{host}:{port}"
            try:
                await streams.first_token(url, MODEL)
                del self.asked[:]
                return await streams.drive(
                    url, MODEL, count, 8, seconds, lambda: 7, **how
                )
            finally:
                await runner.cleanup()

        return asyncio.run(run())


@pytest.mark.parametrize("last", [True, False])
def test_streams_ask_one_text_after_the_other(last):
    server = Server(last)
    window = server.drive(4, looks=3)
    assert [body["max_tokens"] for body in server.asked[:4]] == [2, 4, 6, 8]
    assert {body["max_tokens"] for body in server.asked[4:]} == {8}
    whole = [text for text in window.texts if text.ended]
    assert all(len(text.times) == text.asked for text in whole)
    assert len(whole) >= len(window.texts) - 4  # the others were cut short at the end
    found = streams.figures(window.texts, window.start, window.end)
    assert found.errors == [] and found.rate > 0 and found.texts
    assert min(found.first) > 0 and found.gaps[-1] >= 0.001
    moments = [moment for moment, _ in window.memory]
    assert all(
        moment >= least
        for moment, least in zip(moments, (0, 0.1, 0.2, 0.3), strict=True)
    )
    assert [size for _, size in window.memory] == [7] * 4


def test_a_text_of_another_length_is_an_error():
    with pytest.raises(OSError, match="it wrote 0 tokens, not 1"):
        Server(lost=1).drive(2)


def test_a_refusal_is_an_error():
    with pytest.raises(OSError, match="429: it is full"):
        Server(status=429).drive(2)


def test_a_server_that_is_gone_is_an_error(monkeypatch):
    monkeypatch.setattr(streams, "REST", 0.01)
    drive = streams.drive("http://127.0.0.1:1", MODEL, 2, 8, 0.1, lambda: 7)
    window = asyncio.run(drive)
    found = streams.figures(window.texts, window.start, window.end)
    assert len(found.errors) >= 4 and "Cannot connect" in found.errors[0]


# --- Process of a server --------------------------------------------------------------

SERVER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
print("tiny is ready at http://127.0.0.1:1; Ctrl-C ends it", flush=True)
time.sleep(600)
"""


@pytest.fixture
def fake(monkeypatch):
    """Has a script stand for every server, which has a first token at once."""

    def use(script):
        async def first_token(url, model):
            assert url == "http://127.0.0.1:1"

        words = [sys.executable, "-c", script]
        monkeypatch.setattr(servers, "command", lambda *_: words)
        monkeypatch.setattr(servers, "first_token", first_token)

    return use


def gone(pid):
    """Waits until a process has ended, for some seconds."""
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.wait_procs([psutil.Process(pid)], timeout=5)
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_a_server_ends_with_all_that_it_started(fake, tmp_path):
    fake(SERVER)
    with servers.running(load.SERVED[0], tmp_path, 1, None) as server:
        (log,) = tmp_path.iterdir()
        child = int(re.search(r"child (\d+)", log.read_text())[1])
        assert server.seconds > 0 and psutil.pid_exists(child)
        alone = psutil.Process(child).memory_info().rss
        assert server.memory() > alone / 4
    assert gone(child) and gone(server.process.pid)


def test_a_server_that_dies_says_why(fake, tmp_path):
    fake("print('one'); raise SystemExit('Error: there is no nginx')")
    with (
        pytest.raises(Missing, match="^Error: there is no nginx$"),
        servers.running(load.SERVED[1], tmp_path, 1, None),
    ):
        pass


BENCHMARK = f"""
import sys, time
from pathlib import Path
from gpt2 import process
process.begin()
from benchmarks import load, servers
async def first_token(*_):
    pass
servers.first_token = first_token
servers.command = lambda *_: [sys.executable, "-c", {SERVER!r}]
process.raise_interrupts()
with servers.running(load.SERVED[0], Path(sys.argv[1]), 1, None) as server:
    print(server.process.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends it so")
@pytest.mark.parametrize(
    "number", every(3, [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
)
def test_a_server_ends_with_the_benchmark(number, tmp_path):
    """Even where that has no time to end it."""
    with subprocess.Popen(
        [sys.executable, "-c", BENCHMARK, str(tmp_path)],
        cwd=ROOT,
        env=dict(os.environ),  # without what MAX has set behind Python's back
        stdout=subprocess.PIPE,
        text=True,
    ) as benchmark:
        server = int(benchmark.stdout.readline())
        (child,) = psutil.Process(server).children()
        os.kill(benchmark.pid, number)
    assert gone(server)
    with contextlib.suppress(psutil.NoSuchProcess):
        child.kill()  # of a killed benchmark's server: ours ends its own


# --- Page -----------------------------------------------------------------------------


def rows():
    """Two servers, of which one is not there."""
    ours, other = (
        load.Row(load.SERVED[0], cold=65.0, warm=3.21),
        load.Row(load.SERVED[1]),
    )
    ours.memory = [100e6, 130e6, 120e6]
    times = [0.01, 0.02, 0.03]
    ours.windows = {
        1: Figures(50.0, times, times, 12, []),
        8: Figures(260.0, times, times, 90, ["500: no", "1 events"]),
    }
    ours.client = 0.25
    texts = [Text(9.0, 60, [10.0 + n for n in range(60)])]
    memory = [(0.0, 100e6), (30.0, 101e6), (60.0, 100e6)]
    ours.long = Window(texts, 10.0, 70.0, 0.1, memory)
    other.missing = "Error: there is no nginx"
    return [ours, other]


def setup(tmp_path):
    return load.Setup([1, 8], 64, 15.0, 1.0, True, tmp_path)


def test_the_page_has_a_line_for_each_window(tmp_path):
    text = load.report(rows(), setup(tmp_path))
    times = "10.0 / 20.0 / 30.0"
    name = "shakespeare-ours-float32"
    assert f"| {name} | 1 | 50.0 | 1.0 | {times} | {times} | 12 | 0 |" in text
    assert f"| {name} | 8 | 260 | 5.2 | {times} | {times} | 90 | 2 |" in text
    assert f"| {name} | 65.0 | 3.2 | 100 | 130 |" in text
    assert f"- {name}: 2 errors: 500: no" in text
    assert f"- {name}-x2: Error: there is no nginx" in text
    assert "| 0 | 100 |  |\n| 0.5 | 101 | 1.00 |\n| 1 | 100 | 1.00 |" in text
    assert f"at most 25% of a core; more than 20% at {name}." in text


def test_a_page_of_nothing_is_written(tmp_path):
    text = load.report(rows()[1:], setup(tmp_path))
    assert "Error: there is no nginx" in text and "0% of a core." in text


def test_the_plot_names_every_server(tmp_path):
    pytest.importorskip(
        "matplotlib", reason="no matplotlib here; `./run load` has it, and draws"
    )
    load.draw(rows(), tmp_path / "plot.svg")
    assert "ours-float32" in (tmp_path / "plot.svg").read_text()


# --- Command line ---------------------------------------------------------------------


def test_servers_are_chosen_by_words_of_their_names():
    names = [served.name for served in load.choose(["124M-ours"])]
    assert names == ["124M-ours-float32", "124M-ours-float32-x2", "124M-ours-int8"]
    assert load.choose(["124M-ours-float32"]) == [load.SERVED[3]]
    assert load.choose([]) == load.SERVED
    assert len({served.name for served in load.SERVED}) == len(load.SERVED)


def test_an_unknown_server_is_refused_in_one_line():
    done = CliRunner().invoke(load.main, ["--only", "vllm"])
    assert done.exit_code == 2
    assert "--only vllm: no server is called so" in done.stderr


def test_replicas_are_asked_for_only_where_there_are_several(tmp_path):
    alone, two, other = (servers.command(load.SERVED[n], tmp_path, 8) for n in range(3))
    assert "--replicas" not in alone and two[-2:] == ["--replicas", "2"]
    assert str(ROOT / "models" / "shakespeare") in alone
    assert "benchmarks.llama_server" in other


@pytest.mark.slow
def test_a_short_run(tmp_path, monkeypatch):
    """Our server alone, which this environment has: seconds, or a minute at first."""
    if "matplotlib" not in sys.modules:
        monkeypatch.setattr(load, "draw", lambda *_: None)
    monkeypatch.setattr(load, "SERVED", load.SERVED[:1])
    words = "--streams 1 --streams 8 --seconds 3 --minutes 0.1 --no-cold --to".split()
    start = time.perf_counter()
    done = CliRunner().invoke(load.main, [*words, str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert time.perf_counter() - start > 9
    (file,) = tmp_path.iterdir()
    page = file.read_text()
    cells = re.findall(r"^\| shakespeare-ours-float32 \| (\d) \| (\S+) \|", page, re.M)
    assert [streams for streams, _ in cells] == ["1", "8"]
    assert all(float(rate.replace(",", "")) > 0 for _, rate in cells)
    assert "- nothing" in page  # is missing or wrong
