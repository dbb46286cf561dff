"""A whole generation by the model of Shakespeare, as it came about."""

from typing import Any

from book.data import traces
from gpt2.decoding import Decoding

PROMPT = "JULIET:\n"
DECODING = Decoding(temperature=0.7)
SEED = 12


def data() -> dict[str, Any]:
    found = traces.texts("shakespeare", PROMPT, DECODING, seed=SEED, count=1, length=21)
    return {
        "settings": f"temperature {DECODING.temperature}, seed {SEED}",
        "texts": found,
    }
