"""OpenAI's batch lines, which a server takes as well: a prompt, and what becomes of it.

    {"custom_id": "r1", "method": "POST", "url": "/v1/completions",
     "body": {"model": "shakespeare", "prompt": "ROMEO:", "max_tokens": 50, "seed": 1}}

    {"id": "batch_req_0", "custom_id": "r1", "response": {"status_code": 200,
     "request_id": "req_0", "body": {"id": "cmpl-0", "object": "text_completion",
     "created": 0, "model": "shakespeare", "choices": [{"index": 0, "text": "...",
     "logprobs": null, "finish_reason": "length"}], "usage": {"prompt_tokens": 4,
     "completion_tokens": 50, "total_tokens": 54}}}, "error": null,
     "prompt": "ROMEO:", "made_with": {"seed": 1, ...}}

A server makes up its ids, and says when.  Here a line depends on its prompt alone, so
that the same command writes the same bytes: the ids count the lines, and `created` is
always 0.  The last two fields are ours: with them a run goes on after it was killed.
"""

import json
from typing import TYPE_CHECKING, Any

from gpt2.decoding import Decoding

if TYPE_CHECKING:
    from gpt2.pipeline import Completion

BEGINNING = b'{"id": "batch_req_0", '  # of every file of results
FIXED = {"method": "POST", "url": "/v1/completions"}
CHOOSING = {"temperature", "top_k", "top_p", "min_p", "repetition_penalty"}
OWN = {"model", "prompt", "max_tokens", "seed", "stop"} | CHOOSING

# What the interface knows and nothing here does: there may be what changes nothing.
NOTHING = {
    "n": 1,
    "best_of": 1,
    "echo": False,
    "stream": False,
    "logit_bias": {},
    "presence_penalty": 0,
    "frequency_penalty": 0,
}


def is_batch_line(fields: Any) -> bool:
    """Whether a line of JSON is meant as one of these."""
    return isinstance(fields, dict) and not fields.keys().isdisjoint(
        {"custom_id", "method", "url", "body"}
    )


def read(fields: dict[str, Any]) -> tuple[str, str, str | None, dict[str, Any]]:
    """Reads one line.

    Returns:
        Its custom_id, its prompt, the model that it names, and the settings of its own,
        by the names of the command line's.

    Raises:
        ValueError: If it asks for what cannot be done.
    """
    for name, only in FIXED.items():
        if fields.get(name) != only:
            raise ValueError(
                f'"{name}" is not "{only}", which is all that is done here'
            )
    if not isinstance(fields.get("custom_id"), str):
        raise ValueError('no text under "custom_id"')
    if others := fields.keys() - FIXED.keys() - {"custom_id", "body"}:
        raise ValueError(f'"{min(others)}" is no part of a batch line; leave it out')
    if not isinstance(fields.get("body"), dict):
        raise ValueError('no object under "body"')
    # Null is the same as nothing: so write those who have a field for everything.
    body = {name: value for name, value in fields["body"].items() if value is not None}
    for name in sorted(body.keys() - OWN):
        if name not in NOTHING:
            raise ValueError(f'"{name}" cannot be done here; leave it out')
        if body[name] != NOTHING[name]:
            only = json.dumps(NOTHING[name])
            raise ValueError(f'"{name}" can only be {only}; leave it out')
    if not isinstance(body.get("prompt"), str):
        raise ValueError(
            'no text under "prompt" of the body; lists and ids are not read'
        )
    if not isinstance(body.get("model", ""), str):
        raise ValueError('"model" is no text')
    return fields["custom_id"], body["prompt"], body.get("model"), settings(body)


def settings(body: dict[str, Any]) -> dict[str, Any]:
    """The settings of a body, each checked, by the names of the command line's."""
    own = {name: body[name] for name in sorted(CHOOSING & body.keys())}
    for name, value in own.items():
        if isinstance(value, bool):
            raise ValueError(f'"{name}" is no number')
        try:
            Decoding(**{name: value})
        except ValueError as error:
            raise ValueError(str(error).replace(name, f'"{name}"', 1)) from None
    if "temperature" in own:
        own["greedy"] = False  # for what is drawn is then the line's to say
    for name, ours, least in (("max_tokens", "max_new_tokens", 1), ("seed", "seed", 0)):
        if name in body:
            own[ours] = body[name]
            if not (type(own[ours]) is int and own[ours] >= least):
                raise ValueError(f'"{name}" is no whole number of {least} or more')
    if "stop" in body:
        stop = body["stop"]
        own["stop"] = [stop] if isinstance(stop, str) else stop
        if not isinstance(own["stop"], list) or not all(
            isinstance(text, str) and text for text in own["stop"]
        ):
            raise ValueError('"stop" is neither a text nor a list of texts, none empty')
    return own


def request_id(index: int) -> str:
    """The id of a result."""
    return f"batch_req_{index}"


def result(
    index: int,
    custom_id: str,
    model: str,
    prompt_tokens: int,
    completion: "Completion",
    made_with: dict[str, Any],
) -> dict[str, Any]:
    """What becomes of one line.

    Args:
        index: Its place among the prompts, from 0.
        custom_id: Its own.
        model: The name that the line has for it.
        prompt_tokens: The length of its prompt.
        completion: What the model added.
        made_with: The settings, its own included.
    """
    completion_tokens = len(completion.ids)
    choice = {
        "index": 0,
        "text": completion.text,
        "logprobs": None,
        "finish_reason": "stop" if completion.end == "stop" else "length",
    }
    body = {
        "id": f"cmpl-{index}",
        "object": "text_completion",
        "created": 0,
        "model": model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }
    response = {"status_code": 200, "request_id": f"req_{index}", "body": body}
    return {
        "id": request_id(index),
        "custom_id": custom_id,
        "response": response,
        "error": None,
        "prompt": completion.prompt,
        "made_with": made_with,
    }
