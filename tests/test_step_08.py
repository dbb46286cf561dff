"""What step 08 must do: the residual connection."""

import pytest

from tests import expect
from tests.tensors import normal, run


@pytest.mark.about("residual")
@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 3, 5)])
def test_values(step, shape):
    """the sublayer sees the normalized stream, its result is added to the stream"""
    x = normal(*shape)
    actual = run(lambda t: step.residual(t, lambda n: n * 2 + 1, lambda s: s * s), x)
    given = "norm(x) = 2 x + 1 and sublayer(x) = x * x"
    expect.close(actual, x + (x * 2 + 1) ** 2, given, "batch token")


@pytest.mark.about("residual")
def test_norm_and_sublayer_are_called_once(step):
    """norm and sublayer are each called once, norm first"""
    calls = []

    def noting(name):
        def call(t):
            calls.append(name)
            return t

        return call

    run(lambda t: step.residual(t, noting("norm"), noting("sublayer")), normal(1, 2, 3))
    expect.same(calls, ["norm", "sublayer"], "one call of residual, it calls")
