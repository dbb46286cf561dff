"""The models in models/, built from the solutions, and what happens in them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental.tensor import Tensor

from book.chapters import ROOT
from gpt2.checkpoint import Checkpoint, load_checkpoint
from gpt2.learner import build, watched
from solutions.solution_11 import GPT2LMHeadModel


@dataclass(frozen=True)
class Run:
    """What a model did with a text.

    Attributes:
        checkpoint: Its sizes, weights and tokenizer.
        ids: The text's ids `[seq]`.
        tokens: The text, cut into tokens.
        outputs: What came out of each named part, such as "transformer.h.0.attn",
            without the batch axis: `[seq, ...]`.  The logits are those of "".
        inputs: What went into it.
    """

    checkpoint: Checkpoint
    ids: list[int]
    tokens: list[str]
    outputs: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]

    def heads(self, layer: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Queries, keys and values of a layer, each `[n_head, seq, head_dim]`."""
        qkv = self.outputs[f"transformer.h.{layer}.attn.c_attn"]  # [seq, 3 * n_embd]
        config = self.checkpoint.config
        shape = (len(self.ids), 3, config.n_head, config.head_dim)
        q, k, v = qkv.reshape(shape).transpose(1, 2, 0, 3)  # [n_head, seq, head_dim]
        return q, k, v


def run(name: str, text: str | list[int]) -> Run:
    """Runs the solutions' model, with the weights of models/NAME, on a text or ids."""
    checkpoint = load_checkpoint(ROOT / "models" / name)
    ids = checkpoint.tokenizer.encode(text).ids if isinstance(text, str) else text
    model = build(GPT2LMHeadModel, checkpoint.config)
    model.load_state_dict(checkpoint.weights)
    given = Tensor([ids], dtype=DType.int64, device=CPU())  # [1, seq]
    seen = watched(model, lambda: model(given))
    arrays = {place: tensor.to_numpy()[0] for place, tensor in seen.items()}
    tokens = [checkpoint.tokenizer.decode([i], skip_special_tokens=False) for i in ids]
    outputs = {part: a for (part, side), a in arrays.items() if side == "output"}
    inputs = {part: a for (part, side), a in arrays.items() if side == "input"}
    return Run(checkpoint, ids, tokens, outputs, inputs)


def digits(array: np.ndarray, places: int = 4) -> list[Any]:
    """An array as nested lists, with so many digits after the point."""
    return np.round(array.astype(np.float64), places).tolist()
