"""GPT-2's formulas in NumPy, float64: what the steps are compared with."""

import numpy as np


def layer_norm(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float
) -> np.ndarray:
    """`[..., dim]` to `[..., dim]`."""
    x = x.astype(np.float64)
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + eps) * weight + bias


def gelu(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def softmax(x: np.ndarray) -> np.ndarray:
    x = np.exp(x.astype(np.float64) - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


def linear(x: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    """`[..., in]` to `[..., out]`; the weight is `[out, in]`."""
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def mask(sequence_length: int, num_tokens: int) -> np.ndarray:
    """`[sequence_length, num_tokens + sequence_length]`."""
    query = num_tokens + np.arange(sequence_length)[:, None]
    key = np.arange(num_tokens + sequence_length)[None, :]
    return np.where(key <= query, 0.0, -np.inf)


def split_heads(x: np.ndarray, n_head: int) -> np.ndarray:
    """`[batch, seq, n_embd]` to `[batch, n_head, seq, head_dim]`."""
    batch, seq, n_embd = x.shape
    return x.reshape(batch, seq, n_head, n_embd // n_head).transpose(0, 2, 1, 3)


def merge_heads(x: np.ndarray) -> np.ndarray:
    """`[batch, n_head, seq, head_dim]` to `[batch, seq, n_embd]`."""
    batch, n_head, seq, head_dim = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, seq, n_head * head_dim)


def attention_weights(q: np.ndarray, k: np.ndarray) -> np.ndarray:
    """`[batch, n_head, q_len, k_len]`."""
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    return softmax(scores + mask(q.shape[2], k.shape[2] - q.shape[2]))


def part(weights: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The weights of one submodule, under its own names."""
    start = f"{name}."
    return {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}


def attention(x: np.ndarray, weights: dict[str, np.ndarray], n_head: int) -> np.ndarray:
    """`[batch, seq, n_embd]` to `[batch, seq, n_embd]`."""
    q, k, v = np.split(linear(x, weights, "c_attn"), 3, axis=-1)
    q, k, v = (split_heads(t, n_head) for t in (q, k, v))
    return linear(merge_heads(attention_weights(q, k) @ v), weights, "c_proj")


def mlp(x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """`[..., n_embd]` to `[..., n_embd]`."""
    return linear(gelu(linear(x, weights, "c_fc")), weights, "c_proj")


def block(
    x: np.ndarray, weights: dict[str, np.ndarray], n_head: int, eps: float
) -> np.ndarray:
    """`[batch, seq, n_embd]` to `[batch, seq, n_embd]`."""
    ln_1, ln_2 = part(weights, "ln_1"), part(weights, "ln_2")
    x = x + attention(layer_norm(x, **ln_1, eps=eps), part(weights, "attn"), n_head)
    return x + mlp(layer_norm(x, **ln_2, eps=eps), part(weights, "mlp"))


def model(
    ids: np.ndarray,
    positions: np.ndarray,
    weights: dict[str, np.ndarray],
    n_layer: int,
    n_head: int,
    eps: float,
) -> np.ndarray:
    """`[batch, seq]` to `[batch, seq, n_embd]`."""
    x = weights["wte.weight"][ids] + weights["wpe.weight"][positions]
    for i in range(n_layer):
        x = block(x, part(weights, f"h.{i}"), n_head, eps)
    return layer_norm(x, **part(weights, "ln_f"), eps=eps)
