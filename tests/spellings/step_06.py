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
        "another name than weight",
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
        "always taking the first rows, once for all texts",
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
    (
        "a batch of 1 around a list of positions",
        """
def forward(self, positions):
    if len(positions.shape) == 1:
        positions = F.unsqueeze(positions, 0)
    vectors = F.gather(self.weight, positions, axis=0)
    return vectors
""",
    ),
    (
        "always taking the first rows",
        """
def forward(self, positions):
    length = positions.shape[-1]
    index = F.range(
        0, length, out_dim=length, dtype=positions.dtype, device=positions.device
    )
    vectors = F.gather(self.weight, index, axis=0)
    return F.broadcast_to(vectors, [*positions.shape, self.weight.shape[1]])
""",
    ),
    (
        "always taking the first rows",
        """
def forward(self, positions):
    seq_len = positions.shape[-1]
    pos_emb = self.weight[:seq_len, :]
    if positions.rank == 2:
        width = self.weight.shape[1]
        pos_emb = F.broadcast_to(pos_emb, [positions.shape[0], seq_len, width])
    return pos_emb
""",
    ),
    (
        "always taking the first rows, once for all texts",
        """
def forward(self, positions):
    seq_len = positions.shape[-1]
    rows = F.range(
        0, seq_len, 1, seq_len, dtype=positions.dtype, device=positions.device
    )
    return F.gather(self.weight, rows, axis=0)
""",
    ),
    (
        "the first text's positions for the whole batch",
        """
def forward(self, positions):
    if positions.rank == 1:
        return F.gather(self.weight, positions, axis=0)
    batch, seq = positions.shape
    rows = F.gather(self.weight, positions[0], axis=0)
    return F.broadcast_to(F.unsqueeze(rows, 0), [batch, seq, self.weight.shape[1]])
""",
    ),
    (
        "looking only the first text's positions up",
        """
def forward(self, positions):
    if positions.rank == 2:
        positions = positions[0]
    return F.gather(self.weight, positions, axis=0)
""",
    ),
    (
        "subtracting 1 from the positions",
        """
def forward(self, positions):
    rows = positions - 1
    return F.gather(self.weight, rows, axis=0)
""",
    ),
    (
        "two rows too many",
        """
class PositionEmbedding(Module[[Tensor], Tensor]):
    offset = 2

    def __init__(self, config):
        self.weight = Tensor.zeros([config.n_positions + self.offset, config.n_embd])

    def forward(self, positions):
        return F.gather(self.weight, positions + self.offset, axis=0)
""",
    ),
    (
        "another name than weight",
        """
class PositionEmbedding(Module[[Tensor], Tensor]):
    def __init__(self, config):
        self._weight = Tensor.zeros([config.n_positions, config.n_embd])

    @property
    def weight(self):
        return self._weight

    def forward(self, positions):
        return F.gather(self.weight, positions, axis=0)
""",
    ),
]
