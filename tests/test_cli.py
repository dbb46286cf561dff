"""`python -m gpt2`: what it writes, and what it refuses in one line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from gpt2.__main__ import main
from gpt2.checkpoint import load_checkpoint
from tests import reference

ROOT = Path(__file__).parent.parent
SHAKESPEARE = ROOT / "models" / "shakespeare"


def gpt2(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line as a user's shell would, its output going into pipes."""
    return subprocess.run(
        [sys.executable, "-m", "gpt2", *words],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def shakespeare():
    return load_checkpoint(SHAKESPEARE)


def test_generate_writes_the_text_alone_to_stdout(shakespeare):
    """Greedy text is what the formulas in NumPy give, token by token.

    Compiles the model: a minute or more the first time on a machine.
    """
    prompt = "ROMEO:\nI"
    done = gpt2("generate", prompt, "--greedy", "--max-new-tokens", "12")
    assert done.returncode == 0, done.stderr
    config, weights = shakespeare.config, shakespeare.weights
    weights = reference.part(weights, "transformer")
    ids = shakespeare.tokenizer.encode(prompt).ids
    for _ in range(12):
        hidden = reference.model(
            np.array([ids]),
            np.arange(len(ids)),
            weights,
            config.n_layer,
            config.n_head,
            config.layer_norm_epsilon,
        )
        ids.append(int((hidden[0, -1] @ weights["wte.weight"].T).argmax()))
    assert done.stdout == shakespeare.tokenizer.decode(ids) + "\n"
    assert re.search(r"12 tokens in .* tokens/s; greedy; preparing took", done.stderr)


def test_generate_repeats_itself_for_a_seed():
    """Each of several samples is its own, and the seed decides them all."""
    words = "generate --seed 7 --samples 2 --max-new-tokens 20 KING".split()
    first, second = gpt2(*words), gpt2(*words)
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    one, other = first.stdout.split("---\n")
    assert one.startswith("KING") and other.startswith("KING") and one != other
    assert "seed 7" in first.stderr


def test_generate_starts_from_nothing():
    done = gpt2("generate", "--max-new-tokens", "8", "--seed", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "<|endoftext|>" not in done.stdout


def test_generate_stops_at_a_string():
    done = gpt2(*"generate --seed 1 --max-new-tokens 100 --stop e".split())
    assert done.returncode == 0, done.stderr
    assert "e" not in done.stdout


def test_generate_from_steps_names_the_stand_ins(monkeypatch, tmp_path, eager):
    """With only step 07 written, eleven solutions stand in; the text is the same."""
    from gpt2 import rooms

    text = (ROOT / "solutions" / "solution_07.py").read_text()
    text = text.replace("solutions.solution_", "steps.step_")
    (tmp_path / "step_07.py").write_text(text)
    monkeypatch.setattr(rooms, "STEPS", tmp_path)
    words = "generate ROMEO: --from steps --greedy --max-new-tokens 5".split()
    own = CliRunner().invoke(main, words)
    assert own.exit_code == 0, own.output
    numbers = ", ".join(f"{number:02d}" for number in range(1, 13) if number != 7)
    assert f"solutions stand in: step {numbers}" in " ".join(own.stderr.split())
    reference_run = gpt2("generate", "ROMEO:", "--greedy", "--max-new-tokens", "5")
    assert own.stdout == reference_run.stdout

    strict = CliRunner().invoke(main, [*words, "--strict"])
    assert strict.exit_code == 2
    assert "step 01 is still to be written (the file is missing)" in strict.stderr


def test_generate_from_steps_shows_only_the_learners_lines(monkeypatch, tmp_path):
    from gpt2 import rooms

    (tmp_path / "step_02.py").write_text("x = 1\nx.nothing_of_the_kind\n")
    monkeypatch.setattr(rooms, "STEPS", tmp_path)
    done = CliRunner().invoke(main, ["generate", "--from", "steps"])
    assert done.exit_code == 1
    assert "steps/step_02.py:2" in done.output
    assert "'int' object has no attribute 'nothing_of_the_kind'" in done.output
    assert "rooms.py" not in done.output and "importlib" not in done.output


def test_names_are_invented_and_known_ones_marked():
    done = gpt2("names", "--seed", "3", "--count", "30")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) == 30
    assert {kind for _, kind in rows} == {"known", "new"}
    assert all(re.fullmatch("[a-z]{1,16}", name) for name, _ in rows)
    again = gpt2("names", "--seed", "3", "--count", "30")
    assert again.stdout == done.stdout


REFUSED = {
    "temperature below 0": (["--temperature=-1"], "temperature"),
    "temperature not a number": (["--temperature=nan"], "temperature"),
    "temperature infinite": (["--temperature=inf"], "temperature"),
    "temperature a word": (["--temperature=hot"], "temperature"),
    "tokens below 0": (["--max-new-tokens=-1"], "max-new-tokens"),
    "no samples": (["--samples=0"], "samples"),
    "seed below 0": (["--seed=-1"], "seed"),
    "empty stop": (["--stop="], "--stop is empty"),
    "another room": (["--from=kitchen"], "kitchen"),
    "no such folder": (["--model=./nowhere"], "./nowhere"),
    "no such option": (["--tempature=1"], "--tempature"),
    "letters that names lacks": (["--model=models/names", "Émile"], "PROMPT"),
    "a prompt too long": (["--model=models/names", "a" * 17], "17 tokens"),
}


@pytest.mark.parametrize("words, named", REFUSED.values(), ids=list(REFUSED))
def test_bad_input_gets_one_line(words, named):
    done = CliRunner().invoke(main, ["generate", *words])
    assert done.exit_code == 2
    *_, last = done.stderr.strip().splitlines()
    assert named in last
    assert done.stdout == ""
    assert "Traceback" not in done.output
