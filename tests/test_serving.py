"""`./run serve`, with the clients that people use: `openai` and curl."""

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from click.testing import CliRunner

from gpt2 import learner, load
from gpt2.decoding import Decoding, generators
from gpt2.generation import generate
from gpt2.pipeline import Pipeline
from gpt2.serving.__main__ import main
from tests.house import build_house, run
from tests.servers import Server, alive, gone, serving

ROOT = Path(__file__).parent.parent
SHAKESPEARE = ROOT / "models" / "shakespeare"
GREEDY = {"model": "shakespeare", "temperature": 0, "max_tokens": 40}
DRAWN = {"temperature": 0.9, "top_p": 0.95, "extra_body": {"top_k": 50, "min_p": 0.01}}


# --- What is refused before anything starts ----------------------------------------

REFUSED = [
    (["--port", "0"], "--port"),
    (["--host", "nowhere.invalid"], "--host nowhere.invalid: "),
    (["--host", "192.0.2.1"], "--host 192.0.2.1: cannot assign requested address"),
    (["--batch-size", "0"], "--batch-size"),
    (["--context", "257"], "the model reads at most 256 tokens"),
    (["--model", "nowhere/"], "nowhere/ is no folder here"),
    (["--precision", "int4"], "--precision"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=lambda case: str(case)[:30])
def test_what_cannot_be_served_is_refused_in_one_line(words, said):
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert said in done.stderr.splitlines()[-1]


def test_a_port_that_is_asked_for_and_taken_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(main, ["--port", str(port)])
    assert done.exit_code == 2
    assert f"--port {port}: address already in use, choose another" in done.stderr


# --- A server ----------------------------------------------------------------------

# The rest needs it: seconds, and a minute or two the first time on a machine.
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    with serving("--batch-size", "8") as server:
        yield server


@pytest.fixture(scope="module")
def client(server) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def model() -> Pipeline:
    return load(SHAKESPEARE)


def written(
    model: Pipeline, prompts: list[list[int]], decoding: Decoding, rngs: Any = None
) -> list[str]:
    """What the engine writes, up to a full context."""
    texts = [""] * len(prompts)
    for step in generate(
        model.engine,
        model.checkpoint.tokenizer,
        prompts,
        [decoding] * len(prompts),
        rngs or generators(0, len(prompts)),
        max_new_tokens=[40] * len(prompts),
        stop_tokens=model.stop_ids(),
        full_context="stop",
        batch_size=16,
    ):
        texts[step.index] += step.text
    return texts


@pytest.fixture(scope="module")
def prompts(model) -> list[list[int]]:
    """Two hundred, of all lengths to the full context, and at the borders of pages."""
    text = model.generate("ROMEO:", max_new_tokens=4000, seed=3, full_context="drop")
    lengths = {1, 127, 128, 129, 255, 256} | {*np.linspace(1, 256, 200).astype(int)}
    rng = np.random.default_rng(1)
    starts = rng.integers(len(text.ids) - 256, size=len(lengths))
    return [text.ids[s : s + n] for s, n in zip(starts, sorted(lengths), strict=True)]


async def answers(
    server: Server, bodies: list[dict[str, Any]], at_once: int, *, stream: bool
) -> list[str]:
    """The texts of many requests, so many of them under way at any time."""
    url = f"{server.url}/v1"
    free = asyncio.Semaphore(at_once)
    async with openai.AsyncOpenAI(base_url=url, api_key="none", timeout=600) as client:

        async def one(body: dict[str, Any]) -> str:
            async with free:
                if not stream:
                    done = await client.completions.create(**body)
                    return done.choices[0].text
                pieces = await client.completions.create(**body, stream=True)
                return "".join([piece.choices[0].text async for piece in pieces])

        return await asyncio.gather(*map(one, bodies))


@slow
@pytest.mark.parametrize(
    ("at_once", "stream"), [(1, False), (8, True), (32, False), (200, True)]
)
def test_greedy_text_is_the_engines(server, model, prompts, at_once, stream):
    """Alone and in company; streamed and not; long prompts in parts."""
    assert len(prompts) >= 200
    expected = written(model, prompts, Decoding(do_sample=False))
    bodies = [GREEDY | {"prompt": ids} for ids in prompts]
    assert asyncio.run(answers(server, bodies, at_once, stream=stream)) == expected


@slow
@pytest.mark.parametrize("at_once", [1, 32])
def test_drawn_text_is_the_engines_alone_and_in_company(
    server, model, prompts, at_once
):
    some = prompts[::4]
    decoding = Decoding(temperature=0.9, top_k=50, top_p=0.95, min_p=0.01)
    rngs = [np.random.default_rng(seed) for seed in range(len(some))]
    expected = written(model, some, decoding, rngs)
    bodies = [
        GREEDY | DRAWN | {"prompt": ids, "seed": seed} for seed, ids in enumerate(some)
    ]
    assert asyncio.run(answers(server, bodies, at_once, stream=False)) == expected


@slow
def test_a_beginning_that_was_read_is_not_read_again(client, model, prompts):
    """The page of 128 tokens is counted, and the text is the same."""
    start, ends = prompts[-1][:128], (prompts[-1][128:140], prompts[-2][:9])
    expected = written(model, [start + end for end in ends], Decoding(do_sample=False))
    client.completions.create(**GREEDY, prompt=[*start, 5])
    for end, text in zip(ends, expected, strict=True):
        answer = client.completions.create(**GREEDY, prompt=start + end)
        assert answer.usage is not None and answer.usage.prompt_tokens_details
        assert answer.usage.prompt_tokens_details.cached_tokens == 128
        assert answer.choices[0].text == text


# --- openai ------------------------------------------------------------------------


@slow
def test_completions(client, model):
    answer = client.completions.create(**GREEDY, prompt="ROMEO:")
    (choice,) = answer.choices
    expected = model.generate("ROMEO:", Decoding(do_sample=False), max_new_tokens=40)
    assert choice.text == expected.text
    assert choice.finish_reason == "length"
    assert answer.usage and answer.usage.completion_tokens == 40


@slow
def test_a_seed_is_that_of_the_command_line(client, model):
    several = client.completions.create(
        model="shakespeare", prompt="ROMEO:", seed=7, n=3, max_tokens=20
    )
    expected = model.generate_batch(["ROMEO:"] * 3, seed=7, max_new_tokens=20)
    assert [c.text for c in several.choices] == [each.text for each in expected]


@slow
def test_streaming_and_stop(client):
    whole = client.completions.create(**GREEDY, prompt="ROMEO:").choices[0].text
    stop = whole[20:26]
    pieces = client.completions.create(
        **GREEDY, prompt="ROMEO:", stop=[stop], stream=True
    )
    pieces = [piece.choices[0] for piece in pieces]
    assert "".join(piece.text for piece in pieces) == whole[: whole.index(stop)]
    assert pieces[-1].finish_reason == "stop"


@slow
def test_a_text_ends_at_a_token_that_is_asked_for(client, model):
    (newline,) = model.encode("\n")
    body = {"stop_token_ids": [newline]}
    answer = client.completions.create(**GREEDY, prompt="ROMEO:\nI", extra_body=body)
    whole = client.completions.create(**GREEDY, prompt="ROMEO:\nI").choices[0].text
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].text == whole.split("\n")[0]


