"""`python -m gpt2`: what it writes, and what it refuses in one line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from gpt2 import PRECISIONS, drafting, learner, load, options
from gpt2.__main__ import STRATEGIES, main
from gpt2.beam import BeamSearch
from gpt2.checkpoint import load_checkpoint
from gpt2.decoding import Decoding
from gpt2.pipeline import Pipeline
from tests import reference

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def model() -> Pipeline:
    return load(ROOT / "models" / "shakespeare")


@pytest.fixture
def same_engine(model, monkeypatch) -> None:
    """What a test runs in this process has the engine of `model`."""
    monkeypatch.setattr("gpt2.engine.Engine", lambda *_, **__: model.engine)


def gpt2(*words: str, **how: str) -> Result:
    """Runs a command in this process."""
    return CliRunner().invoke(main, words, catch_exceptions=False, **how)


def text(*words: str, **how: str) -> str:
    """What a command writes to stdout."""
    done = gpt2(*words, **how)
    assert done.exit_code == 0, done.stderr
    return done.stdout


# --- generate ----------------------------------------------------------------------


def test_generate_writes_the_text_alone_to_stdout(model):
    """As a user's shell runs it, into pipes.

    Greedy text is what the formulas in NumPy give, token by token.
    """
    prompt, words = "ROMEO:\nI", "--greedy --max-new-tokens 12".split()
    done = subprocess.run(
        [sys.executable, "-m", "gpt2", "generate", prompt, *words],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    checkpoint = load_checkpoint("models/shakespeare")
    config = checkpoint.config
    weights = reference.part(checkpoint.weights, "transformer")
    ids = checkpoint.tokenizer.encode(prompt).ids
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
    assert done.stdout == checkpoint.tokenizer.decode(ids) + "\n"
    assert re.search(r"12 tokens in .* tokens/s; greedy; preparing took", done.stderr)


def test_one_seed_writes_one_text_whoever_computes_it(
    same_engine, monkeypatch, tmp_path, eager
):
    """The engine, the twelve files as they are, and step 12's own loop on either."""
    monkeypatch.setattr(learner, "STEPS", tmp_path)  # the solutions stand in
    monkeypatch.setattr("gpt2.equivalence.why_not", lambda *_: "")
    words = "generate KING --seed 7 --max-new-tokens 6".split()
    on_the_engine = text(*words)
    assert on_the_engine.startswith("KING") and len(on_the_engine) > len("KING\n")
    for more in ("--eager", "--from steps", "--from steps --eager"):
        assert text(*words, *more.split()) == on_the_engine


def test_samples_grow_in_one_batch(same_engine, model):
    """Each is its own, and the seed decides them all."""
    done = gpt2(*"generate KING --seed 7 --samples 3 --max-new-tokens 20".split())
    assert done.exit_code == 0, done.stderr
    decoding = Decoding(temperature=0.8)
    rows = model.generate_batch(["KING"] * 3, decoding, seed=7, max_new_tokens=20)
    assert done.stdout == "---\n".join(f"KING{row.text}\n" for row in rows)
    assert len({row.text for row in rows}) == 3
    assert "60 tokens" in done.stderr and "seed 7" in done.stderr


@pytest.mark.parametrize(
    "how",
    [{"top_k": 2}, {"top_p": 0.2}, {"min_p": 0.7}, {"repetition_penalty": 2.0}],
    ids=lambda how: next(iter(how)),
)
def test_every_way_of_choosing_is_an_option(same_engine, model, how):
    ((name, value),) = how.items()
    words = "generate KING --seed 3 --max-new-tokens 20".split()
    written = text(*words, f"--{name.replace('_', '-')}", str(value))
    decoding = Decoding(temperature=0.8, **how)
    expected = model.generate("KING", decoding, seed=3, max_new_tokens=20)
    assert written == f"KING{expected.text}\n"
    assert written != text(*words)


