"""From ids to text, while they come.

A token of GPT-2 is a few bytes, and a character may take several tokens: the text
may only be shown up to the last whole character.  A stop string may take several
tokens too: what could be its beginning is held back until that is known.
"""

from collections.abc import Iterable, Iterator, Sequence

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream


class TextStream:
    """Turns one text's ids into pieces of text, up to the first stop string.

    Args:
        tokenizer: The one that belongs to the ids.
        stop: Strings that end the text; none of them is part of it.

    Attributes:
        stopped: Whether a stop string has come.
    """

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str] = ()) -> None:
        self.tokenizer = tokenizer
        self.stop = stop
        self.stopped = False
        self.decoder = DecodeStream(skip_special_tokens=True)
        self.held = ""  # decoded, but perhaps the beginning of a stop string

    def push(self, token: int) -> str:
        """Takes one more id; returns the text that is certain with it, if any."""
        self.held += self.decoder.step(self.tokenizer, token) or ""
        ends = [self.held.index(end) for end in self.stop if end in self.held]
        if ends:
            self.held = self.held[: min(ends)]
            self.stopped = True
            return self.flush()
        safe = len(self.held) - longest_beginning(self.held, self.stop)
        piece, self.held = self.held[:safe], self.held[safe:]
        return piece

    def flush(self) -> str:
        """Returns what is held back, when no more ids come."""
        piece, self.held = self.held, ""
        return piece


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
    stream = TextStream(tokenizer, stop)
    for token in ids:
        if piece := stream.push(token):
            yield piece
        if stream.stopped:
            return
    if piece := stream.flush():
        yield piece


def longest_beginning(text: str, stop: Sequence[str]) -> int:
    """Length of the longest ending of `text` with which a stop string begins."""
    lengths = range(1, max(map(len, stop), default=0))
    return max(
        (n for n in lengths for end in stop if n < len(end) and text.endswith(end[:n])),
        default=0,
    )
