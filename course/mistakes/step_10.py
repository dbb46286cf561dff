"""How step 10, the whole stack, is got wrong."""

from course.mistakes import Mistake

WTE = "self.wte = TokenEmbedding(config)"
WPE = "self.wpe = PositionEmbedding(config)"
BLOCKS = "ModuleList([GPT2Block(config) for _ in range(config.n_layer)])"
LN_F = "self.ln_f = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)"
LENGTH = "seq = input_ids.shape[1]\n"
TOO_LONG = "if isinstance(seq, StaticDim) and int(seq) > self.n_positions:"
RAISE = "raise ValueError("
REFUSAL = (
    f"{TOO_LONG}\n"
    "            raise ValueError(\n"
    '                f"a sequence of {int(seq)} tokens does not fit n_positions, "\n'
    '                f"which is {self.n_positions}"\n'
    "            )\n"
)
GIVEN = "if positions is None:"
COUNT = (
    "F.arange(\n"
    "                0, seq, out_dim=seq, dtype=DType.int64, device=input_ids.device\n"
    "            )"
)
COUNTED = f"{GIVEN}\n            positions = {COUNT}"
SUM = "x = self.wte(input_ids) + self.wpe(positions)"
LOOP = "for block in self.h:\n            x = block(x)"
RETURN = "return self.ln_f(x)"

ONE_BY_ONE = "Every block takes what the one before it gave, h.0 first."
CLOSES = "A last layer norm closes the stream, once, after the last block."
LOADED = "The checkpoint's weights are loaded by name"
SYMBOLIC = (
    "A length may be symbolic, which has no number yet: ask for "
    "isinstance(seq, StaticDim) first, and give F.arange the length as it is."
)
LIMIT = "There are only n_positions rows to look up: raise a ValueError."


def called(**names: str) -> dict[str, str]:
    """Other names for the parts."""
    old = {"wte": WTE, "wpe": WPE, "h": f"self.h = {BLOCKS}", "ln_f": LN_F}
    swap = {
        text: text.replace(f"self.{part} ", f"self.{names[part]} ")
        for part, text in old.items()
        if part in names
    }
    for text in (SUM, LOOP, RETURN):
        new = text
        for part, name in names.items():
            for end in "(:":
                new = new.replace(f"self.{part}{end}", f"self.{name}{end}")
        if new != text:
            swap[text] = new
    return swap


