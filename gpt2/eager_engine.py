"""A model of twelve steps as it is, behind the engine's doors.

It gives the same logits without a cache, a compiler or another part: MAX interprets
the operations, and each text is read from its beginning for each token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from max.driver import CPU, DLPackArray
from max.dtype import DType
from max.experimental.tensor import Tensor

from gpt2 import eager
from gpt2.engine import Network
from gpt2.learner import Steps
from gpt2.precision import store, widen
from solutions.solution_01 import GPT2Config


class Texts:
    """The ids so far; like the columns of a Cache, at most n_positions of each text."""

    def __init__(self, ids: list[list[int]], n_positions: int) -> None:
        self.ids = ids
        self.n_positions = n_positions

    @property
    def full(self) -> bool:
        """Whether there is no room for another token."""
        return max(map(len, self.ids)) == self.n_positions

    def reorder(self, rows: Sequence[int]) -> Texts:
        """A copy whose text i is text `rows[i]`."""
        return Texts([self.ids[row].copy() for row in rows], self.n_positions)


class EagerEngine:
    """A GPT-2 that reads each text from its beginning for each token.

    Args:
        config: The sizes.
        weights: As for `Engine`.
        steps: As for `Engine`.
        precision: As for `Engine`; the weights have as few different values, and take
            as many bytes as in float32.
    """

    def __init__(
        self,
        config: GPT2Config,
        weights: Mapping[str, DLPackArray],
        *,
        steps: Steps,
        precision: str = "float32",
    ) -> None:
        self.config = config
        self.network = steps.build(config)
        if precision != "float32":
            kept_as = Network(config, steps, precision=precision).dtypes
            weights = widen(store(weights, kept_as))
        self.network.load_state_dict(weights)

    def model(self, input_ids: Tensor) -> Tensor:
        """int64 `[batch, seq]` to all logits, `[batch, seq, vocab_size]`."""
        with eager.collecting():
            return self.network(input_ids)

    def prefill(
        self, prompts: Sequence[Sequence[int]], capacity: int | None = None
    ) -> tuple[np.ndarray, Texts]:
        """As for `Engine`; what `decode` adds to are the texts."""
        texts = Texts([list(prompt) for prompt in prompts], self.config.n_positions)
        return self.read(texts), texts

    def decode(self, tokens: Sequence[int], texts: Texts) -> np.ndarray:
        """As for `Engine`."""
        for ids, token in zip(texts.ids, tokens, strict=True):
            ids.append(token)
        return self.read(texts)

    def read(self, texts: Texts) -> np.ndarray:
        """Logits `[batch, vocab_size]` of what follows each text."""
        rows = []
        for ids in texts.ids:
            logits = self.model(Tensor([ids], dtype=DType.int64, device=CPU()))
            rows.append(logits.to_numpy()[0, -1])  # [vocab_size]
        return np.stack(rows)  # [batch, vocab_size]
