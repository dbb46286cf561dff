"""How step 06, position embeddings, is got wrong."""

from course.mistakes import Mistake

TABLE = "self.weight = Tensor.zeros([config.n_positions, config.n_embd])"
TURNED = "self.weight = Tensor.zeros([config.n_embd, config.n_positions])"
GATHER = "F.gather(self.weight, positions, axis=0)"
RETURN = f"return {GATHER}"
NEXT = "\n        "
COUNT = (
    f"seq = positions.shape[-1]{NEXT}"
    "count = F.arange("
    "0, seq, out_dim=seq, dtype=positions.dtype, device=positions.device)"
)
TEXTS = "texts = positions if positions.rank == 2 else positions.unsqueeze(0)"

GIVEN = (
    "The positions that were given have to be looked up: with a KV cache, a text does "
    "not begin at 0."
)
ANY = (
    "Each position that was given is looked up: where texts of different lengths are "
    "filled up, they do not simply count on."
)
OWN = "Each text of the batch has positions of its own."
BOTH = "[seq] becomes [seq, n_embd], and [batch, seq] becomes [batch, seq, n_embd]."
FIRST_IS_0 = "The first position is 0 and has row 0."
A_VECTOR_EACH = "Each position keeps a vector of its own."
AS_IT_IS = "GPT-2 takes the row as it is."


def renamed(name: str) -> dict[str, str]:
    """The table under another name."""
    return {
        TABLE: TABLE.replace("weight", name),
        GATHER: GATHER.replace("weight", name),
    }


def gathered(after: str = "", positions: str = "positions") -> dict[str, str]:
    """Something is done to the positions, or to the vectors."""
    return {GATHER: GATHER.replace("positions", positions) + after}


def before(*lines: str) -> dict[str, str]:
    """The same in lines of their own."""
    return {RETURN: NEXT.join([*lines, RETURN])}


