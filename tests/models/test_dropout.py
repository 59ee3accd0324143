"""Dropout of a model: where it drops, how much, and that the rest is scaled so that sums stay."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import StackedRNN, StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq

BATCH, TIME, WIDTH = 400, 6, 8
IDS = tf.constant(np.random.default_rng(0).integers(4, 12, (BATCH, TIME)), tf.int32)


def model(attention=None, input_feeding=False, **shares):
    keras.utils.set_random_seed(1)
    of_encoder = {name: share for name, share in shares.items() if name != "output_dropout"}
    return Seq2Seq(
        Encoder(12, WIDTH, [WIDTH, WIDTH], **of_encoder),
        StateBridge([WIDTH, WIDTH]),
        Decoder(12, WIDTH, [WIDTH, WIDTH], attention, input_feeding, **shares),
    )


def need_dropped(kept, whole, share):
    """Some values are zero, that share of them, and the others are larger by so much."""
    kept, whole = np.asarray(kept), np.asarray(whole)
    zero = kept == 0
    assert abs(zero.mean() - share) < 4 * np.sqrt(share * (1 - share) / zero.size)
    assert zero.any(axis=0).all() and not zero.all(axis=0).any()  # drawn for each row
    np.testing.assert_allclose(kept[~zero], whole[~zero] / (1 - share), rtol=1e-5)


def read(layers, run, monkeypatch):
    """What each of the layers reads in training and without."""
    seen = []
    for layer in layers:
        call = layer.call
        monkeypatch.setattr(
            layer, "call", lambda inputs, *a, call=call, **k: seen.append(inputs) or call(inputs, *a, **k)
        )
    run(training=False)
    run(training=True)
    return seen


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_embeddings_of_the_encoder(share, monkeypatch):
    encoder = model(embedding_dropout=share).encoder
    whole, kept = read([encoder.stack], lambda training: encoder(IDS, training=training), monkeypatch)
    np.testing.assert_array_equal(whole, encoder.embedding(IDS))
    need_dropped(kept, whole, share)


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_embeddings_of_the_decoder(share, monkeypatch):
    made = model(embedding_dropout=share)
    encoded = made.encoder(IDS)
    state = made.bridge(encoded)
    whole, kept = read(
        [made.decoder.stack], lambda training: made.decoder.read(IDS, state, encoded, training), monkeypatch
    )
    np.testing.assert_array_equal(whole, made.decoder.embedding(IDS))
    need_dropped(kept, whole, share)


def test_embeddings_of_a_decoder_with_input_feeding(monkeypatch):
    made, seen = model("general", True, embedding_dropout=0.2), []
    encoded = made.encoder(IDS)
    state = made.bridge(encoded)
    monkeypatch.setattr("seq2seq.models.decoder.feed_through", lambda _, read, *rest: (seen.append(read), rest[1]))
    for training in (False, True):
        made.decoder.read(IDS, state, encoded, training)
    need_dropped(seen[1], made.decoder.embedding(IDS), 0.2)


@pytest.mark.parametrize("attention", [None, "general"])
@pytest.mark.parametrize("share", [0.2, 0.6])
def test_outputs(share, attention):
    made = model(attention, output_dropout=share)
    encoded = made.encoder(IDS)
    whole, kept = (made.decoder.read(IDS, made.bridge(encoded), encoded, training) for training in (False, True))
    need_dropped(kept, whole, share)


def test_outputs_with_input_feeding():
    made = model("general", True, output_dropout=0.2)
    encoded = made.encoder(IDS)
    whole, kept = (made.decoder.read(IDS, made.bridge(encoded), encoded, training) for training in (False, True))
    need_dropped(kept[:, :1], whole[:, :1], 0.2)  # the next step reads what is left


@pytest.mark.parametrize("share", [0.2, 0.6])
@pytest.mark.parametrize("bidirectional", ["never", "first"])
def test_outputs_between_layers(share, bidirectional, monkeypatch):
    keras.utils.set_random_seed(1)
    stack = StackedRNN([WIDTH, WIDTH], "gru", bidirectional, dropout=share, return_sequences=True)
    inputs = tf.constant(np.random.default_rng(0).normal(size=(BATCH, TIME, WIDTH)), tf.float32)
    lowest, *_, kept_lowest, kept = seen = read(
        stack.forward_layers, lambda training: stack(inputs, training=training), monkeypatch
    )
    np.testing.assert_array_equal(lowest, inputs)
    np.testing.assert_array_equal(kept_lowest, inputs)
    need_dropped(kept, seen[1], share)
