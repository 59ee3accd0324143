import subprocess
import sys

import pytest

from seq2seq.system.machine import matrix_product_rate, peak_gpu_memory


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_rate_is_that_of_some_round(precision):
    measured = matrix_product_rate(precision, seconds=0.0)
    assert 0 < measured.rate <= measured.best
    assert measured.size >= 2048 and measured.device in ("CPU", "GPU")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the system does not say")
def test_the_peak_grows_with_what_is_taken_and_stays():
    # In a process of its own, which is small yet.
    code = """
from seq2seq.system.machine import peak_memory
before = peak_memory()
taken = bytes(before) + b"1" * 2**27
with_it = peak_memory()
assert with_it >= before + 2**27
del taken
assert peak_memory() >= with_it
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("gpus", "taken"), [([], 0), (["GPU:0"], 7)])
def test_memory_is_taken_where_there_is_a_gpu(gpus, taken, monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_logical_devices", lambda kind: gpus if kind == "GPU" else ["CPU:0"])
    monkeypatch.setattr("tensorflow.config.experimental.get_memory_info", {"GPU:0": {"current": 3, "peak": 7}}.get)
    assert peak_gpu_memory() == taken
