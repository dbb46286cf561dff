"""How step 05, token embeddings, is got wrong."""

from course.mistakes import Mistake

TABLE = "self.weight = Tensor.zeros([config.vocab_size, config.n_embd])"
TURNED = "self.weight = Tensor.zeros([config.n_embd, config.vocab_size])"
GATHER = "F.gather(self.weight, input_ids, axis=0)"
NEXT = "\n        "

ORDINARY = "Every id is a token like any other, and its row is looked up as it is."
AS_THEY_WERE = "The result is [batch, seq, n_embd]: batch and seq stay as they are."
A_VECTOR_EACH = (
    "Each token keeps a vector of its own; what follows needs them in order."
)
AS_IT_IS = "GPT-2 takes the row as it is."


def renamed(name: str) -> dict[str, str]:
    """The table under another name."""
    return {
        TABLE: TABLE.replace("weight", name),
        GATHER: GATHER.replace("weight", name),
    }


def gathered(after: str = "", ids: str = "input_ids") -> dict[str, str]:
    """Something is done to the ids, or to the vectors."""
    return {GATHER: GATHER.replace("input_ids", ids) + after}


def without(id_of_padding: str) -> dict[str, str]:
    """One id gets a vector of zeros."""
    known = f"F.cast(input_ids.unsqueeze(-1) != {id_of_padding}, self.weight.dtype)"
    return gathered(f" * {known}")


