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
    """The ids so far, in the place of a Cache.

    Attributes:
        ids: Of each row; what stands beyond its length is forgotten.
        lengths: As for `Cache`.
        capacity: As for `Cache`.
    """

    def __init__(self, ids: list[list[int]], capacity: int) -> None:
        self.ids = ids
        self.lengths = np.array([len(row) for row in ids], np.int64)
        self.capacity = capacity

    def add(self, row: int, tokens: Sequence[int]) -> list[int]:
        """Adds tokens to a row; returns all that it holds."""
        room = self.capacity - int(self.lengths[row])
        if len(tokens) > room:
            raise ValueError(f"{len(tokens)} tokens, but the cache has room for {room}")
        self.ids[row] = [*self.ids[row][: self.lengths[row]], *tokens]
        self.lengths[row] = len(self.ids[row])
        return self.ids[row]

    def reorder(self, rows: Sequence[int], capacity: int | None = None) -> Texts:
        """As for `Cache`."""
        ids = [self.ids[row][: self.lengths[row]] for row in rows]
        return Texts(ids, capacity or self.capacity)


class EagerEngine:
    """A GPT-2 that reads each text from its beginning for each token.

    Args:
        config: The sizes.
        weights: As for `Engine`.
        steps: As for `Engine`.
        precision: As for `Engine`; the weights have as few different values, and take
            as many bytes as in float32.
    """

    at_once = 1  # it takes as long for each token

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
            network = Network(config, steps, precision=precision, kernels=False)
            weights = widen(store(weights, network.kept))
        self.network.load_state_dict(weights)

    def model(self, input_ids: Tensor) -> Tensor:
        """int64 `[batch, seq]` to all logits, `[batch, seq, vocab_size]`."""
        with eager.collecting():
            return self.network(input_ids)

    def new_cache(self, rows: int, capacity: int | None = None) -> Texts:
        """As for `Engine`; what it remembers are the texts."""
        n_positions = self.config.n_positions
        return Texts(
            [[] for _ in range(rows)], min(capacity or n_positions, n_positions)
        )

    def read(
        self,
        texts: Mapping[int, Sequence[int]],
        cache: Texts,
        *,
        every: bool = False,
    ) -> np.ndarray:
        """As for `Engine`, but each token takes as long as the text that it ends."""
        rows = []
        for row, tokens in texts.items():
            pieces = [[token] for token in tokens] if every else [tokens]
            rows += [self.following(cache.add(row, piece)) for piece in pieces]
        return np.stack(rows)  # [batch, vocab_size]

    def following(self, ids: Sequence[int]) -> np.ndarray:
        """Logits `[vocab_size]` of what follows a text."""
        logits = self.model(Tensor([ids], dtype=DType.int64, device=CPU()))
        return logits.to_numpy()[0, -1]

    def prefill(
        self, prompts: Sequence[Sequence[int]], capacity: int | None = None
    ) -> tuple[np.ndarray, Texts]:
        """As for `Engine`."""
        cache = self.new_cache(len(prompts), capacity)
        return self.read(dict(enumerate(prompts)), cache), cache

    def decode(self, tokens: Sequence[int], cache: Texts) -> np.ndarray:
        """As for `Engine`."""
        return self.read({row: [token] for row, token in enumerate(tokens)}, cache)
