import keras
import numpy as np
import tensorflow as tf

from seq2seq.distribution.replicas import expect_summed_gradients, local_copies, sum_gradients, sum_totals
from seq2seq.models.loss import Totals


def test_the_gradient_of_an_embedding_is_added_up_by_id():
    by_occurrence = tf.IndexedSlices(tf.ones([3, 2]), tf.constant([0, 0, 1]), tf.constant([4, 2]))
    dense, nothing = sum_gradients([by_occurrence, None])
    np.testing.assert_array_equal(dense, [[2, 2], [1, 1], [0, 0], [0, 0]])
    assert nothing is None
    # Keras takes the norm over occurrences where it is given those: √6 instead of √10.
    clipped = keras.optimizers.SGD(global_clipnorm=1.0)._clip_gradients([dense])[0]
    np.testing.assert_allclose(clipped, dense / np.sqrt(10), rtol=1e-6)


def test_one_device_needs_nothing():
    totals = Totals(*map(tf.constant, (1.0, 2.0, 3.0, 4.0)))
    assert sum_totals(totals) is totals
    optimizer = keras.optimizers.SGD()
    expect_summed_gradients(optimizer)
    assert "_all_reduce_sum_gradients" not in vars(optimizer)
    variable = keras.Variable([1.0, 2.0])
    (copy,) = local_copies(variable)
    assert copy is variable.value
