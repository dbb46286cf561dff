"""How the process of every command begins and ends.

    if __name__ == "__main__":  # in front of imports that take their time
        from gpt2 import process

        process.begin()
    ...
    if __name__ == "__main__":
        process.run(main, "./run")

Two things may end it at any moment, and neither is worth a word: Ctrl-C, with exit code
130, and a reader who has read enough, as in `./run generate | head -1`, with 141.  By
these codes a shell knows them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

TYPE_CHECKING = False  # as in typing, which takes longer to import than all of this
if TYPE_CHECKING:
    from typing import NoReturn

    import click

INTERRUPTED = 128 + signal.SIGINT
CUT_SHORT = 128 + signal.SIGPIPE
AS_BEFORE = b"\x1b[0m\x1b[?25h\n"  # for a terminal: no colour, a cursor, a new line


def begin() -> None:
    """From here on, Ctrl-C ends this process at once.

    It raises nothing: an exception may come in the middle of an import, or where MAX's
    C++ calls Python and cannot pass it on.  What a killed process would spoil must not
    be left to tidying up anyway.

    In the background, where a shell has Ctrl-C ignored, it stays so.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    signal.signal(signal.SIGINT, heard)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    threading.Thread(target=listen, args=(reading,), daemon=True).start()


def heard(*_: object) -> None:
    """Nothing yet: Python calls this between two of its own steps, and there may be
    none for a minute, while MAX compiles."""


def listen(pipe: int) -> None:
    """In a thread of its own, ends the process at Ctrl-C, whatever is going on."""
    while os.read(pipe, 1)[0] != signal.SIGINT:
        pass
    for stream in (1, 2):
        if os.isatty(stream):
            os.write(stream, AS_BEFORE)
            break
    os._exit(INTERRUPTED)


def raise_interrupts() -> None:
    """From here on, Ctrl-C is a KeyboardInterrupt: for a command that waits for it."""
    if signal.getsignal(signal.SIGINT) is heard:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, interrupt)


def interrupt(*_: object) -> NoReturn:
    """As Python's own handler, for which MAX runs slowly: see `gpt2/eager.py`."""
    raise KeyboardInterrupt


def run(command: click.Command, name: str) -> NoReturn:
    """Runs a command, and ends the process.

    Args:
        command: Takes the process's arguments.
        name: What its help and its refusals call it.
    """
    import contextlib

    import click

    code: object = 0
    try:
        try:  # as command.main() does, which makes other things of both ends
            with command.make_context(name, sys.argv[1:]) as context:
                command.invoke(context)
            print(end="", flush=True)
        except click.exceptions.Exit as end:
            code = end.exit_code
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except BrokenPipeError:
            raise
        except OSError as error:  # the disk is full, or a folder cannot be written
            with contextlib.suppress(OSError):  # stderr may be full as well
                click.echo(f"Error: {error}", err=True)
            code = 2
            write_no_more()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = CUT_SHORT
    except SystemExit as end:
        # rich makes this of a pipe that nobody reads any more.
        cut_short = isinstance(end.__context__, BrokenPipeError)
        code = CUT_SHORT if cut_short else end.code
    if code == CUT_SHORT:
        write_no_more()
    sys.exit(code)  # type: ignore[arg-type]


def write_no_more() -> None:
    """Lets Python drop what it would write when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
