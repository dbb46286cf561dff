"""The kernels that are loaded ahead are all that the twelve steps need."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gpt2.eager import prepare_process

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
from tests.tensors import build, randomize, tensor

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
