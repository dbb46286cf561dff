"""How step 10, the whole stack, is got wrong."""

from course.mistakes import Mistake

SUM = "x = self.wte(input_ids) + self.wpe(positions)"
LOOP = "for block in self.h:\n            x = block(x)"
RETURN = "return self.ln_f(x)"
BLOCKS = "ModuleList([GPT2Block(config) for _ in range(config.n_layer)])"
LENGTH = "seq = input_ids.shape[1]\n"
TOO_LONG = "if isinstance(seq, StaticDim) and int(seq) > self.n_positions:"
GIVEN = "if positions is None:"
LN_F = "self.ln_f = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)"

MISTAKES = [
    Mistake(
        "leaving the position embeddings out",
        "Without wpe, the model does not know the order of the tokens.",
        {SUM: "x = self.wte(input_ids)"},
    ),
    Mistake(
        "leaving the token embeddings out",
        "The stream opens with both embeddings, added.",
        {SUM: "x = self.wpe(positions) + self.wte(input_ids * 0) * 0"},
    ),
    Mistake(
        "multiplying the two embeddings",
        "They are added.",
        {SUM: "x = self.wte(input_ids) * self.wpe(positions)"},
    ),
    Mistake(
        "looking the ids up among the positions",
        "wpe is for positions, wte for ids.",
        {SUM: "x = self.wte(input_ids) + self.wpe(input_ids)"},
    ),
    Mistake(
        "scaling the token embeddings by sqrt(n_embd)",
        "The first Transformer did that; GPT-2 adds the rows as they are.",
        {
            SUM: (
                "x = self.wte(input_ids)\n"
                "        x = x * int(x.shape[-1]) ** 0.5 + self.wpe(positions)"
            )
        },
    ),
    Mistake(
        "ignoring the positions that are given",
        "Only where positions is None are they 0, 1, 2, ...",
        {GIVEN: "if True:"},
    ),
    Mistake(
        "positions that begin at 1",
        "The first position is 0.",
        {
            "F.arange(\n                0, seq, out_dim=seq,": (
                "1 + F.arange(\n                0, seq, out_dim=seq,"
            )
        },
    ),
    Mistake(
        "one position for all tokens",
        "The tokens stand at 0, 1, 2, ...",
        {
            "F.arange(\n                0, seq, out_dim=seq,": (
                "0 * F.arange(\n                0, seq, out_dim=seq,"
            )
        },
    ),
    Mistake(
        "leaving ln_f out",
        "A last layer norm closes the stream.",
        {RETURN: "return x"},
    ),
    Mistake(
        "ln_f before the blocks instead of after them",
        "A last layer norm closes the stream.",
        {LOOP: "x = self.ln_f(x)\n        " + LOOP, RETURN: "return x"},
    ),
    Mistake(
        "ln_f after every block",
        "ln_f comes once, after the last block.",
        {LOOP: LOOP.replace("block(x)", "self.ln_f(block(x))"), RETURN: "return x"},
    ),
    Mistake(
        "ln_f twice",
        "ln_f comes once, after the last block.",
        {RETURN: "return self.ln_f(self.ln_f(x))"},
    ),
    Mistake(
        "running only the first block",
        "Every block takes what the one before it gave.",
        {LOOP: "x = self.h[0](x)"},
    ),
    Mistake(
        "leaving the blocks out, or throwing away what they return",
        "Between the embeddings and ln_f run the blocks, one after another.",
        {LOOP: "pass"},
    ),
    Mistake(
        "the blocks in reverse",
        "h.0 comes first.",
        {"for block in self.h:": "for block in reversed(list(self.h)):"},
    ),
    Mistake(
        "giving every block the embeddings, so that only the last one counts",
        "Every block takes what the one before it gave.",
        {
            LOOP: (
                "opening = x\n"
                "        for block in self.h:\n"
                "            x = block(opening)"
            )
        },
    ),
    Mistake(
        "adding every block's result to the stream",
        "A block already gives the stream with what it has added.",
        {LOOP: LOOP.replace("block(x)", "x + block(x)")},
    ),
    Mistake(
        "running every block twice",
        "Each of the n_layer blocks runs once.",
        {LOOP: LOOP.replace("block(x)", "block(block(x))")},
    ),
    Mistake(
        "one block used n_layer times",
        "Each layer has weights of its own: make a new block for each.",
        {BLOCKS: "ModuleList([GPT2Block(config)] * config.n_layer)"},
    ),
    Mistake(
        "one block too many",
        "There are n_layer blocks: h.0 to h.(n_layer - 1).",
        {BLOCKS: BLOCKS.replace("config.n_layer", "config.n_layer + 1")},
    ),
    Mistake(
        "one block too few",
        "There are n_layer blocks: h.0 to h.(n_layer - 1).",
        {BLOCKS: BLOCKS.replace("range(config.n_layer)", "range(1, config.n_layer)")},
    ),
    Mistake(
        "the name blocks instead of h",
        "The checkpoint calls them h, and they are loaded by name.",
        {
            "self.h = ": "self.blocks = ",
            "for block in self.h:": "for block in self.blocks:",
        },
    ),
    Mistake(
        "a fixed epsilon of 1e-5 in ln_f",
        "Every layer norm uses the configuration's layer_norm_epsilon.",
        {LN_F: LN_F.replace("config.layer_norm_epsilon", "1e-5")},
    ),
    Mistake(
        "not refusing a sequence that is too long",
        "There are only n_positions rows to look up.",
        {TOO_LONG: "if False:"},
    ),
    Mistake(
        "a message that does not name n_positions",
        "Whoever reads it has to know which limit was passed: put the name in.",
        {"does not fit n_positions, ": "does not fit the context, "},
    ),
    Mistake(
        "refusing a full context",
        "Positions 0 to n_positions - 1 are n_positions tokens: they fit.",
        {TOO_LONG: TOO_LONG.replace(">", ">=")},
    ),
    Mistake(
        "measuring the batch instead of the sequence",
        "input_ids is [batch, seq]: the length is the second number.",
        {LENGTH: "seq = input_ids.shape[0]\n"},
    ),
    Mistake(
        "assert instead of raise ValueError",
        "Asserts are for what cannot happen; a long text does.",
        {
            TOO_LONG: (
                "assert int(seq) <= self.n_positions, 'n_positions'\n        if False:"
            )
        },
    ),
]
