"""The runtime in an environment that has no TensorFlow: the commands of `docs/how-to/deploy-without-tensorflow.md`."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")
pytest.importorskip("onnxruntime", reason="the runtime needs onnxruntime: pip install 'seq2seq[runtime]'")

from seq2seq import Translator

ROOT = Path(__file__).parents[2]
TEXTS = ["ein Haus am See", "der Wald"]


def run(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.slow
def test_translates_where_pip_brought_no_tensorflow(exported: Path, translator: Translator, tmp_path: Path):
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    built = run(sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", tmp_path, ROOT)
    assert built.returncode == 0, built.stderr
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    assert run(python, "-m", "pip", "install", "--no-deps", *tmp_path.glob("*.whl")).returncode == 0
    brought = run(python, "-m", "pip", "install", "onnxruntime", "numpy", "sentencepiece")
    if brought.returncode:
        pytest.skip(f"an environment needs a registry: {brought.stderr.strip()[-200:]}")
    there = run(python, "-m", "pip", "list", "--format=freeze").stdout.casefold()
    assert not any(name in there for name in ("tensorflow", "keras", "datasets", "h5py"))
    code = f"from seq2seq.runtime import load; print(load({str(exported)!r}).translate({TEXTS!r}))"
    done = run(python, "-I", "-c", code)
    assert (done.stdout, done.stderr) == (f"{translator.translate(TEXTS)}\n", "")
