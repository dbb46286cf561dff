"""The coach: `python -m course check 07` tells whether steps/step_07.py is right.

Each command is a few lines here; what it does is in the file of its name.  Each
imports what it needs itself: a check starts its worker first of all.
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import contextlib
import difflib
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from course.judge import Judge
from course.lessons import LESSONS, STEPS, Lesson


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
    judge = Judge(lesson.number)
    from course import check

    right = check.check(lesson, judge)
    if not lesson.needs_kernels:
        check.warm_up()
    if right and lesson.number == max(LESSONS):
        with contextlib.suppress(SystemExit):  # this step is right, come what may
            check.finish()
    sys.exit(0 if right else 1)


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
    from course import check, report, state
    from course.report import console, say

    remembered = state.load()
    for lesson in LESSONS.values():
        if check.is_done(lesson, remembered):
            outcome, style = "done", "green"
        elif str(lesson.number) in remembered.passed:
            outcome, style = "changed since it was done", "yellow"
        else:
            outcome, style = "not yet", ""
        report.headline(lesson, outcome, style)
    console.print()
    say(f"MAX's kernels: {remembered.kernels_are()}")
    following = check.current(remembered)
    if following is None:
        say('next: ./run generate --from steps "your words"')
    else:
        say(f"next: ./run {following.task}  {following.title}")


@main.command()
@step(required=False)
def watch(lesson: Lesson | None) -> None:
    """Check a step each time it is saved: NUMBER first, or the next one to do."""
    from course import check, state
    from course.watch import watch

    watch(lesson or check.current(state.load()) or LESSONS[max(LESSONS)])


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
        say(f"Your file is kept: {kept.relative_to(state.ROOT)}")
    say(f"steps/{lesson.file.name} is as it was in the beginning.")


@main.command()
@step()
def solution(lesson: Lesson) -> None:
    """Show a right answer to step NUMBER, and how yours differs."""
    from course import variants
    from course.report import console, say

    text = variants.solution(lesson.number)
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
    from course import check, report

    agree = check.compare_models()
    if not agree:
        report.about("bisect")
    sys.exit(0 if agree else 1)


@main.command()
def doctor() -> None:
    """See whether everything that the course needs is there."""
    from course import check, report
    from course.report import say

    with check.Waiting("looking"):
        from course.doctor import examine

        findings = examine()
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        outcome = "FIX" if finding.fix else "ok"
        line = f"{outcome:4}{finding.what:{width}}  {finding.found}"
        say(line, hang=4 + width + 2)
        if finding.fix:
            say(f"-> {finding.fix}", "bold", indent=6)
    if any(finding.fix for finding in findings):
        report.about("doctor")
        sys.exit(1)


@main.command("course-check")
@click.argument("lessons", metavar="[NUMBER]...", type=Step(), nargs=-1)
def course_check(lessons: tuple[Lesson, ...]) -> None:
    """Prove that the checks reject every known mistake, and that it is named."""
    from course import check
    from course.prove import prove
    from course.report import say

    proofs = []
    for lesson in lessons or LESSONS.values():
        with check.Waiting(f"step {lesson.number:02d}"):
            proof = prove(lesson.number)
        proofs.append(proof)
        rejected = f"rejected {proof.rejected}/{proof.mistakes}"
        named = f"named {proof.named}/{proof.mistakes}"
        spelled = f"spellings named {proof.spelled}/{proof.spellings}"
        say(f"{lesson.task}  {rejected:17}  {named:14}  {spelled}", indent=0)
        for complaint in proof.complaints:
            say(complaint, indent=5)
    total = [
        sum(getattr(proof, name) for proof in proofs)
        for name in ("rejected", "mistakes", "named", "spelled", "spellings")
    ]
    rejected, mistakes, named, spelled, spellings = total
    say(
        f"rejected {rejected}/{mistakes}, named {named}/{mistakes}; "
        f"independent spellings named {spelled}/{spellings}",
        "bold",
        indent=0,
    )
    sys.exit(0 if all(proof.holds for proof in proofs) else 1)


if __name__ == "__main__":
    process.run(main, "./run")
