"""The loop: logits, a token for each text, the next logits.

Texts grow beside each other, each in a row of the cache.  A text that has ended leaves
its row to the next one that waits, whose prompt is read in the same call as the others'
next tokens: so the batch stays full, and what has ended costs nothing.

While few grow, tokens are guessed (`gpt2/drafting.py`) and read with those that are
certain: the guesses that come true need no reading any more.

Each text has its own generator and its own end, and is the same in any company.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
from tokenizers import Tokenizer

from gpt2 import drafting
from gpt2.decoding import Decoding, logprob
from gpt2.text import TextStream
from solutions.solution_01 import GPT2Config

End = Literal["stop", "length", "limit"]
FullContext = Literal["slide", "drop", "stop"]
FULL_CONTEXT: tuple[FullContext, ...] = get_args(FullContext)


class AnyEngine(Protocol):
    """What `Engine` and `EagerEngine` have in common.

    Attributes:
        config: The sizes.
        at_once: How many tokens are read in little more than the time of one.
    """

    config: GPT2Config
    at_once: int

    def new_cache(self, rows: int, capacity: int | None = None) -> Any:
        """An empty cache: a row for each text, with room for `capacity` tokens."""

    def read(
        self,
        texts: Mapping[int, Sequence[int]],
        cache: Any,
        *,
        every: bool = False,
    ) -> np.ndarray:
        """Reads more tokens of some texts: logits `[len(texts), vocab_size]`."""

    def prefill(
        self, prompts: Sequence[Sequence[int]], capacity: int | None = None
    ) -> tuple[np.ndarray, Any]:
        """Reads prompts: logits `[batch, vocab_size]`, and a cache for `decode`."""

    def decode(self, tokens: Sequence[int], cache: Any) -> np.ndarray:
        """Reads one more token of each text: logits `[batch, vocab_size]`."""


# --- Text --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Step:
    """One more token of one text.

    Attributes:
        index: Which of the prompts it continues.
        token: Its id.
        text: What can be shown with it; may be empty, may be several characters.
        end: Why the text ends here, or None.  "stop": at a stop token or string,
            which `text` leaves out.  "length": max_new_tokens.  "limit": n_positions.
        logits: float32 `[vocab_size]`, what the model said.
        context: Ids of the text before this token, the prompt included.
    """

    index: int
    token: int
    text: str
    end: End | None
    logits: np.ndarray
    context: list[int]

    @property
    def logprob(self) -> float:
        """The token's log-probability, by the model alone, before any filter."""
        return logprob(self.logits, self.token)


@dataclass(eq=False)
class Text:
    """A text that grows.

    Attributes:
        index: Which of the prompts it continues.
        ids: Its tokens, the prompt's first.
        decoding: How each new one is chosen.
        rng: Draws them.
        stream: Turns them into text.
        left: How many it may still get.
        stop_tokens: Ids that end it.
        limit: How many tokens in all end it; None means that nothing does.
        start: Which of `ids` is the first that the model still sees.
    """

    index: int
    ids: list[int]
    decoding: Decoding
    rng: np.random.Generator
    stream: TextStream
    left: int
    stop_tokens: Collection[int]
    limit: int | None
    start: int = 0

    def grow(self, token: int, logits: np.ndarray) -> Step:
        """Adds a token, chosen by the model's logits `[vocab_size]`."""
        context = self.ids.copy()
        self.ids.append(token)
        self.left -= 1
        piece = "" if token in self.stop_tokens else self.stream.push(token)
        end: End | None = None
        if token in self.stop_tokens or self.stream.stopped:
            end = "stop"
        elif self.left == 0:
            end = "length"
        elif self.limit is not None and len(self.ids) >= self.limit:
            end = "limit"
        if end:
            piece += self.stream.flush()
        return Step(self.index, token, piece, end, logits, context)


# --- Batch -------------------------------------------------------------------------