MISTAKES = [
    # The parts.
    Mistake(
        "one block used n_layer times",
        "Each layer has weights of its own: make a new block for each.",
        {BLOCKS: "ModuleList([GPT2Block(config)] * config.n_layer)"},
    ),
    Mistake(
        "having only one block",
        "There are n_layer blocks, each with weights of its own.",
        {
            BLOCKS: "ModuleList([GPT2Block(config)])\n"
            "        self.n_layer = config.n_layer",
            LOOP: "for _ in range(self.n_layer):\n            x = self.h[0](x)",
        },
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
        "another name for the blocks than h",
        f"{LOADED}: self.h.",
        called(h="blocks"),
    ),
    Mistake(
        "other names for the embeddings than wte and wpe",
        f"{LOADED}: self.wte and self.wpe.",
        called(wte="tok_emb", wpe="pos_emb"),
    ),
    Mistake(
        "another name for the last layer norm than ln_f",
        f"{LOADED}: self.ln_f.",
        called(ln_f="norm"),
    ),
    Mistake(
        "other names for the blocks and the last layer norm than h and ln_f",
        f"{LOADED}: self.h and self.ln_f.",
        called(h="layers", ln_f="norm"),
    ),
    Mistake(
        "other names for the embeddings and the last layer norm than the checkpoint's",
        f"{LOADED}: self.wte, self.wpe and self.ln_f.",
        called(wte="tok_emb", wpe="pos_emb", ln_f="norm"),
    ),
    Mistake(
        "other names for all the parts than wte, wpe, h and ln_f",
        f"{LOADED}: self.wte, self.wpe, self.h and self.ln_f.",
        called(wte="tok_emb", wpe="pos_emb", h="blocks", ln_f="norm"),
    ),
    Mistake(
        "wte and wpe exchanged",
        "wte holds a row for each token, wpe one for each position.",
        {
            WTE: WTE.replace("Token", "Position"),
            WPE: WPE.replace("Position", "Token"),
            SUM: "x = self.wpe(input_ids) + self.wte(positions)",
        },
    ),
    Mistake(
        "leaving ln_f out, in __init__ too",
        CLOSES,
        {"        " + LN_F + "\n": "", RETURN: "return x"},
    ),
    Mistake(
        "keeping the blocks under a second name",
        "MAX finds modules in lists too: each weight then has two names, of which the "
        "checkpoint knows one.",
        {BLOCKS: BLOCKS + "\n        self.blocks = list(self.h)"},
    ),
    Mistake(
        "keeping a tensor of positions in the model",
        "A tensor that a module keeps is one of its parameters, and the checkpoint has "
        "none of that name: count in forward.",
        {
            WTE: "self.count = F.arange(\n"
            "            0, config.n_positions, dtype=DType.int64\n"
            "        )\n"
            f"        {WTE}"
        },
    ),
    Mistake(
        "a head with weights of its own, which belongs to step 11 and has none",
        "GPT2Model ends with ln_f, and returns [batch, seq, n_embd].",
        {
            WTE: "self.head = Tensor.zeros([config.vocab_size, config.n_embd])\n"
            f"        {WTE}"
        },
    ),
    Mistake(
        "ln_f made without its epsilon",
        "It gets the configuration's: eps=config.layer_norm_epsilon.",
        {LN_F: LN_F.replace(", eps=config.layer_norm_epsilon", "")},
    ),
    Mistake(
        "giving ln_f its epsilon without the name",
        "After the width comes a keyword: eps=config.layer_norm_epsilon.",
        {LN_F: LN_F.replace("eps=", "")},
    ),
    Mistake(
        "giving ln_f the configuration instead of its width",
        "Its first argument is a length, config.n_embd.",
        {LN_F: LN_F.replace("config.n_embd", "config")},
    ),
    Mistake(
        "giving a block its number",
        "A block takes the configuration alone; its place in h is its number.",
        {BLOCKS: BLOCKS.replace("(config) for _", "(config, i) for i")},
    ),
    Mistake(
        "a fixed epsilon in ln_f",
        "Every layer norm uses the configuration's layer_norm_epsilon.",
        {LN_F: LN_F.replace("config.layer_norm_epsilon", "1e-5")},
    ),
    # The embeddings.
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
        "putting the two embeddings side by side",
        "They are added: the width stays n_embd.",
        {
            SUM: "x = self.wte(input_ids)\n"
            "        x = F.concat([x, x * 0 + self.wpe(positions)], axis=-1)"
        },
    ),
    Mistake(
        "looking the ids up among the positions",
        "wpe is for positions, wte for ids.",
        {SUM: "x = self.wte(input_ids) + self.wpe(input_ids)"},
    ),
    Mistake(
        "looking the positions up among the tokens",
        "wpe is for positions, wte for ids.",
        {SUM: "x = self.wte(input_ids) + self.wte(positions)"},
    ),
    Mistake(
        "giving wte the positions and wpe the ids",
        "wpe is for positions, wte for ids.",
        {SUM: "x = self.wte(positions) + self.wpe(input_ids)"},
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
        "scaling the sum of the embeddings by sqrt(n_embd)",
        "GPT-2 adds the rows as they are.",
        {SUM: f"{SUM}\n        x = x * int(x.shape[-1]) ** 0.5"},
    ),
    Mistake(
        "adding the position embeddings in front of every block",
        "They are added once: the stream carries them through all blocks.",
        {
            SUM: "x = self.wte(input_ids)",
            LOOP: LOOP.replace("block(x)", "block(x + self.wpe(positions))"),
        },
    ),
    Mistake(
        "adding the position embeddings twice",
        "They are added once.",
        {SUM: SUM + " + self.wpe(positions)"},
    ),
    Mistake(
        "an axis too many in front of the position embeddings",
        "They broadcast as they are: [seq, n_embd] or [batch, seq, n_embd] to "
        "[batch, seq, n_embd].",
        {
            SUM: SUM.replace(
                "self.wpe(positions)", "F.unsqueeze(self.wpe(positions), 0)"
            )
        },
    ),
    # The positions.
    Mistake(
        "ignoring the positions that are given",
        "Only where positions is None are they 0, 1, 2, ...",
        {GIVEN: "if True:"},
    ),
    Mistake(
        "asking whether positions is true, instead of whether it is None",
        "A tensor is neither true nor false: ask `positions is None`.",
        {GIVEN: "if not positions:"},
    ),
    Mistake(
        "counting no positions where none are given",
        "Where positions is None they are 0, 1, 2, ...",
        {GIVEN: "if False:"},
    ),
    Mistake(
        "positions that begin at 1",
        "The first position is 0.",
        {COUNT: f"1 + {COUNT}"},
    ),
    Mistake(
        "one position for all tokens",
        "The tokens stand at 0, 1, 2, ...",
        {COUNT: f"0 * {COUNT}"},
    ),
    Mistake(
        "positions that count backwards",
        "The first token stands at 0.",
        {
            COUNT: (
                "F.arange(\n"
                "                seq - 1, -1, -1, out_dim=seq, dtype=DType.int64,\n"
                "                device=input_ids.device\n"
                "            )"
            )
        },
    ),
    Mistake(
        "one position too few",
        "F.arange(0, seq) ends before seq: those are the positions 0 to seq - 1.",
        {COUNT: COUNT.replace("0, seq, out_dim=seq", "0, seq - 1, out_dim=seq - 1")},
    ),
    Mistake(
        "counting n_positions positions instead of one for each token",
        "There are as many positions as tokens, input_ids.shape[1].",
        {COUNT: COUNT.replace("seq", "self.n_positions")},
    ),
    Mistake(
        "counting n_positions positions where the length is symbolic",
        "There are as many positions as tokens: F.arange takes a symbolic length too.",
        {
            COUNTED: "known = isinstance(seq, StaticDim)\n"
            "        length = seq if known else self.n_positions\n"
            f"        {COUNTED.replace('seq', 'length')}"
        },
    ),
    Mistake(
        "positions that are no whole numbers",
        "F.arange gives floats unless it is told dtype=DType.int64, and rows are "
        "looked up by whole numbers.",
        {COUNT: COUNT.replace(" dtype=DType.int64,", "")},
    ),
    Mistake(
        "counting the batch instead of the tokens",
        "input_ids is [batch, seq]: the length is the second number.",
        {COUNT: COUNT.replace("seq", "input_ids.shape[0]")},
    ),
    Mistake(
        "counting positions with the length as an int",
        SYMBOLIC,
        {COUNT: COUNT.replace("0, seq, out_dim=seq", "0, int(seq)")},
    ),
    # The length.
    Mistake(
        "taking the length as an int before asking whether it is known",
        SYMBOLIC,
        {
            LENGTH: "seq = int(input_ids.shape[1])\n",
            TOO_LONG: "if seq > self.n_positions:",
        },
    ),
    Mistake(
        "taking batch and length as ints",
        SYMBOLIC,
        {
            LENGTH: "batch, seq = map(int, input_ids.shape)\n",
            TOO_LONG: "if seq > self.n_positions:",
        },
    ),
    Mistake(
        "comparing the length before asking whether it is known",
        SYMBOLIC,
        {TOO_LONG: "if seq > self.n_positions:"},
    ),
    Mistake(
        "comparing n_positions with a length that may not be known",
        SYMBOLIC,
        {TOO_LONG: "if self.n_positions < seq:"},
    ),
    Mistake(
        "refusing every symbolic length",
        "A symbolic length is known only when the model runs; there the caller checks.",
        {
            TOO_LONG: "known = isinstance(seq, StaticDim)\n"
            "        if not known or int(seq) > self.n_positions:",
            "{int(seq)} tokens": "{seq} tokens",
        },
    ),
    Mistake(
        "not refusing a sequence that is too long",
        f"{LIMIT} A length in a shape is a StaticDim if it is known, never an int.",
        {TOO_LONG: "if False:"},
    ),
    Mistake(
        "refusing a long sequence only where no positions are given",
        f"{LIMIT} It does not fit with positions that are given either: check before "
        "asking for them.",
        {TOO_LONG: TOO_LONG.replace("if ", "if positions is None and ")},
    ),
    Mistake(
        "refusing a long sequence only where positions are given",
        f"{LIMIT} It does not fit either way.",
        {TOO_LONG: TOO_LONG.replace("if ", "if positions is not None and ")},
    ),
    Mistake(
        "refusing a long sequence only where the batch is known too",
        "Either length may be symbolic: ask for the sequence's alone.",
        {
            TOO_LONG: "known = all(isinstance(n, StaticDim) for n in input_ids.shape)\n"
            "        if known and int(seq) > self.n_positions:"
        },
    ),
    Mistake(
        "carrying on with a sequence that is too long, shortened",
        LIMIT,
        {
            REFUSAL: f"{TOO_LONG}\n"
            "            input_ids = input_ids[:, : self.n_positions]\n"
            "            seq = input_ids.shape[1]\n"
            "            positions = None\n"
        },
    ),
    Mistake(
        "refusing a long sequence only after looking its rows up",
        "MAX has then complained already, in other words: check first.",
        {"        " + REFUSAL: "", SUM: f"{SUM}\n        {REFUSAL}"},
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
        "allowing one token more than fits",
        "Positions 0 to n_positions - 1 are n_positions tokens.",
        {TOO_LONG: TOO_LONG.replace("int(seq) >", "int(seq) - 1 >")},
    ),
    Mistake(
        "refusing a large batch instead of a long sequence",
        "input_ids is [batch, seq]: the length is the second number.",
        {TOO_LONG: TOO_LONG.replace("seq", "input_ids.shape[0]")},
    ),
    Mistake(
        "refusing by batch times length",
        "Each sequence has the positions 0, 1, 2, ...: only its own length counts.",
        {TOO_LONG: TOO_LONG.replace("int(seq)", "int(input_ids.shape[0]) * int(seq)")},
    ),
    Mistake(
        "measuring the batch instead of the sequence",
        "input_ids is [batch, seq]: the length is the second number.",
        {LENGTH: "seq = input_ids.shape[0]\n"},
    ),
    Mistake(
        "assert instead of raise ValueError",
        "Asserts are for what cannot happen; a long text does.",
        {TOO_LONG: TOO_LONG + "\n            assert False, 'n_positions'"},
    ),
    Mistake(
        "an IndexError instead of a ValueError",
        "The docstring promises a ValueError: the length is no index.",
        {RAISE: "raise IndexError("},
    ),
    Mistake(
        "a RuntimeError instead of a ValueError",
        "The docstring promises a ValueError.",
        {RAISE: "raise RuntimeError("},
    ),
    Mistake(
        "an Exception instead of a ValueError",
        "The docstring promises a ValueError.",
        {RAISE: "raise Exception("},
    ),
    # The blocks and ln_f.
    Mistake(
        "leaving the blocks out, or throwing away what they return",
        "Between the embeddings and ln_f run the blocks, one after another.",
        {LOOP: "pass"},
    ),
    Mistake(
        "running only the first block, or returning inside the loop",
        ONE_BY_ONE,
        {LOOP: "x = self.h[0](x)"},
    ),
    Mistake(
        "leaving the first block out",
        ONE_BY_ONE,
        {"for block in self.h:": "for block in list(self.h)[1:]:"},
    ),
    Mistake(
        "leaving the last block out",
        ONE_BY_ONE,
        {"for block in self.h:": "for block in list(self.h)[:-1]:"},
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
        "giving every block the embeddings, and adding up what they return",
        "Every block takes what the one before it gave.",
        {
            LOOP: (
                "opening = x\n"
                "        for block in self.h:\n"
                "            x = x + block(opening)"
            )
        },
    ),
    Mistake(
        "adding the embeddings once more after the blocks",
        "The blocks have added to them already.",
        {LOOP: f"opening = x\n        {LOOP}\n        x = opening + x"},
    ),
    Mistake(
        "running every block twice",
        "Each of the n_layer blocks runs once.",
        {LOOP: LOOP.replace("block(x)", "block(block(x))")},
    ),
    Mistake(
        "taking [0] of what a block returns, as of a tuple",
        "In Hugging Face's code it returns a tuple; here it returns one tensor, and "
        "[0] is the first sequence of the batch.",
        {LOOP: f"{LOOP}[0]"},
    ),
    Mistake(
        "giving a block more than the stream",
        "A block takes x alone: the mask is made in its attention.",
        {LOOP: LOOP.replace("block(x)", "block(x, None)")},
    ),
    Mistake(
        "calling the ModuleList itself",
        "A ModuleList only holds the blocks: loop over them.",
        {LOOP: "x = self.h(x)"},
    ),
    Mistake(
        "leaving ln_f out",
        CLOSES,
        {RETURN: "return x"},
    ),
    Mistake(
        "ln_f before the blocks instead of after them",
        CLOSES,
        {LOOP: "x = self.ln_f(x)\n        " + LOOP, RETURN: "return x"},
    ),
    Mistake(
        "ln_f before the blocks and after them",
        CLOSES + " The embeddings go into the first block as they are.",
        {LOOP: "x = self.ln_f(x)\n        " + LOOP},
    ),
    Mistake(
        "ln_f after every block",
        CLOSES,
        {LOOP: LOOP.replace("block(x)", "self.ln_f(block(x))"), RETURN: "return x"},
    ),
    Mistake(
        "ln_f before every block",
        CLOSES + " Each block has layer norms of its own.",
        {LOOP: LOOP.replace("block(x)", "block(self.ln_f(x))"), RETURN: "return x"},
    ),
    Mistake(
        "ln_f twice",
        CLOSES,
        {RETURN: "return self.ln_f(self.ln_f(x))"},
    ),
    Mistake(
        "adding the stream to what ln_f returns",
        "The model returns what ln_f gives: no residual goes around it.",
        {RETURN: "return x + self.ln_f(x)"},
    ),
    Mistake(
        "logits instead of vectors",
        "The comparison with the tokens is step 11; this one ends with ln_f.",
        {RETURN: "return self.ln_f(x) @ self.wte.weight.T"},
    ),
    Mistake(
        "the vector of the last token only",
        "Every token has one: [batch, seq, n_embd].",
        {RETURN: "return self.ln_f(x)[:, -1:, :]"},
    ),
    Mistake(
        "returning a tuple",
        "Hugging Face's model does; here the head takes the vectors themselves.",
        {RETURN: "return (self.ln_f(x),)"},
    ),
    Mistake(
        "returning nothing",
        "forward ends with a return of what ln_f gives.",
        {RETURN: "x = self.ln_f(x)"},
    ),
    Mistake(
        "a forward that takes no positions",
        "It takes input_ids and, where somebody gives them, positions.",
        {
            "input_ids: Tensor, positions: Tensor | None = None)": "input_ids: Tensor)",
            GIVEN: "if True:",
        },
    ),
    Mistake(
        "a forward that cannot do without positions",
        "positions is None unless it is given: keep `= None`.",
        {"positions: Tensor | None = None)": "positions: Tensor | None)"},
    ),
]
