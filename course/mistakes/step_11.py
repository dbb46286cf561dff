"""How step 11, the language model head, is got wrong."""

from course.mistakes import Mistake

INIT = "self.transformer = GPT2Model(config)"
HIDDEN = "hidden = self.transformer(input_ids, positions)"
RETURN = "return hidden @ self.transformer.wte.weight.T"
LOGITS = RETURN.removeprefix("return ")
IMPORT = "from max.experimental.nn import Module\n"
F_IMPORT = {IMPORT: "from max.experimental import functional as F\n" + IMPORT}
LINEAR = {IMPORT: "from max.experimental.nn import Linear, Module\n"}
HEAD = "self.lm_head = Linear(config.n_embd, config.vocab_size, bias=False)"
LM_HEAD = "return self.lm_head(hidden)"

OWN = (
    "GPT-2's head has no weights of its own, and loading the checkpoint would miss "
    "lm_head.weight: the table is self.transformer.wte.weight."
)
TIED = (
    "In MAX every tensor that a module keeps is one of its parameters, and once the "
    "checkpoint is loaded the two are no longer one. GPT-2's head has no weights of "
    "its own; loading would miss lm_head.weight. Use self.transformer.wte.weight in "
    "forward."
)
EACH = "There are logits after every position: [batch, seq, vocab_size]."
AS_THEY_ARE = "GPT-2's logits are the dot products as they are."
TABLE = "Each logit is a dot product with a row of the table: hidden @ wte.weight.T."


def computed(after: str) -> dict[str, str]:
    """Something else is done with the logits."""
    return F_IMPORT | {RETURN: f"logits = {LOGITS}\n        {after}"}


