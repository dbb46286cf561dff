"""The door: `/v1/completions`, as OpenAI describes it."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import Any, TypeVar

from anyio import CancelScope
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import Send

from gpt2.checkpoint import Checkpoint
from gpt2.serving.rules import Body, Refused, prompts, read
from gpt2.serving.texts import News, together

router = APIRouter()
T = TypeVar("T")


class Line(JSONResponse):
    """JSON that ends with its line, for whoever reads it in a terminal."""

    def render(self, content: Any) -> bytes:
        return super().render(content) + b"\n"


def put_into(app: FastAPI, checkpoint: Checkpoint, context: int, room: int) -> None:
    """Gives MAX's app this door, in the place of all others but two.

    Args:
        app: Its `state.pipeline` will be MAX's, when the model is loaded.
        checkpoint: Sizes and tokenizer.
        context: The most tokens of a text with its prompt.
        room: How many texts may grow or wait.
    """
    kept = ("/health", "/metrics")
    app.router.routes[:] = [r for r in app.routes if getattr(r, "path", "") in kept]
    app.include_router(router)
    app.add_exception_handler(Refused, refuse)
    app.add_exception_handler(HTTPException, nothing_there)
    app.state.checkpoint, app.state.context = checkpoint, context
    app.state.started = int(time.time())
    app.state.growing, app.state.room = 0, room


@router.post("/v1/completions")
async def completions(request: Request) -> Response:
    """Continues texts."""
    body = await read(request)
    state = request.app.state
    every = prompts(body, state.checkpoint, state.context)
    head = {
        "id": f"cmpl-{request.state.request_id}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": body.model,
    }
    size = sum(len(prompt.ids) for prompt in every)
    news = together(request, body, every)
    if not body.stream:
        return Line(head | await unless_gone(request, whole(news, size)))
    # The first before the status is said: until then, it can be an error's.
    first = await unless_gone(request, anext(news))
    return Events(events(head, first, news, body, size))


class Events(StreamingResponse):
    """Server-sent events.  When the client goes away, what writes them ends at once;
    left to itself, it would go on until somebody collects the garbage."""

    def __init__(self, texts: AsyncGenerator[str, None]) -> None:
        super().__init__(texts, media_type="text/event-stream")
        self.texts = texts

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            with CancelScope(shield=True):  # the client's going cancels this, too
                await self.texts.aclose()


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Waits for something, unless the client goes away first: then it is given up."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(client_gone(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Refused("the client is gone", None, 499)
        return task.result()
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def client_gone(request: Request) -> None:
    """Returns when it is."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def whole(news: AsyncGenerator[News, None], size: int) -> dict[str, Any]:
    """All texts, when they have ended; `size` is how many tokens the prompts have."""
    texts: dict[int, News] = {}
    async for new in news:
        have = texts.get(new.which)
        texts[new.which] = have.followed_by(new) if have else new
    ordered = [texts[index] for index in sorted(texts)]
    tokens, cached = sum(t.tokens for t in ordered), sum(t.cached for t in ordered)
    choices = [choice(text) for text in ordered]
    return {"choices": choices, "usage": usage(size, tokens, cached)}


async def events(
    head: dict[str, Any],
    first: News,
    news: AsyncGenerator[News, None],
    body: Body,
    size: int,
) -> AsyncGenerator[str, None]:
    """The texts as they come, as server-sent events."""

    def event(fields: dict[str, Any]) -> str:
        return f"data: {json.dumps(head | fields)}\n\n"

    with_usage = body.stream_options and body.stream_options.include_usage
    tokens = cached = 0
    each: News | None = first
    async with aclosing(news) as rest:
        while each:
            tokens, cached = tokens + each.tokens, cached + each.cached
            yield event({"choices": [choice(each)]})
            each = await anext(rest, None)
    if with_usage:
        yield event({"choices": [], "usage": usage(size, tokens, cached)})
    yield "data: [DONE]\n\n"


def choice(news: News) -> dict[str, Any]:
    """As OpenAI writes it."""
    return {
        "index": news.which,
        "text": news.text,
        "logprobs": news.logprobs,
        "finish_reason": news.end,
    }


def usage(prompt: int, tokens: int, cached: int) -> dict[str, Any]:
    """How many tokens were read and written."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": tokens,
        "total_tokens": prompt + tokens,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


@router.get("/v1/models")
async def models(request: Request) -> dict[str, Any]:
    """The one model that is served."""
    state = request.app.state
    return {"object": "list", "data": [card(state)]}


@router.get("/v1/models/{name:path}")
async def model(name: str, request: Request) -> dict[str, Any]:
    """The same, by its name."""
    state = request.app.state
    if name != state.pipeline.model_name:
        here = state.pipeline.model_name
        raise Refused(f"model {name!r} is not here: it is {here!r}", "model", 404)
    return card(state)


def card(state: Any) -> dict[str, Any]:
    """What OpenAI's API says about a model."""
    return {
        "id": state.pipeline.model_name,
        "object": "model",
        "created": state.started,
        "owned_by": "you",
        "max_model_len": state.context,
    }


async def nothing_there(request: Request, error: Exception) -> Response:
    """A GPT-2 continues texts; it knows no chat, and has no embeddings to give."""
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.url.path}"
    message = f"there is no {what} here: a GPT-2 has POST /v1/completions"
    return await refuse(request, Refused(message, None, error.status_code))


async def refuse(_request: Request, error: Exception) -> Response:
    """An error as OpenAI writes it."""
    assert isinstance(error, Refused)
    kind = "rate_limit_error" if error.status == 429 else "invalid_request_error"
    fields = {"message": str(error), "type": kind, "param": error.param, "code": None}
    wait = {"Retry-After": "1"} if error.status == 429 else None
    return Line({"error": fields}, error.status, headers=wait)
