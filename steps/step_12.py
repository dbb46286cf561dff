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
    # TODO: Refuse a bad temperature. Ask the model, keep the logits of the last
    # position, and choose: the largest where greedy, else one drawn by NumPy from the
    # softmax of the logits over the temperature. NumPy wants each row to sum to 1
    # in the precision in which it comes.
    raise NotImplementedError("step 12: generate_next_token")


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
    # TODO: Ask for one token after another and append each. Show the model no more than
    # n_positions tokens, keep finished rows on their stop token, and end when every row
    # is finished.
    raise NotImplementedError("step 12: generate")
