"""The playground's GPT-2 computes what the course's Python does, with the catalogue's
mistakes too.

Node runs the page's own script; MAX runs the solutions, with the same mistakes in them.
"""

import json
import re
import subprocess

import numpy as np
import pytest

from book.chapters import ROOT
from course.mistakes import switches
from gpt2 import load
from gpt2.decoding import Decoding
from tests.quick import some

TESTS = ROOT / "tests" / "playground"
FOLDER = "models/shakespeare"
OFF = {"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "seed": 0}
GREEDY = {**OFF, "temperature": 0}


@pytest.fixture(scope="module")
def page(node, tmp_path_factory):
    """A function that asks the page's script: questions in, float32 numbers out."""
    file = tmp_path_factory.mktemp("questions") / "questions.json"

    def ask(*questions):
        asked = [{"folder": FOLDER, "broken": [], **one} for one in questions]
        file.write_text(json.dumps(asked))
        words = [node, str(TESTS / "worker.js"), str(file)]
        done = subprocess.run(words, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return np.frombuffer(done.stdout, dtype=np.float32)

    return ask


@pytest.fixture(scope="module")
def model(eager):
    return load(ROOT / FOLDER)


@pytest.fixture(scope="module")
def prompts(model) -> list[str]:
    """50 pieces of the held-out passages, of 1 token up to the full context."""
    from book.data.mistakes import PASSAGES

    ids = [token for text in PASSAGES for token in model.encode(text)]
    lengths = [1, 2, 3, 256, *np.linspace(4, 256, 46).astype(int).tolist()]
    starts = np.linspace(0, len(ids) - 256, 50).astype(int)
    return [
        model.checkpoint.tokenizer.decode(ids[start : start + length])
        for start, length in zip(starts, lengths, strict=True)
    ]


FEW = range(0, 30, 9)
NUMBERS = some([FEW, range(50)], lambda numbers: numbers == FEW)


# --- The model ---------------------------------------------------------------------


@pytest.mark.parametrize("numbers", NUMBERS)
def test_the_logits_are_the_solutions_at_every_position(numbers, page, prompts, model):
    from book.data.mistakes import logits

    texts = [model.encode(prompts[number])[:256] for number in numbers]
    found = page(*[{"ask": "logits", "ids": ids} for ids in texts]).reshape(-1, 512)
    expected = np.concatenate([logits([ids])[0] for ids in texts])
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-3


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("settings", [GREEDY, {**OFF, "top_k": 40, "seed": 7}])
def test_text_is_that_of_generate(numbers, settings, page, prompts, model):
    """Greedy, and drawn with a seed."""
    texts = [model.encode(prompts[number]) for number in numbers]
    # Where the context is full, the page reads all of it for each token.
    counts = [20 if len(ids) + 20 <= 256 else 6 for ids in texts]
    found = page(
        *[
            {"ask": "text", "ids": ids, "settings": settings, "count": count}
            for ids, count in zip(texts, counts, strict=True)
        ]
    )
    chosen = {name: settings[name] for name in ("temperature", "top_k")}
    expected = [
        model.generate(
            prompts[number], Decoding(**chosen), seed=settings["seed"], max_new_tokens=n
        ).ids
        for number, n in zip(numbers, counts, strict=True)
    ]
    assert found.tolist() == [token for ids in expected for token in ids]


# --- The mistakes ------------------------------------------------------------------

QUICK = "one-too-many", "sum-normalized"


@pytest.mark.parametrize("name", some(switches.SWITCHES, QUICK.__contains__))
def test_a_mistake_is_the_catalogues(name, page, prompts, model):
    """Its replacement in the solution and the switch in the page do the same."""
    from book.data.mistakes import expectations, logits

    # Of fewer tokens, some mistakes divide by nearly 0, and the last bit decides.
    texts = [model.encode(prompts[number])[:256] for number in (5, 20, 3)]
    step, _ = switches.SWITCHES[name]
    asked = "logits" if step < 12 else "expectations"
    found = page(*[{"ask": asked, "ids": ids, "broken": [name]} for ids in texts])
    found = found.reshape(-1, 512)
    if step < 12:
        expected = np.concatenate([logits([ids], name)[0] for ids in texts])
    else:
        expected = np.concatenate([expectations(ids, name) for ids in texts])
    assert np.isfinite(expected).all() and found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-3


STEP_12 = [name for name, (step, _) in switches.SWITCHES.items() if step == 12]


@pytest.mark.slow
@pytest.mark.parametrize("name", STEP_12)
def test_a_mistake_of_step_12_writes_the_same_text(name, page, prompts, model):
    """Drawn with the same seed, also beyond the context."""
    from max.driver import CPU
    from max.dtype import DType
    from max.experimental.tensor import Tensor

    from book.data.mistakes import model_with

    generate = switches.broken([name]).generate
    settings = {**OFF, "temperature": 0.7, "seed": 5}
    texts = [(model.encode(prompts[10]), 12), (model.encode(prompts[3])[:255], 4)]
    found = page(
        *[
            {
                "ask": "text",
                "ids": ids,
                "settings": settings,
                "count": n,
                "broken": [name],
            }
            for ids, n in texts
        ]
    )
    expected = []
    for ids, count in texts:
        prompt = Tensor([ids], dtype=DType.int64, device=CPU())  # [1, seq]
        rng = np.random.default_rng(5)
        written = generate(
            model_with(""), prompt, count, temperature=0.7, rng=rng, n_positions=256
        )  # [1, seq + count]
        expected += written.to_numpy()[0, len(ids) :].tolist()
    assert found.tolist() == expected


def test_a_switch_is_a_line_of_the_page_and_an_entry_of_the_catalogue():
    scripts = ["figures/model.js", "playground/writing.js", "playground/inside.js"]
    texts = "".join((ROOT / "book" / script).read_text() for script in scripts)
    asked = set(re.findall(r'\.is\("([\w-]+)"\)', texts))
    assert asked == set(switches.SWITCHES)
    for name, (step, what) in switches.SWITCHES.items():
        assert switches.mistake(name).what == what and 2 <= step <= 12
        assert switches.of(step, what) == name
    assert {step for step, _ in switches.SWITCHES.values()} == set(range(2, 13))


def test_what_a_switch_does_is_said_in_a_sentence():
    text = (ROOT / "book" / "playground" / "switches.js").read_text()
    said = dict(re.findall(r'^  "?([\w-]+)"?: "(.+)",$', text, re.MULTILINE))
    assert said.keys() == switches.SWITCHES.keys()
    assert all(
        sentence[0].isupper() and sentence[-1] == "." for sentence in said.values()
    )


def test_no_two_switches_do_the_same():
    assert len(set(switches.SWITCHES.values())) == len(switches.SWITCHES) >= 24


# --- The scripts -------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(TESTS.glob("*.test.js")), ids=lambda f: f.stem)
def test_the_page_in_node(file, pass_in_node):
    pass_in_node(file)
