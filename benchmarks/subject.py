"""What `ladder` and `context` share: their options, the model, and how it writes."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from max.driver import CPU, DLPackArray
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor, TensorType, default_device, default_dtype
from rich.console import Console
from tokenizers import Tokenizer

from gpt2.checkpoint import (
    STORED_IN_OUT,
    CheckpointError,
    expected_shapes,
    load_checkpoint,
)
from gpt2.engine import Engine
from gpt2.terminal import check_folder
from solutions.solution_01 import GPT2Config
from solutions.solution_11 import GPT2LMHeadModel
from solutions.solution_12 import generate

SHAKESPEARE = Path(__file__).parent.parent / "models" / "shakespeare"
PROMPT = "ROMEO:\nBut soft, what light through yonder window breaks?"
PROMPT_TOKENS = 16
SPREAD = 2.75  # standard deviation of the logits of the published 124M model

Forward = Callable[[Tensor], Tensor]  # ids [batch, seq] to [batch, seq, vocab_size]


messages = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """What the commands are at; what they find goes to stdout."""
    messages.print(text, style="dim")


# --- What both commands are asked ----------------------------------------------------

repeat_option = click.option(
    "--repeat",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Turns that count; the figures are their medians.",
)


svg_option = click.option(
    "--svg",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=check_folder,
    help="Also write the picture to this file.",
)


# --- The model -----------------------------------------------------------------------


@dataclass
class Subject:
    """A model.

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


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--model` and `--random` to a command."""
    command = click.option(
        "--random",
        type=click.Choice(["124M"]),
        help="Random weights of this size instead: nothing is downloaded.",
    )(command)
    return click.option(
        "--model",
        help="A folder, or a model of the hub: openai-community/gpt2.  "
        "Default: models/shakespeare.",
    )(command)


def load_subject(model: str | None, random: str | None) -> Subject:
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
        return Subject(name, config, random_weights(config), None, ids.tolist())
    try:
        checkpoint = load_checkpoint(model or SHAKESPEARE)
    except CheckpointError as error:
        raise click.UsageError(str(error)) from None
    prompt = checkpoint.tokenizer.encode(PROMPT).ids[:PROMPT_TOKENS]
    return Subject(
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


def eager_model(subject: Subject) -> Forward:
    """The solutions' model as it stands: MAX runs one operation after the other."""
    with F.lazy(), default_device(CPU()), default_dtype(DType.float32):
        model = GPT2LMHeadModel(subject.config)
        model.load_state_dict(subject.weights)

    def forward(ids: Tensor) -> Tensor:
        with F.lazy():
            return model(ids)

    return forward


def compiled_model(subject: Subject) -> Forward:
    """The same model as one graph, for every batch and length."""
    ids = TensorType(DType.int64, ("batch", "seq"), device=CPU())
    with F.lazy(), default_device(CPU()), default_dtype(DType.float32):
        model = GPT2LMHeadModel(subject.config)
        return model.compile(ids, weights=subject.weights)


# --- Writing -------------------------------------------------------------------------


class Turn(NamedTuple):
    """What was written once, and how long it took."""

    seconds: float
    tokens: np.ndarray  # [batch, count]


def write_naively(model: Forward, prompts: Sequence[Sequence[int]], count: int) -> Turn:
    """Step 12's own loop, greedy: the whole text is read again for each token."""
    ids = Tensor(prompts, dtype=DType.int64, device=CPU())  # [batch, seq]
    start = time.perf_counter()
    ids = generate(model, ids, count, do_sample=False)  # [batch, seq + count]
    texts = ids.to_numpy()
    return Turn(time.perf_counter() - start, texts[:, -count:])


def write_with_cache(
    engine: Engine, prompts: Sequence[Sequence[int]], count: int
) -> Turn:
    """The same with the engine.

    All of a prompt but its last token is read before the clock starts, so that it
    counts `count` steps of one token, and nothing else.
    """
    room = max(map(len, prompts)) + count
    _, cache = engine.prefill([prompt[:-1] for prompt in prompts], room)
    column = np.array([prompt[-1] for prompt in prompts])  # [batch]
    columns = []
    start = time.perf_counter()
    for _ in range(count):
        column = engine.decode(column.tolist(), cache).argmax(axis=-1)  # [batch]
        columns.append(column)
    seconds = time.perf_counter() - start
    return Turn(seconds, np.stack(columns, axis=1))


# --- Bytes ---------------------------------------------------------------------------


def weight_bytes(engine: Engine) -> int:
    """What a step reads of the weights: all, but for `wpe`, of which it needs a row.

    `wte` is read whole, since it is the head too.
    """
    return sum(
        weight.num_elements * weight.dtype.size_in_bytes
        for name, weight in engine.weights.items()
        if name != "transformer.wpe.weight"
    )


def column_bytes(config: GPT2Config) -> int:
    """What one token of context takes in the cache: a key and a value in each layer."""
    return 2 * config.n_layer * config.n_embd * 4  # float32
