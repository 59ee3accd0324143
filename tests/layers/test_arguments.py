"""What layers check of their arguments, and what Keras asks of layers that are made of others."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq import Decoder, Encoder, Seq2Seq, StackedLSTM, StateBridge
from seq2seq.layers import GRU, LSTM, RNN, Attention, Cell, Encoded, StackedRNN
from seq2seq.layers.cells import CELLS
from seq2seq.models import start_forget_gates
from tests.layers.test_stack import features

LAYERS = [LSTM, GRU, RNN, lambda units, **options: RNN(units, "peephole_lstm", **options)]


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize("units", [0, -2, 4.0, True, "4"])
def test_a_width_is_a_whole_number_from_one_up(make, units) -> None:
    with pytest.raises(ValueError, match=r"units is the width of a layer, a whole number from 1 up\. Received: units="):
        make(units)


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize("share", [1.0, 1.5, -0.5])
def test_a_share_is_below_one(make, share) -> None:
    with pytest.raises(ValueError, match=r"recurrent_dropout is the fraction dropped, from 0 to below 1"):
        make(4, recurrent_dropout=share)


def test_parts_of_a_model_drop_shares_too() -> None:
    with pytest.raises(ValueError, match="Received: embedding_dropout=1"):
        Encoder(9, 4, [4], embedding_dropout=1.0)
    for name in ("embedding_dropout", "output_dropout"):
        with pytest.raises(ValueError, match=f"Received: {name}=-0.1"):
            Decoder(9, 4, [4], **{name: -0.1})


def test_widths_may_be_any_list_of_whole_numbers() -> None:
    assert StackedLSTM(4 for _ in range(2)).units == StackedLSTM(np.array([4, 4])).units == [4, 4]
    for units in ([], [True], [4.0], "44", 4):
        with pytest.raises(ValueError, match="units lists the width of every layer"):
            StackedLSTM(units)


def test_inputs_of_another_rank_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        RNN(4)(np.ones((2, 3), "float32"))


@pytest.mark.parametrize("kind", ["int32", "float32"])
@pytest.mark.parametrize("bidirectional", ["never", "all"])
def test_a_mask_may_be_of_numbers(kind, bidirectional) -> None:
    inputs = features([5, 2], 3)
    stack = StackedLSTM([4], bidirectional, return_sequences=True)
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    expected = stack(inputs, mask=tf.constant(mask, "bool"))
    np.testing.assert_array_equal(stack(inputs, mask=tf.constant(mask, kind)), expected)


@pytest.mark.parametrize(
    "frozen",
    [
        lambda: StackedLSTM([4, 4], "first", trainable=False),
        lambda: StackedRNN([4], "gru", trainable=False),
        lambda: RNN(4, "layer_norm_lstm", trainable=False),
    ],
)
def test_what_is_frozen_stays_so_in_a_model_and_from_its_file(frozen, tmp_path) -> None:
    model = keras.Sequential([keras.Input((None, 3)), frozen(), keras.layers.Dense(1)])
    assert len(model.trainable_variables) == 2
    assert len(keras.models.clone_model(model).trainable_variables) == 2
    model.save(tmp_path / "m.keras")
    assert len(keras.models.load_model(tmp_path / "m.keras").trainable_variables) == 2


def test_parts_of_a_model_that_are_frozen_stay_so(tmp_path) -> None:
    model = Seq2Seq(Encoder(9, 4, [4]), StateBridge([3], project="always"), Decoder(9, 4, [3], attention="general"))
    everything = len(model.trainable_variables)
    frozen = len(model.encoder.trainable_variables) + len(model.bridge.trainable_variables)
    model.encoder.trainable = model.bridge.trainable = False
    assert len(model.trainable_variables) == everything - frozen
    model.save(tmp_path / "m.keras")
    assert len(keras.models.load_model(tmp_path / "m.keras").trainable_variables) == everything - frozen


def test_a_part_that_was_frozen_before_stays_so_where_a_model_is_made_of_it() -> None:
    encoder = Encoder(9, 4, [4])
    encoder.embedding.trainable = False
    model = Seq2Seq(encoder, StateBridge([4]), Decoder(9, 4, [4]))
    assert not any("embedding" in weight.path for weight in model.encoder.trainable_variables)


def test_a_built_part_fits_one_model() -> None:
    bridge = StateBridge([4], "last_layer")
    Seq2Seq(Encoder(9, 4, [4]), bridge, Decoder(9, 4, [4]))
    with pytest.raises(ValueError, match=r"A bridge is wired for one encoder\. Received: .*where it was built for"):
        Seq2Seq(Encoder(9, 4, [4, 4]), bridge, Decoder(9, 4, [4]))
    decoder = Decoder(9, 4, [4], attention="general")
    Seq2Seq(Encoder(9, 4, [4]), StateBridge([4]), decoder)
    with pytest.raises(ValueError, match=r"Received: memory_units=5, where it was built for 4"):
        Seq2Seq(Encoder(9, 4, [5]), StateBridge([4]), decoder)


@pytest.mark.parametrize("share", [1.0, 1.5, -0.3, float("nan")])
def test_label_smoothing_is_a_share(share) -> None:
    with pytest.raises(ValueError, match="label_smoothing is a share of probability"):
        Seq2Seq(Encoder(9, 4, [4]), StateBridge([4]), Decoder(9, 4, [4]), label_smoothing=share)


def test_a_batch_without_rows_has_no_logits() -> None:
    model = Seq2Seq(Encoder(9, 4, [4]), StateBridge([4]), Decoder(9, 4, [4], attention="general"))
    logits = model({"source": np.ones((0, 2), "int32"), "target_in": np.ones((0, 3), "int32")})
    assert logits.shape == (0, 3, 9)


def test_forget_gates_start_from_numbers_in_a_built_stack() -> None:
    stack = StackedLSTM([4])
    with pytest.raises(ValueError, match="a stack without weights: build it first"):
        start_forget_gates(stack, 2.0)
    stack.build((None, None, 3))
    with pytest.raises(ValueError, match="Received: bias=nan, a built stack"):
        start_forget_gates(stack, float("nan"))


def test_cells_that_say_nothing_of_their_arguments_are_told_apart() -> None:
    class Scaled(CELLS["simple_rnn"]):
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def forward(self, products, state, vectors):
            return super().forward([self.factor * product for product in products], state, vectors)

    assert isinstance(Scaled(1.0), Cell) and Scaled(1.0) != Scaled(0.0)
    inputs = features([3], 2)
    outputs = [RNN(2, Scaled(factor))(inputs).numpy() for factor in (1.0, 0.0)]
    assert np.abs(outputs[0]).max() > 0 and np.abs(outputs[1]).max() == 0


def test_attention_learns_its_keys_in_a_functional_model() -> None:
    query, memory, mask = keras.Input((3, 4)), keras.Input((5, 6)), keras.Input((5,), dtype="bool")
    attention = Attention("general")
    context, weights = attention(query, Encoded(memory, mask, ()))
    model = keras.Model([query, memory, mask], [context, weights])
    arrays = [np.random.default_rng(0).normal(size=shape).astype("float32") for shape in ((2, 3, 4), (2, 5, 6))]
    given = [*map(tf.constant, arrays), tf.ones((2, 5), tf.bool)]
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(given)[0] ** 2)
    (gradient,) = tape.gradient(total, model.trainable_variables)
    assert np.abs(gradient).max() > 0
    expected = attention(given[0], attention.prepare(Encoded(given[1], given[2], ())))
    np.testing.assert_allclose(model(given)[0], expected[0], rtol=1e-6)
