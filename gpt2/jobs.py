"""Many prompts, from one file into another.

    {"prompt": "ROMEO:", "id": "r1", "max_new_tokens": 50}      a line of the prompts
    {"index": 0, "id": "r1", "prompt": "ROMEO:", "text": "...", "end": "length",
     "tokens": 50, "made_with": {"seed": 1, ...}}               the line it gets

A prompt needs neither an id nor a length of its own.  Or each line is one of OpenAI's
batch lines, and gets one of those: see `gpt2/batch.py`.

The lines come in the order of the prompts, so that a text may have to wait for one
before it; and each says what it was made with: the file of results is all that a run
needs to go on after it was killed.  A line that was cut off is written anew.
"""

import contextlib
import dataclasses
import fcntl
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from gpt2 import batch
from gpt2.decoding import generators
from gpt2.options import Request

if TYPE_CHECKING:  # the files are looked at first, without MAX
    from gpt2.checkpoint import Checkpoint
    from gpt2.pipeline import Completion, Pipeline

BEGINNINGS = b'{"index": 0, ', batch.BEGINNING  # of every file of results


@dataclass(frozen=True)
class Prompt:
    """A line of the prompts.

    Attributes:
        index: Its place among the prompts, from 0.
        line: Its number in the file, from 1.
        text: The text to continue.
        id: What the result is to carry, if anything.
        own: Settings of its own, by their names in `Request`.
        is_batch_line: Whether it is one of OpenAI's.
        model: How such a line calls the model, if it does.
    """

    index: int
    line: int
    text: str
    id: str | int | None = None
    own: dict[str, Any] = field(default_factory=dict)
    is_batch_line: bool = False
    model: str | None = None

    def made_with(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings of all prompts, with what is this one's own."""
        return settings | self.own

    def rng(self, seed: int) -> np.random.Generator:
        """Draws its text: by its own seed as if it were alone, or by that of all.

        That is the same as `SeedSequence(seed).spawn(n)[index]`: a text depends neither
        on what grows beside it, nor on whether the run was interrupted.
        """
        if "seed" in self.own:
            return generators(self.own["seed"], 1)[0]
        return np.random.default_rng(
            np.random.SeedSequence(seed, spawn_key=(self.index,))
        )


@dataclass(frozen=True)
class Results:
    """What an earlier run has left.

    Attributes:
        lines: The results, one for each of the first prompts.
        size: How many bytes they take; what follows was cut off.
    """

    lines: list[dict[str, Any]]
    size: int

    def seed(self, prompts: Sequence[Prompt]) -> int | None:
        """The seed of all prompts; None if each result so far had its own."""
        for prompt, result in zip(prompts, self.lines, strict=False):
            if "seed" not in prompt.own:
                seed: int | None = result["made_with"].get("seed")
                return seed
        return None


# --- Files -------------------------------------------------------------------------


def read_prompts(file: Path) -> list[Prompt]:
    """Reads a file of prompts; empty lines do not count.

    Raises:
        ValueError: If a line cannot be used; the message names it.
    """
    prompts: list[Prompt] = []
    lines: dict[str | int | None, int] = {}  # of each custom_id
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if line.strip():
            try:
                prompt = read_prompt(len(prompts), number, line)
                if prompt.is_batch_line != (prompts or [prompt])[0].is_batch_line:
                    raise ValueError(
                        "batch lines and others do not mix: give each a file"
                    )
                if (
                    prompt.is_batch_line
                    and lines.setdefault(prompt.id, number) < number
                ):
                    raise ValueError(
                        f'"custom_id" is {json.dumps(prompt.id)}, as in line '
                        f"{lines[prompt.id]}: give each line its own"
                    )
            except ValueError as error:
                raise ValueError(f"{file}, line {number}: {error}") from None
            prompts.append(prompt)
    if not prompts:
        raise ValueError(f"{file} has no prompts: give each a line")
    return prompts


def read_prompt(index: int, number: int, line: bytes) -> Prompt:
    """Reads one line, without its file and number in what is raised."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError('not JSON; expected {"prompt": "..."}') from None
    if batch.is_batch_line(fields):
        custom_id, text, model, own = batch.read(fields)
        return Prompt(index, number, text, custom_id, own, True, model)
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
    own = {} if count is None else {"max_new_tokens": count}
    return Prompt(index, number, fields["prompt"], fields.get("id"), own)


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
    if not any(data.startswith(it) or it.startswith(data) for it in BEGINNINGS):
        raise ValueError(strange)
    lines = []
    for index, line in enumerate(data[:size].splitlines()):
        try:
            fields = json.loads(line)
            place = fields["id"] if "custom_id" in fields else fields["index"]
            ours = place in (index, batch.request_id(index))
            ours = ours and isinstance(fields["made_with"], dict)
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
        name = "custom_id" if prompt.is_batch_line else "id"
        if (prompt.text, prompt.id) != (result.get("prompt"), result.get(name)):
            raise ValueError(
                f"{out}, line {prompt.index + 1}, continues another prompt than "
                f"{file}, line {prompt.line}, has: choose another file"
            )
    if len(results.lines) > len(prompts):
        raise ValueError(
            f"{out} has {len(results.lines)} results, but {file} has {len(prompts)} "
            "prompts: choose another file"
        )


def check_models(prompts: Sequence[Prompt], model: str, file: Path) -> None:
    """Sees that no line names another model than `model`, that of the command line.

    A line may have the last part of its name alone, or another path to its folder.

    Raises:
        ValueError: If one does; the message says which.
    """
    names = {None, model, Path(model).name}
    for prompt in prompts:
        if prompt.model not in names:
            if Path(str(prompt.model)).resolve() != Path(model).resolve():
                raise ValueError(
                    f'{file}, line {prompt.line}: "model" is '
                    f"{json.dumps(prompt.model)}, and --model is {model}: give the same"
                )
            names.add(prompt.model)


def count_tokens(
    prompts: Sequence[Prompt], checkpoint: "Checkpoint", file: Path
) -> list[int]:
    """The length of each prompt; sees that the model can read it.

    Raises:
        ValueError: If it cannot; the message says which, and why.
    """
    from gpt2.text import encode

    counts = []
    for prompt in prompts:
        try:
            counts.append(len(encode(checkpoint, prompt.text)))
        except ValueError as error:
            raise ValueError(f"{file}, line {prompt.line}: {error}") from None
    return counts


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
    pipeline: "Pipeline", prompts: Sequence[Prompt], request: Request
) -> Iterator["Completion"]:
    """Continues prompts, and yields each text as soon as it and all before it ended.

    Args:
        pipeline: What continues them.
        prompts: Some of the file's.
        request: How, where they do not say it; with a seed.
    """
    from gpt2.pipeline import completions

    assert request.seed is not None
    texts = [prompt.text for prompt in prompts]
    each = [dataclasses.replace(request, **prompt.own) for prompt in prompts]
    steps = pipeline.steps(
        texts,
        [one.decoding() for one in each],
        rngs=[prompt.rng(request.seed) for prompt in prompts],
        max_new_tokens=[one.max_new_tokens for one in each],
        stop=[one.stop for one in each],
        stop_tokens=request.stop_tokens,
        full_context=request.full_context,  # type: ignore[arg-type]
        batch_size=request.batch_size,
        draft=request.draft,
    )
    return completions(texts, steps)


def write(
    file: BinaryIO,
    prompts: Sequence[Prompt],
    counts: Sequence[int],
    texts: Iterable["Completion"],
    made_with: dict[str, Any],
) -> Iterator["Completion"]:
    """Writes each text as it comes, and yields it once written.

    Args:
        file: Where the results go.
        prompts: Those that have no result yet.
        counts: The length of each.
        texts: What continues each.
        made_with: What the results are to say they were made with.
    """
    for prompt, count, text in zip(prompts, counts, texts, strict=True):
        file.write(result_line(prompt, count, text, prompt.made_with(made_with)))
        file.flush()
        yield text


def result_line(
    prompt: Prompt, count: int, completion: "Completion", made_with: dict[str, Any]
) -> bytes:
    """One line of the results."""
    if prompt.is_batch_line:
        model = prompt.model or made_with["model"]
        fields = batch.result(
            prompt.index, str(prompt.id), model, count, completion, made_with
        )
    else:
        fields = {
            "index": prompt.index,
            **({} if prompt.id is None else {"id": prompt.id}),
            "prompt": prompt.text,
            "text": completion.text,
            "end": completion.end,
            "tokens": len(completion.ids),
            "made_with": made_with,
        }
    return json.dumps(fields).encode() + b"\n"
