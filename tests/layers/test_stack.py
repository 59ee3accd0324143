"""StackedLSTM against a stack of stock Keras layers, and its own promises."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.layers import RNN, StackedLSTM, StackedRNN
from seq2seq.layers.stack import reverse_time
from tests.marks import quick


def stock_stack(stack, features):
    """The same stack out of stock layers: a list of LSTM or Bidirectional with the same weights."""
    layers, width = [], features
    for forward, backward in zip(stack.forward_layers, stack.backward_layers, strict=True):
        options = {"return_sequences": True, "return_state": True}
        layer = keras.layers.LSTM(forward.units, **options)
        if backward is not None:
            layer = keras.layers.Bidirectional(layer)
        layer.build((None, None, width))
        layer.set_weights(forward.get_weights() + (backward.get_weights() if backward is not None else []))
        layers.append(layer)
        width = forward.units * (1 if backward is None else 2)
    return layers


def run_stock(layers, inputs, mask, residual_from):
    outputs, state = inputs, []
    for number, layer in enumerate(layers):
        read, *end = layer(outputs, mask=mask)
        outputs = read + outputs if residual_from is not None and number >= residual_from else read
        state += end
    return outputs, state


def flat(state):
    return [part for layer in state for direction in layer for part in direction]


stacks = st.integers(1, 4).flatmap(
    lambda depth: st.tuples(
        st.lists(st.integers(1, 4), min_size=depth, max_size=depth),
        st.one_of(st.sampled_from(["never", "first", "all"]), st.lists(st.booleans(), min_size=depth, max_size=depth)),
    )
)


def outcome(run, weights, inputs, real):
    """Outputs at real steps, final states, and the gradients of a loss that reads both."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs, state = run(inputs)
        loss = tf.reduce_sum(tf.sin(outputs) * real) + sum(tf.reduce_sum(part**2) for part in state)
    return [outputs * real, *state, *tape.gradient(loss, [inputs, *weights])]


def assert_equals_stock(stack, inputs, mask, residual_from=None):
    stack.build(inputs.shape)
    stock = stock_stack(stack, inputs.shape[-1])
    inputs, real = tf.constant(inputs), tf.constant(mask[:, :, None].astype("float32"))

    def run_ours(x):
        outputs, state = stack(x, mask=mask)
        return outputs, flat(state)

    pairs = zip(stack.forward_layers, stack.backward_layers, strict=True)
    our_weights = [w.value for pair in pairs for layer in pair if layer is not None for w in layer.trainable_weights]
    stock_weights = [w.value for layer in stock for w in layer.trainable_weights]
    ours = outcome(run_ours, our_weights, inputs, real)
    expected = outcome(lambda x: run_stock(stock, x, mask, residual_from), stock_weights, inputs, real)
    for mine, theirs in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4, rtol=1e-4)


def features(lengths, width, time=5):
    return np.random.default_rng(0).normal(size=(len(lengths), time, width)).astype("float32")


