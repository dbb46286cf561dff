"""GPT-2, ready to run: what comes after the twelve steps.

    from gpt2 import load

    model = load("models/shakespeare")
    print(model.generate("ROMEO:", max_new_tokens=60, seed=1).text)

The files, in the order in which they are read:

    learner       whose model: a learner's twelve files or ours, put together
    exchange      how fast: the parts that are put into it
    kernels/      these parts, in Mojo
    processor     which of its instructions they multiply with
    precision     weights in fewer bytes
    engine        that, compiled, and its KV cache: prefill, decode
    compiled      what MAX has compiled, kept for the next process
    eager_engine  the model as it is, behind the same doors
    eager         MAX's eager mode, made quick
    equivalence   whether a learner's model is the same on the engine
    decoding      from logits to a token
    text          between text and ids
    drafting      guesses from the text so far
    generation    the loop: texts that grow
    step_12       step 12's own loop, on the engine
    beam          the search for the likeliest text
    trace         how each token came about
    checkpoint    weights, sizes and tokenizer, from disk or the hub
    pipeline      text in, text out
    batch         OpenAI's lines: what a server takes as well
    jobs          files of prompts
    on_ray        the same on Ray, in several engines
    options       the options of the command line
    preparation   from a request to a model that can run
    terminal      what it says beside its text
    start         how every command is started
    process       how its process begins and ends
    __main__      the command line
    serving/      the same model, behind MAX's own server
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
