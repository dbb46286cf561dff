"""The command line: `python -m gpt2.serving`."""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import contextlib
import json
import os
import socket
import sys
from errno import EADDRINUSE
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpt2 import options
from gpt2.options import Request, option
from gpt2.preparation import open_steps, read_checkpoint
from gpt2.serving.replicas import find_nginx
from gpt2.serving.replicas import serve as serve_replicas
from gpt2.terminal import BadInput, learners_lines, preparing, refusing, say

if TYPE_CHECKING:  # it imports MAX
    from gpt2.checkpoint import Checkpoint
    from gpt2.learner import Steps

PORT = 8000
SERVER = "The server"


@click.command(
    cls=options.Command, context_settings={"help_option_names": ["-h", "--help"]}
)
@options.weights
@options.whose
@options.strict
@option(
    SERVER,
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where it listens.  0.0.0.0: wherever this machine can be reached.",
)
@option(
    SERVER,
    "--port",
    type=click.IntRange(1, 65535),
    help=f"On which port.  Default: {PORT}, or a free one where that is taken.",
)
@option(
    SERVER,
    "--batch-size",
    type=click.IntRange(1, 1024),
    default=16,
    show_default=True,
    help="How many texts grow at once, each with memory for a full context.",
)
@option(
    SERVER,
    "--context",
    type=click.IntRange(min=1),
    help="The most tokens of a text with its prompt.  Default: what the model reads.",
)
@option(
    SERVER,
    "--queue",
    type=click.IntRange(min=0),
    default=256,
    show_default=True,
    help="How many texts may wait; beyond that, a request is told to come again.",
)
@option(
    SERVER,
    "--drain",
    type=click.IntRange(min=0),
    default=6,
    show_default=True,
    help="How many seconds texts get to end, when the server is to end.",
)
@option(
    SERVER,
    "--replicas",
    type=click.IntRange(1, 16),
    default=1,
    show_default=True,
    help="How many servers, with nginx in front of them: when one crashes, the others "
    "go on.",
)
def main(
    host: str,
    port: int | None,
    batch_size: int,
    context: int | None,
    queue: int,
    drain: int,
    replicas: int,
    **given: Any,
) -> None:
    """Serve the model: OpenAI's /v1/completions, by MAX's own server.

    It ends with Ctrl-C or SIGTERM, when the texts that are being written have ended,
    or after some seconds.
    """
    if replicas > 1:
        find_nginx()
    request = Request("", max_new_tokens=0, seed=None, device="cpu", **given)
    listening = listen(host, port)
    address = listening.getsockname()[:2]
    checkpoint = read_checkpoint(request)
    most = checkpoint.config.n_positions
    if context and context > most:
        raise BadInput(f"--context {context}: the model reads at most {most} tokens")
    steps = open_steps(request.whose, strict=request.strict)
    with contextlib.ExitStack() as until_ready:
        how_long = "seconds, a minute or two the first time on a machine"
        until_ready.enter_context(preparing(how_long))
        with refusing():
            from gpt2.checkpoint import find_folder
            from gpt2.serving.server import Serving, serve

            serving = Serving(
                checkpoint,
                find_folder(request.model, request.revision),
                name_of(request.model),
                request.whose,
                request.precision,
                batch_size,
                context or most,
                queue,
                drain,
            )
        if request.whose == "steps":
            see_that_it_is_the_same(request, checkpoint, steps)
        with learners_lines(request.whose):
            serving.compile(steps)
        checkpoint.release()

        def ready(file: Path | None = None) -> None:
            until_ready.close()
            if file:
                introduce(replicas, file)
            welcome(serving.name, *address)

        if replicas > 1:
            sys.exit(serve_replicas(replicas, listening, drain, ready))
        sys.exit(serve(serving, listening, ready))


def listen(host: str, port: int | None) -> socket.socket:
    """Takes the port: the one that is asked for, or else a free one.

    Raises:
        BadInput: If nothing can listen there.
    """
    if not host:
        raise BadInput("--host is empty: give an address, or leave it out")
    try:
        try:
            return socket.create_server((host, port or PORT))
        except OSError as error:
            if port or error.errno != EADDRINUSE:
                raise
        say(f"Port {PORT} is taken: this is another.")
        return socket.create_server((host, 0))
    except OSError as error:
        where = f"--host {host}" + (f" --port {port}" if port else "")
        reason = str(error.strerror).partition(" (while")[0].lower()
        raise BadInput(f"{where}: {reason}, choose another") from None


def name_of(model: str) -> str:
    """What requests call a model: the name of its folder, or its name on the hub."""
    path = Path(model).expanduser()
    return path.resolve().name if path.is_dir() else model


def see_that_it_is_the_same(
    request: Request, checkpoint: "Checkpoint", steps: "Steps"
) -> None:
    """Refuses steps that would compute something else here than by themselves."""
    from gpt2 import equivalence

    config, weights = checkpoint.config, checkpoint.weights
    how = request.precision, request.device
    if reason := equivalence.why_not(config, weights, steps, *how):
        advice = "./run generate --from steps writes with them"
        if equivalence.STOPS in reason:
            advice = "the checks s01 to s12 tell more"
        raise BadInput(f"your steps cannot be served: {reason}; {advice}")


def introduce(replicas: int, file: Path) -> None:
    """What one may want to know of several servers."""
    say(f"{replicas} servers on {os.cpu_count()} cores: no faster than one, but when")
    say("one crashes, others go on.  They are restarted, one after another, by")
    say(f"kill -USR1 {os.getpid()}.  nginx works by")
    say(str(file))


def welcome(name: str, host: str, port: int) -> None:
    """Says that it is ready, and how it is asked."""
    url = f"http://{host}:{port}"
    body = {"model": name, "prompt": "ROMEO:", "max_tokens": 60}
    click.echo(f"{name} is ready at {url}; Ctrl-C ends it.  Ask it:\n")
    click.echo(f"curl {url}/v1/completions \\\n  -d '{json.dumps(body)}'\n")
    if not host.startswith("127."):
        say("Whoever can reach this machine can use it: it asks for no password.")


if __name__ == "__main__":
    process.run(main, "./run serve")