MISTAKES = [
    # The parts.
    Mistake(
        "a head with weights of its own",
        OWN,
        LINEAR | {INIT: f"{INIT}\n        {HEAD}", RETURN: LM_HEAD},
    ),
    Mistake(
        "a head with weights and a bias of its own",
        OWN + " There is no bias.",
        LINEAR
        | {
            INIT: f"{INIT}\n        {HEAD.replace(', bias=False', '')}",
            RETURN: LM_HEAD,
        },
    ),
    Mistake(
        "a head that keeps wte.weight a second time (tied, as in PyTorch)",
        TIED,
        LINEAR
        | {
            INIT: f"{INIT}\n        {HEAD}\n"
            "        self.lm_head.weight = self.transformer.wte.weight",
            RETURN: LM_HEAD,
        },
    ),
    Mistake(
        "a head that keeps wte.weight a second time, and has a bias",
        TIED + " There is no bias.",
        LINEAR
        | {
            INIT: f"{INIT}\n        {HEAD.replace(', bias=False', '')}\n"
            "        self.lm_head.weight = self.transformer.wte.weight",
            RETURN: LM_HEAD,
        },
    ),
    Mistake(
        "a head with weights of its own, of shape [n_embd, vocab_size], such as a "
        "transposed table that is kept in self",
        OWN,
        {
            INIT: f"{INIT}\n"
            "        self.head = Tensor.zeros([config.n_embd, config.vocab_size])",
            RETURN: "return hidden @ self.head",
        },
    ),
    Mistake(
        "a bias that is added to the logits",
        "The head has no parameters of its own, a bias neither.",
        {
            INIT: f"{INIT}\n        self.bias = Tensor.zeros([config.vocab_size])",
            RETURN: f"{RETURN} + self.bias",
        },
    ),
    Mistake(
        "a layer norm of the head's own",
        "transformer ends with ln_f: the head has no parameters.",
        {
            INIT: f"{INIT}\n"
            "        self.ln_f = type(self.transformer.ln_f)(config.n_embd, eps=1e-5)",
            RETURN: RETURN.replace("hidden", "self.ln_f(hidden)"),
        },
    ),
    Mistake(
        "keeping a part of transformer a second time",
        "Its weights then have two names, of which the checkpoint knows one: reach it "
        "through self.transformer.",
        {INIT: f"{INIT}\n        self.h = self.transformer.h"},
    ),
    Mistake(
        "another name for the model than transformer",
        "The checkpoint's names begin with transformer, and are loaded by name.",
        {
            INIT: "self.model = GPT2Model(config)",
            HIDDEN: HIDDEN.replace("transformer", "model"),
            RETURN: RETURN.replace("transformer", "model"),
        },
    ),
    Mistake(
        "being a GPT2Model instead of having one",
        "The checkpoint's names begin with transformer, and are loaded by name.",
        {
            "class GPT2LMHeadModel(Module[..., Tensor]):": (
                "class GPT2LMHeadModel(GPT2Model):"
            ),
            INIT: "super().__init__(config)",
            HIDDEN: "hidden = super().forward(input_ids, positions)",
            RETURN: "return hidden @ self.wte.weight.T",
        },
    ),
    Mistake(
        "keeping the table that is there when the head is made",
        "Loading a checkpoint puts another tensor in its place: ask for "
        "self.transformer.wte.weight in forward.",
        {
            INIT: f"{INIT}\n"
            "        table = self.transformer.wte.weight\n"
            "        self.head = lambda hidden: hidden @ table.T",
            RETURN: "return self.head(hidden)",
        },
    ),
    # The product.
    Mistake(
        "multiplying by wte.weight without transposing it",
        TABLE,
        {RETURN: RETURN.removesuffix(".T")},
    ),
    Mistake(
        "wte.weight @ hidden, without transposing the vectors",
        TABLE,
        {RETURN: "return self.transformer.wte.weight @ hidden"},
    ),
    Mistake(
        "wte.weight @ hidden, not turned back",
        "Each token has a row of logits: [batch, seq, vocab_size].",
        {RETURN: "return self.transformer.wte.weight @ hidden.transpose(1, 2)"},
    ),
    Mistake(
        "multiplying number by number",
        TABLE,
        {RETURN: "return hidden * self.transformer.wte.weight"},
    ),
    Mistake(
        "looking the vectors up in wte as if they were ids",
        "The way back is no lookup: each vector is compared with every row of wte.",
        {RETURN: "return self.transformer.wte(hidden)"},
    ),
    Mistake(
        "comparing with the positions' table",
        "The vectors are compared with the tokens: wte, not wpe.",
        {RETURN: RETURN.replace("wte", "wpe")},
    ),
    Mistake(
        "looking for wte in the head itself",
        "It is a part of transformer: self.transformer.wte.weight.",
        {RETURN: RETURN.replace("transformer.", "")},
    ),
    Mistake(
        "taking wte for its table",
        "wte is a module; the table is its weight: self.transformer.wte.weight.",
        {RETURN: RETURN.replace(".weight", "")},
    ),
    Mistake(
        "returning the vectors instead of logits",
        "Each vector is compared with every row of wte.",
        {RETURN: "return hidden"},
    ),
    Mistake(
        "comparing the embeddings instead of what the blocks made of them",
        "The vectors to compare are what transformer returns.",
        {HIDDEN: "hidden = self.transformer.wte(input_ids)"},
    ),
    Mistake(
        "normalizing with ln_f a second time",
        "transformer has already done so.",
        {HIDDEN: HIDDEN.replace("= ", "= self.transformer.ln_f(") + ")"},
    ),
    # What is done with the logits.
    Mistake(
        "returning probabilities",
        "Logits are scores; step 12 turns them into probabilities.",
        computed("return F.softmax(logits, axis=-1)"),
    ),
    Mistake(
        "returning logarithms of probabilities",
        AS_THEY_ARE,
        computed("return F.logsoftmax(logits, axis=-1)"),
    ),
    Mistake(
        "returning the best token instead of the logits",
        "Which token comes next is chosen in step 12, from all logits.",
        computed("return F.argmax(logits, axis=-1)"),
    ),
    Mistake(
        "scaling the logits by 1/sqrt(n_embd)",
        AS_THEY_ARE,
        {RETURN: f"{RETURN} / int(hidden.shape[-1]) ** 0.5"},
    ),
    Mistake(
        "scaling the logits by sqrt(n_embd)",
        AS_THEY_ARE,
        {RETURN: f"{RETURN} * int(hidden.shape[-1]) ** 0.5"},
    ),
    Mistake(
        "dividing the logits by n_embd",
        AS_THEY_ARE,
        {RETURN: f"{RETURN} / int(hidden.shape[-1])"},
    ),
    Mistake(
        "capping the logits with tanh",
        f"Gemma does that. {AS_THEY_ARE}",
        computed("return F.tanh(logits / 30) * 30"),
    ),
    Mistake(
        "subtracting the largest logit",
        f"That belongs to the softmax. {AS_THEY_ARE}",
        computed("return logits - F.max(logits, axis=-1)"),
    ),
    Mistake(
        "logits for the last position only",
        EACH,
        {RETURN: RETURN.replace("hidden", "hidden[:, -1:, :]")},
    ),
    Mistake(
        "logits for the last position only, without its axis",
        EACH,
        {RETURN: RETURN.replace("hidden", "hidden[:, -1, :]")},
    ),
    Mistake(
        "logits for all positions but the last",
        "That is for training. " + EACH,
        {RETURN: RETURN.replace("hidden", "hidden[:, :-1, :]")},
    ),
    Mistake(
        "logits for all positions but the first",
        EACH,
        {RETURN: RETURN.replace("hidden", "hidden[:, 1:, :]")},
    ),
    Mistake(
        "all tokens in one axis",
        f"Batch and sequence stay apart: {EACH[:1].lower()}{EACH[1:]}",
        {RETURN: RETURN.replace("hidden", "hidden.reshape([-1, hidden.shape[-1]])")},
    ),
    Mistake(
        "taking batch and length as ints",
        "They may be symbolic, and have no numbers then: hidden.shape[0] and "
        "hidden.shape[1] go into reshape as they are.",
        {
            RETURN: "batch, seq = int(input_ids.shape[0]), int(input_ids.shape[1])\n"
            f"        logits = {LOGITS}\n"
            "        return logits.reshape([batch, seq, logits.shape[-1]])"
        },
    ),
    Mistake(
        "taking the length as an int",
        "It may be symbolic, and has no number then: input_ids.shape[1] as it is.",
        {
            RETURN: "seq = int(input_ids.shape[1])\n"
            f"        logits = {LOGITS}\n"
            "        return logits.reshape([input_ids.shape[0], seq, logits.shape[-1]])"
        },
    ),
    # How it is called.
    Mistake(
        "not passing the positions on",
        "Positions that are given go to transformer.",
        {HIDDEN: "hidden = self.transformer(input_ids)"},
    ),
    Mistake(
        "asking whether positions is true, instead of whether it is None",
        "A tensor is neither true nor false; transformer takes positions as they are, "
        "None too.",
        {HIDDEN: "hidden = self.transformer(input_ids, positions or None)"},
    ),
    Mistake(
        "a forward that takes no positions",
        "It takes input_ids and, where somebody gives them, positions.",
        {
            "input_ids: Tensor, positions: Tensor | None = None)": "input_ids: Tensor)",
            HIDDEN: "hidden = self.transformer(input_ids)",
        },
    ),
    Mistake(
        "a forward that cannot do without positions",
        "positions is None unless it is given: keep `= None`.",
        {"positions: Tensor | None = None)": "positions: Tensor | None)"},
    ),
    Mistake(
        "taking [0] of what transformer returns, as of a tuple",
        "In Hugging Face's code it returns a tuple; here it returns one tensor, and "
        "[0] is the first sequence of the batch.",
        {HIDDEN: f"{HIDDEN}[0]"},
    ),
    Mistake(
        "returning a tuple",
        "nanoGPT returns logits and loss, Hugging Face even more; here logits alone.",
        {RETURN: f"return {LOGITS}, None"},
    ),
    Mistake(
        "returning nothing",
        "forward ends with a return of the logits.",
        {RETURN: f"hidden = {LOGITS}"},
    ),
]
