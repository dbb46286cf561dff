"""Answers that are right but different pass: the checks judge what a step does."""

from importlib import import_module

import pytest

from course import variants
from course.examiner import Examiner
from gpt2.learner import solution


@pytest.mark.parametrize("number", range(1, 13))
def test_other_right_answers_pass(number, compiled):
    answers = import_module(f"tests.answers.step_{number:02d}").ANSWERS
    assert answers
    examiner = Examiner(number)
    examiner.examine(None)
    assert examiner.results and not examiner.failure
    for name, text in answers.items():
        source = variants.redefine(solution(number), text)
        module = variants.load(number, source)
        for example, _ in examiner.results:
            error = example.judge(module).error
            assert error is None, f"{name}: {example.check}: {error!r}"
    assert not compiled, "add it to operations() in gpt2/eager.py"
