"""The workload of `ladder` and `context`: a model, and the prompt that it continues.

Every token reads its weights from memory, and the keys and values of the text so far:
how many bytes these are stands here, too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from max.driver import DLPackArray
from tokenizers import Tokenizer

from gpt2.checkpoint import (
    STORED_IN_OUT,
    CheckpointError,
    expected_shapes,
    load_checkpoint,
)
from gpt2.engine import Engine
from gpt2.precision import CACHED, DTYPES
from solutions.solution_01 import GPT2Config

SHAKESPEARE = Path(__file__).parent.parent / "models" / "shakespeare"
PROMPT = "ROMEO:\nBut soft, what light through yonder window breaks?"
PROMPT_TOKENS = 16
SPREAD = 2.75  # standard deviation of the logits of the published 124M model


# --- Model and prompt -----------------------------------------------------------------


@dataclass
class Workload:
    """A model, and what it continues.

    Attributes:
        name: For titles.
        config: The sizes.
        weights: As `load_checkpoint` gives them.
        tokenizer: None for random weights, which have no words.
        prompt: Ids.
    """

    name: str
    config: GPT2Config
    weights: Mapping[str, DLPackArray]
    tokenizer: Tokenizer | None
    prompt: list[int]


def load_workload(model: str | None, random: str | None) -> Workload:
    """What the two options name.

    Raises:
        click.UsageError: If that is not there, or is two models.
    """
    if model and random:
        raise click.UsageError("--model and --random name two models: give one")
    if random:
        config = GPT2Config()
        ids = np.random.default_rng(0).integers(config.vocab_size, size=PROMPT_TOKENS)
        name = f"{random}, random weights"
        return Workload(name, config, random_weights(config), None, ids.tolist())
    try:
        checkpoint = load_checkpoint(model or SHAKESPEARE)
    except CheckpointError as error:
        raise click.UsageError(str(error)) from None
    prompt = checkpoint.tokenizer.encode(PROMPT).ids[:PROMPT_TOKENS]
    return Workload(
        Path(checkpoint.source).name,
        checkpoint.config,
        checkpoint.weights,
        checkpoint.tokenizer,
        prompt,
    )


def random_weights(config: GPT2Config) -> dict[str, np.ndarray]:
    """Always the same ones; the logits spread as those of the published model do."""
    rng = np.random.default_rng(0)
    weights = {}
    for name, shape in expected_shapes(config):
        mean, std = 0.0, 0.05
        if name in ("wte.weight", "wpe.weight"):
            std = SPREAD / math.sqrt(config.n_embd)
        elif len(shape) == 1:  # a bias, or what a layer norm scales by
            mean, std = float(name.endswith("weight")), 0.1
        if name.endswith(STORED_IN_OUT):
            shape = shape[::-1]
        array = mean + std * rng.standard_normal(shape, dtype=np.float32)
        weights[f"transformer.{name}"] = array.astype(np.float32)
    return weights


# --- Memory traffic -------------------------------------------------------------------


def weight_bytes(engine: Engine) -> int:
    """What a step reads of the weights: all, but for `wpe`, of which it needs a row.

    `wte` is read whole, since it is the head too.  So are the zeros that fill up what
    is packed.
    """
    return sum(
        weight.num_elements * weight.dtype.size_in_bytes
        for name, weight in engine.weights.items()
        if name != "transformer.wpe.weight"
    )


def column_bytes(config: GPT2Config, precision: str = "float32") -> int:
    """What one token of context takes in the cache beside such weights: a key and a
    value in each layer."""
    dtype = DTYPES[CACHED[precision]]
    return 2 * config.n_layer * config.n_embd * dtype.size_in_bytes
