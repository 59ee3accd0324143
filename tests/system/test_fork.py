import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge
from seq2seq.system import fork

GOLDEN = Path(__file__).parents[1] / "golden" / "format-2.s2s"
FORKED = """
import multiprocessing
import sys

import seq2seq
from seq2seq.models import Seq2Seq  # TensorFlow is imported, and not used yet

def loads_and_translates():
    return seq2seq.load(sys.argv[1]).translate(["zwei"])

def translates():
    return translator.translate(["zwei"])

def scores():
    return translator.score(["zwei"], ["two"])

def in_a_child(call):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        try:
            return pool.apply_async(call).get(100)
        except RuntimeError as error:
            return str(error)

found = in_a_child(loads_and_translates)
translator = seq2seq.load(sys.argv[1])
assert found == translates()
assert "Load or build models in the child alone" in in_a_child(translates)
assert "Load or build models in the child alone" in in_a_child(scores)
assert "Load or build models in the child alone" in in_a_child(loads_and_translates)
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
    inputs, target_out = {"source": [[5, 2]], "target_in": [[1, 5]]}, [[5, 2]]
    monkeypatch.setattr(fork, "_first", -1)
    for use in (
        model.compile,
        lambda: model.decode([[5, 2]]),
        lambda: model.score(inputs, target_out),
        lambda: model.attention_weights(inputs),
    ):
        with pytest.raises(RuntimeError, match="A forked process cannot use TensorFlow"):
            use()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_forked_children_work_or_refuse() -> None:
    command = [sys.executable, "-c", FORKED, str(GOLDEN)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
