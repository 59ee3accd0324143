"""Scores as the field writes them, and the stop that drops nothing which can still win."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import Beam, Greedy, Sample, search
from tests import reference
from tests.marks import quick
from tests.reference import END, PAD, START, by_length
from tests.search.scripted import looking_step, looks, next_log_probs, random_tables, run, start_state, words

seeds = st.integers(0, 2**32 - 1)
close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)

# Settings, and the same for the reference.
SCORES = [
    ({"length_form": "gnmt", "length_penalty": 0.7}, by_length(0.7, gnmt=True)),
    ({"length_form": "gnmt", "word_reward": 1.5}, by_length(1.0, 1.5, gnmt=True)),
    ({"length_penalty": 0.0, "word_reward": 2.5}, by_length(0.0, 2.5)),
    ({"length_penalty": 1.5, "word_reward": 2.5}, by_length(1.5, 2.5)),
    ({"length_penalty": 0.5, "word_reward": -0.7}, by_length(0.5, -0.7)),
]
each_score = pytest.mark.parametrize(
    ("options", "worth"), quick(SCORES, SCORES[0], SCORES[-1]), ids=[str(options) for options, _ in SCORES]
)


@each_score
@settings(max_examples=25)
@given(seed=seeds, max_length=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_widest_beam_equals_brute_force(options, worth, seed, max_length):
    tables = random_tables(seed, len(max_length), 6)
    found = run(Beam(40, 4, **options), tables, max_length)
    for table, longest, tokens, scores in zip(tables, max_length, found.tokens, found.scores, strict=True):
        expected = reference.every_hypothesis(next_log_probs(table), longest, worth)[:4]
        assert [words(row) for row in tokens[: len(expected)]] == [one.tokens for one in expected]
        close(scores[: len(expected)], [one.score for one in expected])


@each_score
@settings(max_examples=25)
@given(seed=seeds, max_length=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_equals_the_rules_written_with_lists(options, worth, seed, max_length):
    tables = random_tables(seed, len(max_length), 7)
    found = run(Beam(3, 2, **options), tables, max_length)
    for table, longest, tokens, scores in zip(tables, max_length, found.tokens, found.scores, strict=True):
        expected = reference.beam_search(next_log_probs(table), longest, worth, 3, 2)
        assert [words(row) for row in tokens[: len(expected)]] == [one.tokens for one in expected]
        close(scores[: len(expected)], [one.score for one in expected])


@each_score
def test_one_path_is_scored_alike(options, worth):
    tables = random_tables(4, 3, 7)
    for kind in (Greedy(**options), Sample(n_best=2, **options), Beam(1, **options)):
        found = run(kind, tables, [2, 5, 9])
        for table, tokens, scores in zip(tables, found.tokens, found.scores, strict=True):
            close(scores, [reference.score(next_log_probs(table), words(row), worth) for row in tokens])


@settings(max_examples=40)
@given(
    seed=seeds, max_length=st.lists(st.integers(1, 9), min_size=1, max_size=6), worth=st.sampled_from([0.0, 1.0, 2.0])
)
@pytest.mark.parametrize("beam_size", [2, 3])
def test_an_exact_stop_drops_nothing_that_can_still_win(beam_size, seed, max_length, worth):
    tables = random_tables(seed, len(max_length), 7)
    found = run(Beam(beam_size, stop="exact", length_penalty=worth), tables, max_length)
    for table, longest, tokens, scores in zip(tables, max_length, found.tokens, found.scores, strict=True):
        (best,) = reference.beam_search(next_log_probs(table), longest, worth, beam_size, 1, exact=True)
        assert words(tokens[0]) == best.tokens
        close(scores[0], best.score)


@tf.function(autograph=False)
def covered(beam_size, penalty, tables, max_length, looks, mask):
    settings = Beam(beam_size, (beam_size + 1) // 2, coverage_penalty=1.0, length_penalty=0.5).fed(
        {"coverage_penalty": penalty}
    )
    memory = {"table": tables, "looks": looks}
    return search(
        settings, looking_step, start_state(tf.shape(tables)[0]), memory, max_length=max_length, start=START, end=END,
        source_mask=mask,
    )  # fmt: skip


@settings(max_examples=25)
@given(
    seed=seeds, max_length=st.lists(st.integers(1, 4), min_size=1, max_size=4), penalty=st.sampled_from([0.2, 1.0, 5.0])
)
@pytest.mark.parametrize("beam_size", quick([40, 3, 1], 3))
def test_the_coverage_penalty(beam_size, seed, max_length, penalty):
    batch = len(max_length)
    tables, seen = random_tables(seed, batch, 6), looks(seed, batch, 6) / 2
    mask = np.random.default_rng(seed).random((batch, seen.shape[3])) < 0.7
    found = covered(beam_size, tf.constant(penalty), tf.constant(tables), tf.constant(max_length), seen, mask)

    for sentence, longest in enumerate(max_length):

        def worth(total, tokens, sentence=sentence):
            path = (PAD, START, *tokens)
            got = sum(seen[sentence, path[place], path[place + 1]] for place in range(len(tokens)))
            return total / len(tokens) ** 0.5 + penalty * np.log(np.minimum(got, 1))[mask[sentence]].sum()

        model, count = next_log_probs(tables[sentence]), (beam_size + 1) // 2
        if beam_size == 40:
            expected = reference.every_hypothesis(model, longest, worth)[:count]
        else:
            standing = by_length(0.5)
            expected = reference.beam_search(model, longest, worth, beam_size, count, standing=standing)
        tokens, scores = found.tokens.numpy()[sentence], found.scores.numpy()[sentence]
        assert [words(row) for row in tokens[: len(expected)]] == [one.tokens for one in expected]
        close(scores[: len(expected)], [one.score for one in expected])


def test_a_coverage_penalty_needs_to_know_the_source():
    with pytest.raises(ValueError, match=r"which positions of the source are real\. Received: settings=Beam"):
        search(Beam(2, coverage_penalty=0.2), looking_step, (), (), max_length=[2], start=START, end=END)


def test_the_stop_by_a_full_set_does():
    """Or there would be nothing to choose."""
    tables, max_length = random_tables(0, 40, 7), np.full(40, 9)
    full, exact = (run(Beam(2, stop=stop, length_penalty=2.0), tables, max_length).scores for stop in ("full", "exact"))
    assert np.all(exact >= full) and np.any(exact > full)
