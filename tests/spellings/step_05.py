"""Mistakes in step 05, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "a table of n_embd rows",
        """
class TokenEmbedding(Module[[Tensor], Tensor]):
    def __init__(self, config):
        shape = (config.n_embd, config.vocab_size)
        self.weight = Tensor.full(shape, 0.0)

    def forward(self, input_ids):
        return F.gather(self.weight, input_ids, axis=0)
""",
    ),
    (
        "another name than weight",
        """
class TokenEmbedding(Module[[Tensor], Tensor]):
    def __init__(self, config):
        self.embedding = Tensor.zeros([config.vocab_size, config.n_embd])

    def forward(self, input_ids):
        return F.gather(self.embedding, input_ids, 0)
""",
    ),
    (
        "another name than weight",
        """
from max.experimental.nn import Embedding


class TokenEmbedding(Module[[Tensor], Tensor]):
    def __init__(self, config):
        self.wte = Embedding(config.vocab_size, dim=config.n_embd)

    def forward(self, input_ids):
        return self.wte(input_ids)
""",
    ),
    (
        "looking columns up instead of rows",
        """
def forward(self, input_ids):
    table = self.weight
    return F.gather(table, indices=input_ids, axis=-1)
""",
    ),
    (
        "multiplying by sqrt(n_embd)",
        """
def forward(self, input_ids):
    vectors = F.gather(self.weight, input_ids, axis=0)
    width = int(self.weight.shape[1])
    return vectors * width**0.5
""",
    ),
    (
        "counting the rows from 1",
        """
def forward(self, input_ids):
    rows = input_ids - 1
    return F.gather(self.weight, rows, axis=0)
""",
    ),
    (
        "giving back a list of tokens without the batch",
        """
def forward(self, input_ids):
    flat = F.reshape(input_ids, [-1])
    rows = F.gather(self.weight, flat, axis=0)
    return rows
""",
    ),
    (
        "another name than weight",
        """
from max.experimental.nn import Embedding


class TokenEmbedding(Module[[Tensor], Tensor]):
    def __init__(self, config):
        self.embedding = Embedding(config.vocab_size, dim=config.n_embd)

    def forward(self, input_ids):
        return self.embedding(input_ids)
""",
    ),
    (
        "a vector of zeros for id 0, as for padding",
        """
def forward(self, input_ids):
    vectors = F.gather(self.weight, input_ids, axis=0)
    not_padding = F.unsqueeze(input_ids != 0, -1)
    return vectors * F.cast(not_padding, vectors.dtype)
""",
    ),
    (
        "the table under two names",
        """
class TokenEmbedding(Module[[Tensor], Tensor]):
    def __init__(self, config):
        self.weight = Tensor.zeros([config.vocab_size, config.n_embd])
        self.table = self.weight

    def forward(self, input_ids):
        return F.gather(self.table, input_ids, axis=0)
""",
    ),
]
