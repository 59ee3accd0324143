"""An export as a whole: what is in the folder, that it is proved, and what is refused."""

import json
import logging
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")
pytest.importorskip("onnxruntime", reason="exporting needs onnxruntime: pip install 'seq2seq[export]'")

import keras

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.export import export, parity
from seq2seq.export import folder as folder_module
from seq2seq.models.ensemble import Ensemble
from seq2seq.runtime import load
from seq2seq.runtime.folder import ENCODER, STEP
from seq2seq.search import Beam, Greedy, Sample
from seq2seq.text.special_ids import END
from tests.export.models import WORDS, tiny
from tests.marks import quick

TEXTS = [" ".join(WORDS[place : place + 1 + place % 4]) for place in range(len(WORDS))]


def test_holds_what_it_says(exported: Path, translator: Translator):
    told = json.loads((exported / "translator.json").read_text())
    assert {path.name for path in exported.iterdir()} == {*told["checksums"], "translator.json"}
    assert told["joint"] and "source.model" in told["checksums"]
    assert told["parity"]["float32"]["identical"] == told["parity"]["float32"]["texts"] > 32
    assert told["state"] == ["layer0.hidden", "layer0.cell", "layer1.hidden", "layer1.cell", "feed"]
    card = (exported / "README.md").read_text()
    assert card.startswith("---\n") and "# tiny\n" in card and "12.50" in card and "opset 17" in card


@pytest.mark.parametrize("search", quick([Beam(3, n_best=3, length_penalty=0.5), Greedy(), None]), ids=repr)
def test_translates_as_the_model_does(exported: Path, translator: Translator, search):
    for ours, theirs in zip(
        translator.hypotheses([*TEXTS, "", " "], search), load(exported).hypotheses([*TEXTS, "", " "], search),
        strict=True,
    ):  # fmt: skip
        assert [(one.text, one.ended) for one in ours] == [(one.text, one.ended) for one in theirs]
        np.testing.assert_allclose([one.score for one in ours], [one.score for one in theirs], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "share", "logits"), [("float16", 0.55, 1.2e-3), ("int8", 0.4, 4.5e-2)])
def test_coarser_weights_are_smaller_and_told(tokenizer, tmp_path: Path, precision, share, logits):
    import onnx

    keras.utils.set_random_seed(1)
    size = tokenizer.vocab_size
    decoder = Decoder(size, 32, [64], attention="general")
    model = Seq2Seq(Encoder(size, 32, [64]), StateBridge([64]), decoder)
    translator = Translator(model, tokenizer, tokenizer)
    whole = export(translator, tmp_path / "whole", sample=TEXTS)
    made = export(translator, tmp_path / "coarse", precision=precision, sample=TEXTS)
    for name in (ENCODER, STEP):
        file = tmp_path / "coarse" / name
        assert file.stat().st_size == made.files[name] < share * whole.files[name]
        kept = [onnx.numpy_helper.to_array(weight) for weight in onnx.load(file).graph.initializer]
        whole_numbers = np.concatenate([weight.ravel() for weight in kept if weight.dtype == np.int8] or [[0]])
        # What fits into 7 bits is multiplied alike with and without VNNI; one of 127 lost a good deal to AVX2.
        assert np.abs(whole_numbers.astype(int)).max() == (64 if precision == "int8" else 0)
    assert made.parity == whole.parity == whole.written
    assert parity.LOGITS / 10 < made.written.logits < logits
    assert load(tmp_path / "coarse").about["parity"][precision]["logits"] == made.written.logits
    assert f"{precision}, as it is here: " in (tmp_path / "coarse" / "README.md").read_text()


def test_is_refused_where_it_does_not_translate_as_the_model(translator: Translator, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(parity, "LOGITS", 0.0)
    with pytest.raises(ValueError, match=r"An export has to translate as the model does.* Received: largest diff"):
        export(translator, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_is_refused_where_it_computes_otherwise(translator: Translator, tokenizer, tmp_path: Path):
    policy, size = keras.DTypePolicy("mixed_bfloat16"), tokenizer.vocab_size
    model = Seq2Seq(Encoder(size, 4, [4], dtype=policy), StateBridge([4]), Decoder(size, 4, [4], dtype=policy))
    with pytest.raises(ValueError, match=r"against a model that computes in float32. Received: .*bfloat16"):
        export(Translator(model, tokenizer, tokenizer), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "An export holds one model. Received: a translator with a Ensemble"),
        ({"mbr": "chrf"}, "with the best score. Received: a translator with mbr='chrf'"),
        ({"search": Sample(seed=1)}, "greedily or with a beam. Received: settings=Sample"),
        ({"search": Beam(3, length_form="gnmt")}, "of a search. Received: length_form='gnmt'"),
        ({"unknown": "copy"}, "comes through from the source. Received: .* with unknown='copy', protect=''"),
        (
            {"protect": "[0-9]+"},
            r"comes through from the source. Received: .* with unknown='keep', protect='\[0-9\]\+'",
        ),
    ],
    ids=["ensemble", "mbr", "sample", "length_form", "copy", "protect"],
)
def test_is_refused_where_the_runtime_has_no_such_search(tokenizer, tmp_path: Path, changes, message):
    model = tiny(tokenizer.vocab_size)
    translator = Translator(model, tokenizer, tokenizer)
    for name, value in changes.items():
        setattr(translator, name, Ensemble([model, model]) if name == "model" else value)
    with pytest.raises(ValueError, match=message):
        export(translator, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_is_refused_where_a_weight_has_no_room_in_half_precision(tokenizer, tmp_path: Path):
    model = Seq2Seq(Encoder(tokenizer.vocab_size, 4, [4]), StateBridge([4]), Decoder(tokenizer.vocab_size, 4, [4]))
    model.decoder.logits.bias.assign(1e5 * np.eye(tokenizer.vocab_size)[END])
    with pytest.raises(ValueError, match=r"room in float16\. Received: a model whose logits become (inf|nan)\. Export"):
        export(Translator(model, tokenizer, tokenizer), tmp_path / "out", precision="float16", sample=TEXTS[:2])
    assert not (tmp_path / "out").exists()


def test_names_what_has_to_be_installed(translator: Translator, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match=r"without onnx\. Install them: pip install 'seq2seq\[export\]'"):
        export(translator, tmp_path)


def test_two_vocabularies_are_two_files(tokenizer, tmp_path: Path):
    other = Tokenizer.train(["xyz", "zyx"], kind="char")
    model = Seq2Seq(Encoder(tokenizer.vocab_size, 4, [4]), StateBridge([4]), Decoder(other.vocab_size, 4, [4]))
    translator = Translator(model, tokenizer, other)
    export(translator, tmp_path)
    assert (tmp_path / "target.model").read_bytes() == other.to_bytes()
    assert load(tmp_path).translate(TEXTS) == translator.translate(TEXTS)


def test_advice_is_kept_quiet_for_a_moment_only(caplog):
    with folder_module._without_advice():
        logging.warning("no")
    logging.warning("yes")
    assert [record.message for record in caplog.records] == ["yes"]
