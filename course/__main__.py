"""The coach: `python -m course check 07` tells whether steps/step_07.py is right.

Each command is a few lines here; each imports what it needs itself, for a check starts
its worker first of all.  What they do, in the order in which it is read:

    lessons         the twelve steps, as data; their texts are in lessons.toml
    check           check a step, and say what came of it
    worker_process  the process in which learners' files run, held from outside
    worker          that process from inside
    examiner        a step's checks, on a learner's file
    verdict         what they found, from an error to plain words
    max_errors      what MAX says, in our words
    report          the words on the terminal
    state           what is remembered
    mistakes/       the catalogue of mistakes: changes to the solutions
    variants        how such a change is made, and run
    suspects        which of them do what a learner's file does
    prove           `course-check`: the checks reject every known mistake
    warmup          MAX's kernels, compiled once, in the background
    watch           check a step whenever it is saved
    grade           all twelve steps, for a teacher
    bisect          the whole model beside the reference, place by place
    finish          the whole model, after step 12
    doctor          whether everything is there
    compatibility   whether MAX still has what is used of it
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import difflib
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from course.lessons import LESSONS, ROOT, Lesson
from course.worker_process import WorkerProcess
from gpt2.learner import STEPS

# --- Arguments ---------------------------------------------------------------------


class BadInput(click.ClickException):
    """One line on stderr, exit code 2, and where the book says more about it."""

    exit_code = 2

    def __init__(self, message: str, section: str) -> None:
        super().__init__(f"{message} More: ./run book, troubleshooting.html#{section}")


class Step(click.ParamType[Lesson]):
    """A step's number, as text: 7 or 07."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> Lesson:
        if isinstance(value, Lesson):
            return value
        if not value.isdecimal() or int(value) not in LESSONS:
            raise BadInput(
                f"{value!r} is not a step. There are 01 to 12.", "no-such-step"
            )
        return LESSONS[int(value)]


def step(**options: Any) -> Any:
    return click.argument("lesson", metavar="NUMBER", type=Step(), **options)


