"""A checkpoint and the engine together: from text to text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np

from gpt2.beam import BeamSearch
from gpt2.checkpoint import Checkpoint, load_checkpoint
from gpt2.decoding import Decoding, generators
from gpt2.engine import Engine
from gpt2.generation import AnyEngine, Step, generate

AS_IT_IS = Decoding()


class Options(TypedDict, total=False):
    """Where a text ends, and what it is drawn with; each may be left out.

    Attributes:
        max_new_tokens: The most tokens to add; 200.
        seed: Repeats the same texts; without one they are new every time.
        rngs: What draws each text, instead of a seed; one generator for each.
        stop: Strings that end a text; they are not part of it.
        stop_tokens: Tokens that end a text, beside the checkpoint's own: the id of
            each, its text, or how the tokenizer spells it.
        stop_at_limit: Whether to end when a text fills the context, instead of going
            on with its last n_positions tokens.
    """

    max_new_tokens: int
    seed: int | None
    rngs: Sequence[np.random.Generator]
    stop: Sequence[str]
    stop_tokens: Sequence[str | int]
    stop_at_limit: bool


@dataclass
class Completion:
    """What the model adds to a prompt.

    Attributes:
        prompt: The text it continues.
        text: The new text.
        ids: The new tokens; the last may be a stop token, which `text` leaves out.
        logprobs: The log-probability of each, by the model, before any filter.
        end: "stop", "length" or "limit", as in `generation.Step`.
    """

    prompt: str
    text: str = ""
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    end: str = "length"


class Model:
    """GPT-2 with its tokenizer.

    Args:
        checkpoint: Sizes, tokenizer and the token that separates texts.
        engine: With the checkpoint's weights.
    """

    def __init__(self, checkpoint: Checkpoint, engine: AnyEngine) -> None:
        self.checkpoint = checkpoint
        self.engine = engine

    @classmethod
    def load(
        cls, source: str | Path, *, revision: str | None, precision: str, device: str
    ) -> "Model":
        """As `gpt2.load`."""
        checkpoint = load_checkpoint(source, revision=revision)
        engine = Engine(
            checkpoint.config, checkpoint.weights, precision=precision, device=device
        )
        return cls(checkpoint, engine)

    def generate(
        self, prompt: str, decoding: Decoding = AS_IT_IS, **options: Unpack[Options]
    ) -> Completion:
        """Continues a text; an empty prompt starts from nothing.

        Args:
            prompt: The text to continue.
            decoding: How each token is chosen.
            **options: See Options.

        Raises:
            ValueError: If the prompt or an option cannot be used; the message says
                which, and why.
        """
        (completion,) = self.generate_batch([prompt], decoding, **options)
        return completion

    def stream(
        self, prompt: str, decoding: Decoding = AS_IT_IS, **options: Unpack[Options]
    ) -> Iterator[str]:
        """As `generate`; yields the new text piece by piece, while it is written."""
        for step in self.steps([prompt], decoding, **options):
            if step.text:
                yield step.text

    def generate_batch(
        self,
        prompts: Sequence[str],
        decoding: Decoding = AS_IT_IS,
        **options: Unpack[Options],
    ) -> list[Completion]:
        """As `generate`, for many prompts at once, of any lengths."""
        completions = [Completion(prompt) for prompt in prompts]
        for step in self.steps(prompts, decoding, **options):
            completion = completions[step.row]
            completion.ids.append(step.token)
            completion.logprobs.append(step.logprob)
            completion.text += step.text
            completion.end = step.end or completion.end
        return completions

    def steps(
        self,
        prompts: Sequence[str],
        decoding: Decoding = AS_IT_IS,
        **options: Unpack[Options],
    ) -> Iterator[Step]:
        """As `generate_batch`; yields every token of every text, as it comes."""
        known = Options.__annotations__
        for name in options.keys() - known:
            raise ValueError(f"{name} is no option; there are: {', '.join(known)}")
        seed = options.get("seed")
        if seed is None:
            seed = int(np.random.default_rng().integers(2**32))
        if seed < 0:
            raise ValueError(f"seed must be 0 or more, not {seed}")
        rngs = options.get("rngs", generators(seed, len(prompts)))
        if len(rngs) != len(prompts):
            raise ValueError(
                f"{len(rngs)} rngs for {len(prompts)} prompts: give each one"
            )
        max_new_tokens = options.get("max_new_tokens", 200)
        if max_new_tokens < 0:
            raise ValueError(f"max_new_tokens must be 0 or more, not {max_new_tokens}")
        stop, stop_tokens = options.get("stop", ()), options.get("stop_tokens", ())
        if isinstance(stop, str) or isinstance(stop_tokens, str):
            raise ValueError("stop and stop_tokens are lists: put the text into [...]")
        if "" in stop:
            raise ValueError("a stop string is empty: leave it out")
        return generate(
            self.engine,
            self.checkpoint.tokenizer,
            [self.encode(prompt) for prompt in prompts],
            decoding,
            rngs,
            max_new_tokens=max_new_tokens,
            stop=stop,
            stop_tokens=self.stop_ids(stop_tokens),
            stop_at_limit=options.get("stop_at_limit", False),
        )

    def search(
        self,
        prompt: str,
        beams: BeamSearch,
        *,
        max_new_tokens: int = 200,
        stop_tokens: Sequence[str | int] = (),
    ) -> list[tuple[str, float]]:
        """The likeliest texts that a beam search finds, and their scores, best first.

        Raises:
            ValueError: If the prompt or a stop token cannot be used.
        """
        stops = self.stop_ids(stop_tokens)
        found = beams.search(
            self.engine, self.encode(prompt), max_new_tokens, stop_tokens=stops
        )
        decode = self.checkpoint.tokenizer.decode
        return [
            (decode([token for token in ids if token not in stops]), score)
            for ids, score in found
        ]

    def encode(self, prompt: str) -> list[int]:
        """As the function `encode`, with this model's checkpoint."""
        return encode(self.checkpoint, prompt)

    def stop_ids(self, stop_tokens: Sequence[str | int] = ()) -> set[int]:
        """As the function `stop_ids`, with this model's checkpoint."""
        return stop_ids(self.checkpoint, stop_tokens)


