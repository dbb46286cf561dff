"""Decoding: from logits to a token.

The model says how likely each token of its vocabulary is to come next.  Which one
then comes is decided here, by pure functions of one row of logits `[vocab_size]`:

    decoding = Decoding(temperature=0.8, top_k=40, top_p=0.95)
    token = decoding.choose(logits, ids, rng)

What changes the logits comes in the order in which `Decoding` applies it, which is
the order of Hugging Face transformers.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

# A bound that is missed by this much is met: float32 logits give no probability more
# exactly.
ROUNDING = 1e-6

# Tokens whose weights are added up before one looks among them.
BLOCK = 128

# If every weight is off by at most a part e, the odds of some tokens against the others
# are off by 2 e, and their share in all by a quarter of that.  A number that is rounded
# to float32 is off by a part in 2**24; here is a little more.
ROUNDED = 3.1e-8  # every probability is rounded once,
ROUGH = 4e-6  # and the sum of a block 127 times before


# --- Probabilities -----------------------------------------------------------------


def softmax(logits: np.ndarray) -> np.ndarray:
    """exp(logits) / sum(exp(logits)): the probabilities.

    In the precision of the logits, as the model would, then as float64 made to sum
    to 1.

    Args:
        logits: `[vocab_size]`; -inf where a token has been filtered.

    Returns:
        float64 `[vocab_size]`.

    Raises:
        ValueError: If the largest logit is not a finite number.
    """
    weights = exp(logits)  # [vocab_size]
    weights /= weights.sum()
    probabilities = weights.astype(np.float64)  # [vocab_size]
    probabilities /= probabilities.sum()
    return probabilities


def exp(logits: np.ndarray) -> np.ndarray:
    """exp(logits - max(logits)): the probabilities, but for a common factor.

    Raises:
        ValueError: If the largest logit is not a finite number.
    """
    largest = logits.max()
    if not math.isfinite(largest):
        raise ValueError(f"the largest logit is {largest}: no token can be chosen")
    with np.errstate(over="ignore"):  # what is too far below the largest becomes -inf
        weights = logits - largest  # [vocab_size]
    return np.exp(weights, out=weights)  # in place is several times faster


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """logits - log(sum(exp(logits))): the log-probabilities.

    `[..., vocab_size]` of finite numbers to float64 `[..., vocab_size]`.
    """
    logits = logits - logits.max(axis=-1, keepdims=True).astype(np.float64)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def logprob(logits: np.ndarray, token: int) -> float:
    """log_softmax(logits)[token], to a millionth: in float64 is only the sum."""
    below = logits[token] - logits.max().astype(np.float64)
    return float(below - np.log(exp(logits).sum(dtype=np.float64)))


# --- Sampling ----------------------------------------------------------------------


def greedy(logits: np.ndarray) -> int:
    """The token with the largest logit; of equals, the one with the lowest id."""
    return int(np.argmax(logits))


def sample(
    logits: np.ndarray, rng: np.random.Generator, ids: np.ndarray | None = None
) -> int:
    """Draws token i with probability softmax(logits)[i].

    One number u from [0, 1) decides: the first token whose cumulative probability
    exceeds u.  It is the token of `rng.choice(vocab_size, p=softmax(logits))`, with
    which step 12 draws.  `choice` adds up the whole vocabulary one by one; here that
    is done only where the last bits of a sum could decide.

    Source: Devroye, "Non-Uniform Random Variate Generation" (1986), section III.2.

    Args:
        logits: `[vocab_size]`; -inf where a token has been filtered.
        rng: Asked for one number.
        ids: The tokens to draw from, as if the others' logits were -inf; None means
            all.

    Raises:
        ValueError: If the largest logit is not a finite number.
    """
    weights = exp(logits if ids is None else logits[ids])  # [left]
    u = rng.random()
    place = find(weights, u)
    if place is not None:
        return place if ids is None else int(ids[place])
    cumulative = softmax(logits if ids is None else keep(logits, ids))  # [vocab_size]
    np.cumsum(cumulative, out=cumulative)
    cumulative /= cumulative[-1]
    return int(cumulative.searchsorted(u, side="right"))


def find(weights: np.ndarray, u: float) -> int | None:
    """The first of the weights with which their sum exceeds u of the whole, if that
    is sure.

    A sum of every block comes first, then the weights of one block.  With sums in the
    precision of the weights, a quarter of the work, it mostly is sure.

    Args:
        weights: float32 `[n]`, 0 or more.
        u: From [0, 1).

    Returns:
        Its place; None where u is so near to the border between two that rounding
        each probability to float32 could make it the other.
    """
    end = len(weights) // BLOCK * BLOCK
    blocks, rest = weights[:end].reshape(-1, BLOCK), weights[end:]
    for dtype, error in ((weights.dtype, ROUGH), (np.float64, ROUNDED)):
        # What the sum is in front of each block and of the rest, and behind all.
        sums = np.zeros(len(blocks) + 2)
        sums[1:-1] = np.einsum("ij->i", blocks, dtype=dtype)
        sums[-1] = np.add.reduce(rest, dtype=dtype)
        sums = sums.cumsum()
        block = int(sums[1:-1].searchsorted(u * sums[-1], side="right"))
        start = block * BLOCK
        inside = weights[start : start + BLOCK]  # at most [BLOCK]
        # What it is in front of each of these, and behind the last.
        borders = np.zeros(len(inside) + 1)
        borders[0], borders[1:] = sums[block], inside
        borders = borders.cumsum()
        whole = borders[-1] + (sums[-1] - sums[block + 1])
        low = borders.searchsorted((u - error) * whole, side="right")
        high = borders.searchsorted((u + error) * whole, side="right")
        if low == high:
            return start + int(low) - 1
    return None


# --- Logit processors --------------------------------------------------------------
# Logits [vocab_size] in, new ones out, with -inf where a token has been filtered.


def keep(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The logits of the tokens `ids`, and -inf for the others."""
    kept = np.full_like(logits, -np.inf)
    kept[ids] = logits[ids]
    return kept


