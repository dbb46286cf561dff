"""How step 07, multi-head causal self-attention, is got wrong."""

from course.mistakes import Mistake

MATH = "import math\n"
ATTN = "self.c_attn = Linear(config.n_embd, 3 * config.n_embd)"
ATTN_MADE = ATTN + "  # q, k and v at once"
PROJ = "self.c_proj = Linear(config.n_embd, config.n_embd)"
LENGTHS = "batch, seq, _ = x.shape"
SPLIT = (
    "x = x.reshape([batch, seq, self.n_head, self.head_dim])\n"
    "        return x.transpose(1, 2)"
)
KEPT = "q_len, k_len = q.shape[2], k.shape[2]"
SCORES = "scores = q @ k.transpose(2, 3)"
SCALED = "scores / math.sqrt(self.head_dim)"
OLD = "q_len, k_len - q_len, dtype"
TYPES = "dtype=scores.dtype, device=scores.device"
MASK = (
    "causal_mask(\n"
    "            q_len, k_len - q_len, dtype=scores.dtype, device=scores.device\n"
    "        )"
)
SOFTMAX = "return F.softmax(scores + mask, axis=-1)"
ATTEND = "return self.attention_weights(q, k) @ v"
MERGED_LENGTHS = "batch, _, seq, _ = x.shape"
MERGE = (
    "x = x.transpose(1, 2)  # [batch, seq, n_head, head_dim]\n"
    "        return x.reshape([batch, seq, self.n_embd])"
)
QKV = "q, k, v = F.split("
FUSED = (
    "q, k, v = F.split(\n"
    "            self.c_attn(x),  # [batch, seq, 3 * n_embd]\n"
    "            [self.n_embd, self.n_embd, self.n_embd],\n"
    "            axis=-1,\n"
    "        )"
)
CUT = "self.c_attn(x),  # [batch, seq, 3 * n_embd]"
SIZES = "[self.n_embd, self.n_embd, self.n_embd],"
HEADS = "self.split_heads(q), self.split_heads(k), self.split_heads(v)"
LAST = "return self.c_proj(self.merge_heads(x))"

OWN_WIDTH = "Each head has its own width: n_embd / n_head."
FIRST_CUT = "Head h owns head_dim neighbouring columns: [.., n_head, head_dim]."
IN_FRONT = "The result is [batch, n_head, seq, head_dim]: each head's tokens together."
MIXES = (
    "A reshape to [batch, n_head, seq, head_dim] mixes tokens: cut the width first, "
    "then move the heads in front."
)
SIDE_BY_SIDE = "[batch, seq, n_embd]: each token's heads, one beside the other."
EVERY_ROW = "Each query shares out its attention: its row, over the keys, sums to 1."
BEFORE = (
    "The mask belongs to the scores, before the softmax: so hidden keys get no share."
)
MADE_TO_ADD = "The mask is 0 or -inf, made to be added: 0 changes nothing, -inf hides."
SURPLUS = (
    "With a KV cache there are k_len - q_len keys from before the first query: that "
    "is num_tokens of step 02."
)
LATER = (
    "With a KV cache the queries come after the k_len - q_len older keys: query i may "
    "look at key j where j <= k_len - q_len + i."
)
SAME_NAMES = (
    "The checkpoint calls them c_attn and c_proj, and weights are loaded by name."
)
ALL_AT_ONCE = "The checkpoint holds one matrix for all three: c_attn."
PARAMETER = (
    "Whatever tensor is an attribute is a parameter to MAX, and the checkpoint has "
    "only c_attn and c_proj: make the mask where it is added."
)
ORDER = "c_attn makes q, then k, then v; attend takes them in this order."
THIRDS = "c_attn's output is all of q, then all of k, then all of v: three thirds."
ANY_LENGTH = "A length may be symbolic, only a name: use it as it stands in x.shape."
NOT_COMPARED = (
    "A symbolic length is only a name, larger or smaller than nothing: the mask of "
    "step 02 is right for all lengths."
)
ITS_OWN = "attention_weights has to be right by itself: its rows are probabilities."


def weights(lines: str) -> dict[str, str]:
    """`attention_weights` with other lines in place of the last."""
    return {SOFTMAX: lines}


def by_hand(powers: str, total: str = "F.sum(e, axis=-1)") -> dict[str, str]:
    """A softmax in two lines, `e` and its sum."""
    return {
        SOFTMAX: f"s = scores + mask\n        e = {powers}\n        return e / {total}"
    }


def masked(mask: str) -> dict[str, str]:
    """`attention_weights` with another mask."""
    return {MASK: mask}


def renamed(c_attn: str, c_proj: str) -> dict[str, str]:
    """The two layers by other names."""
    return {
        ATTN: ATTN.replace("c_attn", c_attn),
        PROJ: PROJ.replace("c_proj", c_proj),
        CUT: CUT.replace("c_attn", c_attn),
        LAST: LAST.replace("c_proj", c_proj),
    }


def three(q: str, k: str, v: str, c_proj: str = "c_proj") -> dict[str, str]:
    """A layer for each of q, k and v."""
    one = "Linear(config.n_embd, config.n_embd)"
    return {
        ATTN_MADE: f"self.{q} = {one}\n"
        f"        self.{k} = {one}\n"
        f"        self.{v} = {one}",
        PROJ: PROJ.replace("c_proj", c_proj),
        FUSED: f"q, k, v = self.{q}(x), self.{k}(x), self.{v}(x)",
        LAST: LAST.replace("c_proj", c_proj),
    }


def buffer(name: str, shape: str = "") -> dict[str, str]:
    """A mask that is made once, as PyTorch's register_buffer does."""
    made = (
        "causal_mask(\n"
        "            config.n_positions,\n"
        "            0,\n"
        "            dtype=self.c_attn.weight.dtype,\n"
        "            device=self.c_attn.weight.device,\n"
        "        )"
    )
    return {PROJ: f"{PROJ}\n        self.{name} = {made}{shape}"}


def thirds(q: int, k: int, v: int) -> dict[str, str]:
    """Other thirds of c_attn's output for q, k and v."""
    return {
        QKV: "x = F.split(",
        HEADS: f"*map(self.split_heads, (x[{q}], x[{k}], x[{v}]))",
    }


def fused(lines: str) -> dict[str, str]:
    """Other lines between c_attn and attend; `y` is c_attn's output."""
    return {FUSED: "y = self.c_attn(x)\n        b, s, _ = x.shape\n        " + lines}


PER_HEAD = (
    "y = y.reshape([b, s, self.n_head, 3 * self.head_dim])\n"
    "        y = F.split(y, [self.head_dim] * 3, axis=-1)\n"
    "        q, k, v = (t.reshape([b, s, self.n_embd]) for t in y)"
)
NO_MOVE = "return x.reshape([batch, seq, self.n_head, self.head_dim])"
NO_MOVE_BACK = "return x.reshape([batch, seq, self.n_embd])"
BY_COLUMNS = (
    "x = x.reshape([batch, seq, self.head_dim, self.n_head])\n"
    "        return x.permute([0, 3, 1, 2])"
)
INTERLEAVED = (
    "x = x.permute([0, 2, 3, 1])\n        return x.reshape([batch, seq, self.n_embd])"
)
RAW = "x.reshape([batch, seq, self.n_head, self.head_dim])"
SCALED_QUERY = "self.split_heads(q) / math.sqrt(self.head_dim)"

