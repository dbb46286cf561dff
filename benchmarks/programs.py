"""The seven programs that `peers.py` measures, each a class that runs GPT-2 124M.

    prepare    writes the file that the program reads; it runs before, by itself
    __init__   loads that file, to compute on `threads` threads
    generate   takes prompts of one length, returns `new` greedy tokens for each

A library is imported where it is used, since each program lives in a process of its
own.  To add a program, write a class like `PyTorch` and name it in `PROGRAMS`.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gpt2 import PRECISIONS

N_LAYER, N_HEAD, HEAD_DIM, N_EMBD, VOCAB_SIZE = 12, 12, 64, 768, 50257  # GPT-2 124M
BLOCK_WEIGHTS = N_LAYER * 12 * N_EMBD**2  # of the linear layers
READ_WEIGHTS = BLOCK_WEIGHTS + VOCAB_SIZE * N_EMBD  # of these and the head

Tokens = list[list[int]]  # one list of ids for each row of a batch


class Files(NamedTuple):
    """Where a program finds the model."""

    checkpoint: Path  # the folder that make_checkpoint wrote
    own: Path  # what `prepare` made of it


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


class Program:
    packages: tuple[str, ...]  # whose versions the report names
    precisions: tuple[str, ...] = PRECISIONS

    @staticmethod
    def prepare(files: Files, precision: str) -> None:
        """Nothing to do: it reads the checkpoint."""

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        raise NotImplementedError

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        raise NotImplementedError


class Ours(Program):
    """The fast path of this repository, on MAX."""

    packages = ("modular",)

    @staticmethod
    def prepare(files: Files, precision: str) -> None:
        """MAX compiles a model once on a machine, and keeps what it compiled."""
        Ours(files, precision, threads=1)

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        from gpt2.checkpoint import load_checkpoint
        from gpt2.engine import Engine

        checkpoint = load_checkpoint(files.checkpoint)
        # MAX takes the threads that there are.
        self.engine = Engine(checkpoint.config, checkpoint.weights, precision=precision)

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        logits, cache = self.engine.prefill(prompts, capacity=len(prompts[0]) + new)
        columns = [logits.argmax(axis=-1)]  # each [batch]
        while len(columns) < new:
            logits = self.engine.decode(columns[-1].tolist(), cache)
            columns.append(logits.argmax(axis=-1))
        return np.stack(columns, axis=1).tolist()  # [batch, new]


class Transformers(Program):
    """Hugging Face transformers' own `generate`."""

    packages = ("transformers", "torch")
    precisions = ("float32", "bfloat16")

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        import torch
        from transformers import GPT2LMHeadModel

        torch.set_num_threads(threads)
        dtype = getattr(torch, precision)
        self.model = GPT2LMHeadModel.from_pretrained(files.checkpoint, dtype=dtype)

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        import torch

        ids = torch.tensor(prompts)  # [batch, seq]
        mask = torch.ones_like(ids)
        settings = {"max_new_tokens": new, "do_sample": False}
        out = self.model.generate(ids, attention_mask=mask, **settings)
        return out[:, ids.shape[1] :].tolist()  # [batch, new]


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
    """The function above, and a cache that it writes in place."""

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


