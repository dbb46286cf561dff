"""Many prompts from one file into another: `generate --prompts FILE --out FILE`."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from gpt2 import jobs, load
from gpt2.__main__ import main
from gpt2.decoding import Decoding
from gpt2.jobs import only_writer, read_results
from gpt2.pipeline import Pipeline

ROOT = Path(__file__).parent.parent
NAMES = "ROMEO JULIET KING DUKE NURSE FRIAR GREMIO BRUTUS CORIOLANUS".split()


@pytest.fixture(scope="module")
def model() -> Pipeline:
    return load(ROOT / "models" / "shakespeare")


class Folder:
    """A folder with a file of prompts, and the command that continues them."""

    def __init__(self, path: Path) -> None:
        self.prompts, self.out = path / "prompts.jsonl", path / "texts.jsonl"
        self.write([f'{{"prompt": "{name}:", "id": "{name}"}}' for name in NAMES])

    def write(self, lines: list[str]) -> None:
        self.prompts.write_text("\n".join(lines) + "\n")

    def words(self, *more: str) -> list[str]:
        files = ["--prompts", str(self.prompts), "--out", str(self.out)]
        sizes = ["--max-new-tokens", "24", "--batch-size", "2"]
        return ["generate", *files, *sizes, *more]

    def run(self, *more: str) -> None:
        done = CliRunner().invoke(main, self.words(*more), catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        assert done.stdout == ""

    def refused(self, *more: str) -> str:
        """The one line of a run that does no work; the results stay as they were."""
        before = self.out.read_bytes() if self.out.exists() else None
        done = CliRunner().invoke(main, self.words(*more))
        assert done.exit_code == 2
        (line,) = done.stderr.splitlines()
        assert (self.out.read_bytes() if self.out.exists() else None) == before
        return line

    def results(self) -> list[dict]:
        return [json.loads(line) for line in self.out.read_text().splitlines()]


@pytest.fixture
def folder(tmp_path, monkeypatch, model) -> Folder:
    """Every run in this process has the same engine."""
    monkeypatch.setattr("gpt2.engine.Engine", lambda *_, **__: model.engine)
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, model) -> bytes:
    """The results of a run that nothing interrupted."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("gpt2.engine.Engine", lambda *_, **__: model.engine)
        folder = Folder(tmp_path_factory.mktemp("whole"))
        folder.run("--seed", "5")
    return folder.out.read_bytes()


def test_each_prompt_gets_its_line(whole, model):
    """With the draws of its own place in the file."""
    results = [json.loads(line) for line in whole.splitlines()]
    assert [result["index"] for result in results] == list(range(len(NAMES)))
    assert [result["id"] for result in results] == NAMES
    assert [result["prompt"] for result in results] == [f"{name}:" for name in NAMES]
    for place in (0, 4):
        seed = np.random.SeedSequence(5).spawn(len(NAMES))[place]
        alone = model.generate(
            f"{NAMES[place]}:",
            Decoding(temperature=0.8),
            rngs=[np.random.default_rng(seed)],
            max_new_tokens=24,
        )
        assert results[place]["text"] == alone.text
        assert results[place]["end"] == alone.end == "length"
        assert results[place]["tokens"] == len(alone.ids) == 24


# The command line, resting after each text, so that there is time to kill it.
UNHURRIED = """
import time
from gpt2 import jobs
from gpt2.__main__ import main
line = jobs.result_line
jobs.result_line = lambda *given: time.sleep(1) or line(*given)
main()
"""


def test_a_killed_run_goes_on_without_loss_or_duplicate(folder, whole):
    """Killed as by the kernel; and in the middle of a line, which is half there."""
    killed = subprocess.Popen(
        [sys.executable, "-c", UNHURRIED, *folder.words("--seed", "5")],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stderr=subprocess.DEVNULL,
    )
    while not (folder.out.exists() and folder.out.read_bytes().count(b"\n") >= 2):
        assert killed.poll() is None
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    lines = folder.out.read_bytes().splitlines(keepends=True)
    assert whole.startswith(b"".join(lines)) and len(lines) < len(NAMES)

    folder.out.write_bytes(b"".join(lines[:-1]) + lines[-1][:50])
    folder.run()  # the seed stands in the results
    assert folder.out.read_bytes() == whole


