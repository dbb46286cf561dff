"""The scores of one head, before anything is masked."""

from typing import Any

import numpy as np

from book.data.model import digits, run

TEXT = "The king is dead, my lord"
LAYER, HEAD = 0, 0


def data() -> dict[str, Any]:
    ran = run("shakespeare", TEXT)
    q, k, _ = ran.heads(LAYER)
    scores = q[HEAD] @ k[HEAD].T / np.sqrt(ran.checkpoint.config.head_dim)  # [seq, seq]
    return {"tokens": ran.tokens, "scores": digits(scores)}
