import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.models.loss import cross_entropy
from seq2seq.models.sampled_softmax import draw_words, inclusion_probabilities

VOCAB = 60


def batch(rows=5, source_time=4, target_time=6, seed=0):
    random = np.random.default_rng(seed)
    target = random.integers(4, VOCAB, (rows, target_time)).astype("int32")
    target[:, -1] = 2
    target[0, 3:] = [2, 0, 0]
    target_in = np.concatenate([np.ones_like(target[:, :1]), target[:, :-1]], axis=1)
    source = random.integers(4, VOCAB, (rows, source_time)).astype("int32")
    return {"source": tf.constant(source), "target_in": tf.constant(target_in)}, tf.constant(target)


def make_model(sampled=0, tied=False, label_smoothing=0.1, seed=0):
    keras.utils.set_random_seed(1)
    encoder, decoder = Encoder(VOCAB, 6, [8]), Decoder(VOCAB, 6, [8], attention="dot", tie_embeddings=tied)
    return Seq2Seq(encoder, StateBridge([8]), decoder, label_smoothing, sampled_softmax=sampled, sampling_seed=seed)


def draw(targets, count, seed, vocab=VOCAB):
    probabilities = tf.constant(inclusion_probabilities(vocab, count), tf.float32)
    return draw_words(tf.constant(targets, tf.int32), probabilities, tf.convert_to_tensor(seed))


@given(vocab=st.integers(1, 5000), share=st.floats(0.0001, 1))
def test_as_many_are_drawn_as_asked_for_and_frequent_ones_first(vocab, share):
    count = max(1, round(share * vocab))
    probabilities = inclusion_probabilities(vocab, count)
    assert probabilities.sum() == pytest.approx(count)
    assert np.all(np.diff(probabilities) <= 1e-12) and probabilities[0] <= 1 and probabilities[-1] > 0


@pytest.mark.parametrize("count", [-1, VOCAB + 1])
def test_more_than_there_are_is_refused(count):
    with pytest.raises(ValueError, match=f"Received: sampled_softmax={count}, vocab_size={VOCAB}. Sample fewer"):
        make_model(sampled=count)


def test_the_targets_are_always_there_once_and_stand_for_themselves():
    targets = [59, 7, 59, 58]
    words, weights, places = (part.numpy() for part in draw(targets, 5, [3, 4]))
    assert np.all(np.diff(words) > 0)
    np.testing.assert_array_equal(words[places], targets)
    np.testing.assert_array_equal(weights[places], 1)
    others = ~np.isin(words, targets)
    np.testing.assert_allclose(weights[others], 1 / inclusion_probabilities(VOCAB, 5)[words[others]], rtol=1e-6)


def test_the_same_seed_and_step_draw_the_same():
    first, again, later = (draw([5], 20, seed).words.numpy() for seed in ([1, 8], [1, 8], [1, 9]))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, later)


@pytest.mark.slow
def test_sums_over_the_vocabulary_are_right_on_average():
    random = np.random.default_rng(2)
    logits = random.normal(size=(2, VOCAB)).astype("float32")
    targets, draws = [9, 30], 3000

    @tf.function(autograph=False)
    def estimate(seed):
        words, weights, _ = draw(targets, 15, [0, seed])
        scored = tf.gather(logits, words, axis=1)
        return tf.linalg.matvec(tf.exp(scored), weights), tf.linalg.matvec(scored, weights)

    estimates = np.asarray([estimate(seed) for seed in tf.range(draws)])  # [draws, 2, tokens]
    exact = np.stack([np.exp(logits).sum(axis=1), logits.sum(axis=1)])
    error = estimates.std(axis=0) / np.sqrt(draws)
    assert np.all(np.abs(estimates.mean(axis=0) - exact) < 4 * error)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_with_every_word_it_is_the_cross_entropy(label_smoothing):
    logits = tf.constant(np.random.default_rng(3).normal(size=(4, VOCAB)))
    targets = tf.constant([5, 9, 9, 30])
    candidates = draw(targets, VOCAB, [0, 0])
    values, gradients = [], []
    for loss in (
        lambda: cross_entropy(logits, targets, label_smoothing),
        lambda: cross_entropy(logits, candidates.places, label_smoothing, candidates.weights, VOCAB),
    ):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            smoothed, nats = loss()
            total = tf.reduce_sum(smoothed * tf.constant([1.0, 2.0, 3.0, 4.0], tf.float64))
        values.append((smoothed, nats))
        gradients.append(tape.gradient(total, logits))
    np.testing.assert_allclose(*map(np.asarray, values), rtol=1e-12)
    np.testing.assert_allclose(*gradients, atol=1e-14)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_the_gradient_is_that_of_the_value(label_smoothing):
    random = np.random.default_rng(4)
    logits = tf.constant(random.normal(size=(3, 7)))
    weights, places = tf.constant(random.uniform(1, 9, 7)), tf.constant([2, 0, 2])

    def plain():
        normalizer = tf.math.log(tf.linalg.matvec(tf.exp(logits), weights))
        right = tf.gather(logits, places, batch_dims=1)
        uniform = normalizer - tf.linalg.matvec(logits, weights) / VOCAB
        return (1 - label_smoothing) * (normalizer - right) + label_smoothing * uniform

    found = []
    for loss in (plain, lambda: cross_entropy(logits, places, label_smoothing, weights, VOCAB)[0]):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss()
            total = tf.reduce_sum(value * value)
        found.append((value, tape.gradient(total, logits)))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("tied", [False, True])
def test_a_step_with_every_word_is_a_step_of_the_whole_softmax(tied):
    data = batch()
    models = [make_model(sampled, tied) for sampled in (0, VOCAB)]
    for model in models:
        model.compile(optimizer=keras.optimizers.SGD(1.0))
        model.train_step(data)
    for full, sampled in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(sampled, full, atol=1e-6)


@pytest.mark.parametrize("tied", [False, True])
def test_some_words_are_scored_as_among_all(tied):
    decoder = make_model(tied=tied).decoder
    outputs, words = tf.random.stateless_normal([3, 8], [0, 1]), tf.constant([2, 30, 59])
    np.testing.assert_allclose(
        decoder.project(outputs, words), tf.gather(decoder.project(outputs), words, axis=1), atol=1e-6
    )


def test_what_is_measured_is_exact():
    full, sampled = make_model(), make_model(sampled=10)
    data = batch()
    np.testing.assert_array_equal(full.totals(*data), sampled.totals(*data))
    assert not np.array_equal(full.totals(*data, training=True), sampled.totals(*data, training=True))


def test_each_step_draws_anew_by_its_number():
    data = batch()
    models = [make_model(sampled=10, seed=seed) for seed in (0, 0, 1)]
    losses = []
    for model in models:
        model.compile(optimizer=keras.optimizers.SGD(0.0))  # the same weights at every step
        losses.append([float(model.train_step(data)["loss"]) for _ in range(3)])
    assert losses[0] == losses[1] != losses[2]
    assert len(set(losses[0])) == 3


@pytest.mark.slow
def test_it_learns_and_comes_back_from_its_configuration():
    model = make_model(sampled=12, tied=True)
    model.compile(optimizer=keras.optimizers.Adam(0.02))
    data = batch()
    step = tf.function(lambda: model.train_step(data), autograph=False)
    before = model.totals(*data)
    for _ in range(60):
        step()
    after = model.totals(*data)
    assert after.loss < 0.7 * before.loss
    again = Seq2Seq.from_config(model.get_config())
    assert (again.sampled_softmax, again.sampling_seed) == (12, 0)
