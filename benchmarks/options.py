"""Options that `ladder` and `context` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gpt2.terminal import check_folder


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--model` and `--random` to a command."""
    command = click.option(
        "--random",
        type=click.Choice(["124M"]),
        help="Random weights of this size instead: nothing is downloaded.",
    )(command)
    return click.option(
        "--model",
        help="A folder, or a model of the hub: openai-community/gpt2.  "
        "Default: models/shakespeare.",
    )(command)


repeat_option = click.option(
    "--repeat",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Turns that count; the figures are their medians.",
)


svg_option = click.option(
    "--svg",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=check_folder,
    help="Also write the picture to this file.",
)
