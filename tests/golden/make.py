"""Make the golden values of this folder: `./run golden`.

Each checkpoint is a small random GPT-2, saved by Hugging Face transformers as any
GPT-2 is saved, beside what transformers' own forward pass computes from it:

    input_ids [batch, seq]         int64
    logits    [batch, seq, vocab]  float32
    greedy    [batch, seq + new]   int64, the prompt and its greedy continuation

`beams.json` has what transformers' beam search writes with these checkpoints, and
`decoding.safetensors` what its logits processors make of some rows of logits:

    logits    [row, vocab]         float32
    ids       [row, seq]           int64, the text so far
    filtered  [case, row, vocab]   float32; the metadata has the arguments of each case

`tests/test_golden.py`, `test_beam.py` and `test_decoding.py` hold our code to these
numbers, without PyTorch.  On one machine the same command writes the same bytes, so
that a change of a file here is a change of meaning; on another, sums in another order
may change the last digit of `logits`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from gpt2 import process

if __name__ == "__main__":  # in front of imports that take their time
    process.begin()

import copy
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel

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


# --- Beam search -------------------------------------------------------------------

PROMPT = 5  # how much of the second row of input_ids
# Two of the tokens that come up in the beams of each: they end texts early, so that
# length penalty and early stopping decide which text wins.
STOPS = {
    "odd_heads": [27, 17],
    "inner_set": [44, 5],
    "one_layer_full_length": [10, 48],
    "three_layers_bfloat16": [5, 61],
    "large_epsilon_float16": [22, 20],
}


def beam_cases(config: GPT2Config, stops: list[int]) -> Iterator[dict[str, Any]]:
    """Arguments of transformers' `generate`, under the names that it gives them."""
    full = config.n_positions + 1 - PROMPT  # so many new tokens fill the context
    for num_beams, returned, new in ((2, 2, 4), (3, 2, 9), (5, 5, full)):
        for length_penalty in (1.0, 0.0, 2.0, -1.0):
            case = {
                "num_beams": num_beams,
                "num_return_sequences": returned,
                "length_penalty": length_penalty,
                "max_new_tokens": new,
            }
            yield {**case, "early_stopping": False, "eos_token_id": []}
            for early, count in itertools.product((True, False, "never"), (1, 2)):
                yield {**case, "early_stopping": early, "eos_token_id": stops[:count]}


@torch.no_grad()
def beam_search(
    model: GPT2LMHeadModel, prompt: list[int], case: dict[str, Any]
) -> tuple[list[list[int]], list[float]]:
    """The new tokens of each text, and its score."""
    stops = case["eos_token_id"]
    model.generation_config = GenerationConfig(pad_token_id=0)
    result = model.generate(
        torch.tensor([prompt]),  # [1, seq]
        attention_mask=torch.ones(1, len(prompt)),  # [1, seq]
        do_sample=False,
        output_scores=True,
        return_dict_in_generate=True,
        **{**case, "eos_token_id": stops or None},
    )
    lengths = (result.beam_indices >= 0).sum(dim=1)  # [text]; the rest is padding
    texts = result.sequences[:, len(prompt) :].tolist()
    texts = [text[:length] for text, length in zip(texts, lengths, strict=True)]
    return texts, result.sequences_scores.tolist()


def make_beams(file: Path) -> None:
    lines = []
    for name, stops in STOPS.items():
        model = GPT2LMHeadModel.from_pretrained(HERE / name, dtype=torch.float32)
        exact = copy.deepcopy(model).double()
        expected = load_file(HERE / name / "expected.safetensors")
        prompt = expected["input_ids"][1, :PROMPT].tolist()
        for case in beam_cases(model.config, stops):
            texts, scores = beam_search(exact, prompt, case)
            in_float32, _ = beam_search(model, prompt, case)
            assert texts == in_float32, f"{name}, {case}: rounding decides"
            scores = [round(score, 5) for score in scores]
            golden = {"checkpoint": name, "prompt": prompt, **case}
            lines.append(json.dumps({**golden, "texts": texts, "scores": scores}))
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{file.name:24} {len(lines)} searches")


# --- Decoding ----------------------------------------------------------------------

# Arguments of transformers' `generate`, whose order of processors is the one to hold.
DECODING = [
    *({"temperature": t} for t in (0.1, 0.7, 1.0, 1.9)),
    *({"top_k": k} for k in (0, 1, 2, 7, 40, 41, 1000)),
    *({"top_p": p} for p in (1e-6, 0.1, 0.5, 0.9, 0.99, 0.9999, 1.0)),
    *({"min_p": p} for p in (0.0, 1e-6, 0.01, 0.1, 0.5, 1.0)),
    *({"repetition_penalty": penalty} for penalty in (0.5, 1.0, 1.2, 3.0)),
    # Each pair tells one order from the other.
    {"repetition_penalty": 1.5, "temperature": 0.6},
    {"repetition_penalty": 1.5, "top_k": 4},
    {"temperature": 2.5, "top_p": 0.7},
    {"temperature": 0.4, "min_p": 0.05},
    {"top_k": 6, "top_p": 0.8},
    {"top_p": 0.6, "min_p": 0.2},
    {"repetition_penalty": 1.3, "temperature": 0.8, "top_k": 20, "top_p": 0.95},
    {
        "repetition_penalty": 1.1,
        "temperature": 1.4,
        "top_k": 12,
        "top_p": 0.9,
        "min_p": 0.1,
    },
    {"repetition_penalty": 1.7, "temperature": 0.5, "top_k": 3, "do_sample": False},
]


def some_logits(generator: torch.Generator) -> torch.Tensor:
    """Logits [row, vocab].  No case cuts a row of ties just where p is reached."""
    vocab = 41
    one_hot = torch.zeros(vocab)
    one_hot[17] = 20
    ties = torch.randint(-2, 3, (vocab,), generator=generator).float()
    normal = torch.randn((3, vocab), generator=generator)
    spread = torch.tensor([[2.0], [4.0], [500.0]])
    centre = torch.tensor([[0.0], [-60.0], [0.0]])
    return torch.cat([normal * spread + centre, torch.stack([one_hot, ties, 0 * ties])])


def make_decoding(file: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = some_logits(generator)  # [row, vocab]
    rows, vocab = logits.shape
    ids = torch.randint(vocab, (rows, 9), generator=generator)  # [row, seq]
    ids[:, -1] = ids[:, 0]  # one of them twice
    model = GPT2LMHeadModel(GPT2Config(vocab_size=vocab, n_embd=2, n_head=1))
    filtered = []
    for case in DECODING:
        config = GenerationConfig(**{"do_sample": True, "top_k": 0, **case})
        warp = model._get_logits_processor(config, input_ids_seq_length=ids.shape[1])
        filtered.append(warp(ids, logits.clone()))  # [row, vocab]
    tensors = {"logits": logits, "ids": ids, "filtered": torch.stack(filtered)}
    save_file(tensors, file, metadata={"cases": json.dumps(DECODING)})
    print(f"{file.name:24} {len(DECODING)} cases, {rows} rows each")


if __name__ == "__main__":
    torch.set_num_threads(1)  # the order of sums is part of the numbers
    for number, (name, golden) in enumerate(GOLDEN.items()):
        make(HERE / name, golden, seed=number)
    make_beams(HERE / "beams.json")
    make_decoding(HERE / "decoding.safetensors")
