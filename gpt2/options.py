"""The options of the command line, under the headings of `generate --help`, and the
request that they make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from gpt2 import PRECISIONS
from gpt2.beam import BeamSearch
from gpt2.decoding import Decoding
from gpt2.terminal import BadInput, check_folder

SHAKESPEARE = Path(__file__).parent.parent / "models" / "shakespeare"

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Option(click.Option):
    """An option that stands under a heading of --help."""

    def __init__(self, *words: Any, heading: str, **how: Any) -> None:
        super().__init__(*words, **how)
        self.heading = heading


class Command(click.Command):
    """A command whose --help has headings."""

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        headings: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option):
                title = getattr(param, "heading", "Help")
                record = param.get_help_record(ctx) or ("", "")
                headings.setdefault(title, []).append(record)
        for title, records in headings.items():
            with formatter.section(title):
                formatter.write_dl(records)


def option(heading: str, *words: Any, **how: Any) -> Decorator:
    """`click.option`, under a heading."""
    return click.option(*words, cls=Option, heading=heading, **how)


def together(*options: Decorator) -> Decorator:
    """Several options as one decorator."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


# --- Model -------------------------------------------------------------------------

MODEL = "The model"
weights = together(
    option(
        MODEL,
        "--model",
        default=str(SHAKESPEARE),
        help="A folder, or a model of the hub: openai-community/gpt2.  "
        "Default: models/shakespeare.",
    ),
    option(MODEL, "--revision", help="Branch, tag or commit of a hub model."),
    option(
        MODEL,
        "--precision",
        type=click.Choice(PRECISIONS),
        default="float32",
        show_default=True,
        help="How weights are kept: fewer bytes are faster, and less exact.",
    ),
)
model = together(
    weights,
    option(
        MODEL,
        "--device",
        type=click.Choice(["cpu", "gpu"]),
        default="cpu",
        show_default=True,
        help="Where the model runs.",
    ),
)
whose = option(
    MODEL,
    "--from",
    "whose",
    type=click.Choice(["steps", "solutions"]),
    default="solutions",
    show_default=True,
    help="Whose twelve files: your own from steps/, or the reference.",
)
strict = option(
    MODEL,
    "--strict",
    is_flag=True,
    help="With --from steps: refuse if a step is still to be written.",
)
how = together(
    option(
        MODEL,
        "--eager",
        is_flag=True,
        help="Run the twelve files as they are, without the engine: slow, and the same "
        "text.",
    ),
    strict,
    option(
        MODEL,
        "--no-draft",
        "draft",
        is_flag=True,
        flag_value=False,
        default=True,
        help="Do not guess what comes next from the text so far, to read several "
        "tokens at once: the same text, later.",
    ),
)

# --- Decoding ----------------------------------------------------------------------

CHOOSING = "How each token is chosen"


def temperature(default: float) -> Decorator:
    return option(
        CHOOSING,
        "--temperature",
        type=float,
        default=default,
        show_default=True,
        help="Below 1 is bolder about the likely, above 1 wilder; 0 is greedy.",
    )


def seed(repeated: str) -> Decorator:
    return option(
        CHOOSING,
        "--seed",
        type=click.IntRange(min=0),
        help=f"Repeats the same {repeated}; chosen and shown if left out.",
    )


choosing = together(
    temperature(0.8),
    option(
        CHOOSING,
        "--top-k",
        type=int,
        default=0,
        help="Draw only among this many of the likeliest.",
    ),
    option(
        CHOOSING,
        "--top-p",
        type=float,
        default=1.0,
        help="Draw only among the likeliest that together have this probability.",
    ),
    option(
        CHOOSING,
        "--min-p",
        type=float,
        default=0.0,
        help="Draw only among those this many times as likely as the likeliest.",
    ),
    option(
        CHOOSING,
        "--repetition-penalty",
        type=float,
        default=1.0,
        help="Above 1 makes tokens that the text contains less likely.",
    ),
    option(CHOOSING, "--greedy", is_flag=True, help="Always take the likeliest token."),
    seed("text"),
)

# --- Ending ------------------------------------------------------------------------

ENDING = "Where a text ends"


def max_new_tokens(default: int, least: int) -> Decorator:
    return option(
        ENDING,
        "--max-new-tokens",
        type=click.IntRange(min=least),
        default=default,
        show_default=True,
        help="How many tokens to add at most.",
    )


