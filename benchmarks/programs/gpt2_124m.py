"""The model that all programs run: GPT-2 124M, with random weights.

They are saved as Hugging Face transformers saves them; each program converts that for
itself.
"""

from pathlib import Path
from typing import Any

N_LAYER, N_HEAD, HEAD_DIM, N_EMBD, VOCAB_SIZE = 12, 12, 64, 768, 50257
BLOCK_WEIGHTS = N_LAYER * 12 * N_EMBD**2  # of the linear layers
READ_WEIGHTS = BLOCK_WEIGHTS + VOCAB_SIZE * N_EMBD  # of these and the head

# A cache comes into a graph and goes out of it as a tensor for each layer's k and v.
PAST = [f"past_{n}_{kind}" for n in range(N_LAYER) for kind in "kv"]
PRESENT = [f"present_{n}_{kind}" for n in range(N_LAYER) for kind in "kv"]


def make_checkpoint(folder: Path) -> None:
    """Saves GPT-2 124M with random weights, as Hugging Face transformers saves it.

    With these standard deviations the logits spread as the real model's do (2.75), and
    the greedy text does not stick to one token, as it does with transformers' own.
    """
    import torch
    from tokenizers import Tokenizer, models
    from transformers import GPT2Config, GPT2LMHeadModel

    generator = torch.Generator().manual_seed(0)
    # No token ends a text: each program writes as much as it is asked for.
    model = GPT2LMHeadModel(GPT2Config(bos_token_id=None, eos_token_id=None))
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            std = 0.1 if "wte" in name or "wpe" in name else 0.05
            torch.nn.init.normal_(parameter, std=std, generator=generator)
        else:  # a bias, or what a layer norm scales by
            mean = 0.0 if name.endswith("bias") else 1.0
            torch.nn.init.normal_(parameter, mean, std=0.1, generator=generator)
    model.save_pretrained(folder)
    words = {str(i): i for i in range(VOCAB_SIZE - 1)}
    words["<|endoftext|>"] = VOCAB_SIZE - 1  # GPT-2's tokenizers insist on this one
    Tokenizer(models.WordLevel(words)).save(str(folder / "tokenizer.json"))


def load_weights(checkpoint: Path) -> dict[str, Any]:
    """PyTorch tensors under the checkpoint's names, linear layers as `[in, out]`."""
    from safetensors.torch import load_file

    stored = load_file(checkpoint / "model.safetensors")
    stored.pop("lm_head.weight", None)  # it is wte.weight
    return {name.removeprefix("transformer."): x for name, x in stored.items()}


def turned(weights: dict[str, Any]) -> dict[str, Any]:
    """The same with linear layers as `[out, in]`."""
    linear = ("c_attn.weight", "c_fc.weight", "c_proj.weight")
    return {
        name: x.T.contiguous() if name.endswith(linear) else x
        for name, x in weights.items()
    }