@settings(max_examples=8)
@given(stack=stacks, lengths=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_equals_stock_layers(stack, lengths):
    units, bidirectional = stack
    mask = np.arange(5) < np.array(lengths)[:, None]
    ours = StackedLSTM(units, bidirectional, return_sequences=True, return_state=True)
    assert_equals_stock(ours, features(lengths, 3), mask)


def test_residual_connections_equal_stock_layers():
    mask = np.arange(5) < np.array([[5], [2]])
    ours = StackedLSTM([2, 4, 4], "first", residual_from=1, return_sequences=True, return_state=True)
    assert_equals_stock(ours, features([5, 2], 3), mask, residual_from=1)


@settings(max_examples=15)
@given(stack=stacks, lengths=st.lists(st.integers(1, 4), min_size=2, max_size=2))
def test_padding_changes_nothing(stack, lengths):
    units, bidirectional = stack
    stack = StackedLSTM(units, bidirectional, return_sequences=True, return_state=True)
    inputs = features(lengths, 3)
    outputs, state = stack(inputs, mask=np.arange(5) < np.array(lengths)[:, None])
    for row, length in enumerate(lengths):
        alone, alone_state = stack(inputs[row : row + 1, :length])
        np.testing.assert_allclose(outputs[row, :length], alone[0], atol=1e-6)
        for part, expected in zip(flat(state), flat(alone_state), strict=True):
            np.testing.assert_allclose(part[row], expected[0], atol=1e-6)


def test_step_by_step_equals_the_sequence():
    stack = StackedLSTM([3, 4, 4], residual_from=2, return_sequences=True, return_state=True)
    inputs = features([5, 5], 2)
    outputs, end = stack(inputs)
    _, state = stack(inputs[:, :1])
    for time in range(1, 5):
        output, state = stack.step(inputs[:, time], state)
        np.testing.assert_allclose(output, outputs[:, time], atol=1e-6)
    for part, expected in zip(flat(state), flat(end), strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-6)


def test_a_state_continues_a_sequence():
    stack = StackedLSTM([3, 2], return_sequences=True, return_state=True)
    inputs = features([5], 2)
    outputs, _ = stack(inputs)
    _, state = stack(inputs[:, :2])
    rest, _ = stack(inputs[:, 2:], initial_state=state)
    np.testing.assert_allclose(rest, outputs[:, 2:], atol=1e-6)


@pytest.mark.parametrize("bidirectional", ["never", "all"])
def test_last_output_is_that_of_stock_keras(bidirectional):
    inputs, mask = features([5, 3], 2), np.arange(5) < np.array([[5], [3]])
    stack = StackedLSTM([4], bidirectional)
    stack.build(inputs.shape)
    stock = keras.layers.LSTM(4)
    stock = keras.layers.Bidirectional(stock) if bidirectional == "all" else stock
    stock.build(inputs.shape)
    stock.set_weights(stack.get_weights())
    np.testing.assert_allclose(stack(inputs, mask=mask), stock(inputs, mask=mask), atol=1e-6)
    np.testing.assert_allclose(stack(inputs), stock(inputs), atol=1e-6)


def test_dropout_is_between_layers_and_in_training_only():
    inputs = features([5], 2)
    one, two = StackedLSTM([4], dropout=0.5), StackedLSTM([4, 4], dropout=0.5)
    np.testing.assert_array_equal(one(inputs, training=True), one(inputs))
    assert not np.allclose(two(inputs, training=True), two(inputs))


def test_in_a_keras_model_saved_and_loaded(tmp_path):
    model = keras.Sequential([keras.Input((None, 1)), StackedLSTM([5, 3], "first", dropout=0.1), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(features([5, 5], 1), np.ones((2, 1)), verbose=0)
    model.save(tmp_path / "stack.keras")
    again = keras.models.load_model(tmp_path / "stack.keras")
    np.testing.assert_allclose(again(features([5], 1)), model(features([5], 1)), atol=1e-6)


def test_a_keras_mask_is_used_and_handed_on():
    ids = np.array([[3, 4, 0], [5, 0, 0]])
    embedding = keras.layers.Embedding(6, 2, mask_zero=True)
    lower, upper = StackedLSTM([3], return_sequences=True), StackedLSTM([2])
    implicit = upper(lower(embedding(ids)))
    explicit = upper(lower(keras.layers.Embedding.call(embedding, ids), mask=ids != 0), mask=ids != 0)
    np.testing.assert_allclose(implicit, explicit, atol=1e-6)


@pytest.mark.parametrize("options", [{"return_sequences": True}, {"return_state": True, "return_sequences": True}, {}])
def test_the_shape_of_what_a_stack_gives_is_known_before_an_input(options):
    """What `keras.layers.TimeDistributed` asks for."""
    stack = StackedLSTM([4, 3], "first", **options)
    known = stack.compute_output_shape((2, 5, 1))
    found = tf.nest.map_structure(lambda part: tuple(part.shape), stack(keras.Input((5, 1), batch_size=2)))
    assert known == found


def test_what_is_masked_is_zero_where_a_layer_reads_both_ways_as_in_stock_keras():
    inputs, mask = features([5, 5], 2), np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 0]], bool)
    stack = StackedLSTM([4, 3], "all", return_sequences=True)
    stack.build(inputs.shape)
    stock = keras.Sequential(
        [
            keras.layers.Masking(),
            *(keras.layers.Bidirectional(keras.layers.LSTM(u, return_sequences=True)) for u in (4, 3)),
        ]
    )
    stock.build(inputs.shape)
    stock.set_weights(by_layer(stack))
    inputs[~mask] = 0
    outputs = stack(inputs, mask=mask)
    np.testing.assert_allclose(outputs, stock(inputs), atol=1e-6)
    assert not np.asarray(outputs)[~mask].any()


