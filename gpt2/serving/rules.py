"""What a request may say, and how it is told that it may not.

MAX's own door passes on in silence what it cannot do, and two requests end its whole
server.  Here a request is first held to the rules of `Body`; what breaks one is refused
with the name of the parameter and the rule.

Source: the OpenAI API reference, "Completions"; `top_k`, `min_p`, `repetition_penalty`,
`stop_token_ids` and `ignore_eos` are what other servers add to it.
"""

from typing import Annotated, Any, NamedTuple

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.requests import ClientDisconnect

from gpt2.checkpoint import Checkpoint
from gpt2.decoding import Decoding
from gpt2.text import encode

NOT_DONE = "best_of suffix logit_bias presence_penalty frequency_penalty".split()
CHOICES = 128  # the most texts of one request
LARGE = 2**31  # MAX passes no larger numbers on
OF_SEVERAL_TYPES = {  # where pydantic speaks of the first
    "prompt": "it is a text, a list of ids, or a list of texts or of such lists",
    "stop": "it is a text, or a list of at most 4",
}


class Refused(Exception):
    """A request that breaks a rule."""

    def __init__(self, message: str, param: str | None, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.status = status


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    include_usage: bool = False


class Body(BaseModel):
    """What a request may say; the rules of decoding are those of `Decoding`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    prompt: str | list[int] | list[str] | list[list[int]] = ""
    max_tokens: Annotated[int, Field(ge=1, lt=LARGE)] = 16
    temperature: Annotated[float, Field(le=2)] = 1.0  # as in OpenAI's, and in MAX
    top_p: float = 1.0
    top_k: Annotated[int, Field(lt=LARGE)] = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    n: Annotated[int, Field(ge=1, le=CHOICES)] = 1
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None
    echo: bool = False
    stop: str | Annotated[list[str], Field(max_length=4)] = []
    stop_token_ids: list[int] = []
    ignore_eos: bool = False
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: str | None = None
    # What nothing here can do; a value that asks for nothing is let in.
    best_of: int | None = None
    suffix: str | None = None
    logit_bias: dict[str, float] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None

    @field_validator("*", mode="before")
    @classmethod
    def null_is_left_out(cls, value: Any, info: Any) -> Any:
        """The default, where a client writes null."""
        return cls.model_fields[info.field_name].default if value is None else value

    def check(self) -> None:
        """The rules that a type cannot say.

        Raises:
            Refused: If one is broken.
        """
        for name in NOT_DONE:
            if getattr(self, name) and not (
                name == "best_of" and self.best_of == self.n
            ):
                raise Refused(f"{name} is not supported: leave it out", name)
        if self.echo and self.logprobs is not None:
            raise Refused("echo and logprobs do not go together: leave one out", "echo")
        if self.stream_options and not self.stream:
            raise Refused("stream_options is only for stream: true", "stream_options")
        if "" in self.stops():
            raise Refused("stop: a stop string is empty, leave it out", "stop")
        try:
            self.decoding()
        except ValueError as error:
            raise Refused(str(error), str(error).partition(" ")[0]) from None

    def stops(self) -> list[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop

    def decoding(self) -> Decoding:
        """How each token is chosen."""
        names = "temperature top_k top_p min_p repetition_penalty".split()
        return Decoding(**{name: getattr(self, name) for name in names})


class Prompt(NamedTuple):
    """What is to be continued, as text and as ids."""

    text: str
    ids: list[int]


def prompts(body: Body, checkpoint: Checkpoint, context: int) -> list[Prompt]:
    """Each prompt of a request.

    Args:
        body: What it says.
        checkpoint: Sizes and tokenizer.
        context: The most tokens of a text with its prompt.

    Raises:
        Refused: If the model cannot read one.
    """
    many = body.prompt if isinstance(body.prompt, list) else [body.prompt]
    if many and isinstance(many[0], int):
        many = [many]
    if not many or [] in many:
        raise Refused("prompt is an empty list: give a text or ids", "prompt")
    if len(many) * body.n > CHOICES:
        raise Refused(f"prompt and n ask for more than {CHOICES} texts", "prompt")
    every = [("stop_token_ids", body.stop_token_ids)]
    every += [("prompt", ids) for ids in many if isinstance(ids, list)]
    for name, ids in every:
        for i in ids:
            if not 0 <= i < checkpoint.config.vocab_size:
                rule = f"ids are from 0 to {checkpoint.config.vocab_size - 1}"
                raise Refused(f"{name} has the id {i}: {rule}", name)
    found = [read_prompt(prompt, checkpoint) for prompt in many]
    for _, ids in found:
        if len(ids) > context:
            most = f"a text has at most {context}"
            raise Refused(f"prompt has {len(ids)} tokens, {most}", "prompt")
    return found


def read_prompt(prompt: Any, checkpoint: Checkpoint) -> Prompt:
    """One prompt, a text or ids.

    Raises:
        Refused: If the model cannot read it.
    """
    if isinstance(prompt, list):
        decode = checkpoint.tokenizer.decode
        return Prompt(decode(prompt, skip_special_tokens=False), prompt)
    try:
        return Prompt(prompt, encode(checkpoint, prompt))
    except ValueError as error:
        reason = str(error).replace(checkpoint.source, "the model")
        raise Refused(f"prompt: {reason}", "prompt") from None


async def read(request: Request) -> Body:
    """What a request says.

    Raises:
        Refused: If it breaks a rule.
    """
    try:
        body = Body.model_validate_json(await request.body())
    except ClientDisconnect:
        raise Refused("the client is gone", None, 499) from None
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else None
        rule = OF_SEVERAL_TYPES.get(name or "", first["msg"])
        if first["type"] == "extra_forbidden":
            rule = "there is no such parameter, leave it out"
        message = (
            f"{name}: {rule}" if name else f"the request is no JSON object: {rule}"
        )
        raise Refused(message, name) from None
    body.check()
    name = request.app.state.pipeline.model_name
    if body.model != name:
        raise Refused(f"model {body.model!r} is not here: it is {name!r}", "model", 404)
    return body
