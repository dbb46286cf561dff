"""The catalogue: no mistake gets past the checks, and the coach names it.

The transcripts show the same of every entry, as the coach says it: here the quick tests
prove the steps where this takes a second, and the spellings of those.
"""

import pytest
from click.testing import CliRunner

from course import prove as proving
from course.__main__ import main
from course.mistakes import catalogue
from course.prove import Proof, Tally, prove
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
    mistakes, spellings = proof.mistakes, proof.spellings
    assert proof.holds and mistakes.tried > 0, proof.complaints
    assert mistakes.named >= 0.95 * mistakes.tried, proof.complaints
    assert spellings.named >= 0.6 * spellings.tried, proof.complaints  # 0.85 in all
    assert not compiled, "add it to operations() in gpt2/eager.py"


WORDS = "named []: a title in which something is rejected, or does not pass"
PROOFS = {
    "all is rejected": (0, {}),
    "something is not named": (
        0,
        {"mistakes": Tally(2, 2, 1), "complaints": [WORDS]},
    ),
    "a mistake passes": (1, {"mistakes": Tally(2, 1, 1)}),
    "a spelling passes": (1, {"spellings": Tally(3, 2, 2)}),
    "the solution fails": (1, {"solved": False}),
}


@pytest.mark.parametrize("code, what", PROOFS.values(), ids=list(PROOFS))
def test_the_exit_code_counts_what_was_rejected(code, what, monkeypatch):
    """And reads no words: those of a complaint are those of somebody's title."""
    right = {"solved": True, "mistakes": Tally(2, 2, 2), "spellings": Tally(3, 3, 3)}
    proof = Proof(8, **right | what)
    monkeypatch.setattr(proving, "prove", lambda _: proof)
    assert CliRunner().invoke(main, ["course-check", "8"]).exit_code == code
