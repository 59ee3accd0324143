"""A file for LiteRT: its two signatures compute what the model does."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")

from seq2seq import Translator
from seq2seq.export import export_litert, litert, parity
from seq2seq.models.ensemble import Ensemble
from tests.export.models import tiny

MODELS = {
    "attention": ({"bidirectional": "first"}, {"attention": "general", "input_feeding": True}, {}),
    "no attention": ({"reverse": True}, {"tie_embeddings": True}, {"cell": "gru"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
def test_computes_what_the_model_does(tokenizer, tmp_path: Path, kind):
    encoder, decoder, more = MODELS[kind]
    model = tiny(tokenizer.vocab_size, encoder, decoder, **more)
    files = export_litert(Translator(model, tokenizer, tokenizer), tmp_path / "out")
    assert files == {file.name: file.stat().st_size for file in (tmp_path / "out").iterdir()}
    assert set(files) == {"model.tflite", "source.model"}
    source, target = np.array([[5, 6, 7, 8, 2]], np.int32), np.array([[1, 5, 6, 3]], np.int32)
    expected = model({"source": source, "target_in": target}).numpy()[0]
    found = litert.logits_of((tmp_path / "out" / "model.tflite").read_bytes(), source, target[0])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_computes_otherwise_is_refused(tokenizer, tmp_path: Path, monkeypatch):
    model = tiny(tokenizer.vocab_size)
    with pytest.raises(ValueError, match=r"An export holds one model\. Received: .* Ensemble"):
        export_litert(Translator(Ensemble([model, model]), tokenizer, tokenizer), tmp_path / "out")
    monkeypatch.setattr(litert, "_converted", lambda model: b"file")
    monkeypatch.setattr(litert, "_difference", lambda translator, data, text: 2 * parity.LOGITS)
    with pytest.raises(ValueError, match=r"compute what the model does.* Received: logits that differ by 0\.002"):
        export_litert(Translator(model, tokenizer, tokenizer), tmp_path / "out")
    assert not (tmp_path / "out").exists()
