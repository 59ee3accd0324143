"""Corpora of ids, for properties."""

from hypothesis import strategies as st

from seq2seq.text.special_ids import PIECES

IDS = st.integers(len(PIECES), 50)
SENTENCE = st.lists(IDS, max_size=9)
PAIRS = st.lists(st.tuples(SENTENCE, SENTENCE), max_size=40)

# Such that at least one pair can be kept.
CORPUS = PAIRS.map(lambda pairs: [*pairs, ([7], [8, 9])])
