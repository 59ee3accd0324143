import functools
import re
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.search import Greedy, Sample, search
from tests import reference
from tests.reference import END, PAD, START, log_softmax
from tests.search.scripted import next_log_probs, random_tables, run, words

MANY = 20_000
LOGITS = np.array([9.0, 9.0, 0.0, 1.0, 2.0, -1.0, 1.5])


def first_tokens(logits, **settings):
    """How often each token is drawn first, of many sentences with the same logits."""

    def same(tokens, state, memory):
        return tf.tile(tf.constant(logits[None], tf.float32), [tf.size(tokens), 1]), state

    @tf.function(autograph=False)
    def drawn():
        return search(Sample(**settings), same, (), (), max_length=tf.fill([MANY], 2), start=START, end=END)

    first = drawn().tokens.numpy()[:, 0, 0]
    return np.bincount(first, minlength=len(logits)) / MANY


def softmax_over(allowed, temperature=1.0):
    weights = np.zeros(len(LOGITS))
    weights[allowed] = np.exp(log_softmax(LOGITS[allowed] / temperature))
    return weights


# Five standard deviations of a frequency of one half.
as_often = functools.partial(np.testing.assert_allclose, rtol=0, atol=2.5 / MANY**0.5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_frequencies_are_those_of_the_model(temperature):
    found = first_tokens(LOGITS, seed=3, temperature=temperature)
    as_often(found, softmax_over([2, 3, 4, 5, 6], temperature))
    assert found[PAD] == found[START] == 0


def test_top_k_cuts_the_rest():
    # The padding and the start have the greatest logits, and must not take a place among the two.
    as_often(first_tokens(LOGITS, seed=3, top_k=2), softmax_over([4, 6]))
    as_often(first_tokens(LOGITS, seed=3, top_k=99), softmax_over([2, 3, 4, 5, 6]))


@pytest.mark.slow
def test_top_p_cuts_the_rest():
    probabilities = softmax_over([2, 3, 4, 5, 6])
    order = np.argsort(-probabilities)
    for count in (1, 2, 3, 4):
        # Just below the sum of the first `count`, all of them are needed; just above, one more.
        below = float(probabilities[order[:count]].sum()) - 1e-4
        as_often(first_tokens(LOGITS, seed=5, top_p=below), softmax_over(sorted(order[:count])))
        as_often(first_tokens(LOGITS, seed=5, top_p=below + 2e-4), softmax_over(sorted(order[: count + 1])))


def test_top_p_counts_after_temperature_and_top_k():
    # Of the two that are left at temperature 0.5, 4 alone has e^1 / (1 + e^1) = 0.73.
    found = first_tokens(LOGITS, seed=5, temperature=0.5, top_k=2, top_p=0.7)
    as_often(found, softmax_over([4]))


@given(seed=st.integers(0, 2**32 - 1), max_length=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_sharpest_is_greedy(seed, max_length):
    tables = random_tables(seed, len(max_length), 8)
    greedy = run(Greedy(), tables, max_length)
    for sharp in ({"temperature": 1e-4}, {"top_k": 1}, {"top_p": 1e-6}):
        found = run(Sample(seed=11, **sharp), tables, max_length)
        np.testing.assert_array_equal(found.tokens, greedy.tokens)
        np.testing.assert_array_equal(found.ended, greedy.ended)
        np.testing.assert_allclose(found.scores, greedy.scores, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"temperature": 2.0, "top_k": 4}, {"top_p": 0.8}])
def test_scores_are_the_models_own(settings):
    tables, max_length = random_tables(2, 6, 8), [1, 2, 5, 9, 9, 9]
    found = run(Sample(seed=4, length_penalty=0.0, **settings), tables, max_length)
    for table, longest, tokens, score in zip(tables, max_length, found.tokens[:, 0], found.scores[:, 0], strict=True):
        hypothesis = words(tokens)
        assert hypothesis.index(END) == len(hypothesis) - 1 < longest
        assert score == pytest.approx(reference.score(next_log_probs(table), hypothesis, 0.0), rel=1e-5, abs=1e-5)


def test_the_seed_decides():
    tables, max_length = random_tables(2, 6, 8, spread=0.3), np.full(6, 9, np.int32)

    once, again, other = (run(Sample(seed=seed), tables, max_length).tokens for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert [words(row[0]) for row in once] != [words(row[0]) for row in other]


def test_batch_mates_change_nothing():
    # Others leave sooner or later, and what is drawn here stays: it hangs on the place alone.
    tables = random_tables(2, 8, 8, spread=0.3)
    long = run(Sample(seed=6), tables, np.full(8, 20))
    short = run(Sample(seed=6), tables, [20, 1, 2, 1, 20, 3, 2, 20])
    for place in (0, 4, 7):
        assert words(long.tokens[place, 0]) == words(short.tokens[place, 0])
    # Nor do sentences that are added behind.
    fewer = run(Sample(seed=6), tables[:3], np.full(3, 20))
    assert [words(row[0]) for row in fewer.tokens] == [words(row[0]) for row in long.tokens[:3]]


def test_several_of_a_sentence_are_drawn_as_one_is():
    n_best = 300
    tables, max_length = random_tables(2, 3, 6, spread=0.5), [2, 5, 3]
    found = run(Sample(seed=8, n_best=n_best), tables, max_length)
    assert np.all(np.diff(found.scores, axis=1) <= 0)
    for table, longest, drawn in zip(tables, max_length, found.tokens, strict=True):
        model = next_log_probs(table)
        counts = Counter(words(row) for row in drawn)
        # What is cut has the probability of its words: the end is forced.
        for one in reference.every_hypothesis(model, longest, 0.0):
            scores = reference.token_scores(model, one.tokens)
            expected = np.exp(sum(scores[:-1] if len(one.tokens) == longest else scores))
            assert abs(counts.pop(one.tokens, 0) / n_best - expected) < 2.5 / n_best**0.5
        assert not counts


def test_one_of_several_is_the_one_that_is_drawn_alone():
    tables, max_length = random_tables(2, 6, 8, spread=0.5), [1, 9, 9, 2, 9, 5]
    alone, several = run(Sample(seed=8), tables, max_length), run(Sample(seed=8, n_best=4), tables, max_length)
    for one, others in zip(alone.tokens[:, 0], several.tokens, strict=True):
        assert words(one) in [words(other) for other in others]
    greedy = run(Greedy(), tables, max_length)
    sharp = run(Sample(seed=8, n_best=3, temperature=1e-4), tables, max_length)
    for place in range(3):
        np.testing.assert_array_equal(sharp.tokens[:, place], greedy.tokens[:, 0])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"end": 9}, "Received: end=9, logits for 7 tokens"),
        ({"max_length": [0]}, "Received: max_length=[0]"),
    ],
)
def test_refusals(setting, message):
    arguments = {"max_length": [2], "start": START, "end": END, **setting}
    with pytest.raises(ValueError, match=re.escape(message)):
        search(Sample(), lambda tokens, state, memory: (tf.zeros([1, 7]), state), (), (), **arguments)
