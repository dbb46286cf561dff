"""A GPT-2 checkpoint, from a local folder or from the Hugging Face hub.

    checkpoint = load_checkpoint("models/shakespeare")
    checkpoint = load_checkpoint("openai-community/gpt2")

A checkpoint is a folder of three things: `config.json` (the sizes), safetensors
files (the weights) and a tokenizer.  All three are checked against each other
before a single weight is read, and whatever does not fit is refused in one line.
"""

import contextlib
import ctypes
import json
import os.path
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from reprlib import repr as short
from typing import Any, NamedTuple

import numpy as np
from huggingface_hub import errors, snapshot_download
from max.driver import DLPackArray
from max.dtype import DType
from max.graph.weights import SafetensorWeights
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from gpt2.precision import from_float32, to_float32
from solutions.solution_01 import GPT2Config

# All that is ever downloaded.
HUB_FILES = [
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
]

# What config.json may ask for: the formulas of steps 4, 7 and 11, and no variant.
# The two activations are two names of one formula.
SUPPORTED: dict[str, list[Any]] = {
    "model_type": ["gpt2"],
    "activation_function": ["gelu_new", "gelu_pytorch_tanh"],
    "scale_attn_weights": [True],
    "scale_attn_by_inverse_layer_idx": [False],
    "add_cross_attention": [False],
    "tie_word_embeddings": [True],
}

# Causal masks, which old checkpoints carry along.  Step 2 computes its own.
MASK_BUFFER = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")

# GPT-2's "Conv1D" layers, stored [in, out] where MAX's Linear has [out, in].
STORED_IN_OUT = ("c_attn.weight", "c_fc.weight", "c_proj.weight")


class CheckpointError(ValueError):
    """One line: what was found and what was expected, then what to do."""

    def __init__(self, problem: str, to_do: str = "copy or download it again") -> None:
        super().__init__(" ".join(f"{problem}; {to_do}".split()))


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        source: The folder or hub id it came from.
        config: The sizes of the model.
        weights: What `GPT2LMHeadModel(config).load_state_dict` takes: each weight
            under its parameter's name, linear layers as `[out, in]`.
        tokenizer: Turns text into ids and back.
        boundary: Id of the token that ends a text, where config.json names one.
    """

    source: str
    config: GPT2Config
    weights: dict[str, DLPackArray]
    tokenizer: Tokenizer
    boundary: int | None

    def release(self) -> None:
        """Gives the weights' memory back, once an engine has made its own of them."""
        self.weights.clear()
        with contextlib.suppress(AttributeError):  # other C libraries do it unasked
            ctypes.CDLL(None).malloc_trim(0)


def load_checkpoint(
    source: str | Path, *, revision: str | None = None, dtype: DType = DType.float32
) -> Checkpoint:
    """Loads a GPT-2 in any of its published forms.

    Keys may begin with `transformer.` or not, masks are skipped, the tied
    `lm_head.weight` may be there or not, and the weights may be split into shards.

    Source: the checkpoints of `openai-community/gpt2` and Hugging Face transformers.

    Args:
        source: A folder, or the id of a model on the hub.  A folder of that name
            comes first; a `Path` is always a folder.
        revision: Branch, tag or commit of the hub model; None means its main branch.
        dtype: What the weights become: float32 and float16 are NumPy arrays,
            bfloat16, which NumPy does not have, is a `max.driver.Buffer`.

    Returns:
        The checkpoint, complete.

    Raises:
        CheckpointError: If anything is missing, damaged, or not a GPT-2 as the
            twelve steps compute it.
        ValueError: If dtype is none of the three.
    """
    if dtype not in (DType.float32, DType.float16, DType.bfloat16):
        raise ValueError(f"dtype must be float32, float16 or bfloat16, not {dtype}")
    folder = find_folder(source, revision)
    config, boundary = read_config(folder / "config.json")
    tokenizer = load_tokenizer(folder, vocab_size=config.vocab_size)
    stored = read_headers(folder)
    check_tensors(stored, config, folder)
    weights = read_weights(stored, dtype)
    return Checkpoint(str(source), config, weights, tokenizer, boundary)


