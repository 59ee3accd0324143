import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.search import Greedy, search
from tests import reference
from tests.reference import END, PAD, START
from tests.search.scripted import next_log_probs, random_tables, run, start_state, step, words


@pytest.mark.parametrize("length_penalty", [0.0, 0.6])
@given(
    seed=st.integers(0, 2**32 - 1),
    max_length=st.lists(st.integers(1, 12), min_size=1, max_size=7),
    vocab=st.integers(3, 9),
)
def test_takes_the_best_token_each_time(length_penalty, seed, max_length, vocab):
    tables = random_tables(seed, len(max_length), vocab)
    found = run(Greedy(length_penalty=length_penalty), tables, max_length)
    assert found.tokens.shape[1] == 1
    for table, longest, tokens, score, ended in zip(
        tables, max_length, found.tokens[:, 0], found.scores[:, 0], found.ended[:, 0], strict=True
    ):
        model = next_log_probs(table)
        expected, best = (), None
        while END not in expected:
            log_probs = model(expected)
            log_probs[[PAD, START]] = -np.inf
            best = int(log_probs.argmax())
            expected += (END if len(expected) + 1 == longest else best,)
        assert words(tokens) == expected
        assert score == pytest.approx(reference.score(model, expected, length_penalty), rel=1e-5, abs=1e-5)
        assert ended == (best == END)


def test_sentences_do_not_know_each_other():
    tables = random_tables(3, 9, 12)
    tables[..., END] -= np.linspace(-4, 4, 9)[:, None, None]
    max_length = np.array([1, 30, 2, 17, 30, 3, 9, 25, 30], np.int32)
    together = run(Greedy(), tables, max_length)
    assert len({len(words(row[0])) for row in together.tokens}) > 3
    for place in range(9):
        alone = run(Greedy(), tables[place : place + 1], max_length[place : place + 1])
        assert words(alone.tokens[0, 0]) == words(together.tokens[place, 0])
        np.testing.assert_allclose(alone.scores[0], together.scores[place], rtol=1e-5)


def test_eager_equals_graph():
    tables, max_length = random_tables(8, 5, 7), np.array([4, 9, 1, 6, 9], np.int32)
    graph = run(Greedy(), tables, max_length)
    eager = search(Greedy(), step, start_state(5), {"table": tables}, max_length=max_length, start=START, end=END)
    np.testing.assert_array_equal(eager.tokens, graph.tokens)
    np.testing.assert_allclose(eager.scores, graph.scores, rtol=1e-6)


def test_finished_sentences_leave():
    sizes = []

    def watched(tokens, state, memory):
        sizes.append(len(tokens))
        return tf.tile([[0.0, 0.0, -9.0, 9.0]], [len(tokens), 1]), state

    # After two tokens half of them leave; after three 5 and 6, of lengths 4 and 9, are open of four: half again.
    found = search(Greedy(), watched, (), (), max_length=[2, 2, 2, 2, 3, 4, 9, 3], start=START, end=END)
    assert sizes == [8, 8, 4, 2, 1, 1, 1, 1, 1]
    assert [len(words(row[0])) for row in found.tokens.numpy()] == [2, 2, 2, 2, 3, 4, 9, 3]


def test_a_batch_of_known_size():
    # TensorFlow folds what it knows into the graph; a step function must see the sentences that are there.
    tables, max_length = random_tables(3, 6, 12, spread=0.3), np.array([2, 1, 3, 5, 9, 2], np.int32)

    @tf.function(autograph=False)
    def found():
        return search(Greedy(), step, start_state(6), {"table": tables}, max_length=max_length, start=START, end=END)

    np.testing.assert_array_equal(found().tokens, run(Greedy(), tables, max_length).tokens)


@pytest.mark.parametrize(("batch", "vocab"), [(0, 5), (3, 3)])
def test_nothing_to_say(batch, vocab):
    found = run(Greedy(), random_tables(1, batch, vocab), np.full(batch, 4, np.int32))
    assert found.tokens.tolist() == [[[END]]] * batch


def test_equal_tokens():
    # Common in half precision: the end first, then the lowest id, wherever the end stands.
    def equal(tokens, state, memory):
        return tf.ones([tf.size(tokens), 6], tf.bfloat16), state

    for end in (2, 5):
        assert search(Greedy(), equal, (), (), max_length=[3], start=START, end=end).tokens.numpy().tolist() == [
            [[end]]
        ]

    def all_but_the_end(tokens, state, memory):
        return tf.tile([[1.0, 1.0, 0.0, 1.0, 1.0, 1.0]], [tf.size(tokens), 1]), state

    found = search(Greedy(), all_but_the_end, (), (), max_length=[3], start=START, end=END)
    assert found.tokens.numpy().tolist() == [[[3, 3, END]]]


def test_padding_of_another_id():
    def pad_and_start_are_best(tokens, state, memory):
        return tf.tile([[1.0, 0.0, 2.0, 3.0, 9.0, 9.0]], [tf.size(tokens), 1]), state

    found = search(Greedy(), pad_and_start_are_best, (), (), max_length=[1, 3], start=4, end=0, pad=5)
    assert found.tokens.numpy().tolist() == [[[0, 5, 5]], [[3, 3, 0]]]


def test_a_state_whose_width_the_step_forgets():
    @tf.function(autograph=False)
    def found(width):
        def forgetful(tokens, state, memory):
            return tf.ones([tf.size(tokens), 4]), tf.reshape(state, [-1, width])

        return search(Greedy(), forgetful, tf.ones([2, 3]), (), max_length=[3, 3], start=START, end=END)

    assert found(tf.constant(3)).tokens.shape == (2, 1, 1)


def test_refuses_another_state():
    def other(tokens, state, memory):
        return tf.ones([tf.size(tokens), 4]), {"hidden": state["hidden"]}

    message = "step gives a state of the same structure as it takes. Received: state={'cell': '·', 'hidden': '·'}"
    with pytest.raises(ValueError, match=re.escape(message)):
        search(
            Greedy(),
            other,
            {"cell": tf.ones([1, 2]), "hidden": tf.ones([1, 2])},
            (),
            max_length=[2],
            start=START,
            end=END,
        )
