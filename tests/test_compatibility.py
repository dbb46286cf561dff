"""A new release of MAX: the doctor names what has changed of what the course uses."""

import importlib
import shutil

import pytest

from course import compatibility, doctor
from gpt2 import eager

PART = "max._interpreter_ops.gc_compile.session_for"
LOGGER = "max." + "_gone"  # in one piece, it would itself be found


def test_the_release_that_is_pinned_has_everything():
    uses = {use.name: use for use in compatibility.used()}
    assert [use for use in uses.values() if use.trouble] == []
    assert uses[PART].files == ["gpt2/eager.py"]
    assert f"{uses[PART].private}.gc_compile.session_for" == PART
    norm = uses["max.experimental.functional.layer_norm"]
    assert "solutions/solution_03.py" in norm.files and not norm.private


def test_names_are_read_from_code(tmp_path):
    (tmp_path / "gpt2").mkdir()
    (tmp_path / "gpt2" / "new.py").write_text(
        "from max import nowhere\n"
        "from max.dtype import DType as D\n"
        "from maximum import other\n"
        f"get({LOGGER!r}), D.float32.name, D.float33, other.thing, D(*1), D(**1)\n"
    )
    assert {use.name: use.trouble for use in compatibility.used(tmp_path)} == {
        LOGGER: "is gone",
        "max.dtype.DType": "",
        "max.dtype.DType.float32": "",
        "max.dtype.DType.float32.name": "",
        "max.dtype.DType.float33": "is gone",
        "max.nowhere": "is gone",
    }


def named() -> list[tuple[str, str]]:
    """What the doctor finds to be mended."""
    return [(f.what, f.found) for f in doctor.max_names() if f.fix]


def test_what_is_gone_from_the_inside_is_named(monkeypatch):
    monkeypatch.delattr(PART)
    assert named() == [("inside MAX", f"{PART} is gone: gpt2/eager.py")]


def test_a_function_that_takes_something_else_is_named(monkeypatch):
    functional = importlib.import_module("max.experimental.functional")
    monkeypatch.setattr(functional, "band_part", lambda x, *, upper: x)
    ((what, found),) = named()
    assert what == "MAX's API"
    assert "functional.band_part takes other arguments (" in found
    assert "solutions/solution_02.py" in found


def test_with_a_max_that_has_compiled_nothing_mojo_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(eager, "kernels_file", lambda: tmp_path / "none.mef")
    monkeypatch.setattr(compatibility, "mojo", lambda: "kernels.mojo:10: error: it")
    (found,) = (f for f in doctor.max_itself() if f.what == "gpt2/kernels")
    assert found.found.endswith("error: it") and "CONTRIBUTING.md" in found.fix


def test_mojo_says_what_it_cannot_compile(tmp_path):
    folder = shutil.copytree(compatibility.KERNELS, tmp_path / "kernels")
    file = folder / "attention.mojo"
    text = file.read_text()
    line = 1 + text[: text.index("_MutableInput")].count("\n")
    file.write_text(text.replace("_MutableInput", "_Input"))
    error = compatibility.mojo(folder)
    assert f"attention.mojo:{line}" in error and "_InputTensor" in error


@pytest.mark.slow
def test_mojo_compiles_the_kernels():
    assert compatibility.mojo() == ""


def test_without_a_c_compiler_the_names_are_not_looked_up(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {finding.what: finding.fix for finding in doctor.examine()}
    assert "apt-get install gcc" in found["C compiler"] and "MAX's API" not in found
