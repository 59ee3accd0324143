"""The ids of the four special pieces, the same in every vocabulary: the one place where they stand."""

PAD = 0
"""Fills a batch on the right; never a real token."""

START = 1
"""`<s>`, the first token that the decoder reads."""

END = 2
"""`</s>`, the last token of every source and of every target."""

UNKNOWN = 3
"""`<unk>`, what a piece outside the vocabulary becomes."""

PIECES = ("<pad>", "<s>", "</s>", "<unk>")
"""The spelling of the special pieces, at the place of their id."""
