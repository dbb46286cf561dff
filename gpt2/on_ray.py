"""A file of prompts on Ray: `generate --prompts FILE --out FILE --on ray`.

Ray Data hands blocks of prompts to actors and their texts back, in the order of the
file.  Each actor is a process with an engine of its own, on this machine or another.
One that is killed is replaced, and its block given to another: a text depends on its
prompt alone, so nobody can tell.  Only the process that you started writes the file.

On a cluster, of Linux alone, each machine needs this repository at the same place, and
a model that is a folder as well; the same processor, for the same bytes; and the same
token, in `~/.ray/auth_token`, which the first writes.  Each joins it by one of these:

    RAY_AUTH_MODE=token .venv-ray/bin/ray start --head --port 6379
    RAY_AUTH_MODE=token .venv-ray/bin/ray start --address HOST:6379
"""

import contextlib
import dataclasses
import json
import logging
import math
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from gpt2 import jobs, process
from gpt2.learner import text_of
from gpt2.options import Request
from gpt2.preparation import prepare
from gpt2.terminal import BadInput, say

if TYPE_CHECKING:
    from gpt2.pipeline import Completion

ROOT = Path(__file__).resolve().parent.parent
CPUS = 0.5  # that an engine takes of Ray's; if all were taken, all else would wait
MOVED = "GPT2_ON_RAY"  # set in a process that has moved into Ray's environment


def begin(address: str | None) -> None:
    """Goes on in Ray's environment, in another process, unless this is it.

    Args:
        address: As for `cluster`: there, somebody has to answer.

    Raises:
        BadInput: If it cannot.
    """
    if not find_spec("ray"):
        if MOVED in os.environ or Path.cwd() != ROOT:
            raise BadInput("--on ray: there is no Ray here: use ./run generate")
        os.environ[MOVED] = "yes"
        os.execv(ROOT / "run", ["run", "generate-on-ray", *sys.argv[2:]])
    if address:
        try:  # Ray itself would try for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=5).close()
        except (OSError, ValueError) as error:
            raise BadInput(f"--ray-address: no cluster at {address}: {error}") from None


@contextlib.contextmanager
def cluster(address: str | None, engines: int | None) -> Iterator[int]:
    """Connects with a cluster, or starts one here that ends with this process.

    Where this process is killed, the engines end within seconds; two agents of Ray's
    look for a minute for what is gone, and end then.

    Args:
        address: Of the cluster; None starts one.
        engines: How many are wanted; None means one for each machine.

    Yields:
        How many there will be.

    Raises:
        BadInput: If there is no such cluster, or it has no room for them.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray reports nothing to its vendor
    os.environ.setdefault("RAY_AUTH_MODE", "token")  # also to connect
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # no warnings from its C++
    import ray

    local = {"num_cpus": engines or 1, "include_dashboard": False}
    try:
        with nothing_on_stderr():
            ray.init(
                address or "local",
                runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
                log_to_driver=False,
                logging_level=logging.ERROR,
                **({} if address else local),
            )
    except Exception as error:  # Ray raises everything, that itself included
        hint = "; do both have the same ~/.ray/auth_token?" if address else ""
        raise BadInput(f"Ray does not start: {last_line(error)}{hint}") from None
    if not address:
        say("Ray runs here until the end; its ports are open to others, with a token.")
    # Ray says on stdout when a process of its own has ended.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        process.raise_interrupts()  # to leave nothing running
        try:
            engines = engines or sum(node["Alive"] for node in ray.nodes())
            there = ray.cluster_resources().get("CPU", 0)
            if engines * CPUS > there:
                raise BadInput(
                    f"--engines: {engines} take {engines * CPUS:g} CPUs, and the "
                    f"cluster has {there:g}: choose fewer"
                )
            yield engines
        finally:
            ray.shutdown()


@contextlib.contextmanager
def nothing_on_stderr() -> Iterator[None]:
    """Not even what C++ writes there: Ray's says which variables it has read."""
    stderr = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def complete(
    prompts: Sequence[jobs.Prompt], request: Request, steps: int | None, engines: int
) -> Iterator["Completion"]:
    """As `jobs.complete`, in the cluster's engines.

    Args:
        prompts: Some of the file's.
        request: How to continue them; with a seed.
        steps: The checksum of the learner's steps, if it is they.
        engines: How many there are.

    Raises:
        BadInput: If an engine cannot do it.
    """
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    from gpt2.pipeline import Completion

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.max_consecutive_actor_init_deaths = 3  # it may be killed by then, too
    # Large blocks keep an engine's batch full; small ones keep all engines at work.
    size = min(4 * request.batch_size, math.ceil(len(prompts) / engines))
    data = ray.data.from_items(
        list(range(len(prompts))), override_num_blocks=math.ceil(len(prompts) / size)
    ).map_batches(
        Writer,
        fn_constructor_args=(prompts, request, steps),
        batch_size=None,  # a block
        compute=ActorPoolStrategy(size=engines),
        num_cpus=CPUS,
    )
    try:
        for row in data.iter_rows():
            yield Completion(**json.loads(row["text"]))
    except ray.exceptions.RayError as error:
        raise BadInput(f"an engine on Ray: {last_line(error)}") from None


class Writer:
    """An actor: an engine that continues blocks of prompts.

    Args:
        prompts: All that have no text yet.
        request: How to continue them.
        steps: The checksum of the learner's steps, if it is they.
    """

    def __init__(
        self, prompts: Sequence[jobs.Prompt], request: Request, steps: int | None
    ) -> None:
        from gpt2.checkpoint import load_checkpoint

        if steps is not None and crc32(text_of("steps").encode()) != steps:
            raise ValueError(
                f"other steps lie in {ROOT}/steps on {os.uname().nodename}"
            )
        self.prompts = prompts
        self.request = request
        checkpoint = load_checkpoint(request.model, revision=request.revision)
        self.pipeline = prepare(request, checkpoint)

    def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
        """Their texts, as JSON: of each place in `prompts` that the block names."""
        prompts = [self.prompts[place] for place in block["item"]]
        texts = jobs.complete(self.pipeline, prompts, self.request)
        return {"text": [json.dumps(dataclasses.asdict(text)) for text in texts]}


def last_line(error: Exception) -> str:
    """What it comes down to: Ray puts all that led to it in front."""
    return str(error).strip().splitlines()[-1]
