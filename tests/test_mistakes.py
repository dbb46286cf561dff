"""The catalogue: no mistake gets past the checks, and the coach names it.

The transcripts show the same of every entry, as the coach says it: here the quick tests
prove the steps where this takes a second, and the spellings of those.
"""

import pytest

from course.mistakes import catalogue
from course.prove import prove
from tests.quick import some

QUICK = {1, 5, 6, 8}


@pytest.mark.parametrize("number", range(1, 13))
def test_there_are_enough_mistakes_and_each_has_a_sentence(number):
    mistakes = catalogue(number)
    assert len(mistakes) >= 4
    assert len({mistake.what for mistake in mistakes}) == len(mistakes)
    for mistake in mistakes:
        assert mistake.why.endswith(".")
        assert mistake.source(number)


@pytest.mark.parametrize("number", some(range(1, 13), QUICK.__contains__))
def test_every_mistake_is_rejected_and_named(number, compiled):
    proof = prove(number)
    assert proof.rejected == proof.mistakes > 0, proof.complaints
    assert proof.named >= 0.95 * proof.mistakes, proof.complaints
    assert proof.spelled >= 0.6 * proof.spellings, proof.complaints  # 0.85 in all
    assert not compiled, "add it to operations() in gpt2/eager.py"
