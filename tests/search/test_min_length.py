"""No sentence ends before its minimum length, unless it has to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import Beam, Greedy, Sample
from tests import reference
from tests.marks import quick
from tests.reference import END, PAD, START
from tests.search.scripted import next_log_probs, random_tables, run, words

seeds = st.integers(0, 2**32 - 1)
min_lengths = st.integers(0, 5)


@pytest.mark.slow
@settings(max_examples=30)
@given(seed=seeds, min_length=min_lengths, max_length=st.lists(st.integers(1, 4), min_size=1, max_size=4))
@pytest.mark.parametrize("n_best", quick([1, 5], 5))
def test_widest_beam_equals_brute_force(n_best, seed, min_length, max_length):
    tables = random_tables(seed, len(max_length), 6)
    found = run(Beam(40, n_best, min_length=min_length), tables, max_length)
    for table, longest, tokens, scores in zip(tables, max_length, found.tokens, found.scores, strict=True):
        expected = reference.every_hypothesis(next_log_probs(table), longest, 1.0, min_length)[:n_best]
        assert [words(row) for row in tokens[: len(expected)]] == [one.tokens for one in expected]
        np.testing.assert_allclose(scores[: len(expected)], [one.score for one in expected], rtol=1e-5, atol=1e-5)
        assert np.all(np.isneginf(scores[len(expected) :]))


@pytest.mark.slow
@settings(max_examples=30)
@given(seed=seeds, min_length=min_lengths, max_length=st.lists(st.integers(1, 9), min_size=1, max_size=4))
@pytest.mark.parametrize("beam_size", quick([2, 1, 5]))
def test_equals_the_rules_written_with_lists(beam_size, seed, min_length, max_length):
    tables = random_tables(seed, len(max_length), 5)
    found = run(Beam(beam_size, min_length=min_length), tables, max_length)
    for table, longest, tokens, ended in zip(tables, max_length, found.tokens, found.ended, strict=True):
        (best,) = reference.beam_search(next_log_probs(table), longest, 1.0, beam_size, 1, min_length)
        assert (words(tokens[0]), ended[0]) == (best.tokens, best.ended)


@settings(max_examples=30)
@given(seed=seeds, min_length=min_lengths, max_length=st.lists(st.integers(1, 9), min_size=1, max_size=4))
@pytest.mark.parametrize("kind", quick([Greedy, Sample, Beam], Beam))
def test_holds_for_every_search(kind, seed, min_length, max_length):
    tables = random_tables(seed, len(max_length), 7)
    tables[..., END] += 3.0
    found = run(kind(min_length=min_length), tables, max_length)
    for tokens, longest, ended in zip(found.tokens[:, 0], max_length, found.ended[:, 0], strict=True):
        length = len(words(tokens))
        assert length > min_length or length == longest
        assert START not in tokens and words(tokens).index(END) == length - 1
        if length <= min_length:
            assert not ended


@pytest.mark.parametrize("kind", [Greedy, Sample, Beam])
def test_where_there_is_no_word_the_end_comes_at_once(kind):
    found = run(kind(min_length=3), random_tables(1, 2, 3), [5, 5])
    assert found.tokens[:, 0].tolist() == [[END], [END]] and PAD not in found.tokens[:, 0]
