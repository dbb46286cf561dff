"""Loading checkpoints: every published form, and every refusal in one clear line.

Each case starts from a copy of a small valid folder, changes one thing in it, and
says what must come of that.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from huggingface_hub import errors
from huggingface_hub.utils import filter_repo_objects
from max.dtype import DType
from max.experimental import functional as F
from max.experimental.tensor import default_dtype
from safetensors import deserialize
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from gpt2 import checkpoint
from gpt2.checkpoint import (
    HUB_FILES,
    CheckpointError,
    load_checkpoint,
    load_tokenizer,
)
from gpt2.precision import from_float32
from solutions.solution_01 import GPT2Config
from solutions.solution_11 import GPT2LMHeadModel
from tests.shared import VOCABULARY, needs

REPO = Path(__file__).parent.parent
GOLDEN = REPO / "tests" / "golden"

DEEP = 200_000  # brackets in each other; Python 3.13 reads more of them than 3.11

Change = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A valid checkpoint that a test may spoil: 2 layers, width 24, 61 tokens."""
    copy = tmp_path / "model"
    copy.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.copyfile(GOLDEN / "odd_heads" / name, copy / name)
    return copy


# --- Changes ------------------------------------------------------------------


def remove(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: str | bytes) -> Change:
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(data)


def config(**entries: object) -> Change:
    def change(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | entries))

    return change


def weights(edit: Callable[[dict[str, np.ndarray]], object]) -> Change:
    """`edit` changes a dictionary of arrays whose names are without a prefix."""

    def change(folder: Path) -> None:
        file = folder / "model.safetensors"
        arrays = {
            name.removeprefix("transformer."): array
            for name, array in load_file(file).items()
        }
        edit(arrays)
        save_file(arrays, file)

    return change


