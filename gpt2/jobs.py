"""Many prompts, from one file into another, in batches.

    {"prompt": "ROMEO:", "id": "r1"}        a line of the prompts; the id may be missing
    {"index": 0, "id": "r1", "prompt": "ROMEO:", "text": "...", "end": "length",
     "tokens": 200, "made_with": {"seed": 1, ...}}            the line it gets

The lines come in the order of the prompts, and each says what it was made with: the
file of results is all that a run needs to go on after it was killed.  A line that was
cut off is written anew.
"""

import contextlib
import fcntl
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from gpt2.decoding import Decoding

if TYPE_CHECKING:  # the files are looked at first, without MAX
    from gpt2.checkpoint import Checkpoint
    from gpt2.pipeline import Completion, Pipeline

BEGINNING = b'{"index": 0, '  # of every file of results


@dataclass(frozen=True)
class Prompt:
    """A line of the prompts.

    Attributes:
        line: Its number in the file, from 1.
        text: The text to continue.
        id: What the result is to carry, if anything.
    """

    line: int
    text: str
    id: str | int | None = None


@dataclass(frozen=True)
class Results:
    """What an earlier run has left.

    Attributes:
        lines: The results, one for each of the first prompts.
        size: How many bytes they take; what follows was cut off.
    """

    lines: list[dict[str, Any]]
    size: int

    @property
    def seed(self) -> int | None:
        """The seed they were made with; None if there are none."""
        return self.lines[0]["made_with"].get("seed") if self.lines else None


# --- Files -------------------------------------------------------------------------


def read_prompts(file: Path) -> list[Prompt]:
    """Reads a file of prompts; empty lines do not count.

    Raises:
        ValueError: If a line cannot be used; the message names it.
    """
    prompts = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if line.strip():
            try:
                prompts.append(read_prompt(number, line))
            except ValueError as error:
                raise ValueError(f"{file}, line {number}: {error}") from None
    if not prompts:
        raise ValueError(f"{file} has no prompts: give each a line")
    return prompts


