"""Data that tests and book profit from, and that the project does without.

It lies in `../shared`, or in the folder that the variable GPT2_COURSE_SHARED names.
Where a file is not there, what needs it is skipped, and says so:

    VOCABULARY  GPT-2's published vocab.json and merges.txt: its tokenizer, in
                test_checkpoint.py, and a block of the book's step 12
    TEXT        tiny Shakespeare: perplexity on its last tenth, in test_engine.py
    SCHEMA      pixi's own schema, to which test_tasks.py holds pixi.toml
"""

import os
from pathlib import Path
from typing import Any

BESIDE = Path(__file__).parent.parent.parent / "shared"
SHARED = Path(os.environ.get("GPT2_COURSE_SHARED", BESIDE))
VOCABULARY = SHARED / "data" / "gpt2-tokenizer"
TEXT = SHARED / "data" / "tinyshakespeare.txt"
SCHEMA = SHARED / "schemas" / "pixi.schema.json"


def needs(file: Path) -> Any:
    """Skips a test where `file`, one of the above, is not there."""
    import pytest  # the book, which reads this file too, does without

    reason = f"{file.name} is not there: tests/shared.py says from where it is taken"
    return pytest.mark.skipif(not file.exists(), reason=reason)