def apply_repetition_penalty(
    logits: np.ndarray, ids: Sequence[int], penalty: float
) -> np.ndarray:
    """logit / penalty where the logit is positive, logit * penalty where negative.

    This changes the tokens in `ids`, the text so far with its prompt; each of them
    once, however often it occurs.

    Source: Keskar et al., "CTRL" (2019), section 4.1, which only divides; what
    becomes of a negative logit is Hugging Face's addition.
    """
    seen = np.asarray(ids, dtype=np.int64)  # [seq]
    logit = logits[seen].astype(np.float64)  # [seq]
    with np.errstate(over="ignore"):
        logit = np.where(logit < 0, logit * penalty, logit / penalty)  # [seq]
    limit = np.finfo(logits.dtype).max
    penalized = logits.copy()
    penalized[seen] = np.clip(logit, -limit, limit)
    return penalized


def apply_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """logits / temperature: below 1 sharpens, above 1 flattens.

    Source: Ackley, Hinton and Sejnowski, "A Learning Algorithm for Boltzmann
    Machines" (1985).
    """
    try:
        with np.errstate(all="raise", under="ignore"):
            return logits / temperature
    except FloatingPointError:
        # Too large a number.  Only differences count: let the largest logit be 0.
        with np.errstate(all="ignore"):
            below = logits - logits.max().astype(np.float64)  # [vocab_size]
            return (below / temperature).astype(logits.dtype)


def keep_top_k(logits: np.ndarray, k: int) -> np.ndarray:
    """Keeps the k largest logits, and those equal to the last of them.

    Source: Fan, Lewis and Dauphin, "Hierarchical Neural Story Generation" (2018).
    """
    return keep(logits, top_k_ids(logits, k))


def top_k_ids(logits: np.ndarray, k: int) -> np.ndarray:
    """The ids of what `keep_top_k` keeps, ascending."""
    k = min(k, logits.size)
    # Sorting out k of all takes long.  Take the largest of every 32: k logits at least
    # reach the k-th of these, so none below it is among the k largest.
    columns = logits.size // 32
    some = logits
    if k <= columns:
        some = logits[: 32 * columns].reshape(32, columns).max(axis=0)  # [columns]
    ids = np.flatnonzero(~(logits < kth_largest(some, k)))  # [k or more]
    large = logits[ids]  # [k or more]
    return ids[~(large < kth_largest(large, k))]


def kth_largest(logits: np.ndarray, k: int) -> np.float32:
    """The last of the k largest."""
    return np.partition(logits, -k)[-k]


def keep_top_p(logits: np.ndarray, p: float) -> np.ndarray:
    """Keeps the smallest set of tokens whose probability reaches p.

    The likeliest belong to it; of equals, those with the lowest ids.  p = 1 keeps
    every token.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2019),
    section 3.1.
    """
    return logits if p == 1 else keep(logits, top_p_ids(logits, p))


def top_p_ids(logits: np.ndarray, p: float) -> np.ndarray:
    """The ids of what `keep_top_p` keeps, ascending; p is below 1."""
    weights = exp(logits)  # [vocab_size]
    whole = weights.sum(dtype=np.float64)
    enough = (p - ROUNDING) * whole
    # Sorting takes the longest, and most tokens are so unlikely that the others are
    # enough.  Which can be spared is guessed from every 64th: those that together have
    # 0.7 of what may be lost.  Should the others not be enough, all are sorted.
    rising = np.sort(weights[::64])  # [some]
    rising[0] = 0
    lost = 64 * rising.cumsum(dtype=np.float64)  # with those up to each
    for share in (0.7, 0):
        most = share * (1 - p) * whole
        bound = rising[lost.searchsorted(most, side="right") - 1]
        ids = np.flatnonzero(weights >= bound)  # [likely]
        likely = weights[ids]  # [likely]
        falling = np.sort(likely)[::-1]  # [likely]
        sums = falling.cumsum(dtype=np.float64)
        if sums[-1] >= enough:
            break
    size = int(sums.searchsorted(enough)) + 1
    last = falling[size - 1]
    kept = likely >= last  # [likely]
    too_many = np.count_nonzero(kept) - size
    if too_many > 0:
        kept[np.flatnonzero(likely == last)[-too_many:]] = False
    return ids[kept]


