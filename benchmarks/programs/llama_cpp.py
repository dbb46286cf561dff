"""llama.cpp's server, inside this process; its int8 is Q8_0, a scale for every 32.

The wheel for Linux is built for AVX2, not for what this CPU may have beyond it.
"""

import json

from benchmarks.programs.gpt2_124m import load_weights, turned
from benchmarks.programs.program import Files, Program, Tokens


class LlamaCpp(Program):
    packages = ("xllamacpp", "gguf")

    @staticmethod
    def prepare(files: Files, precision: str) -> None:
        import gguf

        kinds = gguf.GGMLQuantizationType
        large = {"float32": kinds.F32, "bfloat16": kinds.BF16, "int8": kinds.Q8_0}
        config = json.loads((files.checkpoint / "config.json").read_text())
        n_layer, n_embd = config["n_layer"], config["n_embd"]
        writer = gguf.GGUFWriter(files.own, "gpt2")
        writer.add_block_count(n_layer)
        writer.add_head_count(config["n_head"])
        writer.add_embedding_length(n_embd)
        writer.add_feed_forward_length(4 * n_embd)
        writer.add_context_length(config["n_positions"])
        writer.add_layer_norm_eps(1e-5)
        # The server answers with text, so a token's text is its id, in five digits.
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list([f"{i:05}" for i in range(config["vocab_size"])])
        writer.add_token_merges(["0 0"])  # an empty list would be left out
        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, n_layer)
        for name, x in turned(load_weights(files.checkpoint)).items():
            small = x.ndim == 1 or name == "wpe.weight"
            kind = kinds.F32 if small else large[precision]
            its_name = names.get_name(name, try_suffixes=(".weight", ".bias"))
            data = gguf.quants.quantize(x.float().numpy(), kind)
            writer.add_tensor(its_name, data, raw_dtype=kind)
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
