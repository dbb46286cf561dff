"""See whether everything that the course needs is there, and say how to mend it."""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from itertools import groupby

from course import compatibility, report, state, warmup
from course.lessons import ROOT
from course.report import Waiting, say
from gpt2.learner import STEPS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TESTED_MAX = dict(pin.split("==") for pin in PROJECT["dependencies"])["modular"]
ANEW = "delete .venv (with pixi: .pixi) and run again"
FOLLOW = f"{ANEW}; where MAX was changed on purpose, see CONTRIBUTING.md"
FREE = 1 << 30  # bytes of disk that should be free


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: Its name.
        found: What was found.
        fix: What to do about it; empty if it is as it should be.
    """

    what: str
    found: str
    fix: str = ""


def show() -> bool:
    """Looks at everything, and prints what was found.

    Returns:
        Whether all is as it should be.
    """
    with Waiting("looking"):
        findings = examine()
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        outcome = "FIX" if finding.fix else "ok"
        line = f"{outcome:4}{finding.what:{width}}  {finding.found}"
        say(line, hang=4 + width + 2)
        if finding.fix:
            say(f"-> {finding.fix}", "bold", indent=6)
    all_right = not any(finding.fix for finding in findings)
    if not all_right:
        report.about("doctor")
    return all_right


def examine() -> list[Finding]:
    """Looks at everything, the cheapest first."""
    names = max_names() if not c_compiler().fix else []  # MAX has not all without it
    of_max = [max_version(), *names, *max_itself()]
    return [python(), c_compiler(), *of_max, disk(), *writing()]


def python() -> Finding:
    found = f"{platform.python_version()} in {sys.prefix}"
    right = (3, 11) <= sys.version_info[:2] < (3, 15)
    fix = f"install Python 3.11 to 3.14, {ANEW}"
    return Finding("Python", found, "" if right else fix)


def c_compiler() -> Finding:
    """What MAX calls when `max.experimental.nn` is imported for the first time."""
    found = shutil.which("cc")
    fix = "install one: apt-get install gcc; on a Mac, xcode-select --install"
    return Finding("C compiler", found or "there is no cc", "" if found else fix)


def max_version() -> Finding:
    try:
        found = importlib.metadata.version("max")
    except importlib.metadata.PackageNotFoundError:
        return Finding("MAX", "not installed", ANEW)
    fix = f"the course was tested with {TESTED_MAX}: {ANEW}"
    return Finding("MAX", found, "" if found == TESTED_MAX else fix)


def max_names() -> list[Finding]:
    """The names of MAX that the course uses: those of its inside, then all others."""
    try:
        importlib.import_module("max.driver")
    except Exception:  # not installed, or broken: other lines say so
        return []
    findings = []
    for inside, names in groupby(compatibility.used(), lambda use: use.private):
        uses = list(names)
        what = "inside MAX" if inside else "MAX's API"
        files = sorted({file for use in uses for file in use.files})
        found = f"{inside}: {', '.join(files)}" if inside else "as the course uses it"
        wrong = [
            Finding(what, f"{use.name} {use.trouble}: {', '.join(use.files)}", FOLLOW)
            for use in uses
            if use.trouble
        ]
        findings += wrong or [Finding(what, found)]
    return findings


def max_itself() -> list[Finding]:
    """Device, kernels and cache: what only MAX can tell."""
    try:
        from max.driver import accelerator_count

        from gpt2 import compiled, eager, processor
    except Exception as error:  # a broken installation can raise anything
        return [Finding("import max", f"{type(error).__name__}: {error}", ANEW)]
    count = accelerator_count()
    gpus = f", and {count} GPUs, which the steps do not use" if count else ""
    device = Finding("device", f"CPU, {os.cpu_count()} cores{gpus}")
    units = ", ".join(
        f"{name} {processor.unit(name).title}" for name in processor.UNITS
    )
    multiplies = Finding("multiplies", units)

    file = eager.kernels_file()
    are = state.update(kernels=str(file)).kernels_are()
    if are not in ("ready", "being compiled"):
        how_long = f"the first of s02 to s12 does it, in about {warmup.SECONDS} s"
        are = f"not compiled yet: {how_long}"
    kernels = [Finding("kernels", are)]
    if not file.exists():  # nothing was compiled with this MAX yet
        said = compatibility.mojo()
        fix = FOLLOW if said else ""
        kernels.append(Finding("gpt2/kernels", said or "Mojo can compile them", fix))

    problem = compiled.why_not_kept(file)
    size = sum(f.stat().st_size for f in file.parent.rglob("*") if f.is_file())
    fix = f"{problem} Set MODULAR_CACHE_DIR to another folder." if problem else ""
    cache = Finding("cache", f"{size >> 20} MB in {file.parent}", fix)
    return [device, multiplies, *kernels, cache]


def disk() -> Finding:
    free = shutil.disk_usage(ROOT).free
    fix = f"make room: {FREE >> 30} GB should be free"
    return Finding("disk", f"{free >> 30} GB free", "" if free >= FREE else fix)


def writing() -> list[Finding]:
    """Whether the coach's folder and the learner's can be written."""
    findings = []
    for folder in (STEPS, state.FOLDER):
        name = f"write {folder.relative_to(ROOT)}/"
        try:
            folder.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                findings.append(Finding(name, "yes"))
        except OSError as error:
            fix = f"let yourself write to {folder}"
            findings.append(Finding(name, f"no: {error.strerror}", fix))
    return findings
