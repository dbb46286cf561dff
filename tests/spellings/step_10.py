"""Mistakes in step 10, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "leaving the position embeddings out",
        """
def forward(self, input_ids, positions=None):
    length = input_ids.shape[1]
    if isinstance(length, StaticDim) and int(length) > self.n_positions:
        raise ValueError(f"n_positions = {self.n_positions} < {int(length)}")
    hidden = self.wte(input_ids)
    for layer in self.h:
        hidden = layer(hidden)
    return self.ln_f(hidden)
""",
    ),
    (
        "looking the ids up among the positions",
        """
def forward(self, input_ids, positions=None):
    batch, seq = input_ids.shape
    if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
        raise ValueError("longer than n_positions")
    tokens = self.wte(input_ids)
    places = self.wpe(input_ids)
    x = tokens + places
    for b in self.h:
        x = b(x)
    return self.ln_f(x)
""",
    ),
    (
        "ignoring the positions that are given",
        """
def forward(self, input_ids, positions=None):
    n = input_ids.shape[-1]
    if isinstance(n, StaticDim) and int(n) > self.n_positions:
        raise ValueError(f"n_positions is {self.n_positions}, got {int(n)} tokens")
    pos = F.arange(0, n, 1, out_dim=n, dtype=DType.int64, device=input_ids.device)
    embedded = F.add(self.wte(input_ids), self.wpe(pos))
    for i in range(len(self.h)):
        embedded = self.h[i](embedded)
    return self.ln_f(embedded)
""",
    ),
    (
        "positions that begin at 1",
        """
def forward(self, input_ids, positions=None):
    seq_len = input_ids.shape[1]
    if isinstance(seq_len, StaticDim) and int(seq_len) > self.n_positions:
        raise ValueError("the sequence does not fit n_positions")
    if positions is None:
        positions = F.arange(
            1,
            seq_len + 1,
            out_dim=seq_len,
            dtype=DType.int64,
            device=input_ids.device,
        )
    stream = self.wpe(positions) + self.wte(input_ids)
    for block in self.h:
        stream = block(stream)
    stream = self.ln_f(stream)
    return stream
""",
    ),
    (
        "leaving ln_f out",
        """
def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and seq.dim > self.n_positions:
        raise ValueError(f"{seq.dim} tokens, but n_positions is {self.n_positions}")
    if positions is None:
        device = input_ids.device
        positions = F.arange(0, seq, out_dim=seq, dtype=DType.int64, device=device)
    x = self.wte(input_ids) + self.wpe(positions)
    for layer in self.h:
        x = layer(x)
    return x
""",
    ),
    (
        "ln_f before the blocks instead of after them",
        """
def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
        raise ValueError("sequence longer than n_positions")
    if positions is None:
        positions = F.arange(
            0, seq, out_dim=seq, dtype=DType.int64, device=input_ids.device
        )
    token_part = self.wte(input_ids)
    position_part = self.wpe(positions)
    x = self.ln_f(token_part + position_part)
    for block in self.h:
        x = block(x)
    return x
""",
    ),
    (
        "giving every block the embeddings, so that only the last one counts",
        """
def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
        raise ValueError("too long for n_positions")
    if positions is None:
        positions = F.arange(
            0, seq, out_dim=seq, dtype=DType.int64, device=input_ids.device
        )
    x = self.wte(input_ids) + self.wpe(positions)
    out = x
    for block in self.h:
        out = block(x)
    return self.ln_f(out)
""",
    ),
    (
        "adding every block's result to the stream",
        """
def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
        raise ValueError("n_positions exceeded")
    if positions is None:
        positions = F.arange(
            0, seq, out_dim=seq, dtype=DType.int64, device=input_ids.device
        )
    x = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        x += block(x)
    return self.ln_f(x)
""",
    ),
    (
        "one block used n_layer times",
        """
def __init__(self, config):
    self.n_positions = config.n_positions
    self.wte = TokenEmbedding(config)
    self.wpe = PositionEmbedding(config)
    self.h = ModuleList([GPT2Block(config)] * config.n_layer)
    self.ln_f = LayerNorm(dim=config.n_embd, eps=config.layer_norm_epsilon)
""",
    ),
    (
        "one block too few",
        """
def __init__(self, config):
    self.n_positions = config.n_positions
    self.wte = TokenEmbedding(config)
    self.wpe = PositionEmbedding(config)
    blocks = []
    for _ in range(1, config.n_layer):
        blocks.append(GPT2Block(config))
    self.h = ModuleList(blocks)
    self.ln_f = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
""",
    ),
    (
        "another name for the blocks than h",
        """
class GPT2Model(Module[..., Tensor]):
    def __init__(self, config):
        self.max_len = config.n_positions
        self.wte = TokenEmbedding(config)
        self.wpe = PositionEmbedding(config)
        self.blocks = ModuleList(GPT2Block(config) for _ in range(config.n_layer))
        self.ln_f = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)

    def forward(self, input_ids, positions=None):
        t = input_ids.shape[1]
        if isinstance(t, StaticDim) and int(t) > self.max_len:
            raise ValueError(f"too long: {int(t)} > {self.max_len} (n_positions)")
        if positions is None:
            positions = F.arange(
                0, t, out_dim=t, dtype=DType.int64, device=input_ids.device
            )
        x = self.wte(input_ids) + self.wpe(positions)
        for block in self.blocks:
            x = block(x)
        return self.ln_f(x)
""",
    ),
    (
        "not refusing a sequence that is too long",
        """
