"""Grade all twelve steps in one go: `python -m course grade`.

For a teacher, for a program that gives points, and for oneself.  The verdicts are those
of `python -m course check`; nothing that was remembered counts, and nothing is.

`as_json` has this shape.  It stays as it is, or `version` grows:

    version    1
    right      whether all twelve steps are
    steps      one after another:
        number, title
        status     "right", "not yet", "not started" (the file is as it was in the
                   beginning) or "missing"
        right      whether the status is "right"
        passed     how many of its checks pass
        total      how many it has
        finished   whether they were all run: not where the file is not started or
                   missing, cannot be run, or ends or holds up the process
        checks     each with its title, and whether it passed
        failure    what the first one that did not says; null where the step is right
            kind       see `Failure`; or "missing-step"
            title      of that check; empty where none could be run
            lines      the counterexample, or what happened
            line       where to look; 0 where that cannot be said
            name       the function or class there
        mistakes   known ones that do the same, each with `what` and `why`
"""

import ast
import functools
import html
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course import report
from course.lessons import LESSONS, ROOT, Lesson
from course.report import Waiting, say
from course.verdict import Failure, Verdict
from course.worker_process import WorkerProcess
from gpt2.learner import STEPS

STYLES = {"right": "bold green", "not yet": "bold yellow", "missing": "bold yellow"}


class NotReady(Exception):
    """MAX does not start, so that nothing could be graded."""


@dataclass
class Grade:
    """What came of one step.

    Attributes:
        lesson: The step.
        status: "right", "not yet", "not started" or "missing".
        failure: The first thing that is not right; None if the step is.
        passed: Title of each check that passes.
        finished: Whether all checks were run.
        mistakes: The known mistakes that explain the failure, each [what, why].
    """

    lesson: Lesson
    status: str
    failure: Failure | None
    passed: list[str] = field(default_factory=list)
    finished: bool = False
    mistakes: list[list[str]] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return self.status == "right"

    @property
    def checks(self) -> dict[str, bool]:
        """For each check of the step, by its title, whether it passes."""
        return {title: title in self.passed for title in titles(self.lesson.number)}

    @property
    def count(self) -> str:
        return f"{sum(self.checks.values())} of {len(self.checks)}"


