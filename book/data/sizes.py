"""Where the parameters of a GPT-2 are."""

from collections import Counter
from dataclasses import asdict
from math import prod
from typing import Any

from book.chapters import ROOT
from gpt2.checkpoint import read_config
from gpt2.learner import build
from solutions.solution_01 import GPT2Config
from solutions.solution_11 import GPT2LMHeadModel

# Depth and width: the GPT-2 paper, table 2.  The heads, which it leaves out: the
# `config.json` of the checkpoints `openai-community/NAME`.
PUBLISHED = {
    "gpt2": GPT2Config(n_layer=12, n_embd=768, n_head=12),
    "gpt2-medium": GPT2Config(n_layer=24, n_embd=1024, n_head=16),
    "gpt2-large": GPT2Config(n_layer=36, n_embd=1280, n_head=20),
    "gpt2-xl": GPT2Config(n_layer=48, n_embd=1600, n_head=25),
}
TRAINED_HERE = ("shakespeare", "names")


def configs() -> dict[str, GPT2Config]:
    """All models that the figure knows."""
    files = {name: ROOT / "models" / name / "config.json" for name in TRAINED_HERE}
    return PUBLISHED | {name: read_config(file)[0] for name, file in files.items()}


def data() -> dict[str, Any]:
    return {
        "models": [
            {"name": name, **asdict(config), "inner_dim": config.inner_dim}
            for name, config in configs().items()
        ]
    }


def part(parameter: str) -> str:
    """The part of the picture to which a parameter belongs."""
    for inside in ("wte", "wpe", "attn", "mlp"):
        if f".{inside}." in parameter:
            return inside
    return "ln"


def vectors() -> list[dict[str, Any]]:
    """The parameters of the solutions' model, counted.  Nothing is computed, so even
    the largest one costs no memory."""
    found = []
    for name, config in configs().items():
        model = build(GPT2LMHeadModel, config)
        counts: Counter[str] = Counter()
        for parameter, tensor in model.parameters:
            counts[part(parameter)] += prod(map(int, tensor.shape))
        found.append({"name": name, "counts": dict(counts)})
    return found
