"""Mistakes in step 08, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "not adding to the stream",
        """
def residual(x, norm, sublayer):
    h = norm(x)
    h = sublayer(h)
    return h
""",
    ),
    (
        "normalizing the sum",
        """
def residual(x, norm, sublayer):
    found = sublayer(x)
    total = x + found
    return norm(total)
""",
    ),
    (
        "adding to the normalized stream",
        """
def residual(x, norm, sublayer):
    x = norm(x)
    x = x + sublayer(x)
    return x
""",
    ),
    (
        "not normalizing",
        """
def residual(x, norm, sublayer):
    change = sublayer(x)
    result = change + x
    return result
""",
    ),
    (
        "normalizing what the sublayer gives",
        """
def residual(x, norm, sublayer):
    out = sublayer(x)
    out = norm(out)
    out = out + x
    return out
""",
    ),
    (
        "normalizing before and after",
        """
def residual(x, norm, sublayer):
    shortcut = x
    x = sublayer(norm(x))
    x = norm(x + shortcut)
    return x
""",
    ),
]
