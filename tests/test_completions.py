"""The server's door, with texts that are known: what it lets in, and what it answers.

No model runs here.  `tests/test_serving.py` asks the real server.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from max.pipelines.context import GenerationStatus
from max.serve.request import register_request
from starlette.testclient import TestClient

from gpt2.checkpoint import load_checkpoint
from gpt2.decoding import generators
from gpt2.serving.architecture import packed, unpacked
from gpt2.serving.completions import put_into

SHAKESPEARE = Path(__file__).parent.parent / "models" / "shakespeare"
TEXT = " O Romeo, wherefore art thou Romeo? — Ay me!"


class Fake:
    """In the place of MAX's pipeline: it writes TEXT, whatever it is asked.

    Attributes:
        asked: The requests, as MAX would get them.
        left: How many of them were given up before their end.
    """

    model_name = "shakespeare"

    def __init__(self, tokenizer: Any) -> None:
        self.ids = tokenizer.encode(TEXT).ids
        self.asked: list[Any] = []
        self.left = 0
        self.pause = 0.001  # seconds before each token: others come to their turn

    async def next_token_chunk(self, request: Any) -> AsyncIterator[Any]:
        self.asked.append(request)
        return self.write(request)

    async def write(self, request: Any) -> AsyncIterator[Any]:
        most = request.sampling_params.max_new_tokens
        ids, last = self.ids[:most], False
        try:
            for n, i in enumerate(ids):
                await asyncio.sleep(self.pause)
                last = n == len(ids) - 1
                yield SimpleNamespace(
                    token_ids=[i],
                    status=GenerationStatus.MAXIMUM_LENGTH
                    if last
                    else GenerationStatus.ACTIVE,
                    cached_token_count=4 if n == 0 else None,
                    token_log_probabilities=[-0.5],
                    top_log_probabilities=[{i: ("", -0.5), 5: ("", -1.0)}],
                )
        except (GeneratorExit, asyncio.CancelledError):
            self.left += not last
            raise


@pytest.fixture
def fake() -> Fake:
    return Fake(load_checkpoint(SHAKESPEARE).tokenizer)


@pytest.fixture
def client(fake) -> TestClient:
    app = FastAPI()
    register_request(app)
    put_into(app, load_checkpoint(SHAKESPEARE), context=200, room=8)
    app.state.pipeline = fake
    return TestClient(app)


def ask(client: TestClient, **body: Any) -> dict[str, Any]:
    """A request that is answered."""
    done = client.post("/v1/completions", json={"model": "shakespeare"} | body)
    assert done.status_code == 200, done.text
    return done.json()


def events(client: TestClient, **body: Any) -> list[dict[str, Any]]:
    """The same as a stream, but for its end."""
    body = {"model": "shakespeare", "stream": True} | body
    done = client.post("/v1/completions", json=body)
    assert done.status_code == 200, done.text
    assert done.headers["content-type"].startswith("text/event-stream")
    *lines, end, _ = done.text.split("\n\n")
    assert end == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


# --- What is refused ---------------------------------------------------------------

REFUSED = [
    ({"temperature": -1}, "temperature", "0 or more"),
    ({"temperature": "hot"}, "temperature", "number"),
    ({"temperature": 2.5}, "temperature", "less than or equal to 2"),
    ({"top_k": 2**70}, "top_k", "less than 2147483648"),
    ({"max_tokens": 2**70}, "max_tokens", "less than 2147483648"),
    ({"n": 9}, "n", "has room for 8"),
    ({"top_p": 0}, "top_p", "above 0"),
    ({"top_p": 1.5}, "top_p", "at most 1"),
    ({"top_k": -1}, "top_k", "0 or more"),
    ({"top_k": 1.5}, "top_k", "integer"),
    ({"min_p": 2}, "min_p", "from 0 to 1"),
    ({"repetition_penalty": 0}, "repetition_penalty", "above 0"),
    ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
    ({"max_tokens": True}, "max_tokens", "integer"),
    ({"n": 0}, "n", "greater than or equal to 1"),
    ({"n": 129}, "n", "less than or equal to 128"),
    ({"n": 3, "best_of": 5}, "best_of", "not supported"),
    ({"seed": -1}, "seed", "greater than or equal to 0"),
    ({"seed": 2**70}, "seed", "less than 4294967296"),
    ({"logprobs": 6}, "logprobs", "less than or equal to 5"),
    ({"logprobs": 1, "echo": True}, "echo", "leave one out"),
    ({"suffix": "end"}, "suffix", "not supported"),
    ({"logit_bias": {"5": 1}}, "logit_bias", "not supported"),
    ({"presence_penalty": 0.5}, "presence_penalty", "not supported"),
    ({"frequency_penalty": -0.5}, "frequency_penalty", "not supported"),
    ({"stop": ""}, "stop", "empty"),
    ({"stop": ["a", ""]}, "stop", "empty"),
    ({"stop": list("abcde")}, "stop", "at most 4"),
    ({"stop_token_ids": [512]}, "stop_token_ids", "from 0 to 511"),
    ({"prompt": []}, "prompt", "empty"),
    ({"prompt": [[]]}, "prompt", "empty"),
    ({"prompt": [512]}, "prompt", "from 0 to 511"),
    ({"prompt": [[5], [-1]]}, "prompt", "from 0 to 511"),
    ({"prompt": [5, "a"]}, "prompt", "a text, a list of ids"),
    ({"prompt": {"text": "a"}}, "prompt", "a text, a list of ids"),
    ({"prompt": [5] * 201}, "prompt", "at most 200"),
    ({"prompt": "a " * 600}, "prompt", "the model reads at most 256"),
    ({"prompt": ["a"] * 129}, "prompt", "more than 128"),
    ({"stream_options": {"include_usage": True}}, "stream_options", "stream: true"),
    ({"tools": []}, "tools", "no such parameter"),
]


@pytest.mark.parametrize(
    ("body", "param", "rule"), REFUSED, ids=lambda case: str(case)[:40]
)
def test_what_breaks_a_rule_is_refused_by_name(client, fake, body, param, rule):
    done = client.post("/v1/completions", json={"model": "shakespeare"} | body)
    error = done.json()["error"]
    assert done.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert param in error["message"] and rule in error["message"]
    assert not fake.asked


def test_a_request_that_is_no_json_is_refused(client):
    done = client.post("/v1/completions", content=b"{")
    assert done.status_code == 400
    assert "no JSON object" in done.json()["error"]["message"]


def test_another_model_is_refused_by_name(client):
    done = client.post("/v1/completions", json={"model": "gpt-4"})
    assert done.status_code == 404
    assert "'gpt-4' is not here: it is 'shakespeare'" in done.json()["error"]["message"]


def test_a_missing_model_is_refused(client):
    done = client.post("/v1/completions", json={})
    assert done.status_code == 400
    assert done.json()["error"]["param"] == "model"


ELSEWHERE = ["/v1/chat/completions", "/v1/embeddings", "/", "/docs", "/openapi.json"]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_nothing_else_is_there(client, path):
    done = client.post(path, json={})
    assert done.status_code == 404
    assert "/v1/completions" in done.json()["error"]["message"]


def test_who_comes_when_all_places_are_taken_is_sent_away(client):
    client.app.state.growing = 7
    done = client.post("/v1/completions", json={"model": "shakespeare", "n": 2})
    assert done.status_code == 429
    assert done.headers["retry-after"] == "1"
    assert done.json()["error"]["type"] == "rate_limit_error"
    assert ask(client, n=1)
    assert client.app.state.growing == 7  # nothing of them is left behind


def test_what_asks_for_nothing_is_let_in(client):
    nothing = {"suffix": None, "logit_bias": {}, "presence_penalty": 0, "best_of": 1}
    assert ask(client, prompt=None, temperature=None, **nothing)


# --- What is answered --------------------------------------------------------------


def test_the_whole_text(client, fake):
    answer = ask(client, prompt="JULIET:", max_tokens=200)
    (choice,) = answer["choices"]
    assert choice == {
        "index": 0,
        "text": TEXT,
        "logprobs": None,
        "finish_reason": "length",
    }
    assert answer["object"] == "text_completion"
    usage = answer["usage"]
    assert usage["completion_tokens"] == len(fake.ids)
    assert usage["total_tokens"] == usage["prompt_tokens"] + len(fake.ids)
    assert usage["prompt_tokens_details"] == {"cached_tokens": 4}


def test_a_stream_is_the_same_text_and_no_character_is_cut(client):
    pieces = events(client, max_tokens=200)
    texts = [each["choices"][0]["text"] for each in pieces]
    assert "".join(texts) == TEXT
    assert not any("\ufffd" in text for text in texts)
    assert [each["choices"][0]["finish_reason"] for each in pieces][-1] == "length"
    assert len({each["id"] for each in pieces}) == 1
    assert "usage" not in pieces[-1]


def test_a_stream_can_say_at_its_end_what_it_took(client, fake):
    *_, last = events(client, max_tokens=200, stream_options={"include_usage": True})
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == len(fake.ids)


@pytest.mark.parametrize("stop", ["wherefore", ["nowhere", " art"], "Ay", "?"])
def test_a_text_ends_before_a_stop_string_streamed_or_not(client, fake, stop):
    ends = [stop] if isinstance(stop, str) else stop
    expected = min((TEXT.split(end)[0] for end in ends), key=len)
    (choice,) = ask(client, stop=stop, max_tokens=200)["choices"]
    pieces = events(client, stop=stop, max_tokens=200)
    assert choice["text"] == expected
    assert "".join(each["choices"][0]["text"] for each in pieces) == expected
    assert choice["finish_reason"] == "stop"
    assert pieces[-1]["choices"][0]["finish_reason"] == "stop"
    assert fake.left == 2  # MAX writes no further


def test_several_prompts_and_several_texts_of_each(client, fake):
    answer = ask(client, prompt=[[9], [5, 6, 7]], n=2, seed=3, max_tokens=2)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert [list(asked.prompt) for asked in fake.asked][2:] == [[5, 6, 7]] * 2
    assert answer["usage"]["prompt_tokens_details"] == {"cached_tokens": 8}
    seeds = [asked.sampling_params.seed for asked in fake.asked]
    assert seeds == [packed(3, index, 4) for index in range(4)]


def test_several_texts_in_one_stream(client):
    pieces = events(client, prompt=["A", "B"], max_tokens=200)
    texts = ["", ""]
    for each in pieces:
        (choice,) = each["choices"]
        texts[choice["index"]] += choice["text"]
    assert texts == [TEXT, TEXT]


def test_echo_puts_the_prompt_before_the_text(client):
    for prompt in ("JULIET:", "<|endoftext|>JULIET:", ""):
        answer = ask(client, prompt=prompt, echo=True, max_tokens=200)
        assert answer["choices"][0]["text"] == prompt + TEXT


def test_logprobs_are_four_lists_of_equal_length(client, fake):
    (choice,) = ask(client, logprobs=1, max_tokens=9)["choices"]
    lists = choice["logprobs"]
    assert {name: len(values) for name, values in lists.items()} == {
        "tokens": 9,
        "token_logprobs": 9,
        "top_logprobs": 9,
        "text_offset": 9,
    }
    assert "".join(lists["tokens"]) == choice["text"]
    assert all(len(each) == 1 for each in lists["top_logprobs"])
    for token, offset in zip(lists["tokens"], lists["text_offset"], strict=True):
        assert choice["text"][offset:].startswith(token)


def test_a_token_stands_where_its_text_does_though_that_is_held_back(client):
    """The dash could begin the stop string, and comes with the token after it."""
    (choice,) = ask(client, logprobs=1, stop=" — Oh", max_tokens=200)["choices"]
    lists = choice["logprobs"]
    assert choice["text"] == TEXT
    for token, offset in zip(lists["tokens"], lists["text_offset"], strict=True):
        assert "\ufffd" in token or TEXT[offset:].startswith(token)


@pytest.mark.parametrize("seconds", [0, 0.3])  # that the last event takes to be sent
def test_who_leaves_a_stream_leaves_a_place(client, fake, seconds):
    body = {"model": "shakespeare", "stream": True, "n": 3, "max_tokens": 200}
    fake.pause = 0.05  # the texts are not over before
    sent = []

    async def leave() -> int:
        """The client's part of HTTP: it goes away after two events."""
        gone = asyncio.Event()
        asked = [{"type": "http.request", "body": json.dumps(body).encode()}]

        async def receive() -> dict[str, Any]:
            if asked:
                return asked.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if len(sent) == 3:
                gone.set()
            await asyncio.sleep(seconds if gone.is_set() else 0)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/completions",
            "headers": [],
            "query_string": b"",
            "client": ("127.0.0.1", 1),
        }
        await client.app(scope, receive, send)
        return fake.left  # before the loop's end, which ends everything

    assert asyncio.run(leave()) == 3
    assert sent[0]["status"] == 200
    assert client.app.state.growing == 0


def test_logprobs_may_name_only_what_came(client):
    (choice,) = ask(client, logprobs=0, max_tokens=3)["choices"]
    assert choice["logprobs"]["top_logprobs"] == [{}, {}, {}]
    assert choice["logprobs"]["token_logprobs"] == [-0.5] * 3


def test_the_models_are_one(client):
    (model,) = client.get("/v1/models").json()["data"]
    assert model["id"] == "shakespeare"
    assert model["max_model_len"] == 200
    assert client.get("/v1/models/shakespeare").json() == model
    assert client.get("/v1/models/org/other").status_code == 404


# --- Seeds -------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 5])
def test_a_seed_draws_what_it_draws_on_the_command_line(count):
    for index, expected in enumerate(generators(2**32 - 1, count)):
        draws = expected.random(20)
        for n in (0, 1, 7):
            rng = unpacked(packed(2**32 - 1, index, count))
            rng.bit_generator.advance(n)
            assert rng.random() == draws[n]