class Token(click.ParamType[str | int]):
    """A token's id, or its text, in which \\n and \\t stand for what they mean."""

    name = "token"

    def convert(self, value: Any, param: Any, ctx: Any) -> str | int:
        if isinstance(value, int) or value.isdecimal():
            return int(value)
        return str(value).replace(r"\n", "\n").replace(r"\t", "\t")


ending = together(
    max_new_tokens(200, least=0),
    option(
        ENDING,
        "--stop",
        multiple=True,
        help="End before this text; may be given several times.",
    ),
    option(
        ENDING,
        "--stop-token",
        "stop_tokens",
        type=Token(),
        multiple=True,
        help=r"End before this token: its text, such as \n, or its id; may be given "
        "several times.",
    ),
    option(
        ENDING,
        "--full-context",
        type=click.Choice(["slide", "drop", "stop"]),
        default="slide",
        show_default=True,
        help="When the context is full: let it slide as step 12 does, so that every "
        "further token reads it anew; drop its oldest quarter and read the rest anew, "
        "once, which is far faster and another text; or stop.",
    ),
)

# --- Beam search -------------------------------------------------------------------

SEARCHING = "Searching instead of drawing"
beams = together(
    option(
        SEARCHING,
        "--beams",
        "num_beams",
        type=int,
        help="Search for the likeliest text, with this many beside each other.",
    ),
    option(
        SEARCHING,
        "--length-penalty",
        type=float,
        default=1.0,
        show_default=True,
        help="Above 0 favours long texts, below 0 short ones.",
    ),
    option(
        SEARCHING,
        "--early-stopping",
        type=click.Choice(["no", "yes", "never"]),
        default="no",
        show_default=True,
        help="Once that many texts have ended, stop at once (yes), when no better one "
        "is likely (no), or when none is possible (never).",
    ),
    option(
        SEARCHING,
        "--return",
        "num_return_sequences",
        type=int,
        default=1,
        show_default=True,
        help="How many of the texts to show, the best first.",
    ),
)

# --- Many texts --------------------------------------------------------------------

MANY = "Many texts"
many = together(
    option(
        MANY,
        "--samples",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="How many texts to write, side by side in one batch.",
    ),
    option(
        MANY,
        "--prompts",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help='Continue each line of this file: {"prompt": "ROMEO:", "id": 1}; a line '
        'may have a "max_new_tokens" of its own.  Or OpenAI\'s batch lines, for '
        "/v1/completions: what is in a body counts for its line.",
    ),
    option(
        MANY,
        "--out",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        callback=check_folder,
        metavar="FILE",
        help="With --prompts: where the texts go, a line of JSON for each.  After an "
        "interruption, the same command goes on.",
    ),
    option(
        MANY,
        "--batch-size",
        type=click.IntRange(min=1),
        default=8,
        show_default=True,
        help="With --prompts: how many to continue at once.  When one has ended, the "
        "next begins.",
    ),
    option(
        MANY,
        "--on",
        type=click.Choice(["ray"]),
        help="With --prompts: where to do it.  On Ray, several engines share the work, "
        "here or on a cluster: the same texts.  Ray has an environment of its own, "
        "which is made once.",
    ),
    option(
        MANY,
        "--ray-address",
        metavar="HOST:PORT",
        help="With --on ray: the cluster.  Each of its machines needs this repository "
        "and the model at the same place.  Default: one that is started here, and ends "
        "with the command.",
    ),
    option(
        MANY,
        "--engines",
        type=click.IntRange(min=1),
        help="With --on ray: how many, each in a process of its own.  Default: one for "
        "each machine.",
    ),
)

# --- Trace -------------------------------------------------------------------------

INSIDE = "A look inside"
trace = option(
    INSIDE,
    "--trace",
    is_flag=True,
    help="Show for each token what could have come, what was removed, what came.",
)
trace_json = option(
    INSIDE,
    "--trace-json",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=check_folder,
    metavar="FILE",
    help="Write the same into a file, a line of JSON for each token.",
)


# --- Request -----------------------------------------------------------------------