# --- From text to ids, which needs no engine ---------------------------------------


def encode(checkpoint: Checkpoint, prompt: str) -> list[int]:
    """The prompt's ids; of an empty one, the token that separates texts.

    Raises:
        ValueError: If the model cannot read it; the message says why.
    """
    if not prompt:
        if checkpoint.boundary is None:
            raise ValueError(
                f"{checkpoint.source} cannot start from nothing: give a prompt"
            )
        return [checkpoint.boundary]
    try:
        prompt.encode()
    except UnicodeEncodeError:  # from a terminal with another encoding
        raise ValueError("the prompt is not valid UTF-8") from None
    ids = checkpoint.tokenizer.encode(prompt).ids
    if checkpoint.tokenizer.decode(ids, skip_special_tokens=False) != prompt:
        raise ValueError(
            f"the prompt has characters that {checkpoint.source} has no tokens for"
        )
    n_positions = checkpoint.config.n_positions
    if len(ids) > n_positions:
        raise ValueError(
            f"the prompt is {len(ids)} tokens long, and {checkpoint.source} reads "
            f"at most {n_positions}: shorten it"
        )
    return ids


def stop_ids(checkpoint: Checkpoint, stop_tokens: Sequence[str | int] = ()) -> set[int]:
    """Ids of the tokens that end a text, the checkpoint's own included.

    Raises:
        ValueError: If the tokenizer has no such token.
    """
    ids = {token_id(checkpoint, token) for token in stop_tokens}
    return ids if checkpoint.boundary is None else ids | {checkpoint.boundary}


def token_id(checkpoint: Checkpoint, token: str | int) -> int:
    """The id of one token.

    Args:
        checkpoint: Where its tokenizer comes from.
        token: Its id; how the vocabulary spells it, such as "Ċ"; or its text, "\\n".

    Raises:
        ValueError: If the tokenizer has no such token.
    """
    tokenizer, source = checkpoint.tokenizer, checkpoint.source
    if isinstance(token, int):
        if not 0 <= token < checkpoint.config.vocab_size:
            raise ValueError(
                f"{token} is no token of {source}: its ids end with "
                f"{checkpoint.config.vocab_size - 1}"
            )
        return token
    found = tokenizer.token_to_id(token)
    if found is not None:
        return found
    ids = tokenizer.encode(token).ids
    if len(ids) == 1 and tokenizer.decode(ids, skip_special_tokens=False) == token:
        return ids[0]
    raise ValueError(
        f"{token!r} is no token of {source}: give the text or the id of one, or a stop "
        "string"
    )