def put(name: str, edit: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Replaces one tensor by what `edit` makes of it."""
    return weights(lambda w: w.update({name: np.ascontiguousarray(edit(w[name]))}))


def cut(file: str, to: Callable[[bytes], bytes]) -> Change:
    return lambda folder: (folder / file).write_bytes(to((folder / file).read_bytes()))


def with_head(arrays: dict[str, np.ndarray]) -> None:
    arrays["lm_head.weight"] = arrays["wte.weight"].copy()


def shard(folder: Path) -> None:
    """Splits the weights in two files and an index, as large models are published."""
    file = folder / "model.safetensors"
    arrays = load_file(file)
    file.unlink()
    names = sorted(arrays)
    weight_map = {}
    for number, part in enumerate((names[:9], names[9:]), start=1):
        shard = f"model-{number:05}-of-00002.safetensors"
        save_file({name: arrays[name] for name in part}, folder / shard)
        weight_map |= dict.fromkeys(part, shard)
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def original_tokenizer_files(folder: Path) -> None:
    """vocab.json and merges.txt instead of tokenizer.json."""
    (folder / "tokenizer.json").unlink()
    vocab = {token: i for i, token in enumerate(["a", "b", "ab", "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "merges.txt").write_text("#version: 0.2\na b\n")


def in_turn(*changes: Change) -> Change:
    return lambda folder: [change(folder) for change in changes]


# --- Refusals -----------------------------------------------------------------

# What is wrong: the change that makes it so, and what the one line must say.
REFUSALS: dict[str, tuple[Change, list[str]]] = {
    # config.json
    "no config": (remove("config.json"), ["config.json is missing"]),
    "config is not JSON": (
        write("config.json", "{n_layer: 2}"),
        ["config.json", "expected JSON", "line 1 column 2"],
    ),
    "config is not text": (
        write("config.json", b"\xff\xfe\xff"),
        ["config.json", "expected JSON"],
    ),
    "config is a list": (
        write("config.json", "[1, 2]"),
        ["config.json", "expected a JSON object", "[1, 2]"],
    ),
    "config is nothing but brackets": (
        write("config.json", DEEP * "[" + DEEP * "]"),
        ["config.json", "expected JSON", "more brackets in each other"],
    ),
    "a size of many brackets": (
        write("config.json", f'{{"n_layer": {500 * "["}{500 * "]"}}}'),
        ["config.json", "n_layer is [[[[[[[...]]]]]]], expected int"],
    ),
    "another architecture": (
        config(model_type="llama"),
        ["config.json", "model_type is 'llama'", "expected 'gpt2'"],
    ),
    "another activation": (
        config(activation_function="relu"),
        ["config.json", "activation_function is 'relu'", "expected 'gelu_new'"],
    ),
    "exact gelu": (
        config(activation_function="gelu"),
        ["config.json", "activation_function is 'gelu'", "expected 'gelu_new'"],
    ),
    "unscaled attention": (
        config(scale_attn_weights=False),
        ["config.json", "scale_attn_weights is False", "expected True"],
    ),
    "attention scaled by layer": (
        config(scale_attn_by_inverse_layer_idx=True),
        ["config.json", "scale_attn_by_inverse_layer_idx is True", "expected False"],
    ),
    "cross-attention": (
        config(add_cross_attention=True),
        ["config.json", "add_cross_attention is True", "expected False"],
    ),
    "untied head by config": (
        config(tie_word_embeddings=False),
        ["config.json", "tie_word_embeddings is False", "expected True"],
    ),
    "a size is text": (
        config(n_embd="24"),
        ["config.json", "n_embd is '24'", "expected int"],
    ),
    "a size is a fraction": (
        config(n_layer=2.5),
        ["config.json", "n_layer is 2.5", "expected int"],
    ),
    "a size is a truth value": (
        config(n_layer=True),
        ["config.json", "n_layer is True", "expected int"],
    ),
    "a size is null": (
        config(n_head=None),
        ["config.json", "n_head is None", "expected int"],
    ),
    "n_inner is text": (
        config(n_inner="wide"),
        ["config.json", "n_inner is 'wide'", "expected int"],
    ),
    "epsilon is text": (
        config(layer_norm_epsilon="1e-5"),
        ["config.json", "layer_norm_epsilon is '1e-5'", "expected int or float"],
    ),
    "epsilon is negative": (
        config(layer_norm_epsilon=-1e-5),
        ["config.json", "layer_norm_epsilon", "-1e-05"],
    ),
    "a size is zero": (config(n_positions=0), ["config.json", "n_positions", "0"]),
    "n_inner is negative": (config(n_inner=-4), ["config.json", "inner", "-4"]),
    "heads do not share the width": (
        config(n_head=5),
        ["config.json", "n_embd", "24", "n_head", "5"],
    ),
    "boundary outside the vocabulary": (
        config(eos_token_id=61),
        ["config.json", "eos_token_id is 61", "vocab_size, which is 61"],
    ),
    "boundary is negative": (
        config(eos_token_id=-1),
        ["config.json", "eos_token_id is -1", "vocab_size, which is 61"],
    ),
    "boundary is a list": (
        config(eos_token_id=[59, 60]),
        ["config.json", "eos_token_id is [59, 60]", "expected one token's id"],
    ),
    # config.json against the weights
    "n_layer too small": (
        config(n_layer=1),
        ["model.safetensors", "transformer.h.1.", "expected none", "n_layer 1"],
    ),
    "n_layer too large": (
        config(n_layer=3),
        ["'h.2.ln_1.weight' is missing", "expected [24]", "n_layer 3"],
    ),
    "n_layer enormous": (
        config(n_layer=10**15),
        ["'h.2.ln_1.weight' is missing", "n_layer 1000000000000000"],
    ),
    "vocab_size too large": (
        config(vocab_size=67),
        ["model.safetensors", "transformer.wte.weight", "[61, 24]", "[67, 24]"],
    ),
    "n_positions too small": (
        config(n_positions=16),
        ["model.safetensors", "transformer.wpe.weight", "[17, 24]", "[16, 24]"],
    ),
    "n_embd too large": (
        config(n_embd=27),
        ["model.safetensors", "transformer.wte.weight", "[61, 24]", "[61, 27]"],
    ),
    "n_inner wrong": (
        config(n_inner=48),
        ["transformer.h.0.mlp.c_fc.weight", "[24, 96]", "expected [24, 48]"],
    ),
    # The weights
    "no weights": (
        remove("model.safetensors"),
        ["model.safetensors is missing", "found nothing"],
    ),
    "only a pickle": (
        in_turn(remove("model.safetensors"), write("pytorch_model.bin", b"...")),
        ["model.safetensors is missing", "pytorch_model.bin", "only safetensors"],
    ),
    "truncated data": (
        cut("model.safetensors", lambda data: data[:-5]),
        ["model.safetensors", "expected a whole safetensors file", "covered"],
    ),
    "truncated header": (
        cut("model.safetensors", lambda data: data[:100]),
        ["model.safetensors", "expected a whole safetensors file"],
    ),
    "empty file": (
        write("model.safetensors", b""),
        ["model.safetensors", "expected a whole safetensors file"],
    ),
    "not safetensors at all": (
        write("model.safetensors", b"<html>not found</html>" * 20),
        ["model.safetensors", "expected a whole safetensors file"],
    ),
    "bytes after the data": (
        cut("model.safetensors", lambda data: data + b"more"),
        ["model.safetensors", "expected a whole safetensors file"],
    ),
    "missing tensor": (
        weights(lambda w: w.pop("h.1.mlp.c_fc.bias")),
        ["'h.1.mlp.c_fc.bias' is missing", "expected [96]"],
    ),
    "missing last layer norm": (
        weights(lambda w: w.pop("ln_f.weight")),
        ["'ln_f.weight' is missing", "expected [24]"],
    ),
    "surplus tensor": (
        weights(lambda w: w.update(adapter=np.zeros(3, np.float32))),
        ["model.safetensors", "found tensor 'adapter'", "expected none"],
    ),
    "mis-shaped vector": (
        put("h.0.ln_2.bias", lambda a: a[:-1]),
        ["model.safetensors", "'h.0.ln_2.bias'", "[23]", "expected [24]"],
    ),
    "linear layer stored the other way": (
        put("h.0.attn.c_attn.weight", np.transpose),
        ["'h.0.attn.c_attn.weight'", "[72, 24]", "expected [24, 72]"],
    ),
    "integers for weights": (
        put("wpe.weight", lambda a: a.astype(np.int32)),
        [
            "model.safetensors",
            "'wpe.weight' is stored as I32",
            "expected F32, F16 or BF16",
        ],
    ),
    "one tensor under two names": (
        weights(lambda w: w.update({"transformer.wte.weight": w["wte.weight"]})),
        ["model.safetensors", "'wte.weight'", "'transformer.wte.weight'", "repeats"],
    ),
    # Shards
    "a shard is missing": (
        in_turn(shard, remove("model-00002-of-00002.safetensors")),
        ["model-00002-of-00002.safetensors is missing", "index.json"],
    ),
    "a shard is truncated": (
        in_turn(shard, cut("model-00001-of-00002.safetensors", lambda data: data[:-1])),
        ["model-00001-of-00002.safetensors", "expected a whole safetensors file"],
    ),
    "a tensor is in both shards": (
        in_turn(
            shard,
            lambda folder: shutil.copyfile(
                folder / "model-00001-of-00002.safetensors",
                folder / "model-00002-of-00002.safetensors",
            ),
        ),
        ["model-00002-of-00002.safetensors", "repeats", "model-00001-of-00002"],
    ),
    "index is not JSON": (
        in_turn(shard, write("model.safetensors.index.json", "")),
        ["model.safetensors.index.json", "expected JSON"],
    ),
    "index is nothing but brackets": (
        in_turn(shard, write("model.safetensors.index.json", DEEP * '{"a":')),
        ["model.safetensors.index.json", "more brackets in each other"],
    ),
    "index of something else than names": (
        in_turn(
            shard, write("model.safetensors.index.json", '{"weight_map": {"a":3}}')
        ),
        ["model.safetensors.index.json", "expected names of files, found 3"],
    ),
    "index of a name too long": (
        in_turn(
            shard,
            write(
                "model.safetensors.index.json",
                f'{{"weight_map": {{"a": "{300 * "x"}"}}}}',
            ),
        ),
        ["is missing", "expected it by model.safetensors.index.json"],
    ),
    "index without a map": (
        in_turn(shard, write("model.safetensors.index.json", "{}")),
        ["model.safetensors.index.json", "expected a weight_map", "None"],
    ),
    # The tokenizer
    "no tokenizer": (
        remove("tokenizer.json"),
        ["no tokenizer.json and no vocab.json and no merges.txt", "expected"],
    ),
    "vocab.json without merges.txt": (
        in_turn(original_tokenizer_files, remove("merges.txt")),
        ["no tokenizer.json and no merges.txt", "both vocab.json and merges.txt"],
    ),
    "merges.txt without vocab.json": (
        in_turn(original_tokenizer_files, remove("vocab.json")),
        ["no tokenizer.json and no vocab.json", "both vocab.json and merges.txt"],
    ),
    "tokenizer.json is nothing but brackets": (
        write("tokenizer.json", DEEP * '{"model":'),
        ["tokenizer.json", "expected a tokenizer"],
    ),
    "tokenizer.json is damaged": (
        cut("tokenizer.json", lambda data: data[:-20]),
        ["tokenizer.json", "expected a tokenizer", "EOF"],
    ),
    "vocab.json is damaged": (
        in_turn(original_tokenizer_files, write("vocab.json", "[]")),
        ["vocab.json", "expected a tokenizer"],
    ),
    "merges.txt is of another model": (
        in_turn(original_tokenizer_files, write("merges.txt", "x y\n")),
        ["vocab.json", "expected a tokenizer", "x"],
    ),
    "more tokens than vocab_size": (
        in_turn(
            config(vocab_size=59, eos_token_id=0), put("wte.weight", lambda a: a[:59])
        ),
        ["tokenizer.json", "'<|endoftext|>' has id 60", "vocab_size, which is 59"],
    ),
}


def assert_one_clear_line(message: str, words: list[str]) -> None:
    assert "\n" not in message
    problem, _, to_do = message.partition(";")
    for word in words:
        assert word in problem, f"{word!r} is not in: {problem}"
    assert to_do.strip(), f"says nothing of what to do: {message}"


@pytest.mark.parametrize("wrong", REFUSALS)
def test_refuses_in_one_line_before_reading_a_weight(folder, wrong, monkeypatch):
    change, words = REFUSALS[wrong]
    change(folder)
    monkeypatch.setattr(
        checkpoint, "read_weights", lambda *_: pytest.fail("read the weights already")
    )
    with pytest.raises(CheckpointError) as refused:
        load_checkpoint(folder)
    assert_one_clear_line(str(refused.value), words)
    named = [file.name for file in folder.iterdir()] + [str(folder)]
    assert any(name in str(refused.value) for name in named)


def last_number_a_little_off(array: np.ndarray) -> np.ndarray:
    array[-1, -1] = np.nextafter(array[-1, -1], np.float32(9))
    return array


@pytest.mark.parametrize(
    "edit", [last_number_a_little_off, np.zeros_like, lambda a: a[1:], np.transpose]
)
def test_refuses_an_untied_head(folder, edit):
    weights(with_head)(folder)
    put("lm_head.weight", edit)(folder)
    with pytest.raises(CheckpointError) as refused:
        load_checkpoint(folder)
    words = ["model.safetensors", "'lm_head.weight' differs from 'wte.weight'"]
    assert_one_clear_line(str(refused.value), [*words, "expected the same numbers"])


def test_refuses_a_head_of_whole_numbers(folder):
    weights(with_head)(folder)
    put("lm_head.weight", lambda a: a.astype(np.int8))(folder)
    with pytest.raises(
        CheckpointError, match="'lm_head.weight' is stored as I8, expected F32"
    ):
        load_checkpoint(folder)


@pytest.mark.parametrize("dtype", [DType.float64, DType.int8])
def test_refuses_another_dtype(folder, dtype):
    with pytest.raises(ValueError, match="dtype must be float32, float16 or bfloat16"):
        load_checkpoint(folder, dtype=dtype)


# --- Published forms ----------------------------------------------------------


def without_prefix(folder: Path) -> None:
    weights(lambda w: None)(folder)


def with_masks(arrays: dict[str, np.ndarray]) -> None:
    for n in range(2):
        arrays[f"h.{n}.attn.bias"] = np.tril(np.ones((1, 1, 17, 17), np.uint8))
        arrays[f"h.{n}.attn.masked_bias"] = np.array(-1e4, np.float32)


def with_prefix(arrays: dict[str, np.ndarray]) -> None:
    for name in [name for name in arrays if name != "lm_head.weight"]:
        arrays[f"transformer.{name}"] = arrays.pop(name)


FORMS: dict[str, Change] = {
    "as transformers saves it": lambda folder: None,
    "no prefix": without_prefix,
    "masks": weights(with_masks),
    "masks and prefix": in_turn(weights(with_masks), weights(with_prefix)),
    "head": weights(with_head),
    "head and prefix": in_turn(weights(with_head), weights(with_prefix)),
    "shards": shard,
    "shards without prefix": in_turn(without_prefix, shard),
    "shards, masks and head": in_turn(
        weights(with_masks), weights(with_head), weights(with_prefix), shard
    ),
    "one file, and an index left over": in_turn(
        lambda folder: shutil.copyfile(folder / "model.safetensors", folder / "keep"),
        shard,
        lambda folder: (folder / "keep").rename(folder / "model.safetensors"),
        remove("model-00001-of-00002.safetensors"),
    ),
    "a pickle beside it": write("pytorch_model.bin", b"..."),
    "the other name of the activation": config(activation_function="gelu_pytorch_tanh"),
    "no names of variants": lambda folder: (folder / "config.json").write_text(
        json.dumps(
            {
                "vocab_size": 61,
                "n_positions": 17,
                "n_embd": 24,
                "n_layer": 2,
                "n_head": 3,
                "eos_token_id": 60,
            }
        )
    ),
    "vocab.json and merges.txt": original_tokenizer_files,
}


@pytest.mark.parametrize("form", FORMS)
def test_reads_every_published_form(folder, form):
    original = {
        "transformer." + name.removeprefix("transformer."): array
        for name, array in load_file(folder / "model.safetensors").items()
    }
    FORMS[form](folder)
    loaded = load_checkpoint(folder)
    assert loaded.source == str(folder)
    assert loaded.config == GPT2Config(
        vocab_size=61, n_positions=17, n_embd=24, n_layer=2, n_head=3
    )
    assert loaded.boundary == 60
    assert loaded.weights.keys() == original.keys()
    for name, array in loaded.weights.items():
        stored_in_out = array.ndim == 2 and ".h." in name
        expected = original[name].T if stored_in_out else original[name]
        assert array.dtype == np.float32
        assert array.flags.c_contiguous and array.flags.owndata
        np.testing.assert_array_equal(array, expected)


def test_names_and_shapes_are_the_models_own(folder):
    loaded = load_checkpoint(folder)
    with F.lazy():
        model = GPT2LMHeadModel(loaded.config)
        shapes = {name: [int(d) for d in p.shape] for name, p in model.parameters}
        assert {n: list(a.shape) for n, a in loaded.weights.items()} == shapes
        model.load_state_dict(loaded.weights)


def test_no_boundary(folder):
    config(eos_token_id=None)(folder)
    assert load_checkpoint(folder).boundary is None


def test_configs_own_epsilon_and_inner_width():
    assert load_checkpoint(GOLDEN / "inner_set").config.n_inner == 37
    loaded = load_checkpoint(GOLDEN / "large_epsilon_float16")
    assert loaded.config.layer_norm_epsilon == 0.3


# --- Number types -------------------------------------------------------------


def raw(folder: Path) -> dict[str, dict]:
    """Each tensor's dtype, shape and bytes, as the file has them."""
    return dict(deserialize((folder / "model.safetensors").read_bytes()))


def test_float16_becomes_float32_exactly():
    folder = GOLDEN / "large_epsilon_float16"
    loaded, stored = load_checkpoint(folder), raw(folder)["transformer.wte.weight"]
    assert stored["dtype"] == "F16"
    expected = np.frombuffer(stored["data"], np.float16).astype(np.float32)
    array = loaded.weights["transformer.wte.weight"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array.ravel(), expected)


def test_bfloat16_becomes_float32_exactly():
    folder = GOLDEN / "three_layers_bfloat16"
    loaded, stored = load_checkpoint(folder), raw(folder)["transformer.wte.weight"]
    assert stored["dtype"] == "BF16"
    halves = np.frombuffer(stored["data"], np.uint16)
    expected = np.stack([np.zeros_like(halves), halves], axis=1).view(np.float32)
    array = loaded.weights["transformer.wte.weight"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array.ravel(), expected.ravel())


def test_bfloat16_on_request_has_the_bits_of_the_file():
    folder = GOLDEN / "three_layers_bfloat16"
    stored = raw(folder)
    for name, buffer in load_checkpoint(folder, dtype=DType.bfloat16).weights.items():
        assert buffer.dtype == DType.bfloat16
        shape = stored[name]["shape"]
        expected = np.frombuffer(stored[name]["data"], np.uint16).reshape(shape)
        if len(shape) == 2 and ".h." in name:
            expected = expected.T
        np.testing.assert_array_equal(buffer.view(DType.uint16).to_numpy(), expected)


def test_float16_on_request(folder):
    exact = load_checkpoint(folder).weights
    for name, array in load_checkpoint(folder, dtype=DType.float16).weights.items():
        assert array.dtype == np.float16
        np.testing.assert_array_equal(array, exact[name].astype(np.float16))


@pytest.mark.parametrize(
    ("number", "bits"),
    [
        (1.0, 0x3F80),
        (-2.0, 0xC000),
        (0.0, 0x0000),
        (1 + 2**-8, 0x3F80),  # halfway: to the even one, below
        (1 + 3 * 2**-8, 0x3F82),  # halfway: to the even one, above
        (1 + 2**-8 + 2**-20, 0x3F81),  # just above halfway
        (float("inf"), 0x7F80),
    ],
)
def test_rounds_to_the_nearest_bfloat16(number, bits):
    buffer = from_float32(np.array([number], np.float32), DType.bfloat16)
    assert buffer.view(DType.uint16).to_numpy()[0] == bits


@pytest.mark.parametrize("dtype", [DType.bfloat16, DType.float16, DType.float32])
def test_max_takes_each_type(folder, dtype):
    loaded = load_checkpoint(folder, dtype=dtype)
    with F.lazy(), default_dtype(dtype):
        model = GPT2LMHeadModel(loaded.config)
        model.load_state_dict(loaded.weights)
    assert {p.dtype for _, p in model.parameters} == {dtype}


# --- Tokenizers ---------------------------------------------------------------


@needs(VOCABULARY)
def test_gpt2s_own_tokenizer():
    tokenizer = load_tokenizer(VOCABULARY, vocab_size=50257)
    assert tokenizer.get_vocab_size() == 50257
    assert tokenizer.encode("Hello world").ids == [15496, 995]
    assert tokenizer.encode("<|endoftext|>").ids == [50256]
    assert tokenizer.encode(" Hello").ids == [18435]
    assert tokenizer.encode("").ids == []


@needs(VOCABULARY)
@pytest.mark.parametrize(
    "text",
    [
        "naïve café",
        "你好，世界",
        "🙂👩‍👩‍👧",
        "Здравствуй",
        "\ttab\r\n\n  spaces  ",
        "e\u0301 and é",
        "\x00\x7f\ufeff",
        "it's we'll 12345",
    ],
)
def test_any_text_comes_back(text):
    tokenizer = load_tokenizer(VOCABULARY)
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


@needs(VOCABULARY)
def test_both_forms_of_a_tokenizer_agree(tmp_path):
    tokenizer = load_tokenizer(VOCABULARY)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    text = "The quick brown fox's naïve 🙂<|endoftext|>"
    assert load_tokenizer(tmp_path).encode(text).ids == tokenizer.encode(text).ids


@needs(VOCABULARY)
def test_gpt2s_tokenizer_does_not_fit_a_smaller_vocabulary():
    with pytest.raises(CheckpointError, match="'<.endoftext.>' has id 50256, expected"):
        load_tokenizer(VOCABULARY, vocab_size=50256)


def test_tokenizer_json_comes_before_the_two_files(folder):
    write("vocab.json", "{}")(folder)
    write("merges.txt", "")(folder)
    assert load_tokenizer(folder).get_vocab_size() == 61


def test_padding_and_truncation_of_training_are_dropped(folder):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=9)
    tokenizer.save(str(folder / "tokenizer.json"))
    assert load_tokenizer(folder).encode("!!!").ids == [0, 0, 0]


