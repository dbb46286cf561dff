"""How step 11, the language model head, is got wrong."""

from course.mistakes import Mistake

INIT = "self.transformer = GPT2Model(config)"
HIDDEN = "hidden = self.transformer(input_ids, positions)"
RETURN = "return hidden @ self.transformer.wte.weight.T"
IMPORT = "from max.experimental.nn import Module\n"
F_IMPORT = {IMPORT: "from max.experimental import functional as F\n" + IMPORT}
LINEAR = {IMPORT: "from max.experimental.nn import Linear, Module\n"}
TIED = "Reading and writing tokens share one table, wte."

MISTAKES = [
    Mistake(
        "a head with weights of its own",
        TIED,
        LINEAR
        | {
            INIT: INIT
            + "\n        self.lm_head = Linear("
            + "config.n_embd, config.vocab_size, bias=False)"
        }
        | {RETURN: "return self.lm_head(hidden)"},
    ),
    Mistake(
        "a head with weights and a bias of its own",
        TIED + " There is no bias.",
        LINEAR
        | {
            INIT: INIT
            + "\n        self.lm_head = Linear(config.n_embd, config.vocab_size)"
        }
        | {RETURN: "return self.lm_head(hidden)"},
    ),
    Mistake(
        "a bias that is added to the logits",
        "The head has no parameters of its own, a bias neither.",
        {INIT: INIT + "\n        self.bias = Tensor.zeros([config.vocab_size])"}
        | {RETURN: RETURN + " + self.bias"},
    ),
    Mistake(
        "multiplying by wte.weight without transposing it",
        "Each logit is a dot product with a row of the table: hidden @ weight.T.",
        {RETURN: RETURN.removesuffix(".T")},
    ),
    Mistake(
        "comparing with the positions' table",
        "The vectors are compared with the tokens: wte, not wpe.",
        {RETURN: RETURN.replace("wte", "wpe")},
    ),
    Mistake(
        "returning the vectors instead of logits",
        "Each vector is compared with every row of wte.",
        {RETURN: "return hidden"},
    ),
    Mistake(
        "returning probabilities",
        "Logits are scores; step 12 turns them into probabilities.",
        F_IMPORT
        | {RETURN: RETURN.replace("return ", "return F.softmax(") + ", axis=-1)"},
    ),
    Mistake(
        "returning logarithms of probabilities",
        "Logits are the dot products as they are.",
        F_IMPORT
        | {RETURN: RETURN.replace("return ", "return F.logsoftmax(") + ", axis=-1)"},
    ),
    Mistake(
        "logits for the last position only",
        "There are logits after every position: [batch, seq, vocab_size].",
        {RETURN: RETURN.replace("hidden", "hidden[:, -1:, :]")},
    ),
    Mistake(
        "not passing the positions on",
        "Positions that are given go to transformer.",
        {HIDDEN: "hidden = self.transformer(input_ids)"},
    ),
    Mistake(
        "scaling the logits by 1/sqrt(n_embd)",
        "GPT-2's logits are the dot products as they are.",
        {RETURN: RETURN + " / int(hidden.shape[-1]) ** 0.5"},
    ),
    Mistake(
        "normalizing with ln_f a second time",
        "transformer has already done so.",
        {HIDDEN: HIDDEN.replace("= ", "= self.transformer.ln_f(") + ")"},
    ),
    Mistake(
        "comparing the embeddings instead of what the blocks made of them",
        "The vectors to compare are what transformer returns.",
        {HIDDEN: "hidden = self.transformer.wte(input_ids)"},
    ),
    Mistake(
        "the name model instead of transformer",
        "The checkpoint's names begin with transformer, and are loaded by name.",
        {
            INIT: "self.model = GPT2Model(config)",
            HIDDEN: HIDDEN.replace("transformer", "model"),
            RETURN: RETURN.replace("transformer", "model"),
        },
    ),
]
