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
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

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
from gpt2.terminal import messages, moving, preparing, refusing

if TYPE_CHECKING:
    from gpt2.checkpoint import Checkpoint
    from gpt2.generation import Step
    from gpt2.model import Model

NAMES = Path(__file__).parent.parent / "models" / "names"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run GPT-2: the model of the twelve steps with real weights."""


# --- generate ----------------------------------------------------------------------


@main.command(cls=options.Command)
@click.argument("prompt", default="")
@options.model
@options.whose
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
    wanted = SimpleNamespace(**given)
    wanted.stop, wanted.stop_tokens = list(wanted.stop), list(wanted.stop_tokens)
    options.refuse_contradictions(wanted)
    with refusing():
        if "" in wanted.stop:
            raise ValueError("--stop is empty: give it a text, or leave it out")
        decoding = Decoding(
            temperature=wanted.temperature,
            top_k=wanted.top_k,
            top_p=wanted.top_p,
            min_p=wanted.min_p,
            repetition_penalty=wanted.repetition_penalty,
            do_sample=not wanted.greedy,
        )
        wanted.prompt = from_stdin(wanted.prompt)
        if wanted.trace_json and wanted.trace_json.exists():
            there = f"{wanted.trace_json} is there already"
            raise ValueError(f"--trace-json: {there}, choose another file")
    if wanted.prompts is not None:
        continue_file(wanted, decoding)
    elif wanted.num_beams is not None:
        search(wanted)
    elif wanted.room_name == "steps":
        write_with_steps(wanted, decoding)
    else:
        write(wanted, decoding)


def write(wanted: SimpleNamespace, decoding: Decoding) -> None:
    """Writes samples of one text, as one batch."""
    seed = new_seed() if wanted.seed is None else wanted.seed
    start = time.perf_counter()
    model = open_model(wanted)
    prepared = time.perf_counter()
    with contextlib.ExitStack() as opened:
        prompts = [wanted.prompt] * wanted.samples
        steps = model.steps(prompts, decoding, seed=seed, **ends(wanted))
        if wanted.trace or wanted.trace_json:
            from gpt2.trace import traced

            file = None
            if wanted.trace_json:
                with refusing():
                    file = opened.enter_context(open(wanted.trace_json, "x"))
            console = messages if wanted.trace else None
            tokenizer = model.checkpoint.tokenizer
            steps = traced(steps, decoding, tokenizer, console=console, file=file)
        with refusing():
            tokens = show_texts(prompts, steps, streamed=not wanted.trace)
    summarize(tokens, start, prepared, drawn(decoding, seed))


def show_texts(prompts: list[str], steps: "Iterator[Step]", *, streamed: bool) -> int:
    """Writes prompts and texts to stdout; returns the number of tokens.

    Streamed, the first text is shown while it comes, and the others follow.
    """
    texts = [""] * len(prompts)
    tokens = 0
    if streamed:
        show_prompt(prompts[0])
    with contextlib.ExitStack() as waiting:
        for tokens, step in enumerate(steps, start=1):  # noqa: B007 (used outside)
            texts[step.row] += step.text
            if streamed and step.row == 0:
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


EARLY_STOPPING: dict[str, bool | Literal["never"]]
EARLY_STOPPING = {"no": False, "yes": True, "never": "never"}


def search(wanted: SimpleNamespace) -> None:
    """Writes the likeliest texts that a beam search finds, and their scores."""
    with refusing():
        beams = BeamSearch(
            wanted.num_beams,
            num_return_sequences=wanted.num_return_sequences,
            length_penalty=wanted.length_penalty,
            early_stopping=EARLY_STOPPING[wanted.early_stopping],
        )
    start = time.perf_counter()
    checkpoint = read_checkpoint(wanted)
    with refusing():
        from gpt2.model import encode, stop_ids

        ids = encode(checkpoint, wanted.prompt)
        stops = stop_ids(checkpoint, wanted.stop_tokens)
        beams.check(checkpoint.config, ids, wanted.max_new_tokens, stops)
    model = prepare(wanted, checkpoint)
    prepared = time.perf_counter()
    with moving("searching"):
        found = model.search(
            wanted.prompt,
            beams,
            max_new_tokens=wanted.max_new_tokens,
            stop_tokens=wanted.stop_tokens,
        )
    for rank, (text, _) in enumerate(found):
        if rank > 0:
            click.echo("---")
        show_prompt(wanted.prompt)
        click.echo(text)
    seconds = time.perf_counter() - prepared
    scores = ", ".join(f"{score:.3f}" for _, score in found)
    messages.print(
        f"[dim]{wanted.num_beams} beams in {seconds:.1f} s; score {scores}; "
        f"preparing took {prepared - start:.1f} s[/]"
    )


# What a text follows from, beside its prompt; the rest is only how fast it comes.
MADE_WITH = (
    "model revision precision "
    "temperature top_k top_p min_p repetition_penalty greedy seed "
    "max_new_tokens stop stop_tokens stop_at_limit"
).split()


def continue_file(wanted: SimpleNamespace, decoding: Decoding) -> None:
    """Continues each prompt of a file that has no text yet in the other file."""
    start = time.perf_counter()
    with moving("reading the files"), refusing():
        from gpt2 import jobs

        prompts = jobs.read_prompts(wanted.prompts)
        results = jobs.read_results(wanted.out)
        seed = results.seed if wanted.seed is None else wanted.seed
        wanted.seed = new_seed() if seed is None else seed
        if Path(wanted.model).is_dir():  # one folder has many spellings
            wanted.model = str(Path(wanted.model).resolve())
        made_with = {name: getattr(wanted, name) for name in MADE_WITH}
        jobs.check_results(results, prompts, made_with, wanted.out, wanted.prompts)
    checkpoint = read_checkpoint(wanted)
    with refusing():
        jobs.check_prompts(prompts, checkpoint, wanted.prompts)
    done = len(results.lines)
    with refusing(), jobs.only_writer(wanted.out, results) as file:
        if done:
            there = f"{done} of {len(prompts)} are in {wanted.out}"
            messages.print(there, soft_wrap=True, markup=False)
        if done == len(prompts):
            return
        model = prepare(wanted, checkpoint)
        prepared = time.perf_counter()
        batches = jobs.complete(
            model,
            prompts,
            decoding,
            seed=wanted.seed,
            done=done,
            batch_size=wanted.batch_size,
            made_with=made_with,
            file=file,
            **ends(wanted),
        )
        tokens = 0
        columns = SpinnerColumn(), BarColumn(), MofNCompleteColumn(), Elapsed()
        still = not messages.is_terminal
        with Progress(*columns, console=messages, disable=still) as progress:
            bar = progress.add_task("", total=len(prompts), completed=done)
            for completions in batches:
                progress.advance(bar, len(completions))
                tokens += sum(len(completion.ids) for completion in completions)
    summarize(tokens, start, prepared, drawn(decoding, wanted.seed))


def write_with_steps(wanted: SimpleNamespace, decoding: Decoding) -> None:
    """Writes samples with the learner's own model and loop, one after the other."""
    seed = new_seed() if wanted.seed is None else wanted.seed
    start = time.perf_counter()
    checkpoint = read_checkpoint(wanted)
    with refusing():
        from gpt2 import uncached
        from gpt2.model import encode
        from gpt2.text import stream_text

        prompt_ids = encode(checkpoint, wanted.prompt)
    tokens = 0

    def counted(ids: Iterator[int]) -> Iterator[int]:
        nonlocal tokens
        for token in ids:
            tokens += 1
            yield token

    with uncached.learners_code():
        room = uncached.open_steps("steps", wanted.strict)
        with preparing("a minute or two"):
            logits = uncached.build_model(room, checkpoint, compiled=False)
        prepared = time.perf_counter()
        for row, rng in enumerate(generators(seed, wanted.samples)):
            ids = uncached.step_12(
                room,
                logits,
                checkpoint,
                prompt_ids,
                rng,
                max_new_tokens=wanted.max_new_tokens,
                temperature=wanted.temperature,
                do_sample=not wanted.greedy,
            )
            if row > 0:
                click.echo("---")
            show_prompt(wanted.prompt)
            for piece in stream_text(
                checkpoint.tokenizer, counted(ids), stop=wanted.stop
            ):
                click.echo(piece, nl=False)
            click.echo()
    summarize(tokens, start, prepared, drawn(decoding, seed))


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
    wanted = SimpleNamespace(**given, no_cache=False, stop_tokens=[])
    wanted.prompt = from_stdin(wanted.prompt)
    seed = new_seed() if wanted.seed is None else wanted.seed
    model = open_model(wanted)
    table = Table(box=box.HORIZONTALS, show_lines=True, pad_edge=False)
    table.add_column("strategy", no_wrap=True)
    table.add_column("text")
    table.add_column("log p", justify="right", no_wrap=True)
    count = wanted.max_new_tokens
    for name, strategy in STRATEGIES.items():
        with moving(f"writing with {name}"):
            if isinstance(strategy, BeamSearch):
                found = model.search(wanted.prompt, strategy, max_new_tokens=count)
                text, score = found[0]
            else:
                completion = model.generate(
                    wanted.prompt, strategy, max_new_tokens=count, seed=seed
                )
                text, score = completion.text, float(np.mean(completion.logprobs))
        table.add_row(name, Text(text.strip()), f"{score:.2f}")
    show_prompt(f"{wanted.prompt}\n")
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
    with preparing("half a minute"), refusing():
        model = load(NAMES)
    with gzip.open(NAMES / "trained_on.txt.gz", "rt") as file:
        known = set(file.read().split())
    messages.print(f"[dim]{'name':<16} in the list the model was trained on?[/]")
    n_positions = model.checkpoint.config.n_positions
    rngs = generators(seed, count)
    for first in range(0, count, BATCH):
        batch = rngs[first : first + BATCH]
        steps = model.steps(
            [""] * len(batch), decoding, rngs=batch, max_new_tokens=n_positions
        )
        if trace:
            from gpt2.trace import traced

            tokenizer = model.checkpoint.tokenizer
            steps = traced(steps, decoding, tokenizer, console=messages)
        invented = [""] * len(batch)
        for step in steps:
            invented[step.row] += step.text
        for name in invented:
            click.echo(f"{name:<16} {'known' if name in known else 'new'}")
    messages.print(f"[dim]{drawn(decoding, seed)}[/]")