def test_no_draft_guesses_nothing(same_engine, monkeypatch):
    """And the text is the same."""
    most, guess = [], drafting.draft

    def draft(ids, count):
        most.append(count)
        return guess(ids, count)

    monkeypatch.setattr(drafting, "draft", draft)
    words = "generate KING --greedy --max-new-tokens 20".split()
    written = text(*words)
    assert max(most) == 7
    most.clear()
    assert text(*words, "--no-draft") == written
    assert max(most) == 0


def test_generate_starts_from_nothing(same_engine):
    written = text("generate", "--max-new-tokens", "8", "--seed", "1")
    assert written.strip()
    assert "<|endoftext|>" not in written


def test_the_prompt_comes_from_stdin(same_engine):
    words = "--greedy --max-new-tokens 5".split()
    assert text("generate", "-", *words, input="KING:\n") == text(
        "generate", "KING:\n", *words
    )


def test_nothing_to_add_is_the_prompt(same_engine):
    assert text("generate", "KING", "--max-new-tokens", "0") == "KING\n"


def test_generate_stops_at_a_string_or_a_token(same_engine):
    written = text(*"generate --seed 1 --max-new-tokens 100 --stop e".split())
    assert "e" not in written


@pytest.mark.parametrize("token", ["\n", r"\n", "Ċ", "199"], ids=repr)
def test_a_stop_token_is_a_text_or_a_spelling_or_an_id(same_engine, token):
    """A line break: as $'\\n' gives it, as one types it, as GPT-2 spells it, its id."""
    words = "generate ROMEO: --greedy --max-new-tokens 20".split()
    assert text(*words).count("\n") > 1
    assert text(*words, "--stop-token", token) == "ROMEO:\n"


def test_generate_stops_at_a_full_context(same_engine, model):
    prompt = "the king " * 120
    room = model.checkpoint.config.n_positions - len(model.encode(prompt))
    assert 0 < room < 20
    words = ["generate", prompt, "--seed", "1", "--max-new-tokens", "20"]
    assert f"{room} tokens in" in gpt2(*words, "--full-context", "stop").stderr
    assert "20 tokens in" in gpt2(*words).stderr


def test_generate_drops_the_oldest_quarter(same_engine, model):
    """What follows is then another text than the one that slides."""
    prompt = "the king " * 120
    words = ["generate", prompt, "--seed", "1", "--max-new-tokens", "40"]
    decoding = Decoding(temperature=0.8)
    how = {"seed": 1, "max_new_tokens": 40, "full_context": "drop"}
    expected = model.generate(prompt, decoding, **how)
    assert text(*words, "--full-context", "drop") == f"{prompt}{expected.text}\n"
    assert (
        expected.text
        != model.generate(prompt, decoding, **how | {"full_context": "slide"}).text
    )


def test_beams(same_engine, model):
    words = "generate ROMEO: --beams 3 --return 2 --max-new-tokens 8"
    search = "--length-penalty 0.5 --early-stopping never --stop-token Ċ"
    done = gpt2(*words.split(), *search.split())
    assert done.exit_code == 0, done.stderr
    beams = BeamSearch(3, 2, length_penalty=0.5, early_stopping="never")
    found = model.search("ROMEO:", beams, max_new_tokens=8, stop_tokens=["Ċ"])
    assert done.stdout == "---\n".join(f"ROMEO:{text}\n" for text, _ in found)
    assert f"score {found[0][1]:.3f}, {found[1][1]:.3f}" in done.stderr


def test_a_trace_is_a_table_and_a_file(same_engine, model, tmp_path):
    """Beside the text, which stays the same."""
    file = tmp_path / "trace.jsonl"
    words = "generate KING --seed 5 --top-k 6 --max-new-tokens 4".split()
    done = gpt2(*words, "--trace", "--trace-json", str(file))
    assert done.exit_code == 0, done.stderr
    assert done.stdout == text(*words)
    tables = [line for line in done.stderr.splitlines() if line.startswith("->")]
    looks = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(tables) == len(looks) == 4
    drawn = model.checkpoint.tokenizer.decode([look["drawn"] for look in looks])
    assert done.stdout == f"KING{drawn}\n"
    assert all(look["left"] == 6 for look in looks)
    assert max(map(len, done.stderr.splitlines())) <= 80


