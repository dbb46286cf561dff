"""The position table of models/shakespeare, row against row."""

from typing import Any

import numpy as np

from book.chapters import ROOT
from book.data.model import digits
from gpt2.checkpoint import load_checkpoint

TOKEN = "Ġking"
COLUMNS = 8  # of the tables' 192
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LEVELS = len(DIGITS) ** 2 - 1  # -1 becomes "00" and 1 becomes "zz"


def tables() -> tuple[np.ndarray, np.ndarray, int]:
    """The token table, the position table and the id of TOKEN."""
    checkpoint = load_checkpoint(ROOT / "models" / "shakespeare")
    wte, wpe = (
        np.asarray(checkpoint.weights[f"transformer.{name}.weight"], np.float64)
        for name in ("wte", "wpe")
    )
    return wte, wpe, checkpoint.tokenizer.token_to_id(TOKEN)


def similarities(table: np.ndarray) -> np.ndarray:
    """The cosine similarity of each row with each row."""
    directions = table / np.linalg.norm(table, axis=1, keepdims=True)
    return directions @ directions.T


def packed(number: float) -> str:
    """A number from -1 to 1 in two characters, or 33,000 of them would be too long."""
    level = round((number + 1) / 2 * LEVELS)
    return DIGITS[level // len(DIGITS)] + DIGITS[level % len(DIGITS)]


def data() -> dict[str, Any]:
    wte, wpe, token = tables()
    similar = similarities(wpe).clip(-1, 1)
    return {
        "similar": [
            "".join(packed(similar[row, column]) for column in range(row + 1))
            for row in range(len(wpe))
        ],
        "average": digits(
            np.array([np.diagonal(similar, apart).mean() for apart in range(len(wpe))]),
            3,
        ),
        "token": TOKEN.replace("Ġ", " "),
        "id": token,
        "wte": digits(wte[token, :COLUMNS], 2),
        "wpe": digits(wpe[:, :COLUMNS], 2),
        "width": wpe.shape[1],
    }


def vectors() -> dict[str, Any]:
    """Some similarities before they were packed, and which row is nearest to each."""
    _, wpe, _ = tables()
    similar = similarities(wpe)
    pairs = np.random.default_rng(0).integers(0, len(wpe), (100, 2)).tolist()
    np.fill_diagonal(similar, -1)
    return {
        "pairs": [[a, b, similar[a, b]] for a, b in pairs if a != b],
        "nearest": similar.max(axis=1).tolist(),
    }
