import functools
import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import Beam, Greedy, Sample, search
from seq2seq.search import beam as beams
from tests import reference
from tests.marks import quick
from tests.reference import END, PAD, START
from tests.search.scripted import SOURCE_TIME, next_log_probs, random_tables, run, start_state, step, words

# Three words and the end, at most four tokens: 1 + 3 + 9 + 27 hypotheses.
WIDEST = 40

seeds = st.integers(0, 2**32 - 1)
lengths = st.lists(st.integers(1, 4), min_size=1, max_size=5)
few = settings(max_examples=40)

# The last digit of a sum over the vocabulary depends on where its row stands.
close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("length_penalty", quick([0.0, 0.6, 1.0, 2.0], 0.0, 0.6))
@pytest.mark.parametrize("n_best", [1, 5])
@few
@given(seed=seeds, max_length=lengths, vocab=st.integers(3, 6))
def test_widest_beam_equals_brute_force(length_penalty, n_best, seed, max_length, vocab):
    tables = random_tables(seed, len(max_length), vocab)
    found = run(Beam(WIDEST, n_best, length_penalty=length_penalty), tables, max_length)
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


@pytest.mark.parametrize("length_penalty", quick([0.0, 1.0, 1.5], 1.5))
@pytest.mark.parametrize("beam_size", quick([1, 2, 3, 5], 1, 3))
@few
@given(seed=seeds, max_length=st.lists(st.integers(1, 9), min_size=1, max_size=6), vocab=st.integers(3, 9))
def test_equals_the_rules_written_with_lists(length_penalty, beam_size, seed, max_length, vocab):
    tables = random_tables(seed, len(max_length), vocab)
    for n_best in {1, beam_size}:
        found = run(Beam(beam_size, n_best, length_penalty=length_penalty), tables, max_length)
        for table, longest, tokens, scores, ended in zip(
            tables, max_length, found.tokens, found.scores, found.ended, strict=True
        ):
            rules = reference.beam_search(next_log_probs(table), longest, length_penalty, beam_size, n_best)
            exist = len(rules)
            assert [words(row) for row in tokens[:exist]] == [one.tokens for one in rules]
            close(scores[:exist], [one.score for one in rules])
            assert np.all(np.isneginf(scores[exist:]))
            assert ended.tolist() == [one.ended for one in rules] + [False] * (n_best - exist)


