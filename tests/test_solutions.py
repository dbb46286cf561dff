"""What holds for the solutions beyond their checks: one graph serves all sizes."""

import numpy as np
import pytest
from max.driver import CPU
from max.dtype import DType
from max.experimental.nn import Module
from max.experimental.tensor import Tensor, TensorType

from gpt2.checkpoint import load_checkpoint
from gpt2.learner import build
from solutions.solution_02 import causal_mask
from solutions.solution_11 import GPT2LMHeadModel
from tests import expect, reference
from tests.tensors import run, tensor


class Mask(Module[[Tensor, Tensor], Tensor]):
    """The causal mask for as many new and old tokens as two vectors are long."""

    def forward(self, new: Tensor, old: Tensor) -> Tensor:
        return causal_mask(
            new.shape[0], old.shape[0], dtype=DType.float32, device=new.device
        )


def test_the_mask_compiles_with_both_lengths_symbolic():
    """Compiles a small graph: half a minute the first time."""
    new, old = (TensorType(DType.float32, (n,), CPU()) for n in ("new", "old"))
    mask = build(Mask).compile(new, old)
    for sequence_length, num_tokens in [(1, 0), (4, 0), (1, 6), (3, 2)]:
        lengths = (np.zeros(n, np.float32) for n in (sequence_length, num_tokens))
        np.testing.assert_array_equal(
            mask(*map(tensor, lengths)).to_numpy(),
            reference.mask(sequence_length, num_tokens),
        )


@pytest.fixture(scope="module")
def shakespeare():
    return load_checkpoint("models/shakespeare")


@pytest.mark.slow
def test_the_model_compiles_with_batch_and_length_symbolic(shakespeare, eager):
    """One graph for every batch and length, equal to the eager model.

    Compiles the graph that `./run ladder` calls compiled: a minute or more the first
    time.
    """
    ids_type = TensorType(DType.int64, ("batch", "seq"), CPU())
    eagerly = build(GPT2LMHeadModel, shakespeare.config)
    eagerly.load_state_dict(shakespeare.weights)
    compiled = build(GPT2LMHeadModel, shakespeare.config)
    compiled = compiled.compile(ids_type, weights=shakespeare.weights)
    rng = np.random.default_rng(0)
    for shape in [(1, 1), (3, 7), (1, shakespeare.config.n_positions)]:
        ids = rng.integers(0, shakespeare.config.vocab_size, shape)
        expect.close(
            compiled(tensor(ids)).to_numpy(),
            run(eagerly, ids),
            f"{shape}",
            "batch token",
        )
