"""Other right answers to step 10."""

ANSWERS = {
    "reduced over the blocks": """
import functools


def forward(self, input_ids, positions=None):
    seq = input_ids.shape[-1]
    if isinstance(seq, StaticDim) and seq.dim > self.n_positions:
        raise ValueError(
            f"n_positions is {self.n_positions}, the ids are {seq.dim}"
        )
    if positions is None:
        positions = Tensor.arange(
            seq, out_dim=seq, dtype=DType.int64, device=input_ids.device
        )
    embedded = F.add(self.wte(input_ids), self.wpe(positions))
    return self.ln_f(functools.reduce(lambda x, block: block(x), self.h, embedded))
""",
    "positions like the ids": """
def forward(self, input_ids, positions=None):
    try:
        length = int(input_ids.shape[1])
    except TypeError:  # symbolic
        length = 0
    if length > self.n_positions:
        raise ValueError(
            f"more than n_positions={self.n_positions} tokens: {length}"
        )
    if positions is None:
        positions = Tensor.range_like(input_ids)  # [batch, seq]
    x = self.wpe(positions) + self.wte(input_ids)
    for i in range(len(self.h)):
        x = self.h[i](x)
    return self.ln_f(x)
""",
    "the configuration kept, blocks appended": """
def __init__(self, config):
    super().__init__()
    self.config = config
    self.ln_f = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
    self.h = ModuleList()
    for _ in range(config.n_layer):
        self.h.append(GPT2Block(config))
    self.wpe = PositionEmbedding(config)
    self.wte = TokenEmbedding(config)


def forward(self, input_ids, positions=None):
    _, seq = input_ids.shape
    limit = self.config.n_positions
    if isinstance(seq, StaticDim) and not int(seq) <= limit:
        raise ValueError(f"n_positions allows {limit} tokens, not {int(seq)}")
    if positions is None:
        counted = F.arange(
            0, seq, 1, seq, dtype=DType.int32, device=input_ids.device
        )
        positions = F.cast(counted, DType.int64)
    x = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        x = block(x)
    return self.ln_f(x)
""",
    "numpy where the length is known": """
import numpy as np


def forward(self, input_ids, positions=None):
    seq, device = input_ids.shape[1], input_ids.device
    known = isinstance(seq, StaticDim)
    if known and int(seq) > self.n_positions:
        raise ValueError("the sequence is longer than n_positions")
    if positions is None and known:
        positions = Tensor(
            np.arange(int(seq)).tolist(), dtype=DType.int64, device=device
        )
    elif positions is None:
        positions = F.arange(0, seq, out_dim=seq, dtype=DType.int64, device=device)
    stream = self.wte(input_ids) + self.wpe(positions)
    for block in self.h:
        stream = block(stream)
    return self.ln_f(stream)
""",
    "blocks in a Sequential": """
from max.experimental.nn import Sequential


def __init__(self, config):
    self.longest = config.n_positions
    self.wte = TokenEmbedding(config)
    self.wpe = PositionEmbedding(config)
    self.h = Sequential(*(GPT2Block(config) for _ in range(config.n_layer)))
    self.ln_f = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)


def forward(self, input_ids, positions=None):
    seq = input_ids.shape[1]
    if isinstance(seq, StaticDim) and int(seq) > self.longest:
        raise ValueError(f"at most n_positions = {self.longest} tokens fit")
    if positions is None:
        ones = F.broadcast_to(
            Tensor(1.0, dtype=DType.float32, device=input_ids.device), [seq]
        )
        positions = F.cast(F.cumsum(ones) - 1, DType.int64)
    return self.ln_f(self.h(self.wte(input_ids) + self.wpe(positions)))
""",
    "a pattern for the length, one row of positions": """
def __init__(self, config):
    self.ln_f = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
    self.h = [GPT2Block(config) for _ in range(config.n_layer)]
    self.wpe, self.wte = PositionEmbedding(config), TokenEmbedding(config)
    self.context = config.n_positions


def forward(self, input_ids, positions=None):
    length = input_ids.shape[-1]
    match length:
        case StaticDim(dim=known) if known > self.context:
            raise ValueError(f"{known} tokens > n_positions = {self.context}")
    if positions is None:
        positions = Tensor.arange(
            0, length, 1, length, dtype=DType.int64, device=input_ids.device
        ).reshape([1, length])
    stream = self.wpe(positions) + self.wte(input_ids)
    for block in self.h:
        stream = block.forward(stream)
    return self.ln_f(stream)
""",
}
