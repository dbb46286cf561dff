"""Four names by the model of names: the first that `./run names --seed 5` invents."""

from typing import Any

from book.data import traces
from gpt2.decoding import Decoding

SEED = 5


def data() -> dict[str, Any]:
    decoding = Decoding(temperature=0.5)
    found = traces.texts("names", "", decoding, seed=SEED, count=4, length=16)
    return {"settings": "temperature 0.5, seed 5", "texts": found}
