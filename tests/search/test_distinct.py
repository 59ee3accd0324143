"""Sampling without replacement, beside the exact probabilities of every set that could be drawn."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import Greedy, Sample
from tests import reference
from tests.reference import END, log_softmax
from tests.search.scripted import next_log_probs, random_tables, run, words

MANY = 8000


def leaves(table, longest: int, temperature: float = 1.0) -> dict[tuple[int, ...], float]:
    """Every hypothesis and what it is drawn with; the end of what is cut is forced."""
    sharp = next_log_probs(table)

    def model(prefix):  # padding and start are never drawn
        logits = sharp(prefix) / temperature
        logits[:END] = -np.inf
        return log_softmax(logits)

    found = {}
    for one in reference.every_hypothesis(model, longest, 0.0):
        scores = reference.token_scores(model, one.tokens)
        found[one.tokens] = float(np.exp(sum(scores[:-1] if len(one.tokens) == longest else scores)))
    assert sum(found.values()) == pytest.approx(1)
    return found


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_each_set_comes_as_often_as_it_should(temperature):
    (table,) = random_tables(4, 1, 5, spread=0.7)
    probabilities = leaves(table, 3, temperature)
    drawing = Sample(seed=2, n_best=2, draw="distinct", temperature=temperature)
    found = run(drawing, np.repeat(table[np.newaxis], MANY, axis=0), np.full(MANY, 3))
    sets = Counter(frozenset(map(words, rows)) for rows in found.tokens)
    assert all(len(each) == 2 for each in sets)
    for one, other in combinations(probabilities, 2):
        p, q = probabilities[one], probabilities[other]
        expected = p * q / (1 - p) + q * p / (1 - q)
        deviation = (expected * (1 - expected) / MANY) ** 0.5
        assert abs(sets[frozenset([one, other])] / MANY - expected) < 5 * deviation, (one, other)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), max_length=st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_more_than_there_are_is_all_of_them_and_padding(seed, max_length):
    tables = random_tables(seed, len(max_length), 5)
    found = run(Sample(seed=3, n_best=8, draw="distinct"), tables, max_length)
    for table, longest, tokens, scores, ended in zip(
        tables, max_length, found.tokens, found.scores, found.ended, strict=True
    ):
        every = {one.tokens: one.score for one in reference.every_hypothesis(next_log_probs(table), longest, 1.0)}
        drawn = [words(row) for row in tokens]
        assert set(drawn) - {()} == set(every) and len(set(drawn)) - (() in drawn) == len(every)
        assert drawn[len(every) :] == [()] * (8 - len(every))
        np.testing.assert_allclose(scores[: len(every)], sorted(every.values(), reverse=True), rtol=1e-4)
        assert np.all(np.isneginf(scores[len(every) :])) and not ended[len(every) :].any()


def test_sharpest_is_greedy_and_what_is_left_out_is_not_drawn():
    tables, max_length = random_tables(5, 5, 8), [1, 2, 5, 9, 9]
    greedy = run(Greedy(), tables, max_length)
    for sharp in ({"temperature": 1e-4}, {"top_k": 1}, {"top_p": 1e-6}):
        found = run(Sample(seed=1, n_best=3, draw="distinct", **sharp), tables, max_length)
        np.testing.assert_array_equal(found.tokens[:, 0], greedy.tokens[:, 0])
        np.testing.assert_array_equal(found.ended[:, 0], greedy.ended[:, 0])
        if "temperature" not in sharp:
            assert np.all(np.isneginf(found.scores[:, 1:])) and not found.tokens[:, 1:].any()


def test_batch_mates_change_nothing():
    tables, drawing = random_tables(2, 8, 8, spread=0.3), Sample(seed=6, n_best=4, draw="distinct")
    long, short = run(drawing, tables, np.full(8, 20)), run(drawing, tables, [20, 1, 2, 1, 20, 3, 2, 20])
    for place in (0, 4, 7):
        assert [words(row) for row in long.tokens[place]] == [words(row) for row in short.tokens[place]]
