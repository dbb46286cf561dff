"""Run what the chapters show, so that nothing in them can go stale.

A chapter's fences say what is to be done with them:

    python          runs, in order, in one namespace per chapter
    python,norun    is only shown: it needs a download
    sh              commands; each is a task that exists
    python,served   runs beside `./run serve`
    sh,served       the same, by the shell: what is typed in another terminal
    text,output     what the block right above it printed
    text            anything else that is not code; its marks only say what it is

What `{{#include ...}}` brings in is run where it comes from.  A block marked
`needs-gpt2-vocabulary` runs where tests/shared.py finds GPT-2's published vocabulary.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.shared import VOCABULARY

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "book" / "src"
CHAPTERS = {file.stem: file for file in sorted(SOURCE.glob("[a-z]*.md"))}
NEEDS_VOCABULARY = "needs-gpt2-vocabulary"
SERVED = "served"
ADDRESS = "http://127.0.0.1:8000"  # where a reader's server is; a test's is elsewhere
FENCE = re.compile(r"^```([a-z]+)(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass
class Block:
    """A fenced block of a chapter.

    Attributes:
        language: "python", "sh", "text" or "toml" and the like.
        marks: What stands behind it, such as "norun" or "output".
        text: What is in it.
        span: Where the text starts and ends in the chapter.
        line: Line of the chapter where the text starts.
        output: The block right below it that shows what it prints.
    """

    language: str
    marks: set[str]
    text: str
    span: tuple[int, int]
    line: int
    output: "Block | None" = None

    @property
    def runs(self) -> bool:
        """Whether it is to be run, here or anywhere."""
        shown = "norun" in self.marks or "{{#include" in self.text
        return not shown and (self.language == "python" or self.output is not None)

    @property
    def can_run(self) -> bool:
        """Whether what it needs is on this machine."""
        if self.language == "sh" and SERVED in self.marks:
            return shutil.which("bash") is not None and shutil.which("curl") is not None
        return NEEDS_VOCABULARY not in self.marks or VOCABULARY.exists()


def blocks(chapter: str) -> list[Block]:
    """The blocks of a chapter's text, each output under what printed it."""
    found: list[Block] = []
    end = 0
    for match in FENCE.finditer(chapter):
        marks = set(filter(None, match[2].split(",")))
        line = chapter.count("\n", 0, match.start(3)) + 1
        block = Block(match[1], marks, match[3], match.span(3), line)
        if "output" in marks:
            between = chapter[end : match.start()].strip()
            if not found or between or found[-1].output or "output" in found[-1].marks:
                raise ValueError(f"line {line}: this output belongs to no block")
            found[-1].output = block
        found.append(block)
        end = match.end()
    return found


def printed(chapter: str, name: str) -> Iterator[tuple[Block, str]]:
    """Runs a chapter from top to bottom.

    Args:
        chapter: Its text.
        name: What it is called in a traceback.

    Yields:
        Each block that runs, and what it prints.

    Raises:
        ValueError: If a block prints, and no output block stands below it.
    """
    names: dict[str, Any] = {"__name__": "__main__", "GPT2_VOCABULARY": VOCABULARY}
    with contextlib.ExitStack() as until_the_end:
        address = ADDRESS
        for block in blocks(chapter):
            if not (block.runs and block.can_run):
                continue
            if SERVED in block.marks and address == ADDRESS:
                address = until_the_end.enter_context(server())
            command = block.text.replace(ADDRESS, address)
            if block.language == "python":
                code = "\n" * (block.line - 1) + command  # so that line numbers agree
                heard = io.StringIO()
                with contextlib.redirect_stdout(heard):
                    exec(compile(code, f"{name}.md", "exec"), names)
                text = heard.getvalue()
            elif SERVED in block.marks:
                text = answered(command)
            else:
                text = said(command)
            if text.strip() and block.output is None:
                raise ValueError(
                    f"{name}.md, line {block.line}: this block prints, but no block "
                    f"marked text,output follows it. It printed:\n{text}"
                )
            yield block, text.replace(address, ADDRESS)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """`./run serve` on a port that is free, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *task("serve"), "--port", str(port)],
        cwd=ROOT,
        env=dict(os.environ),  # what MAX adds to it unseen is not for another Python
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            assert process.stdout
            told = ""
            while " is ready at " not in told:
                line = process.stdout.readline()
                if not line:
                    raise ValueError(f"./run serve does not serve:\n{told}")
                told += line
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def answered(command: str) -> str:
    """What a terminal shows for a request, but for what is new each time."""
    done = subprocess.run(
        ["bash", "-c", command],
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    text = re.sub(r'("id": ?"cmpl-)\w+', r"\1...", done.stdout)
    return re.sub(r'("created": ?)\d+', r"\1...", text)


def said(command: str) -> str:
    """What a terminal shows for `./run TASK ...`, but for the lines that tell times."""
    runner, name, *arguments = shlex.split(command, comments=True)
    if runner != "./run":
        raise ValueError(f"its output cannot be shown: {command}")
    done = subprocess.run(
        [sys.executable, *task(name), *arguments],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    told_times = r"^(preparing MAX: .*|\d+ (tokens|beams) in .*)\n?"
    return re.sub(told_times, "", done.stdout, flags=re.MULTILINE)


def task(name: str) -> list[str]:
    """What Python is given for `./run NAME`."""
    tasks = tomllib.loads((ROOT / "pixi.toml").read_text())["tasks"]
    python, *words = shlex.split(tasks[name]["cmd"])
    if python != "python":
        raise ValueError(f"its output cannot be shown: ./run {name}")
    return words


def refreshed(chapter: str, name: str) -> str:
    """The chapter with every output as it is now."""
    parts, end = [], 0
    for block, text in printed(chapter, name):
        if block.output:
            start, stop = block.output.span
            lines = [line.rstrip() for line in text.strip("\n").splitlines()]
            parts += [chapter[end:start], "".join(f"{line}\n" for line in lines)]
            end = stop
    return "".join(parts) + chapter[end:]
