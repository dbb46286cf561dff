"""GPT-2 for MAX's server: what its scheduler calls, and where it finds that.

Which texts are read next, and which pages are theirs, is for the scheduler to say.  A
call of the loop reads them, and chooses for each its next token.

This module can be given to MAX's own `max serve --custom-architectures` too.
"""

import signal
from collections.abc import Sequence
from multiprocessing import parent_process
from os import _exit
from threading import Thread
from typing import Any

import numpy as np
from max import tree
from max.driver import CPU, Buffer
from max.engine import InferenceSession
from max.graph.weights import WeightsFormat
from max.pipelines.context import LogProbabilities, TextContext
from max.pipelines.kv_cache.registry import load_kv_manager
from max.pipelines.lib import SupportedArchitecture, TextTokenizer
from max.pipelines.lib.pipeline_variants.utils import (
    update_context_and_prepare_responses,
)
from max.pipelines.modeling.types import Pipeline, PipelineTask

from gpt2.checkpoint import load_checkpoint
from gpt2.decoding import Decoding, log_softmax
from gpt2.learner import load_steps
from gpt2.precision import store
from gpt2.serving.ragged import Ragged, RaggedNetwork, Sizes

# --- Loop --------------------------------------------------------------------------


class Loop(Pipeline[Any, Any]):
    """What MAX's scheduler calls, with the texts that it has chosen.

    MAX has a loop of its own, which draws tokens with a kernel.  For GPT-2's vocabulary
    that takes 3 ms a text; `gpt2/decoding.py` takes a tenth, knows all of the course's
    filters, and draws with a seed what `./run generate` draws.

    Args:
        pipeline_config: MAX's own, like the other positional arguments.
        whose: "steps" or "solutions".
        precision: How weight matrices are kept.
    """

    max_batch_size = 1  # of the class; each instance has its own

    def __init__(
        self,
        pipeline_config: Any,
        pipeline_model: Any,
        weight_adapters: Any,
        tokenizer: Any,
        memory_plan: Any,
        *,
        whose: str = "solutions",
        precision: str = "float32",
    ) -> None:
        Thread(target=end_with_parent, daemon=True).start()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends this process
        self.pipeline_config = pipeline_config
        self.tokenizer = tokenizer
        self.device = CPU()
        self.max_batch_size = memory_plan.planned_max_batch_size
        length = memory_plan.planned_max_length
        params = Sizes.initialize(pipeline_config, max_seq_len=length).get_kv_params()
        checkpoint = load_checkpoint(pipeline_config.model.model_path)
        network = RaggedNetwork(
            checkpoint.config, load_steps(whose), params, precision=precision
        )
        self.weights = store(checkpoint.weights, network.kept)
        checkpoint.release()
        self.model = network.load(
            {name: Buffer.from_dlpack(array) for name, array in self.weights.items()}
        )
        # Room for every text at its longest.  What an ended text has read stays in its
        # pages until another needs them, for one that begins alike.
        pages = self.max_batch_size * -(-length // params.page_size) + 1
        self.kv_manager = load_kv_manager(
            params=params,
            max_batch_size=self.max_batch_size,
            max_seq_len=length,
            session=InferenceSession(devices=[self.device]),
            available_cache_memory=pages * params.bytes_per_block,
            is_di_enabled=False,
            model_name=pipeline_config.model.model_name,
            max_num_input_tokens=pipeline_config.runtime.max_num_input_tokens,
        )

    def execute(self, inputs: Any) -> dict[Any, Any]:
        """One call of the model: a token more for each text of a batch.

        A prompt that is too long for one call gets none before its last part.

        Args:
            inputs: Texts whose `tokens.active` are to be read.
        """
        texts: list[TextContext] = inputs.flat_batch
        new = [text.tokens.active for text in texts]
        before = [text.tokens.processed_length for text in texts]
        places = [
            np.arange(start, start + len(ids))
            for start, ids in zip(before, new, strict=True)
        ]
        pages = tree.leaves(self.kv_manager.runtime_inputs(inputs.batches))
        # MAX 26.7 copies into these, and its graphs do not wait for that: without this,
        # one call in some thousands reads what was there before.
        self.device.synchronize()
        (logits,) = self.model.execute(
            Buffer.from_numpy(np.concatenate(new).astype(np.int64)),  # [total]
            Buffer.from_numpy(np.concatenate(places)),  # [total]
            Buffer.from_numpy(  # [texts + 1]
                np.cumsum([0, *map(len, new)], dtype=np.uint32)
            ),
            *pages,
        )
        rows = logits.to_numpy()  # [texts, vocab_size]
        tokens = [choose(*each) for each in zip(texts, rows, strict=True)]
        asked = any(text.log_probabilities for text in texts)
        said = [logprobs(*each) for each in zip(texts, rows, tokens, strict=True)]
        results = update_context_and_prepare_responses(
            np.array(tokens)[:, None], texts, [said], enable_log_probs=asked
        )
        for text in texts:
            self.kv_manager.step(text)
        return results

    def release(self, request_id: Any) -> None:
        """A text has ended: nothing of it is kept here."""


def choose(text: TextContext, logits: np.ndarray) -> int:
    """The next token of a text, by its own settings.

    Args:
        text: Its seed is what `packed` makes.
        logits: `[vocab_size]`.
    """
    how = text.sampling_params
    decoding = Decoding(
        temperature=how.temperature,
        top_k=max(how.top_k, 0),
        top_p=how.top_p,
        min_p=how.min_p,
        repetition_penalty=how.repetition_penalty,
    )
    # Each token takes one number: so many have been drawn.
    rng = unpacked(how.seed)
    rng.bit_generator.advance(text.tokens.generated_length)  # type: ignore[attr-defined]
    return decoding.choose(logits, text.tokens.all.tolist(), rng)


def packed(seed: int, index: int, count: int) -> int:
    """A seed and which of `count` texts it is for, as the one number that MAX passes.

    Args:
        seed: Below 2**32.
        index: Below 2**16.
        count: How many texts the request asks for.
    """
    return seed << 17 | (index + 1 if count > 1 else 0)


def unpacked(number: int) -> np.random.Generator:
    """`decoding.generators(seed, count)[index]`, of what `packed` made."""
    seed, child = number >> 17, number & (1 << 17) - 1
    key = (child - 1,) if child else ()
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def logprobs(
    text: TextContext, logits: np.ndarray, token: int
) -> LogProbabilities | None:
    """How likely the model found a token and the likeliest, if the text asks for it."""
    if not text.log_probabilities:
        return None
    every = log_softmax(logits)  # [vocab_size]
    best = np.argsort(-every, kind="stable")[: text.log_probabilities]
    likeliest = {int(i): float(every[i]) for i in best}
    return LogProbabilities([float(every[token])], [likeliest], [token])


def end_with_parent() -> None:
    """Ends this process when the server that started it is no more, even by -9."""
    if (parent := parent_process()) is not None:
        parent.join()
        _exit(1)


ARCHITECTURES: Sequence[SupportedArchitecture] = [
    SupportedArchitecture(
        name="GPT2LMHeadModel",
        task=PipelineTask.TEXT_GENERATION,
        example_repo_ids=["openai-community/gpt2"],
        default_encoding="float32",
        supported_encodings={"float32"},
        default_weights_format=WeightsFormat.safetensors,
        pipeline_model=Ragged,
        pipeline_cls=Loop,
        tokenizer=TextTokenizer,
        context_type=TextContext,
        config=Sizes,
    )
]
