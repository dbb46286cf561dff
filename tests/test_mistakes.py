"""The catalogue: no mistake gets past the checks, and the coach names it.

The steps whose proof takes more than a few seconds are left to `./run test-all`.
"""

import pytest

from course.mistakes import catalogue
from course.prove import prove

SLOW = {7, 9, 10, 11, 12}
STEPS = [
    pytest.param(number, marks=[pytest.mark.slow] if number in SLOW else [])
    for number in range(1, 13)
]


@pytest.mark.parametrize("number", range(1, 13))
def test_there_are_enough_mistakes_and_each_has_a_sentence(number):
    mistakes = catalogue(number)
    assert len(mistakes) >= 4
    assert len({mistake.what for mistake in mistakes}) == len(mistakes)
    for mistake in mistakes:
        assert mistake.why.endswith(".")
        assert mistake.source(number)


@pytest.mark.parametrize("number", STEPS)
def test_every_mistake_is_rejected_and_named(number, compiled):
    proof = prove(number)
    assert proof.rejected == proof.mistakes > 0, proof.complaints
    assert proof.named >= 0.95 * proof.mistakes, proof.complaints
    assert proof.spelled >= 0.6 * proof.spellings, proof.complaints  # 0.85 in all
    assert not compiled, "add it to operations() in gpt2/eager.py"