@functools.cache
def titles(number: int) -> list[str]:
    """What a step's checks are called, in order, whether or not they can be run."""
    text = (ROOT / "tests" / f"test_step_{number:02d}.py").read_text(encoding="utf-8")
    return [
        str(ast.get_docstring(node))
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


# --- Grading -----------------------------------------------------------------------


def grade(folder: Path, waiting: Waiting) -> Iterator[Grade]:
    """Grades the twelve files in `folder`, one after another.

    One process checks them all.  What an earlier file has left behind in it must not
    spoil a verdict: what is not right is checked once more, in a new process, which
    then goes on.

    Args:
        folder: Where `step_NN.py` lie.
        waiting: Shows what is being done.

    Raises:
        NotReady: If MAX does not start.
    """
    grades = {number: unread(lesson, folder) for number, lesson in LESSONS.items()}
    left = [number for number, found in grades.items() if found is None]
    worker = WorkerProcess(*left, folder=folder) if left else None
    first = True
    try:
        for number, found in grades.items():
            if found is None:
                assert worker is not None
                found = checked(LESSONS[number], worker, waiting)
                if not found.right and not first:
                    worker.close()
                    worker = WorkerProcess(*left, folder=folder)
                    found = checked(LESSONS[number], worker, waiting)
                if found.failure and found.failure.kind == "max":
                    raise NotReady(" ".join(found.failure.lines))
                left.remove(number)
                first = False
            yield found
    finally:
        if worker is not None:
            worker.close()


def unread(lesson: Lesson, folder: Path) -> Grade | None:
    """The grade of a step whose file need not be run; None of any other."""
    file = folder / lesson.file.name
    try:
        if not file.is_file():
            what = "is not there"
        elif file.read_bytes() == lesson.stub.read_bytes():
            nothing = Failure("todo", "", ["still to be written"])
            return Grade(lesson, "not started", nothing)
        else:
            return None
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
    missing = Failure("missing-step", "", [f"{file.name} {what}"])
    return Grade(lesson, "missing", missing)


def checked(lesson: Lesson, worker: WorkerProcess, waiting: Waiting) -> Grade:
    """What a process says about the next of its steps."""
    working = f"grading step {lesson.number:02d}"
    waiting.show(working)
    verdict, mistakes = None, []
    for name, value in worker.events():
        if name == "waiting":
            waiting.show(value or working)
        elif name == "note":
            say(value)
        elif name == "verdict":
            verdict = value
        elif name == "mistakes":
            mistakes = value
    assert isinstance(verdict, Verdict)
    status = "not yet" if verdict.failure else "right"
    failure = settled(verdict.failure) if verdict.failure else None
    return Grade(lesson, status, failure, verdict.passed, verdict.total > 0, mistakes)


def settled(failure: Failure) -> Failure:
    """A failure without what differs from run to run and from machine to machine.

    Those are places in memory and on the disk, the line at which an endless loop was
    stopped, and what the file printed.  Nor is anything left in it that a terminal or
    an XML file cannot show.
    """
    lines = []
    for line in failure.lines:
        line = re.sub(r"\b0x[0-9a-f]+\b", "0x...", line)
        line = re.sub(r"(?<![\w.])(/[\w.+-]+){2,}/(?=[\w.+-])", "", line)
        lines.append("".join(c if c.isprintable() else "?" for c in line))
    place = (0, "") if failure.kind == "time" else (failure.line, failure.name)
    return Failure(failure.kind, failure.title, lines, [], *place)


# --- Table in the terminal ---------------------------------------------------------


def show_all(folder: Path) -> list[Grade]:
    """Grades the files in `folder`, and prints the table row by row.

    Raises:
        NotReady: If MAX does not start.
    """
    grades = []
    with Waiting("grading") as waiting:
        for found in grade(folder, waiting):
            show(found)
            grades.append(found)
    say()
    say(total(grades), "bold", indent=0)
    begun = [found.lesson.task for found in grades if found.status == "not yet"]
    if begun and folder == STEPS:
        say(f"more: ./run {begun[0]}", indent=0)
    return grades


def show(grade: Grade) -> None:
    """A row of the table in the terminal, and below it what is not right."""
    report.headline(
        grade.lesson,
        f"{grade.status:11}  {grade.count:>8}",
        STYLES.get(grade.status, ""),
    )
    for indent, line in zip((5, 7, 7), summary(grade), strict=False):
        say(line, indent=indent)


def summary(grade: Grade) -> list[str]:
    """What is not right, in up to three lines: which check, what happened, why."""
    failure = grade.failure
    if failure is None or grade.status == "not started":
        return []
    lines = [] if failure.kind in ("todo", "name") else [failure.title]
    lines += [] if failure.kind == "different" else failure.lines[:1]
    return [*filter(None, lines), *probably(grade)]


def probably(grade: Grade) -> list[str]:
    """The named mistakes, in a line if there are any."""
    names = [what for what, _ in grade.mistakes]
    if not names:
        return []
    several = " one of these" if len(names) > 1 else ""
    return [f"Probably{several}: {'; '.join(names)}."]


def explanation(grade: Grade) -> str:
    """The counterexample and the named mistakes, in full."""
    assert grade.failure
    mistakes = [f"Probably: {what}. {why}" for what, why in grade.mistakes]
    return "\n".join([*grade.failure.lines, *mistakes])


def total(grades: list[Grade]) -> str:
    """How many steps and checks are right."""
    checks = [passed for grade in grades for passed in grade.checks.values()]
    right = sum(grade.right for grade in grades)
    return (
        f"{right} of {len(grades)} steps and "
        f"{sum(checks)} of {len(checks)} checks are right."
    )


# --- JSON, JUnit, Markdown ---------------------------------------------------------


def as_json(grades: list[Grade]) -> str:
    """Everything, for programs: see the top of this file."""
    steps = []
    for grade in grades:
        failure: dict[str, Any] | None = None
        if grade.failure:
            names = ("kind", "title", "lines", "line", "name")
            failure = {name: getattr(grade.failure, name) for name in names}
        steps.append(
            {
                "number": grade.lesson.number,
                "title": grade.lesson.title,
                "status": grade.status,
                "right": grade.right,
                "passed": sum(grade.checks.values()),
                "total": len(grade.checks),
                "finished": grade.finished,
                "checks": [
                    {"title": title, "passed": passed}
                    for title, passed in grade.checks.items()
                ],
                "failure": failure,
                "mistakes": [
                    {"what": what, "why": why} for what, why in grade.mistakes
                ],
            }
        )
    right = all(grade.right for grade in grades)
    return json.dumps({"version": 1, "right": right, "steps": steps}, indent=2) + "\n"


def as_junit(grades: list[Grade]) -> str:
    """A test suite for each step, a test case for each check.

    A check that was not run counts as an error, not as skipped: programs take what is
    skipped for what is well.
    """
    suites = ET.Element("testsuites", name="GPT-2 in twelve steps")
    for grade in grades:
        lesson, failure = grade.lesson, grade.failure
        wrong = [title for title, passed in grade.checks.items() if not passed]
        bad = "failure" if grade.finished else "error"
        counts = {"tests": len(grade.checks), "failures": 0, "errors": 0, "skipped": 0}
        counts[f"{bad}s"] = len(wrong)
        attributes = {name: str(count) for name, count in counts.items()}
        attributes["name"] = f"{lesson.task} {lesson.title}"
        suite = ET.SubElement(suites, "testsuite", attributes)
        for title in grade.checks:
            names = {"classname": lesson.file.stem, "name": title}
            case = ET.SubElement(suite, "testcase", names)
            if title not in wrong:
                continue
            assert failure is not None
            if title == (failure.title if failure.title in wrong else wrong[0]):
                message = " ".join([failure.lines[0], *probably(grade)])
                ET.SubElement(case, bad, message=message).text = explanation(grade)
            else:
                also = "it does not pass either" if grade.finished else "it was not run"
                ET.SubElement(case, bad, message=also)
    ET.indent(suites)
    return ET.tostring(suites, "utf-8", xml_declaration=True).decode() + "\n"


def as_markdown(grades: list[Grade]) -> str:
    """The table, and what explains its rows, folded up below it."""
    rows = ["| step | | checks | |", "|---|---|---|---|"]
    folded = []
    for grade in grades:
        name = f"{grade.lesson.number:02d} {grade.lesson.title}"
        lines = [re.sub(r"([\\`*_~\[\]<>|#&])", r"\\\1", s) for s in summary(grade)]
        what = "<br>".join(lines)
        rows.append(f"| {name} | {grade.status} | {grade.count} | {what} |")
        if grade.failure and grade.status == "not yet":
            text = html.escape(f"{grade.failure.title}\n{explanation(grade)}".strip())
            folded.append(f"<details><summary>{name}</summary>\n")
            folded.append(f"<pre>{text}</pre>\n\n</details>\n")
    return "\n".join([f"### {total(grades)}\n", *rows, "", *folded, ""])
