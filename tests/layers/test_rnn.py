"""Our recurrent layers as layers of Keras: `LSTM` and `GRU` against its own, `RNN` of any cell."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.layers import GRU, LSTM, RNN
from seq2seq.layers.cells import CELLS, Cell
from tests.layers.recurrent import MASK, MinimalCell, assert_close, built, loss, sequences

STOCK = {LSTM: keras.layers.LSTM, GRU: keras.layers.GRU}
PARTS = {LSTM: 2, GRU: 1}
both = pytest.mark.parametrize("kind", STOCK)


def ours_and_stock(kind, units, features=3, dtype="float32", **options):
    return built(
        *(
            layer(units, **{"return_sequences": True, "return_state": True, "dtype": dtype} | options)
            for layer in (kind, STOCK[kind])
        ),
        features=features,
    )


def outcome(layer, inputs, state, mask):
    """Everything a user can see: outputs, states, and gradients of a loss that reads all of them."""
    inputs, *state = map(tf.constant, (inputs, *state))
    with tf.GradientTape() as tape:
        tape.watch([inputs, *state])
        values = layer(inputs, initial_state=state, mask=mask)
        total = loss(values)
    return [*values, *tape.gradient(total, [inputs, *state, *(weight.value for weight in layer.trainable_weights)])]


@settings(max_examples=25)
@given(
    kind=st.sampled_from(list(STOCK)),
    mask=st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=4),
    features=st.integers(1, 4),
    units=st.integers(1, 5),
    dtype=st.sampled_from(["float32", "float64"]),
    backwards=st.booleans(),
    zeros=st.booleans(),
)
def test_equals_stock_keras_for_any_mask(kind, mask, features, units, dtype, backwards, zeros):
    ours, stock = ours_and_stock(kind, units, features, dtype, go_backwards=backwards, zero_output_for_mask=zeros)
    assert ours.implementation.name == "graph"
    inputs, state = sequences(units, PARTS[kind], features, len(mask), dtype=dtype)
    close = {"atol": 1e-5, "rtol": 1e-4} if dtype == "float32" else {"atol": 1e-12, "rtol": 1e-10}
    assert_close(*(outcome(layer, inputs, state, np.array(mask)) for layer in (ours, stock)), **close)


@both
def test_equals_stock_keras_in_a_graph_without_a_mask(kind):
    inputs, state = sequences(5, PARTS[kind], dtype="float32")
    compiled = [tf.function(layer, autograph=False) for layer in ours_and_stock(kind, 5)]
    assert_close(*(run(inputs, initial_state=state) for run in compiled), atol=1e-6)


@both
def test_equals_stock_keras_without_sequences(kind):
    inputs, state = sequences(5, PARTS[kind], dtype="float32")
    layers = ours_and_stock(kind, 5, return_sequences=False)
    assert_close(*(layer(inputs, initial_state=state, mask=MASK) for layer in layers), atol=1e-6)


@both
def test_casts_integers_as_stock_keras(kind):
    inputs = np.arange(2 * 4 * 3).reshape(2, 4, 3) % 3
    ours, stock = ours_and_stock(kind, 5, return_state=False)
    outputs = ours(inputs)
    assert outputs.dtype == "float32"
    np.testing.assert_allclose(outputs, stock(inputs), atol=1e-6)


@both
def test_a_mask_with_an_axis_of_one_behind_time_is_taken_as_by_stock_keras(kind):
    inputs, _ = sequences(5, 0, dtype="float32")
    layers = ours_and_stock(kind, 5, return_state=False)
    np.testing.assert_allclose(*(layer(inputs, mask=MASK[:, :, None]) for layer in layers), atol=1e-6)


@both
@pytest.mark.parametrize("whole", [True, False])
def test_both_ways_equals_stock_keras(kind, whole):
    """`keras.layers.Bidirectional` sets `zero_output_for_mask`."""
    inputs, state = sequences(3, 2 * PARTS[kind], dtype="float32")
    options = {"return_sequences": whole, "return_state": True}
    layers = built(*(keras.layers.Bidirectional(layer(3, **options)) for layer in (kind, STOCK[kind])))
    ours = layers[0]
    assert isinstance(ours.backward_layer, kind)
    assert {layer.implementation.name for layer in (ours.forward_layer, ours.backward_layer)} == {"graph"}
    assert_close(*(outcome(layer, inputs, state, MASK) for layer in layers), atol=1e-5)


class TestStateful:
    """The state of a batch is the initial state of the next one."""

    @both
    def test_equals_stock_keras(self, kind):
        inputs, _ = sequences(3, 0, dtype="float32")
        layers = [layer(3, stateful=True) for layer in (kind, STOCK[kind])]
        for layer in layers:
            layer.build(inputs.shape)
        layers[1].set_weights(layers[0].get_weights())
        first, second, third = ([layer(inputs, mask=MASK) for layer in layers] for _ in range(3))
        for pair in (first, second, third):
            np.testing.assert_allclose(*pair, atol=1e-6)
        assert np.abs(second[0] - first[0]).max() > 1e-3
        layers[0].reset_state()
        np.testing.assert_allclose(layers[0](inputs, mask=MASK), first[0], atol=1e-6)

    def test_equals_stock_keras_both_ways(self):
        inputs, _ = sequences(3, 0, dtype="float32")
        layers = [keras.layers.Bidirectional(layer(3, stateful=True)) for layer in (LSTM, keras.layers.LSTM)]
        for layer in layers:
            layer.build(inputs.shape)
        layers[1].set_weights(layers[0].get_weights())
        for _ in range(2):
            np.testing.assert_allclose(*(layer(inputs) for layer in layers), atol=1e-6)

    def test_equals_stock_keras_in_fit(self):
        inputs, _ = sequences(3, 0, batch=4, dtype="float32")
        targets = inputs[:, 0, :1]
        models = []
        for layer in (LSTM, keras.layers.LSTM):
            model = keras.Sequential(
                [keras.Input(batch_shape=(2, 5, 3)), layer(3, stateful=True), keras.layers.Dense(1)]
            )
            model.compile("sgd", "mse")
            models.append(model)
        models[1].set_weights(models[0].get_weights())
        for model in models:
            model.fit(inputs, targets, batch_size=2, shuffle=False, verbose=0)
        assert_close(*(model.get_weights() for model in models), atol=1e-6)
        assert_close(*(model.layers[0].states for model in models), atol=1e-6)

    def test_goes_on_with_any_cell(self):
        inputs, _ = sequences(3, 0)
        (whole,) = built(RNN(3, "peephole_lstm", dtype="float64"))
        halves = RNN(3, "peephole_lstm", stateful=True, dtype="float64")
        halves.build((len(inputs), None, 3))
        halves.set_weights(whole.get_weights())
        halves(inputs[:, :2])
        np.testing.assert_allclose(halves(inputs[:, 2:]), whole(inputs), atol=1e-12)


class TestAsKerasTestsItsOwn:
    """The points of Keras' test files of its recurrent layers that the tests above do not have."""

    @both
    @pytest.mark.parametrize("dtype", ["float16", "mixed_float16", "mixed_bfloat16", "float64"])
    def test_types_of_outputs_states_and_weights(self, kind, dtype):
        inputs, _ = sequences(4, 0, dtype="float32")
        layers = ours_and_stock(kind, 4, dtype=dtype)
        ours, stock = (layer(inputs, mask=MASK) for layer in layers)
        assert [part.dtype for part in ours] == [part.dtype for part in stock]
        kinds = [[weight.dtype for weight in layer.weights] for layer in layers]
        assert kinds[0] == kinds[1]
        close = 1e-6 if dtype == "float64" else 0.02
        assert_close(*([tf.cast(part, "float64") for part in parts] for parts in (ours, stock)), atol=close)

    @both
    def test_regularizers_are_losses_of_the_layer_and_reach_the_gradient(self, kind):
        options = {"kernel_regularizer": "l2", "recurrent_regularizer": "l2", "bias_regularizer": "l1"}
        inputs, _ = sequences(4, 0, dtype="float32")
        found = []
        for layer in ours_and_stock(kind, 4, return_state=False, **options):
            with tf.GradientTape() as tape:
                total = tf.reduce_sum(layer(inputs)) + tf.add_n(layer.losses)
            assert len(layer.losses) == 3
            found.append([*layer.losses, *tape.gradient(total, layer.trainable_variables)])
        assert_close(*found, atol=1e-4, rtol=1e-4)

    @both
    def test_comes_back_from_its_configuration(self, kind):
        options = {
            "return_sequences": True,
            "go_backwards": True,
            "stateful": True,
            "recurrent_dropout": 0.5,
            "zero_output_for_mask": True,
            "kernel_regularizer": "l2",
            "recurrent_initializer": "glorot_uniform",
            "bias_constraint": "non_neg",
            "dtype": "mixed_bfloat16",
        }
        layer = kind(4, **options)
        again = kind.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
        assert layer.get_config() == STOCK[kind](4, name=layer.name, **options).get_config()

    @both
    @pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
    def test_every_way_of_merging_both_directions(self, kind, merge_mode):
        inputs, _ = sequences(3, 0, dtype="float32")
        layers = built(*(keras.layers.Bidirectional(layer(3), merge_mode) for layer in (kind, STOCK[kind])))
        assert_close(*(tf.nest.flatten(layer(inputs, mask=MASK)) for layer in layers), atol=1e-6)
        assert layers[0].compute_output_shape((2, 5, 3)) == layers[1].compute_output_shape((2, 5, 3))

    @both
    def test_shapes_are_known_before_an_input(self, kind):
        for whole in (False, True):
            layers = ours_and_stock(kind, 4, return_sequences=whole)
            shapes = [layer.compute_output_shape((2, 5, 3)) for layer in layers]
            assert shapes[0] == shapes[1]

    def test_a_stateful_layer_refuses_another_batch_as_keras_does(self):
        model = keras.Sequential([keras.Input(batch_shape=(2, 5, 3)), LSTM(4, stateful=True)])
        with pytest.raises(ValueError, match=r"Expected batch size: 2\n- Received batch size: 3"):
            model.predict(np.ones((3, 5, 3), "float32"), verbose=0)


