"""The tokenizer of models/shakespeare and the first columns of its token table."""

import json
from typing import Any

import numpy as np

from book.chapters import ROOT
from book.data.model import digits
from gpt2.checkpoint import load_checkpoint

MODEL = ROOT / "models" / "shakespeare"
COLUMNS = 12  # of the table's 192
EXAMPLES = {
    "Shakespeare": "But, soft! what light through yonder window breaks?",
    "twice the same": "To be, or not to be, that is the question",
    "apostrophes": "I'll say 'tis thou'rt mine; they've come, and we're late",
    "numbers": "In 1599 there were 3 kings and 12,345 ducats",
    "spaces": "one two  three   four    ",
    "other scripts": "naïve café, 李白, Ελλάδα, ½, 😀",
}


def data() -> dict[str, Any]:
    stored = json.loads((MODEL / "tokenizer.json").read_text())
    vocab, merges = stored["model"]["vocab"], stored["model"]["merges"]
    checkpoint = load_checkpoint(MODEL)
    table = np.asarray(checkpoint.weights["transformer.wte.weight"])
    return {
        "vocab": sorted(vocab, key=vocab.get),
        "merges": [" ".join(pair) for pair in merges],
        "special": stored["added_tokens"][0]["content"],
        "examples": list(EXAMPLES.items()),
        "table": digits(table[:, :COLUMNS], 2),
        "width": table.shape[1],
    }


ODD = (
    "",
    " ",
    "   ",
    "\n",
    " \n\n  a\n",
    "\ta\t\tb \t c",
    "don't DON'T I'll we've they're I'm he'd 's 't '' ' ' don’t",
    "1 12 123 1,234.56 ½ ² ٣٤ ⅷ 一二三",
    "éè e\u0301 ñ ß ẞ İ ı ŉ ﬁ",
    "😀 👍🏽 👩‍👩‍👧‍👦 🇩🇪 😀😀a",
    "日本語のテキスト 中文 한국어",
    "שלום עולם مرحبا",
    "a\u00a0b\u2003c\u3000d\u200be\ufefff\u0085g\u001ch\u180ei",
    "\u2028x\u2029 y",
    "...!!! --- ?! a_b a__b _ $5 #1 @x",
    "\x00\x01\x7f\x80",
    "𝒜𝓫 𐍈 \U000e0041 \U0010ffff \ufffd",
    "<|endoftext|>",
    "a  <|endoftext|>  b<|endoftext|><|endoftext|>",
    "<|endoftext|ROMEO:\n<|endoftext|",
    "क्षि ไทย ꙮ ⃝ ̈",
)
SIGNS = "abtheou AIS'''  \n\t.,;-19½éñ日😀\u0301\u200d\u00a0"


def vectors() -> list[dict[str, Any]]:
    """Texts, and their ids as the model's own tokenizer has them."""
    tokenizer = load_checkpoint(MODEL).tokenizer
    random = np.random.default_rng(0)
    drawn = ["".join(random.choice(list(SIGNS), 40)) for _ in range(170)]
    prompts = (MODEL / "prompts.jsonl").read_text().splitlines()
    spoken = [json.loads(line)["prompt"] for line in prompts]
    texts = [*EXAMPLES.values(), *ODD, *drawn, *spoken]
    return [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts]
