"""How step 06, position embeddings, is got wrong."""

from course.mistakes import Mistake

TABLE = "self.weight = Tensor.zeros([config.n_positions, config.n_embd])"
GATHER = "F.gather(self.weight, positions, axis=0)"

MISTAKES = [
    Mistake(
        "a table with one row for each token of the vocabulary",
        "Positions are looked up here: there are n_positions of them.",
        {TABLE: TABLE.replace("n_positions", "vocab_size")},
    ),
    Mistake(
        "a table of n_embd rows",
        "There is one row for each position: [n_positions, n_embd].",
        {
            TABLE: "self.weight = Tensor.zeros([config.n_embd, config.n_positions])",
            GATHER: "F.gather(self.weight.transpose(0, 1), positions, axis=0)",
        },
    ),
    Mistake(
        "a row too many",
        "The positions go from 0 to n_positions - 1, so n_positions rows are enough.",
        {TABLE: TABLE.replace("config.n_positions", "config.n_positions + 1")},
    ),
    Mistake(
        "the name wpe inside of the table",
        "The checkpoint's name is wpe.weight, and wpe is what step 10 will call it: "
        "here it is weight.",
        {
            TABLE: TABLE.replace("self.weight", "self.wpe"),
            GATHER: GATHER.replace("weight", "wpe"),
        },
    ),
    Mistake(
        "counting the positions from 1",
        "The first position is 0 and has row 0.",
        {GATHER: GATHER.replace("positions", "positions + 1")},
    ),
    Mistake(
        "always taking the first rows",
        "The positions that were given have to be looked up: with a KV cache, a text "
        "does not begin at 0.",
        {GATHER: "self.weight[: int(positions.shape[-1]), :]"},
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
        "taking the rows in reverse",
        "Position p has row p.",
        {
            GATHER: GATHER.replace(
                "positions", "int(self.weight.shape[0]) - 1 - positions"
            )
        },
    ),
    Mistake(
        "multiplying by sqrt(n_embd)",
        "GPT-2 takes the row as it is.",
        {GATHER: GATHER + " * int(self.weight.shape[1]) ** 0.5"},
    ),
    Mistake(
        "giving back a list of positions without the batch",
        "[batch, seq] becomes [batch, seq, n_embd]: the batch stays.",
        {GATHER: "F.gather(self.weight, positions.reshape([-1]), axis=0)"},
    ),
    Mistake(
        "adding up the positions",
        "Each position keeps a vector of its own.",
        {GATHER: f"F.sum({GATHER}, axis=-2)"},
    ),
]
