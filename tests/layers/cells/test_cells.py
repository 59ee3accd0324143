"""Every cell against NumPy and finite differences, in the loop and step by step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers.cells import CELLS, Cell, cell_config, cell_named
from seq2seq.layers.recurrence import recurrence_graph
from seq2seq.layers.rnn import RNN
from tests import reference
from tests.layers.recurrent import (
    MASK,
    MinimalCell,
    assert_close,
    built,
    loss,
    packed,
    random,
    sequences,
    values_and_gradients,
)

UNITS, FEATURES = 4, 3
every_cell = pytest.mark.parametrize("name", CELLS)


def layer_of(name, dtype="float64", **options):
    (layer,) = built(RNN(UNITS, name, return_sequences=True, return_state=True, dtype=dtype, **options))
    return layer


def sources_of(name):
    """All that has a gradient: inputs, initial state, weights."""
    layer = layer_of(name)
    inputs, state = sequences(UNITS, len(layer.arithmetic.part_names))
    return [inputs, *state, *layer.get_weights()]


def own_loop(cell):
    run = recurrence_graph(cell, tf.float64, True, False)

    def whole(inputs, *others):
        parts = len(cell.part_names)
        return run(inputs, tf.constant(MASK), others[:parts], packed(cell, others[parts:]), None)

    return whole


@every_cell
def test_equals_the_equations(name):
    layer = layer_of(name)
    inputs, state = sequences(UNITS, len(layer.arithmetic.part_names))
    outputs, *end = layer(inputs, initial_state=state, mask=MASK)
    step = getattr(reference, name)
    expected, *expected_end = reference.recurrent(step, inputs, MASK, state, *layer.get_weights())
    assert_close([np.asarray(outputs)[MASK], *end], [expected[MASK], *expected_end], atol=1e-12)


@every_cell
def test_gradients_equal_finite_differences(name):
    run, sources = own_loop(cell_named(name)), list(map(tf.constant, sources_of(name)))
    gradients = values_and_gradients(run, sources)[-len(sources) :]
    for place, (source, gradient) in enumerate(zip(sources, gradients, strict=True)):
        (direction,) = random(source.shape, seed=3)
        ahead, behind = (
            loss(run(*sources[:place], source + step * direction, *sources[place + 1 :])) for step in (1e-5, -1e-5)
        )
        np.testing.assert_allclose(np.sum(gradient * direction), (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-7)


@every_cell
def test_one_step_equals_the_sequence(name):
    layer = layer_of(name)
    inputs, state = sequences(UNITS, len(layer.arithmetic.part_names))
    outputs, *end = layer(inputs, initial_state=state)
    weights = layer.prepare("float64")
    for time in range(inputs.shape[1]):
        state = layer.step(inputs[:, time], state, weights if time else None)
        np.testing.assert_allclose(state.hidden, outputs[:, time], atol=1e-12)
    assert_close(state, end, atol=1e-12)


@every_cell
def test_a_part_of_the_inputs_may_have_met_its_kernel_before(name):
    layer, cell = layer_of(name), cell_named(name)
    inputs, state = sequences(UNITS, len(cell.part_names))
    weights, rest = layer.weights_of("float64"), inputs[:, 0, 1:]
    of_first, of_rest = tf.split(weights.kernel, [1, FEATURES - 1])
    projected = tf.split(inputs[:, 0, :1] @ of_first, cell.parts, axis=1)
    cut = cell.prepare(weights._replace(kernel=of_rest))
    expected = layer.step(inputs[:, 0], state)
    assert_close(layer.step(rest, state, cut, projected), expected, atol=1e-12)


class TestRecurrentDropout:
    @every_cell
    def test_is_one_mask_for_a_sequence(self, name, monkeypatch):
        layer = layer_of(name, recurrent_dropout=0.5)
        inputs, state = sequences(UNITS, len(layer.arithmetic.part_names))
        kept = np.array([[2, 0, 2, 0], [0, 0, 0, 0], [2, 2, 0, 0], [0, 2, 0, 2], [0, 0, 2, 2]], "float64")
        monkeypatch.setattr(layer, "recurrent_mask", lambda hidden: tf.constant(kept, hidden.dtype))
        outputs, *end = layer(inputs, initial_state=state, mask=MASK, training=True)
        for row, mask in enumerate(kept):
            one = [array[row : row + 1] for array in (inputs, MASK, *state)]
            step = getattr(reference, name)
            expected, *expected_end = reference.recurrent(step, *one[:2], one[2:], *layer.get_weights(), kept=mask)
            ours = np.asarray(outputs)[row : row + 1], *(part[row : row + 1] for part in end)
            assert_close([ours[0][one[1]], *ours[1:]], [expected[one[1]], *expected_end], atol=1e-12)

    @every_cell
    def test_is_for_training_only(self, name):
        layer, without = built(*(RNN(UNITS, name, rate, dtype="float64") for rate in (0.5, 0.0)))
        inputs, _ = sequences(UNITS, 1)
        expected = without(inputs, mask=MASK, training=True)
        np.testing.assert_array_equal(layer(inputs, mask=MASK), expected)
        assert np.abs(layer(inputs, mask=MASK, training=True) - expected).max() > 1e-3


class TestHalfPrecision:
    @every_cell
    def test_stays_close(self, name):
        layer = layer_of(name, "mixed_bfloat16")
        layer.set_weights([0.5 * weight for weight in layer.get_weights()])
        inputs, state = sequences(UNITS, len(layer.arithmetic.part_names))
        outputs, *end = layer(inputs, initial_state=state, mask=MASK)
        assert {part.dtype for part in (outputs, *end)} == {tf.bfloat16}
        expected, *expected_end = reference.recurrent(
            getattr(reference, name), inputs, MASK, state, *layer.get_weights()
        )
        ours = [np.asarray(part, "float32") for part in (outputs, *end)]
        assert_close([ours[0][MASK], *ours[1:]], [expected[MASK], *expected_end], atol=0.05)

    @pytest.mark.parametrize(
        ("name", "bias", "expected"),
        [
            ("lstm", [20, 20, 0.002, 20], 2000 * np.tanh(0.002)),
            ("peephole_lstm", [20, 20, 0.002, 20], 2000 * np.tanh(0.002)),
            ("layer_norm_lstm", [20, 20, 0.002, 20], 2000 * np.tanh(0.002)),
            ("coupled_lstm", [8, 20, 20], 1 - reference.sigmoid(8) ** 2000),
        ],
    )
    def test_does_not_round_the_cell_state(self, name, bias, expected):
        """Over 2,000 steps that each add a little, a cell state in bfloat16 would stop growing."""
        layer = RNN(1, name, return_state=True, dtype="mixed_bfloat16")
        layer.build((None, None, 1))
        for weight in layer.weights:
            weight.assign(np.array(bias) if weight.name == "bias" else np.zeros(weight.shape))
        _, _, cell = layer(np.zeros((1, 2000, 1), "float32"))
        np.testing.assert_allclose(np.asarray(cell, "float32"), [[expected]], rtol=0.01)

    def test_does_not_round_the_vectors(self):
        layer = RNN(1, "peephole_lstm", dtype="mixed_bfloat16")
        layer.build((None, None, 1))
        layer.cell.vectors[0].assign([1.001])
        np.testing.assert_allclose(layer.weights_of(tf.bfloat16).vectors[0], [1.001], rtol=1e-6)

    @every_cell
    def test_a_step_keeps_the_types_of_the_state(self, name):
        cell = cell_named(name)
        weights = RNN(UNITS, name)
        weights.build((None, None, FEATURES))
        types = [tf.bfloat16] + [tf.float32] * (len(cell.part_names) - 1)
        state = cell.State(*(tf.zeros([2, UNITS], dtype) for dtype in types))
        after = cell.step(tf.ones([2, FEATURES], tf.bfloat16), state, weights.prepare(tf.bfloat16))
        assert [part.dtype for part in after] == types


class TestStart:
    @pytest.mark.parametrize(
        ("name", "bias"),
        [
            ("lstm", [0, 1, 0, 0]),
            ("peephole_lstm", [0, 1, 0, 0]),
            ("layer_norm_lstm", [0, 1, 0, 0]),
            ("coupled_lstm", [1, 0, 0]),
            ("gru", [0, 0, 0]),
            ("simple_rnn", [0]),
        ],
    )
    def test_forget_gates_start_open(self, name, bias):
        layer = RNN(2, name)
        layer.build((None, None, 3))
        (start,) = (weight for weight in layer.weights if weight.name == "bias")
        np.testing.assert_array_equal(start, np.repeat(bias, 2))

    def test_closed_peepholes_are_the_lstm(self):
        inputs, _ = sequences(2, 1)
        plain, peeping = RNN(2, "lstm", dtype="float64"), RNN(2, "peephole_lstm", dtype="float64")
        for layer in (plain, peeping):
            layer.build((None, None, 3))
        for weight, same in zip(peeping.weights, plain.weights, strict=False):
            weight.assign(same)
        np.testing.assert_allclose(peeping(inputs), plain(inputs), atol=1e-12)

    def test_layer_normalisation_does_not_see_the_scale_of_its_kernels(self):
        layer = layer_of("layer_norm_lstm")
        inputs, _ = sequences(UNITS, 1)
        before = layer(inputs)[0]
        kernel, recurrent_kernel, *vectors = layer.get_weights()
        layer.set_weights([100 * kernel, 100 * recurrent_kernel + 3, *vectors])
        np.testing.assert_allclose(layer(inputs)[0], before, atol=1e-4)


class TestNames:
    @every_cell
    def test_a_name_makes_a_cell_that_gives_the_name(self, name):
        cell = cell_named(name)
        assert (cell.name, cell_config(cell)) == (name, name)
        assert cell == cell_named(name) == cell_named(keras.saving.serialize_keras_object(cell)) == cell_named(cell)

    def test_equal_cells_share_a_graph(self):
        graphs = {recurrence_graph(cell_named(name), tf.float32, False, False) for name in ("lstm", "lstm", "gru")}
        assert len(graphs) == 2

    def test_an_unknown_name_is_answered_with_the_nearest(self):
        with pytest.raises(ValueError, match=r"cell is one of: .*Received: cell='lstn'\. Did you mean 'lstm'\?"):
            cell_named("lstn")

    @pytest.mark.parametrize("wrong", [None, 4, CELLS["lstm"]])
    def test_what_is_no_cell_is_refused(self, wrong):
        with pytest.raises(ValueError, match=r"cell is a name, one of .*, or a Cell\. Received: cell="):
            cell_named(wrong)

    def test_an_unfinished_cell_is_refused(self):
        methods = {"forward": lambda *_: None, "backward": lambda *_: None, "name": "half", "gates": 1, "parts": 1}
        half = type("Half", (Cell,), methods)()
        with pytest.raises(ValueError, match=r"A cell says name, .*Received: Half, without title, State, saved\. Add"):
            cell_named(half)

    @pytest.mark.parametrize("saved", [3, 5])
    def test_a_cell_that_keeps_another_number_of_tensors_is_refused(self, saved):
        wrong = type("Wrong", (MinimalCell,), {"saved": saved})()
        with pytest.raises(ValueError, match=rf"Received: Wrong with saved={saved}, and 4 kept\. Make them equal\."):
            RNN(2, wrong)(tf.ones([1, 1, 2]))
