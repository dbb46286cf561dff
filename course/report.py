"""Say in 80 columns, or on a terminal as narrow as it is, what a check has found.

Plain words first, numbers second, the way on last.  Colour only repeats what the
words say: NO_COLOR, a pipe and a black-and-white printer lose nothing.
"""

import textwrap
from collections.abc import Iterable

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from course import warmup
from course.lessons import LESSONS, Lesson
from course.mistakes import switches
from course.verdict import Failure, Verdict

WIDEST, NARROWEST = 80, 20
BOOK = "http://127.0.0.1:3000"
SHOWN = 8  # lines of what the learner's file printed

console = Console(highlight=False, soft_wrap=True)
if console.width < NARROWEST:  # as where COLUMNS is 0, and rich would show nothing
    console.width = NARROWEST


# --- Lines and paragraphs ----------------------------------------------------------


def width() -> int:
    """How many columns there are: the terminal's, but no more than WIDEST."""
    columns = console.width if console.is_terminal else WIDEST
    return max(NARROWEST, min(columns, WIDEST))


def say(text: str = "", style: str = "", indent: int = 2, hang: int = 0) -> None:
    """Prints a paragraph, wrapped; from its second line on, `hang` further in."""
    room = width() - indent
    hang = min(hang, room // 2)
    for line in textwrap.wrap(text, room, subsequent_indent=" " * hang) or [""]:
        console.print(Text(" " * indent + line if line else "", style), markup=False)


def verbatim(line: str, style: str = "", indent: int = 4) -> None:
    """Prints a line as it is, folded where it is too long."""
    room = width() - indent
    for start in range(0, max(len(line), 1), room):
        console.print(Text(" " * indent + line[start : start + room], style))


def prose(text: str) -> None:
    """Prints paragraphs, wrapped anew, and indented code between them as it is."""
    paragraph: list[str] = []
    for line in [*text.strip().splitlines(), " "]:
        if not line.startswith(" "):
            paragraph.append(line)
            continue
        if paragraph:
            say(" ".join(paragraph))
        paragraph = []
        if line.strip():
            verbatim(line, "bold", indent=2)


def headline(lesson: Lesson, outcome: str, style: str) -> None:
    """A step's heading, and what came of it at the end of the line."""
    gap = width() - len(lesson.heading) - len(outcome)
    if gap > 0:
        heading = lesson.heading, "bold"
        console.print(Text.assemble(heading, " " * gap, (outcome, style)))
    else:
        say(lesson.heading, "bold", indent=0)
        say(outcome, style)


class Waiting:
    """A moving line, on a terminal, for whatever takes its time."""

    def __init__(self, text: str) -> None:
        columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        self._display = Progress(*columns, console=console, transient=True)
        self._task = self._display.add_task(text)
        self._text = text

    def __enter__(self) -> "Waiting":
        if console.is_interactive:
            self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        if console.is_interactive:  # where nothing moves, stopping prints a line
            self._display.stop()

    def show(self, text: str) -> None:
        """Says what is waited for now; into a pipe, only what takes long."""
        if text != self._text:
            self._text = text
            self._display.reset(self._task, description=text)
            if not console.is_interactive and text.startswith("compiling"):
                say(text)


# --- Verdict -----------------------------------------------------------------------


def right(lesson: Lesson, verdict: Verdict) -> None:
    """The step is right: what was proved, what it is good for, what comes next."""
    headline(lesson, "right", "bold green")
    console.print()
    say(f"All {verdict.total} checks pass:")
    for title in verdict.passed:
        for number, line in enumerate(textwrap.wrap(title, width() - 6)):
            verbatim(line, indent=6) if number else verbatim(f"+ {line}")
    console.print()
    say(f"In the finished model: {lesson.role}")
    following = LESSONS.get(lesson.number + 1)
    if following:
        console.print()
        say(f"next: ./run {following.heading}")


def wrong(lesson: Lesson, verdict: Verdict, failure: Failure) -> None:
    """The step is not right yet: how much is, and what is the first that is not."""
    headline(lesson, "not yet", "bold yellow")
    console.print()
    if failure.kind == "import":
        say("The file cannot be run, so nothing could be checked:")
    elif not verdict.total:
        say("The check could not be finished:")
    else:
        passed, total = len(verdict.passed), verdict.total
        say(f"{passed} of {total} checks pass. The first that does not:")
    console.print()
    if failure.title:
        say(failure.title, "bold")
    first, *rest = failure.lines
    say(first, indent=4)
    for line in rest:
        if failure.kind == "error":
            say(line, indent=4)
        else:
            verbatim(line, "bold red" if set(line) <= {" ", "^"} else "")
    if failure.frames:
        console.print()
        for number, name, text in failure.frames:
            verbatim(
                f"line {number}, in {name}" if name[0] != "<" else f"line {number}"
            )
            verbatim(text.strip(), indent=8)
    if failure.printed.strip():
        console.print()
        lines = failure.printed.splitlines()
        say("it printed", indent=4)
        for line in lines[:SHOWN]:
            verbatim(line[: WIDEST - 8], indent=8)
        if len(lines) > SHOWN:
            verbatim(f"... and {len(lines) - SHOWN} lines more", indent=8)


def named(mistakes: list[list[str]]) -> None:
    """The known mistakes that do what the file does."""
    if not mistakes:
        return
    console.print()
    if len(mistakes) == 1:
        ((what, why),) = mistakes
        say(f"Probably: {what}. {why}", indent=4)
    else:
        say("Probably one of these:", indent=4)
        for what, why in mistakes:
            say(f"{what}. {why}", indent=6)


def way_on(
    lesson: Lesson, failure: Failure, mistakes: Iterable[list[str]] = ()
) -> None:
    """Where to look and what to do, and where to see what these mistakes do."""
    if failure.kind == "max":
        console.print()
        say("next: ./run doctor")
        about(failure.kind)
        return
    place = f"steps/{lesson.file.name}"
    if failure.line:
        place += f":{failure.line}"
    console.print()
    say(f"look at  {place}  {failure.name}".rstrip())
    console.print()
    verb = "write" if failure.kind == "todo" else "fix"
    say(f"next: {verb} it, then ./run {lesson.task} again")
    say(f"stuck? ./run hint {lesson.number:02d}")
    about(failure.section or failure.kind, lesson)
    made = (switches.of(lesson.number, what) for what, _ in mistakes)
    playground([name for name in made if name])


# --- The book and the kernels ------------------------------------------------------


def about(section: str, lesson: Lesson | None = None) -> None:
    """Where the book says more about a message; a `Failure.kind` is such a section."""
    say("in the book (./run book):")
    if lesson is not None:
        say(f"{BOOK}/{lesson.stub.stem}.html", indent=4)
    say(f"{BOOK}/troubleshooting.html#{section}", indent=4)


def playground(names: list[str]) -> None:
    """Where the finished model makes the mistakes of these switches."""
    if names:
        say("what such a model writes:")
    for name in names:
        say(f"{BOOK}/playground.html#broken={name}", indent=4)


def being_compiled(pid: int) -> None:
    """A process compiles the kernels: for how long, and how to stop it."""
    console.print()
    say(warmup.started(pid))
    about("kernels")
