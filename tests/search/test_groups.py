"""Diverse beam search: against plain Python, and at the ends of what diversity can be."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import Beam, Constraints, search
from seq2seq.settings import SettingsError
from seq2seq.text import special_ids
from tests.reference import END, PAD, START
from tests.search.scripted import next_log_probs, random_tables, run, step, words

seeds = st.integers(0, 2**32 - 1)
lengths = st.lists(st.integers(1, 8), min_size=1, max_size=4)


def by_groups(model, longest, size, groups, diversity):
    """Every group by the rules of a beam, token by token behind the groups before it."""
    vocab = len(model(()))
    opened, finished, done = [[((), 0.0)]] * groups, [[] for _ in range(groups)], [False] * groups
    for length in range(1, longest + 1):
        taken = []
        for group in range(groups):
            if done[group]:
                continue
            following = [
                ((*prefix, token), total + model(prefix)[token])
                for prefix, total in opened[group]
                for token in range(vocab)
                if token not in (PAD, START)
            ]
            ends = [one for one in following if one[0][-1] == END]
            others = [one for one in following if one[0][-1] != END]
            others = sorted(others, key=lambda one: diversity * taken.count(one[0][-1]) - one[1])[:size]
            taken += [one[0][-1] for one in others]
            best = sorted([*ends, *others], key=lambda one: -one[1])[:size]
            last = length == longest
            finished[group] += [(one[1] / length, one[0]) for one in ends if last or one in best]
            finished[group] = sorted(finished[group], reverse=True)[:size]
            opened[group] = sorted(others, key=lambda one: -one[1])
            if last or not others:
                done[group] = True
            elif len(finished[group]) == size:
                done[group] = opened[group][0][1] / length <= finished[group][-1][0]
    return sorted({one for each in finished for one in each}, reverse=True)


@settings(max_examples=40)
@given(seed=seeds, max_length=lengths, diversity=st.sampled_from([0.5, 2.0]))
@pytest.mark.parametrize("groups", [2, 3])
def test_equals_the_rules_written_with_lists(groups, seed, max_length, diversity):
    tables = random_tables(seed, len(max_length), 9)
    found = run(Beam(2 * groups, 2 * groups, groups=groups, diversity=diversity), tables, max_length)
    for table, longest, tokens, scores in zip(tables, max_length, found.tokens, found.scores, strict=True):
        expected = by_groups(next_log_probs(table), longest, 2, groups, diversity)
        assert [words(row) for row in tokens[: len(expected)]] == [one for _, one in expected]
        np.testing.assert_allclose(scores[: len(expected)], [score for score, _ in expected], rtol=1e-5, atol=1e-5)
        assert all(words(row) == () for row in tokens[len(expected) :]) and np.isneginf(scores[len(expected) :]).all()


@settings(max_examples=25)
@given(seed=seeds, max_length=lengths)
def test_without_any_diversity_every_group_is_a_beam(seed, max_length):
    tables = random_tables(seed, len(max_length), 9)
    found = run(Beam(6, 3, groups=2, diversity=1e-30), tables, max_length)
    one = run(Beam(3, 3), tables, max_length)
    np.testing.assert_array_equal(found.tokens, one.tokens)
    np.testing.assert_allclose(found.scores, one.scores, rtol=1e-6)


def test_with_much_of_it_no_two_groups_begin_alike():
    found = run(Beam(4, 4, groups=4, diversity=1e6), random_tables(1, 3, 20), [9, 9, 9])
    for tokens in found.tokens:
        first = [row[0] for row in tokens if row[0] not in (PAD, END)]
        assert len(set(first)) == len(first) > 1


def test_the_plain_versions_have_the_ids_of_the_package():
    assert (PAD, START, END) == (special_ids.PAD, special_ids.START, special_ids.END)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 2, "diversity": 0.5}, "Received: beam_size=5, groups=2. Use a multiple"),
        ({"groups": 5}, "Received: groups=5, diversity=0.0. Give both"),
        ({"diversity": 0.5}, "Received: groups=1, diversity=0.5. Give both"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(SettingsError, match=re.escape(message)):
        Beam(5, **options)


def test_phrases_and_groups_are_refused_together():
    asked = Constraints(phrases=[[[3]]])
    with pytest.raises(ValueError, match=re.escape("Received: phrases, with groups=2. Leave one of them out")):
        search(Beam(4, groups=2, diversity=1.0), step, (), (), max_length=[3], start=START, end=END, constraints=asked)
