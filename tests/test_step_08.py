"""What step 08 must do: the residual connection."""

from tests.tensors import assert_close, normal, run


def test_values(step):
    """the sublayer sees the normalized stream, its result is added to the stream"""
    x = normal(2, 3, 5)
    actual = run(lambda t: step.residual(t, lambda n: n * 2 + 1, lambda s: s * s), x)
    assert_close(actual, x + (x * 2 + 1) ** 2)


def test_norm_and_sublayer_are_called_once(step):
    """norm and sublayer are each called once, norm first"""
    calls = []

    def noting(name):
        def call(t):
            calls.append(name)
            return t

        return call

    run(lambda t: step.residual(t, noting("norm"), noting("sublayer")), normal(1, 2, 3))
    assert calls == ["norm", "sublayer"]
