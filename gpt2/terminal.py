"""What the command line says beside its text: refusals, and lines that move.

Text goes to stdout, everything else to stderr, so that a pipe gets the text alone.
"""

import contextlib
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gpt2.learner import own_lines

messages = Console(stderr=True, highlight=False)


class BadInput(click.ClickException):
    """One line on stderr, exit code 2."""

    exit_code = 2


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """What the library cannot use, or cannot open, is refused in one line.

    An attribute such as `top_k` is named as the option it comes from; in quotes, it is
    a field of a file.
    """
    try:
        yield
    except BrokenPipeError:  # whoever reads has read enough
        raise
    except (ValueError, OSError) as error:
        message = str(error)
        for option in click.get_current_context().command.params:
            if option.name and option.opts[0].startswith("-"):
                where = r'(?<!")\b' if "_" in option.name else "^"  # a word of the text
                message = re.sub(rf"{where}{option.name}\b", option.opts[0], message)
        raise BadInput(message) from None


def check_folder(
    _context: object, option: click.Parameter, file: Path | None
) -> Path | None:
    """Refuses a file that could not be written, before there is anything to write."""
    if file and not file.exists():
        if not file.parent.is_dir():
            raise BadInput(f"{option.opts[0]}: there is no folder {file.parent}")
        if not os.access(file.parent, os.W_OK):
            raise BadInput(f"{option.opts[0]}: {file.parent} cannot be written to")
    return file


@contextlib.contextmanager
def moving(text: str) -> Iterator[None]:
    """A line that moves while something takes its time; none where nobody looks."""
    columns = SpinnerColumn(), TextColumn(text), TimeElapsedColumn()
    still = not messages.is_terminal
    with Progress(
        *columns, console=messages, transient=True, disable=still
    ) as progress:
        progress.add_task(text)
        yield


@contextlib.contextmanager
def preparing(how_long: str) -> Iterator[None]:
    """Shows that MAX is at work, and how long it takes."""
    text = f"preparing MAX: {how_long}"
    if not messages.is_terminal:
        messages.print(text, soft_wrap=True)
    with moving(text):
        yield


def say(text: str) -> None:
    """A line beside the text."""
    messages.print(text, style="dim", soft_wrap=True, markup=False)


@contextlib.contextmanager
def learners_lines(whose: str) -> Iterator[None]:
    """What goes wrong in a learner's steps ends the command, cut to their own lines.

    Args:
        whose: As in `learner.Steps`; an error of the solutions is a bug, and looks so.
    """
    try:
        yield
    except (
        click.ClickException,
        BrokenPipeError,
    ):  # a reader who has read enough is no mistake
        raise
    except (Exception, SystemExit) as error:
        ends_itself = isinstance(error, SystemExit)
        if whose == "solutions" or (ends_itself and not own_lines(error)):
            raise
        messages.print()  # the text may have begun
        for line in own_lines(error):
            messages.print(str(line))
            messages.print(f"    {line.text}", markup=False)
        text = traceback.format_exception_only(error)[-1].rstrip()
        if ends_itself:
            text = "It calls exit(), which ends everything: a step only computes."
        messages.print(text, markup=False)
        say("Your steps stopped here.  The checks s01 to s12 tell more.")
        sys.exit(1)
