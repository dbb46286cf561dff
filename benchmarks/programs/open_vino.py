"""OpenVINO GenAI; its int8 is the weights', by NNCF, a scale for every row."""

import numpy as np

from benchmarks.programs.gpt2_124m import (
    HEAD_DIM,
    N_HEAD,
    PAST,
    PRESENT,
    VOCAB_SIZE,
    load_weights,
    turned,
)
from benchmarks.programs.program import Files, Program, Tokens
from benchmarks.programs.pytorch import torch_gpt2


class OpenVINO(Program):
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
