"""Put models/shakespeare beside the book's pages, for the playground.

A page that is opened as a file may fetch no other file, but it may load scripts.  So
the checkpoint comes as scripts, in base64, of a size at which progress can be seen.
"""

import base64
import json
import os
from pathlib import Path

from book.chapters import ROOT

MODEL = ROOT / "models" / "shakespeare"
FILES = "config.json", "tokenizer.json", "model.safetensors"
SIZE = 400_000  # bytes in a script, before base64


def write(source: Path) -> None:
    """Writes the scripts into the folder `weights` of the book's source, from which
    mdBook takes them to the pages; those that are up to date stay as they are.

    Args:
        source: The folder of the chapters.
    """
    pieces = []
    for name in FILES:
        content = (MODEL / name).read_bytes()
        starts = range(0, len(content), SIZE)
        pieces += [(name, content[start : start + SIZE]) for start in starts]
    folder = source / "weights"
    folder.mkdir(exist_ok=True)
    for at, (name, piece) in enumerate(pieces):
        data = base64.b64encode(piece).decode()
        part = json.dumps({"of": len(pieces), "file": name, "data": data})
        file, text = folder / f"part-{at}.js", f"weightsPartCame({part});\n"
        if not file.exists() or file.read_text() != text:
            # Another build may be taking the files just now: each is whole at any time.
            fresh = source.parent / f".{file.name}.{os.getpid()}"
            fresh.write_text(text)
            fresh.replace(file)