# --- generate --from steps ---------------------------------------------------------


def test_generate_from_steps_names_the_stand_ins(
    same_engine, monkeypatch, tmp_path, eager
):
    """With only step 07 written, eleven solutions stand in; the text is the same."""
    (tmp_path / "step_07.py").write_text(learner.solution(7))
    monkeypatch.setattr(learner, "STEPS", tmp_path)
    words = "generate ROMEO: --from steps --greedy --max-new-tokens 5".split()
    own = gpt2(*words)
    assert own.exit_code == 0, own.output
    numbers = ", ".join(f"{number:02d}" for number in range(1, 13) if number != 7)
    assert f"solutions stand in: step {numbers}" in " ".join(own.stderr.split())
    assert own.stdout == text("generate", "ROMEO:", "--greedy", "--max-new-tokens", "5")

    strict = gpt2(*words, "--strict")
    assert strict.exit_code == 2
    assert "step 01 is still to be written (the file is missing)" in strict.stderr


def test_generate_from_steps_shows_only_the_learners_lines(monkeypatch, tmp_path):
    (tmp_path / "step_02.py").write_text("x = 1\nx.nothing_of_the_kind\n")
    monkeypatch.setattr(learner, "STEPS", tmp_path)
    done = gpt2("generate", "--from", "steps")
    assert done.exit_code == 1
    assert "steps/step_02.py:2" in done.output
    assert "'int' object has no attribute 'nothing_of_the_kind'" in done.output
    assert "learner.py" not in done.output and "importlib" not in done.output


def test_a_step_that_ends_everything_is_no_end_without_a_word(monkeypatch, tmp_path):
    (tmp_path / "step_01.py").write_text("x = 1\nexit()\n")
    monkeypatch.setattr(learner, "STEPS", tmp_path)
    done = gpt2("generate", "--from", "steps")
    assert done.exit_code == 1
    assert "steps/step_01.py:2" in done.output and "It calls exit()" in done.output


# --- compare and names -------------------------------------------------------------


def test_compare_shows_every_strategy(same_engine, model):
    """One line each is enough to see that it is the text of that strategy."""
    words = "compare KING --seed 2 --max-new-tokens 8".split()
    written = text(*words)
    assert max(map(len, written.splitlines())) <= 80
    for name, strategy in STRATEGIES.items():
        if isinstance(strategy, Decoding):
            expected = model.generate("KING", strategy, seed=2, max_new_tokens=8).text
        else:
            expected = model.search("KING", strategy, max_new_tokens=8)[0][0]
        (line,) = [line for line in written.splitlines() if f" {name} " in line]
        assert expected.strip().splitlines()[0] in line


def test_names_are_invented_and_known_ones_marked():
    written = text("names", "--seed", "3", "--count", "120")
    rows = [line.split() for line in written.splitlines()]
    assert len(rows) == 120  # more than one batch
    assert {kind for _, kind in rows} == {"known", "new"}
    assert all(re.fullmatch("[a-z]{1,16}", name) for name, _ in rows)
    assert text("names", "--seed", "3", "--count", "120") == written


def test_a_name_can_be_watched():
    done = gpt2("names", "--seed", "3", "--count", "1", "--trace")
    name = done.stdout.split()[0]
    drawn = re.findall("^-> +'(.)'", done.stderr, flags=re.MULTILINE)
    assert "".join(drawn) == name


# --- Refusals ----------------------------------------------------------------------


