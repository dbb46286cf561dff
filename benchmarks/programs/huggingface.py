"""Hugging Face transformers' own `generate`."""

from benchmarks.programs.program import Files, Program, Tokens


class Transformers(Program):
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
