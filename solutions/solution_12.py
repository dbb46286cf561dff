"""Step 12: generating text.

The model only ever answers one question: which token comes next?  Text is that
question asked again and again, each answer appended to what is asked about.
"""

import math
from collections.abc import Callable

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import Tensor


def generate_next_token(
    model: Callable[[Tensor], Tensor],
    input_ids: Tensor,
    *,
    temperature: float = 1.0,
    do_sample: bool = True,
    rng: np.random.Generator | None = None,
) -> Tensor:
    """Chooses the token that follows each sequence.

    Greedy takes the largest logit.  Sampling draws token i with probability
    softmax(logits / temperature)[i], which tends to greedy as the temperature
    tends to 0.

    Source: Ackley, Hinton and Sejnowski, "A Learning Algorithm for Boltzmann
    Machines" (1985), for the temperature.

    Args:
        model: Anything that turns int64 ids `[batch, seq]` into logits
            `[batch, seq, vocab_size]`, eager or compiled.
        input_ids: int64 `[batch, seq]`.
        temperature: Below 1 sharpens, above 1 flattens, 0 means greedy.
        do_sample: False means greedy.
        rng: Draws the samples; None makes a fresh, unseeded one.

    Returns:
        int64 `[batch, 1]`, on the device of `input_ids`.

    Raises:
        ValueError: If the temperature is negative or not finite; the message says so.
    """
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be 0 or more, and finite: {temperature}")
    logits = model(input_ids)[:, -1, :]  # [batch, vocab_size]
    if not do_sample or temperature < 1e-30:  # logits over less may be infinite
        return F.argmax(logits, axis=-1).to(input_ids.device)  # [batch, 1]

    scale = Tensor(temperature, dtype=logits.dtype, device=logits.device)  # []
    probabilities = F.softmax(logits / scale, axis=-1)  # [batch, vocab_size]
    # NumPy insists on rows that sum to 1 as float64 counts it.
    rows = np.from_dlpack(probabilities.to(CPU())).astype(np.float64)
    rows /= rows.sum(axis=-1, keepdims=True)
    rng = np.random.default_rng() if rng is None else rng
    drawn = [[rng.choice(len(row), p=row)] for row in rows]
    return Tensor(drawn, dtype=DType.int64, device=input_ids.device)  # [batch, 1]


def generate(
    model: Callable[[Tensor], Tensor],
    input_ids: Tensor,
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    do_sample: bool = True,
    rng: np.random.Generator | None = None,
    n_positions: int | None = None,
    stop_token: int | None = None,
) -> Tensor:
    """Continues each sequence by up to `max_new_tokens` tokens.

    Args:
        model: Anything that turns int64 ids `[batch, seq]` into logits
            `[batch, seq, vocab_size]`, eager or compiled.
        input_ids: int64 `[batch, seq]`, the prompts.
        max_new_tokens: The most tokens to add.
        temperature: As in `generate_next_token`.
        do_sample: As in `generate_next_token`.
        rng: As in `generate_next_token`.
        n_positions: If given, the model sees only the last that many tokens.
        stop_token: If given, a row that has produced it only repeats it, and
            generation ends when every row has.

    Returns:
        int64 `[batch, seq + new]`: the prompts and what follows them.

    Raises:
        ValueError: As `generate_next_token` does.
    """
    rng = np.random.default_rng() if rng is None else rng
    finished = np.zeros((int(input_ids.shape[0]), 1), dtype=bool)  # [batch, 1]
    for _ in range(max_new_tokens):
        context = input_ids
        if n_positions is not None and int(context.shape[1]) > n_positions:
            context = context[:, -n_positions:]  # [batch, n_positions]
        token = generate_next_token(
            model, context, temperature=temperature, do_sample=do_sample, rng=rng
        )  # [batch, 1]
        if stop_token is not None:
            ids = np.where(finished, stop_token, token.to_numpy())  # [batch, 1]
            token = Tensor(ids, dtype=DType.int64, device=input_ids.device)
            finished |= ids == stop_token
        input_ids = F.concat([input_ids, token], axis=1)  # [batch, seq + 1]
        if finished.all():
            break
    return input_ids
