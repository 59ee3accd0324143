"""The loop over whole sequences against a plain one that TensorFlow differentiates, for our cells and another."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import StackedRNN
from seq2seq.layers.cells import CELLS
from seq2seq.layers.recurrence import recurrence, recurrence_graph
from seq2seq.layers.rnn import RNN
from tests.layers.recurrent import MASK, MinimalCell, assert_close, built, packed, sequences, values_and_gradients
from tests.marks import quick

EVERY_CELL = [*(cell() for cell in CELLS.values()), MinimalCell()]
every_cell = pytest.mark.parametrize("cell", EVERY_CELL, ids=lambda cell: cell.name)


def plain(cell, inputs, mask, state, weights, recurrent_mask):
    """What `recurrence` does, by `Cell.step`."""
    state, weights = cell.State(*state), cell.prepare(weights, recurrent_mask)
    outputs = []
    for time in range(inputs.shape[1]):
        after = cell.step(inputs[:, time], state, weights)
        keep = mask[:, time, tf.newaxis]
        state = cell.State(*(tf.where(keep, new, old) for new, old in zip(after, state, strict=True)))
        outputs.append(state.hidden)
    return tf.stack(outputs, axis=1), state


def outcome(cell, run, recurrent_mask=None):
    """What a loop over masked sequences gives, and the gradients of inputs, initial state and weights."""
    (layer,) = built(RNN(4, cell, dtype="float64"))
    parts = len(cell.part_names)
    inputs, state = sequences(4, parts)

    def whole(inputs, *others):
        state, weights = others[:parts], packed(cell, others[parts:])
        return run(inputs, tf.constant(MASK), state, weights, recurrent_mask)

    return values_and_gradients(whole, [inputs, *state, *layer.get_weights()])


@every_cell
def test_values_and_gradients_equal_those_of_a_plain_loop(cell):
    ours = outcome(cell, recurrence_graph(cell, tf.float64, True, False))
    assert_close(ours, outcome(cell, partial(plain, cell)), atol=1e-11)


@pytest.mark.parametrize("cell", quick(EVERY_CELL, EVERY_CELL[0], EVERY_CELL[-1]), ids=lambda cell: cell.name)
def test_equals_a_plain_loop_in_a_graph_with_recurrent_dropout(cell):
    kept = tf.constant(2 * np.random.default_rng(2).integers(0, 2, [len(MASK), 4]).astype("float64"))
    ours = outcome(cell, tf.function(partial(recurrence, cell), autograph=False), kept)
    assert_close(ours, outcome(cell, partial(plain, cell), kept), atol=1e-11)


@every_cell
def test_one_unit_and_one_row_have_shapes_of_their_own(cell):
    """Where shapes are known, those inside the loops agree with them, though a width of one broadcasts."""
    layer = RNN(1, cell)
    layer.build((None, None, 3))

    def gradients(inputs):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(inputs))
        return tape.gradient(total, layer.trainable_variables)

    traced = tf.function(gradients, autograph=False).get_concrete_function(tf.TensorSpec([1, 2, 3]))
    for gradient, weight in zip(traced.structured_outputs, layer.trainable_variables, strict=True):
        assert gradient.shape.is_compatible_with(weight.shape)


def test_a_cell_of_ones_own_makes_a_stack():
    stack = StackedRNN([3, 2], MinimalCell(0.5), bidirectional="first", return_sequences=True, return_state=True)
    inputs, _ = sequences(3, 0, dtype="float32")
    outputs, state = stack(inputs, mask=np.sort(MASK)[:, ::-1])
    assert outputs.shape == (5, 5, 2)
    assert [[type(direction).__name__ for direction in layer] for layer in state] == [
        ["MinimalState"] * 2,
        ["MinimalState"],
    ]
    again = StackedRNN.from_config(stack.get_config())
    assert again.cell == MinimalCell(0.5) != MinimalCell()
