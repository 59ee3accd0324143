import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.search.top_k import BLOCK, best_of_row


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(0, 5),
    width=st.integers(1, 20 * BLOCK),
    count=st.integers(1, 9),
    kinds=st.sampled_from([1, 2, 5, 50, 10**6]),
)
def test_equals_a_stable_sort(seed, rows, width, count, kinds):
    # Few kinds of values make ties, within a block and between blocks; some are −inf.
    values = np.random.default_rng(seed).integers(kinds, size=(rows, width)).astype(np.float32)
    values[values == 0] = -np.inf
    best, places = best_of_row(tf.constant(values), count)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(places, expected)
    np.testing.assert_array_equal(best, np.take_along_axis(values, expected, axis=1))


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("kinds", [2, 10**6])
def test_a_width_that_is_not_known_when_tracing(kinds, count):
    search = tf.function(
        lambda values: best_of_row(values, count), autograph=False, input_signature=[tf.TensorSpec([None, None])]
    )
    for width in (1, 2, 5, BLOCK, BLOCK + 1, count * BLOCK - 1, count * BLOCK, 1000):
        values = np.random.default_rng(width).integers(kinds, size=(4, width)).astype(np.float32)
        values[values == 0] = -np.inf
        expected = np.argsort(-values, axis=1, kind="stable")[:, :count]
        best, places = search(values)
        np.testing.assert_array_equal(places, expected)
        np.testing.assert_array_equal(best, np.take_along_axis(values, expected, axis=1))
