"""The encoder: reading directions, padding, refusals."""

import keras
import numpy as np
import pytest

from seq2seq.models import Encoder

SOURCE = np.array([[5, 6, 7, 2], [8, 2, 0, 0]])


def flat(state):
    return [part for layer in state for direction in layer for part in direction]


def test_reversed_reading_keeps_the_end_last_and_the_memory_in_source_order():
    plain, turned = Encoder(10, 3, [4, 4]), Encoder(10, 3, [4, 4], reverse=True)
    plain.build()
    turned.build()
    turned.set_weights(plain.get_weights())
    by_hand = plain(np.array([[7, 6, 5, 2], [8, 2, 0, 0]]))
    encoded = turned(SOURCE)
    np.testing.assert_allclose(np.asarray(encoded.memory)[0, [2, 1, 0, 3]], by_hand.memory[0], atol=1e-6)
    np.testing.assert_array_equal(encoded.mask, SOURCE != 0)
    for part, expected in zip(flat(encoded.state), flat(by_hand.state), strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"reverse": True}, {"bidirectional": "first"}, {"bidirectional": "all"}])
def test_padding_changes_nothing(options):
    encoder = Encoder(10, 3, [4, 4], **options)
    encoded = encoder(np.pad(SOURCE, [(0, 0), (0, 2)]))
    for row, length in enumerate([4, 2]):
        alone = encoder(SOURCE[row : row + 1, :length])
        np.testing.assert_allclose(encoded.memory[row, :length], alone.memory[0], atol=1e-6)
        for part, expected in zip(flat(encoded.state), flat(alone.state), strict=True):
            np.testing.assert_allclose(part[row], expected[0], atol=1e-6)


def test_widths_are_known_before_an_input():
    encoder = Encoder(10, 3, [4, 5], bidirectional=[True, False])
    assert encoder.state_units == [(4, 4), (5,)]
    assert encoder.memory_units == 5


def test_one_flag_speaks_for_all_layers():
    assert Encoder(10, 3, [4, 4], bidirectional=True).state_units == [(4, 4), (4, 4)]


def test_says_what_an_input_of_a_model_needs():
    with pytest.raises(ValueError, match=r'dtype float32\. Write .*, or dtype="int32" in a keras\.Input'):
        Encoder(10, 3, [4])(keras.Input((None,)))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.array([[5.0, 2.0]]), r'Received: shape \(1, 2\), dtype float32\. Write source\.astype\("int32"\)'),
        (np.eye(10, dtype="float32")[[[5, 2]]], r"Received: shape \(1, 2, 10\).*no vectors of 0 and 1"),
        (np.array([5, 2]), r"Received: shape \(2,\), dtype int.*a row of ids for each sentence"),
    ],
)
def test_refuses_what_are_no_ids(source, message):
    with pytest.raises(ValueError, match=message):
        Encoder(10, 3, [4])(source)


def test_refuses_reversed_and_bidirectional():
    with pytest.raises(ValueError, match=r"Received: reverse=True, bidirectional='first'\. Use one of the two"):
        Encoder(10, 3, [4], bidirectional="first", reverse=True)
