"""Start a program of this repository, whatever lies around it.

    python -I gpt2/start.py course check 07

means `python -m course check 07`, but for two things.  There, Python looks for every
module in the folder first, its own included: a `random.py` or `types.py` that somebody
has left there stops the program, often before its first line.  And a shell may have
set PYTHONPATH, PYTHONSAFEPATH and the like.  With `-I`, neither counts.
"""

import os
import sys

FILE = os.path.abspath(__file__)
ROOT = os.path.dirname(os.path.dirname(FILE))


def words(module: str, *arguments: object) -> list[str]:
    """The command that starts a program from here, for `subprocess`."""
    return [sys.executable, "-I", FILE, module, *map(str, arguments)]


def hides_a_folder(name: str) -> bool:
    """Whether a file of that name comes first all the same: before a folder without an
    `__init__.py`, such as MAX's own and most of this repository's."""
    folders = [os.path.join(place, name) for place in sys.path]
    marks = [os.path.join(folder, "__init__.py") for folder in folders]
    return any(map(os.path.isdir, folders)) and not any(map(os.path.exists, marks))


if __name__ == "__main__":
    sys.path.append(ROOT)  # last, so that what lies there hides nothing
    for file in os.listdir(ROOT):
        name = file.removesuffix(".py")
        if name != file and hides_a_folder(name):
            print(
                f"Error: {file} hides {name}, which the course needs, from Python: "
                f"move it out of {ROOT}, or give it another name.",
                file=sys.stderr,
            )
            sys.exit(2)
    import runpy

    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
