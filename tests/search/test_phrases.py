"""Phrases that must appear: against brute force with the widest beam, and by what they promise with a narrow one."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import Beam, Constraints, Greedy, Sample, search
from tests import reference
from tests.marks import quick
from tests.reference import END, START
from tests.search.scripted import next_log_probs, random_tables, run, step, words
from tests.search.test_constraints import batch_of, phrases

seeds = st.integers(0, 2**32 - 1)


def has(tokens, phrase):
    return any(tokens[place : place + len(phrase)] == tuple(phrase) for place in range(len(tokens)))


@settings(max_examples=40)
@given(seed=seeds, asked=st.lists(st.tuples(phrases, st.integers(1, 4)), min_size=1, max_size=3))
def test_widest_beam_equals_brute_force(seed, asked):
    needed, max_length = ([*each] for each in zip(*asked, strict=True))
    tables = random_tables(seed, len(asked), 6)
    found = run(Beam(40, 3), tables, max_length, phrases=batch_of(needed))
    for table, longest, each, tokens, scores, ended in zip(
        tables, max_length, needed, found.tokens, found.scores, found.ended, strict=True
    ):
        every = reference.every_hypothesis(next_log_probs(table), longest, 1.0)
        expected = [one for one in every if all(has(one.tokens, phrase) for phrase in each)][:3]
        if expected:
            assert [words(row) for row in tokens[: len(expected)]] == [one.tokens for one in expected]
            np.testing.assert_allclose(scores[: len(expected)], [one.score for one in expected], rtol=1e-5, atol=1e-5)
        else:  # no room
            assert len(words(tokens[0])) == longest and not ended.any()


@settings(max_examples=40)
@given(seed=seeds, asked=st.lists(st.tuples(phrases, st.integers(10, 14)), min_size=1, max_size=4))
@pytest.mark.parametrize("beam_size", quick([1, 4], 4))
def test_with_room_all_phrases_come(beam_size, seed, asked):
    needed, max_length = ([*each] for each in zip(*asked, strict=True))
    tables = random_tables(seed, len(asked), 7)
    found = run(Beam(beam_size), tables, max_length, phrases=batch_of(needed))
    for table, each, tokens, scores in zip(tables, needed, found.tokens[:, 0], found.scores, strict=True):
        assert all(has(words(tokens), phrase) for phrase in each)
        np.testing.assert_allclose(
            scores[0], reference.score(next_log_probs(table), words(tokens), 1.0), rtol=1e-5, atol=1e-5
        )


@settings(max_examples=25)
@given(seed=seeds, max_length=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_no_phrase_changes_nothing(seed, max_length):
    tables = random_tables(seed, len(max_length), 7)
    plain = run(Beam(3, 2), tables, max_length)
    asked = run(Beam(3, 2), tables, max_length, phrases=np.zeros((len(max_length), 2, 2)))
    for name in ("tokens", "scores", "ended"):
        np.testing.assert_array_equal(getattr(asked, name), getattr(plain, name))


def test_phrases_with_other_constraints():
    tables = random_tables(3, 2, 7)
    found = run(
        Beam(5, no_repeat_ngram=2), tables, [12, 12], prefix=[[4], [5]], avoid=[[[6]], [[0]]],
        phrases=[[[3, 5], [0, 0]], [[6, 6], [3, 0]]],
    )  # fmt: skip
    first, second = (words(row[0]) for row in found.tokens)
    assert first[0] == 4 and has(first, (3, 5)) and 6 not in first
    assert second[0] == 5 and has(second, (6, 6)) and 3 in second


@pytest.mark.parametrize("kind", [Greedy(), Sample()], ids=str)
def test_only_a_beam_looks_for_phrases(kind):
    with pytest.raises(ValueError, match=re.escape(f"Received: phrases, with settings={kind!r}. Use Beam(10)")):
        search(kind, step, (), (), max_length=[3], start=START, end=END, constraints=Constraints(phrases=[[[3]]]))