REFUSED = {
    "temperature below 0": (["--temperature=-1"], "temperature"),
    "temperature not a number": (["--temperature=nan"], "temperature"),
    "temperature infinite": (["--temperature=inf"], "temperature"),
    "temperature a word": (["--temperature=hot"], "temperature"),
    "top-k below 0": (["--top-k=-1"], "--top-k must be a whole number"),
    "top-p of 0": (["--top-p=0"], "--top-p must be above 0"),
    "top-p above 1": (["--top-p=1.5"], "--top-p must be above 0"),
    "top-p not a number": (["--top-p=nan"], "--top-p must be above 0"),
    "min-p above 1": (["--min-p=2"], "--min-p must be from 0 to 1"),
    "penalty of 0": (["--repetition-penalty=0"], "--repetition-penalty must be"),
    "tokens below 0": (["--max-new-tokens=-1"], "max-new-tokens"),
    "no samples": (["--samples=0"], "samples"),
    "no beams": (["--beams=0"], "--beams must be a whole number above 0"),
    "beams for nothing": (["--beams=2", "--max-new-tokens=0"], "--max-new-tokens must"),
    "beams beyond all tokens": (["--beams=600"], "--beams (600) and the number"),
    "more texts than beams": (["--beams=2", "--return=3"], "--return (3) must be"),
    "seed below 0": (["--seed=-1"], "seed"),
    "empty stop": (["--stop="], "--stop is empty"),
    "no such token": (["--stop-token=nonesuch"], "'nonesuch' is no token"),
    "no token at all": (["--stop-token="], "'' is no token"),
    "no such id": (["--stop-token=512"], "512 is no token"),
    "somebody else": (["--from=kitchen"], "kitchen"),
    "another precision": (["--precision=float16"], "float16"),
    "another device": (["--device=tpu"], "tpu"),
    "no such folder": (["--model=./nowhere"], "./nowhere"),
    "no such option": (["--tempature=1"], "--tempature"),
    "no such prompts": (["--prompts=nowhere", "--out=x"], "nowhere"),
    "letters that names lacks": (["--model=models/names", "Émile"], "no tokens for"),
    "a prompt too long": (["--model=models/names", "a" * 17], "17 tokens"),
    "half a character": (["\ud800"], "not valid UTF-8"),
    "a search that draws": (["--beams=2", "--top-p=0.9"], "--beams and --top-p"),
    "a search with a seed": (["--beams=2", "--seed=1"], "--beams and --seed"),
    "a search with samples": (["--beams=2", "--samples=2"], "--beams and --samples"),
    "a search beyond": (["--beams=2", "--full-context=drop"], "and --full-context"),
    "a search with a trace": (["--beams=2", "--trace"], "--beams and --trace"),
    "greedy that draws": (["--greedy", "--top-k=4"], "--greedy and --top-k"),
    "one text twice": (["--greedy", "--samples=2"], "--greedy and --samples"),
    "one cold text twice": (["--temperature=0", "--samples=2"], "--temperature 0 and"),
    "greedy with warmth": (["--greedy", "--temperature=1"], "--greedy and --temp"),
    "cold that draws": (["--temperature=0", "--min-p=0.1"], "--temperature 0 and"),
    "eager on a gpu": (["--eager", "--device=gpu"], "--device gpu and --eager"),
    "strict about nothing": (["--strict"], "--strict needs --from steps"),
    "a penalty for nothing": (["--length-penalty=2"], "needs --beams"),
    "prompts without out": (["--prompts=README.md"], "--prompts needs --out"),
    "out without prompts": (["--out=x"], "--out needs --prompts"),
    "Ray for one text": (["--on=ray"], "--on needs --prompts"),
    "an address of nothing": (["--ray-address=x:1"], "--ray-address needs --on ray"),
    "engines of nothing": (["--engines=2"], "--engines needs --on ray"),
    "Ray with a gpu": (["--on=ray", "--device=gpu"], "--device gpu and --on exclude"),
}
HERE = "--prompts=models/shakespeare/prompts.jsonl"
REFUSED_AT_ONCE = {
    "out into no folder": ([HERE, "--out=nowhere/x"], "--out: there is no folder now"),
    "out that is a folder": ([HERE, "--out=tests"], "'tests' is a directory"),
    "out that is no result": ([HERE, "--out=README.md"], "README.md holds something"),
    "prompts of another kind": (
        ["--prompts=README.md", "--out=x"],
        "README.md, line 1",
    ),
    "a trace into no folder": (["--trace-json=nowhere/x"], "--trace-json: there is no"),
    "a trace that is there": (["--trace-json=README.md"], "README.md is there already"),
    "a trace of prompts": (
        [HERE, "--out=x", "--trace"],
        "--prompts and --trace exclude",
    ),
}
REFUSED |= REFUSED_AT_ONCE


