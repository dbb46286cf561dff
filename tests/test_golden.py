"""The whole model against the numbers of Hugging Face transformers.

`tests/golden/make.py` made them; each folder is another corner of the architecture.
"""

from pathlib import Path

import numpy as np
import pytest
from max.experimental.tensor import Tensor
from safetensors.numpy import load_file

from gpt2.checkpoint import load_checkpoint
from gpt2.learner import build, run_lazily
from solutions.solution_11 import GPT2LMHeadModel
from solutions.solution_12 import generate

EXPECTED = sorted(Path(__file__).parent.glob("golden/*/expected.safetensors"))


def test_the_golden_checkpoints_are_all_here():
    assert len(EXPECTED) == 5


@pytest.fixture(scope="module", params=EXPECTED, ids=lambda file: file.parent.name)
def golden(request, eager):
    """A model of ours with a golden checkpoint's weights, and what it must compute."""
    checkpoint = load_checkpoint(request.param.parent)
    model = build(GPT2LMHeadModel, checkpoint.config)
    model.load_state_dict(checkpoint.weights)
    return checkpoint.config, model, load_file(request.param)


def test_logits(golden):
    _, model, expected = golden
    logits = model(Tensor.from_dlpack(expected["input_ids"])).to_numpy()
    scale = max(1, np.abs(expected["logits"]).max())
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=1e-5 * scale)


def test_greedy_continuation_token_by_token(golden):
    config, model, expected = golden
    prompt, greedy = expected["input_ids"], expected["greedy"]

    ids = generate(
        run_lazily(model),  # as one graph a token: half the time of op by op
        Tensor.from_dlpack(prompt),
        greedy.shape[1] - prompt.shape[1],
        do_sample=False,
        n_positions=config.n_positions,
    )
    np.testing.assert_array_equal(ids.to_numpy(), greedy)
