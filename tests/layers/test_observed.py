"""What is observed step by step is what the fast loop computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import CELLS, StackedRNN, observe
from tests.layers.recurrent import MASK, MinimalCell, random
from tests.marks import quick

REAL = MASK[[0, 4]]  # padding on the right, and none


def stack_of(cell, dtype="float64", **options) -> StackedRNN:
    keras.utils.set_random_seed(1)
    stack = StackedRNN([4, 4], cell, return_sequences=True, return_state=True, dtype=dtype, **options)
    stack.build((None, None, 3))
    weights = random(*(weight.shape for weight in stack.get_weights()), seed=1)
    stack.set_weights([0.7 * weight for weight in weights])
    return stack


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "options", quick([{}, {"bidirectional": "first"}, {"bidirectional": "all", "residual_from": 1}], {}), ids=str
)
@pytest.mark.parametrize("dtype", quick(["float32", "float64"]))
def test_the_outputs_are_those_of_the_stack(cell: str, options: dict, dtype: str) -> None:
    stack = stack_of(cell, dtype, **options)
    inputs, *state = random((2, 5, 3), *[(2, 4)] * 8, dtype=dtype)
    parts = len(stack.cell.part_names)
    initial = stack.named([[state[:parts], state[parts : 2 * parts]][: len(each)] for each in stack.state_units])
    outputs, _ = stack(inputs, initial_state=initial, mask=REAL)
    seen = observe(stack, inputs, initial, tf.constant(REAL))
    top = seen[1].outputs + (seen[0].outputs if stack.has_residual(1) else 0)
    np.testing.assert_allclose(top[tf.constant(REAL)], outputs[tf.constant(REAL)], atol=1e-5)
    for layer in seen:
        assert set(layer.gates) == set(stack.cell.kept_gates)
        for gate in layer.gates.values():
            assert gate.shape == layer.outputs.shape and 0 < np.min(gate) < np.max(gate) < 1


@pytest.mark.parametrize("cell", ["lstm", "layer_norm_lstm", "coupled_lstm"])
def test_what_remembers_is_the_gate_by_which_the_memory_fades(cell: str) -> None:
    stack = stack_of(cell)
    weights = stack.forward_layers[0].prepare("float64")
    hidden = np.full((1, 4), 0.5)
    (much, gates), (little, _) = (
        stack.cell.watched_step(tf.zeros([1, 3], tf.float64), stack.cell.State(hidden, memory * hidden), weights)
        for memory in (2, 1)
    )
    np.testing.assert_allclose(much.cell - little.cell, gates[stack.cell.remembering] * hidden, atol=1e-9)


def test_the_gate_of_a_gru_that_remembers_is_the_one_between_old_and_new() -> None:
    stack = stack_of("gru")
    before = np.full((1, 4), 1.0)
    weights = stack.forward_layers[0].prepare("float64")
    after, gates = stack.cell.watched_step(tf.zeros([1, 3], tf.float64), stack.cell.State(before), weights)
    kept = gates["update"].numpy()
    assert stack.cell.remembering == "update" and np.all(np.abs(after.hidden - kept * before) <= 1 - kept)


def test_a_cell_of_ones_own_without_named_gates_has_none_to_show() -> None:
    stack = stack_of(MinimalCell())
    seen = observe(stack, random((2, 5, 3))[0])
    assert [layer.gates for layer in seen] == [{}, {}]


def test_half_precision_stays_close() -> None:
    stack = stack_of("lstm", "mixed_bfloat16")
    inputs = random((2, 5, 3), dtype="float32")[0]
    outputs, _ = stack(inputs, mask=REAL)
    seen = observe(stack, inputs, mask=tf.constant(REAL))[1].outputs
    np.testing.assert_allclose(tf.cast(seen, tf.float32)[REAL], tf.cast(outputs, tf.float32)[REAL], atol=0.02)
