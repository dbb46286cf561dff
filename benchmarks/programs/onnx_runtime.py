"""ONNX Runtime with its own fused attention, whose cache is written in place."""

import numpy as np

from benchmarks.programs.gpt2_124m import (
    HEAD_DIM,
    N_HEAD,
    N_LAYER,
    PAST,
    PRESENT,
    load_weights,
)
from benchmarks.programs.program import Files, Program, Tokens

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
