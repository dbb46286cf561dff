"""A file of prompts on Ray: the bytes of the run without it, whatever is killed.

Ray runs in an environment of its own, which is not that of the tests: so every run is
the command, in a process.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv-ray" / "bin" / "python"
START = ["-I", "gpt2/start.py", "gpt2", "generate"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (PYTHON.parent.parent / "made-from.lock").exists(),
        reason="Ray's environment is not there: ./run generate-on-ray --help makes it",
    ),
    pytest.mark.skipif(
        not Path("/proc/self/environ").exists(),
        reason="only Linux tells whose a process is",
    ),
]

# Two nodes of one machine: a second process that Ray takes for a second machine.  They
# end with this process, which ends when nobody holds its stdin any more.
CLUSTER = """
import sys
from ray.cluster_utils import Cluster
how = {"num_cpus": 1, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args=how)
node = cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
(raylet,) = node.all_processes["raylet"]
print(cluster.address, raylet.process.pid, flush=True)
sys.stdin.read()
"""


class Place:
    """A folder with a file of prompts, and what was started there."""

    def __init__(self, path: Path, temporary: Path) -> None:
        self.prompts, self.out = path / "prompts.jsonl", path / "texts.jsonl"
        # Ray's files; a short name, since a socket's must have less than 108 letters.
        self.temporary = temporary
        self.env = {
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            "RAY_TMPDIR": str(temporary),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "0123456789abcdef" * 4,
        }
        names = "ROMEO JULIET KING DUKE NURSE".split()
        prompts = [{"prompt": f"{names[i % 5]}:", "id": i} for i in range(80)]
        self.prompts.write_text("".join(f"{json.dumps(p)}\n" for p in prompts))

    def start(self, *more: str, on_ray: bool = True) -> subprocess.Popen[str]:
        """Starts a run, in the environment where it belongs."""
        python = [PYTHON, *START, "--on", "ray"] if on_ray else [sys.executable, *START]
        files = ["--prompts", str(self.prompts), "--out", str(self.out)]
        sizes = ["--max-new-tokens", "120", "--batch-size", "1", "--seed", "5"]
        return subprocess.Popen(
            [*python, *files, *sizes, *more],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, started: subprocess.Popen[str]) -> str:
        """Waits for a run, and returns what it said."""
        out, err = started.communicate(timeout=240)
        assert (started.returncode, out) == (0, ""), err
        return err

    def lines(self) -> int:
        return self.out.read_bytes().count(b"\n") if self.out.exists() else 0

    def wait_for(self, started: subprocess.Popen[str], lines: int) -> None:
        wait(lambda: self.lines() >= lines or started.poll() is not None)
        assert started.poll() is None, started.communicate()[1]

    def processes(self, name: str = "") -> list[int]:
        """Every process that was started from here, if its command has that name."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                ours = str(self.temporary).encode() in (folder / "environ").read_bytes()
                if ours and name.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:  # it has ended since
                pass
        return found


def wait(until: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def place(tmp_path) -> Iterator[Place]:
    """When a test is over, nothing that it has started goes on."""
    temporary = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    place = Place(tmp_path, temporary)
    yield place
    for pid in place.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(temporary, ignore_errors=True)


@pytest.fixture
def cluster(place) -> Iterator[tuple[str, int]]:
    """The address of a cluster, and the process that is its second machine."""
    with subprocess.Popen(
        [PYTHON, "-c", CLUSTER],
        env=place.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as started:
        address, raylet = started.stdout.readline().split()
        yield address, int(raylet)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """The results of the run without Ray."""
    folder = tmp_path_factory.mktemp("whole")
    place = Place(folder, folder)
    place.finish(place.start("--batch-size", "8", on_ray=False))
    return place.out.read_bytes()


def test_two_engines_write_the_same_bytes(place, whole):
    said = place.finish(place.start("--engines", "2"))
    assert place.out.read_bytes() == whole
    wait(lambda: not place.processes(), 10)
    first, second, last = said.splitlines()
    assert first.startswith("preparing MAX")
    assert second.startswith("Ray runs here until the end")
    assert "9600 tokens in" in last and "seed 5" in last


def test_batch_lines_and_a_learners_steps_go_there_as_well(place):
    """The engine there is made of the same twelve files."""
    url = {"method": "POST", "url": "/v1/completions"}
    bodies = [{"prompt": "KING:", "seed": 3}, {"prompt": "", "temperature": 0}]
    place.prompts.write_text(
        "".join(
            json.dumps({"custom_id": str(i), **url, "body": body}) + "\n"
            for i, body in enumerate(bodies)
        )
    )
    place.finish(place.start("--from", "steps", on_ray=False))
    expected = place.out.read_bytes()
    place.out.unlink()
    place.finish(place.start("--from", "steps"))
    assert place.out.read_bytes() == expected
    assert expected.count(b'"steps": ') == 2


def test_an_engine_that_is_killed_is_replaced(place, whole):
    run = place.start("--engines", "2")
    place.wait_for(run, 1)
    engines = place.processes("ray::MapWorker")
    assert len(engines) == 2 and place.lines() < 60
    os.kill(engines[0], signal.SIGKILL)
    place.finish(run)
    assert place.out.read_bytes() == whole


def test_when_the_command_is_killed_all_ends_and_it_goes_on(place, whole):
    """The engines end in seconds, the last of Ray in a minute."""
    run = place.start("--engines", "2")
    place.wait_for(run, 1)
    run.kill()
    run.communicate()
    wait(lambda: not place.processes("ray::MapWorker"), 30)
    before = place.lines()
    assert 1 <= before < 80 and whole.startswith(place.out.read_bytes()[:100])
    said = place.finish(place.start("--engines", "2"))
    assert f"{before} of 80 are in" in said
    assert place.out.read_bytes() == whole
    wait(lambda: not place.processes(), 90)


def test_a_cluster_writes_the_same_bytes_and_goes_on_without_a_machine(
    place, whole, cluster
):
    """With an engine on each of two machines, of which one is killed."""
    address, raylet = cluster
    run = place.start("--ray-address", address)
    place.wait_for(run, 1)
    assert len(place.processes("ray::MapWorker")) == 2 and place.lines() < 60
    os.kill(raylet, signal.SIGKILL)
    place.finish(run)
    assert place.out.read_bytes() == whole


def test_a_cluster_outlives_the_command_and_the_engines_do_not(place, whole, cluster):
    address, _ = cluster
    run = place.start("--ray-address", address)
    place.wait_for(run, 1)
    run.kill()
    run.communicate()
    wait(lambda: not place.processes("ray::MapWorker"), 60)
    place.finish(place.start("--ray-address", address))
    assert place.out.read_bytes() == whole


def test_what_a_cluster_cannot_do_is_refused(place, cluster):
    address, _ = cluster
    for words, said in (
        (["--ray-address", address, "--engines", "5"], "5 take 2.5 CPUs, and the"),
        (["--ray-address", "127.0.0.1:1"], "no cluster at 127.0.0.1:1"),
    ):
        run = place.start(*words)
        _, err = run.communicate(timeout=120)
        assert run.returncode == 2
        assert said in err.splitlines()[-1], err