# --- Folder -------------------------------------------------------------------


def find_folder(source: str | Path, revision: str | None) -> Path:
    """The folder itself, or the hub's copy of it on this machine."""
    folder, text = Path(source).expanduser(), str(source)
    if folder.is_dir():
        if revision is not None:
            raise CheckpointError(
                f"{source} is a folder, expected a hub model for revision {revision!r}",
                "leave the revision out",
            )
        return folder
    looks_like_path = text.startswith((".", "/", "~")) or text.endswith("/")
    if folder.exists() or isinstance(source, Path) or looks_like_path:
        raise CheckpointError(
            f"{source} is no folder here, expected one with config.json in it",
            "check the path, or name a hub model such as openai-community/gpt2",
        )
    return download(text, revision)


def download(model: str, revision: str | None) -> Path:
    """Fetches a hub model, or finds it in the hub's cache when there is no network."""
    fetch = partial(snapshot_download, model, revision=revision)
    try:
        return Path(fetch(allow_patterns=HUB_FILES))
    except (errors.HFValidationError, errors.RepositoryNotFoundError) as error:
        raise CheckpointError(
            f"{model} is no folder here and no public model on the hub, expected a "
            "path or an id such as openai-community/gpt2",
            "check the spelling; if its access is restricted, run: hf auth login",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise CheckpointError(
            f"{model} has no revision {revision!r} on the hub",
            "name one of its branches, tags or commits, or leave the revision out",
        ) from error
    except Exception as error:  # no network, the hub down, a full disk: it says so
        try:
            return Path(fetch(allow_patterns=HUB_FILES, local_files_only=True))
        except errors.LocalEntryNotFoundError:
            reason = error.__cause__ or error
            raise CheckpointError(
                f"{model} is not on this machine and could not be downloaded "
                f"({type(reason).__name__}: {reason})",
                "connect once and load it again, or use models/shakespeare",
            ) from error


# --- Configuration ------------------------------------------------------------


def read_json(file: Path) -> dict[str, Any]:
    """Reads a JSON file that holds an object, `{...}`."""
    if not file.exists():
        raise CheckpointError(f"{file} is missing")
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file}: expected JSON, found {error}") from error
    except RecursionError as error:
        raise CheckpointError(
            f"{file}: expected JSON, found more brackets in each other than can be read"
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file}: expected a JSON object, found {short(content)}")
    return content


def read_config(file: Path) -> tuple[GPT2Config, int | None]:
    """The sizes and the boundary token's id, if it is the GPT-2 that we compute."""
    content = read_json(file)
    for name, supported in SUPPORTED.items():
        value = content.get(name, supported[0])
        if value not in supported:
            raise CheckpointError(
                f"{file}: {name} is {short(value)}, expected {supported[0]!r}",
                "what it asks for is not computed here, choose another model",
            )

    # Sizes that config.json leaves out have GPT-2's defaults, as in transformers.
    sizes = {f.name: content[f.name] for f in fields(GPT2Config) if f.name in content}
    for name, value in sizes.items():
        numbers = (int, float) if name == "layer_norm_epsilon" else (int,)
        if type(value) not in numbers and not (name == "n_inner" and value is None):
            kind = " or ".join(number.__name__ for number in numbers)
            raise CheckpointError(
                f"{file}: {name} is {short(value)}, expected {kind}",
                "correct it",
            )
    try:
        config = GPT2Config(**sizes)
    except ValueError as error:
        raise CheckpointError(f"{file}: {error}", "correct it") from error

    boundary = content.get("eos_token_id")
    inside = type(boundary) is int and 0 <= boundary < config.vocab_size
    if boundary is not None and not inside:
        raise CheckpointError(
            f"{file}: eos_token_id is {short(boundary)}, expected one token's id, "
            f"below vocab_size, which is {config.vocab_size}",
            "correct it",
        )
    return config, boundary