def keep_min_p(logits: np.ndarray, p: float) -> np.ndarray:
    """Keeps the tokens with probability >= p * the largest probability.

    Source: Nguyen et al., "Turning Up the Heat: Min-p Sampling for Creative and
    Coherent LLM Outputs" (2024).
    """
    return keep(logits, min_p_ids(logits, p))


def min_p_ids(logits: np.ndarray, p: float) -> np.ndarray:
    """The ids of what `keep_min_p` keeps, ascending."""
    least = logits.max() + math.log(p) - ROUNDING  # the same as a logit
    return np.flatnonzero(~(logits < least))


# --- The strategy ------------------------------------------------------------------


@dataclass(frozen=True)
class Decoding:
    """How a token is chosen; unless told otherwise, as the model's probabilities say.

    Attributes:
        temperature: Below 1 sharpens, above 1 flattens, 0 means greedy.
        top_k: How many of the likeliest tokens may be drawn; 0 means all.
        top_p: Only the likeliest that together have this probability; 1 means all.
        min_p: Only those at least min_p times as likely as the likeliest; 0 means all.
        repetition_penalty: Above 1 makes what the text contains less likely.
        do_sample: False means greedy.

    Raises:
        ValueError: If a value breaks its rule; the message says value and rule.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    do_sample: bool = True

    def __post_init__(self) -> None:
        inf = math.inf
        rules = {
            "temperature": (Real, lambda x: 0 <= x < inf, "0 or more, and finite"),
            "top_k": (Integral, lambda x: x >= 0, "a whole number, and 0 or more"),
            "top_p": (Real, lambda x: 0 < x <= 1, "above 0, and at most 1"),
            "min_p": (Real, lambda x: 0 <= x <= 1, "from 0 to 1"),
            "repetition_penalty": (Real, lambda x: 0 < x < inf, "above 0, and finite"),
        }
        for name, (kind, allows, rule) in rules.items():
            value = getattr(self, name)
            if not (isinstance(value, kind) and allows(value)):
                raise ValueError(f"{name} must be {rule}, not {value!r}")

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is taken, and nothing drawn."""
        return not self.do_sample or self.temperature == 0

    def stages(
        self, logits: np.ndarray, ids: Sequence[int]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """The logits as the model gave them, then what each attribute makes of them.

        An attribute that is off has no stage.  Greedy has only the repetition penalty.

        Args:
            logits: `[vocab_size]`, the model's.
            ids: The text so far with its prompt.

        Yields:
            "model" or an attribute's name, and logits `[vocab_size]`.
        """
        for name, changed, left in self.narrow(logits, ids):
            yield name, changed if left is None else keep(changed, left)

    def narrow(
        self, logits: np.ndarray, ids: Sequence[int]
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
        """The stages, but what is filtered is left out: so the next filter has less.

        Yields:
            "model" or an attribute's name, logits `[vocab_size]`, and the ids of the
            tokens that are left, ascending; None where that is all.
        """
        yield "model", logits, None
        if self.repetition_penalty != 1:
            logits = apply_repetition_penalty(logits, ids, self.repetition_penalty)
            yield "repetition_penalty", logits, None
        if self.is_greedy:
            return
        if self.temperature != 1:
            logits = apply_temperature(logits, self.temperature)
            yield "temperature", logits, None
        left = None
        for name, off, kept in (
            ("top_k", 0, top_k_ids),
            ("top_p", 1, top_p_ids),
            ("min_p", 0, min_p_ids),
        ):
            value = getattr(self, name)
            if value != off:
                if left is None:
                    left = kept(logits, value)
                else:
                    left = left[kept(logits[left], value)]
                yield name, logits, left

    def filter(self, logits: np.ndarray, ids: Sequence[int]) -> np.ndarray:
        """The last of the stages: the logits `[vocab_size]` to choose from."""
        *_, (_, logits) = self.stages(logits, ids)
        return logits

    def choose(
        self, logits: np.ndarray, ids: Sequence[int], rng: np.random.Generator
    ) -> int:
        """The next token, by the model's logits `[vocab_size]` and the text so far.

        `rng` is asked for one number, or for none when this is greedy.
        """
        [(_, logits, left)] = deque(self.narrow(logits, ids), maxlen=1)  # the last
        return greedy(logits) if self.is_greedy else sample(logits, rng, left)


def generators(seed: int, count: int) -> list[np.random.Generator]:
    """One generator for each row of a batch, so that no row depends on another's draws.

    A single row has that of `np.random.default_rng(seed)`, with which step 12 draws.
    """
    root = np.random.SeedSequence(seed)
    seeds = [root] if count == 1 else root.spawn(count)
    return [np.random.default_rng(seed) for seed in seeds]