def write(file: Path, text: str, mode: str) -> None:
    """Writes a text ("w") or adds it to what is there ("a"), or says why it cannot."""
    try:
        with open(file, mode, encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise BadInput(
            f"{file} cannot be written ({error.strerror}): name another file.", "grade"
        ) from None


def output(_context: Any, _parameter: Any, file: Path | None) -> Path | None:
    """Refuses a file that cannot be written before there is work to lose."""
    if file is not None:
        write(file, "", "a")
    return file


def output_option(name: str, description: str) -> Any:
    file = click.Path(path_type=Path)
    return click.option(
        name, metavar="FILE", type=file, callback=output, help=description
    )


# --- Commands ----------------------------------------------------------------------


@click.group()
def main() -> None:
    """The coach of the course."""


@main.command("check")
@step()
def check_command(lesson: Lesson) -> None:
    """Check step NUMBER: exit code 0 if it is right, 1 if not yet."""
    if not lesson.file.exists():
        raise BadInput(
            f"steps/{lesson.file.name} is not there. ./run reset "
            f"{lesson.number:02d} puts it back as it was in the beginning.",
            "missing-step",
        )
    worker = WorkerProcess(lesson.number)
    from course import report, warmup
    from course.check import check

    right = check(lesson, worker)
    if not lesson.needs_kernels:
        with report.Waiting("looking for MAX's kernels"):
            compiling = warmup.begin()
        if compiling:
            report.being_compiled(compiling)
    if right and lesson.number == max(LESSONS):
        from course.finish import finish

        finish()
    sys.exit(0 if right else 1)


@main.command("grade")
@output_option("--json", "Write every check, counterexample and named mistake.")
@output_option("--junit", "Write the same as XML, as CI systems read it.")
@output_option("--markdown", "Append the table, such as to $GITHUB_STEP_SUMMARY.")
@click.option(
    "--steps",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Grade the files of FOLDER instead of those in steps/.",
)
def grade_command(
    json: Path | None, junit: Path | None, markdown: Path | None, steps: Path | None
) -> None:
    """Grade all twelve steps: exit code 0 if they are right, 1 if not yet."""
    from course import grade

    try:
        grades = grade.show_all(steps or STEPS)
    except grade.NotReady as error:
        raise BadInput(str(error), "max") from None
    if json:
        write(json, grade.as_json(grades), "w")
    if junit:
        write(junit, grade.as_junit(grades), "w")
    if markdown:
        write(markdown, grade.as_markdown(grades), "a")
    sys.exit(0 if all(found.right for found in grades) else 1)


@main.command()
@step()
def hint(lesson: Lesson) -> None:
    """Show the next hint for step NUMBER: the idea, the operation, nearly the line."""
    from course import report, state
    from course.report import console, say

    remembered = state.load()
    stage = min(remembered.hints.get(str(lesson.number), 0), len(lesson.hints) - 1)
    report.headline(lesson, f"hint {stage + 1} of {len(lesson.hints)}", "bold")
    console.print()
    report.prose(lesson.hints[stage])
    console.print()
    if stage + 1 < len(lesson.hints):
        say(f"more: ./run hint {lesson.number:02d}")
    else:
        say(f"That was the last. The answer: ./run solution {lesson.number:02d}")
    remembered.hints[str(lesson.number)] = stage + 1
    remembered.save()


@main.command()
def progress() -> None:
    """Show which steps are done, and which comes next."""
    from course import report, state
    from course.report import console, say

    remembered = state.load()
    for lesson in LESSONS.values():
        if remembered.is_done(lesson):
            outcome, style = "done", "green"
        elif str(lesson.number) in remembered.passed:
            outcome, style = "changed since it was done", "yellow"
        else:
            outcome, style = "not yet", ""
        report.headline(lesson, outcome, style)
    console.print()
    say(f"MAX's kernels: {remembered.kernels_are()}")
    following = remembered.next_lesson()
    if following is None:
        say('next: ./run generate --from steps "your words"')
    else:
        say(f"next: ./run {following.heading}")


@main.command()
@step(required=False)
def watch(lesson: Lesson | None) -> None:
    """Check a step each time it is saved: NUMBER first, or the next one to do."""
    from course import state
    from course.watch import watch

    watch(lesson or state.load().next_lesson() or LESSONS[max(LESSONS)])


@main.command()
@step()
def reset(lesson: Lesson) -> None:
    """Put step NUMBER back as it was in the beginning, and keep what was written."""
    from course import state
    from course.report import say

    kept = None
    if lesson.file.exists():
        if lesson.file.read_bytes() == lesson.stub.read_bytes():
            say(f"steps/{lesson.file.name} is as it was in the beginning.")
            return
        kept = state.keep(lesson.file)
    lesson.file.parent.mkdir(exist_ok=True)
    shutil.copy(lesson.stub, lesson.file)
    remembered = state.load()
    remembered.passed.pop(str(lesson.number), None)
    remembered.save()
    if kept is not None:
        say(f"Your file is kept: {kept.relative_to(ROOT)}")
    say(f"steps/{lesson.file.name} is as it was in the beginning.")


@main.command()
@step()
def solution(lesson: Lesson) -> None:
    """Show a right answer to step NUMBER, and how yours differs."""
    from course.report import console, say
    from gpt2 import learner

    text = learner.solution(lesson.number)
    console.print(text, markup=False, end="")
    try:
        yours = lesson.file.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return
    names = f"steps/{lesson.file.name}", f"solutions/solution_{lesson.number:02d}.py"
    difference = list(
        difflib.unified_diff(yours.splitlines(), text.splitlines(), *names, lineterm="")
    )
    console.rule("from yours to this one")
    if not difference:
        say("There is no difference.")
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in difference:
        console.print(line, style=colours.get(line[:1], ""), markup=False)


@main.command()
def bisect() -> None:
    """Find the first place where your whole model and the reference part."""
    from course.bisect import bisect

    sys.exit(0 if bisect() else 1)


@main.command()
def doctor() -> None:
    """See whether everything that the course needs is there."""
    from course import doctor

    sys.exit(0 if doctor.show() else 1)


@main.command("course-check")
@click.argument("lessons", metavar="[NUMBER]...", type=Step(), nargs=-1)
def course_check(lessons: tuple[Lesson, ...]) -> None:
    """Prove that the checks reject every known mistake, and that it is named."""
    from course import prove

    sys.exit(0 if prove.show_all(lessons or LESSONS.values()) else 1)


if __name__ == "__main__":
    process.run(main, "./run")
