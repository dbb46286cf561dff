"""What a program is: it prepares the model once, loads it, and writes tokens."""

from pathlib import Path
from typing import NamedTuple

from gpt2 import PRECISIONS

Tokens = list[list[int]]  # one list of ids for each row of a batch


class Files(NamedTuple):
    """Where a program finds the model."""

    checkpoint: Path  # the folder that make_checkpoint wrote
    own: Path  # what `prepare` made of it


class Program:
    """A program that runs GPT-2 124M on the CPU.

    Attributes:
        packages: Whose versions the report names.
        precisions: In which it can keep the weights.
    """

    packages: tuple[str, ...]
    precisions: tuple[str, ...] = PRECISIONS

    @staticmethod
    def prepare(files: Files, precision: str) -> None:
        """Writes the file that the program reads: here none, it reads the checkpoint.

        It runs before anything is timed, in a process of its own.
        """

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        """Loads that file, to compute on so many threads."""
        raise NotImplementedError

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        """Takes prompts of one length, and returns `new` greedy tokens for each."""
        raise NotImplementedError
