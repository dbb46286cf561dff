"""Several servers on one machine, behind nginx: `./run serve --replicas 2`.

    clients ── nginx ──┬── replica    `./run serve`, on a port of its own
                       └── replica

This process starts them, and a new one for each that has ended.  SIGUSR1 restarts one
after another.  `nginx.conf`, beside this file, says which request goes where.

When this process is no more, even by kill -9, Linux sends the others a SIGTERM: that is
what `setpriv` is for.  Ctrl-C in a terminal reaches this process alone.
"""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import string
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpt2 import start
from gpt2.terminal import BadInput, say

HOST = "127.0.0.1"  # where replicas listen
LONGEST = 600  # seconds that texts get to end, when their replica is restarted
TEMPLATE = string.Template(Path(__file__).with_name("nginx.conf").read_text())


def serve(count: int, listening: socket.socket, drain: int, ready: Any) -> int:
    """Serves until it is told to end: by SIGTERM, or Ctrl-C.

    Args:
        count: How many replicas; their options are those of this process.
        listening: Holds the port until nginx takes it.
        drain: Seconds that texts get to end, when all is to end.
        ready: Called with nginx's file, when requests are answered.

    Returns:
        The exit code.
    """
    heard: list[int] = []
    signal.set_wakeup_fd(-1)  # `process.begin` ends nothing, from here on
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, lambda number, _: heard.append(number))
    with tempfile.TemporaryDirectory(prefix="gpt2-serving-") as folder:
        nginx = Nginx(Path(folder), listening)
        replicas = [Replica(port, Path(folder)) for port in free_ports(count)]
        try:
            for replica in replicas:
                replica.start()
            return supervise(replicas, nginx, heard, ready)
        finally:
            nginx.end(drain)
            for replica in replicas:
                replica.end()
            time_is_up = time.monotonic() + 2
            for replica in replicas:
                replica.wait(time_is_up - time.monotonic())


def supervise(
    replicas: "list[Replica]", nginx: "Nginx", heard: list[int], ready: Any
) -> int:
    """Keeps replicas and nginx at work.

    Args:
        replicas: All have been started.
        nginx: Is started when they are up.
        heard: Signals, as they come.
        ready: As for `serve`.

    Returns:
        The exit code.
    """
    waiting: list[Replica] = []  # to be restarted
    is_ready = False
    while not {signal.SIGTERM, signal.SIGINT} & {*heard}:
        time.sleep(0.1)
        while signal.SIGUSR1 in heard:
            heard.remove(signal.SIGUSR1)
            waiting = list(replicas)
        before = [replica.state for replica in replicas]
        for replica in replicas:
            replica.look()
        all_up = all(replica.state == "up" for replica in replicas)
        next_one = waiting.pop(0) if waiting and all_up else None
        if next_one:
            next_one.state = "ending"
        now = [replica.state for replica in replicas]
        for replica, state in zip(replicas, before, strict=True):
            if is_ready and replica.state == "up" != state:
                say(f"The server on port {replica.port} is there again.")
        if now != before:
            nginx.use(replicas)
        if next_one:
            time.sleep(1)  # nginx has read it, and sends it no more
            next_one.end()
        for replica in replicas:
            if replica.state == "ended":
                replica.say_why()
                if not is_ready:
                    return 1
                replica.start()
        if not nginx.process:
            if all_up:
                nginx.start()
        elif nginx.process.poll() is not None:
            say(f"nginx has ended ({nginx.process.returncode}), and so does this.")
            return 1
        elif not is_ready and answers(*nginx.address):
            is_ready = True
            ready(nginx.file)
    return 0


class Replica:
    """One server: "starting", then "up", perhaps "ending", and "ended".

    Args:
        port: Where it listens.
        folder: For what it says.
    """

    process: "subprocess.Popen[bytes]"

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.said = port, folder / f"{port}.log"
        self.state = "ended"

    def start(self) -> None:
        own = ["--replicas", 1, "--host", HOST, "--port", self.port, "--drain", LONGEST]
        words = start.words("gpt2.serving", *sys.argv[1:], *own)  # the last one counts
        with self.said.open("w") as said:
            self.process = begin(words, stderr=said, TMPDIR=str(self.said.parent))
        self.state = "starting"

    def look(self) -> None:
        """Notices that it is up, or has ended."""
        if self.process.poll() is not None:
            self.state = "ended"
        elif self.state == "starting" and answers(HOST, self.port):
            self.state = "up"

    def say_why(self) -> None:
        """What its end looked like."""
        if code := self.process.returncode:
            say(f"The server on port {self.port} has ended ({code}): another starts.")
        if code > 0:
            sys.stderr.write(self.said.read_text())

    def end(self) -> None:
        """Has it end when its texts have."""
        self.process.terminate()

    def wait(self, seconds: float) -> None:
        """Until it has ended; then it must."""
        try:
            self.process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            self.process.kill()  # its model's process ends with it
            self.process.wait()


class Nginx:
    """What stands in front of them.

    Args:
        folder: For its files.
        listening: Has the address.
    """

    process: "subprocess.Popen[bytes] | None" = None

    def __init__(self, folder: Path, listening: socket.socket) -> None:
        self.folder, self.file = folder, folder / "nginx.conf"
        self.listening, self.address = listening, listening.getsockname()[:2]

    def use(self, replicas: list[Replica]) -> None:
        """Sends requests to those that are up; what it passes on already goes on."""
        host, port = self.address
        servers = {f"{HOST}:{each.port}": each.state == "up" for each in replicas}
        self.file.write_text(configuration(f"{host}:{port}", servers))
        if self.process:
            self.process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        self.listening.close()
        words = [find_nginx(), "-p", f"{self.folder}/", "-c", str(self.file)]
        self.process = begin([*words, "-g", "daemon off; error_log stderr error;"])

    def end(self, seconds: int) -> None:
        """Lets what it passes on end, but not for longer."""
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            with contextlib.suppress(ProcessLookupError):  # none is left
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def configuration(listen: str, servers: dict[str, bool]) -> str:
    """`nginx.conf` for an address, and for those of servers; whether each is up."""
    lines = [
        f"        server {address} max_fails=1 fail_timeout=10s{'' if up else ' down'};"
        for address, up in servers.items()
    ]
    return TEMPLATE.substitute(listen=listen, servers="\n".join(lines))


def begin(
    words: list[str], stderr: Any = None, **env: str
) -> "subprocess.Popen[bytes]":
    """Starts a program that ends with this one, and hears no Ctrl-C."""
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
        env={**os.environ, **env},  # without what MAX has set behind Python's back
    )


def find_nginx() -> str:
    """Where it lies: often where only root looks.

    Raises:
        BadInput: If it is not there, or `setpriv` is not.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    nginx = shutil.which("nginx", path=path)
    for found, name, package in (
        (nginx, "nginx", "nginx-light"),
        (shutil.which("setpriv"), "setpriv, of Linux", "util-linux"),
    ):
        if not found:
            install = f"apt-get install {package}"
            raise BadInput(f"--replicas needs {name}, which is not here: {install}")
    return str(nginx)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        every = [socket.create_server((HOST, 0)) for _ in range(count)]
        for each in every:
            held.enter_context(each)
        return [each.getsockname()[1] for each in every]


def answers(host: str, port: int) -> bool:
    """Whether a server says that it is well."""
    connection = http.client.HTTPConnection(host, port, timeout=0.5)
    refused = OSError, http.client.HTTPException
    with contextlib.closing(connection), contextlib.suppress(*refused):
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False