class Batch:
    """The texts that grow at present.

    Args:
        engine: Reads them.
        size: How many there may be.
        capacity: Tokens that the longest will need room for.
        dropped: How many of its oldest tokens a text loses when its context is full.
        at_once: How many tokens may be read in one call, guesses included.

    Attributes:
        growing: The texts, by their row of the cache; those that came first are first.
    """

    def __init__(
        self,
        engine: AnyEngine,
        size: int,
        capacity: int,
        dropped: int,
        at_once: int,
    ) -> None:
        self.engine = engine
        self.size = size
        self.dropped = dropped
        self.at_once = at_once
        self.cache = engine.new_cache(size, capacity)
        self.growing: dict[int, Text] = {}

    def fill(self, waiting: Iterator[Text]) -> None:
        """Gives each free row to the next text that waits."""
        for row in range(self.size):
            if row not in self.growing and (text := next(waiting, None)):
                self.growing[row] = text
                self.cache.lengths[row] = 0

    def read(self) -> Iterator[tuple[int, list[int], np.ndarray]]:
        """Reads what is new of each text.

        Yields:
            Of each text its row, the tokens that were guessed, and the logits
            `[1 + guessed, vocab_size]` of what follows it and each of them.
        """
        new = {row: self.unread(row, text) for row, text in self.growing.items()}
        drafts = self.drafts(new)
        together = {row: [*tokens, *drafts[row]] for row, tokens in new.items()}
        logits = self.engine.read(together, self.cache, every=any(drafts.values()))
        for row, guessed in drafts.items():
            yield row, guessed, logits[: 1 + len(guessed)]
            logits = logits[1 + len(guessed) :]

    def drafts(self, new: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
        """Guesses for each text, as many as are read with the new tokens at once.

        None beside a prompt, of which only the last logits are wanted.
        """
        drafts: dict[int, list[int]] = {row: [] for row in new}
        if any(len(tokens) > 1 for tokens in new.values()):
            return drafts
        room = self.at_once - len(new)
        for row, text in self.growing.items():
            free = self.engine.config.n_positions - (len(text.ids) - text.start)
            drafts[row] = drafting.draft(text.ids, min(room, free, text.left - 1))
            room -= len(drafts[row])
        return drafts

    def unread(self, row: int, text: Text) -> list[int]:
        """What the cache does not hold of a text: its prompt, or its last token.

        Or all that is left of it, where the context was full: without the oldest
        tokens, each of the others stands at another position, and none of its keys
        and values holds any more.
        """
        if len(text.ids) - text.start > self.engine.config.n_positions:
            text.start += self.dropped
            self.cache.lengths[row] = 0
        return text.ids[text.start + int(self.cache.lengths[row]) :]

    def grow(self) -> Iterator[Step]:
        """Reads, and adds to each text the tokens that can be chosen then.

        That is one, and one more for each guess that it turns out to be.  A text that
        ends leaves its row.
        """
        for row, guessed, logits in self.read():
            text = self.growing[row]
            for said, guess in zip(logits, [*guessed, None], strict=True):
                token = text.decoding.choose(said, text.ids, text.rng)
                step = text.grow(token, said)
                if step.end:
                    del self.growing[row]
                yield step
                if step.end or token != guess:
                    break
            # The last token has not been read; what was read beyond is forgotten.
            self.cache.lengths[row] = len(text.ids) - text.start - 1


def generate(
    engine: AnyEngine,
    tokenizer: Tokenizer,
    prompts: Sequence[Sequence[int]],
    decodings: Sequence[Decoding],
    rngs: Sequence[np.random.Generator],
    *,
    max_new_tokens: Sequence[int],
    stops: Sequence[Sequence[str]] | None = None,
    stop_tokens: Collection[int] = (),
    full_context: FullContext = "slide",
    batch_size: int | None = None,
    draft: bool = True,
) -> Iterator[Step]:
    """Continues each prompt, and yields every token as it comes.

    What becomes of a text that has reached n_positions:

    - "slide": it goes on with its last n_positions tokens, as in step 12.  Every
      further token costs as much as reading the context.
    - "drop": it loses the oldest quarter of its context, whose other tokens are read
      once more; then it goes on with the cache until the context is full again.
    - "stop": it ends.

    Args:
        engine: With or without a cache.
        tokenizer: Turns ids into text.
        prompts: Ids, 1 to n_positions each.
        decodings: For each prompt, how a token is chosen.
        rngs: A generator for each prompt.
        max_new_tokens: The most tokens to add to each prompt.
        stops: For each prompt, strings that end its text; None means none.
        stop_tokens: Ids that end a text.
        full_context: "slide", "drop" or "stop".
        batch_size: How many texts grow at once; None means all.
        draft: Whether to guess tokens where that saves time.  The texts are the same.
    """
    n_positions = engine.config.n_positions
    stops = [()] * len(prompts) if stops is None else stops
    each = zip(prompts, decodings, rngs, stops, max_new_tokens, strict=True)
    wanted = [(index, *its) for index, its in enumerate(each) if its[-1] > 0]
    if not wanted:
        return
    limit = n_positions if full_context == "stop" else None
    waiting = (
        Text(
            index,
            [*ids],
            decoding,
            rng,
            TextStream(tokenizer, stop),
            left=count,
            stop_tokens=stop_tokens,
            limit=limit,
        )
        for index, ids, decoding, rng, stop, count in wanted
    )
    batch = Batch(
        engine,
        min(batch_size or len(wanted), len(wanted)),
        # The last token of a text is not read any more.
        min(max(len(ids) + count - 1 for _, ids, *_, count in wanted), n_positions),
        max(n_positions // 4, 1) if full_context == "drop" else 1,
        engine.at_once if draft else 1,
    )
    batch.fill(waiting)
    while batch.growing:
        yield from batch.grow()
        batch.fill(waiting)
