"""How step 09, the transformer block, is got wrong."""

from course.mistakes import Mistake

LN_1 = "self.ln_1 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)"
LN_2 = "self.ln_2 = LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)"
FIRST = "x = residual(x, self.ln_1, self.attn)"
SECOND = "return residual(x, self.ln_2, self.mlp)"
BOTH = FIRST + "  # [batch, seq, n_embd]\n        " + SECOND

MISTAKES = [
    Mistake(
        "using ln_1 for the MLP too",
        "Each sublayer has a layer norm of its own: ln_2 belongs to mlp.",
        {SECOND: "return residual(x, self.ln_1, self.mlp)"},
    ),
    Mistake(
        "using ln_2 for the attention too",
        "Each sublayer has a layer norm of its own: ln_1 belongs to attn.",
        {FIRST: "x = residual(x, self.ln_2, self.attn)"},
    ),
    Mistake(
        "ln_1 and ln_2 exchanged",
        "ln_1 belongs to attn, ln_2 to mlp.",
        {
            FIRST: "x = residual(x, self.ln_2, self.attn)",
            SECOND: "return residual(x, self.ln_1, self.mlp)",
        },
    ),
    Mistake(
        "one layer norm under two names",
        "The checkpoint holds weights for both: make two.",
        {LN_2: "self.ln_2 = self.ln_1"},
    ),
    Mistake(
        "having only one layer norm",
        "Each sublayer has one of its own; the checkpoint holds ln_1 and ln_2.",
        {"\n        " + LN_2: "", SECOND: "return residual(x, self.ln_1, self.mlp)"},
    ),
    Mistake(
        "the MLP before the attention",
        "First the tokens exchange information, then each works on it.",
        {
            FIRST: "x = residual(x, self.ln_2, self.mlp)",
            SECOND: "return residual(x, self.ln_1, self.attn)",
        },
    ),
    Mistake(
        "attention and MLP side by side",
        "In GPT-2, the MLP sees what the attention has added.",
        {BOTH: "return x + self.attn(self.ln_1(x)) + self.mlp(self.ln_2(x))"},
    ),
    Mistake(
        "leaving the MLP out",
        "A block is attention and then the MLP, each in its residual.",
        {SECOND: "return x"},
    ),
    Mistake(
        "leaving the attention out, or throwing away what it returns",
        "A block is attention and then the MLP, each in its residual.",
        {FIRST: "pass"},
    ),
    Mistake(
        "adding the MLP to the block's input",
        "The MLP's result is added to the stream after attention, not before it.",
        {
            BOTH: (
                "after = residual(x, self.ln_1, self.attn)\n"
                "        return x + self.mlp(self.ln_2(after))"
            )
        },
    ),
    Mistake(
        "an attention that replaces the stream",
        "What attention finds is added to the stream.",
        {FIRST: "x = self.attn(self.ln_1(x))"},
    ),
    Mistake(
        "an MLP that replaces the stream",
        "What the MLP finds is added to the stream.",
        {SECOND: "return self.mlp(self.ln_2(x))"},
    ),
    Mistake(
        "leaving both residuals out",
        "Each sublayer adds to the stream: x + sublayer(norm(x)).",
        {BOTH: "return self.mlp(self.ln_2(self.attn(self.ln_1(x))))"},
    ),
    Mistake(
        "normalizing after each addition",
        "That is the first Transformer's post-norm; GPT-2 normalizes what goes into "
        "each sublayer.",
        {
            BOTH: (
                "x = self.ln_1(x + self.attn(x))\n"
                "        return self.ln_2(x + self.mlp(x))"
            )
        },
    ),
    Mistake(
        "not normalizing",
        "ln_1 comes before attn, ln_2 before mlp.",
        {BOTH: "x = x + self.attn(x)\n        return x + self.mlp(x)"},
    ),
    Mistake(
        "adding to the normalized stream",
        "What is added to is the stream as it was, not its normalized form.",
        {
            BOTH: (
                "x = self.ln_1(x)\n"
                "        x = x + self.attn(x)\n"
                "        x = self.ln_2(x)\n"
                "        return x + self.mlp(x)"
            )
        },
    ),
    Mistake(
        "attending twice",
        "A block attends once, then the MLP follows.",
        {FIRST: FIRST + "\n        " + FIRST},
    ),
    Mistake(
        "a fixed epsilon of 1e-5",
        "The layer norms use the configuration's layer_norm_epsilon.",
        {
            LN_1: LN_1.replace("config.layer_norm_epsilon", "1e-5"),
            LN_2: LN_2.replace("config.layer_norm_epsilon", "1e-5"),
        },
    ),
    Mistake(
        "the names ln1 and ln2",
        "The checkpoint calls them ln_1 and ln_2, and they are loaded by name.",
        {
            LN_1: LN_1.replace("ln_1", "ln1"),
            LN_2: LN_2.replace("ln_2", "ln2"),
            FIRST: FIRST.replace("ln_1", "ln1"),
            SECOND: SECOND.replace("ln_2", "ln2"),
        },
    ),
    Mistake(
        "the name attention instead of attn",
        "The checkpoint calls it attn, and it is loaded by name.",
        {
            "self.attn = GPT2": "self.attention = GPT2",
            FIRST: FIRST.replace("attn", "attention"),
        },
    ),
]