@pytest.mark.parametrize("size", [0, 1, 12, 13, 60, 5000])
def test_it_goes_on_wherever_it_was_cut_off(folder, whole, size):
    """Also within a batch, whose lines are then not written twice."""
    cut = whole[:size] if size < 5000 else whole[:-1]
    folder.out.write_bytes(cut)
    folder.run("--seed", "5")
    assert folder.out.read_bytes() == whole


@pytest.mark.parametrize("size", ["1", "7", "20"])
def test_the_batch_size_changes_no_byte(folder, whole, size):
    """Nor does going on with another one."""
    folder.out.write_bytes(b"".join(whole.splitlines(keepends=True)[:3]))
    folder.run("--seed", "5", "--batch-size", size)
    assert folder.out.read_bytes() == whole


def test_a_prompt_may_have_a_length_of_its_own(folder, whole):
    """So a text may end before one that stands above it, and waits for that one."""
    lengths = {"JULIET": 3, "KING": 40, "DUKE": 1}
    lines = [{"prompt": f"{name}:", "id": name} for name in NAMES]
    for line in lines:
        if line["id"] in lengths:
            line["max_new_tokens"] = lengths[line["id"]]
    folder.write([json.dumps(line) for line in lines])
    folder.run("--seed", "5")
    results, before = folder.results(), map(json.loads, whole.splitlines())
    assert [result["id"] for result in results] == NAMES
    for result, usual in zip(results, before, strict=True):
        count = lengths.get(result["id"], 24)
        assert result["tokens"] == result["made_with"]["max_new_tokens"] == count
        if count == 24:
            assert result == usual
        shorter, longer = sorted([result["text"], usual["text"]], key=len)
        assert longer.startswith(shorter)
    folder.write([json.dumps(line) for line in [*lines[:3], *lines[4:]]])
    said = folder.refused()
    assert "was made with --max-new-tokens 1, and now it is 24" in said


def test_each_line_is_in_the_file_before_the_next_is_made(folder, monkeypatch):
    seen = []
    line = jobs.result_line

    def noted(prompt, *given):
        seen.append((prompt.index, folder.out.read_bytes().count(b"\n")))
        return line(prompt, *given)

    monkeypatch.setattr(jobs, "result_line", noted)
    folder.run("--seed", "5", "--batch-size", "4")
    assert seen == [(i, i) for i in range(len(NAMES))]


def test_prompts_may_be_added_at_the_end(folder, whole):
    lines = folder.prompts.read_text().splitlines()
    folder.write(lines[:4])
    folder.run("--seed", "5")
    assert len(folder.results()) == 4
    folder.write(["", *lines])
    folder.run()
    assert folder.out.read_bytes() == whole


def test_a_finished_run_does_nothing(folder, whole, monkeypatch):
    folder.out.write_bytes(whole)
    monkeypatch.setattr("gpt2.engine.Engine", None)
    folder.run("--seed", "5")
    assert folder.out.read_bytes() == whole


# --- OpenAI's batch lines ----------------------------------------------------------


def batch_line(custom_id: str, prompt: object = "ROMEO:", **body: object) -> dict:
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/completions",
        "body": {"model": "shakespeare", "prompt": prompt, **body},
    }


BATCH = [
    batch_line("a", "JULIET:", max_tokens=9, temperature=0.5, seed=3, top_k=9),
    batch_line("b", "KING:", n=1, echo=False, logit_bias=None, presence_penalty=0.0),
    batch_line("c", "DUKE:", temperature=0, stop="e"),
    batch_line("d", "", stop=["o", "a"], seed=3, min_p=0.1, repetition_penalty=1.2),
    batch_line("e", "NURSE:", top_p=0.5, max_tokens=30),
]


