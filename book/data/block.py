"""What stands in the stream at each stage of each block, for one sentence."""

from typing import Any

import numpy as np

from book.data.model import digits, run

TEXT = "Good morrow, my good lord"


def data() -> dict[str, Any]:
    ran = run("shakespeare", TEXT)
    config = ran.checkpoint.config
    norms = []
    for layer in range(config.n_layer):
        name = f"transformer.h.{layer}"
        stages = [
            ran.inputs[name],
            ran.outputs[f"{name}.ln_1"],
            ran.outputs[f"{name}.attn"],
            ran.inputs[f"{name}.ln_2"],
            ran.outputs[f"{name}.ln_2"],
            ran.outputs[f"{name}.mlp"],
            ran.outputs[name],
        ]  # each [seq, n_embd]
        norms.append([np.linalg.norm(vector, axis=-1) for vector in stages])
    return {
        "tokens": ran.tokens,
        "sizes": {
            "n_embd": config.n_embd,
            "n_head": config.n_head,
            "head_dim": config.head_dim,
            "inner_dim": config.inner_dim,
        },
        "norms": digits(np.array(norms), 2),  # [n_layer, stages, seq]
    }


def vectors() -> dict[str, Any]:
    """How long the two sums are, added up here: what the stream should be."""
    ran = run("shakespeare", TEXT)
    found = []
    for layer in range(ran.checkpoint.config.n_layer):
        name = f"transformer.h.{layer}"
        after = ran.inputs[name] + ran.outputs[f"{name}.attn"]  # [seq, n_embd]
        sums = [after, after + ran.outputs[f"{name}.mlp"]]
        found.append([np.linalg.norm(vector, axis=-1) for vector in sums])
    return {"sums": digits(np.array(found), 2)}  # [n_layer, 2, seq]
