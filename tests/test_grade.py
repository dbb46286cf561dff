"""`./run grade`: all twelve steps in one go, whatever their files do.

That each mistake is named is proved elsewhere (`test_mistakes.py`): the verdicts are
those of a single check.
"""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from course.__main__ import grade_command
from course.grade import settled, titles
from course.lessons import LESSONS
from course.mistakes import catalogue
from course.verdict import Failure
from gpt2.learner import solution
from tests.house import build_house, coach
from tests.survived import SURVIVED

WORKFLOW = Path(__file__).parent.parent / ".github" / "workflows" / "grade.yml"
CHECKS = {number: len(titles(number)) for number in LESSONS}
ALL = sum(CHECKS.values())
FILES = ("--json", "grade.json", "--junit", "grade.xml", "--markdown", "grade.md")


@pytest.fixture
def house(tmp_path) -> Path:
    return build_house(tmp_path / "here")


def write(house: Path, number: int, text: str) -> None:
    (house / "steps" / f"step_{number:02d}.py").write_text(text)


def rows(output: str) -> dict[int, str]:
    """What the table says of each step."""
    lines = [line for line in output.splitlines() if line[:1] == "s"]
    assert all(len(line) == 80 for line in lines)
    return {int(line[1:3]): " ".join(line.split()) for line in lines}


def by_number(house: Path) -> dict[int, dict]:
    """The steps of grade.json, after seeing that all three files agree."""
    grade = json.loads((house / "grade.json").read_text())
    assert grade["version"] == 1
    steps = {step["number"]: step for step in grade["steps"]}
    assert list(steps) == list(LESSONS)
    suites = ET.parse(house / "grade.xml").getroot()
    markdown = (house / "grade.md").read_text().splitlines()
    for step, suite in zip(steps.values(), suites, strict=True):
        assert [check["title"] for check in step["checks"]] == titles(step["number"])
        assert [case.get("name") for case in suite] == titles(step["number"])
        passed = [check["passed"] for check in step["checks"]]
        assert [len(case) == 0 for case in suite] == passed
        bad = "failures" if step["finished"] else "errors"
        assert suite.get(bad) == str(passed.count(False))
        assert (step["passed"], step["total"]) == (sum(passed), len(passed))
        assert step["right"] == all(passed) == (step["failure"] is None)
        if step["failure"]:  # the counterexample stands with one check
            told = [found.text for case in suite for found in case if found.text]
            assert len(told) == 1 and "\n".join(step["failure"]["lines"]) in told[0]
            assert all(mistake["what"] in told[0] for mistake in step["mistakes"])
        row = f"| {step['number']:02d} {step['title']} |"
        (line,) = (line for line in markdown if line.startswith(row))
        assert f"{step['passed']} of {step['total']}" in line
    assert grade["right"] == all(step["right"] for step in steps.values())
    return steps


def test_steps_that_nobody_has_begun_are_not_started(house):
    done = coach(house, "grade", *FILES)
    assert done.returncode == 1 and done.stderr == ""
    for number, row in rows(done.stdout).items():
        assert row.endswith(f"not started 0 of {CHECKS[number]}")
    assert f"0 of 12 steps and 0 of {ALL} checks are right." in done.stdout
    statuses = {step["status"] for step in by_number(house).values()}
    assert statuses == {"not started"}


def test_a_hand_in_elsewhere_is_graded_and_nothing_remembered_counts(house):
    """Each run writes the same bytes; the mistake is named; nothing is saved."""
    folder = house / "hand in"
    folder.mkdir()
    mistake = catalogue(1)[0]
    (folder / "step_01.py").write_text(mistake.source(1))
    (folder / "step_02.py").mkdir()
    words = ("grade", "--steps", "hand in", *FILES)
    done = coach(house, *words)
    assert done.returncode == 1 and done.stderr == ""
    assert not (house / ".course").exists()
    assert rows(done.stdout)[1].endswith(f"not yet 7 of {CHECKS[1]}")
    assert rows(done.stdout)[2].endswith(f"missing 0 of {CHECKS[2]}")
    assert f"Probably: {mistake.what}." in done.stdout
    assert "step_12.py is not there" in done.stdout
    steps = by_number(house)
    assert steps[1]["mistakes"] == [{"what": mistake.what, "why": mistake.why}]
    assert steps[1]["failure"]["title"] == titles(1)[0]
    assert steps[12]["status"] == "missing" and not steps[12]["finished"]

    before = [(house / file).read_bytes() for file in FILES[1::2]]
    (house / ".course").mkdir()
    state = house / ".course" / "state.json"
    state.write_text('{"passed": {"1": "so it is said"}, "hints": {"1": 2}}')
    again = coach(house, *words)
    assert again.stdout == done.stdout
    assert state.read_text().startswith('{"passed": {"1": "so')
    after = [(house / file).read_bytes() for file in FILES[1::2]]
    assert after == [before[0], before[1], 2 * before[2]]  # the last is added to


