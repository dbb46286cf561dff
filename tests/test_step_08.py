"""What step 08 must do: the residual connection."""

import numpy as np
import pytest

from tests import expect
from tests.tensors import check_trace, normal, numbers, run


@pytest.mark.about("residual")
@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 3, 5)])
def test_values(step, shape):
    """the sublayer sees the normalized stream, its result is added to the stream"""
    x = normal(*shape)
    y = run(lambda t: step.residual(t, lambda n: n * 2 + 1, lambda s: s * s), x)
    found = (x * 2 + 1) ** 2
    given = "norm(x) = 2 x + 1 and sublayer(x) = x * x"
    if y.shape == x.shape and np.isfinite(y).all():
        expect.note(y)
        parts = np.stack([x.ravel(), found.ravel()], axis=1)
        p, q = np.linalg.lstsq(parts, y.ravel(), rcond=None)[0]
        other = not np.allclose([p, q], 1, atol=1e-4)
        expect.that(
            not (other and np.allclose(p * x + q * found, y, atol=1e-4)),
            f"for {given}\n"
            f"  yours     {p:.4g} x {'-' if q < 0 else '+'} {abs(q):.4g} "
            "sublayer(norm(x))\n"
            "  expected  x + sublayer(norm(x))",
        )
    expect.close(y, x + found, given, "batch token")


@pytest.mark.about("residual")
def test_norm_and_sublayer_are_called_once(step):
    """norm, then sublayer, are each called once, with all tokens as they stand"""
    calls = []

    def noting(name):
        def call(t):
            calls.append(f"{name} with {[int(length) for length in t.shape]}")
            return t

        return call

    run(lambda t: step.residual(t, noting("norm"), noting("sublayer")), normal(2, 3, 4))
    expected = ["norm with [2, 3, 4]", "sublayer with [2, 3, 4]"]
    expect.same(calls, expected, "an x of shape [2, 3, 4], it calls")


@pytest.mark.about("residual")
def test_symbolic_lengths(step):
    """lengths may be symbolic: only names, as when MAX compiles the model"""

    def double(t):
        return step.residual(t, lambda n: n * 2 + 1, lambda s: s * s)

    shape = ["batch", "seq", 6]
    check_trace(
        double, numbers(*shape), given="x of shape [batch, seq, 6]", shape=shape
    )
