"""What multiplies is chosen by the processor's flags."""

import pytest

from gpt2 import processor

AVX_512 = "avx512f avx512_vnni avx512_bf16"
AMX = f"{AVX_512} amx_tile amx_int8 amx_bf16"


@pytest.fixture
def on(monkeypatch):
    """Pretends that the processor has these flags, and that Linux allows AMX or not."""

    def pretend(flags: str, allowed: bool = True) -> list[str]:
        monkeypatch.setattr(processor, "flags", lambda: frozenset(flags.split()))
        monkeypatch.setattr(processor, "allow_amx", lambda: allowed)
        chosen = map(processor.unit.__wrapped__, processor.UNITS)
        return [f"{unit.name} {unit.group}" for unit in chosen]

    return pretend


def test_the_best_that_there_is(on):
    """In float32, bfloat16 and int8."""
    assert on(AMX) == ["plain 48", "amx 32", "amx 32"]
    assert on(AVX_512) == ["plain 48", "bf16 48", "vnni 48"]
    assert on("avx512f avx512_vnni") == ["plain 48", "plain 48", "vnni 48"]
    assert on("avx512f amx_tile amx_int8") == ["plain 48", "plain 48", "amx 32"]
    assert on("avx2 fma avx_vnni") == ["plain 16", "plain 16", "plain 16"]
    assert on("") == ["plain 16", "plain 16", "plain 16"]


def test_what_linux_refuses_is_not_used(on):
    assert on(AMX, allowed=False) == ["plain 48", "bf16 48", "vnni 48"]


def test_amx_is_only_asked_for_where_it_may_be(monkeypatch):
    monkeypatch.setattr("gpt2.processor.ctypes.CDLL", None)  # asking would fail
    for system, machine in [("Darwin", "arm64"), ("Linux", "aarch64")]:
        monkeypatch.setattr("gpt2.processor.platform.system", lambda name=system: name)
        monkeypatch.setattr("gpt2.processor.platform.machine", lambda n=machine: n)
        assert not processor.allow_amx.__wrapped__()


@pytest.mark.parametrize("text", [None, "CPU architecture: 8\nFeatures : fp asimd\n"])
def test_a_processor_that_linux_does_not_describe_so(monkeypatch, tmp_path, text):
    """macOS has no such file, and ARM's no such line."""
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(processor, "Path", lambda name: file)
    assert processor.flags.__wrapped__() == frozenset()


def test_each_precision_has_what_runs_anywhere():
    for units in processor.UNITS.values():
        assert not units[-1].needs
