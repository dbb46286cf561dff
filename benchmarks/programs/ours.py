"""The fast path of this repository, on MAX."""

import numpy as np

from benchmarks.programs.program import Files, Program, Tokens


class Ours(Program):
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