class LlamaCpp(Program):
    """llama.cpp's server, inside this process; its int8 is Q8_0, a scale for every 32.

    The wheel for Linux is built for AVX2, not for what this CPU may have beyond it.
    """

    packages = ("xllamacpp", "gguf")

    @staticmethod
    def prepare(files: Files, precision: str) -> None:
        import gguf

        kinds = gguf.GGMLQuantizationType
        large = {"float32": kinds.F32, "bfloat16": kinds.BF16, "int8": kinds.Q8_0}
        writer = gguf.GGUFWriter(files.own, "gpt2")
        writer.add_block_count(N_LAYER)
        writer.add_head_count(N_HEAD)
        writer.add_embedding_length(N_EMBD)
        writer.add_feed_forward_length(4 * N_EMBD)
        writer.add_context_length(1024)
        writer.add_layer_norm_eps(1e-5)
        # The server answers with text, so a token's text is its id, in five digits.
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list([f"{i:05}" for i in range(VOCAB_SIZE)])
        writer.add_token_merges(["0 0"])  # an empty list would be left out
        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, N_LAYER)
        for name, x in turned(load_weights(files.checkpoint)).items():
            small = x.ndim == 1 or name == "wpe.weight"
            kind = kinds.F32 if small else large[precision]
            its_name = names.get_name(name, try_suffixes=(".weight", ".bias"))
            writer.add_tensor(
                its_name, gguf.quants.quantize(x.numpy(), kind), raw_dtype=kind
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(files.own)
        params.n_parallel = 32
        params.n_ctx = 32 * 640  # room for the long prompt in each
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        self.server = xllamacpp.Server(params)

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        settings = {"n_predict": new, "temperature": 0, "ignore_eos": True}
        request = {"prompt": prompts, "cache_prompt": False, **settings}
        choices = self.server.handle_completions(request)["choices"]
        texts = [choice["text"] for choice in choices]
        return [[int(text[i : i + 5]) for i in range(0, 5 * new, 5)] for text in texts]


class CTranslate2(Program):
    """OpenNMT's engine for transformer models."""

    packages = ("ctranslate2",)
    precisions = ("float32", "int8")

    @staticmethod
    def prepare(files: Files, precision: str) -> None:
        from ctranslate2.converters import TransformersConverter

        converter = TransformersConverter(str(files.checkpoint))
        converter.convert(str(files.own), quantization=precision)

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        import ctranslate2

        settings = {"compute_type": precision, "intra_threads": threads}
        self.generator = ctranslate2.Generator(str(files.own), **settings)

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        words = [[str(i) for i in prompt] for prompt in prompts]
        settings = {"max_length": new, "min_length": new}
        answers = self.generator.generate_batch(
            words, include_prompt_in_result=False, **settings
        )
        return [answer.sequences_ids[0] for answer in answers]


# A cache comes into a graph and goes out of it as a tensor for each layer's k and v.
PAST = [f"past_{n}_{kind}" for n in range(N_LAYER) for kind in "kv"]
PRESENT = [f"present_{n}_{kind}" for n in range(N_LAYER) for kind in "kv"]

ONNX_GPT2 = """
<ir_version: 10, opset_import: ["": 18, "com.microsoft": 1]>
gpt2 (int64[batch, seq] ids, int64[seq] positions, int32[batch] last, int32[1] length,
      {past}) => (float[batch, 1, vocab] logits, {present}) {{
  tokens = Gather (wte_weight, ids)
  places = Gather (wpe_weight, positions)
  x0 = Add (tokens, places)
  {layers}
  end = Gather <axis = 1> (x12, minus_one)
  normed = LayerNormalization (end, ln_f_weight, ln_f_bias)
  logits = MatMul (normed, head)
}}"""
ONNX_LAYER = """
  a{n} = LayerNormalization (x{n}, h_{n}_ln_1_weight, h_{n}_ln_1_bias)
  b{n} = MatMul (a{n}, h_{n}_attn_c_attn_weight)
  qkv{n} = Add (b{n}, h_{n}_attn_c_attn_bias)
  mixed{n}, present_{n}_k, present_{n}_v =
    com.microsoft.GroupQueryAttention <num_heads = 12, kv_num_heads = 12>
    (qkv{n}, , , past_{n}_k, past_{n}_v, last, length)
  c{n} = MatMul (mixed{n}, h_{n}_attn_c_proj_weight)
  d{n} = Add (c{n}, h_{n}_attn_c_proj_bias)
  y{n} = Add (x{n}, d{n})
  e{n} = LayerNormalization (y{n}, h_{n}_ln_2_weight, h_{n}_ln_2_bias)
  f{n} = MatMul (e{n}, h_{n}_mlp_c_fc_weight)
  g{n} = com.microsoft.FastGelu (f{n}, h_{n}_mlp_c_fc_bias)
  i{n} = MatMul (g{n}, h_{n}_mlp_c_proj_weight)
  j{n} = Add (i{n}, h_{n}_mlp_c_proj_bias)
  x{next} = Add (y{n}, j{n})"""


class OnnxRuntime(Program):
    """ONNX Runtime with its own fused attention, whose cache is written in place."""

    packages = ("onnxruntime",)
    precisions = ("float32", "int8")

    @staticmethod
    def prepare(files: Files, precision: str) -> None:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic

        cache = "float[batch, 12, room, 64] "
        layers = [ONNX_LAYER.format(n=n, next=n + 1) for n in range(N_LAYER)]
        text = ONNX_GPT2.format(
            past=", ".join(cache + name for name in PAST),
            present=", ".join(cache + name for name in PRESENT),
            layers="".join(layers),
        )
        model = onnx.parser.parse_model(text)
        weights = load_weights(files.checkpoint)
        constants = {name: x.numpy() for name, x in weights.items()}
        constants["head"] = constants["wte.weight"].T.copy()
        constants["minus_one"] = np.array([-1])
        for name, x in constants.items():
            stored = onnx.numpy_helper.from_array(x, name.replace(".", "_"))
            model.graph.initializer.append(stored)
        if precision == "float32":
            onnx.save(model, files.own)
        else:
            # It cannot infer what comes out of the fused operations: floats.
            floats = {"DefaultTensorType": onnx.TensorProto.FLOAT}
            settings = {"weight_type": QuantType.QInt8, "per_channel": True}
            quantize_dynamic(model, files.own, extra_options=floats, **settings)

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(files.own, options)

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        from onnxruntime import OrtValue

        ids, start, columns = np.array(prompts), 0, []
        batch, end = ids.shape
        binding = self.session.io_binding()
        for past, present in zip(PAST, PRESENT, strict=True):
            room = np.zeros((batch, N_HEAD, end + new, HEAD_DIM), np.float32)
            cache = OrtValue.ortvalue_from_numpy(room)
            binding.bind_ortvalue_input(past, cache)
            binding.bind_ortvalue_output(present, cache)
        binding.bind_output("logits")
        while len(columns) < new:
            binding.bind_cpu_input("ids", ids)
            binding.bind_cpu_input("positions", np.arange(start, end))
            binding.bind_cpu_input("last", np.full(batch, end - 1, np.int32))
            binding.bind_cpu_input("length", np.array([end], np.int32))
            self.session.run_with_iobinding(binding)
            ids = binding.get_outputs()[-1].numpy().argmax(axis=-1)  # [batch, 1]
            columns.append(ids)
            start, end = end, end + 1
        return np.concatenate(columns, axis=1).tolist()  # [batch, new]


class OpenVINO(Program):
    """OpenVINO GenAI; its int8 is the weights', by NNCF, a scale for every row."""

    packages = ("openvino-genai", "nncf")

    @staticmethod
    def prepare(files: Files, precision: str) -> None:
        """Exports a graph from PyTorch and makes the cache the graph's own state."""
        import nncf
        import openvino
        import torch
        from openvino import opset13
        from openvino._offline_transformations import (
            apply_make_stateful_transformation,
        )
        from torch.nn.functional import scaled_dot_product_attention

        weights = turned(load_weights(files.checkpoint))

        class Graph(torch.nn.Module):
            def forward(self, input_ids, attention_mask, position_ids, beam_idx, *past):
                end = past[0].shape[2] + input_ids.shape[1]
                columns = torch.arange(end)
                seen = columns <= columns[past[0].shape[2] :, None]  # [seq, end]
                seen = (
                    seen & attention_mask[:, None, None].bool()
                )  # [batch, 1, seq, end]
                present = []

                def attend(n, q, k, v):
                    k = torch.cat([past[2 * n][beam_idx], k], dim=2)
                    v = torch.cat([past[2 * n + 1][beam_idx], v], dim=2)
                    present.extend([k, v])
                    return scaled_dot_product_attention(q, k, v, attn_mask=seen)

                logits = torch_gpt2(weights, input_ids, position_ids, attend)
                return logits, *present

        ids = torch.zeros(2, 2, dtype=torch.int64)
        past = [torch.zeros(2, N_HEAD, 3, HEAD_DIM)] * len(PAST)
        example = (ids, torch.ones(2, 5, dtype=torch.int64), ids, ids[0].int(), *past)
        model = openvino.convert_model(Graph(), example_input=example)
        for port, name in zip(model.inputs[4:], PAST, strict=True):
            port.get_tensor().set_names({name})
            shape = openvino.PartialShape([-1, N_HEAD, -1, HEAD_DIM])
            port.get_node().set_partial_shape(shape)
        for port, name in zip(model.outputs, ["logits", *PRESENT], strict=True):
            port.get_tensor().set_names({name})
        model.validate_nodes_and_infer_types()
        apply_make_stateful_transformation(model, dict(zip(PAST, PRESENT, strict=True)))
        # Each state begins with no columns: [batch, n_head, 0, head_dim].
        sizes = opset13.shape_of(model.input("input_ids"), output_type="i64")
        batch = opset13.gather(sizes, np.array([0]), np.array(0))
        shape = opset13.concat([batch, np.array([N_HEAD, 0, HEAD_DIM])], axis=0)
        empty = opset13.broadcast(np.float32(0), shape)
        for node in model.get_ops():
            if node.get_type_name() == "ReadValue":
                node.set_arguments([empty.output(0)])
        model.validate_nodes_and_infer_types()
        if precision == "int8":
            model = nncf.compress_weights(model)
        file = files.own / "openvino_model.xml"
        openvino.save_model(model, file, compress_to_fp16=False)

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        import openvino_genai

        settings = {"INFERENCE_NUM_THREADS": threads}
        if precision == "float32":  # or else it takes less where the CPU can
            settings |= {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}
        if precision == "bfloat16":
            settings |= {"INFERENCE_PRECISION_HINT": "bf16"}
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.enable_prefix_caching = False  # it is to read the prompt every time
        self.pipeline = openvino_genai.LLMPipeline(
            files.own, "CPU", scheduler_config=scheduler, **settings
        )

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        import openvino
        import openvino_genai

        ids = np.array(prompts)  # [batch, seq]
        tensors = openvino.Tensor(ids), openvino.Tensor(np.ones_like(ids))
        settings = openvino_genai.GenerationConfig(
            max_new_tokens=new, ignore_eos=True, eos_token_id=VOCAB_SIZE - 1
        )
        inputs = openvino_genai.TokenizedInputs(*tensors)
        return self.pipeline.generate(inputs, settings).tokens


PROGRAMS: dict[str, type[Program]] = {
    "ours": Ours,
    "transformers": Transformers,
    "pytorch": PyTorch,
    "llama.cpp": LlamaCpp,
    "ctranslate2": CTranslate2,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVINO,
}
