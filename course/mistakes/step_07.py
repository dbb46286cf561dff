"""How step 07, multi-head causal self-attention, is got wrong."""

from course.mistakes import Mistake

ATTN = "self.c_attn = Linear(config.n_embd, 3 * config.n_embd)"
PROJ = "self.c_proj = Linear(config.n_embd, config.n_embd)"
SPLIT = (
    "x = x.reshape([batch, seq, self.n_head, self.head_dim])\n"
    "        return x.transpose(1, 2)"
)
SCORES = "scores = q @ k.transpose(2, 3)"
SCALED = "scores / math.sqrt(self.head_dim)"
OLD = "q_len, k_len - q_len, dtype"
SOFTMAX = "return F.softmax(scores + mask, axis=-1)"
ATTEND = "return self.attention_weights(q, k) @ v"
MERGE = (
    "x = x.transpose(1, 2)  # [batch, seq, n_head, head_dim]\n"
    "        return x.reshape([batch, seq, self.n_embd])"
)
QKV = "q, k, v = F.split("
LAST = "return self.c_proj(self.merge_heads(x))"
OWN_WIDTH = "Each head has its own width: n_embd / n_head."

MISTAKES = [
    Mistake(
        "not scaling the scores",
        "Divided by sqrt(head_dim), they stay in one range however wide a head is.",
        {SCALED: "scores"},
    ),
    Mistake(
        "scaling by 1/sqrt(n_embd)",
        OWN_WIDTH,
        {SCALED: "scores / math.sqrt(self.n_embd)"},
    ),
    Mistake(
        "dividing the scores by head_dim without the root",
        "A sum of head_dim products grows with the root of head_dim.",
        {SCALED: "scores / self.head_dim"},
    ),
    Mistake(
        "multiplying the scores by sqrt(head_dim)",
        "They have to become smaller: divide.",
        {SCALED: "scores * math.sqrt(self.head_dim)"},
    ),
    Mistake(
        "scaling by 1/sqrt(n_head)",
        "What is summed up are the numbers of one head. " + OWN_WIDTH,
        {SCALED: "scores / math.sqrt(self.n_head)"},
    ),
    Mistake(
        "scaling after the softmax",
        "The rows no longer sum to 1. The scores are scaled, then softmax follows.",
        {SCALED: "scores", SOFTMAX: SOFTMAX + " / math.sqrt(self.head_dim)"},
    ),
    Mistake(
        "softmax over the queries",
        "Each query shares out its attention: its row, over the keys, sums to 1.",
        {SOFTMAX: SOFTMAX.replace("axis=-1", "axis=-2")},
    ),
    Mistake(
        "softmax over the heads",
        "The heads do not compete: each query shares out its attention over the keys.",
        {SOFTMAX: SOFTMAX.replace("axis=-1", "axis=1")},
    ),
    Mistake(
        "leaving the softmax out",
        "Scores become probabilities by softmax: each row sums to 1.",
        {SOFTMAX: "return scores + mask"},
    ),
    Mistake(
        "leaving the mask out",
        "Tokens must not see what comes after them: the mask of step 02 hides it.",
        {SOFTMAX: "return F.softmax(scores, axis=-1)"},
    ),
    Mistake(
        "multiplying the mask instead of adding it",
        "The mask is 0 or -inf, made to be added: 0 changes nothing, -inf hides.",
        {SOFTMAX: "return F.softmax(scores * mask, axis=-1)"},
    ),
    Mistake(
        "subtracting the mask",
        "The mask is 0 or -inf, made to be added: minus -inf is +inf.",
        {SOFTMAX: "return F.softmax(scores - mask, axis=-1)"},
    ),
    Mistake(
        "adding the mask after the softmax",
        "What is hidden must get no share: the mask belongs to the scores.",
        {SOFTMAX: "return F.softmax(scores, axis=-1) + mask"},
    ),
    Mistake(
        "transposing the mask",
        "That hides the past and shows the future: rows are queries, columns keys.",
        {SOFTMAX: "return F.softmax(scores + mask.transpose(0, 1), axis=-1)"},
    ),
    Mistake(
        "a mask for q_len keys although there are k_len",
        "With a KV cache there are k_len - q_len keys from before the first query: "
        "that is num_tokens of step 02.",
        {OLD: "q_len, 0, dtype"},
    ),
    Mistake(
        "a mask for k_len queries although there are q_len",
        "With a KV cache there are fewer queries than keys: the mask has a row for "
        "each query.",
        {OLD: "k_len, 0, dtype"},
    ),
    Mistake(
        "counting all keys as old ones",
        "num_tokens is how many keys there were before the first query: k_len - q_len.",
        {OLD: "q_len, k_len, dtype"},
    ),
    Mistake(
        "q and k exchanged in the scores",
        "Rows are queries, columns are keys: q times k transposed.",
        {SCORES: "scores = k @ q.transpose(2, 3)"},
    ),
    Mistake(
        "splitting the heads by a reshape alone",
        "A reshape to [batch, n_head, seq, head_dim] mixes tokens: cut the width "
        "first, then move the heads in front.",
        {SPLIT: "return x.reshape([batch, self.n_head, seq, self.head_dim])"},
    ),
    Mistake(
        "cutting the width into head_dim heads of n_head numbers",
        "Head h owns head_dim neighbouring columns: [.., n_head, head_dim].",
        {
            SPLIT: "x = x.reshape([batch, seq, self.head_dim, self.n_head])\n"
            "        return x.permute([0, 3, 1, 2])"
        },
    ),
    Mistake(
        "not moving the heads in front of the tokens",
        "The result is [batch, n_head, seq, head_dim], so that each head's tokens can "
        "be multiplied.",
        {SPLIT: "return x.reshape([batch, seq, self.n_head, self.head_dim])"},
    ),
    Mistake(
        "merging the heads by a reshape alone",
        "The heads of one token have to lie beside each other first: move them back "
        "behind the tokens.",
        {MERGE: "return x.reshape([batch, seq, self.n_embd])"},
    ),
    Mistake(
        "merging with the numbers of the heads interleaved",
        "Head h's head_dim numbers stay together, at the place they came from.",
        {
            MERGE: "x = x.permute([0, 2, 3, 1])\n"
            "        return x.reshape([batch, seq, self.n_embd])"
        },
    ),
    Mistake(
        "adding the heads up",
        "The heads are put side by side: n_head times head_dim numbers again.",
        {MERGE: "return F.sum(x, axis=1).reshape([batch, seq, self.head_dim])"},
    ),
    Mistake(
        "using the weights transposed",
        "Each query's row of weights goes over the values: weights @ v.",
        {ATTEND: "return self.attention_weights(q, k).transpose(2, 3) @ v"},
    ),
    Mistake(
        "averaging the keys instead of the values",
        "Keys decide how much; what is collected are the values.",
        {ATTEND: "return self.attention_weights(q, k) @ k"},
    ),
    Mistake(
        "adding the values to the result",
        "Attention gives what was collected; the residual is step 08's.",
        {ATTEND: ATTEND + " + v"},
    ),
    Mistake(
        "taking c_attn's thirds as k, q, v",
        "The checkpoint's order is q, k, v.",
        {QKV: "k, q, v = F.split("},
    ),
    Mistake(
        "taking c_attn's thirds as v, k, q",
        "The checkpoint's order is q, k, v.",
        {QKV: "v, k, q = F.split("},
    ),
    Mistake(
        "taking c_attn's thirds as q, v, k",
        "The checkpoint's order is q, k, v.",
        {QKV: "q, v, k = F.split("},
    ),
    Mistake(
        "taking q, k and v of each head from neighbouring columns",
        "c_attn's output is all of q, then all of k, then all of v; heads are cut "
        "afterwards.",
        {
            QKV: "from_heads = self.c_attn(x).reshape(\n"
            "            [x.shape[0], x.shape[1], self.n_head, 3 * self.head_dim]\n"
            "        )\n"
            "        q, k, v = (\n"
            "            part.reshape([x.shape[0], x.shape[1], self.n_embd])\n"
            "            for part in F.split(\n"
            "                from_heads, [self.head_dim] * 3, axis=-1\n"
            "            )\n"
            "        )\n"
            "        F.split("
        },
    ),
    Mistake(
        "telling F.split how many pieces instead of how large they are",
        "F.split takes the sizes: three times n_embd. A number of pieces is what "
        "F.chunk takes.",
        {"[self.n_embd, self.n_embd, self.n_embd],": "3,"},
    ),
    Mistake(
        "leaving c_proj out",
        "c_proj mixes what the heads have found.",
        {LAST: "return self.merge_heads(x)"},
    ),
    Mistake(
        "returning the heads unmerged",
        "merge_heads puts them side by side before c_proj.",
        {LAST: "return x"},
    ),
    Mistake(
        "attending without splitting into heads",
        "q, k and v are each split into heads, so that every head attends by itself.",
        {
            "self.split_heads(q), self.split_heads(k), self.split_heads(v)": (
                "*(F.unsqueeze(t, 1) for t in (q, k, v))"
            ),
            LAST: "return self.c_proj(F.squeeze(x, 1))",
        },
    ),
    Mistake(
        "a c_attn of n_embd numbers",
        "c_attn makes q, k and v at once: 3 * n_embd.",
        {ATTN: "self.c_attn = Linear(config.n_embd, config.n_embd)"},
    ),
    Mistake(
        "layers without a bias",
        "Every linear layer of GPT-2 has a bias, and the checkpoint holds it.",
        {ATTN: ATTN[:-1] + ", bias=False)", PROJ: PROJ[:-1] + ", bias=False)"},
    ),
    Mistake(
        "three layers for q, k and v",
        "The checkpoint holds one matrix for all three: c_attn.",
        {
            ATTN: "self.q_proj = Linear(config.n_embd, config.n_embd)\n"
            "        self.k_proj = Linear(config.n_embd, config.n_embd)\n"
            "        self.v_proj = Linear(config.n_embd, config.n_embd)"
        },
    ),
    Mistake(
        "having no c_proj",
        "The checkpoint holds a c_proj for every attention.",
        {"\n        " + PROJ: "", LAST: "return self.merge_heads(x)"},
    ),
    Mistake(
        "exchanging the sizes of c_attn",
        "Linear takes the width that comes in, then the width that goes out.",
        {ATTN: "self.c_attn = Linear(3 * config.n_embd, config.n_embd)"},
    ),
]
