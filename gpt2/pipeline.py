"""Text in, text out: a checkpoint with its tokenizer, and an engine."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gpt2.beam import BeamSearch
from gpt2.checkpoint import Checkpoint, load_checkpoint
from gpt2.decoding import Decoding, generators
from gpt2.engine import Engine
from gpt2.generation import FULL_CONTEXT, AnyEngine, FullContext, Step, generate
from gpt2.text import encode, stop_ids

AS_IT_IS = Decoding()


@dataclass
class Completion:
    """What the model adds to a prompt.

    Attributes:
        prompt: The text it continues.
        text: The new text.
        ids: The new tokens; the last may be a stop token, which `text` leaves out.
        logprobs: The log-probability of each, by the model, before any filter; empty
            unless they were asked for.
        end: "stop", "length" or "limit", as in `generation.Step`.
    """

    prompt: str
    text: str = ""
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    end: str = "length"


def completions(
    prompts: Sequence[str], steps: Iterable[Step], *, logprobs: bool = False
) -> Iterator[Completion]:
    """Makes whole texts of steps, in the order of the prompts.

    Each comes as soon as it has ended, and all before it.

    Args:
        prompts: The texts that the steps continue.
        steps: Every token of every text.
        logprobs: Whether to compute them, which takes longer than choosing a token.
    """
    texts = [Completion(prompt) for prompt in prompts]
    ended = [False] * len(texts)
    passed_on = 0
    for step in steps:
        text = texts[step.index]
        text.ids.append(step.token)
        text.text += step.text
        if logprobs:
            text.logprobs.append(step.logprob)
        if step.end:
            text.end = step.end
            ended[step.index] = True
        while passed_on < len(texts) and ended[passed_on]:
            yield texts[passed_on]
            passed_on += 1
    yield from texts[passed_on:]  # to which nothing was to be added


class Pipeline:
    """GPT-2 with its tokenizer.

    Args:
        checkpoint: Sizes, tokenizer and the token that separates texts; its weights
            are not needed, which `load` therefore releases.
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
        checkpoint.release()
        return cls(checkpoint, engine)

    def steps(
        self,
        prompts: Sequence[str],
        decoding: Decoding | Sequence[Decoding] = AS_IT_IS,
        *,
        seed: int | None = None,
        rngs: Sequence[np.random.Generator] | None = None,
        max_new_tokens: int | Sequence[int] = 200,
        stop: Sequence[str] | Sequence[Sequence[str]] = (),
        stop_tokens: Sequence[str | int] = (),
        full_context: FullContext = "slide",
        batch_size: int | None = None,
        draft: bool = True,
    ) -> Iterator[Step]:
        """Continues texts, and yields every token of every text as it comes.

        Args:
            prompts: The texts, of any lengths; an empty one starts from nothing.
            decoding: How each token is chosen; one way, or one for each prompt.
            seed: Repeats the same texts; without one they are new every time.
            rngs: What draws each text, instead of a seed; one generator for each.
            max_new_tokens: The most tokens to add; one number, or one for each prompt.
            stop: Strings that end a text; they are not part of it.  Some strings, or
                a list of some for each prompt.
            stop_tokens: Tokens that end a text, beside the checkpoint's own: the id of
                each, its text, or how the tokenizer spells it.
            full_context: What becomes of a text that fills the context: "slide" (exact
                and slow), "drop" (its oldest quarter) or "stop", as in `generate`.
            batch_size: How many texts grow at once, each in memory of its own; None
                means all.  The texts are the same.
            draft: Whether to guess tokens from the text so far and read several at
                once, where few texts grow.  The texts are the same, and come sooner.

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
        if isinstance(max_new_tokens, int):
            max_new_tokens = [max_new_tokens] * len(prompts)
        if isinstance(decoding, Decoding):
            decoding = [decoding] * len(prompts)
        if isinstance(stop, str) or isinstance(stop_tokens, str):
            raise ValueError("stop and stop_tokens are lists: put the text into [...]")
        one_for_all = all(isinstance(text, str) for text in stop)
        stops: Any = [stop] * len(prompts) if one_for_all else stop
        for name, values in (
            ("max_new_tokens", max_new_tokens),
            ("decoding", decoding),
            ("stop", stops),
        ):
            if len(values) != len(prompts):
                raise ValueError(
                    f"{len(values)} {name} for {len(prompts)} prompts: give one for "
                    "all, or each one"
                )
        for count in max_new_tokens:
            if count < 0:
                raise ValueError(f"max_new_tokens must be 0 or more, not {count}")
        if full_context not in FULL_CONTEXT:
            known = ", ".join(FULL_CONTEXT)
            raise ValueError(f"full_context {full_context!r} is none of {known}")
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {batch_size}")
        if any("" in texts for texts in stops):
            raise ValueError("a stop string is empty: leave it out")
        return generate(
            self.engine,
            self.checkpoint.tokenizer,
            [self.encode(prompt) for prompt in prompts],
            decoding,
            rngs,
            max_new_tokens=max_new_tokens,
            stops=stops,
            stop_tokens=self.stop_ids(stop_tokens),
            full_context=full_context,
            batch_size=batch_size,
            draft=draft,
        )

    def generate_batch(
        self,
        prompts: Sequence[str],
        decoding: Decoding = AS_IT_IS,
        *,
        logprobs: bool = False,
        **options: Any,
    ) -> list[Completion]:
        """The whole texts.  `logprobs` as for `completions`, the options those of
        `steps`."""
        steps = self.steps(prompts, decoding, **options)
        return list(completions(prompts, steps, logprobs=logprobs))

    def generate(
        self, prompt: str, decoding: Decoding = AS_IT_IS, **options: Any
    ) -> Completion:
        """One text.  The options are those of `generate_batch`."""
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