@pytest.fixture
def batch(folder) -> Folder:
    folder.write([json.dumps(line) for line in BATCH])
    return folder


def test_a_batch_line_gets_one_of_those(batch, model):
    batch.run("--seed", "5", "--top-k", "7")
    first, second, third, fourth, fifth = batch.results()
    made_with = first.pop("made_with")
    text = first["response"]["body"]["choices"][0]["text"]
    read = len(model.encode("JULIET:"))
    assert first == {
        "id": "batch_req_0",
        "custom_id": "a",
        "response": {
            "status_code": 200,
            "request_id": "req_0",
            "body": {
                "id": "cmpl-0",
                "object": "text_completion",
                "created": 0,
                "model": "shakespeare",
                "choices": [
                    {
                        "index": 0,
                        "text": text,
                        "logprobs": None,
                        "finish_reason": "length",
                    }
                ],
                "usage": {
                    "prompt_tokens": read,
                    "completion_tokens": 9,
                    "total_tokens": read + 9,
                },
            },
        },
        "error": None,
        "prompt": "JULIET:",
    }
    own = {"temperature": 0.5, "top_k": 9, "max_new_tokens": 9, "seed": 3}
    assert own.items() <= made_with.items()
    assert second["made_with"]["seed"] == 5 and second["made_with"]["top_k"] == 7
    assert third["made_with"]["stop"] == ["e"]
    assert fourth["made_with"]["stop"] == ["o", "a"]
    reasons = [
        line["response"]["body"]["choices"][0]["finish_reason"]
        for line in (second, third, fourth, fifth)
    ]
    assert reasons == ["length", "stop", "stop", "length"]


def test_a_batch_lines_text_is_that_of_its_settings(batch, model):
    """With a seed of its own, that of the prompt alone: `generate PROMPT --seed 3`."""
    batch.run("--seed", "5", "--temperature", "0.9")
    texts = [line["response"]["body"]["choices"][0]["text"] for line in batch.results()]
    spawned = np.random.SeedSequence(5).spawn(5)
    how = [
        (Decoding(0.5, top_k=9), {"seed": 3, "max_new_tokens": 9}),
        (Decoding(0.9), {"rngs": [np.random.default_rng(spawned[1])]}),
        (Decoding(0), {"stop": ["e"]}),
        (
            Decoding(0.9, min_p=0.1, repetition_penalty=1.2),
            {"stop": ["o", "a"], "seed": 3},
        ),
        (
            Decoding(0.9, top_p=0.5),
            {"rngs": [np.random.default_rng(spawned[4])], "max_new_tokens": 30},
        ),
    ]
    for line, text, (decoding, ending) in zip(BATCH, texts, how, strict=True):
        ending = {"max_new_tokens": 24, **ending}
        alone = model.generate(line["body"]["prompt"], decoding, **ending)
        assert text == alone.text


@pytest.mark.parametrize("size", [0, 10, 21, 900, 2500])
def test_a_run_of_batch_lines_goes_on_wherever_it_was_cut_off(batch, size):
    """Although the first line has a seed of its own, and that is not the others'."""
    batch.run("--seed", "5")
    whole = batch.out.read_bytes()
    assert len(whole.splitlines(keepends=True)[0]) < 900 < 2500 < len(whole)
    batch.out.write_bytes(whole[:size])
    batch.run(*([] if size > 1500 else ["--seed", "5"]), "--batch-size", "3")
    assert batch.out.read_bytes() == whole


def test_a_batch_line_that_has_changed_is_refused(batch):
    batch.run("--seed", "5")
    batch.write([json.dumps(line) for line in [batch_line("a2"), *BATCH[1:]]])
    assert "was made with" in batch.refused()
    other = [{**BATCH[0], "custom_id": "a2"}, *BATCH[1:]]
    batch.write([json.dumps(line) for line in other])
    assert f"{batch.out}, line 1, continues another prompt" in batch.refused()


