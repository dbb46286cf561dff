"""Text in, text out: a checkpoint with its tokenizer, and an engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gpt2.beam import BeamSearch
from gpt2.checkpoint import Checkpoint, load_checkpoint
from gpt2.decoding import Decoding, generators
from gpt2.engine import Engine
from gpt2.generation import AnyEngine, Step, generate
from gpt2.text import encode, stop_ids

AS_IT_IS = Decoding()


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


class Pipeline:
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
    ) -> "Pipeline":
        """As `gpt2.load`."""
        checkpoint = load_checkpoint(source, revision=revision)
        engine = Engine(
            checkpoint.config, checkpoint.weights, precision=precision, device=device
        )
        return cls(checkpoint, engine)

    def steps(
        self,
        prompts: Sequence[str],
        decoding: Decoding = AS_IT_IS,
        *,
        seed: int | None = None,
        rngs: Sequence[np.random.Generator] | None = None,
        max_new_tokens: int = 200,
        stop: Sequence[str] = (),
        stop_tokens: Sequence[str | int] = (),
        stop_at_limit: bool = False,
    ) -> Iterator[Step]:
        """Continues texts, and yields every token of every text as it comes.

        Args:
            prompts: The texts, of any lengths; an empty one starts from nothing.
            decoding: How each token is chosen.
            seed: Repeats the same texts; without one they are new every time.
            rngs: What draws each text, instead of a seed; one generator for each.
            max_new_tokens: The most tokens to add.
            stop: Strings that end a text; they are not part of it.
            stop_tokens: Tokens that end a text, beside the checkpoint's own: the id of
                each, its text, or how the tokenizer spells it.
            stop_at_limit: Whether to end when a text fills the context, instead of
                going on with its last n_positions tokens.

        Raises:
            ValueError: If a prompt or an option cannot be used; the message says
                which, and why.
        """
        if seed is None:
            seed = int(np.random.default_rng().integers(2**32))
        if seed < 0:
            raise ValueError(f"seed must be 0 or more, not {seed}")
        if rngs is None:
            rngs = generators(seed, len(prompts))
        if len(rngs) != len(prompts):
            raise ValueError(
                f"{len(rngs)} rngs for {len(prompts)} prompts: give each one"
            )
        if max_new_tokens < 0:
            raise ValueError(f"max_new_tokens must be 0 or more, not {max_new_tokens}")
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
            stop_at_limit=stop_at_limit,
        )

    def generate_batch(
        self,
        prompts: Sequence[str],
        decoding: Decoding = AS_IT_IS,
        **options: Any,
    ) -> list[Completion]:
        """The whole texts.  The options are those of `steps`."""
        completions = [Completion(prompt) for prompt in prompts]
        for step in self.steps(prompts, decoding, **options):
            completion = completions[step.row]
            completion.ids.append(step.token)
            completion.logprobs.append(step.logprob)
            completion.text += step.text
            completion.end = step.end or completion.end
        return completions

    def generate(
        self, prompt: str, decoding: Decoding = AS_IT_IS, **options: Any
    ) -> Completion:
        """One text.  The options are those of `steps`."""
        (completion,) = self.generate_batch([prompt], decoding, **options)
        return completion

    def stream(
        self, prompt: str, decoding: Decoding = AS_IT_IS, **options: Any
    ) -> Iterator[str]:
        """One text, piece by piece, while it is written.  The options are those of
        `steps`."""
        for step in self.steps([prompt], decoding, **options):
            if step.text:
                yield step.text

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