@pytest.mark.parametrize("words, named", REFUSED.values(), ids=list(REFUSED))
def test_bad_input_gets_one_line(words, named, monkeypatch):
    """Before anything is compiled."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("gpt2.engine.Engine", None)
    done = gpt2("generate", *words)
    assert done.exit_code == 2
    usage = ("Usage:", "Try ")
    said = [x for x in done.stderr.splitlines() if x and not x.startswith(usage)]
    assert len(said) == 1 and named in said[0]
    assert done.stdout == ""


def test_what_needs_no_model_is_refused_before_max_is_imported():
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from gpt2.__main__ import main\n"
        f"for words, _ in {[*REFUSED_AT_ONCE.values()]}:\n"
        "    done = CliRunner().invoke(main, ['generate', *words])\n"
        "    assert done.exit_code == 2 and 'max' not in sys.modules, words\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ))
    assert done.returncode == 0


def test_ray_runs_in_its_own_environment(monkeypatch):
    """Another process takes the place of this one, once."""
    words = [HERE, "--out=texts.jsonl", "--on", "ray"]
    started = []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("gpt2.on_ray.find_spec", lambda name: None)
    monkeypatch.setattr("os.environ", dict(os.environ))
    monkeypatch.setattr("os.execv", lambda *given: started.append(given) or sys.exit(0))
    monkeypatch.setattr("sys.argv", ["gpt2", "generate", *words])
    assert gpt2("generate", *words).exit_code == 0
    assert started == [(ROOT / "run", ["run", "generate-on-ray", *words])]
    done = gpt2("generate", *words)
    assert done.exit_code == 2 and len(started) == 1
    assert "there is no Ray here" in done.stderr


def test_one_name_again_and_again_is_refused():
    done = gpt2("names", "--temperature", "0")
    assert done.exit_code == 2 and "--count 1" in done.stderr.splitlines()[-1]


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr("gpt2.engine.accelerator_count", lambda: 0)
    done = gpt2("generate", "--device", "gpu")
    assert done.exit_code == 2
    assert "MAX finds no GPU" in done.stderr.splitlines()[-1]


def test_stdin_that_is_no_text_is_refused():
    done = gpt2("generate", "-", input=b"\xff")
    assert done.exit_code == 2 and "utf-8" in done.stderr


# --- --help ------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["generate", "compare", "names"])
@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_fits_80_columns(command, word):
    written = text(command, word)
    assert max(map(len, written.splitlines())) <= 80
    for option in main.commands[command].params:
        assert isinstance(option, click.Argument) or option.opts[0] in written


HEADINGS = {
    "--seed": "How each token is chosen",
    "--temperature": "How each token is chosen",
    "--max-new-tokens": "Where a text ends",
    "--count": "Many texts",
    "--samples": "Many texts",
    "--trace": "A look inside",
    "--help": "Help",
}


@pytest.mark.parametrize("command", ["generate", "compare", "names"])
def test_an_option_stands_under_its_own_heading(command):
    title, found = "", {}
    for line in text(command, "--help").splitlines():
        title = line.removesuffix(":") if re.match(r"\S", line) else title
        if option := re.match(r"  (?:-h, )?(--[a-z-]+)", line):
            found[option[1]] = title
    for option, heading in HEADINGS.items():
        assert found.get(option, heading) == heading
    assert {"--seed", "--help"} <= found.keys()


def test_help_knows_every_precision():
    """It must not wait for MAX to ask."""
    (choice,) = [
        option.type.choices
        for option in main.commands["generate"].params
        if option.name == "precision"
    ]
    assert tuple(choice) == PRECISIONS
    assert options.SHAKESPEARE.is_dir()