def test_reverse_time_leaves_padding_where_it_is():
    ids = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 5, 6], [0, 0, 0, 0], [7, 0, 8, 9], [0, 1, 0, 2]])
    turned = [[3, 2, 1, 0], [4, 0, 0, 0], [0, 0, 6, 5], [0, 0, 0, 0], [9, 0, 8, 7], [0, 2, 0, 1]]
    np.testing.assert_array_equal(reverse_time(ids, ids != 0), turned)
    np.testing.assert_array_equal(reverse_time(ids, None), ids[:, ::-1])


def test_the_gradient_of_reverse_time_is_turned_too():
    values, mask = tf.constant(np.arange(8.0).reshape(2, 4)), np.array([[True] * 3 + [False], [False] + [True] * 3])
    (computed,), (numeric,) = tf.test.compute_gradient(lambda x: reverse_time(x, mask) ** 2, [values])
    np.testing.assert_allclose(computed, numeric, atol=1e-4)


@pytest.mark.parametrize("bidirectional", ["never", "first", "all"])
def test_a_masked_gap_is_as_if_it_were_not_there(bidirectional):
    series, mask = np.array([[0.1, 9.0, 0.3, 0.4]], "float32")[:, :, None], np.array([[True, False, True, True]])
    stack = StackedLSTM([4, 3], bidirectional, return_sequences=True, return_state=True)
    outputs, state = stack(series, mask=mask)
    alone, state_alone = stack(series[:, [0, 2, 3]])
    np.testing.assert_allclose(np.asarray(outputs)[:, [0, 2, 3]], alone, atol=1e-6)
    for mine, expected in zip(tf.nest.flatten(state), tf.nest.flatten(state_alone), strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-6)


def test_padding_counts_in_no_loss_behind_a_stack_that_gives_its_state():
    """The decoder of every Keras tutorial: embedding with a mask, recurrent layer with state, dense layer, loss."""
    ids, targets = np.array([[3, 4, 0], [5, 0, 0]]), np.array([[4, 2, 0], [2, 0, 0]])

    def loss(layer):
        given = keras.Input((None,), dtype="int32")
        embedding, dense = keras.layers.Embedding(6, 3, mask_zero=True), keras.layers.Dense(6, activation="softmax")
        outputs, *_ = layer(embedding(given))
        model = keras.Model(given, dense(outputs))
        embedding.embeddings.assign(np.linspace(-1, 1, 18).reshape(6, 3))
        dense.kernel.assign(np.linspace(-1, 1, 24).reshape(4, 6))
        model.compile(loss="sparse_categorical_crossentropy")
        return model.evaluate(ids, targets, verbose=0)

    stack = StackedLSTM([4], return_sequences=True, return_state=True)
    stack.build((None, None, 3))
    (stock,) = stock_stack(stack, 3)
    np.testing.assert_allclose(loss(stack), loss(stock), rtol=1e-6)


@pytest.mark.slow
def test_a_second_gradient_equals_that_of_stock_layers():
    stack = StackedLSTM([4], return_sequences=True)
    stack.build((None, None, 2))
    (stock,) = stock_stack(stack, 2)
    inputs = tf.constant(features([5, 5], 2))
    found = []
    for run in (stack, lambda inputs: stock(inputs)[0]):
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                value = tf.reduce_sum(run(inputs) ** 2)
            penalty = tf.reduce_sum(inner.gradient(value, inputs) ** 2)
        found.append(outer.gradient(penalty, inputs))
    np.testing.assert_allclose(*found, atol=1e-5)


@pytest.mark.parametrize("bidirectional", ["never", "first", "all"])
def test_padding_on_the_left_equals_stock_layers(bidirectional):
    """What `pad_sequences` does by default, and what many tutorials feed to their LSTM."""
    lengths = [5, 2]
    mask = np.arange(5) >= 5 - np.array(lengths)[:, None]
    stack = StackedLSTM([4, 3], bidirectional, return_sequences=True, return_state=True)
    assert_equals_stock(stack, features(lengths, 2), mask)
    last = StackedLSTM([4, 3], bidirectional)
    last.build((None, None, 2))
    last.set_weights(stack.get_weights())
    outputs, _ = stack(features(lengths, 2), mask=mask)
    first = 5 - np.array(lengths)
    width = 3
    expected = np.concatenate([outputs[:, -1, :width], np.asarray(outputs)[[0, 1], first, width:]], axis=-1)
    np.testing.assert_allclose(last(features(lengths, 2), mask=mask), expected, atol=1e-6)