MISTAKES = [
    Mistake(
        "a table with one row for each token of the vocabulary",
        "Positions are looked up here: there are n_positions of them.",
        {TABLE: TABLE.replace("n_positions", "vocab_size")},
    ),
    Mistake(
        "a table of n_embd rows",
        "There is one row for each position: [n_positions, n_embd].",
        {TABLE: TURNED},
    ),
    Mistake(
        "a table of n_embd rows, turned around when it is read",
        "There is one row for each position: [n_positions, n_embd].",
        {TABLE: TURNED, GATHER: GATHER.replace("weight", "weight.transpose(0, 1)")},
    ),
    Mistake(
        "a table of n_embd rows, looked up by its columns",
        "There is one row for each position: [n_positions, n_embd].",
        {TABLE: TURNED, GATHER: GATHER.replace("axis=0", "axis=1")},
    ),
    Mistake(
        "a row too many",
        "The positions go from 0 to n_positions - 1, so n_positions rows are enough.",
        {TABLE: TABLE.replace("config.n_positions", "config.n_positions + 1")},
    ),
    Mistake(
        "two rows too many",
        "OPT and BART keep two rows free. GPT-2's first position, 0, has row 0.",
        {
            TABLE: TABLE.replace("config.n_positions", "config.n_positions + 2"),
            GATHER: GATHER.replace("positions", "positions + 2"),
        },
    ),
    Mistake(
        "1024 rows, whatever the configuration says",
        "The number of rows is config.n_positions.",
        {TABLE: TABLE.replace("config.n_positions", "1024")},
    ),
    Mistake(
        "a table of n_positions columns",
        "A position's vector has n_embd numbers: the table is [n_positions, n_embd].",
        {TABLE: TABLE.replace("config.n_embd", "config.n_positions")},
    ),
    Mistake(
        "another name than weight",
        "The checkpoint's name is wpe.weight, and wpe is what step 10 will call it: "
        "here it is weight, without anything in front.",
        renamed("wpe"),
    ),
    Mistake(
        "no parameter",
        "GPT-2 does not compute sines and cosines, it learns the vectors: the table is "
        "a Tensor that the module keeps as self.weight.",
        {
            TABLE: "self.sizes = [config.n_positions, config.n_embd]",
            GATHER: GATHER.replace("self.weight", "Tensor.zeros(self.sizes)"),
        },
    ),
    Mistake(
        "the table under two names",
        "Every name is a parameter of its own, and the checkpoint has only weight.",
        {TABLE: f"{TABLE}{NEXT}self.table = self.weight"},
    ),
    Mistake(
        "a second parameter beside weight",
        "Position embeddings are one table, and the positions are given: only weight.",
        {TABLE: f"{TABLE}{NEXT}self.bias = Tensor.zeros([config.n_embd])"},
    ),
    Mistake(
        "two parameters, none of which is weight",
        "There is one table here, and it is weight; that of the tokens is step 05's.",
        {
            TABLE: TABLE.replace("weight", "wpe")
            + NEXT
            + TABLE.replace("weight", "wte").replace("n_positions", "vocab_size"),
            GATHER: GATHER.replace("weight", "wpe"),
        },
    ),
    Mistake(
        "counting the positions from 1",
        FIRST_IS_0,
        gathered(positions="positions + 1"),
    ),
    Mistake(
        "subtracting 1 from the positions",
        FIRST_IS_0,
        gathered(positions="positions - 1"),
    ),
    Mistake(
        "adding 2 to the positions",
        FIRST_IS_0 + " OPT and BART keep two rows free, GPT-2 does not.",
        gathered(positions="positions + 2"),
    ),
    Mistake(
        "always taking the first rows",
        GIVEN,
        {
            RETURN: f"{COUNT}{NEXT}rows = F.gather(self.weight, count, axis=0){NEXT}"
            "return F.broadcast_to(rows, [*positions.shape, self.weight.shape[1]])"
        },
    ),
    Mistake(
        "always taking the first rows, once for all texts",
        GIVEN + " And the batch stays an axis.",
        {GATHER: "self.weight[: positions.shape[-1], :]"},
    ),
    Mistake(
        "always taking the first rows, once, with a batch of 1",
        GIVEN + " And [seq] becomes [seq, n_embd].",
        {GATHER: "self.weight[: positions.shape[-1], :].unsqueeze(0)"},
    ),
    Mistake(
        "taking the first rows, as many as there are texts or positions",
        GIVEN,
        {GATHER: "self.weight[: positions.shape[0], :]"},
    ),
    Mistake(
        "taking the last rows",
        GIVEN,
        {
            RETURN: f"seq, rows = positions.shape[-1], self.weight.shape[0]{NEXT}"
            f"late = self.weight[rows - seq :, :]{NEXT}"
            "return F.broadcast_to(late, [*positions.shape, self.weight.shape[1]])"
        },
    ),
    Mistake(
        "counting on from the first position",
        ANY,
        before(
            COUNT, TEXTS, "positions = (texts[:, :1] + count).reshape(positions.shape)"
        ),
    ),
    Mistake(
        "counting on from the first position of the first text",
        f"{OWN} {ANY}",
        before(
            COUNT,
            TEXTS,
            "count = (texts[:1, :1] + count).reshape([seq])",
            "positions = F.broadcast_to(count, positions.shape)",
        ),
    ),
    Mistake(
        "subtracting the smallest position",
        GIVEN,
        before(
            "smallest = F.min(positions.cast(self.weight.dtype), axis=-1)",
            "positions = positions - smallest.cast(positions.dtype)",
        ),
    ),
    Mistake(
        "subtracting the first position",
        GIVEN,
        before(TEXTS, "positions = (texts - texts[:, :1]).reshape(positions.shape)"),
    ),
    Mistake(
        "taking the rows in reverse",
        "Position p has row p.",
        gathered(positions="int(self.weight.shape[0]) - 1 - positions"),
    ),
    Mistake(
        "the first text's positions for the whole batch",
        OWN,
        {
            RETURN: f"if positions.rank == 1:{NEXT}    {RETURN}{NEXT}"
            f"rows = F.gather(self.weight, positions[0], axis=0){NEXT}"
            "return F.broadcast_to(rows, [*positions.shape, self.weight.shape[1]])"
        },
    ),
    Mistake(
        "the last text's positions for the whole batch",
        OWN,
        {
            RETURN: f"if positions.rank == 1:{NEXT}    {RETURN}{NEXT}"
            f"rows = F.gather(self.weight, positions[-1], axis=0){NEXT}"
            "return F.broadcast_to(rows, [*positions.shape, self.weight.shape[1]])"
        },
    ),
    Mistake(
        "looking only the first text's positions up",
        OWN + " " + BOTH,
        before("positions = positions[0] if positions.rank == 2 else positions"),
    ),
    Mistake(
        "looking only the first text's positions up, as a batch of 1",
        OWN,
        before("positions = positions[:1, :] if positions.rank == 2 else positions"),
    ),
    Mistake(
        "looking only the last text's positions up",
        OWN + " " + BOTH,
        before("positions = positions[-1] if positions.rank == 2 else positions"),
    ),
    Mistake(
        "indexing the table with a tensor, as NumPy allows",
        "MAX takes a tensor between brackets for one index. F.gather looks many up.",
        {GATHER: "self.weight[positions]"},
    ),
    Mistake(
        "looking columns up instead of rows",
        "A position's vector is its row: the axis to look along is 0.",
        {GATHER: GATHER.replace("axis=0", "axis=1")},
    ),
    Mistake(
        "looking the table up in the positions",
        "F.gather takes the table, then the positions.",
        {GATHER: "F.gather(positions, self.weight, axis=0)"},
    ),
    Mistake(
        "positions made fractional numbers",
        "A position is the number of a row: F.gather takes int32 or int64.",
        gathered(positions="positions.cast(self.weight.dtype)"),
    ),
    Mistake(
        "multiplying by sqrt(n_embd)",
        AS_IT_IS,
        gathered(" * int(self.weight.shape[1]) ** 0.5"),
    ),
    Mistake(
        "dividing by sqrt(n_embd)",
        AS_IT_IS,
        gathered(" / int(self.weight.shape[1]) ** 0.5"),
    ),
    Mistake(
        "a vector of zeros for position 0, as for padding",
        "Position 0 is that of the first token, and its row is learned like any other.",
        gathered(" * F.cast(positions.unsqueeze(-1) != 0, self.weight.dtype)"),
    ),
    Mistake(
        "giving back a list of positions without the batch",
        "[batch, seq] becomes [batch, seq, n_embd]: the batch stays.",
        {GATHER: "F.gather(self.weight, positions.reshape([-1]), axis=0)"},
    ),
    Mistake(
        "a batch of 1 around a list of positions",
        BOTH,
        before(
            "positions = positions.unsqueeze(0) if positions.rank < 2 else positions"
        ),
    ),
    Mistake(
        "an axis more in front",
        BOTH,
        gathered(positions="positions.unsqueeze(0)"),
    ),
    Mistake(
        "an axis more in front of n_embd",
        BOTH,
        gathered(positions="positions.unsqueeze(-1)"),
    ),
    Mistake(
        "leaving a batch of 1 out",
        BOTH,
        before(
            "if positions.rank == 2 and positions.shape[0] == 1:",
            "    positions = positions[0]",
        ),
    ),
    Mistake(
        "leaving the axis of a single position out",
        BOTH,
        before(
            "if positions.shape[-1] == 1:",
            "    return F.gather(self.weight, positions, axis=0).squeeze(-2)",
        ),
    ),
    Mistake(
        "taking the positions' shape apart as batch and seq",
        "The positions may be [seq] too.",
        before("batch, seq = positions.shape"),
    ),
    Mistake(
        "asking a list of positions for a second axis",
        "The positions may be [seq] too.",
        before("seq = positions.shape[1]"),
    ),
    Mistake(
        "taking the positions' shape apart as seq alone",
        "The positions may be [batch, seq] too.",
        before("(seq,) = positions.shape"),
    ),
    Mistake(
        "refusing a batch of positions",
        "The positions may be [batch, seq] too.",
        before("if positions.rank != 1:", '    raise ValueError("positions")'),
    ),
    Mistake(
        "refusing positions without a batch",
        "The positions may be [seq] too.",
        before("if positions.rank != 2:", '    raise ValueError("positions")'),
    ),
    Mistake(
        "looking up only the last position",
        "Every position is looked up.",
        before(TEXTS, "positions = texts[:, -1].reshape(positions.shape[:-1])"),
    ),
    Mistake(
        "looking up only the last position, and keeping its axis",
        "Every position is looked up.",
        before(TEXTS, "positions = texts[:, -1:].reshape([*positions.shape[:-1], 1])"),
    ),
    Mistake(
        "exchanging the last two axes",
        "The result is [..., seq, n_embd]: each position's vector lies along the end.",
        gathered(".transpose(-1, -2)"),
    ),
    Mistake(
        "exchanging batch and seq",
        BOTH,
        before(
            "positions = positions.transpose(0, 1) if positions.rank > 1 else positions"
        ),
    ),
    Mistake(
        "adding up the positions",
        A_VECTOR_EACH,
        {GATHER: f"F.sum({GATHER}, axis=-2)"},
    ),
    Mistake(
        "adding up the positions, and leaving their axis out",
        A_VECTOR_EACH,
        {GATHER: f"F.sum({GATHER}, axis=-2).squeeze(-2)"},
    ),
    Mistake(
        "a row of zeros and a one, not multiplied by the table",
        "The product of that row with the table, one_hot @ self.weight, is the vector.",
        {
            RETURN: f"rows = self.weight.shape[0]{NEXT}"
            "every = F.arange(0, rows, out_dim=rows, "
            f"dtype=positions.dtype, device=positions.device){NEXT}"
            "return F.cast(positions.unsqueeze(-1) == every, self.weight.dtype)"
        },
    ),
    Mistake(
        "keeping what an earlier call gave",
        "Every call looks its own positions up: nothing is kept.",
        {
            RETURN: f"if not hasattr(self, 'kept'):{NEXT}"
            f"    self.kept = {GATHER}{NEXT}"
            "return self.kept"
        },
    ),
    Mistake(
        "counting on from the call before",
        "The positions are counted by whoever calls: they are looked up as they are.",
        before(
            "seen = self.__dict__.get('seen', 0)",
            "self.seen = seen + int(positions.shape[-1])",
            "positions = positions + seen",
        ),
    ),
]
