import functools
import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import beam_search
from tests import reference
from tests.reference import END, PAD, START
from tests.search.scripted import next_log_probs, random_tables, run, searcher, start_state, step, words

# Three words and the end, at most four tokens: 1 + 3 + 9 + 27 hypotheses.
WIDEST = 40

seeds = st.integers(0, 2**32 - 1)
lengths = st.lists(st.integers(1, 4), min_size=1, max_size=5)
few = settings(max_examples=40)

# The last digit of a sum over the vocabulary depends on where its row stands.
close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("n_best", [1, 5])
@few
@given(seed=seeds, max_length=lengths, vocab=st.integers(3, 6))
def test_widest_beam_equals_brute_force(length_penalty, n_best, seed, max_length, vocab):
    tables = random_tables(seed, len(max_length), vocab)
    found = run("beam", tables, max_length, beam_size=WIDEST, n_best=n_best, length_penalty=length_penalty)
    for table, longest, tokens, scores in zip(tables, max_length, found.tokens, found.scores, strict=True):
        model = next_log_probs(table)
        expected = reference.every_hypothesis(model, longest, length_penalty)[:n_best]
        exist = len(expected)
        close(scores[:exist], [one.score for one in expected])
        # Not token by token: hypotheses of one score may come in either order.
        each = [words(row) for row in tokens]
        assert len(set(each[:exist])) == exist
        own = [reference.score(model, one, length_penalty) for one in each[:exist]]
        close(own, scores[:exist])
        assert each[exist:] == [()] * (n_best - exist)
        assert np.all(np.isneginf(scores[exist:]))


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 1.5])
@pytest.mark.parametrize("beam_size", [1, 2, 3, 5])
@few
@given(seed=seeds, max_length=st.lists(st.integers(1, 9), min_size=1, max_size=6), vocab=st.integers(3, 9))
def test_equals_the_rules_written_with_lists(length_penalty, beam_size, seed, max_length, vocab):
    tables = random_tables(seed, len(max_length), vocab)
    for n_best in {1, beam_size}:
        found = run("beam", tables, max_length, beam_size=beam_size, n_best=n_best, length_penalty=length_penalty)
        for table, longest, tokens, scores in zip(tables, max_length, found.tokens, found.scores, strict=True):
            rules = reference.beam_search(next_log_probs(table), longest, length_penalty, beam_size, n_best)
            exist = len(rules)
            assert [words(row) for row in tokens[:exist]] == [one.tokens for one in rules]
            close(scores[:exist], [one.score for one in rules])
            assert np.all(np.isneginf(scores[exist:]))


