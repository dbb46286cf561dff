"""What step 02 must do: the causal mask."""

import numpy as np
import pytest
from max.driver import CPU
from max.dtype import DType
from max.graph import Dim

from tests import reference


@pytest.mark.parametrize("sequence_length", [1, 2, 5])
def test_without_a_cache(step, sequence_length):
    """without a cache, each token sees itself and what came before"""
    mask = step.causal_mask(sequence_length, 0, dtype=DType.float32, device=CPU())
    np.testing.assert_array_equal(
        mask.to_numpy(), reference.mask(sequence_length, 0), strict=False
    )


@pytest.mark.parametrize(("sequence_length", "num_tokens"), [(1, 4), (3, 2), (2, 5)])
def test_with_a_cache(step, sequence_length, num_tokens):
    """with a cache, the new tokens also see all the old ones"""
    mask = step.causal_mask(
        sequence_length, num_tokens, dtype=DType.float32, device=CPU()
    )
    np.testing.assert_array_equal(
        mask.to_numpy(), reference.mask(sequence_length, num_tokens)
    )


def test_dimensions_instead_of_ints(step):
    """both lengths may be dimensions instead of ints"""
    mask = step.causal_mask(Dim(3), Dim(1), dtype=DType.float32, device=CPU())
    np.testing.assert_array_equal(mask.to_numpy(), reference.mask(3, 1))


def test_dtype(step):
    """the mask has the dtype that was asked for"""
    mask = step.causal_mask(2, 0, dtype=DType.float32, device=CPU())
    assert mask.dtype == DType.float32