@few
@given(seed=seeds, max_length=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_beam_of_one_is_greedy(seed, max_length):
    tables = random_tables(seed, len(max_length), 7)
    greedy = run(Greedy(), tables, max_length)
    with pytest.MonkeyPatch.context() as patch:  # a beam all the same
        patch.setattr(beams, "greedy_search", beams.keep_best)
        beam = run(Beam(1), tables, max_length)
    for name in ("tokens", "ended"):
        np.testing.assert_array_equal(getattr(beam, name), getattr(greedy, name))
    for name in ("scores", "token_scores"):
        close(getattr(beam, name), getattr(greedy, name))


def test_sentences_do_not_know_each_other():
    # Nine lengths from 1 to 30: sentences leave several times, and each must go on with its own state and memory.
    tables = random_tables(3, 9, 12)
    tables[..., END] -= np.linspace(-4, 4, 9)[:, None, None]
    max_length = np.array([1, 30, 2, 17, 30, 3, 9, 25, 30], np.int32)
    together = run(Beam(4, n_best=3), tables, max_length)
    assert len({(row[0] != PAD).sum() for row in together.tokens}) > 3
    for place in range(9):
        alone = run(Beam(4, n_best=3), tables[place : place + 1], max_length[place : place + 1])
        assert [words(row) for row in alone.tokens[0]] == [words(row) for row in together.tokens[place]]
        close(alone.scores[0], together.scores[place])


@pytest.mark.parametrize("settings", [Greedy(), Beam(3, n_best=2)])
@few
@given(seed=seeds, max_length=st.permutations([1, 2, 3, 5, 8, 13, 13]))
def test_permuting_the_batch_permutes_the_result(settings, seed, max_length):
    tables, order = random_tables(seed, 7, 8), np.random.default_rng(seed).permutation(7)
    found = run(settings, tables, max_length)
    permuted = run(settings, tables[order], np.array(max_length)[order])
    np.testing.assert_array_equal(permuted.tokens, found.tokens[order])
    np.testing.assert_array_equal(permuted.ended, found.ended[order])
    close(permuted.scores, found.scores[order])
    close(permuted.token_scores, found.token_scores[order])


def test_best_come_first_and_end_within_their_length():
    max_length = np.arange(1, 21, dtype=np.int32)
    found = run(Beam(5, n_best=5), random_tables(5, 20, 10), max_length)
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
    search(
        Beam(2), watched, start_state(8), {"table": tables}, max_length=[1, 1, 2, 2, 3, 3, 4, 4], start=START, end=END
    )
    # Eager, so every step is seen: at most half are open after the second and after the third token.
    assert sizes == [(16, 8), (16, 8), (8, 4), (4, 2)]


def test_traces_once():
    count = [0]

    def counted(tokens, state, memory):
        count[0] += 1
        return step(tokens, state, memory)

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None] * 4), tf.TensorSpec([None], tf.int32)])
    def traced(tables, max_length):
        state, memory = start_state(tf.shape(tables)[0]), {"table": tables}
        return search(Beam(3), counted, state, memory, max_length=max_length, start=START, end=END)

    for batch, vocab in [(3, 5), (1, 9), (6, 4)]:
        traced(random_tables(1, batch, vocab), np.full(batch, 6, np.int32))
    assert traced.experimental_get_tracing_count() == 1
    # Twice: TensorFlow traces the body of the outer loop again when it settles the shapes.
    assert count[0] <= 2


def test_a_batch_of_known_size():
    tables, max_length = random_tables(3, 6, 12, spread=0.3), np.array([2, 1, 3, 5, 9, 2], np.int32)

    @tf.function(autograph=False)
    def found():
        state, memory = start_state(6), {"table": tables}
        return search(Beam(3), step, state, memory, max_length=max_length, start=START, end=END)

    np.testing.assert_array_equal(found().tokens, run(Beam(3), tables, max_length).tokens)


def test_empty_batch():
    looks = np.zeros((0, 5, 5, SOURCE_TIME), np.float32)
    found = run(Beam(3, n_best=2), np.zeros((0, 5, 5, 5), np.float32), np.zeros(0, np.int32), looks)
    assert found.tokens.shape == found.token_scores.shape == (0, 2, 0)
    assert found.scores.shape == found.ended.shape == (0, 2)
    assert found.attention.shape == (0, 2, 0, SOURCE_TIME)


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
@pytest.mark.parametrize("settings", [Beam(2, n_best=2), Greedy(), Sample(seed=1)], ids=str)
def test_numbers_that_are_none_neither_crash_nor_loop(logits, settings):
    logits = np.asarray(logits, np.float32)
    tables = np.tile(logits, (3, 6, 6, 1))
    tables[1] = random_tables(1, 1, 6)[0]
    found = run(settings, tables, [4, 4, 4])
    assert not np.isnan(found.scores).any() and not np.isnan(found.token_scores).any()
    best = found.tokens[:, 0]
    assert np.all((best == END).sum(axis=1) == 1)
    assert not np.any(best == START)
    # The sentence between the broken ones is as it is alone, but for what is drawn at its place.
    if not isinstance(settings, Sample):
        alone = run(settings, tables[1:2], [4])
        assert [words(row) for row in alone.tokens[0]] == [words(row) for row in found.tokens[1]]
        close(alone.scores[0], found.scores[1])


