import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge
from seq2seq.system import fork

GOLDEN = Path(__file__).parents[1] / "golden" / "format-2.s2s"
FORKED = """
import multiprocessing
import sys

import numpy as np

import seq2seq
from seq2seq.models import Seq2Seq  # TensorFlow is imported, and not used yet

def loads_and_translates():
    return seq2seq.load(sys.argv[1]).translate(["zwei"])

def translates():
    return translator.translate(["zwei"])

def scores():
    return translator.score(["zwei"], ["two"])

def fits():
    translator.model.fit(inputs, targets, verbose=0)

def predicts():
    translator.model.predict(inputs, verbose=0)

def calls():
    translator.model(inputs)

def in_a_child(call):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        try:
            return pool.apply_async(call).get(100)
        except RuntimeError as error:
            return str(error)

found = in_a_child(loads_and_translates)
translator = seq2seq.load(sys.argv[1])
assert found == translates()
translator.model.compile("sgd")
targets = np.full((4, 3), 2)
inputs = {"source": targets, "target_in": targets}
fits(), predicts(), calls()
for use in (translates, scores, loads_and_translates, fits, predicts, calls):
    assert "Load or build models in the child alone" in in_a_child(use)
"""


def test_a_child_does_not_use_what_its_parent_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork, "_first", None)
    fork.need_own_threads()
    fork.need_own_threads()
    own = fork.os.getpid()
    monkeypatch.setattr(fork.os, "getpid", lambda: own + 1)
    with pytest.raises(RuntimeError, match=rf"Received: process {own + 1}, with .* process {own}\. Load or build"):
        fork.need_own_threads()
    monkeypatch.setattr(fork, "_first", None)  # a parent that has only imported us
    fork.need_own_threads()


def test_no_use_of_a_model_waits_in_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Seq2Seq(Encoder(9, 4, [6]), StateBridge([6]), Decoder(9, 4, [6], "general"))
    inputs = {"source": np.array([[5, 2]]), "target_in": np.array([[1, 5]])}
    target_out = np.array([[5, 2]])
    model.compile("sgd")
    monkeypatch.setattr(fork, "_first", -1)
    for use in (
        model.compile,
        lambda: model.decode([[5, 2]]),
        lambda: model.score(inputs, target_out),
        lambda: model.attention_weights(inputs),
        lambda: model(inputs),
        lambda: model.fit(inputs, target_out),
        lambda: model.evaluate(inputs, target_out),
        lambda: model.predict(inputs),
        lambda: model.train_on_batch(inputs, target_out),
        lambda: model.test_on_batch(inputs, target_out),
        lambda: model.predict_on_batch(inputs),
    ):
        with pytest.raises(RuntimeError, match="A forked process cannot use TensorFlow"):
            use()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_forked_children_work_or_refuse() -> None:
    command = [sys.executable, "-c", FORKED, str(GOLDEN)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