BAD_BATCH_LINES = {
    "a chat": ({"url": "/v1/chat/completions"}, '"url" is not "/v1/completions"'),
    "no method": ({"method": None}, '"method" is not "POST"'),
    "no custom_id": ({"custom_id": None}, 'no text under "custom_id"'),
    "one custom_id twice": ({"custom_id": "z"}, '"custom_id" is "z", as in line 1'),
    "no body": ({"body": []}, 'no object under "body"'),
    "something beside": ({"priority": 1}, '"priority" is no part of a batch line'),
    "several texts": ({"n": 3}, '"n" can only be 1'),
    "an echo": ({"echo": True}, '"echo" can only be false'),
    "a bias": ({"logit_bias": {"5": 1}}, '"logit_bias" can only be {}'),
    "a penalty": ({"frequency_penalty": 0.5}, '"frequency_penalty" can only be 0'),
    "a stream": ({"stream": True}, '"stream" can only be false'),
    "a suffix": ({"suffix": "x"}, '"suffix" cannot be done here'),
    "logprobs": ({"logprobs": 1}, '"logprobs" cannot be done here'),
    "an unknown field": ({"best": 1}, '"best" cannot be done here'),
    "token ids": ({"prompt": [1, 2]}, 'no text under "prompt" of the body'),
    "no text": ({"prompt": None}, 'no text under "prompt" of the body'),
    "another model": ({"model": "gpt2"}, '"model" is "gpt2", and --model is'),
    "no model's name": ({"model": 3}, '"model" is no text'),
    "no temperature": ({"temperature": -1}, '"temperature" must be 0 or more'),
    "a true temperature": ({"temperature": True}, '"temperature" is no number'),
    "all tokens": ({"top_k": -1}, '"top_k" must be a whole number, and 0 or more'),
    "half a top_k": ({"top_k": 1.5}, '"top_k" must be a whole number'),
    "a top_p of words": ({"top_p": "x"}, '"top_p" must be above 0'),
    "no tokens": ({"max_tokens": 0}, '"max_tokens" is no whole number of 1 or more'),
    "a seed below 0": ({"seed": -1}, '"seed" is no whole number of 0 or more'),
    "an empty stop": ({"stop": ["a", ""]}, '"stop" is neither a text nor'),
    "a number as stop": ({"stop": 3}, '"stop" is neither a text nor'),
    "too long": ({"prompt": "a " * 300}, "301 tokens long"),
}


@pytest.mark.parametrize(
    "change, problem", BAD_BATCH_LINES.values(), ids=list(BAD_BATCH_LINES)
)
def test_a_bad_batch_line_is_named_before_any_work(folder, change, problem):
    bad = batch_line("a")
    for name, value in change.items():
        of_the_line = name in {*bad, "priority"}
        (bad if of_the_line else bad["body"])[name] = value
    folder.write([json.dumps(batch_line("z")), "", json.dumps(bad)])
    said = folder.refused()
    assert f"{folder.prompts}, line 3: " in said and problem in said
    assert not folder.out.exists()


def test_lines_of_both_kinds_do_not_mix(folder):
    for first, second in permutations([{"prompt": "a"}, batch_line("a")]):
        folder.write([json.dumps(first), json.dumps(second)])
        said = folder.refused()
        assert f"{folder.prompts}, line 2: batch lines and others do not mix" in said


@pytest.mark.parametrize("name", [None, str(ROOT / "models" / "shakespeare")])
def test_a_model_may_be_left_out_or_named_by_its_path(folder, name):
    folder.write([json.dumps(batch_line("a", model=name))])
    folder.run("--seed", "5")
    (line,) = folder.results()
    model = str(ROOT / "models" / "shakespeare")
    assert line["response"]["body"]["model"] == line["made_with"]["model"] == model


# --- Refusals ----------------------------------------------------------------------


