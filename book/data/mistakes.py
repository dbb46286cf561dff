"""How much each mistake that the playground can make costs, in bits per token.

Each is the catalogue's own replacement in the solutions, with the trained weights of
models/shakespeare, on a passage that they were not trained on.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental.tensor import Tensor

from book.chapters import ROOT
from course.mistakes import switches
from gpt2.checkpoint import load_checkpoint
from gpt2.decoding import log_softmax
from gpt2.learner import build, run_lazily

MODEL = ROOT / "models" / "shakespeare"
HELD_OUT = ROOT / "book" / "data" / "held_out.txt"
PASSAGES = HELD_OUT.read_text().strip().split("\n\n%\n\n")


def data() -> dict[str, Any]:
    checkpoint = load_checkpoint(MODEL)
    ids = [checkpoint.tokenizer.encode(passage).ids for passage in PASSAGES]
    return {
        "passages": PASSAGES,
        "right": round(cost(ids[0], ""), 3),
        "switches": [
            {
                "name": name,
                "step": step,
                "what": what,
                "why": switches.mistake(name).why,
                "bits": round(cost(ids[0], name), 3),
            }
            for name, (step, what) in switches.SWITCHES.items()
        ],
    }


def logits(rows: list[list[int]], name: str = "") -> np.ndarray:
    """What the solutions say, with the mistake of a switch in them.

    Args:
        rows: Texts of one length, as ids.
        name: The switch; none if empty.

    Returns:
        `[batch, seq, vocab_size]`.
    """
    ids = Tensor(rows, dtype=DType.int64, device=CPU())  # [batch, seq]
    return model_with(name)(ids).to_numpy()  # [batch, seq, vocab_size]


@lru_cache(maxsize=2)
def model_with(name: str) -> Callable[[Tensor], Tensor]:
    """The solutions' model, with the mistake of a switch in it."""
    checkpoint = load_checkpoint(MODEL)
    make_model = switches.broken([name] if name else []).make_model
    model = build(make_model, checkpoint.config)
    model.load_state_dict(checkpoint.weights)
    return run_lazily(model)


def expectations(ids: list[int], name: str) -> np.ndarray:
    """By what probabilities step 12 would draw the token after each of a text's.

    Args:
        ids: The text; it fits into the context.
        name: The switch; none if empty.

    Returns:
        `[seq, vocab_size]`.
    """
    said = logits([ids], name)  # [1, seq, vocab_size]
    if not name or switches.SWITCHES[name][0] < 12:
        return np.exp(log_softmax(said[0]))
    generate = switches.broken([name]).generate
    alone = logits([[token] for token in ids])  # [seq, 1, vocab_size]

    def model(shown: Tensor) -> Tensor:
        tokens = shown.to_numpy()[0].tolist()
        whole = tokens == ids[: len(tokens)]
        found = said[:, : len(tokens)] if whole else alone[[ids.index(tokens[0])]]
        return Tensor(found, dtype=DType.float32, device=CPU())

    rng = Recorder(np.random.PCG64(0))
    for end in range(1, len(ids) + 1):
        prompt = Tensor([ids[:end]], dtype=DType.int64, device=CPU())  # [1, end]
        generate(model, prompt, 1, rng=rng)
    return np.array(rng.rows)


class Recorder(np.random.Generator):
    """Draws, and keeps the probabilities that it was given."""

    def __init__(self, bits: np.random.PCG64) -> None:
        super().__init__(bits)
        self.rows: list[np.ndarray] = []

    def choice(self, count: int, p: np.ndarray) -> int:  # type: ignore[override]
        self.rows.append(p)
        return int(super().choice(count, p=p))


def cost(ids: list[int], name: str) -> float:
    """Bits that step 12 needs to be told each token of a text but the first."""
    shares = expectations(ids[:-1], name)  # [seq - 1, vocab_size]
    return float(-np.log2(shares[range(len(ids) - 1), ids[1:]]).mean())
