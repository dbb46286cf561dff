"""How texts came about, token by token, for the figures that step through them."""

from dataclasses import asdict
from typing import Any

import numpy as np

from book.chapters import ROOT
from gpt2 import load
from gpt2.decoding import Decoding, generators
from gpt2.generation import Step
from gpt2.trace import trace

PLACES = {"logit": 3, "probability": 5, "drawn_with": 5}  # digits after the point


class Recorded:
    """A generator that remembers the numbers it gave."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.numbers: list[float] = []

    def random(self) -> float:
        self.numbers.append(self.rng.random())
        return self.numbers[-1]


def texts(
    name: str, prompt: str, decoding: Decoding, *, seed: int, count: int, length: int
) -> list[dict[str, Any]]:
    """Continues a prompt `count` times with models/NAME, and traces every token."""
    model = load(ROOT / "models" / name)
    tokenizer = model.checkpoint.tokenizer
    prompt_ids = model.encode(prompt)
    rngs: list[Any] = [Recorded(rng) for rng in generators(seed, count)]
    steps: list[list[Step]] = [[] for _ in rngs]
    prompts = [prompt] * count
    for step in model.steps(prompts, decoding, rngs=rngs, max_new_tokens=length):
        steps[step.index].append(step)
    found = []
    for row, rng in zip(steps, rngs, strict=True):
        ids = [*prompt_ids, *(step.token for step in row)]
        pieces = [tokenizer.decode([i], skip_special_tokens=False) for i in ids]
        choices = []
        for i, (step, number) in enumerate(zip(row, rng.numbers, strict=True)):
            look = asdict(trace(step, i + 1, decoding, tokenizer))
            candidates = [rounded(candidate) for candidate in look["candidates"]]
            kept = {name: look[name] for name in ("drawn", "left", "removed")}
            number = round(number, 4)
            choices.append({"number": number, **kept, "candidates": candidates})
        text = {"prompt": len(prompt_ids), "ids": ids, "tokens": pieces}
        found.append({**text, "choices": choices})
    return found


def rounded(candidate: dict[str, Any]) -> dict[str, Any]:
    """With so many digits as the figure needs."""
    return {
        name: round(value, PLACES[name]) if isinstance(value, float) else value
        for name, value in candidate.items()
    }