# --- Tokenizer ----------------------------------------------------------------


def load_tokenizer(folder: str | Path, *, vocab_size: int | None = None) -> Tokenizer:
    """Loads `tokenizer.json`, or GPT-2's original `vocab.json` and `merges.txt`.

    Source: the byte-level byte-pair encoding of Radford et al., "Language Models are
    Unsupervised Multitask Learners" (2019), section 2.2.

    Args:
        folder: Where the files are.
        vocab_size: If given, every id must be below it.

    Returns:
        The tokenizer; GPT-2's turns "Hello world" into [15496, 995].

    Raises:
        CheckpointError: If the files are missing, damaged, or have too many tokens.
    """
    names = ("tokenizer.json", "vocab.json", "merges.txt")
    file, vocab, merges = (Path(folder) / name for name in names)
    absent = [f.name for f in (file, vocab, merges) if not f.exists()]
    if file.name in absent and len(absent) > 1:
        raise CheckpointError(
            f"{folder} has no {' and no '.join(absent)}, "
            "expected tokenizer.json, or both vocab.json and merges.txt"
        )
    try:
        if file.exists():
            tokenizer = Tokenizer.from_file(str(file))
        else:
            file = vocab
            tokenizer = Tokenizer(models.BPE.from_file(str(vocab), str(merges)))
            tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
            tokenizer.decoder = decoders.ByteLevel()
            tokenizer.add_special_tokens(["<|endoftext|>"])
    except Exception as error:  # tokenizers has no exception class of its own
        raise CheckpointError(f"{file}: expected a tokenizer, found {error}") from error
    tokenizer.no_padding()  # a tokenizer.json may carry both from its training
    tokenizer.no_truncation()

    highest = max(tokenizer.get_vocab().values(), default=-1)
    if vocab_size is not None and highest >= vocab_size:
        raise CheckpointError(
            f"{file}: token {tokenizer.id_to_token(highest)!r} has id {highest}, "
            f"expected ids below config.json's vocab_size, which is {vocab_size}",
            "take both files from the same model",
        )
    return tokenizer


# --- Weights ------------------------------------------------------------------


class StoredTensor(NamedTuple):
    """What a safetensors header says of one tensor."""

    file: Path
    name: str  # as the file spells it
    shape: list[int]
    dtype: str  # "F32", "F16", "BF16", ...


def weight_files(folder: Path) -> list[Path]:
    """`model.safetensors`, or the shards that its index names."""
    single, index = (folder / f"model.safetensors{end}" for end in ("", ".index.json"))
    if single.exists():
        return [single]
    if not index.exists():
        found = ", ".join(file.name for file in folder.glob("*model*")) or "nothing"
        raise CheckpointError(
            f"{single} is missing, expected it since only safetensors is read, "
            f"found {found}",
            "copy or download it, or let transformers save it",
        )
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        found = short(weight_map)
        raise CheckpointError(f"{index}: expected a weight_map, found {found}")
    for name in weight_map.values():
        if not isinstance(name, str):
            raise CheckpointError(
                f"{index}: expected names of files, found {short(name)}"
            )
    shards = sorted({folder / name for name in weight_map.values()})
    for shard in shards:
        if not os.path.isfile(shard):  # Path's own is_file fails on a name too long
            raise CheckpointError(f"{shard} is missing, expected it by {index.name}")
    return shards


def read_headers(folder: Path) -> dict[str, StoredTensor]:
    """Every tensor of the folder under its name without `transformer.`; no data yet."""
    stored: dict[str, StoredTensor] = {}
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="np") as opened:
                parts = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"{file}: expected a whole safetensors file, found {error}"
            ) from error
        for name, part in parts.items():
            tensor = StoredTensor(file, name, part.get_shape(), part.get_dtype())
            short = name.removeprefix("transformer.")
            if MASK_BUFFER.fullmatch(short):
                continue
            if short in stored:
                first = f"{stored[short].name!r} in {stored[short].file.name}"
                raise CheckpointError(
                    f"{file}: tensor {name!r} repeats {first}, expected one of them"
                )
            if tensor.dtype not in ("F32", "F16", "BF16"):
                raise CheckpointError(
                    f"{file}: tensor {name!r} is stored as {tensor.dtype}, "
                    "expected F32, F16 or BF16",
                    "save it as one of these",
                )
            stored[short] = tensor
    return stored


