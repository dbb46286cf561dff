"""How step 09, the transformer block, is got wrong."""

from course.mistakes import Mistake

EPS = "eps=config.layer_norm_epsilon"
LN_1 = f"self.ln_1 = LayerNorm(config.n_embd, {EPS})"
LN_2 = f"self.ln_2 = LayerNorm(config.n_embd, {EPS})"
ATTN = "self.attn = GPT2Attention(config)"
MLP = "self.mlp = GPT2MLP(config)"
FIRST = "x = residual(x, self.ln_1, self.attn)"
SECOND = "return residual(x, self.ln_2, self.mlp)"
BOTH = FIRST + "  # [batch, seq, n_embd]\n        " + SECOND
OWN = "Each sublayer has a layer norm of its own"
LOADED = "The checkpoint's weights are loaded by name"
ONCE = "A block attends once, then the MLP follows once."


def both(first: str, second: str) -> dict[str, str]:
    """The two lines of forward, by others."""
    return {BOTH: f"{first}\n        {second}"}


def called(**names: str) -> dict[str, str]:
    """Other names for the parts."""
    old = {"ln_1": LN_1, "attn": ATTN, "ln_2": LN_2, "mlp": MLP}
    swap = {old[part]: old[part].replace(part, names[part], 1) for part in names}
    first, second = FIRST, SECOND
    for part, name in names.items():
        first = first.replace(f"self.{part}", f"self.{name}")
        second = second.replace(f"self.{part}", f"self.{name}")
    return swap | both(first, second)


