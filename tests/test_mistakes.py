"""The catalogue: no mistake gets past the checks, and the coach names it.

The transcripts show the same of every entry, as the coach says it: here the quick tests
prove the steps where this takes a second, and the spellings of those.
"""

import json
from types import ModuleType

import pytest
from click.testing import CliRunner

from course import prove as proving
from course import suspects
from course.__main__ import main
from course.examiner import Examiner, Example
from course.mistakes import catalogue
from course.prove import Proof, Tally, prove
from course.suspects import Suspects
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
    assert spellings.named >= 0.9 * spellings.tried, proof.complaints
    assert mistakes.misnamed == spellings.misnamed == 0, proof.complaints
    for what, known in suspects.recall(number).items():
        assert all(map(suspects.Sketch.fits, proof.known[what], known)), what
    assert not compiled, "add it to operations() in gpt2/eager.py"


# --- What is known beforehand ------------------------------------------------------


@pytest.mark.parametrize("number", range(1, 13))
def test_what_the_mistakes_do_is_known(number):
    assert suspects.is_known(number), f"./run course-check {number:02d} writes it"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"08": {"of": "an older catalogue"}}']
)
def test_what_is_not_known_is_tried(text, eager, tmp_path, monkeypatch):
    monkeypatch.setattr(suspects, "FILE", tmp_path / "outcomes.json")
    suspects.FILE.write_text(text)
    assert not suspects.is_known(8) and suspects.recall(8) == {}
    examiner = Examiner(8)
    examiner.examine(None)
    wrong = catalogue(8)[0]
    trying = Suspects(8)
    results = [(e, trying.outcome(wrong, e)) for e, _ in examiner.results]
    assert trying.explain(results) == [wrong]


def test_what_is_remembered_of_one_step_leaves_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(suspects, "FILE", tmp_path / "outcomes.json")
    for number in (1, 8, 1):
        known = {"a mistake": [suspects.Sketch("1234abcd", -0.25)] * 2}
        suspects.remember(number, known)
        assert suspects.recall(number) == known
    assert sorted(json.loads(suspects.FILE.read_text())) == ["01", "08"]


# --- What tells mistakes apart -----------------------------------------------------


def does(body: str) -> suspects.Outcome:
    """What a check finds in a function with this body."""
    module = ModuleType("steps.step_08")
    module.__file__ = "a file"
    source = f"import math\ndef function(x):\n    {body}\n"
    exec(compile(source, "a file", "exec"), vars(module))
    return Example("", "", "", lambda step: step.function(2)).judge(module)


ERRORS = [
    (True, "raise ValueError('one word')", "raise ValueError('another')"),
    (False, "raise ValueError('one word')", "raise KeyError('one word')"),
    (True, "assert x == 3, 'too small'", "assert x > 5"),
    (True, "return x.shape", "return (x).shape"),
    (False, "return x.shape", "return x.size"),
    (False, "return x + 'one'", "return x @ x"),
    (True, "return math.sqrt(-x)", "return math.sqrt(-2 * x + 2)"),
    (False, "return math.sqrt(-x)", "raise ValueError('math domain error')"),
    (False, "return x", "raise ValueError"),
]


@pytest.mark.parametrize("alike, one, other", ERRORS)
def test_errors_are_told_apart_by_where_they_come_from(alike, one, other):
    """The words of those who wrote the file count for nothing."""
    first, second = does(one), does(other)
    assert first.agrees(second) == alike
    assert suspects.sketch(first).fits(suspects.sketch(second)) or not alike


# --- The command -------------------------------------------------------------------


WORDS = "named []: a title in which something is rejected, or does not pass"
PROOFS = {
    "all is rejected": (0, {}),
    "something is not named": (
        0,
        {"mistakes": Tally(2, 2, 1, 1), "complaints": [WORDS]},
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
    monkeypatch.setattr(suspects, "remember", lambda *_: None)
    assert CliRunner().invoke(main, ["course-check", "8"]).exit_code == code