def forward(self, input_ids, positions=None):
    batch_size, num_tokens = input_ids.shape
    if positions is None:
        positions = F.arange(
            0,
            num_tokens,
            out_dim=num_tokens,
            dtype=DType.int64,
            device=input_ids.device,
        )
    x = F.add(self.wte(input_ids), self.wpe(positions))
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    ),
    (
        "refusing a full context",
        """
def forward(self, input_ids, positions=None):
    t = input_ids.shape[1]
    if isinstance(t, StaticDim):
        if int(t) >= self.n_positions:
            raise ValueError(f"sequence of {int(t)} is too long for n_positions")
    if positions is None:
        positions = F.arange(
            0, t, out_dim=t, dtype=DType.int64, device=input_ids.device
        )
    tok, pos = self.wte(input_ids), self.wpe(positions)
    x = tok + pos
    for layer in self.h:
        x = layer(x)
    return self.ln_f(x)
""",
    ),
    (
        "refusing a large batch instead of a long sequence",
        """
def forward(self, input_ids, positions=None):
    size = input_ids.shape[0]
    if isinstance(size, StaticDim) and int(size) > self.n_positions:
        raise ValueError(f"only {self.n_positions} tokens fit (n_positions)")
    if positions is None:
        seq = input_ids.shape[1]
        positions = F.arange(
            0, seq, out_dim=seq, dtype=DType.int64, device=input_ids.device
        )
    h = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        h = block(h)
    return self.ln_f(h)
""",
    ),
    (
        "refusing a long sequence only where no positions are given",
        """
def count(model, input_ids):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > model.n_positions:
        raise ValueError(f"{int(seq)} is longer than n_positions")
    return F.range(0, seq, 1, seq, dtype=DType.int64, device=input_ids.device)


def forward(self, input_ids, positions=None):
    if positions is None:
        positions = count(self, input_ids)
    x = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    ),
    (
        "counting n_positions positions where the length is symbolic",
        """
def forward(self, input_ids, positions=None):
    length = self.n_positions
    if isinstance(input_ids.shape[1], StaticDim):
        length = int(input_ids.shape[1])
    if length > self.n_positions:
        raise ValueError(f"{length} tokens, n_positions is {self.n_positions}")
    if positions is None:
        positions = F.range(0, length, dtype=DType.int64, device=input_ids.device)
    x = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    ),
    (
        "taking the length as an int before asking whether it is known",
        """
def forward(self, input_ids, positions=None):
    t = int(input_ids.shape[1])
    if t > self.n_positions:
        raise ValueError(f"length {t}, n_positions is only {self.n_positions}")
    if positions is None:
        positions = F.range(0, t, dtype=DType.int64, device=input_ids.device)
    tok_emb = self.wte(input_ids)
    pos_emb = self.wpe(positions)
    x = tok_emb + pos_emb
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    ),
    (
        "counting positions with the length as an int",
        """
import numpy as np


def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
        raise ValueError(f"{int(seq)} tokens > n_positions = {self.n_positions}")
    if positions is None:
        positions = Tensor.from_dlpack(np.arange(int(seq)))
    x = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    ),
    (
        "comparing the length before asking whether it is known",
        """
def forward(self, input_ids, positions=None):
    batch_size, seq = input_ids.shape
    if seq > self.n_positions:
        raise ValueError(f"{seq} tokens, n_positions is only {self.n_positions}")
    if positions is None:
        positions = F.range(
            0, seq, 1, seq, dtype=DType.int64, device=input_ids.device
        )
    x = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    ),
    (
        "asking whether positions is true, instead of whether it is None",
        """
def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
        raise ValueError(f"{int(seq)} tokens > n_positions = {self.n_positions}")
    positions = positions or F.range(
        0, seq, 1, seq, dtype=DType.int64, device=input_ids.device
    )
    x = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    ),
    (
        "adding the position embeddings in front of every block",
        """
def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
        raise ValueError(f"{int(seq)} tokens > n_positions = {self.n_positions}")
    if positions is None:
        positions = F.range(
            0, seq, 1, seq, dtype=DType.int64, device=input_ids.device
        )
    where = self.wpe(positions)
    x = self.wte(input_ids)
    for block in self.h:
        # attention itself does not know the order: tell each block
        x = block(x + where)
    return self.ln_f(x)
""",
    ),
    (
        "positions that are no whole numbers",
        """
def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
        raise ValueError(f"{int(seq)} tokens > n_positions = {self.n_positions}")
    if positions is None:
        positions = F.arange(0, seq, out_dim=seq, device=input_ids.device)
    x = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    ),
    (
        "assert instead of raise ValueError",
        """
def forward(self, input_ids, positions=None):
    b, seq = input_ids.shape
    if isinstance(seq, StaticDim):
        assert int(seq) <= self.n_positions, (
            f"Cannot forward sequence of length {int(seq)}, block size"
            f" (n_positions) is only {self.n_positions}"
        )
    if positions is None:
        positions = F.range(
            0, seq, 1, seq, dtype=DType.int64, device=input_ids.device
        )
    x = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    ),
    (
        "an axis too many in front of the position embeddings",
        """
def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > self.n_positions:
        raise ValueError(f"{int(seq)} tokens > n_positions = {self.n_positions}")
    if positions is None:
        positions = F.range(
            0, seq, 1, seq, dtype=DType.int64, device=input_ids.device
        )
    token_embeddings = self.wte(input_ids)
    # Same positions for every sequence of the batch: broadcast over axis 0.
    position_embeddings = F.unsqueeze(self.wpe(positions), 0)
    hidden = token_embeddings + position_embeddings
    for block in self.h:
        hidden = block(hidden)
    return self.ln_f(hidden)
""",
    ),
]
