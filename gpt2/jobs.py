"""Many prompts, from one file into another.

    {"prompt": "ROMEO:", "id": "r1", "max_new_tokens": 50}      a line of the prompts
    {"index": 0, "id": "r1", "prompt": "ROMEO:", "text": "...", "end": "length",
     "tokens": 50, "made_with": {"seed": 1, ...}}               the line it gets

A prompt needs neither an id nor a length of its own.

The lines come in the order of the prompts, so that a text may have to wait for one
before it; and each says what it was made with: the file of results is all that a run
needs to go on after it was killed.  A line that was cut off is written anew.
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
        max_new_tokens: The most tokens to add, if not as many as to the others.
    """

    line: int
    text: str
    id: str | int | None = None
    max_new_tokens: int | None = None

    def made_with(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings of all prompts, with what is this one's own."""
        if self.max_new_tokens is None:
            return settings
        return settings | {"max_new_tokens": self.max_new_tokens}


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
    if others := fields.keys() - {"prompt", "id", "max_new_tokens"}:
        raise ValueError(
            f'"{min(others)}" is neither "prompt" nor "id" nor "max_new_tokens"; leave '
            "it out"
        )
    if type(fields.get("id")) not in (str, int, type(None)):
        raise ValueError('"id" is neither a text nor a whole number')
    count = fields.get("max_new_tokens")
    if count is not None and not (type(count) is int and count >= 1):
        raise ValueError('"max_new_tokens" is no whole number above 0')
    return Prompt(number, fields["prompt"], fields.get("id"), count)


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
    for prompt, result in zip(prompts, results.lines, strict=False):
        before, today = result["made_with"], prompt.made_with(made_with)
        for name in today | before:
            then, now = before.get(name), today.get(name)
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


# --- Results -----------------------------------------------------------------------


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
    made_with: dict[str, Any],
    file: BinaryIO,
    max_new_tokens: int,
    **options: Any,
) -> Iterator["Completion"]:
    """Continues all prompts but the first `done`, and yields each text once written.

    Prompt i draws from `SeedSequence(seed).spawn(n)[i]`: a text depends neither on
    what grows beside it, nor on whether the run was interrupted.

    Args:
        pipeline: What continues them.
        prompts: All of them, in the order of the file.
        decoding: How each token is chosen.
        seed: Repeats the same texts.
        done: How many have their result already.
        made_with: What each result is to say it was made with.
        file: Where the results go.
        max_new_tokens: The most tokens to add where a prompt does not say it.
        **options: As for `Pipeline.steps`.
    """
    from gpt2.pipeline import completions

    waiting = prompts[done:]
    texts = [prompt.text for prompt in waiting]
    seeds = np.random.SeedSequence(seed).spawn(len(prompts))[done:]
    steps = pipeline.steps(
        texts,
        decoding,
        rngs=[np.random.default_rng(seed) for seed in seeds],
        max_new_tokens=[prompt.max_new_tokens or max_new_tokens for prompt in waiting],
        **options,
    )
    for i, completion in enumerate(completions(texts, steps)):
        made = waiting[i].made_with(made_with)
        file.write(result_line(done + i, waiting[i], completion, made))
        file.flush()
        yield completion


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