MISTAKES = [
    Mistake(
        "a table of n_embd rows",
        "There is one row for each token of the vocabulary: [vocab_size, n_embd].",
        {TABLE: TURNED},
    ),
    Mistake(
        "a table of n_embd rows, turned around when it is read",
        "There is one row for each token of the vocabulary: [vocab_size, n_embd].",
        {TABLE: TURNED, GATHER: GATHER.replace("weight", "weight.transpose(0, 1)")},
    ),
    Mistake(
        "a table of n_embd rows, looked up by its columns",
        "There is one row for each token of the vocabulary: [vocab_size, n_embd].",
        {TABLE: TURNED, GATHER: GATHER.replace("axis=0", "axis=1")},
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
        "rows up to a multiple of 64",
        "That is quicker to train, but the checkpoint's table has vocab_size rows.",
        {TABLE: TABLE.replace("config.vocab_size", "-(-config.vocab_size // 64) * 64")},
    ),
    Mistake(
        "50257 rows, whatever the configuration says",
        "The number of rows is config.vocab_size.",
        {TABLE: TABLE.replace("config.vocab_size", "50257")},
    ),
    Mistake(
        "a table of vocab_size columns",
        "A token's vector has n_embd numbers: the table is [vocab_size, n_embd].",
        {TABLE: TABLE.replace("config.n_embd", "config.vocab_size")},
    ),
    Mistake(
        "another name than weight",
        "The checkpoint's name is wte.weight, and wte is what step 10 will call it: "
        "here it is weight, without anything in front.",
        renamed("embedding"),
    ),
    Mistake(
        "no parameter",
        "The vectors are learned: the table is a Tensor that the module keeps as "
        "self.weight.",
        {
            TABLE: "self.sizes = [config.vocab_size, config.n_embd]",
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
        "Token embeddings have neither a bias nor positions: only weight.",
        {TABLE: f"{TABLE}{NEXT}self.bias = Tensor.zeros([config.n_embd])"},
    ),
    Mistake(
        "two parameters, none of which is weight",
        "There is one table here, and it is weight; that of the positions is step "
        "06's.",
        {
            TABLE: TABLE.replace("weight", "wte")
            + NEXT
            + TABLE.replace("weight", "wpe").replace("vocab_size", "n_positions"),
            GATHER: GATHER.replace("weight", "wte"),
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
        "looking the table up in the ids",
        "F.gather takes the table, then the ids.",
        {GATHER: "F.gather(input_ids, self.weight, axis=0)"},
    ),
    Mistake(
        "counting the rows from 1",
        "Ids count from 0: id 0 has row 0.",
        gathered(ids="input_ids - 1"),
    ),
    Mistake(
        "taking the row after the token's own",
        "Ids count from 0: id 0 has row 0, and there is no row for an id more.",
        gathered(ids="input_ids + 1"),
    ),
    Mistake(
        "a vector of zeros for id 0, as for padding",
        ORDINARY,
        without("0"),
    ),
    Mistake(
        "a vector of zeros for the last id, as for padding",
        ORDINARY,
        without("int(self.weight.shape[0]) - 1"),
    ),
    Mistake(
        "ids made fractional numbers",
        "An id is the number of a row: F.gather takes int32 or int64.",
        gathered(ids="input_ids.cast(self.weight.dtype)"),
    ),
    Mistake(
        "multiplying by sqrt(n_embd)",
        "The first Transformer did that; GPT-2 takes the row as it is.",
        gathered(" * int(self.weight.shape[1]) ** 0.5"),
    ),
    Mistake(
        "dividing by sqrt(n_embd)",
        AS_IT_IS,
        gathered(" / int(self.weight.shape[1]) ** 0.5"),
    ),
    Mistake(
        "bringing each row to length 1",
        AS_IT_IS,
        {
            "return " + GATHER: f"x = {GATHER}{NEXT}"
            "return x * F.rsqrt(F.sum(x * x, axis=-1))"
        },
    ),
    Mistake(
        "a layer norm after the look-up",
        "That is BERT's. In GPT-2 the first layer norm comes in the first block.",
        {
            "return " + GATHER: f"x = {GATHER}{NEXT}"
            f"x = x - F.mean(x, axis=-1){NEXT}"
            "return x * F.rsqrt(F.mean(x * x, axis=-1) + 1e-5)"
        },
    ),
    Mistake(
        "giving back a list of tokens without the batch",
        AS_THEY_WERE,
        {GATHER: "F.gather(self.weight, input_ids.reshape([-1]), axis=0)"},
    ),
    Mistake(
        "looking up only the first sequence",
        "Every sequence of the batch is looked up.",
        gathered(ids="input_ids[:1, :]"),
    ),
    Mistake(
        "leaving the batch of the first sequence out",
        "Every sequence of the batch is looked up, and the batch stays an axis.",
        gathered(ids="input_ids[0]"),
    ),
    Mistake(
        "leaving a batch of 1 out",
        AS_THEY_WERE,
        gathered(ids="(input_ids[0] if input_ids.shape[0] == 1 else input_ids)"),
    ),
    Mistake(
        "leaving the axis of a single token out",
        AS_THEY_WERE,
        gathered(ids="(input_ids[:, 0] if input_ids.shape[1] == 1 else input_ids)"),
    ),
    Mistake(
        "looking up only the last token",
        "Every token of the sequence is looked up.",
        gathered(ids="input_ids[:, -1]"),
    ),
    Mistake(
        "looking up only the first token",
        "Every token of the sequence is looked up.",
        gathered(ids="input_ids[:, 0]"),
    ),
    Mistake(
        "taking the ids for one sequence, without a batch",
        "The ids are [batch, seq].",
        {"return " + GATHER: f"(seq,) = input_ids.shape{NEXT}return {GATHER}"},
    ),
    Mistake(
        "an axis more in front",
        AS_THEY_WERE + " The ids have their batch already.",
        gathered(ids="input_ids.unsqueeze(0)"),
    ),
    Mistake(
        "an axis more in front of n_embd",
        AS_THEY_WERE,
        gathered(ids="input_ids.unsqueeze(-1)"),
    ),
    Mistake(
        "exchanging the last two axes",
        "The result is [batch, seq, n_embd]: each token's vector lies along the end.",
        gathered(".transpose(1, 2)"),
    ),
    Mistake(
        "exchanging batch and seq",
        "The result is [batch, seq, n_embd]: the batch stays in front.",
        gathered(".transpose(0, 1)"),
    ),
    Mistake(
        "adding up the tokens",
        A_VECTOR_EACH,
        {GATHER: f"F.sum({GATHER}, axis=1)"},
    ),
    Mistake(
        "adding up the tokens, and leaving their axis out",
        A_VECTOR_EACH,
        {GATHER: f"F.sum({GATHER}, axis=1).squeeze(1)"},
    ),
    Mistake(
        "averaging the tokens",
        A_VECTOR_EACH,
        {GATHER: f"F.mean({GATHER}, axis=1)"},
    ),
    Mistake(
        "averaging the tokens, and leaving their axis out",
        A_VECTOR_EACH,
        {GATHER: f"F.mean({GATHER}, axis=1).squeeze(1)"},
    ),
    Mistake(
        "a row of zeros and a one, not multiplied by the table",
        "The product of that row with the table, one_hot @ self.weight, is the vector.",
        {
            "return " + GATHER: "count = self.weight.shape[0]\n"
            "        every = F.arange(0, count, out_dim=count, "
            "dtype=input_ids.dtype, device=input_ids.device)\n"
            "        return F.cast(input_ids.unsqueeze(-1) == every, self.weight.dtype)"
        },
    ),
    Mistake(
        "keeping what an earlier call gave",
        "Every call looks its own ids up: nothing is kept.",
        {
            "return " + GATHER: f"if not hasattr(self, 'kept'):{NEXT}"
            f"    self.kept = {GATHER}{NEXT}"
            "return self.kept"
        },
    ),
]