def test_what_one_file_does_spoils_no_other_verdict(house, eager):
    """One ends the process, one breaks NumPy for those that come after it."""
    write(house, 1, solution(1) + "\nimport os\n\nos._exit(3)\n")
    write(house, 2, solution(2) + "\nimport numpy\n\nnumpy.sqrt = None\n")
    write(house, 3, solution(3))
    (house / "steps" / "step_05.py").unlink()
    done = coach(house, "grade", *FILES)
    assert done.returncode == 1 and done.stderr == ""
    found = {n: step["status"] for n, step in by_number(house).items()}
    begun = {1: "not yet", 2: "right", 3: "right", 5: "missing"}
    assert found == dict.fromkeys(LESSONS, "not started") | begun
    assert "It ended the process that checks it (exit code 3)." in done.stdout
    passed = CHECKS[2] + CHECKS[3]
    assert f"2 of 12 steps and {passed} of {ALL} checks are right." in done.stdout


@pytest.mark.slow
def test_twelve_solutions_are_right(house, eager):
    for number in LESSONS:
        write(house, number, solution(number))
    done = coach(house, "grade", *FILES)
    assert done.returncode == 0, done.stdout
    assert all(step["right"] for step in by_number(house).values())
    assert f"12 of 12 steps and {ALL} of {ALL} checks are right." in done.stdout


@pytest.mark.slow
def test_the_others_are_graded_whatever_one_does(house, eager):
    for number in LESSONS:
        write(house, number, solution(number))
    bad = {
        1: "a loop that cannot be interrupted",
        5: "a crash",
        12: "text without an end",
    }
    for number, what in bad.items():
        step, change = SURVIVED[what]
        assert step == number
        write(house, number, change(solution(number)))
    done = coach(house, "grade", *FILES)
    assert done.returncode == 1
    steps = by_number(house)
    right = {number for number, step in steps.items() if step["right"]}
    assert right == set(LESSONS) - set(bad)
    assert [steps[n]["failure"]["kind"] for n in bad] == ["time", "end", "time"]
    assert steps[12]["passed"] > 0 and not steps[12]["finished"]


@pytest.mark.parametrize(
    ("option", "file"), [("--json", "nowhere/g.json"), ("--markdown", "steps")]
)
def test_a_file_that_cannot_be_written_is_refused_before_grading(house, option, file):
    write(house, 1, solution(1))
    done = coach(house, "grade", option, file)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"Error: {file} cannot be written (")
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_not_there_is_refused(house):
    done = coach(house, "grade", "--steps", "nowhere")
    assert done.returncode == 2 and "'nowhere' does not exist" in done.stderr


def test_where_max_does_not_start_nothing_is_graded(house):
    """A fault of the machine's is nobody's mistake, and earlier grades stay."""
    write(house, 2, solution(2))
    (house / "gpt2" / "eager.py").write_text("raise OSError('no such processor')")
    (house / "grade.json").write_text("earlier")
    done = coach(house, "grade", "--json", "grade.json")
    assert done.returncode == 2
    assert "MAX could not be made ready." in done.stderr
    assert "no such processor" in done.stderr
    assert (house / "grade.json").read_text() == "earlier"


def test_the_workflow_gives_options_that_there_are():
    (command,) = re.findall(r"^ *\./run grade .*", WORKFLOW.read_text(), re.MULTILINE)
    known = {option.opts[0] for option in grade_command.params}
    assert len(used := re.findall(r"--[a-z]+", command)) == 3 and set(used) <= known


def test_what_differs_from_run_to_run_is_left_out():
    lines = ["yours <f at 0x7f3a>, not \x1b[2J, in /usr/lib/python/x.py; 1/2/3/4"]
    failure = Failure("time", "a title", lines, [(7, "f", "pass")], 7, "f", "printed")
    assert settled(failure) == Failure(
        "time", "a title", ["yours <f at 0x...>, not ?[2J, in x.py; 1/2/3/4"]
    )