UNUSUAL = [
    (LSTM, {"activation": "relu"}, "its activation is not tanh"),
    (LSTM, {"recurrent_activation": "hard_sigmoid"}, "its recurrent_activation is not sigmoid"),
    (LSTM, {"use_bias": False}, "it has no bias"),
    (GRU, {"reset_after": False}, "its reset gate stands before the product"),
    (GRU, {"activation": "relu", "use_bias": False}, "its activation is not tanh, it has no bias"),
]


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [*UNUSUAL, (LSTM, {"unroll": True}, "it is unrolled"), (LSTM, {"dropout": 0.5}, "it has dropout")],
)
def test_other_gates_run_on_keras_own_loop(kind, options, reason):
    ours, stock = ours_and_stock(kind, 4, **options)
    inputs, state = sequences(4, PARTS[kind], dtype="float32")
    assert ours.implementation == ("keras", f"Keras' loop: {reason}")
    assert_close(*(layer(inputs, initial_state=state) for layer in (ours, stock)), atol=1e-6)


@pytest.mark.parametrize(("kind", "options", "reason"), UNUSUAL)
def test_other_gates_do_not_go_step_by_step(kind, options, reason):
    ours, _ = ours_and_stock(kind, 4, **options)
    inputs, state = sequences(4, PARTS[kind], dtype="float32")
    with pytest.raises(ValueError, match=rf"the standard gates go step by step.*Received: layer '\w+', {reason}\."):
        ours.step(inputs[:, 0], state)


