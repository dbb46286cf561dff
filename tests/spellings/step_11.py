"""Mistakes in step 11, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "a head with weights of its own",
        """
from max.experimental.nn import Linear


class GPT2LMHeadModel(Module[..., Tensor]):
    def __init__(self, config):
        self.transformer = GPT2Model(config)
        self.lm_head = Linear(config.n_embd, config.vocab_size, bias=False)

    def forward(self, input_ids, positions=None):
        x = self.transformer(input_ids, positions)
        logits = self.lm_head(x)
        return logits
""",
    ),
    (
        "multiplying by wte.weight without transposing it",
        """
from max.experimental import functional as F


def forward(self, input_ids, positions=None):
    vectors = self.transformer(input_ids, positions=positions)
    table = self.transformer.wte.weight
    return F.matmul(vectors, table)
""",
    ),
    (
        "comparing with the positions' table",
        """
def forward(self, input_ids, positions=None):
    model = self.transformer
    hidden = model(input_ids, positions)
    table = model.wpe.weight
    return hidden @ table.transpose(0, 1)
""",
    ),
    (
        "returning probabilities",
        """
from max.experimental import functional as F


def forward(self, input_ids, positions=None):
    h = self.transformer(input_ids, positions)
    scores = F.matmul(h, self.transformer.wte.weight.transpose(-1, -2))
    e = F.exp(scores - F.max(scores, axis=-1))
    return e / F.sum(e, axis=-1)
""",
    ),
    (
        "logits for the last position only",
        """
def forward(self, input_ids, positions=None):
    h = self.transformer(input_ids, positions)
    last = h[:, -1:, :]
    embedding = self.transformer.wte.weight
    return last @ embedding.permute([1, 0])
""",
    ),
    (
        "not passing the positions on",
        """
def forward(self, input_ids, positions=None):
    out = self.transformer(input_ids)
    w = self.transformer.wte.weight
    w = w.transpose(0, 1)
    return out @ w
""",
    ),
    (
        "normalizing with ln_f a second time",
        """
def forward(self, input_ids, positions=None):
    gpt = self.transformer
    x = gpt(input_ids, positions)
    x = gpt.ln_f(x)
    return x @ gpt.wte.weight.T
""",
    ),
    (
        "another name for the model than transformer",
        """
class GPT2LMHeadModel(Module[..., Tensor]):
    def __init__(self, config):
        self.model = GPT2Model(config)

    def forward(self, input_ids, positions=None):
        hidden = self.model(input_ids, positions)
        return hidden @ self.model.wte.weight.T
""",
    ),
    (
        "a head that keeps wte.weight a second time (tied, as in PyTorch)",
        """
from max.experimental.nn import Linear


def __init__(self, config):
    super().__init__()
    self.transformer = GPT2Model(config)
    self.output = Linear(config.n_embd, config.vocab_size, bias=False)
    # Weight tying: the head shares the token embedding.
    self.output.weight = self.transformer.wte.weight


def forward(self, input_ids, positions=None):
    return self.output(self.transformer(input_ids, positions))
""",
    ),
    (
        "keeping the table that is there when the head is made",
        """
def __init__(self, config):
    self.transformer = GPT2Model(config)
    table = self.transformer.wte.weight
    self.lm_head = lambda hidden: hidden @ table.transpose(0, 1)


def forward(self, input_ids, positions=None):
    return self.lm_head(self.transformer(input_ids, positions))
""",
    ),
]
