"""The client of `./run load`: streams that ask a server for one text after the other.

A request is one of OpenAI's `/v1/completions`, which both servers understand: ids go
in, so that both read the same, and pieces of text come out, as soon as they are there.
A piece is a token; MAX's server puts tokens together where it is behind.  What a stream
asks for is new each time, since a server may keep what it has read.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import aiohttp
import numpy as np

SHORTEST, LONGEST = 16, 128  # tokens of a prompt
TIMEOUT = 120  # seconds for a whole text
REST = 1.0  # seconds after an error


# --- Requests -------------------------------------------------------------------------


class Model(NamedTuple):
    """What requests have to know of a model."""

    name: str
    vocab_size: int


@dataclass
class Text:
    """What came of one request.

    Attributes:
        start: When it was sent.
        asked: How many tokens it is to have.
        times: When each piece came.
        error: What went wrong.
        ended: Whether it has all its tokens.
    """

    start: float
    asked: int
    times: list[float] = field(default_factory=list)
    error: str = ""
    ended: bool = False

    @property
    def tokens(self) -> float:
        """Of a piece, on average; one, as far as is known, before the end."""
        return self.asked / len(self.times) if self.ended else 1


def body(model: Model, rng: np.random.Generator, new: int) -> dict[str, Any]:
    """A request for `new` greedy tokens after a prompt of random ids."""
    size = rng.integers(SHORTEST, LONGEST, endpoint=True)
    return {
        "model": model.name,
        "prompt": rng.integers(1, model.vocab_size - 1, size).tolist(),
        "max_tokens": new,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def ask(
    session: aiohttp.ClientSession, url: str, request: dict[str, Any], text: Text
) -> None:
    """Sends a request, and notes in `text` what comes."""
    try:
        async with session.post(f"{url}/v1/completions", json=request) as answer:
            if answer.status != 200:
                text.error = f"{answer.status}: {(await answer.text())[:200]}"
                return
            rest, tokens = b"", None
            async for block in answer.content.iter_any():
                now = time.perf_counter()
                *events, rest = (rest + block).split(b"\n\n")
                for event in events:
                    said = event.removeprefix(b"data: ")
                    if said == b"[DONE]":
                        continue
                    fields = json.loads(said)
                    if usage := fields.get("usage"):
                        tokens = usage["completion_tokens"]
                    if fields["choices"]:
                        text.times.append(now)
            # llama.cpp has an event for the end, without a token.
            del text.times[text.asked :]
            if tokens != text.asked or not text.times:
                text.error = f"it wrote {tokens} tokens, not {text.asked}"
            text.ended = not text.error
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError) as error:
        text.error = f"{type(error).__name__}: {error}"


async def first_token(url: str, model: Model) -> None:
    """Returns when a server has written one token.

    Raises:
        OSError: If it says something else.
    """
    text = Text(time.perf_counter(), asked=1)
    async with new_session() as session:
        request = body(model, np.random.default_rng(0), new=1)
        await ask(session, url, request, text)
    if text.error:
        raise OSError(text.error)


def new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT),
    )


# --- Streams --------------------------------------------------------------------------


class Window(NamedTuple):
    """What was seen between two moments.

    Attributes:
        texts: All that were asked for, also before and after.
        start: When it began.
        end: When it ended.
        client: The share of a core that this client took.
        memory: Seconds since the start, and bytes of the server then.
    """

    texts: list[Text]
    start: float
    end: float
    client: float
    memory: list[tuple[float, int]]


async def drive(
    url: str,
    model: Model,
    streams: int,
    new: int,
    seconds: float,
    look: Callable[[], int],
    looks: int = 1,
) -> Window:
    """Has streams ask for texts, each for the next when it has one.

    Their first texts are of different lengths, so that they do not go in step; the
    window begins when all have ended, or after twice its length.

    Args:
        url: The server.
        model: That it serves.
        streams: How many.
        new: Tokens of a text.
        seconds: How long the window is.
        look: Tells the server's memory.
        looks: How often to look in that time.
    """
    texts: list[Text] = []
    warm = [asyncio.Event() for _ in range(streams)]

    async def stream(n: int) -> None:
        rng = np.random.default_rng([streams, n])
        asked = -(-new * (n + 1) // streams)
        while True:
            text = Text(time.perf_counter(), asked)
            texts.append(text)
            await ask(session, url, body(model, rng, asked), text)
            warm[n].set()
            if text.error:
                await asyncio.sleep(REST)
            asked = new

    async with new_session() as session:
        tasks = [asyncio.create_task(stream(n)) for n in range(streams)]
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * seconds):
                    for event in warm:
                        await event.wait()
            start, cpu = time.perf_counter(), time.process_time()
            memory = [(0.0, look())]
            for n in range(looks):
                until = start + seconds * (n + 1) / looks
                await asyncio.sleep(until - time.perf_counter())
                memory.append((time.perf_counter() - start, look()))
            end = time.perf_counter()
            client = (time.process_time() - cpu) / (end - start)
        finally:
            for task in tasks:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
    for each in done:
        if not isinstance(each, asyncio.CancelledError):
            raise RuntimeError("a stream has ended by itself") from each
    return Window(texts, start, end, client, memory)


# --- Figures --------------------------------------------------------------------------

PERCENTS = 50, 95, 99


class Figures(NamedTuple):
    """What is said of a window; `first` and `gaps` are seconds at PERCENTS."""

    rate: float  # tokens a second
    first: list[float]  # from a request to its first token
    gaps: list[float]  # from a piece to the next of the same text
    texts: int  # of which the first token came
    errors: list[str]


def figures(texts: Sequence[Text], start: float, end: float) -> Figures:
    """What happened from `start` to `end`; a text counts when its first token comes.

    Errors count whenever they came.
    """

    def inside(moment: float) -> bool:
        return start <= moment < end

    tokens = sum(text.tokens * sum(map(inside, text.times)) for text in texts)
    began = [t for t in texts if t.times and inside(t.times[0])]
    gaps = [b - a for t in texts for a, b in pairwise(t.times) if inside(b)]
    return Figures(
        tokens / (end - start),
        percentiles([text.times[0] - text.start for text in began]),
        percentiles(gaps),
        len(began),
        [text.error for text in texts if text.error],
    )


def percentiles(values: Sequence[float]) -> list[float]:
    """At PERCENTS, values that occurred: of fewer than 100, the last is the largest."""
    if not values:
        return [float("nan")] * len(PERCENTS)
    return np.percentile(values, PERCENTS, method="inverted_cdf").tolist()