MISTAKES = [
    # --- The layers ---
    Mistake(
        "a c_attn of n_embd numbers",
        "c_attn makes q, k and v at once: 3 * n_embd.",
        {ATTN: "self.c_attn = Linear(config.n_embd, config.n_embd)"},
    ),
    Mistake(
        "a c_attn of 2 * n_embd numbers",
        "c_attn makes q, k and v at once: 3 * n_embd.",
        {ATTN: ATTN.replace("3 *", "2 *")},
    ),
    Mistake(
        "a c_attn of 3 * head_dim numbers",
        "c_attn makes q, k and v of all heads at once: 3 * n_embd.",
        {ATTN: ATTN.replace("3 * config.n_embd", "3 * config.head_dim")},
    ),
    Mistake(
        "exchanging the sizes of c_attn",
        "Linear takes the width that comes in, then the width that goes out.",
        {ATTN: "self.c_attn = Linear(3 * config.n_embd, config.n_embd)"},
    ),
    Mistake(
        "a c_proj that takes 3 * n_embd numbers",
        "c_proj gets the merged heads: n_embd numbers, as many as it gives.",
        {PROJ: "self.c_proj = Linear(3 * config.n_embd, config.n_embd)"},
    ),
    Mistake(
        "a c_proj that gives 3 * n_embd numbers",
        "c_proj gives n_embd numbers; c_attn makes three times as many.",
        {PROJ: "self.c_proj = Linear(config.n_embd, 3 * config.n_embd)"},
    ),
    Mistake(
        "exchanging c_attn and c_proj",
        "c_attn makes q, k and v at once, 3 * n_embd numbers; c_proj mixes the heads.",
        {
            ATTN: "self.c_proj = Linear(config.n_embd, 3 * config.n_embd)",
            PROJ: "self.c_attn = Linear(config.n_embd, config.n_embd)",
            CUT: "self.c_proj(x),",
            LAST: LAST.replace("c_proj", "c_attn"),
        },
    ),
    Mistake(
        "a c_proj that takes the numbers of one head",
        "c_proj mixes what all heads have found: n_embd numbers to n_embd.",
        {PROJ: "self.c_proj = Linear(config.head_dim, config.n_embd)"},
    ),
    Mistake(
        "layers without a bias",
        "Every linear layer of GPT-2 has a bias, and the checkpoint holds it.",
        {ATTN: ATTN[:-1] + ", bias=False)", PROJ: PROJ[:-1] + ", bias=False)"},
    ),
    Mistake(
        "a c_attn without a bias",
        "Every linear layer of GPT-2 has a bias, and the checkpoint holds it.",
        {ATTN: ATTN[:-1] + ", bias=False)"},
    ),
    Mistake(
        "a c_proj without a bias",
        "Every linear layer of GPT-2 has a bias, and the checkpoint holds it.",
        {PROJ: PROJ[:-1] + ", bias=False)"},
    ),
    Mistake(
        "having no c_proj",
        "The checkpoint holds a c_proj for every attention.",
        {"\n        " + PROJ: "", LAST: "return self.merge_heads(x)"},
    ),
    Mistake(
        "three layers for q, k and v", ALL_AT_ONCE, three("q_proj", "k_proj", "v_proj")
    ),
    Mistake(
        "three layers for q, k and v, and another name than c_proj",
        ALL_AT_ONCE + " And what mixes the heads is called c_proj.",
        three("q_proj", "k_proj", "v_proj", "o_proj"),
    ),
    Mistake("another name than c_attn", SAME_NAMES, renamed("qkv", "c_proj")),
    Mistake("another name than c_proj", SAME_NAMES, renamed("c_attn", "proj")),
    Mistake("other names than c_attn and c_proj", SAME_NAMES, renamed("qkv", "proj")),
    Mistake(
        "keeping the layers in a list",
        "MAX finds the parameters of layers that are attributes of the module: "
        "self.c_attn and self.c_proj.",
        {
            ATTN: "self.layers = [Linear(config.n_embd, 3 * config.n_embd)]",
            PROJ: "self.layers += [Linear(config.n_embd, config.n_embd)]",
            CUT: "self.layers[0](x),",
            LAST: "return self.layers[1](self.merge_heads(x))",
        },
    ),
    Mistake(
        "a mask kept in self, where a tensor is a parameter", PARAMETER, buffer("mask")
    ),
    Mistake(
        "a mask of four axes kept in self, where a tensor is a parameter",
        PARAMETER,
        buffer("mask", ".reshape([1, 1, config.n_positions, config.n_positions])"),
    ),
    Mistake(
        "keeping the scale as a tensor in self.scale",
        "Whatever tensor is an attribute is a parameter to MAX, which the checkpoint "
        "lacks: keep a plain number.",
        {PROJ: PROJ + "\n        self.scale = Tensor(math.sqrt(config.head_dim))"},
    ),
    # --- split_heads ---
    Mistake(
        "splitting the heads by a reshape alone",
        MIXES,
        {SPLIT: "return x.reshape([batch, self.n_head, seq, self.head_dim])"},
    ),
    Mistake(
        "splitting the heads and merging them by a reshape alone",
        MIXES + " merge_heads moves them back.",
        {
            SPLIT: "return x.reshape([batch, self.n_head, seq, self.head_dim])",
            MERGE: NO_MOVE_BACK,
        },
    ),
    Mistake(
        "cutting the width into head_dim heads of n_head numbers",
        FIRST_CUT,
        {SPLIT: BY_COLUMNS},
    ),
    Mistake(
        "giving head h every n_head-th number, from number h on",
        FIRST_CUT + " merge_heads puts them side by side again.",
        {SPLIT: BY_COLUMNS, MERGE: INTERLEAVED},
    ),
    Mistake(
        "head_dim heads of n_head numbers in split_heads' result",
        "There are n_head heads of head_dim numbers: [.., n_head, head_dim].",
        {
            SPLIT: SPLIT.replace(
                "self.n_head, self.head_dim", "self.head_dim, self.n_head"
            )
        },
    ),
    Mistake(
        "not moving the heads in front of the tokens",
        "The result is [batch, n_head, seq, head_dim], so that each head's tokens can "
        "be multiplied.",
        {SPLIT: NO_MOVE},
    ),
    Mistake(
        "moving the heads neither in front of the tokens nor back",
        "split_heads gives [batch, n_head, seq, head_dim], so that each head's tokens "
        "can be multiplied, and merge_heads takes it.",
        {SPLIT: NO_MOVE, MERGE: NO_MOVE_BACK},
    ),
    Mistake(
        "moving the heads in front in forward instead of in split_heads",
        "split_heads itself gives [batch, n_head, seq, head_dim].",
        {
            SPLIT: NO_MOVE,
            HEADS: "*(self.split_heads(t).transpose(1, 2) for t in (q, k, v))",
        },
    ),
    Mistake(
        "moving the heads in front and back in forward",
        "split_heads gives [batch, n_head, seq, head_dim], and merge_heads takes it.",
        {
            SPLIT: NO_MOVE,
            MERGE: "return x.reshape([x.shape[0], x.shape[1], self.n_embd])",
            HEADS: "*(self.split_heads(t).transpose(1, 2) for t in (q, k, v))",
            LAST: LAST.replace("(x)", "(x.transpose(1, 2))"),
        },
    ),
    Mistake(
        "moving the heads in front in attend instead of in split_heads",
        "split_heads itself gives [batch, n_head, seq, head_dim].",
        {
            SPLIT: NO_MOVE,
            ATTEND: "q, k, v = (t.transpose(1, 2) for t in (q, k, v))\n        "
            + ATTEND,
        },
    ),
    Mistake(
        "swapping the last two axes in split_heads",
        IN_FRONT + " Exchange axes 1 and 2.",
        {SPLIT: f"x = {RAW}\n        return x.transpose(2, 3)"},
    ),
    Mistake(
        "swapping axes 1 and 3 in split_heads",
        IN_FRONT + " Exchange axes 1 and 2.",
        {SPLIT: f"x = {RAW}\n        return x.transpose(1, 3)"},
    ),
    Mistake(
        "giving [batch, n_head, head_dim, seq] in split_heads",
        IN_FRONT + " The keys are turned round where the scores are made.",
        {SPLIT: f"x = {RAW}\n        return x.permute([0, 2, 3, 1])"},
    ),
    Mistake(
        "putting the heads before the batch in split_heads",
        "The batch stays in front: [batch, n_head, seq, head_dim].",
        {SPLIT: f"x = {RAW}\n        return x.permute([2, 0, 1, 3])"},
    ),
    Mistake(
        "making one axis of batch and heads in split_heads",
        "The result has four axes: [batch, n_head, seq, head_dim].",
        {
            SPLIT: SPLIT + ".reshape([batch * self.n_head, seq, self.head_dim])",
        },
    ),
    Mistake(
        "splitting into [batch, n_head, head_dim, seq] by a reshape",
        MIXES,
        {
            SPLIT: "x = x.reshape([batch, self.n_head, self.head_dim, seq])\n"
            "        return x.transpose(2, 3)"
        },
    ),
    Mistake(
        "returning the heads one by one from split_heads",
        "One tensor holds them all: [batch, n_head, seq, head_dim].",
        {SPLIT: "return list(F.split(x, [self.head_dim] * self.n_head, axis=-1))"},
    ),
    Mistake(
        "joining the heads again at the end of split_heads",
        "They stay apart: [batch, n_head, seq, head_dim].",
        {SPLIT: SPLIT + ".reshape([batch, seq, self.n_embd])"},
    ),
    Mistake(
        "returning x as it came where there is one head",
        "One head has its axis too: [batch, 1, seq, head_dim].",
        {LENGTHS: "if self.n_head == 1:\n            return x\n        " + LENGTHS},
    ),
    Mistake(
        "a batch of 1 in split_heads, whatever the batch",
        "x has as many sequences as x.shape[0] says.",
        {SPLIT: SPLIT.replace("[batch,", "[1,")},
    ),
    Mistake(
        "expecting q, k and v in split_heads at once",
        "split_heads gets one of them: [batch, seq, n_embd].",
        {
            SPLIT: "x = x.reshape([batch, seq, 3, self.n_head, self.head_dim])\n"
            "        return x.permute([2, 0, 3, 1, 4])",
            FUSED: "x = self.split_heads(self.c_attn(x))\n"
            "        q, k, v = x[0], x[1], x[2]",
            HEADS: "q, k, v",
        },
    ),
    # --- merge_heads ---
    Mistake(
        "merging the heads by a reshape alone",
        "The heads of one token have to lie beside each other first: move them back "
        "behind the tokens.",
        {MERGE: NO_MOVE_BACK},
    ),
    Mistake(
        "moving the heads back in attend instead of in merge_heads",
        "attend gives [batch, n_head, q_len, head_dim]; merge_heads moves them back.",
        {
            ATTEND: "return (self.attention_weights(q, k) @ v).transpose(1, 2)",
            MERGED_LENGTHS: "batch, seq, _, _ = x.shape",
            MERGE: NO_MOVE_BACK,
        },
    ),
    Mistake(
        "moving the heads back in forward instead of in merge_heads",
        "merge_heads itself takes [batch, n_head, seq, head_dim].",
        {
            MERGED_LENGTHS: "batch, seq, _, _ = x.shape",
            MERGE: NO_MOVE_BACK,
            LAST: LAST.replace("(x)", "(x.transpose(1, 2))"),
        },
    ),
    Mistake(
        "merging with the numbers of the heads interleaved",
        "Head h's head_dim numbers stay together, at the place they came from.",
        {MERGE: INTERLEAVED},
    ),
    Mistake(
        "putting the tokens before the batch in merge_heads",
        "The batch stays in front: only the heads and the tokens change places.",
        {MERGE: INTERLEAVED.replace("[0, 2, 3, 1]", "[2, 0, 1, 3]")},
    ),
    Mistake(
        "swapping the last two axes in merge_heads",
        "Exchange axes 1 and 2: the heads go back behind the tokens.",
        {MERGE: MERGE.replace("transpose(1, 2)", "transpose(2, 3)")},
    ),
    Mistake(
        "swapping axes 1 and 3 in merge_heads",
        "Exchange axes 1 and 2: the heads go back behind the tokens.",
        {MERGE: MERGE.replace("transpose(1, 2)", "transpose(1, 3)")},
    ),
    Mistake(
        "merging without making one axis of heads and numbers",
        "The result has three axes: " + SIDE_BY_SIDE,
        {MERGE: "return x.transpose(1, 2)"},
    ),
    Mistake(
        "making one axis of batch and tokens in merge_heads",
        "The result has three axes: " + SIDE_BY_SIDE,
        {
            MERGE: MERGE.replace(
                "[batch, seq, self.n_embd]", "[batch * seq, self.n_embd]"
            )
        },
    ),
    Mistake(
        "taking the number of heads for the number of tokens in merge_heads",
        "merge_heads gets [batch, n_head, seq, head_dim]: the tokens are axis 2.",
        {MERGED_LENGTHS: "batch, seq, _, _ = x.shape"},
    ),
    Mistake(
        "adding the heads up",
        "The heads are put side by side: n_head times head_dim numbers again.",
        {MERGE: "return F.sum(x, axis=1).reshape([batch, seq, self.head_dim])"},
    ),
    Mistake(
        "averaging the heads",
        "The heads are put side by side: n_head times head_dim numbers again.",
        {MERGE: "return F.mean(x, axis=1).reshape([batch, seq, self.head_dim])"},
    ),
    Mistake(
        "putting the heads one after another as if they were more tokens",
        "They go side by side, in the width: " + SIDE_BY_SIDE,
        {MERGE: "return F.concat([x[:, h] for h in range(self.n_head)], axis=1)"},
    ),
    Mistake(
        "applying c_proj in merge_heads instead of in forward",
        "merge_heads only moves numbers, the inverse of split_heads.",
        {
            MERGE: MERGE.replace("return x.", "return self.c_proj(x.") + ")",
            LAST: "return self.merge_heads(x)",
        },
    ),
    Mistake(
        "applying c_proj in merge_heads and in forward",
        "merge_heads only moves numbers; forward applies c_proj, once.",
        {MERGE: MERGE.replace("return x.", "return self.c_proj(x.") + ")"},
    ),
    # --- attention_weights: the scores ---
    Mistake(
        "multiplying q by k without transposing k",
        "A score is a query times a key, number by number: q times k transposed.",
        {SCORES: "scores = q @ k"},
    ),
    Mistake(
        "transposing q instead of k",
        "The scores are [q_len, k_len]: q times k transposed.",
        {SCORES: "scores = q.transpose(2, 3) @ k"},
    ),
    Mistake(
        "exchanging axes 1 and 2 of k in the scores",
        "The last two are exchanged: [.., k_len, head_dim] to [.., head_dim, k_len].",
        {SCORES: "scores = q @ k.transpose(1, 2)"},
    ),
    Mistake(
        "multiplying q and k number by number",
        "Every query meets every key: a matrix product, q @ k transposed.",
        {SCORES: "scores = q * k"},
    ),
    Mistake(
        "q and k exchanged in the scores",
        "Rows are queries, columns are keys: q times k transposed.",
        {SCORES: "scores = k @ q.transpose(2, 3)"},
    ),
    Mistake(
        "queries scored against themselves",
        "A score is a query times a key: q times k transposed.",
        {SCORES: "scores = q @ q.transpose(2, 3)"},
    ),
    Mistake(
        "queries and keys brought to length 1 before they meet",
        "GPT-2 takes them as long as they are.",
        {
            SCORES: "q = q / F.sqrt(F.sum(q * q, axis=-1))\n"
            "        k = k / F.sqrt(F.sum(k * k, axis=-1))\n"
            "        " + SCORES
        },
    ),
    Mistake(
        "keys scored against themselves",
        "A score is a query times a key: q times k transposed.",
        {SCORES: "scores = k @ k.transpose(2, 3)"},
    ),
    Mistake(
        "not scaling the scores",
        "Divided by sqrt(head_dim), they stay in one range however wide a head is.",
        {SCALED: "scores"},
    ),
    Mistake(
        "not scaling the scores, and normalizing without the largest one taken off",
        "Divided by sqrt(head_dim), they stay in one range; and exp of a score above "
        "88 is infinite: subtract each row's largest score first.",
        {SCALED: "scores", **by_hand("F.exp(s)")},
    ),
    Mistake(
        "scaling in forward instead of in attention_weights",
        "Divided by sqrt(head_dim), scores become weights. " + ITS_OWN,
        {SCALED: "scores", HEADS: HEADS.replace("self.split_heads(q)", SCALED_QUERY)},
    ),
    Mistake(
        "scaling in attend instead of in attention_weights",
        "Divided by sqrt(head_dim), scores become weights. " + ITS_OWN,
        {
            SCALED: "scores",
            ATTEND: "q = q / math.sqrt(self.head_dim)\n        " + ATTEND,
        },
    ),
    Mistake(
        "scaling by 1/sqrt(n_embd)",
        OWN_WIDTH,
        {SCALED: "scores / math.sqrt(self.n_embd)"},
    ),
    Mistake(
        "dividing the scores by head_dim without the root",
        "Once by sqrt(head_dim): a sum of head_dim products grows with that root.",
        {SCALED: "scores / self.head_dim"},
    ),
    Mistake(
        "dividing the scores by n_embd",
        "They are divided by sqrt(head_dim). " + OWN_WIDTH,
        {SCALED: "scores / self.n_embd"},
    ),
    Mistake(
        "dividing the scores by n_head",
        "They are divided by sqrt(head_dim): n_embd / n_head numbers are summed up.",
        {SCALED: "scores / self.n_head"},
    ),
    Mistake(
        "dividing the scores by the fourth root of head_dim",
        "By sqrt(head_dim): the fourth root is for queries and keys, each by itself.",
        {SCALED: "scores / self.head_dim**0.25"},
    ),
    Mistake(
        "multiplying the scores by sqrt(head_dim)",
        "They have to become smaller: divide.",
        {SCALED: "scores * math.sqrt(self.head_dim)"},
    ),
    Mistake(
        "multiplying the scores by head_dim",
        "They have to become smaller: divide by sqrt(head_dim).",
        {SCALED: "scores * self.head_dim"},
    ),
    Mistake(
        "scaling by 1/sqrt(n_head)",
        "What is summed up are the numbers of one head. " + OWN_WIDTH,
        {SCALED: "scores / math.sqrt(self.n_head)"},
    ),
    Mistake(
        "scaling by the root of the number of keys",
        "What is summed up for a score are the head_dim numbers of a query and a key.",
        {SCALED: "scores / float(int(k_len)) ** 0.5"},
    ),
    Mistake(
        "dividing the scores by 8, the root of 64",
        "64 is head_dim in GPT-2's published sizes; here it is config.head_dim.",
        {SCALED: "scores / 8.0"},
    ),
    Mistake(
        "dividing the scores by 64",
        "By the root of head_dim, and 64 is head_dim in GPT-2's published sizes only.",
        {SCALED: "scores / 64"},
    ),
    Mistake(
        "rounding sqrt(head_dim) down",
        "The root is no whole number: math.sqrt, not math.isqrt, int or //.",
        {SCALED: "scores / math.isqrt(self.head_dim)"},
    ),
    Mistake(
        "scaling after the softmax",
        "The rows no longer sum to 1. The scores are scaled, then softmax follows.",
        {SCALED: "scores", SOFTMAX: SOFTMAX + " / math.sqrt(self.head_dim)"},
    ),
    Mistake(
        "scaling before and after the softmax",
        "The rows no longer sum to 1. Only the scores are scaled.",
        {SOFTMAX: SOFTMAX + " / math.sqrt(self.head_dim)"},
    ),
    Mistake(
        "scores with the opposite sign",
        "The larger a score, the larger the weight.",
        {SCALED: "-" + SCALED},
    ),
    # --- attention_weights: the mask ---
    Mistake(
        "leaving the mask out",
        "Tokens must not see what comes after them: the mask of step 02 hides it.",
        weights("return F.softmax(scores, axis=-1)"),
    ),
    Mistake(
        "leaving the mask out, and normalizing without the largest score taken off",
        "The mask of step 02 hides what comes later; and exp of a score above 88 is "
        "infinite: subtract each row's largest score first.",
        weights("e = F.exp(scores)\n        return e / F.sum(e, axis=-1)"),
    ),
    Mistake(
        "leaving the mask out where there are older keys",
        "Among the new tokens the future stays hidden, however many keys came before.",
        {SOFTMAX: "mask = mask if q_len == k_len else 0.0\n        " + SOFTMAX},
    ),
    Mistake(
        "multiplying the mask instead of adding it",
        MADE_TO_ADD,
        weights("return F.softmax(scores * mask, axis=-1)"),
    ),
    Mistake(
        "subtracting the mask",
        "The mask is 0 or -inf, made to be added: minus -inf is +inf.",
        weights("return F.softmax(scores - mask, axis=-1)"),
    ),
    Mistake(
        "adding the mask after the softmax",
        "What is hidden must get no share: the mask belongs to the scores.",
        weights("return F.softmax(scores, axis=-1) + mask"),
    ),
    Mistake(
        "multiplying the mask after the softmax",
        MADE_TO_ADD + " And that to the scores, before the softmax.",
        weights("return F.softmax(scores, axis=-1) * mask"),
    ),
    Mistake(
        "setting hidden weights to 0 after the softmax",
        BEFORE + " Afterwards, the rows no longer sum to 1.",
        weights("return F.softmax(scores, axis=-1) * F.exp(mask)"),
    ),
    Mistake(
        "setting hidden scores to 0",
        "exp(0) is 1, a share like any other: -inf, which the mask adds, gives 0.",
        weights("return F.softmax(scores * F.exp(mask), axis=-1)"),
    ),
    Mistake(
        "showing the future and hiding the rest",
        "The mask is 0 where a query may look, and -inf where it may not.",
        weights(
            "hidden = F.broadcast_to(mask, scores.shape)\n"
            "        past = F.where(F.equal(hidden, 0.0), hidden - math.inf, scores)\n"
            "        return F.softmax(past, axis=-1)"
        ),
    ),
    Mistake(
        "transposing the mask",
        "That hides the past and shows the future: rows are queries, columns keys.",
        weights("return F.softmax(scores + mask.transpose(0, 1), axis=-1)"),
    ),
    Mistake(
        "a mask for q_len keys although there are k_len",
        SURPLUS,
        {OLD: "q_len, 0, dtype"},
    ),
    Mistake(
        "a mask for k_len queries although there are q_len",
        "With a KV cache there are fewer queries than keys: the mask has a row for "
        "each query.",
        {OLD: "k_len, 0, dtype"},
    ),
    Mistake(
        "a mask for q_len keys (mask + scores) although there are k_len",
        SURPLUS,
        {
            OLD: "q_len, 0, dtype",
            SOFTMAX: SOFTMAX.replace("scores + mask", "mask + scores"),
        },
    ),
    Mistake(
        "a mask for k_len queries (mask + scores) although there are q_len",
        "With a KV cache there are fewer queries than keys: the mask has a row for "
        "each query.",
        {
            OLD: "k_len, 0, dtype",
            SOFTMAX: SOFTMAX.replace("scores + mask", "mask + scores"),
        },
    ),
    Mistake(
        "letting query i look at key j where j <= i, whatever keys came before",
        LATER,
        masked(
            "F.gather(\n"
            f"            causal_mask(k_len, 0, {TYPES}),\n"
            "            F.arange(0, q_len, out_dim=q_len, dtype=DType.int64, "
            "device=q.device),\n"
            "            axis=0,\n"
            "        )"
        )
        | {MATH: MATH + "from max.dtype import DType\n"},
    ),
    Mistake(
        "the surplus keys taken for the last ones",
        "They come first: the older keys are before the new ones.",
        masked(
            "F.concat(\n"
            "            [\n"
            f"                causal_mask(q_len, 0, {TYPES}),\n"
            "                F.broadcast_to(\n"
            f"                    F.constant(0.0, {TYPES}), [q_len, k_len - q_len]\n"
            "                ),\n"
            "            ],\n"
            "            axis=1,\n"
            "        )"
        ),
    ),
    Mistake(
        "counting all keys as old ones",
        "num_tokens is how many keys there were before the first query: k_len - q_len.",
        {OLD: "q_len, k_len, dtype"},
    ),
    Mistake(
        "counting all queries as old keys",
        "num_tokens is how many keys there were before the first query: k_len - q_len.",
        {OLD: "q_len, q_len, dtype"},
    ),
    Mistake(
        "k_len queries and k_len - q_len old keys for the mask",
        "step 02 takes the number of queries, q_len, then that of the older keys.",
        {OLD: "k_len, k_len - q_len, dtype"},
    ),
    Mistake(
        "k_len queries and q_len old keys for the mask",
        "step 02 takes the number of queries, q_len, then k_len - q_len.",
        {OLD: "k_len, q_len, dtype"},
    ),
    Mistake(
        "exchanging the two lengths of the mask",
        "step 02 takes the number of queries, q_len, then that of the older keys.",
        {OLD: "k_len - q_len, q_len, dtype"},
    ),
    Mistake(
        "a negative number of old keys, q_len - k_len",
        "There are more keys than queries: k_len - q_len came before.",
        {OLD: "q_len, q_len - k_len, dtype"},
    ),
    Mistake(
        "one old key too many for the mask",
        "num_tokens is how many keys there were before the first query: k_len - q_len.",
        {OLD: "q_len, k_len - q_len + 1, dtype"},
    ),
    Mistake(
        "one old key too few for the mask",
        "num_tokens is how many keys there were before the first query: k_len - q_len.",
        {OLD: "q_len, k_len - q_len - 1, dtype"},
    ),
    Mistake(
        "k_len - 1 old keys for the mask",
        "num_tokens is how many keys there were before the first query: k_len - q_len.",
        {OLD: "q_len, k_len - 1, dtype"},
    ),
    Mistake(
        "taking the number of heads for the number of tokens in the mask",
        "q is [batch, n_head, q_len, head_dim]: the tokens are axis 2.",
        {KEPT: "q_len, k_len = q.shape[1], k.shape[1]"},
    ),
    Mistake(
        "taking head_dim for the number of tokens in the mask",
        "q is [batch, n_head, q_len, head_dim]: the tokens are axis 2.",
        {KEPT: "q_len, k_len = q.shape[3], k.shape[3]"},
    ),
    Mistake(
        "computing in float32 whatever the dtype of q and k",
        "The mask has the dtype of the scores: a tensor in float32 makes float32 of "
        "all that it meets.",
        {
            MATH: MATH + "from max.dtype import DType\n",
            "dtype=scores.dtype": "dtype=DType.float32",
        },
    ),
    Mistake(
        "not telling the mask its dtype and device",
        "causal_mask needs both, by name: those of the scores.",
        {", " + TYPES: ""},
    ),
    Mistake(
        "giving the mask its dtype and device without their names",
        "causal_mask takes them by name only: dtype=..., device=...",
        {TYPES: "scores.dtype, scores.device"},
    ),
    # --- attention_weights: the softmax ---
    Mistake(
        "softmax over the queries",
        EVERY_ROW,
        weights(SOFTMAX.replace("axis=-1", "axis=-2")),
    ),
    Mistake(
        "softmax over the heads",
        "The heads do not compete: each query shares out its attention over the keys.",
        weights(SOFTMAX.replace("axis=-1", "axis=1")),
    ),
    Mistake(
        "softmax over the batch",
        "Sequences do not compete: each query shares out its attention over the keys.",
        weights(SOFTMAX.replace("axis=-1", "axis=0")),
    ),
    Mistake(
        "leaving the softmax out",
        "Scores become probabilities by softmax: each row sums to 1.",
        weights("return scores + mask"),
    ),
    Mistake(
        "leaving softmax and mask out",
        "Scores become probabilities: the mask hides the future, then softmax.",
        weights("return scores"),
    ),
    Mistake(
        "leaving the softmax to attend",
        ITS_OWN,
        {
            SOFTMAX: "return scores + mask",
            ATTEND: "return F.softmax(self.attention_weights(q, k), axis=-1) @ v",
        },
    ),
    Mistake(
        "leaving mask and softmax to attend",
        ITS_OWN,
        {
            SOFTMAX: "return scores",
            ATTEND: "weights = self.attention_weights(q, k)\n"
            f"        {KEPT}\n"
            f"        mask = {MASK.replace('scores', 'weights')}\n"
            "        return F.softmax(weights + mask, axis=-1) @ v",
        },
    ),
    Mistake(
        "softmax twice in attention_weights",
        "What softmax gives are probabilities already.",
        weights("return F.softmax(F.softmax(scores + mask, axis=-1), axis=-1)"),
    ),
    Mistake(
        "the logarithm of the softmax",
        "The weights are the probabilities themselves.",
        weights("return F.logsoftmax(scores + mask, axis=-1)"),
    ),
    Mistake(
        "a sigmoid instead of the softmax",
        EVERY_ROW,
        weights("return F.sigmoid(scores + mask)"),
    ),
    Mistake(
        "exponentials that are not divided by their sum",
        EVERY_ROW,
        weights("return F.exp(scores + mask)"),
    ),
    Mistake(
        "exponentials, the largest score taken off, not divided by their sum",
        EVERY_ROW,
        weights("s = scores + mask\n        return F.exp(s - F.max(s, axis=-1))"),
    ),
    Mistake(
        "scores divided by their sum, without an exponential",
        "Softmax takes exp of each score first: so all shares are positive.",
        weights(
            "shown = scores * F.exp(mask)\n        return shown / F.sum(shown, axis=-1)"
        ),
    ),
    Mistake(
        "a softmax by hand without the largest score taken off",
        "exp of a score above 88 is infinite, and infinity over infinity no number: "
        "subtract each row's largest score first, or take F.softmax.",
        by_hand("F.exp(s)"),
    ),
    Mistake(
        "a softmax by hand with the largest score of all taken off, not of each row",
        "In a row whose scores are all far smaller, exp gives 0 everywhere, and 0 over "
        "0 is no number.",
        by_hand("F.exp(s - F.max(s, axis=None))"),
    ),
    Mistake(
        "a softmax by hand with the sum over the queries",
        EVERY_ROW,
        by_hand("F.exp(s)", "F.sum(e, axis=-2)"),
    ),
    Mistake(
        "a softmax by hand with the sum over all of the scores",
        EVERY_ROW,
        by_hand("F.exp(s)", "F.sum(e, axis=None)"),
    ),
    Mistake(
        "squashing the scores with tanh, as in Gemma",
        "GPT-2 leaves the scores as large as they are.",
        {SCALED: f"50 * F.tanh({SCALED} / 50)"},
    ),
    Mistake(
        "returning more than the weights from attention_weights",
        "It gives one tensor, the weights.",
        weights(SOFTMAX + ", scores"),
    ),
    # --- attend ---
    Mistake(
        "using the weights transposed",
        "Each query's row of weights goes over the values: weights @ v.",
        {ATTEND: "return self.attention_weights(q, k).transpose(2, 3) @ v"},
    ),
    Mistake(
        "v times the weights instead of the weights times v",
        "Each query's row of weights goes over the values: weights @ v.",
        {ATTEND: "return v @ self.attention_weights(q, k)"},
    ),
    Mistake(
        "transposing v",
        "Each query's row of weights goes over the values: weights @ v.",
        {ATTEND: ATTEND + ".transpose(2, 3)"},
    ),
    Mistake(
        "multiplying weights and values number by number",
        "Each query's row of weights goes over the values: a matrix product.",
        {ATTEND: "return self.attention_weights(q, k) * v"},
    ),
    Mistake(
        "averaging the keys instead of the values",
        "Keys decide how much; what is collected are the values.",
        {ATTEND: "return self.attention_weights(q, k) @ k"},
    ),
    Mistake(
        "scoring the queries against the values, and averaging the keys",
        "Keys decide how much; what is collected are the values.",
        {ATTEND: "return self.attention_weights(q, v) @ k"},
    ),
    Mistake(
        "scoring the queries against the values",
        "Keys decide how much; what is collected are the values.",
        {ATTEND: "return self.attention_weights(q, v) @ v"},
    ),
    Mistake(
        "q and k exchanged in attend",
        "attention_weights takes the queries, then the keys.",
        {ATTEND: ATTEND.replace("(q, k)", "(k, q)")},
    ),
    Mistake(
        "returning the weights from attend, without the values",
        "The values are averaged with them: weights @ v.",
        {ATTEND: "return self.attention_weights(q, k)"},
    ),
    Mistake(
        "returning the values from attend as they are",
        "The values are averaged with the weights: weights @ v.",
        {ATTEND: "return v"},
    ),
    Mistake(
        "adding the values to the result",
        "Attention gives what was collected; the residual is step 08's.",
        {ATTEND: ATTEND + " + v"},
    ),
    Mistake(
        "adding the queries to the result",
        "Attention gives what was collected; the residual is step 08's.",
        {ATTEND: ATTEND + " + q"},
    ),
    Mistake(
        "softmax in attend although the weights are probabilities already",
        "attention_weights ends with the softmax; attend only averages.",
        {ATTEND: "return F.softmax(self.attention_weights(q, k), axis=-1) @ v"},
    ),
    Mistake(
        "dividing by sqrt(head_dim) in attend once more",
        "attention_weights scales its scores; attend only averages.",
        {ATTEND: "return self.attention_weights(q / math.sqrt(self.head_dim), k) @ v"},
    ),
    Mistake(
        "dividing the weights by sqrt(head_dim) in attend",
        "The weights are probabilities already; attend only averages.",
        {
            ATTEND: "x = self.attention_weights(q, k) / math.sqrt(self.head_dim)\n"
            "        return x @ v"
        },
    ),
    Mistake(
        "adding the mask to the weights in attend",
        "attention_weights has hidden the future already; attend only averages.",
        {
            ATTEND: "scores = self.attention_weights(q, k)\n"
            f"        {KEPT}\n"
            f"        mask = {MASK}\n"
            "        return (scores + mask) @ v"
        },
    ),
    Mistake(
        "leaving the mask out in attend, which does without attention_weights",
        "Hidden keys get no share: attention_weights sees to it.",
        {
            ATTEND: "scores = q @ k.transpose(2, 3) / math.sqrt(self.head_dim)\n"
            "        return F.softmax(scores, axis=-1) @ v"
        },
    ),
    Mistake(
        "moving the heads back behind the tokens in attend",
        "attend gives [batch, n_head, q_len, head_dim]; merge_heads moves them.",
        {
            ATTEND: "return (self.attention_weights(q, k) @ v).transpose(1, 2)",
            LAST: LAST.replace("(x)", "(x.transpose(1, 2))"),
        },
    ),
    Mistake(
        "merging the heads in attend instead of in forward",
        "attend gives [batch, n_head, q_len, head_dim]; forward merges.",
        {
            ATTEND: "return self.merge_heads(self.attention_weights(q, k) @ v)",
            LAST: "return self.c_proj(x)",
        },
    ),
    Mistake(
        "returning the weights beside the result of attend",
        "It gives one tensor: what each query has collected.",
        {
            ATTEND: "x = self.attention_weights(q, k)\n        return x @ v, x",
            LAST: LAST.replace("(x)", "(x[0])"),
        },
    ),
    # --- forward ---
    Mistake("taking c_attn's thirds as k, q, v", ORDER, thirds(1, 0, 2)),
    Mistake("taking c_attn's thirds as v, k, q", ORDER, thirds(2, 1, 0)),
    Mistake("taking c_attn's thirds as q, v, k", ORDER, thirds(0, 2, 1)),
    Mistake("taking c_attn's thirds as k, v, q", ORDER, thirds(2, 0, 1)),
    Mistake("taking c_attn's thirds as v, q, k", ORDER, thirds(1, 2, 0)),
    Mistake(
        "taking the keys for the values too",
        "The values are c_attn's last third.",
        thirds(0, 1, 1),
    ),
    Mistake(
        "taking the queries for the values too",
        "The values are c_attn's last third.",
        thirds(0, 1, 0),
    ),
    Mistake(
        "taking the queries for the keys too",
        "The keys are c_attn's second third.",
        thirds(0, 0, 2),
    ),
    Mistake(
        "taking the values for the keys too",
        "The keys are c_attn's second third.",
        thirds(0, 2, 2),
    ),
    Mistake(
        "taking the keys for the queries too",
        "The queries are c_attn's first third.",
        thirds(1, 1, 2),
    ),
    Mistake(
        "taking c_attn's first third for q, k and v",
        "The keys are c_attn's second third, the values its last.",
        thirds(0, 0, 0),
    ),
    Mistake(
        "taking q, k and v of each head from neighbouring columns",
        "c_attn's output is all of q, then all of k, then all of v; heads are cut "
        "afterwards.",
        fused(PER_HEAD),
    ),
    Mistake(
        "taking every third column for q, for k and for v",
        THIRDS,
        fused(
            "y = y.reshape([b, s, self.n_embd, 3])\n"
            "        q, k, v = (y[:, :, :, i] for i in range(3))"
        ),
    ),
    Mistake(
        "reshaping c_attn's output to [batch, 3, seq, n_embd]",
        "That mixes tokens. " + THIRDS,
        fused(
            "y = y.reshape([b, 3, s, self.n_embd])\n"
            "        q, k, v = (y[:, i] for i in range(3))"
        ),
    ),
    Mistake(
        "reshaping c_attn's output to [3, batch, seq, n_embd]",
        "That mixes tokens. " + THIRDS,
        fused(
            "y = y.reshape([3, b, s, self.n_embd])\n"
            "        q, k, v = (y[i] for i in range(3))"
        ),
    ),
    Mistake(
        "telling F.split how many pieces instead of how large they are",
        "F.split takes the sizes: three times n_embd. A number of pieces is what "
        "F.chunk takes.",
        {SIZES: "3,"},
    ),
    Mistake(
        "cutting c_attn's output along the tokens",
        "q, k and v are beside each other in the width, the last axis.",
        {SIZES + "\n            axis=-1": SIZES + "\n            axis=1"},
    ),
    Mistake(
        "cutting c_attn's output into three chunks along the tokens",
        "q, k and v are beside each other in the width, the last axis.",
        {FUSED: "q, k, v = F.chunk(self.c_attn(x), 3, axis=1)"},
    ),
    Mistake(
        "cutting c_attn's output into pieces of head_dim",
        THIRDS + " Each is n_embd wide.",
        {SIZES: "[self.head_dim, self.head_dim, self.head_dim],"},
    ),
    Mistake(
        "leaving c_attn out",
        "q, k and v are what c_attn makes of x.",
        {FUSED: "q, k, v = x, x, x"},
    ),
    Mistake(
        "leaving c_attn's bias out",
        "c_attn is a linear layer with a bias: self.c_attn(x).",
        {CUT: "x @ self.c_attn.weight.T,"},
    ),
    Mistake(
        "leaving c_proj's bias out",
        "c_proj is a linear layer with a bias: self.c_proj(x).",
        {LAST: "return self.merge_heads(x) @ self.c_proj.weight.T"},
    ),
    Mistake(
        "leaving c_proj out",
        "c_proj mixes what the heads have found.",
        {LAST: "return self.merge_heads(x)"},
    ),
    Mistake(
        "applying c_proj twice",
        "c_proj mixes what the heads have found, once.",
        {LAST: "return self.c_proj(self.c_proj(self.merge_heads(x)))"},
    ),
    Mistake(
        "applying c_proj before attending",
        "c_proj comes last: it mixes what the heads have found.",
        {
            HEADS: HEADS.replace("(v)", "(self.c_proj(v))"),
            LAST: "return self.merge_heads(x)",
        },
    ),
    Mistake(
        "applying c_proj to the heads unmerged",
        "merge_heads puts them side by side before c_proj.",
        {LAST: "return self.c_proj(x)"},
    ),
    Mistake(
        "returning the heads unmerged",
        "merge_heads puts them side by side before c_proj.",
        {LAST: "return x"},
    ),
    Mistake(
        "merging the heads by a reshape alone in forward",
        "Call merge_heads: it moves the heads back behind the tokens first.",
        {
            HEADS + ")": HEADS + ")\n        batch, _, length, _ = x.shape",
            LAST: "return self.c_proj(x.reshape([batch, length, self.n_embd]))",
        },
    ),
    Mistake(
        "splitting the heads by a reshape alone in forward",
        "Call split_heads. " + MIXES,
        {
            HEADS: "*(\n"
            "            t.reshape([b, self.n_head, s, self.head_dim])\n"
            "            for b, s, _, t in ((*t.shape, t) for t in (q, k, v))\n"
            "        )"
        },
    ),
    Mistake(
        "attending without splitting into heads",
        "q, k and v are each split into heads, so that every head attends by itself.",
        {
            HEADS: "*(F.unsqueeze(t, 1) for t in (q, k, v))",
            LAST: "return self.c_proj(F.squeeze(x, 1))",
        },
    ),
    Mistake(
        "attending without splitting into heads, but merging them",
        "q, k and v are each split into heads before attend.",
        {HEADS: "q, k, v"},
    ),
    Mistake(
        "not attending at all: the values are projected as they are",
        "Each token collects the values of what came before it: attend.",
        {LAST: "return self.c_proj(v)"},
    ),
    Mistake(
        "leaving the mask out in forward, which does without attend",
        "Hidden keys get no share: attend sees to it.",
        {
            f"self.attend({HEADS})": (
                "F.softmax(\n"
                "            self.split_heads(q)\n"
                "            @ self.split_heads(k).transpose(2, 3)\n"
                "            / math.sqrt(self.head_dim),\n"
                "            axis=-1,\n"
                "        ) @ self.split_heads(v)"
            )
        },
    ),
    Mistake(
        "scaling in forward although attention_weights scales too",
        "Once is enough: divided by sqrt(head_dim) twice, the scores are too small.",
        {HEADS: HEADS.replace("self.split_heads(q)", SCALED_QUERY)},
    ),
    Mistake(
        "multiplying the queries by sqrt(head_dim) in forward",
        "attention_weights divides by it, and forward has nothing to undo.",
        {HEADS: HEADS.replace("self.split_heads(q)", SCALED_QUERY.replace("/", "*"))},
    ),
    Mistake(
        "scaling queries and keys in forward although attention_weights scales too",
        "Once is enough: divided by sqrt(head_dim), in attention_weights.",
        {
            HEADS: HEADS.replace("self.split_heads(q)", SCALED_QUERY).replace(
                "self.split_heads(k)", SCALED_QUERY.replace("(q)", "(k)")
            )
        },
    ),
    Mistake(
        "adding x to the result",
        "The residual connection is step 08's: attention gives only what it found.",
        {
            QKV: "stream = x\n        " + QKV,
            LAST: LAST.replace("return", "return stream +"),
        },
    ),
    Mistake(
        "adding x before c_proj",
        "The residual connection is step 08's: c_proj gets only what the heads found.",
        {
            QKV: "stream = x\n        " + QKV,
            LAST: "return self.c_proj(stream + self.merge_heads(x))",
        },
    ),
    Mistake(
        "returning more than the result from forward",
        "It gives one tensor: [batch, seq, n_embd].",
        {LAST: LAST + ", v"},
    ),
    Mistake(
        "rotating queries and keys by their positions, as in Llama",
        "GPT-2 knows positions by step 06 alone: q and k stay as they are.",
        {
            MATH: MATH + "from max.dtype import DType\n",
            "class GPT2Attention": """def rotated(x: Tensor) -> Tensor:
    seq, dim = x.shape[2], int(x.shape[3])
    half = dim // 2
    speed = [10000.0 ** (-2.0 * i / dim) for i in range(half)]
    speed = F.constant(speed, dtype=x.dtype, device=x.device)
    t = F.arange(0, seq, out_dim=seq, dtype=x.dtype, device=x.device)
    angle = t.unsqueeze(1) * speed.unsqueeze(0)
    cos, sin = F.cos(angle), F.sin(angle)
    x1, x2 = F.split(x, [half, dim - half], axis=-1)
    return F.concat([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=-1)


class GPT2Attention""",
            HEADS: "rotated(self.split_heads(q)), rotated(self.split_heads(k)), "
            "self.split_heads(v)",
        },
    ),
    # --- One call after another, symbolic lengths ---
    Mistake(
        "keeping the mask of the first call",
        "Every call has its own lengths: make the mask anew.",
        {
            PROJ: PROJ + "\n        self.mask = None",
            "mask = " + MASK: f"if self.mask is None:\n            self.mask = {MASK}",
            SOFTMAX: SOFTMAX.replace("mask", "self.mask"),
        },
    ),
    Mistake(
        "keeping one mask for each number of queries",
        "The mask depends on the number of keys too: make it anew in every call.",
        {
            PROJ: PROJ + "\n        self.masks = {}",
            "mask = " + MASK: "if q_len not in self.masks:\n"
            f"            self.masks[q_len] = {MASK}\n"
            "        mask = self.masks[q_len]",
        },
    ),
    Mistake(
        "keeping the weights of the last call in an attribute",
        "A tensor that is an attribute becomes a parameter to MAX, which the "
        "checkpoint lacks: only return it.",
        {
            SOFTMAX: SOFTMAX.replace("return", "self.weights =")
            + "\n        return self.weights"
        },
    ),
    Mistake(
        "keeping the mask of the last call in self.mask",
        "A tensor that is an attribute becomes a parameter to MAX, which the "
        "checkpoint lacks: a local variable does.",
        {
            "mask = causal": "self.mask = causal",
            SOFTMAX: SOFTMAX.replace("mask", "self.mask"),
        },
    ),
    Mistake(
        "turning batch and seq into ints in split_heads",
        ANY_LENGTH,
        {LENGTHS: "batch, seq = int(x.shape[0]), int(x.shape[1])"},
    ),
    Mistake(
        "turning seq into an int in split_heads",
        ANY_LENGTH,
        {LENGTHS: "batch, seq = x.shape[0], int(x.shape[1])"},
    ),
    Mistake(
        "turning batch and seq into ints in merge_heads",
        ANY_LENGTH,
        {MERGED_LENGTHS: "batch, seq = int(x.shape[0]), int(x.shape[2])"},
    ),
    Mistake(
        "turning seq into an int in merge_heads",
        ANY_LENGTH,
        {MERGED_LENGTHS: "batch, seq = x.shape[0], int(x.shape[2])"},
    ),
    Mistake(
        "turning batch and seq into ints in split_heads and merge_heads",
        ANY_LENGTH,
        {
            LENGTHS: "batch, seq = int(x.shape[0]), int(x.shape[1])",
            MERGED_LENGTHS: "batch, seq = int(x.shape[0]), int(x.shape[2])",
        },
    ),
    Mistake(
        "turning seq into an int in split_heads and merge_heads",
        ANY_LENGTH,
        {
            LENGTHS: "batch, seq = x.shape[0], int(x.shape[1])",
            MERGED_LENGTHS: "batch, seq = x.shape[0], int(x.shape[2])",
        },
    ),
    Mistake(
        "turning q_len and k_len into ints",
        ANY_LENGTH,
        {KEPT: "q_len, k_len = int(q.shape[2]), int(k.shape[2])"},
    ),
    Mistake(
        "turning k_len into an int",
        ANY_LENGTH,
        {KEPT: "q_len, k_len = q.shape[2], int(k.shape[2])"},
    ),
    Mistake(
        "turning k_len - q_len into an int",
        ANY_LENGTH,
        {OLD: "q_len, int(k_len - q_len), dtype"},
    ),
    Mistake(
        "turning batch and seq into ints in forward",
        ANY_LENGTH,
        {QKV: "_ = int(x.shape[0]), int(x.shape[1])\n        " + QKV},
    ),
    Mistake(
        "turning seq into an int in forward",
        ANY_LENGTH,
        {QKV: "_ = int(x.shape[1])\n        " + QKV},
    ),
    Mistake(
        "turning every length into an int",
        ANY_LENGTH,
        {
            LENGTHS: "batch, seq = int(x.shape[0]), int(x.shape[1])",
            MERGED_LENGTHS: "batch, seq = int(x.shape[0]), int(x.shape[2])",
            KEPT: "q_len, k_len = int(q.shape[2]), int(k.shape[2])",
        },
    ),
    Mistake(
        "asking whether k_len < q_len",
        NOT_COMPARED,
        {KEPT: KEPT + "\n        if k_len < q_len:\n            raise ValueError"},
    ),
    Mistake(
        "asking whether k_len > q_len",
        NOT_COMPARED,
        {
            KEPT: KEPT + "\n        old = k_len - q_len if k_len > q_len else 0",
            OLD: "q_len, old, dtype",
        },
    ),
    Mistake(
        "asking whether q_len > 1",
        NOT_COMPARED,
        {
            SOFTMAX: "if q_len > 1:\n            scores = scores + mask\n"
            "        return F.softmax(scores, axis=-1)"
        },
    ),
    Mistake(
        "asking whether k_len - q_len is more than 0, or max(0, k_len - q_len)",
        NOT_COMPARED,
        {
            KEPT: KEPT + "\n        old = k_len - q_len if k_len - q_len > 0 else 0",
            OLD: "q_len, old, dtype",
        },
    ),
    Mistake(
        "max(k_len - q_len, 0) for the number of old keys",
        NOT_COMPARED,
        {OLD: "q_len, max(k_len - q_len, 0), dtype"},
    ),
    Mistake(
        "making the mask in NumPy",
        ANY_LENGTH + " NumPy needs numbers, causal_mask does not.",
        masked(
            "F.constant(\n"
            "            np.triu(np.full((q_len, k_len), -np.inf, np.float32), "
            "int(k_len - q_len) + 1), device=q.device\n"
            "        )"
        )
        | {MATH: MATH + "import numpy as np\n"},
    ),
]
