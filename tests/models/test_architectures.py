"""Architectures by paper name."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from seq2seq.models.architectures import (
    ARCHITECTURES,
    DEPARTURES,
    bahdanau2014,
    departures,
    gnmt2016,
    luong2015,
    sutskever2014,
)
from seq2seq.models.build import build_model
from seq2seq.models.settings import AttentionSettings, BridgeSettings, ModelSettings
from tests.marks import quick


@pytest.mark.parametrize("name", quick(ARCHITECTURES, "bahdanau2014", "luong2015"))
def test_builds_tells_and_trains_a_step(name):
    settings = ARCHITECTURES[name](0.01)
    assert settings == ARCHITECTURES[name](width=0.01) and (settings.architecture, settings.width) == (name, 0.01)
    assert departures(settings) == "\n  - ".join([f"{name} departs from its paper:", *DEPARTURES[name]])
    model = build_model(settings, 20, 30)
    model.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    source, target = np.array([[5, 6, 2], [7, 2, 0]]), np.array([[1, 8], [1, 9]])
    logs = model.train_on_batch({"source": source, "target_in": target}, np.array([[8, 2], [9, 2]]), return_dict=True)
    assert np.isfinite(logs["loss"])


def test_width_is_a_factor():
    assert build_model(sutskever2014(0.05), 20, 30).decoder.units == [50] * 4


def test_refuses_no_width():
    with pytest.raises(ValueError, match=r"above 0. Received: width=0"):
        sutskever2014(0)


@pytest.mark.parametrize("sides", [{"cell": "gru"}, {"encoder": "gru", "decoder": "gru"}])
def test_what_the_paper_has_is_no_departure(sides):
    settings = bahdanau2014(0.1)
    for name, cell in sides.items():
        changed = cell if name == "cell" else replace(getattr(settings, name), cell=cell)
        settings = replace(settings, **{name: changed})
    told = departures(settings)
    assert "LSTM" not in told and "gru" not in told and "a tanh layer before the logits" in told
    assert 'set otherwise here: model.cell="gru"' in departures(replace(sutskever2014(0.1), cell="gru"))
    assert "LSTM layers" in departures(replace(bahdanau2014(0.1), dropout=0.1))


def test_of_what_is_set_otherwise_nothing_else_is_told():
    for start in (bahdanau2014, luong2015, gnmt2016):
        without = replace(start(0.1), attention=AttentionSettings("none"))
        told = departures(without).split("set otherwise here")
        assert "attend" not in told[0] and "attention" not in told[0] and "next step" not in told[0]
        assert 'model.attention.kind="none"' in told[1]
    passed = replace(gnmt2016(0.1), bridge=BridgeSettings(mode="mean"))
    assert "layer by layer" not in departures(passed) and "layer by layer" in departures(gnmt2016(0.1))


def test_what_is_changed_is_told_with_the_departures():
    changed = replace(sutskever2014(0.5), dropout=0.1, attention=AttentionSettings("dot"))
    told = departures(changed)
    assert told.startswith(departures(sutskever2014(0.5)))
    assert told.endswith('\n  - set otherwise here: model.dropout=0.1, model.attention.kind="dot"')
    assert departures(ModelSettings()) == ""
