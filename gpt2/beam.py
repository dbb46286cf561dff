"""Beam search: several texts grow beside each other, and the likeliest are kept.

    for text in BeamSearch(num_beams=5).search(engine, prompt, max_new_tokens=40):
        print(text.score, text.ids)

Greedy takes the likeliest token at every step, and so misses a likelier text that
begins with another one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from gpt2.decoding import log_softmax
from solutions.solution_01 import GPT2Config

if TYPE_CHECKING:
    from gpt2.generation import AnyEngine


class Hypothesis(NamedTuple):
    """One text, as what it adds to the prompt.

    Attributes:
        ids: The new tokens; the last may be a stop token.
        score: The log-probability of `ids`.  Once the text has ended, divided by
            len(ids) ** length_penalty.
    """

    ids: list[int]
    score: float


@dataclass(frozen=True)
class BeamSearch:
    """How to search for likely texts: by the rules of Hugging Face transformers.

    Source: Graves, "Sequence Transduction with Recurrent Neural Networks" (2012); for
    the length penalty, in another form, Wu et al., "Google's Neural Machine
    Translation System" (2016), section 7.

    Attributes:
        num_beams: How many texts grow beside each other.
        num_return_sequences: How many of them are wanted.
        length_penalty: Above 0 favours long texts, below 0 short ones.
        early_stopping: When to stop, once num_beams texts have ended.  True: at once.
            False: when the best growing text, ended as it is, would score no better
            than the worst of them.  "never": when it could not at any length.

    Raises:
        ValueError: If a value breaks its rule; the message says value and rule.
    """

    num_beams: int
    num_return_sequences: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False

    def __post_init__(self) -> None:
        for name in ("num_beams", "num_return_sequences"):
            count = getattr(self, name)
            if not (isinstance(count, Integral) and int(count) >= 1):
                raise ValueError(f"{name} must be a whole number above 0, not {count}")
        if self.num_return_sequences > self.num_beams:
            raise ValueError(
                f"num_return_sequences ({self.num_return_sequences}) must be at most "
                f"num_beams ({self.num_beams})"
            )
        penalty = self.length_penalty
        # A power of the length much further out is no float any more.
        if not (isinstance(penalty, Real) and -10 <= penalty <= 10):
            raise ValueError(f"length_penalty must be from -10 to 10, not {penalty}")
        early = self.early_stopping
        if not (isinstance(early, bool) or early == "never"):
            raise ValueError(f"early_stopping must be a bool or 'never', not {early!r}")

    def search(
        self,
        engine: "AnyEngine",
        prompt: Sequence[int],
        max_new_tokens: int,
        *,
        stop_tokens: Collection[int] = (),
    ) -> list[Hypothesis]:
        """Continues one prompt.

        A text ends with a stop token, after max_new_tokens, or when the context is
        full: texts whose beginning has been cropped would not compare.

        Args:
            engine: Computes the logits, and keeps a cache row for each growing text.
            prompt: Ids, at least one and at most n_positions.
            max_new_tokens: The most tokens to add, 1 or more.
            stop_tokens: Ids of the tokens that end a text.

        Returns:
            num_return_sequences texts, the best first.

        Raises:
            ValueError: If the prompt is empty or too long, if there is nothing to
                add, or if the vocabulary is too small for so many beams.
        """
        self.check(engine.config, prompt, max_new_tokens, stop_tokens)
        # The last token of all is not read any more, and needs no position.
        longest = min(max_new_tokens, engine.config.n_positions + 1 - len(prompt))
        # Every beam may have every stop token among them: num_beams more go on.
        candidates = (len(stop_tokens) + 1) * self.num_beams

        logits, cache = engine.prefill([prompt], capacity=len(prompt) + longest - 1)
        growing, ended = [Hypothesis([], 0.0)], list[Hypothesis]()
        for length in range(1, longest + 1):
            grown = continuations(growing, logits, candidates)
            growing, rows = [], []
            for rank, (row, text) in enumerate(grown):
                if text.ids[-1] not in stop_tokens and length < longest:
                    growing.append(text)
                    rows.append(row)
                elif rank < self.num_beams:  # candidates beyond may only grow
                    ended.append(text._replace(score=self.final(text.score, length)))
            growing, rows = growing[: self.num_beams], rows[: self.num_beams]
            ended = sorted(ended, key=lambda text: -text.score)[: self.num_beams]
            if length == longest or self.is_done(growing[0], ended, longest):
                break
            cache = cache.reorder(rows)
            logits = engine.decode([text.ids[-1] for text in growing], cache)
        return ended[: self.num_return_sequences]

    def final(self, log_probability: float, length: int) -> float:
        """The score of a text that has ended."""
        return log_probability / length**self.length_penalty

    def is_done(
        self, growing: Hypothesis, ended: list[Hypothesis], longest: int
    ) -> bool:
        """Whether num_beams texts have ended and no better one is expected.

        Args:
            growing: The best text that has not ended.
            ended: The best texts that have, in falling order.
            longest: The most tokens that a text may get.
        """
        if len(ended) < self.num_beams:
            return False
        if self.early_stopping is True:
            return True
        # More tokens only lower the log-probability, but may be divided by more.
        may_grow = self.early_stopping == "never" and self.length_penalty > 0
        length = longest if may_grow else len(growing.ids)
        return self.final(growing.score, length) <= ended[-1].score

    def check(
        self,
        config: GPT2Config,
        prompt: Sequence[int],
        max_new_tokens: int,
        stop_tokens: Collection[int],
    ) -> None:
        """Raises the ValueError of `search`, for which it needs no engine yet."""
        vocab_size, n_positions = config.vocab_size, config.n_positions
        if not 1 <= len(prompt) <= n_positions:
            raise ValueError(
                f"the prompt must have 1 to {n_positions} tokens, not {len(prompt)}"
            )
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be 1 or more, not {max_new_tokens}")
        # The first token must be able to begin num_beams texts that do not end.
        if self.num_beams + len(stop_tokens) > vocab_size:
            raise ValueError(
                f"num_beams ({self.num_beams}) and the number of stop tokens "
                f"({len(stop_tokens)}) must be at most vocab_size ({vocab_size}) "
                "together"
            )


def continuations(
    growing: list[Hypothesis], logits: np.ndarray, count: int
) -> list[tuple[int, Hypothesis]]:
    """The likeliest texts with one token more, best first.

    Args:
        growing: The texts, scored by their log-probability.
        logits: `[len(growing), vocab_size]`, about the token that follows each.
        count: How many continuations are wanted; fewer if there are no more.

    Returns:
        For each: which of the texts it continues, and itself.
    """
    so_far = np.array([[text.score] for text in growing])  # [growing, 1]
    scores = so_far + log_softmax(logits)  # [growing, vocab_size]
    count = min(count, scores.size)
    best = np.argpartition(scores, -count, axis=None)[-count:]  # [count]
    best = best[np.argsort(-scores.flat[best])]  # [count], in falling order
    rows, tokens = np.unravel_index(best, scores.shape)  # [count] each
    return [
        (row, Hypothesis([*growing[row].ids, token], score))
        for row, token, score in zip(
            rows.tolist(), tokens.tolist(), scores.flat[best].tolist(), strict=True
        )
    ]
