"""Write down what the coach says about a step, in files to be read.

`step_NN.txt` has the verdict on the solution, on the stub and on every mistake of which
the book tells; `survived.txt` that on files which misbehave; `commands.txt` the other
commands.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from gpt2 import process

if __name__ == "__main__":  # in front of imports that take their time
    process.begin()

import json
import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import click

from book import readme
from course import report, variants, verdict
from course.examiner import Examiner
from course.lessons import LESSONS, ROOT, Lesson
from course.mistakes import catalogue
from course.suspects import Suspects
from course.verdict import Verdict
from gpt2.learner import solution
from tests.house import build_house, coach
from tests.survived import SURVIVED, UNHARMED

KERNELS = "\n  MAX's kernels are being compiled"
BOOK = ROOT / "book" / "src"
STOPPED_ANYWHERE = ("text without an end", "a loop that cannot be interrupted")
NAMES = [f"step_{number:02d}" for number in LESSONS] + ["survived", "commands"]


def transcript(name: str) -> str:
    """The text of one file."""
    if name == "survived":
        parts = survived()
    elif name == "commands":
        parts = commands()
    else:
        parts = step(LESSONS[int(name[-2:])])
    return "\n".join(section(*part) for part in numbered(parts))


def numbered(parts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Gives each part the name by which a chapter of the book includes it.

    It is the title without what a name cannot have: `hint 1` is `hint-1`, and when
    it comes again, `hint-1-2`.
    """
    seen: Counter[str] = Counter()
    for title, text in parts:
        name = anchor(title)
        seen[name] += 1
        yield title, f"{name}-{seen[name]}" if seen[name] > 1 else name, text


def anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def section(title: str, name: str, text: str) -> str:
    line = f"{f' {title} ':=^80}"
    return f"{line}\n\nANCHOR: {name}\n{text}ANCHOR_END: {name}\n"


def step(lesson: Lesson) -> Iterator[tuple[str, str]]:
    """What is said of a step's solution, stub and mistakes."""
    say = speaker(lesson)
    yield "right", say(solution(lesson.number))
    yield "the stub", say(lesson.stub.read_text())
    for mistake in catalogue(lesson.number):
        if is_told(lesson, mistake.what):
            yield mistake.what, say(mistake.source(lesson.number))


def is_told(lesson: Lesson, what: str) -> bool:
    """Whether the book lists a mistake of a step, or shows the coach's words on it."""
    if (lesson.number, what) == (readme.STEP, readme.MISTAKE):
        return True  # a picture of it is in README.md
    chapter = BOOK / f"{lesson.stub.stem}.md"
    included = f"{lesson.stub.stem}.txt:{anchor(what)}}}}}"
    return f"**{what}**" in " ".join(chapter.read_text().split()) or any(
        included in page.read_text() for page in BOOK.glob("*.md")
    )


