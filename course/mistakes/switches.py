"""The mistakes that the book's playground can make: the names of its switches.

The page's model asks for them by these names (`book/figures/model.js` and
`book/playground/writing.js`); tests hold each to its entry of the catalogue.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from course import variants
from course.mistakes import Mistake, catalogue
from gpt2.learner import NUMBERS, run_step, solution

# Each with the step and what was done, as the catalogue says it.
SWITCHES: dict[str, tuple[int, str]] = {
    "no-mask": (2, "hiding nothing"),
    "one-too-many": (2, "letting each token see one token too many"),
    "mask-of-ones": (2, "a mask of ones and zeros, made for multiplying"),
    "upside-down": (2, "hiding the past instead of the future"),
    "not-centered": (3, "not subtracting the mean"),
    "not-divided": (3, "subtracting the mean but not dividing"),
    "dim-less-1": (3, "dividing the variance by dim - 1"),
    "no-weight-and-bias": (3, "leaving weight and bias out"),
    "across-tokens": (3, "normalizing across the tokens"),
    "exact-gelu": (4, "the exact GELU, with erf"),
    "quick-gelu": (4, "the quick GELU, with a sigmoid"),
    "relu": (4, "ReLU"),
    "no-activation": (4, "leaving the activation out"),
    "rows-of-length-1": (5, "bringing each row to length 1"),
    "tokens-scaled": (5, "multiplying by sqrt(n_embd)"),
    "rows-in-reverse": (6, "taking the rows in reverse"),
    "zeros-at-0": (6, "a vector of zeros for position 0, as for padding"),
    "not-scaled": (7, "not scaling the scores"),
    "without-the-root": (7, "dividing the scores by head_dim without the root"),
    "opposite-sign": (7, "scores with the opposite sign"),
    "heads-by-reshape": (7, "splitting the heads by a reshape alone"),
    "merged-by-reshape": (7, "merging the heads by a reshape alone"),
    "over-queries": (7, "softmax over the queries"),
    "zeros-after-softmax": (7, "setting hidden weights to 0 after the softmax"),
    "sigmoid": (7, "a sigmoid instead of the softmax"),
    "thirds-kqv": (7, "taking c_attn's thirds as k, q, v"),
    "thirds-qvk": (7, "taking c_attn's thirds as q, v, k"),
    "keys-for-values": (7, "averaging the keys instead of the values"),
    "no-c-proj": (7, "leaving c_proj out"),
    "not-added": (8, "not adding to the stream"),
    "sum-normalized": (8, "normalizing the sum"),
    "subtracted": (8, "subtracting instead of adding"),
    "halved": (8, "halving the sum"),
    "norms-exchanged": (9, "ln_1 and ln_2 exchanged"),
    "mlp-first": (9, "the MLP before the attention"),
    "side-by-side": (9, "attention and MLP side by side"),
    "no-attention": (
        9,
        "leaving the attention out, or throwing away what it returns",
    ),
    "no-mlp": (9, "leaving the MLP out, or throwing away what it returns"),
    "no-positions": (10, "leaving the position embeddings out"),
    "one-position": (10, "one position for all tokens"),
    "backwards": (10, "positions that count backwards"),
    "first-block-only": (
        10,
        "running only the first block, or returning inside the loop",
    ),
    "reversed": (10, "the blocks in reverse"),
    "no-ln-f": (10, "leaving ln_f out"),
    "embeddings-compared": (
        11,
        "comparing the embeddings instead of what the blocks made of them",
    ),
    "ln-f-twice": (11, "normalizing with ln_f a second time"),
    "scaled-down": (11, "scaling the logits by 1/sqrt(n_embd)"),
    "scaled-up": (11, "scaling the logits by sqrt(n_embd)"),
    "capped": (11, "capping the logits with tanh"),
    "last-but-one": (12, "taking the logits of the last position but one"),
    "no-temperature": (
        12,
        "leaving the temperature out, or dividing by it after the softmax",
    ),
    "times-temperature": (12, "multiplying by the temperature"),
    "softmax-twice": (
        12,
        "taking probabilities for logits: softmax twice, or Gumbel noise upon them",
    ),
    "only-last-token": (12, "showing the model only the last token"),
    "same-number": (12, "starting the generator anew for each token"),
    "first-tokens-kept": (12, "keeping the first n_positions tokens"),
}


def mistake(name: str) -> Mistake:
    """The entry of the catalogue that a switch makes.

    Raises:
        KeyError: If there is no such switch, or no such entry.
    """
    number, what = SWITCHES[name]
    return {entry.what: entry for entry in catalogue(number)}[what]


def of(number: int, what: str) -> str | None:
    """The switch that makes a mistake of step `number`'s catalogue, or None."""
    made = (number, what)
    return next((name for name, entry in SWITCHES.items() if entry == made), None)


class Broken(NamedTuple):
    """The solutions with mistakes in them.

    Attributes:
        make_model: Step 11's `GPT2LMHeadModel`.
        generate: Step 12's.
    """

    make_model: Callable[[Any], Any]
    generate: Callable[..., Any]


def broken(names: Iterable[str]) -> Broken:
    """The twelve solutions, with the mistakes of these switches in them."""
    modules = {}
    for number in NUMBERS:
        source = solution(number)
        for name in names:
            if SWITCHES[name][0] == number:
                source = variants.swap(source, mistake(name).swap)
        modules[number] = run_step(number, source, f"<step {number}, broken>")
    return Broken(modules[11].GPT2LMHeadModel, modules[12].generate)
