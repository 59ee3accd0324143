"""What all searches promise alike: scores of tokens, attention that belongs to them, and numbers fed as tensors."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import Beam, Greedy, Sample, search
from tests import reference
from tests.marks import quick
from tests.reference import END, PAD, START
from tests.search.scripted import looks, next_log_probs, random_tables, run, start_state, step, words

GROUPS = Beam(4, 4, groups=2, diversity=0.8)
SEARCHES = [
    Greedy(length_penalty=0.6),
    Beam(1),
    Beam(3, n_best=3),
    Beam(4, n_best=2, length_penalty=0.0),
    Sample(),
    Sample(n_best=3),
    Sample(n_best=3, draw="distinct"),
    GROUPS,
]
# Another value for every number that a graph is fed.
OTHER = {
    "length_penalty": 0.3, "min_length": 4, "temperature": 0.4, "top_k": 2, "top_p": 0.5,
    "seed": 2**40, "word_reward": 0.9, "coverage_penalty": 0.7, "diversity": 3.0,
}  # fmt: skip


@pytest.mark.parametrize("kind", quick(SEARCHES, SEARCHES[0], SEARCHES[3], SEARCHES[5], GROUPS), ids=str)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), max_length=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_every_token_has_its_score_and_what_was_looked_at(kind, seed, max_length):
    tables, seen = random_tables(seed, len(max_length), 7), looks(seed, len(max_length), 7)
    found = run(kind, tables, max_length, seen)
    for sentence in range(len(max_length)):
        model = next_log_probs(tables[sentence])
        for place, tokens in enumerate(found.tokens[sentence]):
            hypothesis = words(tokens)
            expected = np.zeros(len(tokens))
            expected[: len(hypothesis)] = reference.token_scores(model, hypothesis)
            np.testing.assert_allclose(found.token_scores[sentence, place], expected, rtol=1e-4, atol=1e-5)
            if hypothesis:
                score = expected.sum() / len(hypothesis) ** kind.length_penalty
                np.testing.assert_allclose(found.scores[sentence, place], score, rtol=1e-4, atol=1e-5)
            pairs = zip((PAD, START, *hypothesis), (START, *hypothesis), strict=False)
            looked = np.zeros((len(tokens), seen.shape[3]), np.float32)
            for time, (before, last) in enumerate([*pairs][: len(hypothesis)]):
                looked[time] = seen[sentence, before, last]
            np.testing.assert_array_equal(found.attention[sentence, place], looked)


@pytest.mark.parametrize("kind", SEARCHES, ids=str)
def test_who_does_not_ask_for_attention_gets_the_same_without(kind):
    tables, max_length = random_tables(1, 5, 7), [1, 9, 4, 6, 9]
    plain, asked = run(kind, tables, max_length), run(kind, tables, max_length, looks(1, 5, 7))
    assert plain.attention is None
    np.testing.assert_array_equal(plain.tokens, asked.tokens)
    for one, other in zip(plain[:-1], asked[:-1], strict=True):
        # Two graphs: where a table lies in memory decides how its sums are taken, the last digit with it.
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize(
    "kind",
    quick(
        [Beam(3, word_reward=0.4, length_penalty=0.5), Greedy(), Beam(3), Sample(), Sample(n_best=3, draw="distinct")]
    ),
    ids=repr,
)
def test_every_number_may_be_a_tensor(kind):
    """One graph for all numbers, with the results of graphs in which they are constants."""
    tables, max_length = random_tables(5, 6, 9, spread=1.0), np.full(6, 9, np.int32)
    dtypes = {int: tf.int64, float: tf.float32}

    @tf.function(autograph=False)
    def fed(numbers):
        return search(
            kind.fed(numbers), step, start_state(6), {"table": tables}, max_length=max_length, start=START, end=END
        )

    for name in kind.numbers():
        changed = dataclasses.replace(kind, **{name: OTHER[name]})
        numbers = {key: tf.constant(number, dtypes[type(number)]) for key, number in changed.numbers().items()}
        expected = run(changed, tables, max_length)
        found = fed(numbers)
        np.testing.assert_array_equal(found.tokens, expected.tokens)
        np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)
        plain = run(kind, tables, max_length)
        assert not (np.array_equal(plain.tokens, expected.tokens) and np.array_equal(plain.scores, expected.scores)), (
            name
        )
    assert fed.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("kind", [Greedy(), Beam(3), Sample()], ids=str)
def test_the_factor_of_the_longest_is_for_who_knows_the_source(kind):
    tables, max_length = random_tables(5, 6, 9, spread=1.0), np.full(6, 9, np.int32)
    plain, other = (
        run(kind, tables, max_length),
        run(dataclasses.replace(kind, max_length_factor=1.5), tables, max_length),
    )
    for one, two in zip(plain[:-1], other[:-1], strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_end_that_is_forced_is_told():
    def never(tokens, state, memory):
        return tf.tile([[0.0, 0.0, -9.0, 3.0, 1.0]], [tf.size(tokens), 1]), state

    def at_last(tokens, state, memory):
        return 9.0 * tf.one_hot(tf.where(state < 2, 3, END), 5), state + 1

    for kind in (Greedy(), Beam(2), Sample(temperature=0.1)):
        forced = search(kind, never, (), (), max_length=[3], start=START, end=END)
        chosen = search(kind, at_last, tf.constant([0]), (), max_length=[3], start=START, end=END)
        assert words(forced.tokens.numpy()[0, 0]) == words(chosen.tokens.numpy()[0, 0]) == (3, 3, END)
        assert (forced.ended.numpy().tolist(), chosen.ended.numpy().tolist()) == ([[False]], [[True]])
