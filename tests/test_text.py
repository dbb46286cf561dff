"""Ids become text piece by piece, never inside a character or a stop string."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from gpt2.text import TextStream, longest_beginning


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """Byte-level, every byte a token of its own: the hardest case."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate([*alphabet, "<|endoftext|>"])}
    tokenizer = Tokenizer(models.BPE(vocab, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer


def pieces(tokenizer: Tokenizer, ids: list[int], stop: list[str] = ()) -> list[str]:
    """The text of `ids` as it can be shown."""
    stream = TextStream(tokenizer, stop)
    shown = []
    for token in ids:
        shown.append(stream.push(token))
        if stream.stopped:
            break
    return [piece for piece in [*shown, stream.flush()] if piece]


@pytest.mark.parametrize("text", ["ROMEO: ay me", "naïve — 你好 🎭!", " \n\n x "])
def test_pieces_are_whole_characters_and_join_to_the_text(tokenizer, text):
    ids = tokenizer.encode(text).ids
    assert len(ids) == len(text.encode())
    assert pieces(tokenizer, ids) == list(text)


def test_special_tokens_are_not_text(tokenizer):
    ids = tokenizer.encode("a<|endoftext|>b").ids
    assert "".join(pieces(tokenizer, ids)) == "ab"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ([], "one two three"),
        (["two"], "one "),
        (["three", "two"], "one "),
        (["e t"], "on"),
        (["two three four"], "one two three"),
        (["x"], "one two three"),
        (["one"], ""),
    ],
)
def test_text_ends_before_the_first_stop_string(tokenizer, stop, expected):
    ids = tokenizer.encode("one two three").ids
    assert "".join(pieces(tokenizer, ids, stop)) == expected


def test_text_is_held_back_only_where_a_stop_string_may_begin(tokenizer):
    found = pieces(tokenizer, tokenizer.encode("abcabd").ids, ["abd"])
    assert found == ["abc"]


def test_longest_beginning():
    assert longest_beginning("xxab", ["abc", "bcd"]) == 2
    assert longest_beginning("xxb", ["abc", "bcd"]) == 1
    assert longest_beginning("xx", ["abc"]) == 0
    assert longest_beginning("xx", []) == 0
