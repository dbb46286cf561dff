"""A new release of MAX: the doctor names what has changed of what the course uses."""

import importlib
import shutil

import pytest

from course import compatibility, doctor

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


def named(fix: str) -> list[doctor.Finding]:
    return [finding for finding in doctor.max_names(fix) if finding.fix]


def test_what_is_gone_from_the_inside_is_named(monkeypatch):
    monkeypatch.delattr(PART)
    found = f"{PART} is gone: gpt2/eager.py"
    assert named(doctor.ANEW) == [doctor.Finding("inside MAX", found, doctor.ANEW)]


def test_a_function_that_takes_something_else_is_named(monkeypatch):
    functional = importlib.import_module("max.experimental.functional")
    monkeypatch.setattr(functional, "band_part", lambda x, *, upper: x)
    ((what, found),) = [(f.what, f.found) for f in named(doctor.ANEW)]
    assert what == "MAX's API"
    assert "functional.band_part takes other arguments (" in found
    assert "solutions/solution_02.py" in found


def test_the_kernels_are_compiled_where_another_release_is_installed(monkeypatch):
    monkeypatch.setattr(compatibility, "mojo", lambda: "kernels.mojo:10: error: it")
    assert named(doctor.ANEW) == []
    (finding,) = named(doctor.FOLLOW)
    assert finding.what == "gpt2/kernels" and "error: it" in finding.found


def test_mojo_says_what_it_cannot_compile(tmp_path):
    folder = shutil.copytree(compatibility.KERNELS, tmp_path / "kernels")
    text = (folder / "kernels.mojo").read_text()
    (folder / "kernels.mojo").write_text(text.replace("_MutableInput", "_Input"))
    error = compatibility.mojo(folder)
    assert "kernels.mojo:10" in error and "_InputTensor" in error


@pytest.mark.slow
def test_mojo_compiles_the_kernels():
    assert compatibility.mojo() == ""