def speaker(lesson: Lesson) -> Callable[[str], str]:
    """A function that gives what is said of a step's text."""
    examiner = Examiner(lesson.number)
    examiner.examine(None)
    suspects = Suspects(lesson.number)

    def say(source: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / lesson.file.name
            file.write_text(source)
            module = variants.load(lesson.number, source, str(file))
            tried = Examiner(lesson.number)
            for example, _ in examiner.results:
                tried.results.append((example, example.judge(module)))
            checks = tried.checks()
            passed = [title for title, right in checks.items() if right]
            result = Verdict(passed, len(checks), None)
            with report.console.capture() as heard:
                if tried.failure is None:
                    report.right(lesson, result)
                else:
                    example, error = tried.failure
                    failure = verdict.explain(error, file, example.title, example.about)
                    report.wrong(lesson, result, failure)
                    todo = failure.kind == "todo"
                    found = [] if todo else suspects.explain(tried.results)
                    named = [[mistake.what, mistake.why] for mistake in found]
                    report.named(named)
                    report.way_on(lesson, failure, named)
        return heard.get()

    return say


def survived() -> Iterator[tuple[str, str]]:
    """What is said of files that misbehave."""
    with tempfile.TemporaryDirectory() as folder:
        house = build_house(Path(folder) / "house")
        # So that the whole chain writes no text after step 12.
        (house / "steps" / "step_03.py").write_text("1 / 0")
        for title, (number, change) in (SURVIVED | UNHARMED).items():
            file = house / "steps" / f"step_{number:02d}.py"
            source = change(solution(number))
            file.write_bytes(source if isinstance(source, bytes) else source.encode())
            text = coach(house, "check", str(number)).stdout
            # Whether the kernels are compiled just then is a matter of time, and so
            # is at which of its lines a loop was stopped.
            text = text.partition(KERNELS)[0]
            if title in STOPPED_ANYWHERE:
                text = text.partition("\n\n    line ")[0] + "\n"
            yield title, text


def commands() -> Iterator[tuple[str, str]]:
    """What the other commands say."""
    with tempfile.TemporaryDirectory() as folder:
        house = build_house(Path(folder) / "house")
        first = house / "steps" / "step_01.py"

        def said(*words: str) -> tuple[str, str]:
            done = coach(house, *words)
            # Whether the kernels are compiled just then is a matter of time.
            text = (done.stdout + done.stderr).partition(KERNELS)[0]
            text = text.replace("kernels: being compiled", "kernels: ready")
            text = text.replace(str(house), "(here)").replace(sys.prefix, "(venv)")
            text = re.sub(r"\d+ MB in \S+", "(size) MB in (folder)", text)
            text = re.sub(r"\d+ GB free", "(size) GB free", text)
            text = re.sub(r"/\S*/cc\b", "(cc)", text)
            text = re.sub(r"\d+ cores", "(number) cores", text)
            text = re.sub(r"float32 (AVX|plain).*", "(units)", text)
            text = re.sub(r"3\.1\d\.\d+", "(version)", text)
            return " ".join(words), text

        for number in LESSONS:
            for _ in range(3):
                yield said("hint", str(number))
        yield said("hint", "1")
        yield said("hint", "13")
        yield said("check", "seven")
        yield said("progress")
        first.write_text(solution(1))
        yield said("check", "1")
        with report.console.capture() as heard:
            report.being_compiled(0)
        yield "the kernels", heard.get().replace("kill 0", "kill (number)")
        yield said("progress")
        first.write_text(solution(1) + "\n# more\n")
        yield said("progress")
        yield said("solution", "1")
        yield said("reset", "1")
        yield said("reset", "1")
        yield said("solution", "8")
        first.unlink()
        yield said("check", "1")
        yield said("reset", "1")
        yield said("doctor")
        first.write_text(solution(1))
        (house / "steps" / "step_03.py").unlink()
        (house / "steps" / "step_06.py").write_text(catalogue(6)[0].source(6))
        yield "grade", said("grade", "--json", "grade.json")[1]
        graded = json.loads((house / "grade.json").read_text())
        graded["steps"] = graded["steps"][5:6]
        yield "grade.json, step 06", json.dumps(graded, indent=2) + "\n"
        yield said("grade", "--junit", "nowhere/grade.xml")
        for number in LESSONS:
            file = house / "steps" / f"step_{number:02d}.py"
            file.write_text(solution(number))
        yield said("bisect")
        file = house / "steps" / "step_04.py"
        file.write_text(solution(4).replace('"tanh"', '"none"'))
        yield said("bisect")
        file.write_text(solution(4).replace("self.c_fc(x)", "self.c_fcc(x)"))
        yield said("bisect")
        file.write_text("def f(:\n")
        yield said("bisect")


def alike(one: str, other: str) -> bool:
    """Whether two transcripts say the same, but for the rounding of numbers."""
    words, others = one.split(), other.split()
    return len(words) == len(others) and all(map(same_word, words, others))


def same_word(one: str, other: str) -> bool:
    if one == other or set(one + other) <= {"^"}:
        return True
    try:
        a, b = float(one), float(other)
    except ValueError:
        return False
    return abs(a - b) <= 0.02 * max(abs(a), abs(b)) + 1e-4


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
def main(names: tuple[str, ...]) -> None:
    """Write transcripts down anew: all of them, or those that are named."""
    warnings.simplefilter("ignore")  # some mistakes divide by 0
    for name in names or NAMES:
        click.echo(name)
        (Path(__file__).parent / f"{name}.txt").write_text(transcript(name))


if __name__ == "__main__":
    process.run(main, "./run transcripts")
