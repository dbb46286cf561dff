"""A whole generation by the model of Shakespeare, as it came about."""

from typing import Any

from book.data import traces
from gpt2.decoding import Decoding

PROMPT = "JULIET:\n"
DECODING = Decoding(temperature=0.7, top_k=40, top_p=0.95)
SEED = 8


def data() -> dict[str, Any]:
    found = traces.texts("shakespeare", PROMPT, DECODING, seed=SEED, count=1, length=22)
    return {"settings": "temperature 0.7, top-k 40, top-p 0.95, seed 8", "texts": found}
