"""The numbers of the figures: `book/data/NAME.py` has `data()` for one figure each.

They come from the solutions and the models in models/, and go into the book as
`book/drawn/NAME.html`: the static picture, what it says in words, and the numbers.
"""
