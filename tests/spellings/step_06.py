"""Mistakes in step 06, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "a table with one row for each token of the vocabulary",
        """
def __init__(self, config):
    rows, columns = config.vocab_size, config.n_embd
    self.weight = Tensor.zeros((rows, columns))
""",
    ),
    (
        "the name wpe inside of the table",
        """
class PositionEmbedding(Module[[Tensor], Tensor]):
    def __init__(self, config):
        self.wpe = Tensor.zeros([config.n_positions, config.n_embd])

    def forward(self, positions):
        return F.gather(self.wpe, positions, axis=0)
""",
    ),
    (
        "counting the positions from 1",
        """
def forward(self, positions):
    one_more = positions + 1
    return F.gather(self.weight, one_more, axis=0)
""",
    ),
    (
        "always taking the first rows",
        """
def forward(self, positions):
    length = int(positions.shape[-1])
    return self.weight[:length]
""",
    ),
    (
        "looking columns up instead of rows",
        """
def forward(self, positions):
    found = F.gather(self.weight, positions, axis=1)
    return found
""",
    ),
    (
        "giving back a list of positions without the batch",
        """
def forward(self, positions):
    if positions.rank == 2:
        positions = positions.reshape([-1])
    return F.gather(self.weight, positions, axis=0)
""",
    ),
]
