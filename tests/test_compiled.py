"""What has been compiled once is loaded from then on, whatever becomes of the file."""

import numpy as np
import pytest
from max.driver import CPU
from max.dtype import DType
from max.engine import InferenceSession
from max.graph import DeviceRef, Graph, TensorType

from gpt2.compiled import compiled_file, load_compiled


@pytest.fixture
def session() -> InferenceSession:
    return InferenceSession(devices=[CPU()])


def double() -> Graph:
    x = TensorType(DType.float32, ["n"], DeviceRef.CPU())
    with Graph("double", input_types=[x]) as graph:
        graph.output(graph.inputs[0].tensor * 2)
    return graph


def never() -> Graph:
    raise AssertionError("it is compiled again")


def doubles(models) -> bool:
    (y,) = models["double"].execute(np.arange(3, dtype=np.float32))
    return y.to_numpy().tolist() == [0, 2, 4]


def test_compiled_once(session, tmp_path):
    """Ten seconds of compiling, the first time on a machine."""
    file = tmp_path / "folder" / "double.mef"
    assert doubles(load_compiled(session, file, double))
    assert file.exists()
    assert doubles(load_compiled(session, file, never))


def test_a_damaged_file_is_not_the_end(session, tmp_path):
    file = tmp_path / "double.mef"
    file.write_bytes(b"nonsense")
    assert doubles(load_compiled(session, file, double))


@pytest.mark.parametrize("kind", [OSError, RuntimeError, ValueError])
def test_whatever_max_raises_for_it(session, tmp_path, kind):
    """MAX 26.7 mostly raises a RuntimeError, and now and then a ValueError."""

    class Raises:
        compile = session.compile

        def load_all(self, source, weights_registry=None):
            if not isinstance(source, Graph):
                raise kind("cannot compile input with format unknown")
            return "compiled anew"

    file = tmp_path / "double.mef"
    file.write_bytes(b"nonsense")
    assert load_compiled(Raises(), file, double) == "compiled anew"


def test_a_folder_that_cannot_be_written(session, tmp_path):
    (tmp_path / "in the way").write_text("")
    file = tmp_path / "in the way" / "double.mef"
    assert doubles(load_compiled(session, file, double))


def test_other_sources_have_another_file():
    assert compiled_file("a") == compiled_file("a") != compiled_file("b")
    assert compiled_file("a", "b") != compiled_file("ab")
