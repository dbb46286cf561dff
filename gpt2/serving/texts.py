"""Texts that MAX continues: what comes of each, as it comes.

MAX gives ids.  They become text, which ends at a stop string, as on the command line:
MAX's own stop strings stay in the text, or are cut in two ways.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from fastapi import Request
from max.pipelines.context import GenerationStatus, SamplingParams
from max.pipelines.modeling.types import TextGenerationRequest
from max.pipelines.request import RequestID

from gpt2.serving.architecture import packed
from gpt2.serving.rules import Body, Prompt, Refused
from gpt2.text import TextStream


class News(NamedTuple):
    """What has come of a text since the last news.

    Attributes:
        which: Of the request's texts.
        text: The new piece.
        end: "stop" or "length" where the text ends.
        tokens: How many have come.
        cached: How many of the prompt had been read for an earlier text, said once.
        logprobs: OpenAI's lists, where they are asked for.
    """

    which: int
    text: str
    end: str | None
    tokens: int
    cached: int
    logprobs: dict[str, list[Any]] | None

    def followed_by(self, new: "News") -> "News":
        """Both in one."""
        lists, more = self.logprobs or new.logprobs, new.logprobs
        if self.logprobs and more:
            lists = {name: had + more[name] for name, had in self.logprobs.items()}
        return News(
            self.which,
            self.text + new.text,
            new.end,
            self.tokens + new.tokens,
            self.cached + new.cached,
            lists,
        )


async def grow(
    request: Request, body: Body, prompt: Prompt, index: int, count: int, seed: int
) -> AsyncGenerator[News, None]:
    """Has the server continue a prompt.

    Args:
        request: Of HTTP.
        body: What it asks for.
        prompt: What this text continues.
        index: Which of its texts this is.
        count: How many there are.
        seed: What they draw with.
    """
    state = request.app.state
    tokenizer = state.checkpoint.tokenizer
    stream = TextStream(tokenizer, body.stops())
    asked = TextGenerationRequest(
        RequestID(),
        model_name=body.model,
        prompt=prompt.ids,
        timestamp_ns=request.state.request_timer.start_ns,
        request_path=request.url.path,
        logprobs=0 if body.logprobs is None else max(body.logprobs, 1),
        sampling_params=SamplingParams(
            temperature=body.temperature,
            top_k=body.top_k,
            top_p=body.top_p,
            min_p=body.min_p,
            repetition_penalty=body.repetition_penalty,
            max_new_tokens=body.max_tokens,
            seed=packed(seed, index, count),
            stop_token_ids=body.stop_token_ids,
            ignore_eos=body.ignore_eos,
        ),
    )
    if body.echo and prompt.text:
        yield News(index, prompt.text, None, 0, 0, None)
    length = 0
    # Closed early, it has the server forget the text.
    async with aclosing(await state.pipeline.next_token_chunk(asked)) as chunks:
        async for chunk in chunks:
            piece, tokens, lists = "", 0, new_lists(body)
            at_end = chunk.status == GenerationStatus.END_OF_SEQUENCE
            for place, token in enumerate(chunk.token_ids):
                tokens += 1
                if lists:
                    offset = length + len(stream.held)
                    note(lists, tokenizer, chunk, place, body.logprobs, offset)
                if not (at_end and tokens == len(chunk.token_ids)):  # no stop token
                    new = stream.push(token)
                    piece, length = piece + new, length + len(new)
                if stream.stopped:
                    break
            end = "stop" if stream.stopped or at_end else None
            if end or chunk.status.is_done:
                end = end or "length"
                piece += stream.flush()
            # Of several texts of one prompt the first counts, as its tokens do.
            cached = 0 if index % body.n else chunk.cached_token_count or 0
            yield News(index, piece, end, tokens, cached, lists)
            if end:
                return


def new_lists(body: Body) -> dict[str, list[Any]] | None:
    """OpenAI's four, empty; None where they are not asked for."""
    names = "tokens", "token_logprobs", "top_logprobs", "text_offset"
    return None if body.logprobs is None else {name: [] for name in names}


def note(
    lists: dict[str, list[Any]],
    tokenizer: Any,
    chunk: Any,
    place: int,
    count: int | None,
    offset: int,
) -> None:
    """Adds a token to the lists.

    Args:
        lists: OpenAI's.
        tokenizer: Spells it.
        chunk: MAX's, in which it came.
        place: Where there.
        count: How many of the likeliest to name.
        offset: Where its text begins.
    """

    def spell(token: int) -> str:
        return tokenizer.decode([token], skip_special_tokens=False)

    # Halves of characters are all spelled alike: the likeliest stands for them.
    best: dict[str, float] = {}
    for i, (_, value) in list(chunk.top_log_probabilities[place].items())[:count]:
        best.setdefault(spell(i), value)
    lists["tokens"].append(spell(chunk.token_ids[place]))
    lists["token_logprobs"].append(chunk.token_log_probabilities[place])
    lists["top_logprobs"].append(best)
    lists["text_offset"].append(offset)


async def together(
    request: Request, body: Body, every: Sequence[Prompt]
) -> AsyncGenerator[News, None]:
    """The news of all texts of a request, as they come.

    Raises:
        Refused: If as many texts wait as may.
    """
    state, n = request.app.state, body.n
    count = n * len(every)
    if count > state.room:
        most = f"the server has room for {state.room}"
        raise Refused(f"prompt and n ask for {count} texts, {most}", "n")
    if state.growing + count > state.room:
        full = f"the server has {state.growing} texts, and room for {state.room}: wait"
        raise Refused(full, None, 429)
    seed = secrets.randbits(32) if body.seed is None else body.seed
    news: asyncio.Queue[News | Exception | None] = asyncio.Queue()

    async def follow(index: int) -> None:
        text = grow(request, body, every[index // n], index, count, seed)
        try:
            async with aclosing(text) as pieces:
                async for piece in pieces:
                    news.put_nowait(piece)
            news.put_nowait(None)
        except Exception as error:
            news.put_nowait(error)

    state.growing += count
    tasks = [asyncio.create_task(follow(index)) for index in range(count)]
    try:
        while count:
            each = await news.get()
            if isinstance(each, Exception):
                raise each
            if each is None:
                count -= 1
            else:
                yield each
    finally:
        state.growing -= len(tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
