"""Assembling a model from the learner's steps, with solutions for what is missing."""

import shutil
import sys
from pathlib import Path

import pytest

from gpt2 import learner
from solutions import solution_01, solution_03, solution_11, solution_12

ROOT = Path(__file__).parent.parent
STUBS = ROOT / "course" / "stubs"


@pytest.fixture
def steps(tmp_path, monkeypatch) -> Path:
    """A learner's folder that holds the twelve stubs."""
    for stub in STUBS.glob("step_*.py"):
        shutil.copy(stub, tmp_path)
    monkeypatch.setattr(learner, "STEPS", tmp_path)
    return tmp_path


def write(steps: Path, number: int, change=lambda text: text) -> None:
    text = change(learner.solution(number))
    (steps / f"step_{number:02d}.py").write_text(text)


def test_the_solutions():
    loaded = learner.load_steps("solutions")
    assert loaded.make_config is solution_01.GPT2Config
    assert loaded.make_model is solution_11.GPT2LMHeadModel
    assert loaded.generate is solution_12.generate
    assert loaded.stand_ins == {}


def test_solutions_stand_in_for_stubs(steps):
    loaded = learner.load_steps("steps")
    assert sys.modules[loaded.make_model.__module__].__file__ == solution_11.__file__
    assert list(loaded.stand_ins) == list(range(1, 13))
    assert loaded.stand_ins[8] == "residual"
    assert loaded.stand_ins[3] == "__init__, forward"


def test_a_half_written_step_is_still_a_stub(steps):
    stub = (steps / "step_05.py").read_text()
    raised = 'raise NotImplementedError("step 05: forward")'
    (steps / "step_05.py").write_text(stub.replace(raised, "return input_ids"))
    assert learner.load_steps("steps").stand_ins[5] == "__init__"


def test_a_missing_file_is_a_stub(steps):
    (steps / "step_04.py").unlink()
    assert learner.load_steps("steps").stand_ins[4] == "the file is missing"


def test_written_steps_are_the_learners_own(steps):
    """The learner's attention reaches the learner's model through the steps between."""
    write(steps, 1)
    write(steps, 7)
    for number in (9, 10, 11):
        write(steps, number)
    loaded = learner.load_steps("steps")
    assert list(loaded.stand_ins) == [2, 3, 4, 5, 6, 8, 12]
    assert loaded.make_config.__module__ == "steps.step_01"
    model = sys.modules["steps.step_09"]
    assert model.GPT2Attention.__module__ == "steps.step_07"
    assert Path(sys.modules["steps.step_07"].__file__).parent == steps
    assert sys.modules["steps.step_03"].__file__ == solution_03.__file__


def test_a_stand_in_builds_on_the_learners_steps(steps):
    """With only the mask written, the solution of step 07 uses the learner's mask."""
    write(steps, 2)
    learner.load_steps("steps")
    attention = sys.modules["steps.step_07"]
    assert Path(attention.__file__).parent == ROOT / "solutions"
    assert attention.causal_mask is sys.modules["steps.step_02"].causal_mask
    assert Path(sys.modules["steps.step_02"].__file__).parent == steps


def test_the_configuration_is_the_steps_own(steps):
    write(steps, 1)
    sizes = solution_01.GPT2Config(n_embd=6, n_head=2, n_inner=5)
    config = learner.load_steps("steps").config(sizes)
    assert type(config) is not solution_01.GPT2Config
    assert (config.n_embd, config.n_head, config.inner_dim) == (6, 2, 5)


def test_what_a_step_raises_comes_through(steps):
    (steps / "step_02.py").write_text("import nonsense_of_mine\n")
    with pytest.raises(ModuleNotFoundError, match="nonsense_of_mine"):
        learner.load_steps("steps")
    (steps / "step_02.py").write_text("def causal_mask(:\n")
    with pytest.raises(SyntaxError):
        learner.load_steps("steps")


def test_blocks_in_a_plain_list_are_parts_too(steps, eager):
    """Their names are those of their parameters."""
    from gpt2.exchange import linear_layers
    from tests.tensors import tensor

    write(steps, 10, lambda text: text.replace("ModuleList([", "list(["))
    sizes = solution_01.GPT2Config(vocab_size=5, n_embd=4, n_head=2, n_layer=2)
    model = learner.load_steps("steps").build(sizes)
    assert type(model.transformer.h) is list
    assert len(list(linear_layers(model))) == 2 * 4
    run = learner.run_lazily(model)
    seen = learner.watched(model, lambda: run(tensor([[1, 2]])))
    for part in ("", "transformer", "transformer.h.1", "transformer.h.1.mlp.c_fc"):
        assert {(part, "input"), (part, "output")} <= seen.keys()
