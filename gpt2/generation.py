"""The loop around the engine: logits, a token for each text, the next logits.

A batch of texts grows one token at a time.  Each text has its own generator and its
own end; one that has ended waits for the others.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from tokenizers import Tokenizer

from gpt2.decoding import Decoding, log_softmax
from gpt2.text import TextStream
from solutions.solution_01 import GPT2Config


class AnyEngine(Protocol):
    """What `Engine` and `NaiveEngine` have in common."""

    config: GPT2Config

    def prefill(
        self, prompts: Sequence[Sequence[int]], capacity: int | None = None
    ) -> tuple[np.ndarray, Any]:
        """Reads prompts: logits `[batch, vocab_size]`, and a cache for `decode`."""

    def decode(self, tokens: Sequence[int], cache: Any) -> np.ndarray:
        """Reads one more token of each text: logits `[batch, vocab_size]`."""


@dataclass(frozen=True, eq=False)
class Step:
    """One more token of one text.

    Attributes:
        row: Which text of the batch.
        token: Its id.
        text: What can be shown with it; may be empty, may be several characters.
        end: Why the text ends here, or None.  "stop": at a stop token or string,
            which `text` leaves out.  "length": max_new_tokens.  "limit": n_positions.
        logits: float32 `[vocab_size]`, what the model said.
        context: Ids of the text before this token, the prompt included.
    """

    row: int
    token: int
    text: str
    end: Literal["stop", "length", "limit"] | None
    logits: np.ndarray
    context: list[int]

    @property
    def logprob(self) -> float:
        """The token's log-probability, by the model alone, before any filter."""
        return float(log_softmax(self.logits)[self.token])


def generate(
    engine: AnyEngine,
    tokenizer: Tokenizer,
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    rngs: Sequence[np.random.Generator],
    *,
    max_new_tokens: int,
    stop: Sequence[str] = (),
    stop_tokens: Collection[int] = (),
    stop_at_limit: bool = False,
) -> Iterator[Step]:
    """Continues each prompt, and yields every token as it comes.

    A text that has reached n_positions goes on with its last n_positions tokens, as
    in step 12.  Each then stands one position earlier, so no key or value in the
    cache holds any more: every further token costs as much as reading the context.

    Args:
        engine: With or without a cache.
        tokenizer: Turns ids into text.
        prompts: Ids, 1 to n_positions each.
        decoding: How each token is chosen.
        rngs: A generator for each prompt.
        max_new_tokens: The most tokens to add to each.
        stop: Strings that end a text.
        stop_tokens: Ids that end a text.
        stop_at_limit: Whether to end at n_positions instead of going on.
    """
    n_positions = engine.config.n_positions
    texts = [list(prompt) for prompt in prompts]
    streams = [TextStream(tokenizer, stop) for _ in prompts]
    ended: set[int] = set()
    rows = range(len(prompts)) if max_new_tokens > 0 else []  # those in the cache
    if rows:
        longest = max(map(len, prompts)) + max_new_tokens
        logits, cache = engine.prefill(prompts, min(longest, n_positions))
    for count in range(1, max_new_tokens + 1):
        tokens = []
        for i, row in enumerate(rows):
            if row in ended:
                tokens.append(0)  # whatever it is: nobody reads what follows
                continue
            context = texts[row].copy()
            token = decoding.choose(logits[i], context, rngs[row])
            tokens.append(token)
            texts[row].append(token)
            end: Literal["stop", "length", "limit"] | None = None
            text = "" if token in stop_tokens else streams[row].push(token)
            if token in stop_tokens or streams[row].stopped:
                end = "stop"
            elif count == max_new_tokens:
                end = "length"
            elif stop_at_limit and len(texts[row]) >= n_positions:
                end = "limit"
            if end:
                text += streams[row].flush()
                ended.add(row)
            yield Step(row, token, text, end, logits[i], context)
        if len(ended) == len(prompts):
            return
        if cache.full:
            rows = [row for row in rows if row not in ended]
            logits, cache = engine.prefill([texts[row][-n_positions:] for row in rows])
        else:
            logits = engine.decode(tokens, cache)
