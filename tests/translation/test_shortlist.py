"""A lexical shortlist against IBM Model 1 written with loops, and what it promises of its ids."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.translation import shortlist
from seq2seq.translation.shortlist import Shortlist

ids = st.lists(st.integers(4, 9), max_size=5)
WHOLE = Shortlist(np.zeros(1, np.int32), np.zeros((2, 2), np.int32)).to_bytes()
corpora = st.lists(st.tuples(ids, ids), min_size=1, max_size=6)


def model_1(pairs, iterations):
    """Expectation maximization as the paper tells it, pair by pair."""
    together = {(s, t) for source, target in pairs for s in source for t in target}
    probabilities = dict.fromkeys(together, 1.0)
    for _ in range(iterations):
        counts, totals = defaultdict(float), defaultdict(float)
        for source, target in pairs:
            for t in target:
                whole = sum(probabilities[s, t] for s in source)
                for s in source:
                    counts[s, t] += probabilities[s, t] / whole
                    totals[s] += probabilities[s, t] / whole
        probabilities = {(s, t): counts[s, t] / totals[s] for s, t in together}
    return probabilities


@given(pairs=corpora, iterations=st.integers(1, 4))
def test_model_1_equals_loops(pairs, iterations):
    pairs = [pair for pair in pairs if all(pair)]
    if pairs:
        sources, targets, found = shortlist._model_1(pairs, 10, iterations)
        expected = model_1(pairs, iterations)
        assert set(zip(sources.tolist(), targets.tolist(), strict=True)) == set(expected)
        for s, t, probability in zip(sources, targets, found, strict=True):
            np.testing.assert_allclose(probability, expected[s, t], rtol=1e-9)


@given(pairs=corpora, frequent=st.integers(0, 4), per_piece=st.integers(1, 10))
def test_of_a_batch(pairs, frequent, per_piece):
    sources, targets = zip(*pairs, strict=True)
    learnt = Shortlist.learn(sources, targets, 10, 10, frequent=frequent, per_piece=per_piece)
    learnt.check(10, 10)
    batch = np.array([[4, 5, 2], [9, 2, 0]])
    found = learnt.of(batch)
    # They stay what they are: a search needs no other number for the end.
    assert found[:3].tolist() == [0, 1, 2]
    assert (np.diff(found) > 0).all() and found.dtype == np.int32 and found.max() < 10
    beside = {t for source, target in pairs if {4, 5, 9} & set(source) for t in target}
    expected = {0, 1, 2, *learnt.frequent.tolist(), *beside}
    assert set(found.tolist()) <= expected
    if per_piece >= 6:  # room for all that there are
        assert set(found.tolist()) == expected
    again = Shortlist.from_bytes(learnt.to_bytes())
    np.testing.assert_array_equal(again.of(batch), found)


def test_finds_the_translation_of_every_word():
    generator = np.random.default_rng(0)
    sources = [generator.integers(4, 30, size=generator.integers(1, 9)).tolist() for _ in range(400)]
    targets = [(np.array(source) + 30)[::-1].tolist() for source in sources]
    learnt = Shortlist.learn(sources, targets, 30, 60, frequent=0, per_piece=1)
    assert learnt.likely[4:30, 0].tolist() == list(range(34, 60))


def test_a_large_corpus_is_sampled(monkeypatch):
    monkeypatch.setattr(shortlist, "_MOST_PAIRS", 3)
    learnt = Shortlist.learn([[4]] * 3 + [[5]], [[6]] * 3 + [[7]], 8, 8, frequent=1, per_piece=1)
    assert learnt.likely[4, 0] == 6
    assert learnt.likely[5, 0] == 0
    assert learnt.frequent.tolist() == [6]  # counted over all


@pytest.mark.parametrize("data", [b"", b"nothing at all!!", WHOLE[:-4], WHOLE[:-1], WHOLE + b"!"])
def test_other_bytes_are_refused(data):
    with pytest.raises(ValueError, match="bytes are no shortlist"):
        Shortlist.from_bytes(data)


def test_other_vocabularies_are_refused():
    learnt = Shortlist.learn([[4]], [[6]], 8, 8)
    with pytest.raises(ValueError, match=r"8 source ids and target ids up to 6, for vocabularies of 9 and 8"):
        learnt.check(9, 8)
    with pytest.raises(ValueError, match="for vocabularies of 8 and 6"):
        learnt.check(8, 6)
    with pytest.raises(ValueError, match="negative"):
        Shortlist(np.array([-1], np.int32), learnt.likely)
    with pytest.raises(ValueError, match="both int32"):
        Shortlist(learnt.frequent, learnt.likely.astype(float))
