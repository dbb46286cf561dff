"""Drafting: guessing what comes next, so that several tokens are read at once.

To read one token, an engine fetches every weight from memory; to read eight, it does so
no more often, and takes little longer.  Text repeats itself: names, phrases, forms.  So
what followed the last time may follow again, and is read together with the token that
is certain.  Every token is then chosen as it would have been, from the same logits and
with the same draws:

    the text            My lord, I will ... My lord
    read at once        " lord"  ","   " I"   " will"
    chosen after each   ","      " I"  " am"

Two guesses came true; the third did not, and is forgotten.  That makes three tokens in
one reading.  The text is the same; it only comes sooner.

Source: Leviathan, Kalman and Matias, "Fast Inference from Transformers via Speculative
Decoding" (2023), where a small model guesses; Saxena, "Prompt Lookup Decoding" (2023),
for guessing from the text.
"""

from collections.abc import Sequence


def draft(ids: Sequence[int], most: int) -> list[int]:
    """Guesses what follows a text: what followed its last two tokens before.

    The last time counts.  A guess that reaches the end of the text goes on with its own
    beginning, as a text does that goes in circles.

    Two tokens, since one finds more, but most of it wrong, and three find too little:
    `benchmarks/NOTES.md` has the numbers.

    Args:
        ids: The text so far.
        most: How many tokens to guess at most.

    Returns:
        `most` ids; none if the two tokens are new, or `most` is not above 0.
    """
    if most < 1:
        return []
    for start in range(len(ids) - 3, -1, -1):
        if ids[start] == ids[-2] and ids[start + 1] == ids[-1]:
            guessed = [*ids]
            for place in range(start + 2, start + 2 + most):
                guessed.append(guessed[place])
            return guessed[len(ids) :]
    return []
