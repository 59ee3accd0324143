"""A run that is looked into goes the same way, and its log says what was seen."""

import json
from pathlib import Path

import numpy as np
import pytest

from seq2seq.distribution.devices import Devices
from seq2seq.models.signs import Signs
from seq2seq.training.fit import train
from tests.training.conftest import make_batches, make_model, split


def signs_of(folder: Path) -> list[dict]:
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [event for event in events if event["event"] == "signs"]


def trained(folder: Path, every: int) -> list[np.ndarray]:
    model = make_model()
    settings, others = split({"diagnose_every": every})
    train(model, make_batches(), settings, folder=folder, **others)
    return model.get_weights()


@pytest.mark.slow
def test_looks_stand_in_the_log(tmp_path: Path) -> None:
    trained(tmp_path, 3)
    found = signs_of(tmp_path)
    assert [event["update"] for event in found] == [3, 6]
    for event in found:
        signs = Signs.from_table({name: event[name] for name in Signs.__dataclass_fields__})
        assert signs.updates == event["update"] and signs.leaks is None
        assert all(part.update and part.gradient for part in signs.parts)


@pytest.mark.slow
def test_looks_change_nothing(tmp_path: Path) -> None:
    for plain, looked_into in zip(trained(tmp_path / "plain", 0), trained(tmp_path / "looks", 3), strict=True):
        np.testing.assert_array_equal(plain, looked_into)
    assert signs_of(tmp_path / "plain") == []


def test_several_devices_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Devices, "replicas", 2)
    settings, others = split({"diagnose_every": 3})
    with pytest.raises(ValueError, match=r"on one device\. Received: diagnose_every=3, 2 devices\."):
        train(make_model(), make_batches(), settings, folder=tmp_path / "run", **others)