def test_many_shapes_outside_a_graph_do_not_trace_again_and_again(caplog):
    stack = StackedLSTM([3])
    for time in range(1, 12):
        stack(features([1], 2, time))
    assert "retracing" not in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": []}, "units lists the width of every layer"),
        ({"units": 256}, r"Received: units=256. Use units=\[256\]"),
        ({"units": [4, 0]}, "each at least 1"),
        ({"units": [4], "bidirectional": "some"}, "bidirectional is one of never, first, all"),
        ({"units": [4], "bidirectional": [True, False]}, "Received: 2 flags, depth=1"),
        ({"units": [4], "residual_from": 1}, "residual_from names a layer of the stack, 0 to 0"),
        ({"units": [4, 4], "residual_from": True}, "Received: residual_from=True. Use None"),
        ({"units": [4], "activation": "relu"}, "no activation. Received: activation='relu'. What happens at a step is"),
        (
            {"units": [4], "go_backwards": True},
            "no go_backwards. Received: go_backwards=True. Read both ways with bidir",
        ),
        ({"units": [4], "kernel_regularizer": "l3"}, "l3"),
        ({"units": [4], "dropout": 1.0}, "dropout is the fraction dropped"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        StackedLSTM(**arguments)


@pytest.mark.parametrize(("flag", "name"), [(True, "all"), (False, "never")])
def test_one_flag_speaks_for_all_layers(flag, name):
    stack = StackedLSTM([4, 3], flag)
    assert stack.bidirectional == name
    assert stack.get_config() == StackedLSTM([4, 3], name, name=stack.name).get_config()


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_bfloat16"])
def test_whole_numbers_are_cast_as_stock_layers_cast_them(dtype):
    stack = StackedLSTM([3, 3], residual_from=0, dtype=dtype)
    inputs = np.arange(18).reshape(2, 3, 3) % 5
    outputs = stack(inputs)
    assert outputs.dtype == stack.compute_dtype
    np.testing.assert_array_equal(*(tf.cast(each, "float64") for each in (outputs, stack(tf.cast(inputs, "float32")))))


def test_batches_that_go_on_hand_their_state_over_as_stateful_stock_layers():
    """What `stateful=True` is for a single layer."""
    stack = StackedLSTM([4], return_sequences=True, return_state=True)
    stack.build((None, None, 2))
    stock = keras.layers.LSTM(4, return_sequences=True, stateful=True)
    stock.build((2, 3, 2))
    stock.set_weights(stack.get_weights())
    state = None
    for part in np.split(features([6, 6], 2, 6), 2, axis=1):
        outputs, state = stack(part, initial_state=state)
        np.testing.assert_allclose(outputs, stock(part), atol=1e-6)


def stock_options(stack, options):
    """Stock layers with the weights of a stack, each with the same options."""
    layers = []
    for place, both in enumerate(stack.both_ways):
        whole = stack.return_sequences or place < len(stack.units) - 1
        layer = keras.layers.LSTM(stack.units[place], return_sequences=whole, **options)
        layers.append(keras.layers.Bidirectional(layer) if both else layer)
    return layers


def by_layer(stack):
    """The weights of a stack in the order of stock layers: those of both directions of a layer together."""
    pairs = zip(stack.forward_layers, stack.backward_layers, strict=True)
    return [weight for pair in pairs for layer in pair if layer is not None for weight in layer.get_weights()]


class TestStateful:
    """The state of a batch is the initial state of the next one, in every layer and direction."""

    @staticmethod
    def models(bidirectional):
        """A stack in a functional model, and stock layers in another."""
        stack = StackedLSTM([4, 3], bidirectional, stateful=True)
        stack.build((2, 3, 2))
        given = keras.Input(batch_shape=(2, 3, 2))
        stock = keras.Sequential([keras.Input(batch_shape=(2, 3, 2)), *stock_options(stack, {"stateful": True})])
        stock.set_weights(by_layer(stack))
        return keras.Model(given, stack(given)), stock

    @pytest.mark.parametrize("bidirectional", ["never", "first"])
    def test_equals_stock_layers_until_it_is_reset(self, bidirectional):
        ours, stock = self.models(bidirectional)
        parts = np.split(features([9, 9], 2, 9), 3, axis=1)
        found = [[model(part) for part in parts] for model in (ours, stock)]
        np.testing.assert_allclose(*found, atol=1e-6)
        ours.layers[-1].reset_state()
        np.testing.assert_allclose(ours(parts[0]), found[0][0], atol=1e-6)
        assert np.abs(found[0][0] - ours(parts[0])).max() > 1e-3

    def test_in_training_and_in_a_file_as_stock_layers(self, tmp_path):
        ours, stock = self.models("never")
        for model in (ours, stock):
            model.compile("sgd", "mse")
            model.fit(features([3] * 4, 2, 3), np.ones((4, 3)), batch_size=2, shuffle=False, verbose=0)
        for mine, theirs in zip(ours.get_weights(), stock.get_weights(), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)
        ours.save(tmp_path / "stateful.keras")
        again = keras.models.load_model(tmp_path / "stateful.keras")
        ours.layers[-1].reset_state()  # a file holds weights; Keras' own layers start from zeros too
        part = features([3, 3], 2, 3)
        for _ in range(2):
            np.testing.assert_allclose(again(part), ours(part), atol=1e-6)

    def test_a_given_state_is_taken_and_goes_on(self):
        stack = StackedLSTM([3], return_state=True, stateful=True)
        _, state = stack(features([4, 4], 2, 4))
        stack.reset_state()
        first, _ = stack(features([4, 4], 2, 4), initial_state=state)
        second, _ = stack(features([4, 4], 2, 4))
        free = StackedLSTM([3], return_state=True)
        free.build((2, 4, 2))
        free.set_weights(stack.get_weights())
        expected, state = free(features([4, 4], 2, 4), initial_state=state)
        np.testing.assert_allclose(first, expected, atol=1e-6)
        np.testing.assert_allclose(second, free(features([4, 4], 2, 4), initial_state=state)[0], atol=1e-6)

    def test_needs_a_fixed_batch_as_stock_layers(self):
        with pytest.raises(ValueError, match="the batch size must be static"):
            StackedLSTM([4], stateful=True)(keras.Input((None, 2)))
        stack = StackedLSTM([4], stateful=True)
        stack(features([3, 3], 2, 3))
        with pytest.raises(ValueError, match=r"Expected batch size: 2\n- Received batch size: 1"):
            stack(features([3], 2, 3))


class TestOptionsOfWeights:
    """Initializers, regularizers and constraints, given once for all layers."""

    OPTIONS = {  # noqa: RUF012
        "kernel_regularizer": "l2",
        "recurrent_regularizer": keras.regularizers.L1(0.1),
        "bias_regularizer": "l1",
        "activity_regularizer": keras.regularizers.L2(0.3),
        "kernel_constraint": keras.constraints.MaxNorm(0.5),
        "bias_constraint": "non_neg",
    }

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("bidirectional", "whole"), quick([("first", False), ("first", True), ("never", False), ("never", True)])
    )
    def test_losses_and_a_step_of_training_equal_those_of_stock_layers(self, bidirectional, whole):
        stack = StackedLSTM([4, 3], bidirectional, return_sequences=whole, **self.OPTIONS)
        inputs = features([5, 5], 2)
        stack.build(inputs.shape)
        stack.set_weights([weight + 0.1 for weight in stack.get_weights()])
        models = [keras.Sequential([stack]), keras.Sequential(stock_options(stack, self.OPTIONS))]
        models[1].build(inputs.shape)
        models[1].set_weights(by_layer(stack))
        sums = []
        for model in models:
            outputs = model(inputs)
            sums.append(sum(map(float, model.losses)))
            model.compile("sgd", "mse")
            model.fit(inputs, np.ones(outputs.shape), verbose=0)
        np.testing.assert_allclose(*sums, rtol=1e-5)
        for mine, theirs in zip(by_layer(stack), models[1].get_weights(), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-5)

    @pytest.mark.parametrize("cell", ["lstm", "gru", "layer_norm_lstm"])
    def test_initializers_reach_every_layer_and_stay_apart(self, cell):
        uniform = keras.initializers.RandomUniform(0.2, 0.3)
        stack = StackedRNN(
            [4, 4, 4], cell, kernel_initializer=uniform, recurrent_initializer="ones", bias_initializer=uniform
        )
        stack.build((None, None, 4))
        kernels = [layer.cell.kernel.numpy() for layer in stack.forward_layers]
        assert all(0.2 <= kernel.min() < kernel.max() <= 0.3 for kernel in kernels)
        assert (kernels[0] != kernels[1]).any()
        for layer in stack.forward_layers:
            np.testing.assert_array_equal(layer.cell.recurrent_kernel, 1)
            for weight in layer.weights:
                if "bias" in weight.name:  # a forget gate starts open all the same
                    values = weight.numpy().ravel()
                    assert (((values >= 0.2) & (values <= 0.3)) | (values == 1)).all()
                    assert (values == 1).sum() == (4 if "lstm" in cell and len(values) == 16 else 0)

    @pytest.mark.parametrize("layer", [StackedLSTM([4, 3], **OPTIONS, seed=3), RNN(4, "peephole_lstm", **OPTIONS)])
    def test_come_back_from_a_configuration(self, layer):
        config = json.loads(json.dumps(layer.get_config()))
        again = type(layer).from_config(config)
        assert again.get_config() == layer.get_config()
        layer.build((2, 3, 4))
        again.build((2, 3, 4))
        again.set_weights(layer.get_weights())
        np.testing.assert_array_equal(again(np.ones((2, 3, 4))), layer(np.ones((2, 3, 4))))
        np.testing.assert_allclose(sum(again.losses), sum(layer.losses), rtol=1e-6)
        assert len(layer.losses) > 3

    @pytest.mark.parametrize("dropout", [{"dropout": 0.5}, {"recurrent_dropout": 0.5}])
    def test_a_seed_decides_what_is_dropped(self, dropout):
        inputs, stacks = features([5], 2), [StackedLSTM([4, 4], seed=seed, **dropout) for seed in (1, 1, 2)]
        for stack in stacks:
            stack.build(inputs.shape)
            stack.set_weights(stacks[0].get_weights())
        first, same, other = (stack(inputs, training=True) for stack in stacks)
        np.testing.assert_array_equal(first, same)
        assert np.abs(first - other).max() > 1e-4


