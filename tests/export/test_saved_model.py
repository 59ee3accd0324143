"""A SavedModel: TensorFlow alone loads it, and its signature translates as the model does."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")

from seq2seq import Translator
from seq2seq.export import export_saved_model
from seq2seq.search import Beam, Sample
from tests.export.models import tiny

LOAD = """
import sys

sys.modules["seq2seq"] = None  # whoever imports it fails
import numpy as np
import tensorflow as tf

translate = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
found = translate(source=tf.constant(np.load(sys.argv[2])))
np.savez(sys.argv[3], **{name: part.numpy() for name, part in found.items()})
"""


@pytest.mark.slow
def test_translates_as_the_model_does(tokenizer, tmp_path: Path):
    model = tiny(tokenizer.vocab_size, {"bidirectional": "all"}, {"attention": "general", "input_feeding": True},
                 decoder_units=(12, 12))  # fmt: skip
    translator = Translator(model, tokenizer, tokenizer)
    translator.search = Beam(3, n_best=2, coverage_penalty=0.1)
    files = export_saved_model(translator, tmp_path / "1")
    assert {"saved_model.pb", "source.model"} <= set(files) and files == {
        name: (tmp_path / "1" / name).stat().st_size for name in files
    }
    source = np.array([[5, 6, 7, 8, 2], [9, 2, 0, 0, 0], [2, 0, 0, 0, 0]], np.int32)
    np.save(tmp_path / "source.npy", source)
    places = [str(tmp_path / name) for name in ("1", "source.npy", "found.npz")]
    done = subprocess.run([sys.executable, "-c", LOAD, *places], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "found.npz")
    limits = [translator.length_limit.of(length) for length in (5, 2, 1)]
    expected = model.decode(source, limits, translator.search)
    np.testing.assert_array_equal(found["tokens"], expected.tokens)
    np.testing.assert_array_equal(found["ended"], expected.ended)
    np.testing.assert_allclose(found["scores"], expected.scores, rtol=1e-5)


def test_a_search_that_draws_is_refused(tokenizer, tmp_path: Path):
    translator = Translator(tiny(tokenizer.vocab_size), tokenizer, tokenizer)
    translator.search = Sample(seed=1)
    with pytest.raises(ValueError, match=r"A SavedModel searches for the best .* Received: .*Sample"):
        export_saved_model(translator, tmp_path / "1")
    assert not (tmp_path / "1").exists()
