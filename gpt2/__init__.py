"""GPT-2, ready to run:

from gpt2 import load

model = load("models/shakespeare")
print(model.generate("ROMEO:", max_new_tokens=60, seed=1).text)
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, which takes a moment to import
if TYPE_CHECKING:  # MAX takes a second: not before there is work for it
    from pathlib import Path

    from gpt2.pipeline import Pipeline

PRECISIONS = ("float32", "bfloat16", "int8")  # in which weights can be kept


def load(
    source: str | Path,
    *,
    revision: str | None = None,
    precision: str = "float32",
    device: str = "cpu",
) -> Pipeline:
    """Loads a checkpoint into the engine, which MAX compiles once on a machine.

    Args:
        source: A folder, or a model of the hub such as "openai-community/gpt2".
        revision: Branch, tag or commit of a hub model.
        precision: How weight matrices are kept, one of PRECISIONS.
        device: "cpu" or "gpu".

    Raises:
        CheckpointError: If the checkpoint is missing or damaged.
        ValueError: If the precision or the device is unknown or not there.
    """
    from gpt2.pipeline import Pipeline

    return Pipeline.load(source, revision=revision, precision=precision, device=device)