class TestRecurrentDropout:
    @both
    def test_keeps_the_own_loop(self, kind):
        ours, stock = ours_and_stock(kind, 4, recurrent_dropout=0.5)
        inputs, state = sequences(4, PARTS[kind], dtype="float32")
        assert ours.implementation.name == "graph"
        assert_close(*(layer(inputs, initial_state=state) for layer in (ours, stock)), atol=1e-6)

    @pytest.mark.parametrize("layer", [LSTM(50, recurrent_dropout=0.2, seed=0), RNN(50, "gru", 0.2, seed=0)])
    def test_draws_masks_that_keep_the_expectation(self, layer):
        hidden = tf.zeros([40, 50])
        first, second = (layer.recurrent_mask(hidden).numpy() for _ in range(2))
        assert set(np.unique(first)) == {0, np.float32(1.25)}
        np.testing.assert_allclose(first.mean(), 1, atol=0.03)
        assert (first != second).any()
        assert (first != first[0]).any()

    def test_a_mask_drawn_outside_a_call_stays_outside(self):
        layer, without = built(LSTM(4, recurrent_dropout=0.5), LSTM(4))
        inputs, _ = sequences(4, 0, dtype="float32")
        tf.function(layer.recurrent_mask, autograph=False)(tf.ones([5, 4]))
        in_training = tf.function(lambda: layer(inputs, training=True), autograph=False)
        assert np.abs(in_training() - in_training()).max() > 1e-3
        np.testing.assert_array_equal(layer(inputs), without(inputs))


