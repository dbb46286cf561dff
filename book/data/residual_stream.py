"""How long the stream is, what each part adds, and what the head would read there."""

from typing import Any

import numpy as np

from book.data.model import Run, digits, run

TEXT = "Good morrow, my good lord"


def data() -> dict[str, Any]:
    ran = run("shakespeare", TEXT)
    added = contributions(ran)
    vectors = np.stack(list(added.values()))  # [places, seq, n_embd]
    streams = vectors.cumsum(axis=0)  # [places, seq, n_embd]
    probabilities = lens(ran, streams)  # [places, seq, vocab_size]
    best = probabilities.argmax(axis=-1)  # [places, seq]
    return {
        "tokens": ran.tokens,
        "places": list(added),
        "added": digits(np.linalg.norm(vectors, axis=-1), 2),  # [places, seq]
        "stream": digits(np.linalg.norm(streams, axis=-1), 2),  # [places, seq]
        "predicted": [[spelled(ran, token) for token in row] for row in best.tolist()],
        "probability": digits(probabilities.max(axis=-1)),  # [places, seq]
    }


def vectors() -> dict[str, Any]:
    """What the model itself says: the stream that ln_f reads, and the next token."""
    ran = run("shakespeare", TEXT)
    logits = ran.outputs[""]  # [seq, vocab_size]
    return {
        "last": digits(np.linalg.norm(ran.inputs["transformer.ln_f"], axis=-1), 2),
        "predicted": [spelled(ran, token) for token in logits.argmax(-1).tolist()],
        "probability": digits(softmax(logits).max(axis=-1)),
    }


def contributions(ran: Run) -> dict[str, np.ndarray]:
    """What is added to the stream, in order, each `[seq, n_embd]`."""
    wte = ran.outputs["transformer.wte"]
    added = {"wte": wte, "wpe": ran.inputs["transformer.h.0"] - wte}
    for layer in range(ran.checkpoint.config.n_layer):
        for part in (f"h.{layer}.attn", f"h.{layer}.mlp"):
            added[part] = ran.outputs[f"transformer.{part}"]
    return added


def lens(ran: Run, streams: np.ndarray) -> np.ndarray:
    """The probabilities of the next token, if ln_f and the head read the stream."""
    weight, bias, wte = (
        np.asarray(ran.checkpoint.weights[f"transformer.{name}"])
        for name in ("ln_f.weight", "ln_f.bias", "wte.weight")
    )
    mean = streams.mean(axis=-1, keepdims=True)
    variance = streams.var(axis=-1, keepdims=True)
    epsilon = ran.checkpoint.config.layer_norm_epsilon
    hidden = (streams - mean) / np.sqrt(variance + epsilon) * weight + bias
    return softmax(hidden @ wte.T)  # [places, seq, vocab_size]


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def spelled(ran: Run, token: int) -> str:
    return ran.checkpoint.tokenizer.decode([token], skip_special_tokens=False)