# --- Folders and the hub ------------------------------------------------------


def no_hub(*args: object, **options: object) -> str:
    pytest.fail("asked the hub")


def test_a_folder_of_that_name_comes_before_the_hub(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "snapshot_download", no_hub)
    monkeypatch.chdir(tmp_path)
    folder.rename(tmp_path / "gpt2")
    assert load_checkpoint("gpt2").source == "gpt2"


def test_home_is_expanded(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_checkpoint("~/model").config.n_layer == 2


@pytest.mark.parametrize(
    "source", ["./gpt2", "../gpt2", "/nowhere/gpt2", "~/gpt2", "gpt2/", Path("gpt2")]
)
def test_what_looks_like_a_folder_is_never_asked_of_the_hub(
    source, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoint, "snapshot_download", no_hub)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError) as refused:
        load_checkpoint(source)
    words = [str(source), "no folder here", "expected one with config.json"]
    assert_one_clear_line(str(refused.value), words)


def test_a_file_is_no_checkpoint(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "snapshot_download", no_hub)
    monkeypatch.chdir(folder)
    with pytest.raises(CheckpointError) as refused:
        load_checkpoint("model.safetensors")
    assert_one_clear_line(str(refused.value), ["model.safetensors is no folder"])


def test_a_folder_has_no_revision(folder):
    with pytest.raises(CheckpointError) as refused:
        load_checkpoint(folder, revision="main")
    assert_one_clear_line(str(refused.value), [str(folder), "'main'", "hub model"])


