"""Is a learner's model on the engine the same model?

What the engine puts into a model takes the place of parts that a learner has written:
a mistake in them would be gone, and the text another.  What remains may be something
that MAX cannot trace, compiles to something else, or does not compile at all.  So a
model is first compared with itself, as it runs eagerly: once for each version of the
twelve files.  MAX compiles it in a process of its own, which may crash or hang:

    python -m gpt2.equivalence FOLDER CONFIG PRECISION DEVICE
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import contextlib
import io
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from signal import SIGKILL, strsignal
from typing import Any

import numpy as np
from max.driver import DLPackArray
from max.experimental.tensor import Tensor

from gpt2 import eager, learner, start
from gpt2.compiled import compiled_file, kernels_source
from gpt2.eager_engine import EagerEngine
from gpt2.engine import Engine, Network
from gpt2.learner import Steps, build, load_steps, own_lines, run_lazily, watched
from solutions.solution_01 import GPT2Config
from solutions.solution_07 import GPT2Attention

STOPS = "it stops with"  # eagerly too
PATIENCE = 180  # seconds for MAX's compiler, which takes half a minute
TOLERANCE = 1e-4  # of the largest number there
# In fewer bytes the engine rounds tokens too, which the eager model does not.  What is
# to be found then is a graph that computes something else: it is wrong by far more.
ROUNDED = {"float32": TOLERANCE, "bfloat16": 0.02, "int8": 0.1}
TOKENS = 24  # of the texts that are read in pieces
PROMPTS = (1, 3, 16)  # how many of them at once, before they come one by one
LONGEST = 256  # tokens of a longer text, as far as n_positions allows


# --- Verdict -----------------------------------------------------------------------


def why_not(
    config: GPT2Config,
    weights: Mapping[str, DLPackArray],
    steps: Steps,
    precision: str,
    device: str,
) -> str:
    """Why a learner's model cannot run on the engine; empty if it can.

    An answer that follows from the files is kept beside what MAX compiles.

    Args:
        config: The sizes.
        weights: As for `Engine`, like the next three.
        steps: The learner's.
        precision: How weight matrices are kept.
        device: Where the model runs.
    """
    ours = [file.read_text() for file in sorted(Path(__file__).parent.glob("*.py"))]
    how = f"{config} {precision} {device}"
    sources = steps.text, *ours, kernels_source(), how
    file = compiled_file(*sources, suffix=".json")
    with contextlib.suppress(OSError, ValueError):
        return str(json.loads(file.read_text()))
    try:
        with redirect_stdout(io.StringIO()):  # what a step prints belongs to its text
            reason = compare(config, weights, steps, precision, device)
    except Unsure as error:
        return str(error)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(reason))
    return reason


class Unsure(Exception):
    """A reason that may not be there the next time."""


def compare(
    config: GPT2Config,
    weights: Mapping[str, DLPackArray],
    steps: Steps,
    precision: str,
    device: str,
) -> str:
    """As `why_not`, which remembers it.

    Raises:
        Unsure: If it could not be found out.
    """
    rng = np.random.default_rng(0)
    count, longest = min(TOKENS, config.n_positions), min(LONGEST, config.n_positions)
    ids = rng.integers(config.vocab_size, size=(2, count))  # [batch, seq]
    long = rng.integers(config.vocab_size, size=(1, longest))  # [1, seq]
    try:
        eager.prepare()
        plain = EagerEngine(config, weights, steps=steps, precision=precision)
        if reason := other_parts(plain, precision, ids):
            return reason
        expected = logits_of(plain, ids)  # [batch, seq, vocab_size]
        expected_first = logits_of(plain, ids[:, :1])
        expected_last = logits_of(plain, long)[:, -1:]
    except (Exception, SystemExit) as error:
        raise Unsure(f"{where(error)}{STOPS} {first_line(error)}") from None
    try:
        network = Network(config, steps, precision=precision, device=device)
        is_compiled = network.file.exists()
    except (Exception, SystemExit) as error:
        return f"{where(error)}MAX cannot make a graph of it: {first_line(error)}"
    if not is_compiled and (reason := compile_apart(config, precision, device)):
        return reason
    engine = Engine(config, weights, steps=steps, precision=precision, device=device)
    atol = ROUNDED[precision]
    agree = close(read(engine, ids[:, :1], 1), expected_first, atol)
    agree = agree and close(read(engine, long, longest), expected_last, atol)
    for prompt in PROMPTS:
        if prompt <= count:
            found = read(engine, ids, prompt)
            agree = agree and close(found, expected[:, prompt - 1 :], atol)
    if agree:
        return ""
    half = count // 2
    if not close(logits_of(plain, ids[:, :half]), expected[:, :half]):
        return "a token's logits depend on what comes after it"
    return "MAX compiles it to something else"


# --- Compiler ----------------------------------------------------------------------


def compile_apart(config: GPT2Config, precision: str, device: str) -> str:
    """Has another process compile the learner's network, for `Engine` to load.

    Returns:
        Why there is none; empty if there is.

    Raises:
        Unsure: If it was killed, or did not come to its end.
    """
    words = [str(learner.STEPS), json.dumps(asdict(config)), precision, device]
    try:
        done = subprocess.run(
            start.words("gpt2.equivalence", *words),
            env=dict(os.environ),  # without what MAX has set behind Python's back
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise Unsure(f"MAX had not compiled it after {PATIENCE} s") from None
    if done.returncode == -SIGKILL:
        raise Unsure("MAX's compiler was killed: was there too little memory?")
    if done.returncode < 0:
        return f"MAX's compiler fails on it ({strsignal(-done.returncode)})"
    if done.returncode > 0:
        *_, last = done.stderr.decode(errors="replace").splitlines() or [""]
        return f"MAX's compiler fails on it: {last}"
    return ""


def main(folder: str, sizes: str, precision: str, device: str) -> None:
    """Compiles the network of the steps in a folder."""
    eager.prepare_process()
    learner.STEPS = Path(folder)
    config, steps = GPT2Config(**json.loads(sizes)), load_steps("steps")
    with contextlib.suppress(OSError):  # each process compiles for itself, then
        Network(config, steps, precision=precision, device=device).compile()


# --- Comparison --------------------------------------------------------------------


def logits_of(plain: EagerEngine, ids: np.ndarray) -> np.ndarray:
    """The model as it runs eagerly: `[batch, seq]` to `[batch, seq, vocab_size]`."""
    return plain.model(tensor(ids)).to_numpy()


def tensor(ids: np.ndarray) -> Tensor:
    return Tensor.from_dlpack(np.ascontiguousarray(ids))


def read(engine: Engine, ids: np.ndarray, prompt: int) -> np.ndarray:
    """The engine, `prompt` tokens at once and then one by one.

    `[batch, seq]` to `[batch, seq - prompt + 1, vocab_size]`.
    """
    logits, cache = engine.prefill(ids[:, :prompt].tolist(), ids.shape[1])
    rows = [logits, *(engine.decode(column, cache) for column in ids[:, prompt:].T)]
    return np.stack(rows, axis=1)


def close(
    found: np.ndarray, expected: np.ndarray, tolerance: float = TOLERANCE
) -> bool:
    """Whether two arrays have the same shape and nearly the same numbers: as float32
    rounds them, or by a tolerance of the largest."""
    if found.shape != expected.shape:
        return False
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    atol = tolerance * float(largest)
    return bool(np.allclose(found, expected, rtol=0, atol=atol, equal_nan=True))


# --- Exchanged parts ---------------------------------------------------------------


def other_parts(plain: EagerEngine, precision: str, ids: np.ndarray) -> str:
    """Where the model's own parts compute something else than what replaces them.

    Args:
        plain: The model.
        precision: In float32, the token embeddings stay its own.
        ids: `[batch, seq]`.

    Returns:
        The first such place, and what differs; empty if there is none.
    """
    model = plain.network
    transformer = model.transformer
    attended: list[list[list[Tensor]]] = [[] for _ in transformer.h]  # q, k, v, result

    def note(n: int, attention: Any) -> None:
        own = attention.attend

        def noted(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            y = own(q, k, v)
            attended[n].append([q, k, v, y])
            return y

        attention.attend = noted

    for n, block in enumerate(transformer.h):
        note(n, block.attn)
    seen = watched(model, lambda: plain.model(tensor(ids)))
    arrays = {key: value.to_numpy() for key, value in seen.items()}

    def differs(part: str, side: str, expected: np.ndarray) -> bool:
        """Whether something else was seen there; a model may do without that part."""
        found = arrays.get((part, side))
        return found is not None and not close(found, expected)

    for n, block in enumerate(transformer.h):
        if len(attended[n]) != 1:
            times = f"{len(attended[n])} times instead of once"
            place = line_of(type(block.attn).forward)
            return f"{place}block {n}'s method attend is called {times}"
    q, k, v, y = (  # [n_layer * batch, n_head, seq, head_dim]
        np.concatenate([calls[0][i].to_numpy() for calls in attended]) for i in range(4)
    )
    config = plain.config
    attend = run_lazily(build(GPT2Attention, config).attend)
    split = q.shape[1::2] == (config.n_head, config.head_dim)
    if not split or not close(y, attend(*map(tensor, (q, k, v))).to_numpy()):
        own = type(transformer.h[0].attn).attend
        place = line_of(own) or line_of(own.__globals__.get("causal_mask"))
        return f"{place}attend computes something else than GPT-2's attention"
    half = ids.shape[1] // 2
    later = with_positions(plain, ids[:, half:], half)
    if not close(later, arrays["transformer.h.0", "input"][:, half:]):
        place = line_of(type(transformer).forward)
        return f"{place}it does not use the positions that it gets"
    table = transformer.wte.weight.to_numpy()  # [vocab_size, n_embd]
    if precision != "float32" and differs("transformer.wte", "output", table[ids]):
        place = line_of(type(transformer.wte).forward)
        return f"{place}the token embeddings are not the table's rows"
    hidden = arrays.get(("transformer", "output"))  # [batch, seq, n_embd]
    if hidden is not None and differs("", "output", hidden @ table.T):
        place = line_of(type(model).forward)
        return f"{place}the logits are not those of hidden @ wte.weight.T"
    return ""


def with_positions(plain: EagerEngine, ids: np.ndarray, start: int) -> np.ndarray:
    """What goes into the first block where the ids stand at `start` and after it.

    `[batch, seq]` to `[batch, seq, n_embd]`.
    """
    transformer = plain.network.transformer
    positions = start + np.arange(ids.shape[1])[None].repeat(len(ids), axis=0)
    inputs = tensor(ids), tensor(positions)
    seen = watched(transformer, lambda: transformer(*inputs))
    return np.array(seen["h.0", "input"].to_numpy())


# --- Places ------------------------------------------------------------------------


def where(error: BaseException) -> str:
    """The learner's line that led to an error."""
    return "".join(f"{line}: " for line in own_lines(error)[-1:])


def first_line(error: BaseException) -> str:
    """An error's type, and the first line of what it says."""
    return traceback.format_exception_only(error)[-1].partition("\n")[0]


def line_of(function: Any) -> str:
    """Where a function begins, if a learner has written it."""
    code = function.__code__
    file = Path(code.co_filename)
    place = f"steps/{file.name}:{code.co_firstlineno}: "
    return place if file.parent == learner.STEPS else ""


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # without tidying up: somebody is waiting