@slow
def test_logprobs_are_the_models(client, model):
    done = model.generate(
        "ROMEO:", Decoding(do_sample=False), max_new_tokens=10, logprobs=True
    )
    body = GREEDY | {"max_tokens": 10}
    (choice,) = client.completions.create(**body, prompt="ROMEO:", logprobs=3).choices
    assert choice.logprobs and choice.logprobs.token_logprobs
    np.testing.assert_allclose(choice.logprobs.token_logprobs, done.logprobs, atol=1e-4)
    for best, token in zip(
        choice.logprobs.top_logprobs or [], choice.logprobs.tokens or [], strict=True
    ):
        assert max(best, key=best.__getitem__) == token
        assert len(best) == 3


@slow
def test_lists_of_prompts_and_of_ids(client, model):
    texts = client.completions.create(**GREEDY, prompt=["ROMEO:", "JULIET:"])
    ids = [model.encode(prompt) for prompt in ("ROMEO:", "JULIET:")]
    assert [c.text for c in texts.choices] == [
        c.text for c in client.completions.create(**GREEDY, prompt=ids).choices
    ]


@slow
def test_errors_are_the_clients_own(client):
    with pytest.raises(openai.BadRequestError, match="temperature must be 0 or more"):
        client.completions.create(model="shakespeare", prompt="A", temperature=-1)
    with pytest.raises(openai.NotFoundError, match="'gpt-4' is not here"):
        client.completions.create(model="gpt-4", prompt="A")
    with pytest.raises(openai.NotFoundError, match="a GPT-2 has POST /v1/completions"):
        client.chat.completions.create(model="shakespeare", messages=[])
    with pytest.raises(openai.BadRequestError, match="at most 256"):
        client.completions.create(model="shakespeare", prompt=[5] * 257)


@slow
def test_what_kills_maxs_own_server_does_not_kill_this_one(client):
    for deadly in ({"echo": True, "logprobs": 1}, {"prompt": [512]}):
        with pytest.raises(openai.BadRequestError):
            client.completions.create(**{"prompt": "A", **GREEDY, **deadly})
    assert client.completions.create(**GREEDY, prompt="ROMEO:").choices[0].text


@slow
def test_a_request_that_is_given_up_is_written_no_further(client):
    """As many as there are places, given up: the next takes no longer than alone."""

    def seconds() -> float:
        begin = time.monotonic()
        client.completions.create(**GREEDY | {"max_tokens": 100}, prompt="B")
        return time.monotonic() - begin

    alone = min(seconds() for _ in range(3))
    for _ in range(40):
        body = GREEDY | {"max_tokens": 250}
        with client.completions.create(**body, prompt="A", stream=True) as pieces:
            next(iter(pieces))
    assert min(seconds() for _ in range(3)) < 3 * alone


