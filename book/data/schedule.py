"""How MAX's scheduler serves six texts, call by call.

Three texts at once, and at most 64 tokens in a call: so few that one sees prompts read
in parts.  Beside it, the same texts are served in three other ways: with prompts first,
which is MAX's rule unless it is told otherwise; three by three; and one after another.
"""

import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from max.pipelines import PIPELINE_REGISTRY, PipelineArgs
from max.pipelines.context import SamplingParams, TextContext, TokenBuffer
from max.pipelines.lib import PipelineConfig
from max.serve.scheduler.text_generation_scheduler import (
    TokenGenerationScheduler,
    load_text_generation_scheduler,
)
from tokenizers import Tokenizer

from book.chapters import ROOT
from gpt2.checkpoint import load_checkpoint
from gpt2.serving.architecture import ARCHITECTURES, Loop

MODEL = ROOT / "models" / "shakespeare"
TEXTS_AT_ONCE = 3
TOKENS_AT_ONCE = 64  # that one call reads at most: what `AT_ONCE` is in the server

JULIET = """\
JULIET:
O Romeo, Romeo! wherefore art thou Romeo?
Deny thy father and refuse thy name;
Or, if thou wilt not, be but sworn my love,
And I'll no longer be a Capulet.

ROMEO:
Shall I hear more, or shall I speak at this?
"""
GLOUCESTER = """\
GLOUCESTER:
Now is the winter of our discontent
Made glorious summer by this sun of York;
And all the clouds that lour'd upon our house
In the deep bosom of the ocean buried.
Now are our brows bound with victorious wreaths;
Our bruised arms hung up for monuments;

"""

# What is to be continued, by how many tokens, and before which call it comes.
TEXTS = [
    ("ROMEO:", 14, 0),
    (JULIET, 22, 0),
    (GLOUCESTER + "CLARENCE:", 7, 2),
    ("What is", 9, 3),
    (GLOUCESTER + "HASTINGS:", 8, 5),
    ("My lord,", 5, 7),
]

Handing = Callable[[int, int], int]


def in_batches(size: int) -> Handing:
    """Hands over so many, and no more until they have ended."""
    return lambda come, under_way: 0 if under_way else min(come, size)


# How many of the texts that have come are handed to the scheduler, when so many are
# under way; and whether a call may read prompts beside texts that are being written.
WAYS: dict[str, tuple[Handing, bool]] = {
    "server": (lambda come, under_way: come, True),
    "prompts": (lambda come, under_way: come, False),
    "batches": (in_batches(TEXTS_AT_ONCE), True),
    "alone": (in_batches(1), True),
}


def data() -> dict[str, Any]:
    tokenizer = load_checkpoint(str(MODEL)).tokenizer
    prompts = [tokenizer.encode(text).ids for text, _, _ in TEXTS]
    calls = {}
    for name, (way, in_flight) in WAYS.items():
        with served(in_flight) as (loop, scheduler, requests):
            news = [new for _, new, _ in TEXTS]
            texts = [text(*each) for each in zip(prompts, news, strict=True)]
            noted = Noted(loop, texts, tokenizer)
            loop.execute = noted.execute  # type: ignore[method-assign]
            run(scheduler, requests, noted, way)
            pages = loop.kv_manager.block_count().total
            page_size = loop.kv_manager.params.page_size
        calls[name] = noted.calls
    return {
        "texts_at_once": TEXTS_AT_ONCE,
        "tokens_at_once": TOKENS_AT_ONCE,
        "pages": pages,
        "page_size": page_size,
        "texts": [
            {"words": words.splitlines()[-1], "prompt": len(ids), "new": new, "at": at}
            for ids, (words, new, at) in zip(prompts, TEXTS, strict=True)
        ],
        "calls": calls,
    }


def text(ids: Sequence[int], new: int) -> TextContext:
    """A text as the scheduler knows it, to be written greedily."""
    return TextContext(
        max_length=len(ids) + new,
        tokens=TokenBuffer(np.array(ids, dtype=np.int64)),
        sampling_params=SamplingParams(temperature=0, seed=0),
        ignore_eos=True,
    )


@contextmanager
def served(
    in_flight: bool,
) -> Iterator[tuple[Loop, TokenGenerationScheduler, queue.Queue[Any]]]:
    """The loop as the server loads it, its scheduler, and the queue of requests."""
    for architecture in ARCHITECTURES:
        if architecture.name not in PIPELINE_REGISTRY.architectures:
            PIPELINE_REGISTRY.register(architecture)
    config = PipelineConfig.from_args(
        PipelineArgs.from_flat_kwargs(
            model_path=str(MODEL),
            weight_path=["model.safetensors"],
            max_batch_size=TEXTS_AT_ONCE,
            max_batch_input_tokens=TOKENS_AT_ONCE,
            enable_in_flight_batching=in_flight,
        )
    )
    retrieved = PIPELINE_REGISTRY.retrieve_factory(config)
    heard = signal.getsignal(signal.SIGINT)  # the loop turns a deaf ear to Ctrl-C
    try:
        loop: Any = retrieved.factory()
        requests, answers, cancelled = (queue.Queue[Any]() for _ in range(3))
        yield (
            loop,
            load_text_generation_scheduler(
                loop, config, requests, answers, cancelled, retrieved.memory_plan
            ),
            requests,
        )
    finally:
        signal.signal(signal.SIGINT, heard)


def run(
    scheduler: TokenGenerationScheduler,
    requests: "queue.Queue[Any]",
    noted: "Noted",
    way: Handing,
) -> None:
    """Hands over the texts as they come, and has the scheduler go on to the end."""
    handed = 0
    while not all(text.is_done for text in noted.texts):
        come = sum(at <= len(noted.calls) for _, _, at in TEXTS) - handed
        under_way = sum(not text.is_done for text in noted.texts[:handed])
        for text in noted.texts[handed : handed + way(come, under_way)]:
            requests.put(text)
            handed += 1
        scheduler.run_iteration()


class Noted:
    """Notes each call of the model.

    Args:
        loop: Calls it.
        texts: Those that come.
        tokenizer: Spells their tokens.

    Attributes:
        calls: Of each, by text: the tokens that were there and the new ones that are
            read, the pages, and the token that came.  Of the texts that have ended,
            the pages that are kept.
    """

    def __init__(
        self, loop: Loop, texts: Sequence[TextContext], tokenizer: Tokenizer
    ) -> None:
        self.texts = texts
        self.tokenizer = tokenizer
        self.kv = loop.kv_manager
        self.call = loop.execute
        self.had: dict[int, list[int]] = {}  # pages of texts, when they last had some
        self.calls: list[dict[str, Any]] = []

    def execute(self, inputs: Any) -> Any:
        batch = [text.request_id for text in inputs.flat_batch]
        read, pages, kept = {}, {}, set()
        for i, text in enumerate(self.texts):
            if text.request_id in batch:
                read[i] = [text.tokens.processed_length, text.tokens.active_length]
            if self.kv.contains(text):
                (pages[i],) = self.kv.get_req_blocks_per_leaf(text).values()
                self.had[i] = pages[i]
            elif i in self.had:
                (hits,) = self.kv.get_prefix_cache_hit_counts(text)
                kept |= set(self.had[i][: hits.device_blocks])
        results = self.call(inputs)
        came = {
            i: self.tokenizer.decode([int(text.tokens.all[-1])])
            for i, text in enumerate(self.texts)
            if text.request_id in results
        }
        kept -= {page for held in pages.values() for page in held}
        call = {"read": read, "came": came, "pages": pages, "kept": sorted(kept)}
        self.calls.append(call)
        return results