def read_prompt(number: int, line: bytes) -> Prompt:
    """Reads one line, without its file and number in what is raised."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError('not JSON; expected {"prompt": "..."}') from None
    if not (isinstance(fields, dict) and isinstance(fields.get("prompt"), str)):
        raise ValueError('no text under "prompt"; expected {"prompt": "..."}')
    if others := fields.keys() - {"prompt", "id"}:
        raise ValueError(f'"{min(others)}" is neither "prompt" nor "id"; leave it out')
    if type(fields.get("id")) not in (str, int, type(None)):
        raise ValueError('"id" is neither a text nor a whole number')
    return Prompt(number, fields["prompt"], fields.get("id"))


def read_results(file: Path) -> Results:
    """Reads what an earlier run has left; no file is the same as no results.

    Raises:
        ValueError: If something else stands in the file.
    """
    if not file.exists():
        return Results([], 0)
    strange = f"{file} holds something else than results: choose another file"
    if not file.is_file():
        raise ValueError(strange)
    data = file.read_bytes()
    size = data.rfind(b"\n") + 1
    if not (data.startswith(BEGINNING) or BEGINNING.startswith(data)):
        raise ValueError(strange)
    lines = []
    for index, line in enumerate(data[:size].splitlines()):
        try:
            fields = json.loads(line)
            ours = fields["index"] == index and isinstance(fields["made_with"], dict)
        except (ValueError, LookupError, TypeError, RecursionError):
            ours = False
        if not ours:
            raise ValueError(f"{file}, line {index + 1}, is no result: repair it")
        lines.append(fields)
    return Results(lines, size)


def check_results(
    results: Results,
    prompts: Sequence[Prompt],
    made_with: dict[str, Any],
    out: Path,
    file: Path,
) -> None:
    """Sees that the results in `out` continue the prompts of `file` in the same way.

    Prompts may have been added at the end since.

    Raises:
        ValueError: If they do not; the message says what differs.
    """
    for result in results.lines:
        before = result["made_with"]
        for name in made_with | before:
            then, now = before.get(name), made_with.get(name)
            if then != now and name == "steps":
                raise ValueError(
                    f"{out} was made with other steps: choose another file, or give "
                    "the same ones"
                )
            if then != now:
                raise ValueError(
                    f"{out} was made with {name} {json.dumps(then)}, and now it is "
                    f"{json.dumps(now)}: give the same, or choose another file"
                )
    for prompt, result in zip(prompts, results.lines, strict=False):
        if (prompt.text, prompt.id) != (result.get("prompt"), result.get("id")):
            raise ValueError(
                f"{out}, line {result['index'] + 1}, continues another prompt than "
                f"{file}, line {prompt.line}, has: choose another file"
            )
    if len(results.lines) > len(prompts):
        raise ValueError(
            f"{out} has {len(results.lines)} results, but {file} has {len(prompts)} "
            "prompts: choose another file"
        )


def check_prompts(
    prompts: Sequence[Prompt], checkpoint: "Checkpoint", file: Path
) -> None:
    """Sees that the model can read all prompts.

    Raises:
        ValueError: If it cannot; the message says which, and why.
    """
    from gpt2.text import encode

    for prompt in prompts:
        try:
            encode(checkpoint, prompt.text)
        except ValueError as error:
            raise ValueError(f"{file}, line {prompt.line}: {error}") from None


# --- Batches -----------------------------------------------------------------------


@contextlib.contextmanager
def only_writer(out: Path, results: Results) -> Iterator[BinaryIO]:
    """Opens the results to add to them, without what was cut off.

    Raises:
        ValueError: If another process is writing them.
    """
    with open(out, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{out} is being written by another process") from None
        file.truncate(results.size)
        yield file


def complete(
    pipeline: "Pipeline",
    prompts: Sequence[Prompt],
    decoding: Decoding,
    *,
    seed: int,
    done: int,
    batch_size: int,
    made_with: dict[str, Any],
    file: BinaryIO,
    **options: Any,
) -> Iterator[list["Completion"]]:
    """Continues all prompts but the first `done`, and yields each batch once written.

    Prompt i draws from `SeedSequence(seed).spawn(n)[i]`, and batches begin at
    multiples of batch_size wherever a run begins: a text does not depend on whether
    the run was interrupted.

    Args:
        pipeline: What continues them.
        prompts: All of them, in the order of the file.
        decoding: How each token is chosen.
        seed: Repeats the same texts.
        done: How many have their result already.
        batch_size: How many grow beside each other.
        made_with: What each result is to say it was made with.
        file: Where the results go.
        **options: As for `Pipeline.steps`.
    """
    seeds = np.random.SeedSequence(seed).spawn(len(prompts))
    for start in range(done - done % batch_size, len(prompts), batch_size):
        batch = prompts[start : start + batch_size]
        completions = pipeline.generate_batch(
            [prompt.text for prompt in batch],
            decoding,
            rngs=[np.random.default_rng(s) for s in seeds[start : start + batch_size]],
            **options,
        )
        lines = [
            result_line(start + i, prompt, completion, made_with)
            for i, (prompt, completion) in enumerate(
                zip(batch, completions, strict=True)
            )
        ]
        new = max(done - start, 0)
        file.write(b"".join(lines[new:]))
        file.flush()
        yield completions[new:]


def result_line(
    index: int, prompt: Prompt, completion: "Completion", made_with: dict[str, Any]
) -> bytes:
    """One line of the results."""
    fields = {
        "index": index,
        **({} if prompt.id is None else {"id": prompt.id}),
        "prompt": prompt.text,
        "text": completion.text,
        "end": completion.end,
        "tokens": len(completion.ids),
        "made_with": made_with,
    }
    return json.dumps(fields).encode() + b"\n"
