"""How step 05, token embeddings, is got wrong."""

from course.mistakes import Mistake

TABLE = "self.weight = Tensor.zeros([config.vocab_size, config.n_embd])"
GATHER = "F.gather(self.weight, input_ids, axis=0)"

MISTAKES = [
    Mistake(
        "a table of n_embd rows",
        "There is one row for each token of the vocabulary: [vocab_size, n_embd].",
        {
            TABLE: "self.weight = Tensor.zeros([config.n_embd, config.vocab_size])",
            GATHER: "F.gather(self.weight.transpose(0, 1), input_ids, axis=0)",
        },
    ),
    Mistake(
        "a table with one row for each position",
        "Tokens are looked up here; the table of positions is step 06's.",
        {TABLE: TABLE.replace("vocab_size", "n_positions")},
    ),
    Mistake(
        "a row too many",
        "The ids go from 0 to vocab_size - 1, so vocab_size rows are enough.",
        {TABLE: TABLE.replace("config.vocab_size", "config.vocab_size + 1")},
    ),
    Mistake(
        "the name wte inside of the table",
        "The checkpoint's name is wte.weight, and wte is what step 10 will call it: "
        "here it is weight.",
        {
            TABLE: TABLE.replace("self.weight", "self.wte"),
            GATHER: GATHER.replace("weight", "wte"),
        },
    ),
    Mistake(
        "the name embedding",
        "The checkpoint calls the table weight, and it is loaded by name.",
        {
            TABLE: TABLE.replace("weight", "embedding"),
            GATHER: GATHER.replace("weight", "embedding"),
        },
    ),
    Mistake(
        "indexing the table with a tensor, as NumPy allows",
        "MAX takes a tensor between brackets for one index. F.gather looks many up.",
        {GATHER: "self.weight[input_ids]"},
    ),
    Mistake(
        "looking columns up instead of rows",
        "A token's vector is its row: the axis to look along is 0.",
        {GATHER: GATHER.replace("axis=0", "axis=1")},
    ),
    Mistake(
        "counting the rows from 1",
        "Ids count from 0: id 0 has row 0.",
        {GATHER: GATHER.replace("input_ids", "input_ids - 1")},
    ),
    Mistake(
        "multiplying by sqrt(n_embd)",
        "The first Transformer did that; GPT-2 takes the row as it is.",
        {GATHER: GATHER + " * int(self.weight.shape[1]) ** 0.5"},
    ),
    Mistake(
        "giving back a list of tokens without the batch",
        "The result is [batch, seq, n_embd]: batch and seq stay as they are.",
        {GATHER: "F.gather(self.weight, input_ids.reshape([-1]), axis=0)"},
    ),
    Mistake(
        "looking up only the first sequence",
        "Every sequence of the batch is looked up.",
        {GATHER: "F.gather(self.weight, input_ids[:1, :], axis=0)"},
    ),
    Mistake(
        "exchanging the last two axes",
        "The result is [batch, seq, n_embd]: each token's vector lies along the end.",
        {GATHER: GATHER + ".transpose(1, 2)"},
    ),
    Mistake(
        "adding up the tokens",
        "Each token keeps a vector of its own; what follows needs them in order.",
        {GATHER: f"F.sum({GATHER}, axis=1)"},
    ),
]
