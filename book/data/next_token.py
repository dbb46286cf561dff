"""The whole model of names: the page runs it, and chooses letters as gpt2 does."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from book.chapters import ROOT
from book.data.model import run
from gpt2.checkpoint import load_checkpoint
from gpt2.decoding import Decoding, softmax

MODEL = "names"
PREFIXES = ["", "a", "jo", "ma", "eli", "chr", "quin"]  # to begin a name with
CHECKED = [*PREFIXES, "z", "xx", "katharin", "abcdefghijklmno"]  # 1 to 16 positions
OFF = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
NUMBERS = [0.0, 0.31, 0.77, 0.999999]  # to draw with
SETTINGS: list[dict[str, Any]] = [
    {"temperature": 0.5},
    {"temperature": 0.0, "top_k": 3, "top_p": 0.5, "min_p": 0.5},
    {"temperature": 1.7, "top_k": 5},
    {"top_k": 1},
    {"top_k": 200, "top_p": 0.9},
    {"top_p": 0.05},
    {"top_p": 0.5},
    {"temperature": 0.8, "top_p": 0.95, "min_p": 0.1},
    {"min_p": 0.3},
    {"min_p": 0.15},
    {"min_p": 0.05},
    {"min_p": 1.0},
    {"temperature": 1.3, "top_k": 6, "top_p": 0.8, "min_p": 0.05},
]


def data() -> dict[str, Any]:
    checkpoint = load_checkpoint(ROOT / "models" / MODEL)
    config, tokenizer = checkpoint.config, checkpoint.tokenizer
    sizes = ("n_layer", "n_head", "n_embd", "n_positions", "layer_norm_epsilon")
    weights = {
        name.removeprefix("transformer."): significant(np.asarray(weight))
        for name, weight in checkpoint.weights.items()
    }
    return {
        "tokens": [tokenizer.id_to_token(i) for i in range(config.vocab_size)],
        "boundary": checkpoint.boundary,
        "prefixes": PREFIXES,
        "config": {size: getattr(config, size) for size in sizes},
        "weights": weights,
    }


def significant(array: np.ndarray) -> list[Any]:
    """As nested lists, each number with seven significant digits."""
    if array.ndim > 1:
        return [significant(row) for row in array]
    return [float(f"{number:.7g}") for number in array]


def vectors() -> dict[str, Any]:
    """What the course's Python gives for the same numbers."""
    return {
        "logits": [model_logits(prefix) for prefix in CHECKED],
        "decoding": [
            decoded(row, settings) for row in random_rows() for settings in SETTINGS
        ],
    }


def model_logits(prefix: str) -> dict[str, Any]:
    """The solution's logits for what follows a prefix."""
    checkpoint = load_checkpoint(ROOT / "models" / MODEL)
    ids = [checkpoint.boundary, *checkpoint.tokenizer.encode(prefix).ids]
    logits = run(MODEL, ids).outputs[""][-1]  # [vocab_size]
    return {"ids": ids, "logits": significant(logits)}


def random_rows() -> list[np.ndarray]:
    """Logits of 12 tokens: some with few digits, which have ties, and some that meet
    the bounds of SETTINGS exactly."""
    rng = np.random.default_rng(0)
    widths = [0.3, 1, 3, 10]
    rows = [rng.normal(0, widths[i % 4], 12).round(i % 3) for i in range(9)]
    exact = np.array([40, 12, 10, 10, 8, 6, 4, 4, 2, 2, 1, 1]) / 100
    return [*rows, np.zeros(12), np.log(exact), np.log(exact / 7)[::-1]]


def decoded(row: np.ndarray, settings: dict[str, Any]) -> dict[str, Any]:
    """What one setting leaves of logits `[12]`, and what is drawn from it."""
    decoding = Decoding(**settings)
    logits = row.astype(np.float32)
    if decoding.is_greedy:
        shares = np.eye(12)[decoding.choose(logits, [], fixed(0))]
    else:
        shares = softmax(decoding.filter(logits, []))
    drawn = {u: decoding.choose(logits, [], fixed(u)) for u in NUMBERS}
    return {
        "logits": row.tolist(),
        "settings": {**OFF, **settings},
        "shares": significant(shares),
        "drawn": list(drawn.items()),
    }


def fixed(number: float) -> Any:
    """A generator that always draws the same number."""
    return SimpleNamespace(random=lambda: number)
