"""Plain PyTorch: GPT-2 as a function, and a cache that is written in place."""

from benchmarks.programs.gpt2_124m import (
    HEAD_DIM,
    N_EMBD,
    N_HEAD,
    N_LAYER,
    load_weights,
    turned,
)
from benchmarks.programs.program import Files, Program, Tokens


def torch_gpt2(weights, ids, positions, attend):
    """GPT-2 in PyTorch: the logits `[batch, 1, vocab]` after the last of the ids.

    `attend(n, q, k, v)` is layer n's attention, the past included.
    """
    from torch.nn import functional as F

    def norm(x, name):
        scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return F.layer_norm(x, (N_EMBD,), scale, shift)

    def linear(x, name):
        return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    x = weights["wte.weight"][ids] + weights["wpe.weight"][positions]
    for n in range(N_LAYER):
        qkv = linear(norm(x, f"h.{n}.ln_1"), f"h.{n}.attn.c_attn")
        qkv = qkv.unflatten(-1, (3, N_HEAD, HEAD_DIM))  # [batch, seq, 3, n_head, ...]
        q, k, v = qkv.transpose(1, 3).unbind(2)  # each [batch, n_head, seq, head_dim]
        mixed = attend(n, q, k, v).transpose(1, 2).flatten(2)  # [batch, seq, n_embd]
        x = x + linear(mixed, f"h.{n}.attn.c_proj")
        inner = linear(norm(x, f"h.{n}.ln_2"), f"h.{n}.mlp.c_fc")
        x = x + linear(F.gelu(inner, approximate="tanh"), f"h.{n}.mlp.c_proj")
    return F.linear(norm(x[:, -1:], "ln_f"), weights["wte.weight"])


class PyTorch(Program):
    packages = ("torch",)
    precisions = ("float32", "bfloat16")

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.dtype = getattr(torch, precision)
        weights = turned(load_weights(files.checkpoint))
        self.weights = {name: x.to(self.dtype) for name, x in weights.items()}

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        import torch
        from torch.nn.functional import scaled_dot_product_attention

        def attend(n, q, k, v):
            cache[n, 0, :, :, start:end] = k
            cache[n, 1, :, :, start:end] = v
            k, v = cache[n, :, :, :, :end]  # each [batch, n_head, end, head_dim]
            return scaled_dot_product_attention(q, k, v, is_causal=start == 0)

        ids, start, columns = torch.tensor(prompts), 0, []
        batch, end = ids.shape
        size = (N_LAYER, 2, batch, N_HEAD, end + new, HEAD_DIM)
        cache = torch.empty(size, dtype=self.dtype)
        with torch.inference_mode():
            while len(columns) < new:
                positions = torch.arange(start, end)
                logits = torch_gpt2(self.weights, ids, positions, attend)
                ids = logits.argmax(dim=-1)  # [batch, 1]
                columns.append(ids)
                start, end = end, end + 1
        return torch.cat(columns, dim=1).tolist()  # [batch, new]
