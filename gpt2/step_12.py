"""Step 12's own loop, a learner's or ours, on the engine.

The loop hands the whole text to its model, and wants logits for every position.  It
only looks at the last; and of the text, all but one token is what it handed over
before.  `Reader` is such a model, for which the engine reads that one token.
"""

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental.tensor import Tensor

from gpt2 import eager
from gpt2.engine import Cache, Engine
from gpt2.learner import Steps, own_lines
from solutions.solution_01 import GPT2Config


class Reader:
    """An engine as a function from ids to logits, which remembers what it has read.

    What is asked about grows by a token from call to call: only that is read.  Other
    ids begin anew.

    Args:
        engine: Reads.
        otherwise: Is asked instead about what the engine cannot read, such as more
            tokens than n_positions: it knows what to say of that.
    """

    def __init__(self, engine: Engine, otherwise: Callable[[Tensor], Tensor]) -> None:
        self.engine = engine
        self.otherwise = otherwise
        self.ids = np.zeros((0, 0), np.int64)  # [batch, seq], those in the cache
        self.cache: Cache
        self.logits: np.ndarray  # [batch, vocab_size], of what follows them

    def __call__(self, input_ids: Tensor) -> Tensor:
        """int64 `[batch, seq]` to the last logits of each, `[batch, 1, vocab_size]`."""
        ids = input_ids.to_numpy().astype(np.int64)  # [batch, seq]
        config = self.engine.config
        fits = ids.ndim == 2 and ids.size > 0 and ids.shape[1] <= config.n_positions
        if not (fits and 0 <= ids.min() <= ids.max() < config.vocab_size):
            return self.otherwise(input_ids)
        batch, known = self.ids.shape
        if len(ids) == batch and np.array_equal(ids[:, :known], self.ids):
            if known < ids.shape[1]:
                if ids.shape[1] > self.cache.capacity:
                    self.cache = self.cache.reorder(range(batch), columns(ids, config))
                new = dict(enumerate(ids[:, known:].tolist()))
                self.logits = self.engine.read(new, self.cache)
        else:
            self.logits, self.cache = self.engine.prefill(
                ids.tolist(), columns(ids, config)
            )
        self.ids = ids
        return Tensor.from_dlpack(self.logits[:, None])  # [batch, 1, vocab_size]


def columns(ids: np.ndarray, config: GPT2Config) -> int:
    """Columns for the ids `[batch, seq]` and as many more."""
    return min(2 * ids.shape[1], config.n_positions)


# --- Loop --------------------------------------------------------------------------


def write(
    steps: Steps,
    model: Callable[[Tensor], Tensor],
    prompt: Sequence[int],
    config: GPT2Config,
    *,
    max_new_tokens: int,
    temperature: float,
    do_sample: bool,
    rng: np.random.Generator,
    stop_token: int | None,
    show: Callable[[int], None],
) -> None:
    """Has step 12 continue a prompt, in one call of its `generate`.

    Args:
        steps: Whose loop.
        model: A `Reader`, or a model as it is.
        prompt: Ids.
        config: The sizes; n_positions is used.
        max_new_tokens: As for `generate`, like the next three.
        temperature: 0 means greedy.
        do_sample: False means greedy.
        rng: Draws the tokens.
        stop_token: Ends the text; it is not shown.
        show: Is given each new token, when the model is asked about it.
    """
    shown: list[int] = []
    before: list[int] = []

    def see(token: int) -> None:
        if stop_token is None or stop_token not in [*shown, token]:
            show(token)
        shown.append(token)

    def asked(input_ids: Tensor) -> Tensor:
        nonlocal before
        ids = input_ids.to_numpy()[0].tolist()
        # One more than before; or as many, where the front is cut off.
        cut = len(ids) == config.n_positions and ids[:-1] == before[1:]
        if before and (ids[:-1] == before or cut):
            see(ids[-1])
        before = ids
        return model(input_ids)

    with eager.collecting():
        ids = Tensor([list(prompt)], dtype=DType.int64, device=CPU())  # [1, seq]
        text = steps.generate(
            asked,
            ids,
            max_new_tokens,
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
            n_positions=config.n_positions,
            stop_token=stop_token,
        )  # [1, seq + new]
    for token in text.to_numpy()[0, len(prompt) + len(shown) :].tolist():
        see(token)


def looks_elsewhere(generate: Callable[..., Any]) -> str:
    """Why a `Reader` would not do: the loop looks at more than the last position.

    It is tried with a model that gives all positions and with one that gives the last,
    beyond a full context.

    Args:
        generate: Step 12's.

    Returns:
        The reason, and the line if there is one; empty if a Reader does.
    """
    table = np.random.default_rng(1).normal(0, 2, (9, 9)).astype(np.float32)

    def every(input_ids: Tensor) -> Tensor:
        return Tensor.from_dlpack(table[input_ids.to_numpy()])  # [batch, seq, 9]

    def last(input_ids: Tensor) -> Tensor:
        logits = table[input_ids.to_numpy()[:, -1:]]
        return Tensor.from_dlpack(logits)  # [batch, 1, 9]

    def text(model: Callable[[Tensor], Tensor], do_sample: bool) -> Any:
        prompt = Tensor([[1, 2, 3]], dtype=DType.int64, device=CPU())
        rng = np.random.default_rng(2)
        how = {"n_positions": 5, "rng": rng, "do_sample": do_sample}
        with redirect_stdout(io.StringIO()):  # what it prints belongs to its own text
            return generate(model, prompt, 4, **how).to_numpy().tolist()

    for do_sample in (False, True):
        try:
            expected = text(every, do_sample)
            if text(every, do_sample) != expected:  # it draws with another generator
                continue
        except Exception:
            expected = None
        try:
            found = text(last, do_sample)
        except Exception as error:
            if expected is None:  # it is wrong with any model, and will say so
                continue
            place = "".join(f"{line}: " for line in own_lines(error)[-1:])
            return f"{place}step 12 asks for logits of other positions than the last"
        if found != expected:
            return "step 12 uses logits of other positions than the last"
    return ""