def answer(status: int) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", "https://hub.invalid"))


NO_NETWORK = httpx.ConnectError("Name or service not known")
NOT_CACHED = errors.LocalEntryNotFoundError("Cannot find\nan appropriate snapshot")
NOT_HERE = ["openai-community/gpt2 is not on this machine", "could not be downloaded"]

# What the hub's library raises, and what of it must be said.
HUB_REFUSALS: dict[str, tuple[Exception, list[str]]] = {
    "unknown model": (
        errors.RepositoryNotFoundError("404 Client Error", response=answer(404)),
        ["openai-community/gpt2", "no folder here", "no public model on the hub"],
    ),
    "not logged in": (
        errors.RepositoryNotFoundError("401 Client Error", response=answer(401)),
        ["openai-community/gpt2", "no public model on the hub"],
    ),
    "gated model": (
        errors.GatedRepoError("403 Client Error", response=answer(403)),
        ["openai-community/gpt2", "no public model on the hub"],
    ),
    "unknown revision": (
        errors.RevisionNotFoundError("404 Client Error", response=answer(404)),
        ["openai-community/gpt2", "no revision 'v9'"],
    ),
    "no network": (NO_NETWORK, [*NOT_HERE, "ConnectError", "not known"]),
    "no network, by its own word": (NOT_CACHED, [*NOT_HERE, "appropriate snapshot"]),
    "a proxy in the way": (httpx.ProxyError("403"), [*NOT_HERE, "ProxyError"]),
    "a connection that breaks off": (
        httpx.RemoteProtocolError("peer closed"),
        [*NOT_HERE, "peer closed"],
    ),
    "offline by choice": (
        errors.OfflineModeIsEnabled("offline mode is enabled"),
        [*NOT_HERE, "offline mode is enabled"],
    ),
    "the hub is down": (
        errors.HfHubHTTPError("503 Server Error\n\nTry later", response=answer(503)),
        [*NOT_HERE, "503 Server Error Try later"],
    ),
    "a full disk": (OSError(28, "No space left"), [*NOT_HERE, "No space left"]),
}