def expected_shapes(config: GPT2Config) -> Iterator[tuple[str, list[int]]]:
    """Every tensor of a GPT-2 and its shape, linear layers as stored, `[in, out]`."""
    width, inner = config.n_embd, config.inner_dim
    yield "wte.weight", [config.vocab_size, width]
    yield "wpe.weight", [config.n_positions, width]
    for n in range(config.n_layer):
        yield f"h.{n}.ln_1.weight", [width]
        yield f"h.{n}.ln_1.bias", [width]
        yield f"h.{n}.attn.c_attn.weight", [width, 3 * width]
        yield f"h.{n}.attn.c_attn.bias", [3 * width]
        yield f"h.{n}.attn.c_proj.weight", [width, width]
        yield f"h.{n}.attn.c_proj.bias", [width]
        yield f"h.{n}.ln_2.weight", [width]
        yield f"h.{n}.ln_2.bias", [width]
        yield f"h.{n}.mlp.c_fc.weight", [width, inner]
        yield f"h.{n}.mlp.c_fc.bias", [inner]
        yield f"h.{n}.mlp.c_proj.weight", [inner, width]
        yield f"h.{n}.mlp.c_proj.bias", [width]
    yield "ln_f.weight", [width]
    yield "ln_f.bias", [width]


def check_tensors(
    stored: dict[str, StoredTensor], config: GPT2Config, folder: Path
) -> None:
    """Refuses a tensor that is missing, surplus, or of a wrong shape."""
    sizes = f"by config.json (n_layer {config.n_layer})"
    to_do = "correct config.json, or copy or download the model again"
    surplus = set(stored) - {"lm_head.weight"}  # may be there: see read_weights
    for name, shape in expected_shapes(config):
        tensor = stored.get(name)
        if tensor is None:
            raise CheckpointError(
                f"{folder}: tensor {name!r} is missing, expected {shape} {sizes}", to_do
            )
        if tensor.shape != shape:
            raise CheckpointError(
                f"{tensor.file}: tensor {tensor.name!r} has shape {tensor.shape}, "
                f"expected {shape} {sizes}",
                to_do,
            )
        surplus.remove(name)
    if surplus:
        tensor = stored[min(surplus)]
        raise CheckpointError(
            f"{tensor.file}: found tensor {tensor.name!r}, "
            f"expected none of that name {sizes}",
            to_do,
        )


def read_weights(
    stored: dict[str, StoredTensor], dtype: DType
) -> dict[str, DLPackArray]:
    """Reads each tensor under its parameter's name, linear layers as `[out, in]`."""
    mapped = SafetensorWeights(sorted({tensor.file for tensor in stored.values()}))

    def read(tensor: StoredTensor) -> np.ndarray:
        return to_float32(mapped[tensor.name].data().to_buffer())

    tied, head = stored["wte.weight"], stored.pop("lm_head.weight", None)
    if head is not None and not np.array_equal(
        read(head).view(np.uint32), read(tied).view(np.uint32)
    ):
        raise CheckpointError(
            f"{head.file}: tensor {head.name!r} differs from {tied.name!r}, "
            "expected the same numbers",
            "an untied head is not computed here, choose another model",
        )
    weights: dict[str, DLPackArray] = {}
    for name, tensor in stored.items():
        array = read(tensor)
        if name.endswith(STORED_IN_OUT):
            array = np.ascontiguousarray(array.T)  # [in, out] -> [out, in]
        weights[f"transformer.{name}"] = from_float32(array, dtype)
    return weights
