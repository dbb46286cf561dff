"""The kernels that are loaded ahead are all that the twelve steps need."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gpt2.compiled import only_one, why_not_kept
from gpt2.eager import (
    announce_compilations,
    kernels_file,
    operations,
    prepare_process,
)

ROOT = Path(__file__).parent.parent

# Every operation of the solutions, eager, where MAX may not compile a kernel.
STEPS = """
import numpy as np
from gpt2.eager import prepare
print(prepare())
print(prepare())

import os
os.environ["MAX_EAGER_ALLOW_LAZY_COMPILE"] = "0"
from solutions.solution_01 import GPT2Config
from solutions.solution_11 import GPT2LMHeadModel
from solutions.solution_12 import generate
from gpt2.learner import build
from tests.tensors import randomize, tensor

config = GPT2Config(vocab_size=11, n_positions=7, n_embd=6, n_layer=1, n_head=2)
model = build(GPT2LMHeadModel, config)
randomize(model)
for options in ({"do_sample": False}, {"stop_token": 3}, {"temperature": 0.5}):
    ids = generate(
        model, tensor(np.zeros((2, 1), np.int64)), 9, n_positions=7, **options
    )
print(ids.shape)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=dict(os.environ),  # without what MAX has set behind Python's back
        capture_output=True,
        text=True,
    )


def test_nothing_is_left_to_compile_for_the_twelve_steps(eager):
    done = run(STEPS)
    assert done.returncode == 0, done.stderr
    ready, again, shape = done.stdout.splitlines()
    assert int(ready) == int(again) > 10
    assert "10" in shape


def test_without_the_kernels_max_would_have_to_compile(eager):
    """The switch that the test above relies on does forbid compiling."""
    code = STEPS.replace("prepare", "prepare_process")
    done = run(code)
    assert done.returncode == 1
    assert "EagerLazyCompileDisallowed" in done.stderr


def test_every_operation_of_the_list_works_and_has_its_kernel(compiled):
    for number, operation in enumerate(operations()):
        operation()
        assert not compiled, f"operation {number} also needs {compiled}"


def test_a_kernel_that_is_missing_is_announced(eager, monkeypatch):
    from max._interpreter_ops import gc_compile

    names = []
    monkeypatch.setattr(gc_compile, "compile_single_target", lambda *_: None)

    @contextlib.contextmanager
    def around(name):
        names.append(name)
        yield

    announce_compilations(around)
    gc_compile.compile_single_target(None, "unary_CosOp", None, None)
    assert names == ["unary_CosOp"]


# --- Files -------------------------------------------------------------------------


def test_one_process_at_a_time_makes_the_kernels(tmp_path):
    lock = tmp_path / "kernels.lock"
    with only_one(lock), pytest.raises(BlockingIOError), only_one(lock, wait=False):
        pass
    with only_one(lock, wait=False):  # it was let go
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    problem = why_not_kept(tmp_path / "file" / "kernels.mef")
    assert str(tmp_path / "file") in problem and "cannot be written" in problem


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "no room" in why_not_kept(tmp_path / "kernels.mef")


def test_all_is_well_where_the_kernels_can_be_kept(eager):
    assert why_not_kept(kernels_file()) is None


def test_ctrl_c_still_interrupts():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        prepare_process()
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_ignored_ctrl_c_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        prepare_process()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
