"""From ids to text, while they come.

A token of GPT-2 is a few bytes, and a character may take several tokens: the text
may only be shown up to the last whole character.  A stop string may take several
tokens too: what could be its beginning is held back until that is known.
"""

from collections.abc import Iterable, Iterator, Sequence

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream


def stream_text(
    tokenizer: Tokenizer, ids: Iterable[int], *, stop: Sequence[str] = ()
) -> Iterator[str]:
    """Yields the text of `ids` piece by piece, up to the first stop string.

    Args:
        tokenizer: The one that belongs to the ids.
        ids: Taken one at a time, and no more of them once a stop string is complete.
        stop: Strings that end the text; none of them is part of it.

    Yields:
        Pieces of text, none of them empty.
    """
    decoder = DecodeStream(skip_special_tokens=True)
    held = ""  # decoded, but perhaps the beginning of a stop string
    for token in ids:
        held += decoder.step(tokenizer, token) or ""
        ends = [held.index(end) for end in stop if end in held]
        if ends:
            held = held[: min(ends)]
            break
        safe = len(held) - longest_beginning(held, stop)
        if safe > 0:
            yield held[:safe]
            held = held[safe:]
    if held:
        yield held


def longest_beginning(text: str, stop: Sequence[str]) -> int:
    """Length of the longest ending of `text` with which a stop string begins."""
    lengths = range(1, max(map(len, stop), default=0))
    return max(
        (n for n in lengths for end in stop if n < len(end) and text.endswith(end[:n])),
        default=0,
    )
