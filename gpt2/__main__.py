"""The command line: `python -m gpt2 generate`, `compare` and `names`.

Text goes to stdout, everything else to stderr, so that a pipe gets the text alone.
MAX takes a second to import, so that waits until there is work for it.
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import contextlib
import gzip
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn
from rich.progress import TimeElapsedColumn as Elapsed
from rich.table import Table
from rich.text import Text

from gpt2 import load, options
from gpt2.beam import BeamSearch
from gpt2.decoding import Decoding, generators
from gpt2.learner import text_of
from gpt2.options import Request
from gpt2.preparation import (
    open_pipeline,
    open_steps,
    prepare,
    prepare_for_step_12,
    read_checkpoint,
)
from gpt2.terminal import learners_lines, messages, moving, preparing, refusing

if TYPE_CHECKING:
    from gpt2.generation import Step

NAMES = Path(__file__).parent.parent / "models" / "names"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run GPT-2: the model of the twelve steps with real weights."""


# --- generate ----------------------------------------------------------------------


@main.command(cls=options.Command)
@click.argument("prompt", default="")
@options.model
@options.whose
@options.how
@options.choosing
@options.ending
@options.beams
@options.many
@options.trace
@options.trace_json
def generate(**given: Any) -> None:
    """Continue a text, token by token.

    Without PROMPT, the model starts from nothing.  If it is -, it is read from stdin.
    """
    request = Request(**given)
    options.refuse_contradictions(request)
    with refusing():
        request.check()
        request.prompt = from_stdin(request.prompt)
    if request.prompts is not None:
        continue_file(request)
    elif request.num_beams is not None:
        search(request)
    elif request.whose == "steps" and not request.beyond_step_12():
        write_with_step_12(request)
    else:
        write(request)


def write(request: Request) -> None:
    """Writes samples of one text, as one batch."""
    seed = new_seed() if request.seed is None else request.seed
    decoding = request.decoding()
    start = time.perf_counter()
    pipeline = open_pipeline(request)
    prepared = time.perf_counter()
    with contextlib.ExitStack() as opened:
        prompts = [request.prompt] * request.samples
        with refusing():
            how = {"seed": seed, "draft": request.draft, **request.ending()}
            steps = pipeline.steps(prompts, decoding, **how)
        if request.trace or request.trace_json:
            from gpt2.trace import traced

            file = None
            if request.trace_json:
                with refusing():
                    file = opened.enter_context(open(request.trace_json, "x"))
            console = messages if request.trace else None
            tokenizer = pipeline.checkpoint.tokenizer
            steps = traced(steps, decoding, tokenizer, console=console, file=file)
        with learners_lines(request.whose):
            tokens = show_texts(prompts, steps, streamed=not request.trace)
    summarize(tokens, start, prepared, drawn(decoding, seed))


def show_texts(
    prompts: Sequence[str], steps: "Iterator[Step]", *, streamed: bool
) -> int:
    """Writes prompts and texts to stdout; returns the number of tokens.

    Streamed, the first text is shown while it comes, and the others follow.
    """
    texts = [""] * len(prompts)
    tokens = 0
    if streamed:
        show_prompt(prompts[0])
    with contextlib.ExitStack() as waiting:
        for tokens, step in enumerate(steps, start=1):  # noqa: B007 (used outside)
            texts[step.index] += step.text
            if streamed and step.index == 0:
                click.echo(step.text, nl=step.end is not None)
                if step.end and len(texts) > 1:
                    waiting.enter_context(moving("writing the other texts"))
    if streamed and tokens == 0:
        click.echo()
    for row, text in enumerate(texts):
        if row > 0:
            click.echo("---")
        if row > 0 or not streamed:
            show_prompt(prompts[row])
            click.echo(text)
    return tokens


def search(request: Request) -> None:
    """Writes the likeliest texts that a beam search finds, and their scores."""
    start = time.perf_counter()
    checkpoint = read_checkpoint(request)
    with refusing():
        from gpt2.text import encode, stop_ids

        beams = request.beams()
        ids = encode(checkpoint, request.prompt)
        stops = stop_ids(checkpoint, request.stop_tokens)
        beams.check(checkpoint.config, ids, request.max_new_tokens, stops)
    pipeline = prepare(request, checkpoint)
    prepared = time.perf_counter()
    with moving("searching"), learners_lines(request.whose):
        found = pipeline.search(
            request.prompt,
            beams,
            max_new_tokens=request.max_new_tokens,
            stop_tokens=request.stop_tokens,
        )
    for rank, (text, _) in enumerate(found):
        if rank > 0:
            click.echo("---")
        show_prompt(request.prompt)
        click.echo(text)
    seconds = time.perf_counter() - prepared
    scores = ", ".join(f"{score:.3f}" for _, score in found)
    messages.print(
        f"[dim]{request.num_beams} beams in {seconds:.1f} s; score {scores}; "
        f"preparing took {prepared - start:.1f} s[/]"
    )