@few
@given(seed=seeds, max_length=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_beam_of_one_is_greedy(seed, max_length):
    tables = random_tables(seed, len(max_length), 7)
    beam = run("beam", tables, max_length, beam_size=1, length_penalty=0.0)
    greedy = run("greedy", tables, max_length)
    np.testing.assert_array_equal(beam.tokens, greedy.tokens)
    np.testing.assert_array_equal(beam.scores, greedy.scores)


def test_sentences_do_not_know_each_other():
    # Nine lengths from 1 to 30: sentences leave several times, and each must go on with its own state and memory.
    tables = random_tables(3, 9, 12)
    tables[..., END] -= np.linspace(-4, 4, 9)[:, None, None]
    max_length = np.array([1, 30, 2, 17, 30, 3, 9, 25, 30], np.int32)
    together = run("beam", tables, max_length, beam_size=4, n_best=3)
    assert len({(row[0] != PAD).sum() for row in together.tokens}) > 3
    for place in range(9):
        alone = run("beam", tables[place : place + 1], max_length[place : place + 1], beam_size=4, n_best=3)
        assert [words(row) for row in alone.tokens[0]] == [words(row) for row in together.tokens[place]]
        close(alone.scores[0], together.scores[place])


@pytest.mark.parametrize(("kind", "setting"), [("greedy", {}), ("beam", {"beam_size": 3, "n_best": 2})])
@few
@given(seed=seeds, max_length=st.permutations([1, 2, 3, 5, 8, 13, 13]))
def test_permuting_the_batch_permutes_the_result(kind, setting, seed, max_length):
    tables, order = random_tables(seed, 7, 8), np.random.default_rng(seed).permutation(7)
    found = run(kind, tables, max_length, **setting)
    permuted = run(kind, tables[order], np.array(max_length)[order], **setting)
    np.testing.assert_array_equal(permuted.tokens, found.tokens[order])
    close(permuted.scores, found.scores[order])


def test_best_come_first_and_end_within_their_length():
    max_length = np.arange(1, 21, dtype=np.int32)
    found = run("beam", random_tables(5, 20, 10), max_length, beam_size=5, n_best=5)
    assert np.all(np.diff(found.scores[np.isfinite(found.scores).all(axis=1)], axis=1) <= 0)
    for longest, tokens, scores in zip(max_length, found.tokens, found.scores, strict=True):
        for row, score in zip(tokens, scores, strict=True):
            hypothesis = words(row)
            assert (hypothesis == ()) == np.isneginf(score)
            if hypothesis:
                assert hypothesis.index(END) == len(hypothesis) - 1 < longest
                assert START not in hypothesis
    assert found.tokens.shape[2] == max(len(words(row)) for row in found.tokens.reshape(100, -1))


def test_memory_of_finished_sentences_is_dropped():
    sizes = []

    def watched(tokens, state, memory):
        sizes.append((len(tokens), len(memory["table"])))
        return step(tokens, state, memory)

    tables = np.full((8, 5, 5, 5), -9.0, np.float32)
    tables[..., 3] = 0.0
    tables[..., END] = -20.0
    beam_search(
        watched, start_state(8), {"table": tables}, beam_size=2, max_length=[1, 1, 2, 2, 3, 3, 4, 4],
        start=START, end=END,
    )  # fmt: skip
    # Eager, so every step is seen: at most half are open after the second and after the third token.
    assert sizes == [(16, 8), (16, 8), (8, 4), (4, 2)]


def test_traces_once():
    count = [0]

    def counted(tokens, state, memory):
        count[0] += 1
        return step(tokens, state, memory)

    @tf.function(input_signature=[tf.TensorSpec([None] * 4), tf.TensorSpec([None], tf.int32)])
    def search(tables, max_length):
        state, memory = start_state(tf.shape(tables)[0]), {"table": tables}
        return beam_search(counted, state, memory, beam_size=3, max_length=max_length, start=START, end=END)

    for batch, vocab in [(3, 5), (1, 9), (6, 4)]:
        search(random_tables(1, batch, vocab), np.full(batch, 6, np.int32))
    assert search.experimental_get_tracing_count() == 1
    # Twice: TensorFlow traces the body of the outer loop again when it settles the shapes.
    assert count[0] <= 2


def test_a_batch_of_known_size():
    tables, max_length = random_tables(3, 6, 12, spread=0.3), np.array([2, 1, 3, 5, 9, 2], np.int32)

    @tf.function
    def search():
        state, memory = start_state(6), {"table": tables}
        return beam_search(step, state, memory, beam_size=3, max_length=max_length, start=START, end=END)

    np.testing.assert_array_equal(search().tokens, run("beam", tables, max_length, beam_size=3).tokens)


def test_empty_batch():
    found = run("beam", np.zeros((0, 5, 5, 5), np.float32), np.zeros(0, np.int32), beam_size=3, n_best=2)
    assert found.tokens.shape == (0, 2, 0)
    assert found.scores.shape == (0, 2)


def constant_step(logits):
    return lambda tokens, state, memory: (tf.repeat(tf.constant([logits], tf.float32), tf.size(tokens), axis=0), state)


@pytest.mark.parametrize(
    "logits",
    [
        [np.nan] * 6,
        [-np.inf] * 6,
        [np.inf] * 6,
        [0, 0, -np.inf, 1, 2, 3],
        [0, 0, np.nan, 1, np.nan, 3],
        [0, 0, 0, -np.inf, -np.inf, -np.inf],
        [0, 0, -np.inf, 1e38, -1e38, np.inf],
    ],
)
@pytest.mark.parametrize("search", ["beam", "greedy", "sample"])
def test_numbers_that_are_none_neither_crash_nor_loop(logits, search):
    logits = np.asarray(logits, np.float32)
    tables = np.tile(logits, (3, 6, 6, 1))
    tables[1] = random_tables(1, 1, 6)[0]
    more = {"beam": {"beam_size": 2, "n_best": 2}, "greedy": {}, "sample": {"seed": 1}}[search]
    found = run(search, tables, [4, 4, 4], **more)
    assert not np.isnan(found.scores).any()
    best = found.tokens[:, 0]
    assert np.all((best == END).sum(axis=1) == 1)
    assert not np.any(best == START)
    # The sentence between the broken ones is as it is alone, but for what is drawn at its place.
    if search != "sample":
        alone = run(search, tables[1:2], [4], **more)
        assert [words(row) for row in alone.tokens[0]] == [words(row) for row in found.tokens[1]]
        close(alone.scores[0], found.scores[1])


def test_an_impossible_end_is_forced_and_told():
    found = beam_search(
        constant_step([0, 0, -np.inf, 1, 0]), (), (), beam_size=2, n_best=2, max_length=[3], start=START, end=END
    )
    assert [len(words(row)) for row in found.tokens.numpy()[0]] == [3, 3]
    assert np.all(np.isneginf(found.scores))


def test_state_and_memory_of_any_kind():
    state = [(tf.zeros([2, 3], tf.bfloat16), tf.zeros([2, 1, 4])), {"flag": tf.constant([True, False])}, []]
    memory = {"texts": tf.constant(["a", "b"]), "none": ()}

    def bfloat_step(tokens, state, memory):
        (small, large), flag, nothing = state
        logits = tf.one_hot(tf.where(tokens == START, 3, END), 5, 9.0, 0.0, dtype=tf.bfloat16)
        tf.debugging.assert_equal(tf.size(memory["texts"]) * 2, tf.size(tokens))
        return logits, [(small + 1, large), flag, nothing]

    @tf.function
    def search():
        return beam_search(bfloat_step, state, memory, beam_size=2, max_length=[4, 1], start=START, end=END)

    found = search()
    assert found.scores.dtype == tf.float32
    assert [words(row[0]) for row in found.tokens.numpy()] == [(3, END), (END,)]


def test_hopeless_ends_do_not_stop_a_sure_model():
    # At each of nine steps one word is nearly certain, and the end is always the second best.
    sure = 12.0 * np.eye(6)[[3, 4, 5, 3, 4, 5, 3, 4, 5, END]] + np.eye(6)[END]

    def step(tokens, state, memory):
        return tf.gather(tf.constant(sure, tf.float32), state), state + 1

    found = beam_search(step, tf.constant([0]), (), beam_size=2, max_length=[20], start=START, end=END)
    assert words(found.tokens.numpy()[0, 0]) == (3, 4, 5, 3, 4, 5, 3, 4, 5, END)


def test_end_may_be_the_start():
    # Some models begin with </s>.
    def step(tokens, state, memory):
        return 9.0 * tf.one_hot(tf.gather([3, 4, 2], state), 6), state + 1

    found = beam_search(step, tf.constant([0]), (), beam_size=2, max_length=[3], start=2, end=2)
    assert words(found.tokens.numpy()[0, 0]) == (3, 4, 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"beam_size": 0}, "at least one hypothesis. Received: beam_size=0"),
        ({"n_best": 3}, "Received: n_best=3, beam_size=2. Use a wider beam"),
        ({"n_best": 0}, "n_best is at least 1"),
        ({"length_penalty": -1.0}, "Received: length_penalty=-1.0"),
        ({"length_penalty": float("nan")}, "Received: length_penalty=nan"),
        ({"pad": 2}, "Padding needs an id of its own"),
        ({"end": -1}, "Token ids are not negative. Received: start=1, end=-1, pad=0"),
        ({"end": 7}, "Received: end=7, logits for 5 tokens"),
        ({"max_length": 3}, "one integer per sentence, [batch]. Received: max_length of shape ()"),
        ({"max_length": [1.5]}, "type float32"),
        ({"max_length": [3, 0]}, "max_length counts the END, so it is at least 1. Received: max_length=[3, 0]"),
        ({"state": {"hidden": None}}, "state is a nest of tensors whose first axis is the batch. Received: None"),
        ({"memory": (1.0,)}, "memory is a nest of tensors whose first axis is the batch. Received: a scalar"),
        ({"step": lambda tokens, state, memory: (tf.zeros([2]), state)}, "Received: logits of shape (2,)"),
        ({"step": lambda tokens, state, memory: (tf.zeros([2, 5]), (state,))}, "a state of the same structure"),
        (
            {"step": lambda tokens, state, memory: (tf.zeros([2, 5]), tf.zeros([2, 4]))},
            "Received: float32 (None, 3) and, after the step, float32 (2, 4)",
        ),
        (
            {"step": lambda tokens, state, memory: (tf.zeros([2, 5]), tf.cast(state, tf.float16))},
            "after the step, float16",
        ),
    ],
)
def test_refusals(changed, message):
    arguments = {
        "step": lambda tokens, state, memory: (tf.zeros([2, 5]), state), "state": tf.zeros([1, 3]), "memory": (),
        "beam_size": 2, "max_length": [3], "start": START, "end": END, **changed,
    }  # fmt: skip
    with pytest.raises(ValueError, match=re.escape(message)):
        beam_search(**arguments)


def test_a_length_of_zero_is_refused_inside_a_graph():
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 1"):
        searcher("beam", beam_size=2)(random_tables(1, 1, 5), np.array([0], np.int32))


def test_a_large_vocabulary():
    # Known when tracing, as in a model: the candidates are found block by block.
    table = np.random.default_rng(4).normal(scale=3.0, size=(2000, 2000)).astype(np.float32)
    table[:, END] += 9.0

    @tf.function
    def search():
        def step(tokens, state, memory):
            return tf.gather(tf.constant(table), tokens), state

        return beam_search(step, (), (), beam_size=4, n_best=4, max_length=[7, 3], start=START, end=END)

    found = search()
    log_probs = reference.log_softmax(table)
    for longest, tokens, scores in zip([7, 3], found.tokens.numpy(), found.scores.numpy(), strict=True):
        rules = reference.beam_search(lambda prefix: log_probs[(START, *prefix)[-1]], longest, 1.0, 4, 4)
        assert [words(row) for row in tokens] == [one.tokens for one in rules]
        close(scores, [one.score for one in rules])
