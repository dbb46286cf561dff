"""Build the book, serve it, and write down anew what a program wrote in it."""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import click

from book import drawing, weights
from book.chapters import CHAPTERS, ROOT, refreshed
from gpt2.terminal import BadInput

BOOK = ROOT / "book"


def mdbook() -> str:
    """The program that makes the pages."""
    found = shutil.which("mdbook")
    if found is None:
        raise click.ClickException(
            "mdbook is not there. Delete .venv (with pixi: .pixi) and run again. "
            "More: book/src/troubleshooting.md#book"
        )
    return found


@click.group()
def main() -> None:
    """The book: build it, read it, renew what a program wrote in it."""


@main.command()
@click.option("--book", type=Path, default=BOOK, hidden=True)
@click.option("--to", type=Path, default=BOOK / "html", help="Folder of the pages.")
def build(book: Path, to: Path) -> None:
    """Build the book into book/html.  A warning is an error."""
    weights.write(book / "src")
    words = ["build", str(book), "--dest-dir", str(to.resolve())]
    done = subprocess.run([mdbook(), *words], stderr=subprocess.PIPE, text=True)
    click.echo(done.stderr, err=True, nl=False)
    if done.returncode or " WARN " in done.stderr or "ERROR " in done.stderr:
        raise click.ClickException("the book is not built without warnings, see above")
    click.echo(f"The book is in {to}: open index.html in a browser.")


@main.command()
@click.option("--port", default=3000, show_default=True)
def serve(port: int) -> None:
    """Build the book, serve it on this machine, and build it again at each change."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except (OSError, OverflowError):
        raise BadInput(
            f"port {port} cannot be had, another program may use it: choose another "
            "one, such as --port 3001"
        ) from None
    weights.write(BOOK / "src")
    words = ["serve", str(BOOK), "-n", "127.0.0.1", "-p", str(port)]
    os.execv(mdbook(), ["mdbook", *words])


def known(
    _context: object, _argument: object, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuses what is the name of nothing."""
    for name in names:
        if name not in [*drawing.NAMES, *CHAPTERS, "readme"]:
            raise BadInput(
                f"{name!r} is no figure and no chapter: give the name of a file of "
                "book/drawn or of book/src, or readme"
            )
    return names


@main.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, callback=known)
def data(names: tuple[str, ...]) -> None:
    """Write down anew what figures and chapters show: all of it, or what is named.

    A figure's numbers are computed and drawn.  A chapter's blocks are run, and what
    they print is written below them.  `readme` is the pictures of README.md.
    """
    from book import readme
    from gpt2 import eager

    eager.prepare()
    os.chdir(ROOT)
    figures = [name for name in drawing.NAMES if name in names or not names]
    if figures:
        drawing.write(figures)
    for name, chapter in CHAPTERS.items():
        if name in names or not names:
            click.echo(f"{name}: running")
            chapter.write_text(refreshed(chapter.read_text(), name))
    if "readme" in names or not names:
        click.echo("readme: drawing")
        readme.write()


@main.command()
def repl() -> None:
    """Start Python with MAX ready, to try the examples: IPython, where a block can be
    pasted whole."""
    import IPython

    from gpt2 import eager, process

    eager.prepare()
    process.raise_interrupts()  # in there, Ctrl-C ends a line
    if not sys.stdin.isatty():  # a file, or another program's words
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), {"__name__": "__main__"})
        return
    click.echo("Paste the blocks of a chapter, each as a whole. Ctrl-D twice ends.")
    IPython.start_ipython(argv=["--no-banner"], user_ns={})


if __name__ == "__main__":
    process.run(main, "python -m book")
