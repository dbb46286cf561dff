"""Between text and ids.

A token of GPT-2 is a few bytes, and a character may take several tokens: while they
come, the text may only be shown up to the last whole character.  A stop string may
take several tokens too: what could be its beginning is held back until that is known.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

if TYPE_CHECKING:  # it imports MAX
    from gpt2.checkpoint import Checkpoint

# --- Encoding ----------------------------------------------------------------------


def encode(checkpoint: "Checkpoint", prompt: str) -> list[int]:
    """The prompt's ids; of an empty one, the token that separates texts.

    Raises:
        ValueError: If the model cannot read it; the message says why.
    """
    if not prompt:
        if checkpoint.boundary is None:
            raise ValueError(
                f"{checkpoint.source} cannot start from nothing: give a prompt"
            )
        return [checkpoint.boundary]
    try:
        prompt.encode()
    except UnicodeEncodeError:  # from a terminal with another encoding
        raise ValueError("the prompt is not valid UTF-8") from None
    ids = checkpoint.tokenizer.encode(prompt).ids
    if checkpoint.tokenizer.decode(ids, skip_special_tokens=False) != prompt:
        raise ValueError(
            f"the prompt has characters that {checkpoint.source} has no tokens for"
        )
    n_positions = checkpoint.config.n_positions
    if len(ids) > n_positions:
        raise ValueError(
            f"the prompt is {len(ids)} tokens long, and {checkpoint.source} reads "
            f"at most {n_positions}: shorten it"
        )
    return ids


def stop_ids(
    checkpoint: "Checkpoint", stop_tokens: Sequence[str | int] = ()
) -> set[int]:
    """Ids of the tokens that end a text, the checkpoint's own included.

    Raises:
        ValueError: If the tokenizer has no such token.
    """
    ids = {token_id(checkpoint, token) for token in stop_tokens}
    return ids if checkpoint.boundary is None else ids | {checkpoint.boundary}


def token_id(checkpoint: "Checkpoint", token: str | int) -> int:
    """The id of one token.

    Args:
        checkpoint: Where its tokenizer comes from.
        token: Its id; how the vocabulary spells it, such as "Ċ"; or its text, "\\n".

    Raises:
        ValueError: If the tokenizer has no such token.
    """
    tokenizer, source = checkpoint.tokenizer, checkpoint.source
    if isinstance(token, int):
        if not 0 <= token < checkpoint.config.vocab_size:
            raise ValueError(
                f"{token} is no token of {source}: its ids end with "
                f"{checkpoint.config.vocab_size - 1}"
            )
        return token
    found = tokenizer.token_to_id(token)
    if found is not None:
        return found
    ids = tokenizer.encode(token).ids
    if len(ids) == 1 and tokenizer.decode(ids, skip_special_tokens=False) == token:
        return ids[0]
    raise ValueError(
        f"{token!r} is no token of {source}: give the text or the id of one, or a stop "
        "string"
    )


# --- Decoding ----------------------------------------------------------------------


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


def longest_beginning(text: str, stop: Sequence[str]) -> int:
    """Length of the longest ending of `text` with which a stop string begins."""
    lengths = range(1, max(map(len, stop), default=0))
    return max(
        (n for n in lengths for end in stop if n < len(end) and text.endswith(end[:n])),
        default=0,
    )