@slow
def test_the_models(client):
    assert [model.id for model in client.models.list()] == ["shakespeare"]
    assert client.models.retrieve("shakespeare").id == "shakespeare"


# --- curl --------------------------------------------------------------------------


@slow
def test_the_request_that_is_shown_works_when_pasted(server):
    if not shutil.which("curl"):
        pytest.skip("curl is not here: apt-get install curl")
    request = server.said[server.said.index("curl") :]
    done = subprocess.run(
        request, shell=True, capture_output=True, text=True, timeout=60
    )
    answer = json.loads(done.stdout)
    assert answer["usage"]["completion_tokens"] == 60


@slow
def test_metrics_and_health_are_on_the_same_port(server, client):
    if not shutil.which("curl"):
        pytest.skip("curl is not here: apt-get install curl")
    client.completions.create(**GREEDY, prompt="ROMEO:")
    curl = ["curl", "-sfL", "--max-time", "10"]
    metrics = subprocess.check_output([*curl, f"{server.url}/metrics"], text=True)
    assert "maxserve_time_to_first_token" in metrics
    assert subprocess.call([*curl, f"{server.url}/health"]) == 0


# --- Its end -----------------------------------------------------------------------


def long_text(server: Server, begun: threading.Event) -> int:
    """Has a text written that takes a while; returns how many tokens came."""
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    body = GREEDY | {"max_tokens": 250, "prompt": "A", "stream": True}
    usage = {"stream_options": {"include_usage": True}}
    pieces = []
    for piece in client.completions.create(
        **body, **usage, extra_body={"ignore_eos": True}
    ):
        begun.set()
        pieces.append(piece)
    assert pieces[-1].usage
    return pieces[-1].usage.completion_tokens


@slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_the_texts_have(number):
    with serving("--batch-size", "2") as server, ThreadPoolExecutor() as pool:
        family = server.family()
        begun = threading.Event()
        text = pool.submit(long_text, server, begun)
        assert begun.wait(60)
        begin = time.monotonic()
        assert server.end(number) == 0
        assert time.monotonic() - begin < 10
        assert text.result() == 250
        assert gone(family, within=2)


@slow
def test_nothing_is_left_when_it_is_killed():
    with serving("--batch-size", "2") as server:
        family = server.family()
        assert len(alive(family)) >= 2
        server.end(signal.SIGKILL)
        assert gone(family, within=5)


@slow
def test_another_port_where_the_usual_one_is_taken(server):
    taken = None
    if not server.url.endswith(":8000"):
        with contextlib.suppress(OSError):  # somebody has it already
            taken = socket.create_server(("127.0.0.1", 8000))
    try:
        with serving("--batch-size", "1") as other:
            assert not other.url.endswith(":8000")
            assert "Port 8000 is taken" in other.said
    finally:
        if taken:
            taken.close()


# --- Whose model -------------------------------------------------------------------


@slow
@pytest.mark.parametrize(
    "folder", sorted(p.parent.name for p in ROOT.glob("tests/golden/*/config.json"))
)
def test_the_golden_checkpoints(folder):
    """Each is another corner of the architecture."""
    path = ROOT / "tests" / "golden" / folder
    model = load(path)
    rng = np.random.default_rng(0)
    config = model.checkpoint.config
    lengths = {1, config.n_positions // 2, config.n_positions - 3, config.n_positions}
    prompts = [
        rng.integers(config.vocab_size, size=length).tolist()
        for length in sorted(lengths)
    ]
    expected = written(model, prompts, Decoding(do_sample=False))
    with serving("--model", str(path), "--batch-size", "4") as server:
        bodies = [GREEDY | {"model": folder, "prompt": ids} for ids in prompts]
        assert asyncio.run(answers(server, bodies, 4, stream=False)) == expected


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A repository whose steps are all written."""
    house = build_house(tmp_path_factory.mktemp("house"))
    for number in learner.NUMBERS:
        file = house / "steps" / f"step_{number:02d}.py"
        file.write_text(learner.solution(number))
    return house


@slow
def test_the_learners_own_steps_are_served(house, model, prompts):
    some = prompts[::20]
    expected = written(model, some, Decoding(do_sample=False))
    with serving("--from", "steps", "--strict", root=house) as server:
        bodies = [GREEDY | {"prompt": ids} for ids in some]
        assert asyncio.run(answers(server, bodies, 8, stream=False)) == expected


@slow
def test_steps_that_would_be_another_model_are_refused(house):
    """Attention as it must not be: the mistake would be gone behind the server."""
    file = house / "steps" / "step_07.py"
    text = file.read_text()
    wrong = text.replace("math.sqrt(self.head_dim)", "math.sqrt(self.n_head)")
    assert wrong != text
    file.write_text(wrong)
    try:
        words = "-I", "gpt2/start.py", "gpt2.serving", "--from", "steps"
        done = run(house, *words)
    finally:
        file.write_text(text)
    assert done.returncode == 2
    assert "your steps cannot be served: steps/step_07.py:" in done.stderr