# What a text follows from, beside its prompt; the rest is only how fast it comes.
MADE_WITH = (
    "model revision precision "
    "temperature top_k top_p min_p repetition_penalty greedy seed "
    "max_new_tokens stop stop_tokens full_context"
).split()


def continue_file(request: Request) -> None:
    """Continues each prompt of a file that has no text yet in the other file."""
    assert request.prompts is not None and request.out is not None
    if request.on == "ray":
        from gpt2 import on_ray

        on_ray.begin(request.ray_address)
    start = time.perf_counter()
    with moving("reading the files"), refusing():
        from gpt2 import jobs

        prompts = jobs.read_prompts(request.prompts)
        results = jobs.read_results(request.out)
        jobs.check_models(prompts, request.model, request.prompts)
        seed = results.seed(prompts) if request.seed is None else request.seed
        request.seed = new_seed() if seed is None else seed
        if Path(request.model).is_dir():  # one folder has many spellings
            request.model = str(Path(request.model).resolve())
        made_with = {name: getattr(request, name) for name in MADE_WITH}
        if request.whose == "steps":
            made_with["steps"] = crc32(text_of("steps").encode())
        jobs.check_results(results, prompts, made_with, request.out, request.prompts)
    checkpoint = read_checkpoint(request)
    with refusing():
        counts = jobs.count_tokens(prompts, checkpoint, request.prompts)
    done = len(results.lines)
    with contextlib.ExitStack() as opened:
        with refusing():
            file = opened.enter_context(jobs.only_writer(request.out, results))
        if done:
            there = f"{done} of {len(prompts)} are in {request.out}"
            messages.print(there, soft_wrap=True, markup=False)
        if done == len(prompts):
            return
        waiting = prompts[done:]
        # On Ray as well: what an engine would stumble over is said here, and what MAX
        # has compiled for this one need not be compiled for the others.
        pipeline = prepare(request, checkpoint)
        if request.on == "ray":
            del pipeline
            with moving("starting Ray"):
                where = on_ray.cluster(request.ray_address, request.engines)
                engines = opened.enter_context(where)
            steps = made_with.get("steps")
            texts = on_ray.complete(waiting, request, steps, engines)
        else:
            texts = jobs.complete(pipeline, waiting, request)
        prepared = time.perf_counter()
        tokens = 0
        columns = SpinnerColumn(), BarColumn(), MofNCompleteColumn(), Elapsed()
        still = not messages.is_terminal
        with (
            Progress(*columns, console=messages, disable=still) as progress,
            learners_lines(request.whose),
        ):
            bar = progress.add_task("", total=len(prompts), completed=done)
            for text in jobs.write(file, waiting, counts[done:], texts, made_with):
                progress.advance(bar)
                tokens += len(text.ids)
    summarize(tokens, start, prepared, drawn(request.decoding(), request.seed))


def write_with_step_12(request: Request) -> None:
    """Writes samples with the loop of step 12, one after the other."""
    seed = new_seed() if request.seed is None else request.seed
    start = time.perf_counter()
    checkpoint = read_checkpoint(request)
    with refusing():
        from gpt2.text import TextStream, encode

        prompt_ids = encode(checkpoint, request.prompt)
    steps = open_steps(request.whose, strict=request.strict)
    model = prepare_for_step_12(request, checkpoint, steps)
    prepared = time.perf_counter()
    from gpt2 import step_12

    tokens = 0
    for row, rng in enumerate(generators(seed, request.samples)):
        if row > 0:
            click.echo("---")
        show_prompt(request.prompt)
        stream = TextStream(checkpoint.tokenizer)

        def show(token: int, stream: TextStream = stream) -> None:
            nonlocal tokens
            tokens += 1
            click.echo(stream.push(token), nl=False)

        with learners_lines(request.whose):
            step_12.write(
                steps,
                model,
                prompt_ids,
                checkpoint.config,
                max_new_tokens=request.max_new_tokens,
                temperature=request.temperature,
                do_sample=not request.greedy,
                rng=rng,
                stop_token=checkpoint.boundary,
                show=show,
            )
        click.echo(stream.flush())
    summarize(tokens, start, prepared, drawn(request.decoding(), seed))


# --- compare -----------------------------------------------------------------------

STRATEGIES: dict[str, Decoding | BeamSearch] = {
    "greedy": Decoding(do_sample=False),
    "temperature 0.7": Decoding(temperature=0.7),
    "temperature 1.0": Decoding(),
    "top-k 40": Decoding(top_k=40),
    "top-p 0.9": Decoding(top_p=0.9),
    "min-p 0.05": Decoding(min_p=0.05),
    "beam 4": BeamSearch(4),
}


