"""How each token came about: what the model proposed, what was removed, what came.

As a table for people, and as JSON lines:

    {"text": 0, "token": 1, "drawn": 402, "logprob": -1.2, "left": 40,
     "removed": {"top_k": 472}, "end": null,
     "candidates": [{"id": 402, "text": " the", "logit": 9.1, "probability": 0.3,
                     "drawn_with": 0.35, "removed_by": null}, ...]}
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TextIO

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tokenizers import Tokenizer

from gpt2.decoding import Decoding, greedy, softmax
from gpt2.generation import Step

CANDIDATES = 8  # the likeliest, by the model; and the drawn one, if it is none of them
CONTEXT = 40  # characters


@dataclass(frozen=True)
class Candidate:
    """A token that could have come.

    Attributes:
        id: Of the token.
        text: What it stands for.
        logit: By the model.
        probability: By the model.
        drawn_with: Its probability once all was applied, or None if it was removed.
        removed_by: The attribute of `Decoding` that removed it, or "greedy", or None.
    """

    id: int
    text: str
    logit: float
    probability: float
    drawn_with: float | None
    removed_by: str | None


@dataclass(frozen=True)
class Trace:
    """One token of one text.

    Attributes:
        text: Which text of the batch, from 0.
        token: Which of its new tokens, from 1.
        drawn: Id of the token that came.
        logprob: Its log-probability by the model.
        left: How many tokens could be drawn.
        removed: How many were removed by what.
        end: As in `Step`.
        candidates: The likeliest, by the model.
    """

    text: int
    token: int
    drawn: int
    logprob: float
    left: int
    removed: dict[str, int]
    end: str | None
    candidates: list[Candidate]


def trace(step: Step, number: int, decoding: Decoding, tokenizer: Tokenizer) -> Trace:
    """Looks at one step; `number` counts the new tokens of its text."""
    stages = list(decoding.stages(step.logits, step.context))
    if decoding.is_greedy:  # the same as removing all but one
        last = stages[-1][1]
        only = np.full_like(last, -np.inf)  # [vocab_size]
        only[greedy(last)] = last[greedy(last)]
        stages.append(("greedy", only))
    removed_by: dict[int, str] = {}
    removed: dict[str, int] = {}
    for (_, before), (name, after) in pairwise(stages):
        gone = np.flatnonzero(np.isfinite(before) & ~np.isfinite(after))  # [gone]
        if len(gone):
            removed[name] = len(gone)
            removed_by |= dict.fromkeys(gone.tolist(), name)

    probabilities = softmax(step.logits)  # [vocab_size]
    drawn_with = softmax(stages[-1][1])  # [vocab_size]
    ids = np.argsort(-step.logits, kind="stable")[:CANDIDATES].tolist()
    if step.token not in ids:
        ids.append(step.token)
    candidates = [
        Candidate(
            token,
            tokenizer.decode([token], skip_special_tokens=False),
            float(step.logits[token]),
            float(probabilities[token]),
            None if token in removed_by else float(drawn_with[token]),
            removed_by.get(token),
        )
        for token in ids
    ]
    left = step.logits.size - len(removed_by)
    return Trace(
        step.index,
        number,
        step.token,
        step.logprob,
        left,
        removed,
        step.end,
        candidates,
    )


def traced(
    steps: Iterator[Step],
    decoding: Decoding,
    tokenizer: Tokenizer,
    *,
    console: Console | None = None,
    file: TextIO | None = None,
) -> Iterator[Step]:
    """Passes the steps on; each is shown on the console and written to the file."""
    numbers: dict[int, int] = {}  # new tokens of each text
    for step in steps:
        numbers[step.index] = numbers.get(step.index, 0) + 1
        look = trace(step, numbers[step.index], decoding, tokenizer)
        if console:
            context = tokenizer.decode(step.context, skip_special_tokens=False)
            show(look, context, console)
        if file:
            print(json.dumps(asdict(look)), file=file, flush=True)
        yield step


def show(look: Trace, context: str, console: Console) -> None:
    """Prints a table of at most 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("", "token"):
        table.add_column(title, no_wrap=True)
    for title in ("id", "logit", "probability", "drawn with"):
        table.add_column(title, justify="right", no_wrap=True)
    for candidate in look.candidates:
        drawn = candidate.id == look.drawn
        share = candidate.drawn_with
        table.add_row(
            "->" if drawn else "",
            Text(repr(candidate.text)),
            f"{candidate.id}",
            f"{candidate.logit:.2f}",
            f"{candidate.probability:.2%}",
            f"cut by {candidate.removed_by}" if share is None else f"{share:.2%}",
            style="bold" if drawn else None,
        )
    dots = "..." if len(context) > CONTEXT else ""
    after = f"{dots}{context[-CONTEXT:]!r}"
    cuts = ", ".join(f"{count} by {name}" for name, count in look.removed.items())
    total = look.left + sum(look.removed.values())
    console.print(Text(f"text {look.text + 1}, token {look.token}, after {after}"))
    console.print(table)
    console.print(f"{look.left} of {total} tokens left; cut: {cuts or 'none'}\n")
