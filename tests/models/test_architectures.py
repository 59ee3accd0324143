"""Architectures by paper name."""

import keras
import numpy as np
import pytest

from seq2seq.models.architectures import ARCHITECTURES, sutskever2014


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_builds_tells_and_trains_a_step(name, capsys):
    model = ARCHITECTURES[name](20, 30, 0.01)
    told = capsys.readouterr().err
    assert told.startswith(f"{name} departs from its paper:\n  - ")
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    source, target = np.array([[5, 6, 2], [7, 2, 0]]), np.array([[1, 8], [1, 9]])
    logs = model.train_on_batch({"source": source, "target_in": target}, np.array([[8, 2], [9, 2]]), return_dict=True)
    assert np.isfinite(logs["loss"])


def test_width_is_a_factor():
    assert sutskever2014(20, 30, 0.05).decoder.units == [50] * 4


def test_refuses_no_width():
    with pytest.raises(ValueError, match=r"above 0. Received: width=0"):
        sutskever2014(20, 30, 0)