class TestRNN:
    @both
    def test_equals_the_layer_of_keras_own_name(self, kind):
        keras_like, ours = kind(4, dtype="float64"), RNN(4, kind.__name__.lower(), dtype="float64")
        built(keras_like)
        ours.build((None, None, 3))
        *kernels, bias = keras_like.get_weights()
        if kind is GRU:
            # The recurrent biases of the gates z and r are added to the others.
            bias, of_reset = bias[0] + bias[1] * ([1] * 8 + [0] * 4), bias[1, 8:]
        ours.set_weights([*kernels, bias, *([of_reset] if kind is GRU else [])])
        inputs, _ = sequences(4, 0)
        np.testing.assert_allclose(ours(inputs, mask=MASK), keras_like(inputs, mask=MASK), atol=1e-12)

    def test_a_simple_one_equals_that_of_keras(self):
        options = {"return_sequences": True, "return_state": True, "dtype": "float64"}
        layers = built(RNN(4, "simple_rnn", **options), keras.layers.SimpleRNN(4, **options))
        inputs, state = sequences(4, 1)
        assert_close(*(outcome(layer, inputs, state, MASK) for layer in layers), atol=1e-12)

    @pytest.mark.parametrize("cell", [*CELLS, MinimalCell(0.25)])
    def test_comes_back_from_its_configuration(self, cell):
        layer = RNN(4, cell, recurrent_dropout=0.5, seed=3, return_sequences=True, name="layer", dtype="mixed_bfloat16")
        config = layer.get_config()
        again = RNN.from_config(config)
        assert again.get_config() == config
        assert again.arithmetic == layer.arithmetic
        assert config["cell"] == cell if isinstance(cell, str) else again.arithmetic.opening == 0.25

    @pytest.mark.parametrize("cell", ["layer_norm_lstm", MinimalCell(0.25)])
    def test_comes_back_from_a_file(self, cell, tmp_path):
        model = keras.Sequential([keras.Input((None, 3)), RNN(4, cell, return_sequences=True), RNN(2, cell)])
        inputs, _ = sequences(4, 0, dtype="float32")
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        assert again.layers[0].arithmetic == model.layers[0].arithmetic
        np.testing.assert_array_equal(again(inputs), model(inputs))

    def test_goes_both_ways(self):
        forward = RNN(2, "peephole_lstm", return_sequences=True, dtype="float64")
        both_ways = keras.layers.Bidirectional(forward, dtype="float64")
        built(both_ways)
        inputs, _ = sequences(2, 0)
        one, other = both_ways.forward_layer, both_ways.backward_layer
        expected = np.concatenate([one(inputs, mask=MASK), np.flip(other(inputs, mask=MASK), 1)], axis=-1)
        np.testing.assert_allclose(both_ways(inputs, mask=MASK), expected, atol=1e-12)
        assert (np.asarray(both_ways(inputs, mask=MASK))[~MASK] == 0).all()

    @pytest.mark.parametrize("cell", CELLS)
    def test_every_weight_has_a_gradient(self, cell):
        inputs, _ = sequences(4, 0)
        layer = RNN(4, cell, dtype="float64")
        with tf.GradientTape() as tape:
            total = loss(layer(inputs, mask=MASK))
        assert all(np.abs(gradient).max() > 0 for gradient in tape.gradient(total, layer.trainable_variables))

    @pytest.mark.parametrize("wrong", ["lstn", Cell])
    def test_refuses_what_is_no_cell(self, wrong):
        with pytest.raises(ValueError, match=r"Received: cell="):
            RNN(4, wrong)