@main.command(cls=options.Command)
@click.argument("prompt", default="")
@options.model
@options.seed("texts")
@options.max_new_tokens(40, least=1)
def compare(**given: Any) -> None:
    """Continue one text in several ways, side by side.

    The ways that draw all begin with the same seed.
    """
    request = Request(**given)
    with refusing():
        request.prompt = from_stdin(request.prompt)
    seed = new_seed() if request.seed is None else request.seed
    pipeline = open_pipeline(request)
    table = Table(box=box.HORIZONTALS, show_lines=True, pad_edge=False)
    table.add_column("strategy", no_wrap=True)
    table.add_column("text")
    table.add_column("log p", justify="right", no_wrap=True)
    count = request.max_new_tokens
    for name, strategy in STRATEGIES.items():
        with moving(f"writing with {name}"):
            if isinstance(strategy, BeamSearch):
                found = pipeline.search(request.prompt, strategy, max_new_tokens=count)
                text, score = found[0]
            else:
                completion = pipeline.generate(
                    request.prompt,
                    strategy,
                    max_new_tokens=count,
                    seed=seed,
                    logprobs=True,
                )
                text, score = completion.text, float(np.mean(completion.logprobs))
        table.add_row(name, Text(text.strip()), f"{score:.2f}")
    show_prompt(f"{request.prompt}\n")
    Console(highlight=False).print(table)
    messages.print(
        "[dim]log p: how likely the model finds the text, as the mean log-probability "
        f"of its tokens; seed {seed}[/]"
    )


# --- names -------------------------------------------------------------------------

BATCH = 100  # names that grow beside each other


@main.command(cls=options.Command)
@options.temperature(0.5)
@options.seed("names")
@options.option(
    options.MANY,
    "--count",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many names to invent.",
)
@options.trace
def names(count: int, temperature: float, seed: int | None, trace: bool) -> None:
    """Invent names, letter by letter.

    The model has 4,000 parameters and reads one letter as one token.

    Each begins with the boundary token alone and ends where the model draws it again.
    """
    seed = new_seed() if seed is None else seed
    with refusing():
        decoding = Decoding(temperature=temperature)
        if decoding.is_greedy and count > 1:
            always = "--temperature 0 invents the same name every time"
            raise ValueError(f"{always}: give --count 1 beside it, or leave it out")
    with preparing("seconds, half a minute the first time on a machine"):
        pipeline = load(NAMES)
    with gzip.open(NAMES / "trained_on.txt.gz", "rt") as file:
        known = set(file.read().split())
    messages.print(f"[dim]{'name':<16} in the list the model was trained on?[/]")
    n_positions = pipeline.checkpoint.config.n_positions
    prompts = [""] * count
    steps = pipeline.steps(
        prompts, decoding, seed=seed, max_new_tokens=n_positions, batch_size=BATCH
    )
    if trace:
        from gpt2.trace import traced

        tokenizer = pipeline.checkpoint.tokenizer
        steps = traced(steps, decoding, tokenizer, console=messages)
    from gpt2.pipeline import completions

    for name in completions(prompts, steps):
        click.echo(f"{name.text:<16} {'known' if name.text in known else 'new'}")
    messages.print(f"[dim]{drawn(decoding, seed)}[/]")


# --- Input and output --------------------------------------------------------------


def from_stdin(prompt: str) -> str:
    """The prompt, or what stdin holds where it is -.

    Raises:
        ValueError: If that cannot be read.
    """
    if prompt != "-":
        return prompt
    if sys.stdin is None:
        raise ValueError("stdin is closed: give a prompt")
    return sys.stdin.buffer.read().decode()


def show_prompt(prompt: str) -> None:
    """On a terminal the prompt stands apart: bold, and what is generated is not."""
    click.secho(prompt, nl=False, bold=True)


def new_seed() -> int:
    """A seed that nobody chose, short enough to type."""
    return int(np.random.default_rng().integers(100_000))


def drawn(decoding: Decoding, seed: int) -> str:
    return "greedy" if decoding.is_greedy else f"seed {seed}"


def summarize(tokens: int, start: float, prepared: float, how: str) -> None:
    """The last line: how fast it was, and how to do it again."""
    seconds = time.perf_counter() - prepared
    messages.print(
        f"[dim]{tokens} tokens in {seconds:.1f} s: {tokens / seconds:.1f} tokens/s; "
        f"{how}; preparing took {prepared - start:.1f} s[/]"
    )


if __name__ == "__main__":
    process.run(main, "./run")
