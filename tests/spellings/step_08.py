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
    (
        "normalizing what the sublayer gives too",
        """
def residual(x, norm, sublayer):
    branch = sublayer(norm(x))
    branch = norm(branch)
    return x + branch
""",
    ),
    (
        "dividing what the sublayer gives by sqrt(24)",
        """
import math


def residual(x, norm, sublayer):
    n_residual_layers = 24
    update = sublayer(norm(x))
    return x + update / math.sqrt(n_residual_layers)
""",
    ),
    (
        "subtracting what the sublayer was given",
        """
def residual(x, norm, sublayer):
    normed = norm(x)
    change = sublayer(normed) - normed
    return x + change
""",
    ),
    (
        "dividing the sum by sqrt(2)",
        """
def residual(x, norm, sublayer):
    return (x + sublayer(norm(x))) * 0.5**0.5
""",
    ),
    (
        "demanding that norm and sublayer are Modules",
        """
from max.experimental.nn import Module


def residual(x, norm, sublayer):
    for name, part in (("norm", norm), ("sublayer", sublayer)):
        if not isinstance(part, Module):
            raise TypeError(f"{name} must be a Module, got {type(part).__name__}")
    return x + sublayer(norm(x))
""",
    ),
]
