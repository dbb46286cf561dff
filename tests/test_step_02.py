"""What step 02 must do: the causal mask."""

import pytest
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.graph import Dim

from tests import expect, reference
from tests.tensors import check_trace, numbers, run


def check(step, sequence_length, num_tokens):
    lengths = sequence_length, num_tokens
    mask = run(lambda: step.causal_mask(*lengths, dtype=DType.float32, device=CPU()))
    new, old = int(sequence_length), int(num_tokens)
    dims = set(map(type, lengths)) - {int}
    what = "given as Dim" if dims else "the mask is"
    tokens = expect.some(new, "new token", "new tokens")
    given = f"{tokens} after {expect.some(old, 'old one', 'old ones')}"
    expect.equal(mask, reference.mask(new, old), given, "query", what)


@pytest.mark.about("causal_mask")
@pytest.mark.parametrize("sequence_length", [2, 3, 1, 5])
def test_without_a_cache(step, sequence_length):
    """without a cache, each token sees itself and what came before"""
    check(step, sequence_length, 0)


@pytest.mark.about("causal_mask")
@pytest.mark.parametrize(("new", "old"), [(2, 1), (3, 2), (1, 2), (2, 5)])
def test_with_a_cache(step, new, old):
    """with a cache, the new tokens also see all the old ones"""
    check(step, new, old)


@pytest.mark.about("causal_mask")
@pytest.mark.parametrize(
    ("new", "old"), [(Dim(3), Dim(1)), (2, Dim(3)), (Dim(2), 1), (Dim(3), Dim(0))]
)
def test_dimensions_instead_of_ints(step, new, old):
    """each length may be a dimension instead of an int"""
    check(step, new, old)


@pytest.mark.about("causal_mask")
@pytest.mark.parametrize("dtype", [DType.float64, DType.float32])
def test_dtype(step, dtype):
    """the mask has the dtype that was asked for"""
    with F.lazy():  # its numbers are not asked for, and so never computed
        mask = step.causal_mask(4, 1, dtype=dtype, device=CPU())
    expect.same(mask.dtype.name, dtype.name, f"dtype=DType.{dtype.name}")


@pytest.mark.about("causal_mask")
def test_long_masks_in_half_precision(step):
    """a long mask can be made in bfloat16, which counts only to 256"""

    def mask(x):
        return step.causal_mask(*x.shape, dtype=DType.bfloat16, device=CPU())

    given = "2 new tokens after 2000 old ones in bfloat16"
    check_trace(mask, numbers(2, 2000), given=given, shape=[2, 2002])


@pytest.mark.about("causal_mask")
@pytest.mark.parametrize("old", [0, 2, "old", "old"])
def test_symbolic_lengths(step, old):
    """lengths may be symbolic: only names, as when MAX compiles the model"""

    def mask(x):
        return step.causal_mask(*x.shape, dtype=DType.float32, device=CPU())

    shape = ["new", Dim("new") + old]
    given = f"new tokens after {old} old ones"
    check_trace(mask, numbers("new", old), given=given, shape=shape)
