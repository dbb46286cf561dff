"""All heads of the model of Shakespeare on one sentence: their scores and values."""

from typing import Any

import numpy as np

from book.data.model import digits, run

TEXT = "I do not know thee, old man"
CHECKED = [0, 5, 8]  # queries whose results Node compares


def data() -> dict[str, Any]:
    ran = run("shakespeare", TEXT)
    config = ran.checkpoint.config
    scores, values = [], []
    for layer in range(config.n_layer):
        q, k, v = ran.heads(layer)  # [n_head, seq, head_dim]
        scores.append(q @ k.transpose(0, 2, 1) / np.sqrt(config.head_dim))
        values.append(v)
    return {
        "tokens": ran.tokens,
        "scores": digits(np.stack(scores), 3),  # [n_layer, n_head, seq, seq]
        "values": digits(np.stack(values), 3),  # [n_layer, n_head, seq, head_dim]
    }


def vectors() -> dict[str, Any]:
    """What the solution's heads find, side by side: what goes into c_proj."""
    ran = run("shakespeare", TEXT)
    merged = [
        ran.inputs[f"transformer.h.{layer}.attn.c_proj"][CHECKED]
        for layer in range(ran.checkpoint.config.n_layer)
    ]
    return {"queries": CHECKED, "merged": digits(np.stack(merged))}