# --- What they share ---------------------------------------------------------------


def from_stdin(prompt: str) -> str:
    """The prompt, or what stdin holds where it is -."""
    if prompt != "-":
        return prompt
    with refusing():
        if sys.stdin is None:
            raise ValueError("stdin is closed: give a prompt")
        return sys.stdin.buffer.read().decode()


def new_seed() -> int:
    """A seed that nobody chose, short enough to type."""
    return int(np.random.default_rng().integers(100_000))


def ends(wanted: SimpleNamespace) -> dict[str, Any]:
    """Where a text ends, as `Model.steps` takes it."""
    return {
        "max_new_tokens": wanted.max_new_tokens,
        "stop": wanted.stop,
        "stop_tokens": wanted.stop_tokens,
        "stop_at_limit": wanted.stop_at_limit,
    }


def open_model(wanted: SimpleNamespace) -> "Model":
    """As `prepare`, once it is sure that the model can read the prompt."""
    checkpoint = read_checkpoint(wanted)
    with refusing():
        from gpt2.model import encode

        encode(checkpoint, wanted.prompt)
    return prepare(wanted, checkpoint)


def read_checkpoint(wanted: SimpleNamespace) -> "Checkpoint":
    """Everything but the engine, to see first whether it can do what is wanted."""
    with moving("reading the model"), refusing():
        from gpt2.checkpoint import load_checkpoint
        from gpt2.model import stop_ids

        checkpoint = load_checkpoint(wanted.model, revision=wanted.revision)
        stop_ids(checkpoint, wanted.stop_tokens)
        return checkpoint


def prepare(wanted: SimpleNamespace, checkpoint: "Checkpoint") -> "Model":
    """The model with its engine."""
    from gpt2.engine import Engine
    from gpt2.generation import AnyEngine
    from gpt2.model import Model

    engine: AnyEngine
    if wanted.no_cache:
        from gpt2.naive import NaiveEngine
        from gpt2.uncached import build_model, open_steps

        room = open_steps("solutions", strict=False)
        with preparing("3 minutes"):
            logits = build_model(room, checkpoint, compiled=True)
        engine = NaiveEngine(checkpoint.config, logits)
    else:
        with preparing("half a minute"), refusing():
            engine = Engine(
                checkpoint.config,
                checkpoint.weights,
                precision=wanted.precision,
                device=wanted.device,
            )
    return Model(checkpoint, engine)


def show_prompt(prompt: str) -> None:
    """On a terminal the prompt stands apart: bold, and what is generated is not."""
    click.secho(prompt, nl=False, bold=True)


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