MISTAKES = [
    # The parts.
    Mistake(
        "one layer norm under two names",
        f"{OWN}, and the checkpoint holds weights for both: make two.",
        {LN_2: "self.ln_2 = self.ln_1"},
    ),
    Mistake(
        "having only one layer norm, ln_1",
        f"{OWN}; the checkpoint holds ln_1 and ln_2.",
        {"\n        " + LN_2: "", SECOND: "return residual(x, self.ln_1, self.mlp)"},
    ),
    Mistake(
        "keeping the parts a second time, in a list",
        "MAX finds modules in lists too: each weight then has two names, of which the "
        "checkpoint knows one.",
        {
            MLP: MLP
            + "\n        self.parts = [self.ln_1, self.attn, self.ln_2, self.mlp]"
        },
    ),
    Mistake(
        "keeping the parts a second time, in two lists",
        "MAX finds modules in lists too: each weight then has two names, of which the "
        "checkpoint knows one.",
        {
            MLP: MLP
            + "\n        self.norms = [self.ln_1, self.ln_2]"
            + "\n        self.sublayers = [self.attn, self.mlp]"
        },
    ),
    Mistake(
        "keeping the parts only in a list",
        f"{LOADED}: self.ln_1, self.attn, self.ln_2 and self.mlp.",
        {
            LN_1: f"self.parts = [LayerNorm(config.n_embd, {EPS}),",
            ATTN: "GPT2Attention(config),",
            LN_2: f"LayerNorm(config.n_embd, {EPS}),",
            MLP: "GPT2MLP(config)]",
        }
        | both(
            "x = residual(x, self.parts[0], self.parts[1])",
            "return residual(x, self.parts[2], self.parts[3])",
        ),
    ),
    Mistake(
        "other names for the layer norms than ln_1 and ln_2",
        f"{LOADED}: self.ln_1 and self.ln_2.",
        called(ln_1="ln1", ln_2="ln2"),
    ),
    Mistake(
        "another name for the attention than attn",
        f"{LOADED}: self.attn.",
        called(attn="attention"),
    ),
    Mistake(
        "another name for the MLP than mlp",
        f"{LOADED}: self.mlp.",
        called(mlp="ffn"),
    ),
    Mistake(
        "other names for the attention and the MLP than attn and mlp",
        f"{LOADED}: self.attn and self.mlp.",
        called(attn="attention", mlp="feed_forward"),
    ),
    Mistake(
        "other names for the layer norms and the attention than ln_1, ln_2 and attn",
        f"{LOADED}: self.ln_1, self.ln_2 and self.attn.",
        called(ln_1="input_layernorm", ln_2="post_layernorm", attn="self_attn"),
    ),
    Mistake(
        "other names for the layer norms and the MLP than ln_1, ln_2 and mlp",
        f"{LOADED}: self.ln_1, self.ln_2 and self.mlp.",
        called(ln_1="norm1", ln_2="norm2", mlp="ff"),
    ),
    Mistake(
        "other names for all the parts than ln_1, attn, ln_2 and mlp",
        f"{LOADED}: self.ln_1, self.attn, self.ln_2 and self.mlp.",
        called(ln_1="norm1", ln_2="norm2", attn="attention", mlp="feed_forward"),
    ),
    Mistake(
        "another name for the first layer norm than ln_1",
        f"{LOADED}: self.ln_1.",
        called(ln_1="ln_0"),
    ),
    Mistake(
        "another name for the second layer norm than ln_2",
        f"{LOADED}: self.ln_2.",
        called(ln_2="ln_3"),
    ),
    Mistake(
        "a layer norm made without its epsilon",
        "Each gets the configuration's: eps=config.layer_norm_epsilon.",
        {LN_1: LN_1.replace(f", {EPS}", ""), LN_2: LN_2.replace(f", {EPS}", "")},
    ),
    Mistake(
        "giving LayerNorm the epsilon without its name",
        "After the width comes a keyword: eps=config.layer_norm_epsilon.",
        {LN_1: LN_1.replace("eps=", ""), LN_2: LN_2.replace("eps=", "")},
    ),
    Mistake(
        "giving LayerNorm the configuration instead of its width",
        "Its first argument is a length, config.n_embd.",
        {
            LN_1: LN_1.replace("config.n_embd", "config"),
            LN_2: LN_2.replace("config.n_embd", "config"),
        },
    ),
    Mistake(
        "a fixed epsilon in both layer norms",
        "They use the configuration's layer_norm_epsilon.",
        {
            LN_1: LN_1.replace("config.layer_norm_epsilon", "1e-5"),
            LN_2: LN_2.replace("config.layer_norm_epsilon", "1e-5"),
        },
    ),
    Mistake(
        "a fixed epsilon in ln_1",
        "Both layer norms use the configuration's layer_norm_epsilon.",
        {LN_1: LN_1.replace("config.layer_norm_epsilon", "1e-5")},
    ),
    Mistake(
        "a fixed epsilon in ln_2",
        "Both layer norms use the configuration's layer_norm_epsilon.",
        {LN_2: LN_2.replace("config.layer_norm_epsilon", "1e-5")},
    ),
    # Which norm, which sublayer, in which order.
    Mistake(
        "using ln_1 for the MLP too",
        f"{OWN}: ln_2 belongs to mlp.",
        {SECOND: "return residual(x, self.ln_1, self.mlp)"},
    ),
    Mistake(
        "using ln_2 for the attention too",
        f"{OWN}: ln_1 belongs to attn.",
        {FIRST: "x = residual(x, self.ln_2, self.attn)"},
    ),
    Mistake(
        "ln_1 and ln_2 exchanged",
        "ln_1 belongs to attn, ln_2 to mlp.",
        both(
            "x = residual(x, self.ln_2, self.attn)",
            "return residual(x, self.ln_1, self.mlp)",
        ),
    ),
    Mistake(
        "the MLP before the attention",
        "First the tokens exchange information, then each works on it.",
        both(
            "x = residual(x, self.ln_2, self.mlp)",
            "return residual(x, self.ln_1, self.attn)",
        ),
    ),
    Mistake(
        "attn and mlp exchanged: the MLP first, behind ln_1",
        "First comes attn with ln_1, then mlp with ln_2.",
        both(
            "x = residual(x, self.ln_1, self.mlp)",
            "return residual(x, self.ln_2, self.attn)",
        ),
    ),
    Mistake(
        "attending twice",
        ONCE,
        {FIRST: FIRST + "\n        " + FIRST},
    ),
    Mistake(
        "running the MLP twice",
        ONCE,
        {SECOND: SECOND.replace("return", "x =") + "\n        " + SECOND},
    ),
    Mistake(
        "attention in both residuals, the MLP in none",
        ONCE,
        {SECOND: SECOND.replace("mlp", "attn")},
    ),
    Mistake(
        "the MLP in both residuals, attention in none",
        ONCE,
        {FIRST: FIRST.replace("attn", "mlp")},
    ),
    Mistake(
        "leaving the MLP out, or throwing away what it returns",
        "A block is attention and then the MLP, each in its residual.",
        {SECOND: "return x"},
    ),
    Mistake(
        "leaving the attention out, or throwing away what it returns",
        "A block is attention and then the MLP, which takes the stream with what "
        "attention has added.",
        {FIRST: "pass"},
    ),
    # What is added to what.
    Mistake(
        "attention and MLP side by side",
        "In GPT-2 the MLP sees what the attention has added: it takes the stream "
        "after the first residual.",
        both("h = self.attn(self.ln_1(x))", "return x + h + self.mlp(self.ln_2(x))"),
    ),
    Mistake(
        "attention and MLP side by side, both behind ln_1",
        "That is GPT-J; in GPT-2 the MLP takes the stream after the first residual, "
        "through ln_2.",
        both("h = self.ln_1(x)", "return x + self.attn(h) + self.mlp(h)"),
    ),
    Mistake(
        "adding the MLP to the block's input",
        "The MLP's result is added to the stream after attention, not before it.",
        both(
            "after = residual(x, self.ln_1, self.attn)",
            "return x + self.mlp(self.ln_2(after))",
        ),
    ),
    Mistake(
        "one residual around both sublayers",
        "Each has its own: the MLP takes the stream with what attention has added, "
        "and adds to that.",
        both(
            "found = self.attn(self.ln_1(x))", "return x + self.mlp(self.ln_2(found))"
        ),
    ),
    Mistake(
        "giving the MLP only what the attention found",
        "The MLP takes the whole stream: x with what attention has added.",
        both(
            "found = self.attn(self.ln_1(x))",
            "return x + found + self.mlp(self.ln_2(found))",
        ),
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
        both("x = self.attn(self.ln_1(x))", "return self.mlp(self.ln_2(x))"),
    ),
    Mistake(
        "adding the stream to what residual returns",
        "residual has added it already.",
        both(
            "x = x + residual(x, self.ln_1, self.attn)",
            "return x + residual(x, self.ln_2, self.mlp)",
        ),
    ),
    Mistake(
        "adding the stream to what the first residual returns",
        "residual has added it already.",
        {FIRST: FIRST.replace("= ", "= x + ")},
    ),
    Mistake(
        "adding the stream to what the second residual returns",
        "residual has added it already.",
        {SECOND: SECOND.replace("return ", "return x + ")},
    ),
    Mistake(
        "adding the block's input once more at the end",
        "The residuals have added to it already.",
        both(
            "h = residual(x, self.ln_1, self.attn)",
            "return x + residual(h, self.ln_2, self.mlp)",
        ),
    ),
    # What is normalized.
    Mistake(
        "normalizing after each addition",
        "That is the first Transformer's post-norm; GPT-2 normalizes what goes into "
        "each sublayer.",
        both("x = self.ln_1(x + self.attn(x))", "return self.ln_2(x + self.mlp(x))"),
    ),
    Mistake(
        "normalizing what each sublayer gives instead of what it gets",
        "The norm comes before its sublayer: x + sublayer(norm(x)).",
        both("x = x + self.ln_1(self.attn(x))", "return x + self.ln_2(self.mlp(x))"),
    ),
    Mistake(
        "not normalizing",
        "ln_1 comes before attn, ln_2 before mlp.",
        both("x = x + self.attn(x)", "return x + self.mlp(x)"),
    ),
    Mistake(
        "an attention without its layer norm",
        "ln_1 comes before attn.",
        {FIRST: "x = x + self.attn(x)"},
    ),
    Mistake(
        "an MLP without its layer norm",
        "ln_2 comes before mlp.",
        {SECOND: "return x + self.mlp(x)"},
    ),
    Mistake(
        "adding to the normalized stream",
        "What is added to is the stream as it was, not its normalized form.",
        both(
            "x = self.ln_1(x)\n        x = x + self.attn(x)",
            "x = self.ln_2(x)\n        return x + self.mlp(x)",
        ),
    ),
    Mistake(
        "adding what attention finds to the normalized stream",
        "It is added to the stream as it was, not to its normalized form.",
        {FIRST: "x = self.ln_1(x)\n        x = x + self.attn(x)"},
    ),
    Mistake(
        "adding what the MLP finds to the normalized stream",
        "It is added to the stream as it was, not to its normalized form.",
        {SECOND: "x = self.ln_2(x)\n        return x + self.mlp(x)"},
    ),
    Mistake(
        "giving residual a stream that is normalized already",
        "residual normalizes what the sublayer sees, and adds to the stream as it was.",
        both(
            "x = residual(self.ln_1(x), self.ln_1, self.attn)",
            "return residual(self.ln_2(x), self.ln_2, self.mlp)",
        ),
    ),
    Mistake(
        "normalizing twice in front of each sublayer",
        "residual normalizes already: give it attn and mlp as they are.",
        both(
            "x = residual(x, self.ln_1, lambda y: self.attn(self.ln_1(y)))",
            "return residual(x, self.ln_2, lambda y: self.mlp(self.ln_2(y)))",
        ),
    ),
    Mistake(
        "normalizing the result once more with ln_2",
        "ln_2 comes before mlp, and only there: what a block returns is not "
        "normalized.",
        {SECOND: "return self.ln_2(residual(x, self.ln_2, self.mlp))"},
    ),
    # How it is called.
    Mistake(
        "giving residual tensors instead of functions",
        "residual calls the norm and the sublayer itself: residual(x, self.ln_1, "
        "self.attn).",
        both(
            "x = residual(x, self.ln_1(x), self.attn(x))",
            "return residual(x, self.ln_2(x), self.mlp(x))",
        ),
    ),
    Mistake(
        "giving residual no layer norm",
        "It takes the stream, the norm and the sublayer: residual(x, self.ln_1, "
        "self.attn).",
        both("x = residual(x, self.attn)", "return residual(x, self.mlp)"),
    ),
    Mistake(
        "taking [0] of what attention returns, as of a tuple",
        "In Hugging Face's code it returns a tuple; here it returns one tensor, and "
        "[0] is the first sequence of the batch.",
        {FIRST: "x = x + self.attn(self.ln_1(x))[0]"},
    ),
    Mistake(
        "returning a tuple",
        "Hugging Face's block does; here the next block takes the stream itself.",
        {SECOND: SECOND.replace("return ", "return (") + ",)"},
    ),
    Mistake(
        "returning nothing",
        "forward ends with a return of the stream.",
        {SECOND: SECOND.replace("return ", "x = ")},
    ),
]