@pytest.mark.parametrize("wrong", HUB_REFUSALS)
def test_the_hubs_refusals_in_one_line(wrong, tmp_path, monkeypatch):
    error, words = HUB_REFUSALS[wrong]

    def refuse(*args: object, local_files_only: bool = False, **options: object) -> str:
        raise NOT_CACHED if local_files_only else error

    monkeypatch.setattr(checkpoint, "snapshot_download", refuse)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError) as refused:
        load_checkpoint("openai-community/gpt2", revision="v9")
    assert_one_clear_line(str(refused.value), words)


@pytest.mark.parametrize("source", ["models/of/mine", "no spaces", "", "a--b/c"])
def test_what_cannot_be_an_id_is_not_asked_of_the_hub(source, tmp_path, monkeypatch):
    monkeypatch.setattr(httpx.Client, "send", no_hub)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError) as refused:
        load_checkpoint(source)
    assert_one_clear_line(str(refused.value), [source])


def test_loads_what_the_hub_delivers(folder, monkeypatch):
    asked = []

    def deliver(model: str, **options: object) -> str:
        asked.append((model, options["revision"]))
        return str(folder)

    monkeypatch.setattr(checkpoint, "snapshot_download", deliver)
    assert load_checkpoint("distilgpt2", revision="abc").source == "distilgpt2"
    assert asked == [("distilgpt2", "abc")]