@dataclass
class Request:
    """What a command is asked for; each field is the option of its name.

    Attributes:
        whose: `--from`.
        draft: Unless there is `--no-draft`.
        num_beams: `--beams`; None where nothing is searched for.
        num_return_sequences: `--return`.
    """

    prompt: str
    max_new_tokens: int
    seed: int | None
    # The model
    model: str
    revision: str | None
    precision: str
    device: str
    whose: str = "solutions"
    eager: bool = False
    strict: bool = False
    draft: bool = True
    # How each token is chosen
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    greedy: bool = False
    # Where a text ends
    stop: Sequence[str] = ()
    stop_tokens: Sequence[str | int] = ()
    full_context: str = "slide"
    # Searching instead of drawing
    num_beams: int | None = None
    length_penalty: float = 1.0
    early_stopping: str = "no"
    num_return_sequences: int = 1
    # Many texts
    samples: int = 1
    prompts: Path | None = None
    out: Path | None = None
    batch_size: int = 8
    on: str | None = None
    ray_address: str | None = None
    engines: int | None = None
    # A look inside
    trace: bool = False
    trace_json: Path | None = None

    def __post_init__(self) -> None:
        self.stop, self.stop_tokens = list(self.stop), list(self.stop_tokens)

    def check(self) -> None:
        """Whether each option keeps its rule.

        Raises:
            ValueError: If one does not.
        """
        self.decoding()
        self.beams()
        if "" in self.stop:
            raise ValueError("--stop is empty: give it a text, or leave it out")
        if self.trace_json and self.trace_json.exists():
            there = f"{self.trace_json} is there already"
            raise ValueError(f"--trace-json: {there}, choose another file")

    def decoding(self) -> Decoding:
        """How each token is chosen."""
        return Decoding(
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
            do_sample=not self.greedy,
        )

    def beams(self) -> BeamSearch:
        """How the likeliest texts are searched for."""
        early = {"no": False, "yes": True, "never": "never"}
        return BeamSearch(
            1 if self.num_beams is None else self.num_beams,
            num_return_sequences=self.num_return_sequences,
            length_penalty=self.length_penalty,
            early_stopping=early[self.early_stopping],  # type: ignore[arg-type]
        )

    def ending(self) -> dict[str, Any]:
        """Where a text ends, as `Pipeline.steps` takes it."""
        names = ("max_new_tokens", "stop", "stop_tokens", "full_context")
        return {name: getattr(self, name) for name in names}

    def beyond_step_12(self) -> list[str]:
        """The options that are given, and that step 12's loop does not know."""
        known = {
            "--top-k": self.top_k != 0,
            "--top-p": self.top_p != 1,
            "--min-p": self.min_p != 0,
            "--repetition-penalty": self.repetition_penalty != 1,
            "--stop": bool(self.stop),
            "--stop-token": bool(self.stop_tokens),
            "--full-context": self.full_context != "slide",
            "--beams": self.num_beams is not None,
            "--prompts": self.prompts is not None,
            "--trace": self.trace,
            "--trace-json": self.trace_json is not None,
        }
        return [option for option, given in known.items() if given]


def refuse_contradictions(request: Request) -> None:
    """Refuses options of `generate` that would have to be ignored.

    Several samples of what is not drawn would be one text, several times.
    """
    ctx = click.get_current_context()
    spelled = {param.name: param.opts[0] for param in ctx.command.params}
    spelled["prompt"] = "PROMPT"
    given = {
        name
        for name in ctx.params
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    filters = ["top_k", "top_p", "min_p"]
    draws = ["greedy", "temperature", *filters, "repetition_penalty", "seed"]
    search = ["length_penalty", "early_stopping", "num_return_sequences"]
    looks = ["trace", "trace_json"]
    is_own = request.whose == "steps"
    is_search = request.num_beams is not None
    is_file = request.prompts is not None

    excluded = [
        (request.greedy, "--greedy", ["temperature", *filters, "samples"]),
        (request.temperature == 0, "--temperature 0", [*filters, "samples"]),
        (request.device != "cpu", f"--device {request.device}", ["eager", "on"]),
        (
            is_search,
            "--beams",
            [*draws, "stop", "full_context", "samples", "prompts", *looks],
        ),
        (is_file, "--prompts", ["prompt", "samples", *looks]),
    ]
    for there, one, names in excluded:
        for name in names:
            if there and name in given:
                other = spelled[name]
                raise BadInput(f"{one} and {other} exclude each other: leave one out")
    needed = [
        (is_own, "--from steps", ["strict"]),
        (is_search, "--beams", search),
        (is_file, "--prompts", ["out", "batch_size", "on"]),
        (request.on == "ray", "--on ray", ["ray_address", "engines"]),
        (request.out is not None, "--out", ["prompts"]),
    ]
    for there, one, names in needed:
        for name in names:
            if not there and name in given:
                raise BadInput(f"{spelled[name]} needs {one} beside it")
