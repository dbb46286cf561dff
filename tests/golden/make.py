"""Make the golden checkpoints of this folder: `./run golden`.

Each is a small random GPT-2, saved by Hugging Face transformers as any GPT-2 is
saved, beside what transformers' own forward pass computes from it:

    input_ids [batch, seq]         int64
    logits    [batch, seq, vocab]  float32
    greedy    [batch, seq + new]   int64, the prompt and its greedy continuation

`tests/test_golden.py` holds our model to these numbers, without PyTorch.  The same
command writes the same bytes, so that a change of a file here is a change of meaning.
"""

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Golden:
    """One checkpoint: its config.json, what it reads, and how it is stored."""

    config: GPT2Config
    batch: int
    seq: int  # length of input_ids, which are also the prompts for greedy
    dtype: torch.dtype = torch.float32


# Every size is another one, and most are odd: nothing fits by accident.
GOLDEN = {
    "odd_heads": Golden(
        GPT2Config(vocab_size=61, n_positions=17, n_embd=24, n_layer=2, n_head=3),
        batch=3,
        seq=13,
    ),
    "inner_set": Golden(
        GPT2Config(
            vocab_size=53, n_positions=19, n_embd=20, n_layer=2, n_head=5, n_inner=37
        ),
        batch=2,
        seq=11,
    ),
    "one_layer_full_length": Golden(
        GPT2Config(vocab_size=59, n_positions=23, n_embd=14, n_layer=1, n_head=1),
        batch=2,
        seq=23,
    ),
    "three_layers_bfloat16": Golden(
        GPT2Config(vocab_size=67, n_positions=16, n_embd=28, n_layer=3, n_head=7),
        batch=2,
        seq=9,
        dtype=torch.bfloat16,
    ),
    "large_epsilon_float16": Golden(
        GPT2Config(
            vocab_size=47,
            n_positions=29,
            n_embd=18,
            n_layer=2,
            n_head=2,
            layer_norm_epsilon=0.3,
            activation_function="gelu_pytorch_tanh",
        ),
        batch=2,
        seq=10,
        dtype=torch.float16,
    ),
}
NEW_TOKENS = 5
SMALLEST_GAP = 1e-3  # between the two best logits of every greedy step


def lively(model: GPT2LMHeadModel, generator: torch.Generator) -> None:
    """Random numbers for every parameter, large enough that each one matters.

    transformers starts with biases of 0 and layer norms of 1: a model that forgot
    them would pass.
    """
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("bias"):
            parameter.data = 0.5 * noise
        elif parameter.ndim == 1:  # a layer norm's weight
            parameter.data = 1 + 0.3 * noise
        elif "wte" in name or "wpe" in name:
            parameter.data = 0.6 * noise
        else:  # a linear layer, [in, out]
            parameter.data = 1.5 * noise / parameter.shape[0] ** 0.5


def greedy(model: GPT2LMHeadModel, ids: torch.Tensor) -> tuple[torch.Tensor, float]:
    """The greedy continuation, and the smallest gap between two best logits.

    Only the last n_positions tokens are read, as in `generate` of step 12.
    """
    gap = float("inf")
    for _ in range(NEW_TOKENS):
        logits = model(ids[:, -model.config.n_positions :]).logits[:, -1]
        best = logits.topk(2)  # [batch, 2]
        gap = min(gap, (best.values[:, 0] - best.values[:, 1]).min().item())
        ids = torch.cat([ids, best.indices[:, :1]], dim=1)
    return ids, gap


def letter_tokenizer(vocab_size: int) -> Tokenizer:
    """One token a character, the last one `<|endoftext|>`."""
    letters = [chr(ord("!") + i) for i in range(vocab_size - 1)]
    vocab = {token: i for i, token in enumerate([*letters, "<|endoftext|>"])}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<|endoftext|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer


@torch.no_grad()
def make(folder: Path, golden: Golden, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    config = golden.config
    config.bos_token_id = config.eos_token_id = config.vocab_size - 1
    model = GPT2LMHeadModel(config)
    lively(model, generator)
    model.to(golden.dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    letter_tokenizer(config.vocab_size).save(str(folder / "tokenizer.json"))

    model = model.float().eval()  # with the weights rounded as they are stored
    shape = (golden.batch, golden.seq)
    input_ids = torch.randint(config.vocab_size, shape, generator=generator)
    logits = model(input_ids).logits
    exact = copy.deepcopy(model).double()(input_ids).logits
    error = (logits - exact).abs().max().item()
    new, gap = greedy(model, input_ids)
    assert gap > SMALLEST_GAP, f"{folder.name}: a greedy step wins by {gap:.1e} only"
    expected = {"input_ids": input_ids, "logits": logits, "greedy": new}
    save_file(expected, folder / "expected.safetensors")
    print(
        f"{folder.name:24} logits up to {logits.abs().max():.1f}, "
        f"off the float64 ones by {error:.0e}; greedy steps win by {gap:.3f} or more"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)  # the order of sums is part of the numbers
    for number, (name, golden) in enumerate(GOLDEN.items()):
        make(HERE / name, golden, seed=number)
