"""What may not come next: repeats, phrases to avoid, and all but a prefix, against brute force and lists."""

import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import Beam, Constraints, Greedy, Sample, search
from tests import reference
from tests.marks import quick
from tests.reference import END, PAD, START
from tests.search.scripted import next_log_probs, random_tables, run, step, words

VOCAB = 6
seeds = st.integers(0, 2**32 - 1)
words_of = st.integers(3, VOCAB - 1)
prefixes = st.lists(words_of, max_size=3)
phrases = st.lists(st.lists(words_of, min_size=1, max_size=3), max_size=3)


class Rules:
    """The constraints of one sentence, by their words."""

    def __init__(self, size=0, prefix=(), avoid=()):
        self.size, self.prefix, self.avoid = size, tuple(prefix), [tuple(phrase) for phrase in avoid]

    def allows(self, before, token):
        if len(before) < len(self.prefix):
            return token == self.prefix[len(before)]
        whole = (*before, token)
        if self.size and token != END:
            seen = {whole[place : place + self.size] for place in range(len(whole) - self.size)}
            if len(whole) >= self.size and whole[-self.size :] in seen:
                return False
        return not any(whole[-len(phrase) :] == phrase for phrase in self.avoid)


def padded(lists):
    longest = max(map(len, lists), default=0)
    return [[*each, *[PAD] * (longest - len(each))] for each in lists]


def batch_of(phrases):
    """Phrases of each sentence as one array."""
    most, longest = max(map(len, phrases)), max([len(one) for each in phrases for one in each], default=1)
    array = np.full((len(phrases), most, longest), PAD)
    for sentence, each in enumerate(phrases):
        for place, phrase in enumerate(each):
            array[sentence, place, : len(phrase)] = phrase
    return array


@settings(max_examples=40)
@given(
    seed=seeds,
    size=st.integers(0, 3),
    asked=st.lists(st.tuples(prefixes, phrases, st.integers(1, 8)), min_size=1, max_size=4),
)
@pytest.mark.parametrize("beam_size", quick([1, 3], 3))
def test_equals_the_rules_written_with_lists(beam_size, size, seed, asked):
    prefix, avoid, max_length = ([*each] for each in zip(*asked, strict=True))
    tables = random_tables(seed, len(asked), VOCAB)
    found = run(Beam(beam_size, no_repeat_ngram=size), tables, max_length, prefix=padded(prefix), avoid=batch_of(avoid))
    for table, longest, begin, no, tokens, scores in zip(
        tables, max_length, prefix, avoid, found.tokens, found.scores, strict=True
    ):
        allowed = Rules(size, begin, no).allows
        (best,) = reference.beam_search(next_log_probs(table), longest, 1.0, beam_size, 1, allowed=allowed)
        assert words(tokens[0]) == best.tokens
        np.testing.assert_allclose(scores[0], best.score, rtol=1e-5, atol=1e-5)
        assert best.tokens[: longest - 1][: len(begin)] == tuple(begin)[: longest - 1]


@settings(max_examples=25)
@given(seed=seeds, asked=st.lists(st.tuples(prefixes, phrases, st.integers(1, 4)), min_size=1, max_size=3))
def test_widest_beam_equals_brute_force(seed, asked):
    prefix, avoid, max_length = ([*each] for each in zip(*asked, strict=True))
    tables = random_tables(seed, len(asked), VOCAB)
    for size in (0, 2):
        given = {"prefix": padded(prefix), "avoid": batch_of(avoid)}
        found = run(Beam(40, 3, no_repeat_ngram=size), tables, max_length, **given)
        for table, longest, begin, no, tokens in zip(tables, max_length, prefix, avoid, found.tokens, strict=True):
            allowed = Rules(size, begin, no).allows
            expected = reference.every_hypothesis(next_log_probs(table), longest, 1.0, allowed=allowed)[:3]
            assert [words(row) for row in tokens[: len(expected)]] == [one.tokens for one in expected]
            assert all(words(row) == () for row in tokens[len(expected) :])


@pytest.mark.parametrize("kind", [Greedy(), Sample(seed=1), Beam(3, n_best=2)], ids=str)
def test_nothing_asked_changes_nothing_and_what_holds_anyway_neither(kind):
    tables, max_length = random_tables(3, 4, VOCAB), [1, 8, 5, 8]
    plain = run(kind, tables, max_length)
    best = [words(row)[:-1] for row in plain.tokens[:, 0]]
    nothing = run(kind, tables, max_length, prefix=np.zeros((4, 0)), avoid=np.zeros((4, 0, 1)))
    # What no hypothesis has: more words than there may be.
    never = run(kind, tables, max_length, prefix=np.zeros((4, 2)), avoid=np.full((4, 1, 9), 3))
    for other in (nothing, never):
        for name in ("tokens", "scores", "ended"):
            np.testing.assert_allclose(getattr(other, name), getattr(plain, name), rtol=1e-6)
    # A prefix of what is found anyway: a sampled path goes on as it did, at the same place.
    own = run(kind, tables, max_length, prefix=padded([each[:2] for each in best]))
    if not isinstance(kind, Beam):
        np.testing.assert_array_equal(own.tokens, plain.tokens)


@pytest.mark.parametrize("kind", [Greedy, Sample, Beam])
def test_what_is_impossible_to_the_model_is_forced_all_the_same(kind):
    def never(tokens, state, memory):
        return tf.tile([[0.0, 0.0, 5.0, -np.inf, 1.0]], [tf.size(tokens), 1]), state

    found = search(
        kind(), never, (), (), max_length=[6], start=START, end=END, constraints=Constraints(prefix=[[4, 3, 3]])
    )
    tokens = words(found.tokens.numpy()[0, 0])
    assert tokens[:3] == (4, 3, 3) and np.isneginf(found.scores.numpy()[0, 0])
    assert np.isneginf(found.token_scores.numpy()[0, 0, 1:3]).all()


def test_samples_hold_to_them_too():
    tables = random_tables(3, 3, VOCAB, spread=0.5)
    found = run(
        Sample(seed=2, n_best=40, no_repeat_ngram=1), tables, [8, 8, 8], prefix=[[4, 0], [3, 5], [0, 0]],
        avoid=[[[5, 0]], [[4, 0]], [[3, 4]]],
    )  # fmt: skip
    rules = [Rules(1, [4], [[5]]), Rules(1, [3, 5], [[4]]), Rules(1, [], [[3, 4]])]
    for rule, drawn in zip(rules, found.tokens, strict=True):
        for tokens in map(words, drawn):
            assert all(rule.allows(tokens[:place], token) for place, token in enumerate(tokens))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"prefix": [3, 4]}, "prefix is ids, [batch, prefix_time]. Received: prefix of shape (2,) and type int32"),
        ({"avoid": [[3.0]]}, "avoid is ids, [batch, phrases, phrase_time]. Received: avoid of shape (1, 1)"),
    ],
)
def test_refusals(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        search(Greedy(), step, (), (), max_length=[3], start=START, end=END, constraints=Constraints(**given))
