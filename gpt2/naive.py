"""The model of the steps behind the engine's doors, without a cache.

What the engine is measured against: the same logits, for which the whole text is
read again at each token.
"""

from collections.abc import Callable, Sequence

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental.tensor import Tensor

from solutions.solution_01 import GPT2Config


class NaiveCache:
    """Only the ids.  As for `engine.Cache`, there is room for n_positions of them."""

    def __init__(self, texts: list[list[int]], n_positions: int) -> None:
        self.texts = texts
        self.n_positions = n_positions

    @property
    def full(self) -> bool:
        """Whether there is no room for another token."""
        return max(map(len, self.texts)) == self.n_positions

    def reorder(self, rows: Sequence[int]) -> "NaiveCache":
        """A copy whose text i is text `rows[i]`."""
        return NaiveCache([self.texts[row].copy() for row in rows], self.n_positions)


class NaiveEngine:
    """A model that reads each text anew for each token.

    Args:
        config: The sizes.
        model: Turns int64 ids `[1, seq]` into logits `[1, seq, vocab_size]`.
    """

    def __init__(self, config: GPT2Config, model: Callable[[Tensor], Tensor]) -> None:
        self.config = config
        self.model = model

    def prefill(
        self, prompts: Sequence[Sequence[int]], capacity: int | None = None
    ) -> tuple[np.ndarray, NaiveCache]:
        """Logits `[batch, vocab_size]` of what follows, and what `decode` adds to."""
        cache = NaiveCache([list(p) for p in prompts], self.config.n_positions)
        return self.read(cache), cache

    def decode(self, tokens: Sequence[int], cache: NaiveCache) -> np.ndarray:
        """One more token of each text: logits `[batch, vocab_size]`."""
        for text, token in zip(cache.texts, tokens, strict=True):
            text.append(token)
        return self.read(cache)

    def read(self, cache: NaiveCache) -> np.ndarray:
        rows = []
        for text in cache.texts:
            ids = Tensor([text], dtype=DType.int64, device=CPU())  # [1, seq]
            rows.append(self.model(ids)[0, -1, :].to_numpy())  # [vocab_size]
        return np.stack(rows)  # [batch, vocab_size]
