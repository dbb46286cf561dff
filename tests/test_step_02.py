"""What step 02 must do: the causal mask."""

import pytest
from max.driver import CPU
from max.dtype import DType
from max.graph import Dim

from tests import expect, reference
from tests.tensors import numpy


def check(step, sequence_length, num_tokens):
    mask = step.causal_mask(
        sequence_length, num_tokens, dtype=DType.float32, device=CPU()
    )
    new, old = int(sequence_length), int(num_tokens)
    what = "the mask is" if isinstance(sequence_length, int) else "given as Dim"
    tokens = expect.some(new, "new token", "new tokens")
    given = f"{tokens} after {expect.some(old, 'old one', 'old ones')}"
    expect.equal(numpy(mask), reference.mask(new, old), given, "query", what)


@pytest.mark.about("causal_mask")
@pytest.mark.parametrize("sequence_length", [1, 2, 3, 5])
def test_without_a_cache(step, sequence_length):
    """without a cache, each token sees itself and what came before"""
    check(step, sequence_length, 0)


@pytest.mark.about("causal_mask")
@pytest.mark.parametrize(("new", "old"), [(1, 2), (2, 1), (3, 2), (2, 5)])
def test_with_a_cache(step, new, old):
    """with a cache, the new tokens also see all the old ones"""
    check(step, new, old)


@pytest.mark.about("causal_mask")
@pytest.mark.parametrize(("new", "old"), [(3, 0), (3, 1)])
def test_dimensions_instead_of_ints(step, new, old):
    """both lengths may be dimensions instead of ints"""
    check(step, Dim(new), Dim(old))


@pytest.mark.about("causal_mask")
@pytest.mark.parametrize("dtype", [DType.float32, DType.float64])
def test_dtype(step, dtype):
    """the mask has the dtype that was asked for"""
    mask = step.causal_mask(2, 0, dtype=dtype, device=CPU())
    numpy(mask)
    expect.same(mask.dtype.name, dtype.name, f"dtype=DType.{dtype.name}")