def test_refuses_residual_between_unequal_widths():
    with pytest.raises(ValueError, match="layer 1 with input width=4, output width=3"):
        StackedLSTM([4, 3], residual_from=1).build((None, None, 4))


def test_refuses_inputs_without_features():
    with pytest.raises(ValueError, match="A sequence of numbers needs a last axis of size 1"):
        StackedLSTM([4])(np.ones((2, 3), "float32"))


def test_refuses_a_state_that_does_not_fit():
    _, state = StackedLSTM([4, 4], return_state=True)(features([5], 2))
    with pytest.raises(
        ValueError, match=r"Expected widths per layer and direction: \[\[4\], \[3\]\]. Received: \[\[4\], \[4\]\]"
    ):
        StackedLSTM([4, 3])(features([5], 2), initial_state=state)


HIDDEN = np.ones((2, 4), "float32")  # as many rows as an LSTM has parts


@pytest.mark.parametrize("state", [HIDDEN, [HIDDEN, HIDDEN], [[HIDDEN, HIDDEN]], [None], [[([[1.0] * 4] * 2,) * 2]]])
@pytest.mark.parametrize(("cell", "form"), [("lstm", r"\[\[\(hidden, cell\)\]\]"), ("gru", r"\[\[\(hidden,\)\]\]")])
def test_refuses_a_state_that_is_not_nested(cell, form, state):
    with pytest.raises(
        ValueError, match=rf"An initial state is nested: .* Write {form} for one layer in one direction"
    ):
        StackedRNN([4], cell, "all")(features([5, 5], 3), initial_state=state)


def test_a_state_that_is_not_nested_is_told_as_it_came():
    with pytest.raises(ValueError, match=r"Received: \[tensor\(2, 4\), tensor\(2, 4\)\]\."):
        StackedLSTM([4])(features([5, 5], 3), initial_state=[HIDDEN, HIDDEN])
    with pytest.raises(ValueError, match=r"Received: \[\[tensor\(None, 4\)\]\]\."):
        StackedLSTM([4])(keras.Input((None, 3)), initial_state=[[keras.Input((4,))]])


def test_refuses_steps_of_a_bidirectional_stack():
    with pytest.raises(ValueError, match="its backward direction starts at the end"):
        StackedLSTM([4], "all").step(np.ones((1, 2)), ())
