"""MAX's server with our door: a process for HTTP, and one that it starts for the model.

MAX 26.7's own entry, `max serve`, opens its own door, listens on all interfaces,
reports to its vendor, and prints what a learner need not read.  This file does what
that entry does, with parts of `max.serve` that are not public.  With another MAX,
compare it with `max/_entrypoints/cli/serve/serve_api_and_model_worker.py`.
"""

import contextlib
import functools
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from max.pipelines import PIPELINE_REGISTRY, PipelineArgs
from max.pipelines.lib import PipelineConfig
from max.serve.api_server import (
    ServingTokenGeneratorSettings,
    fastapi_app,
    fastapi_config,
    lifespan,
)
from max.serve.config import MetricRecordingMethod, Settings
from max.serve.process_control import SubprocessExit
from max.serve.telemetry.common import configure_logging, configure_metrics
from uvicorn import Server

from gpt2.checkpoint import Checkpoint
from gpt2.learner import Steps
from gpt2.serving import completions
from gpt2.serving.architecture import ARCHITECTURES
from gpt2.serving.ragged import RaggedNetwork, Sizes
from gpt2.terminal import say

os.environ["OTEL_SDK_DISABLED"] = "true"  # reports nothing; metrics stay here

BODY = 4 << 20  # bytes of a request: 128 prompts, the most, fit well

# Tokens that a call of the model reads at most, of prompts beside those that texts grow
# by: a long prompt is read in parts, and no text has to wait until it has been read.
AT_ONCE = 512


@dataclass(frozen=True)
class Serving:
    """What is served, and how.

    Attributes:
        checkpoint: Sizes and tokenizer; its weights the model's process reads itself.
        folder: Where the checkpoint lies.
        name: What requests call the model.
        whose: "steps" or "solutions".
        precision: How weight matrices are kept.
        batch_size: How many texts grow at once.
        context: The most tokens of a text with its prompt.
        queue: How many texts may wait.
        drain: How many seconds texts get to end, when the server is to end.
    """

    checkpoint: Checkpoint
    folder: Path
    name: str
    whose: str
    precision: str
    batch_size: int
    context: int
    queue: int
    drain: int

    @functools.cached_property
    def pipeline_config(self) -> PipelineConfig:
        """The same in MAX's words."""
        for architecture in ARCHITECTURES:
            if architecture.name not in PIPELINE_REGISTRY.architectures:
                PIPELINE_REGISTRY.register(architecture)
        weights = sorted(file.name for file in self.folder.glob("*.safetensors"))
        return PipelineConfig.from_args(
            PipelineArgs.from_flat_kwargs(
                model_path=str(self.folder),
                served_model_name=self.name,
                weight_path=weights,
                max_batch_size=self.batch_size,
                max_length=self.context,
                max_batch_input_tokens=AT_ONCE,
                enable_in_flight_batching=True,  # not first the prompts, alone
            )
        )

    def compile(self, steps: Steps) -> None:
        """Has MAX compile the network, unless that is done."""
        sizes = Sizes.initialize(self.pipeline_config, max_seq_len=self.context)
        config, params = self.checkpoint.config, sizes.get_kv_params()
        network = RaggedNetwork(config, steps, params, precision=self.precision)
        with contextlib.suppress(OSError):  # the model's process does it for itself
            network.compile()


@contextlib.contextmanager
def own_folder() -> Iterator[None]:
    """A place for temporary files, which MAX 26.7 leaves behind: its sockets."""
    with tempfile.TemporaryDirectory(prefix="gpt2-") as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        yield


@own_folder()
def serve(serving: Serving, listening: socket.socket, ready: Any) -> int:
    """Serves until it is told to end: by SIGTERM, or Ctrl-C.

    Args:
        serving: What is served.
        listening: Bound to host and port.
        ready: Called when requests are answered.

    Returns:
        The exit code.
    """
    host, port = listening.getsockname()[:2]
    settings = Settings(
        MAX_SERVE_API_TYPES=[],  # our door, instead of MAX's
        MAX_SERVE_HOST=host,
        MAX_SERVE_PORT=port,
        MAX_SERVE_MAX_REQUEST_BYTES=BODY,
        MAX_SERVE_LOGS_CONSOLE_LEVEL="ERROR",
        MAX_SERVE_METRIC_RECORDING_METHOD=MetricRecordingMethod.ASYNCIO,
        MAX_SERVE_GRACEFUL_SHUTDOWN_TIMEOUT_S=serving.drain,
    )
    configure_logging(settings)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # MAX says it, too
    configure_metrics(settings)
    config = serving.pipeline_config
    retrieved = PIPELINE_REGISTRY.retrieve_factory(config)
    own = {"whose": serving.whose, "precision": serving.precision}
    generator = ServingTokenGeneratorSettings(
        model_factory=functools.partial(retrieved.factory, **own),
        pipeline_config=config,
        tokenizer=retrieved.tokenizer,
        memory_plan=retrieved.memory_plan,
    )
    app = fastapi_app(settings, generator)
    room = serving.batch_size + serving.queue
    completions.put_into(app, serving.checkpoint, serving.context, room)
    server = Listening(fastapi_config(app=app, server_settings=settings))

    async def run() -> None:
        base = app.state.zmq_endpoint_base
        async with lifespan(app, settings, generator, base):
            ready()
            await server.serve(sockets=[listening])

    # While it serves, uvicorn hears these, and raises them again when texts have ended.
    signal.set_wakeup_fd(-1)  # `process.begin` does not, from here on
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        uvloop.run(run())
    except SubprocessExit as error:
        say(f"The model's process has ended ({error}), and so does this one.")
        return 1
    return 0


class Listening(Server):
    """uvicorn, which says what it waits for when it is to end."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        growing = self.config.app.state.growing  # type: ignore[union-attr]
        if growing and not self.should_exit:
            seconds = self.config.timeout_graceful_shutdown
            say(f"Ending: {growing} texts have {seconds} s.  Ctrl-C: do not wait.")
        super().handle_exit(sig, frame)


def end(*_: object) -> None:
    """Unwinds all that is open, the model's process with it."""
    raise SystemExit(0)