def test_an_impossible_end_is_forced_and_told():
    impossible = constant_step([0, 0, -np.inf, 1, 0])
    found = search(Beam(2, n_best=2), impossible, (), (), max_length=[3], start=START, end=END)
    assert [len(words(row)) for row in found.tokens.numpy()[0]] == [3, 3]
    assert np.all(np.isneginf(found.scores))
    assert np.all(np.isneginf(found.token_scores.numpy()) == [False, False, True])
    assert not np.any(found.ended)


def test_state_and_memory_of_any_kind():
    state = [(tf.zeros([2, 3], tf.bfloat16), tf.zeros([2, 1, 4])), {"flag": tf.constant([True, False])}, []]
    memory = {"texts": tf.constant(["a", "b"]), "none": ()}

    def bfloat_step(tokens, state, memory):
        (small, large), flag, nothing = state
        logits = tf.one_hot(tf.where(tokens == START, 3, END), 5, 9.0, 0.0, dtype=tf.bfloat16)
        tf.debugging.assert_equal(tf.size(memory["texts"]) * 2, tf.size(tokens))
        return logits, [(small + 1, large), flag, nothing]

    @tf.function(autograph=False)
    def searched():
        return search(Beam(2), bfloat_step, state, memory, max_length=[4, 1], start=START, end=END)

    found = searched()
    assert found.scores.dtype == tf.float32
    assert [words(row[0]) for row in found.tokens.numpy()] == [(3, END), (END,)]


def test_hopeless_ends_do_not_stop_a_sure_model():
    # At each of nine steps one word is nearly certain, and the end is always the second best.
    sure = 12.0 * np.eye(6)[[3, 4, 5, 3, 4, 5, 3, 4, 5, END]] + np.eye(6)[END]

    def step(tokens, state, memory):
        return tf.gather(tf.constant(sure, tf.float32), state), state + 1

    found = search(Beam(2), step, tf.constant([0]), (), max_length=[20], start=START, end=END)
    assert words(found.tokens.numpy()[0, 0]) == (3, 4, 5, 3, 4, 5, 3, 4, 5, END)


def test_end_may_be_the_start():
    # Some models begin with </s>.
    def step(tokens, state, memory):
        return 9.0 * tf.one_hot(tf.gather([3, 4, 2], state), 6), state + 1

    found = search(Beam(2), step, tf.constant([0]), (), max_length=[3], start=2, end=2)
    assert words(found.tokens.numpy()[0, 0]) == (3, 4, 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
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
        ({"source_time": 4}, "a coverage penalty. Received: 2 things, with a source_time"),
        ({"step": lambda tokens, state, memory: (tf.zeros([2, 5]), state, ())}, "Received: 3 things, without a source"),
    ],
)
def test_refusals(changed, message):
    arguments = {
        "step": lambda tokens, state, memory: (tf.zeros([2, 5]), state), "state": tf.zeros([1, 3]), "memory": (),
        "max_length": [3], "start": START, "end": END, **changed,
    }  # fmt: skip
    with pytest.raises(ValueError, match=re.escape(message)):
        search(Beam(2), **arguments)


def test_a_length_of_zero_is_refused_inside_a_graph():
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 1"):
        run(Beam(2), random_tables(1, 1, 5), [0])


@pytest.mark.slow
def test_a_large_vocabulary():
    # Known when tracing, as in a model: the candidates are found block by block.
    table = np.random.default_rng(4).normal(scale=3.0, size=(2000, 2000)).astype(np.float32)
    table[:, END] += 9.0

    @tf.function(autograph=False)
    def searched():
        def step(tokens, state, memory):
            return tf.gather(tf.constant(table), tokens), state

        return search(Beam(4, n_best=4), step, (), (), max_length=[7, 3], start=START, end=END)

    found = searched()
    log_probs = reference.log_softmax(table)
    for longest, tokens, scores in zip([7, 3], found.tokens.numpy(), found.scores.numpy(), strict=True):
        rules = reference.beam_search(lambda prefix: log_probs[(START, *prefix)[-1]], longest, 1.0, 4, 4)
        assert [words(row) for row in tokens] == [one.tokens for one in rules]
        close(scores, [one.score for one in rules])