def test_without_network_the_cache_serves(folder, monkeypatch):
    def cached(*args: object, local_files_only: bool = False, **options: object) -> str:
        if not local_files_only:
            raise NO_NETWORK
        return str(folder)

    monkeypatch.setattr(checkpoint, "snapshot_download", cached)
    assert load_checkpoint("openai-community/gpt2").config.n_layer == 2


def test_downloads_only_what_is_read():
    wanted = [
        "config.json",
        "merges.txt",
        "model-00001-of-00002.safetensors",
        "model.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "vocab.json",
    ]
    published = [
        *wanted,
        "64-8bits.tflite",
        "README.md",
        "flax_model.msgpack",
        "generation_config.json",
        "onnx/config.json",
        "onnx/decoder_model.onnx",
        "onnx/tokenizer.json",
        "pytorch_model.bin",
        "rust_model.ot",
        "tf_model.h5",
        "tokenizer_config.json",
    ]
    assert list(filter_repo_objects(published, allow_patterns=HUB_FILES)) == wanted


def test_offline_from_the_hubs_own_cache(folder, tmp_path):
    """A cache as the hub's library keeps it, a process of its own, no network."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "home"
    model = home / "hub" / "models--openai-community--gpt2"
    (model / "snapshots").mkdir(parents=True)
    folder.rename(model / "snapshots" / commit)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    program = f"""
from gpt2.checkpoint import CheckpointError, load_checkpoint
gpt2 = "openai-community/gpt2"
for revision in (None, "main", "{commit}"):
    assert load_checkpoint(gpt2, revision=revision).config.n_head == 3
for model, revision in ((gpt2, "v9"), ("distilgpt2", None)):
    try:
        load_checkpoint(model, revision=revision)
    except CheckpointError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPO,
        env=os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    other_revision, other_model = done.stdout.splitlines()
    assert_one_clear_line(other_revision, ["openai-community/gpt2", "not on this"])
    assert_one_clear_line(other_model, ["distilgpt2", "not on this machine"])


def test_the_names_model_loads():
    loaded = load_checkpoint(REPO / "models" / "names")
    assert loaded.config.n_positions == 16
    assert loaded.tokenizer.id_to_token(loaded.boundary) == "<BOS>"
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("emma").ids) == "emma"
