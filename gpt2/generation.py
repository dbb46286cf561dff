"""The loop: logits, a token for each text, the next logits.

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

End = Literal["stop", "length", "limit"]


class AnyEngine(Protocol):
    """What `Engine` and `EagerEngine` have in common."""

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
    end: End | None
    logits: np.ndarray
    context: list[int]

    @property
    def logprob(self) -> float:
        """The token's log-probability, by the model alone, before any filter."""
        return float(log_softmax(self.logits)[self.token])


@dataclass(eq=False)
class Text:
    """A text that grows.

    Attributes:
        row: Which of the batch.
        ids: Its tokens, the prompt's first.
        rng: Draws the new ones.
        stream: Turns them into text.
        left: How many it may still get.
        stop_tokens: Ids that end it.
        limit: How many tokens in all end it; None means that nothing does.
        end: As in Step.
    """

    row: int
    ids: list[int]
    rng: np.random.Generator
    stream: TextStream
    left: int
    stop_tokens: Collection[int]
    limit: int | None
    end: End | None = None

    def grow(self, logits: np.ndarray, decoding: Decoding) -> Step:
        """Adds a token, by the model's logits `[vocab_size]`."""
        context = self.ids.copy()
        token = decoding.choose(logits, context, self.rng)
        self.ids.append(token)
        self.left -= 1
        piece = "" if token in self.stop_tokens else self.stream.push(token)
        if token in self.stop_tokens or self.stream.stopped:
            self.end = "stop"
        elif self.left == 0:
            self.end = "length"
        elif self.limit is not None and len(self.ids) >= self.limit:
            self.end = "limit"
        if self.end:
            piece += self.stream.flush()
        return Step(self.row, token, piece, self.end, logits, context)


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
    limit = n_positions if stop_at_limit else None
    texts = [
        Text(
            row,
            [*ids],
            rng,
            TextStream(tokenizer, stop),
            max_new_tokens,
            stop_tokens,
            limit,
        )
        for row, (ids, rng) in enumerate(zip(prompts, rngs, strict=True))
    ]
    if not texts or max_new_tokens == 0:
        return
    capacity = min(max(map(len, prompts)) + max_new_tokens, n_positions)
    batch = texts
    logits, cache = engine.prefill([text.ids for text in batch], capacity)
    while True:
        for text, row in zip(batch, logits, strict=True):
            if not text.end:
                yield text.grow(row, decoding)
        if all(text.end for text in texts):
            return
        if cache.full:
            batch = [text for text in batch if not text.end]
            logits, cache = engine.prefill([text.ids[-n_positions:] for text in batch])
        else:  # whatever comes after a text that has ended: nobody reads it
            logits = engine.decode([text.ids[-1] for text in batch], cache)