BAD_LINES = {
    "no JSON": ("ROMEO:", "not JSON"),
    "half a line": ('{"prompt": "ROM', "not JSON"),
    "nothing but brackets": (5000 * "[", "not JSON"),
    "no object": ('"ROMEO:"', 'no text under "prompt"'),
    "no prompt": ('{"id": 3}', 'no text under "prompt"'),
    "a prompt that is no text": ('{"prompt": 3}', 'no text under "prompt"'),
    "an unknown key": ('{"prompt": "a", "seed": 3}', '"seed" is neither'),
    "no length": ('{"prompt": "a", "max_new_tokens": 0}', "no whole number above 0"),
    "half a length": ('{"prompt": "a", "max_new_tokens": 1.5}', "no whole number"),
    "an id that is a list": ('{"prompt": "a", "id": []}', '"id" is neither'),
    "half a character": ('{"prompt": "\\ud800"}', "not valid UTF-8"),
    "too long": (json.dumps({"prompt": "a " * 300}), "301 tokens long"),
}


@pytest.mark.parametrize("line, problem", BAD_LINES.values(), ids=list(BAD_LINES))
def test_a_bad_line_is_named_before_any_work(folder, line, problem):
    folder.write(['{"prompt": "ROMEO:"}', "", line])
    said = folder.refused()
    assert f"{folder.prompts}, line 3: " in said and problem in said
    assert not folder.out.exists()


def test_a_file_without_prompts_is_refused(folder):
    folder.write([""])
    assert "has no prompts" in folder.refused()


DIFFERENT = {
    "seed": (["--seed", "6"], "seed 5, and now it is 6"),
    "temperature": (["--temperature", "1"], "temperature 0.8, and now it is 1.0"),
    "greedy": (["--greedy"], "greedy false, and now it is true"),
    "top-k": (["--top-k", "4"], "--top-k 0, and now it is 4"),
    "stop": (["--stop", "x"], 'stop [], and now it is ["x"]'),
    "length": (["--max-new-tokens", "9"], "--max-new-tokens 24, and now it is 9"),
    "whose": (["--from", "steps"], "other steps: choose another file"),
    "precision": (["--precision", "int8"], 'precision "float32", and now it is "int8"'),
}


@pytest.mark.parametrize("words, named", DIFFERENT.values(), ids=list(DIFFERENT))
def test_other_settings_are_refused(folder, whole, words, named):
    folder.out.write_bytes(whole)
    said = folder.refused(*words)
    assert f"{folder.out} was made with {named}" in said


def test_other_prompts_are_refused(folder, whole):
    folder.out.write_bytes(whole)
    lines = folder.prompts.read_text().splitlines()
    folder.write([*lines[:2], lines[2].replace("KING:", "KING HENRY:"), *lines[3:]])
    said = folder.refused()
    assert f"{folder.out}, line 3," in said and f"{folder.prompts}, line 3," in said
    folder.write(lines[:-1])
    said = folder.refused()
    assert f"{folder.out} has 9 results, but {folder.prompts} has 8 prompts" in said


@pytest.mark.parametrize("text", ["my notes", "my notes\n", '{"index": 1}\n', "{}\n{"])
def test_a_file_of_something_else_is_left_alone(folder, text):
    folder.out.write_text(text)
    assert "holds something else" in folder.refused()


def test_a_damaged_result_is_named(folder, whole):
    lines = whole.splitlines(keepends=True)
    folder.out.write_bytes(b"".join([*lines[:3], *lines[4:]]))
    assert f"{folder.out}, line 4, is no result" in folder.refused()


def test_two_runs_do_not_write_the_same_file(folder, whole):
    folder.out.write_bytes(whole[:-9])
    with only_writer(folder.out, read_results(folder.out)):
        assert "is being written by another process" in folder.refused()


def test_a_folder_that_is_not_there_is_refused(folder):
    folder.out = folder.out.parent / "nowhere" / "texts.jsonl"
    assert f"--out: there is no folder {folder.out.parent}" in folder.refused()
