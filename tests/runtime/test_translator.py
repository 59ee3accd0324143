"""The translator of the runtime, beside that of TensorFlow, and without it."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")
pytest.importorskip("onnxruntime", reason="the runtime needs onnxruntime: pip install 'seq2seq[runtime]'")

from seq2seq import Tokenizer, Translator
from seq2seq.runtime import ExportedFolderError, load
from seq2seq.runtime.folder import read_folder, write_folder
from seq2seq.search import Beam, Greedy, Sample
from seq2seq.text.special_ids import END, START
from tests import reference
from tests.export.models import WORDS

TEXTS = ["ein Haus am See", "der Wald", "a house by the lake"]

# What an environment with onnxruntime, NumPy and SentencePiece alone does not have.
ABSENT = ("tensorflow", "keras", "datasets", "h5py", "sacrebleu", "pyarrow", "babel", "tomlkit", "tqdm", "tabulate",
          "rapidfuzz", "wcwidth", "filelock", "onnx", "optuna")  # fmt: skip


def test_scores_each_piece(exported: Path, translator: Translator):
    tokenizer = translator.target_tokenizer
    ids = {tokenizer.piece(number): number for number in range(tokenizer.vocab_size)}
    for text, best in zip(TEXTS, load(exported).hypotheses(TEXTS, Beam(3, n_best=2)), strict=True):
        assert len(best) == 2
        for one in best:
            assert one.tokens[-1] == "</s>" and len(one.tokens) == len(one.token_scores)
            assert one.score == pytest.approx(sum(one.token_scores) / len(one.tokens), abs=1e-5)
            said = [ids[piece] for piece in one.tokens]
            source = [*translator.source_tokenizer.encode(text), END]
            logits = translator.model({"source": np.array([source]), "target_in": np.array([[START, *said[:-1]]])})
            expected = reference.log_softmax(np.asarray(logits[0]))[np.arange(len(said)), said]
            np.testing.assert_allclose(one.token_scores, expected, atol=1e-4)


def test_tells_what_each_piece_looked_at(exported: Path, monkeypatch):
    runtime = load(exported)
    for search in (Greedy(), Beam(3)):
        plain = runtime.hypotheses(TEXTS, search)
        for text, (one, *_), (same, *_) in zip(
            TEXTS, runtime.hypotheses(TEXTS, search, alignment=True), plain, strict=True
        ):
            assert one.alignment.shape == (len(one.tokens), len(runtime.source_tokenizer.encode(text)) + 1)
            np.testing.assert_allclose(one.alignment.sum(axis=1), 1, atol=1e-5)
            assert one.text == same.text and same.alignment is None
    monkeypatch.setattr("seq2seq.translation.parts.LONGEST", 5)
    ((one,),) = runtime.hypotheses(TEXTS[:1], Greedy(), alignment=True)
    assert one.parts == one.tokens.count("</s>") > 1
    assert one.alignment.shape == (len(one.tokens), len(runtime.source_tokenizer.encode(TEXTS[0])) + one.parts)
    np.testing.assert_allclose(one.alignment.sum(axis=1), 1, atol=1e-5)


def test_details_are_those_of_the_model(exported: Path, translator: Translator):
    texts = [*TEXTS, ""]
    pairs = zip(
        *(one.translate(texts, Beam(3, n_best=2), details=True) for one in (translator, load(exported))), strict=True
    )
    for ours, theirs in pairs:
        assert (theirs.source_tokens, theirs.source_words, theirs.model) == (
            ours.source_tokens, ours.source_words, translator.fingerprint
        )  # fmt: skip
        for one, other in zip(ours.hypotheses, theirs.hypotheses, strict=True):
            assert (other.text, other.ended, other.tokens, other.words) == (one.text, one.ended, one.tokens, one.words)
            np.testing.assert_allclose(other.token_scores, one.token_scores, atol=1e-4)
            np.testing.assert_allclose(other.alignment, one.alignment, atol=1e-4)


def test_parts_of_a_long_text_are_those_of_the_model(exported: Path, translator: Translator, monkeypatch):
    monkeypatch.setattr("seq2seq.translation.parts.LONGEST", 5)
    ours, theirs = (one.hypotheses(TEXTS) for one in (translator, load(exported)))
    for (best, *_), (other, *_) in zip(ours, theirs, strict=True):
        assert (best.text, best.parts, best.ended) == (other.text, other.parts, other.ended)
        assert other.score == pytest.approx(best.score, abs=1e-4)


def test_batches_side_by_side_come_back_in_their_places(exported: Path):
    one, several = load(exported, threads=0), load(exported)
    several.graphs.at_a_time = 3
    assert one.graphs.at_a_time == 1
    texts = [*TEXTS, "", *WORDS][:9]
    assert several.translate(texts, Beam(2), batch_size=2) == one.translate(texts, Beam(2), batch_size=2)


def test_a_prefix_has_room_whatever_the_limit(exported: Path):
    (best,) = load(exported).hypotheses(["Wald"], Greedy(max_length_factor=0.01), prefixes=["der See und der Wald"])
    assert best[0].text == "der See und der Wald" and not best[0].ended


def test_what_the_model_was_trained_to_read_whole_is_one_part(exported: Path):
    runtime = load(exported)
    runtime.about["max_source_length"] = 1200
    for length, parts in ((1100, 1), (1300, 2)):
        ((best,),) = runtime.hypotheses(["e" * length], Greedy(max_length_factor=0.01))
        assert best.parts == parts


@pytest.mark.parametrize("search", [Beam(3, n_best=2), Greedy()], ids=repr)
def test_begins_and_avoids_as_the_model_does(exported: Path, translator: Translator, search):
    asked = {"prefixes": ["a house", "", "ein"], "avoid": ["e", "the lake"]}
    for ours, theirs in zip(
        translator.hypotheses(TEXTS, search, **asked), load(exported).hypotheses(TEXTS, search, **asked), strict=True
    ):
        assert [(one.text, one.ended) for one in ours] == [(one.text, one.ended) for one in theirs]
        np.testing.assert_allclose([one.score for one in ours], [one.score for one in theirs], atol=1e-4)


def test_terms_appear_as_with_the_model(exported: Path, translator: Translator):
    asked = {"prefixes": ["a", "", "the"], "terms": {"Haus": "house", "Wald": "lake", "by": "am"}}
    ours, theirs = (one.hypotheses(TEXTS, Beam(8, n_best=2), **asked) for one in (translator, load(exported)))
    for text, needed, best, found in zip(TEXTS, ("house", "lake", "am"), ours, theirs, strict=True):
        assert needed in found[0].text, text
        assert [(one.text, one.ended) for one in best] == [(one.text, one.ended) for one in found]
        np.testing.assert_allclose([one.score for one in best], [one.score for one in found], atol=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"search": Greedy(), "terms": {"Haus": "house"}}, "several hypotheses side by side. Received: phrases, with"),
        ({"terms": {"Haus": "日本"}}, "what the target vocabulary can write. Received: '日本'"),
        ({"search": Sample()}, "greedily or with a beam"),
        ({"batch_size": 0}, "one sentence or more. Received: batch_size=0"),
    ],
)
def test_refuses_what_it_cannot_do(exported: Path, given, message):
    with pytest.raises(ValueError, match=message):
        load(exported).translate(TEXTS, **given)


def test_refuses_to_align_without_attention(exported: Path):
    runtime = load(exported)
    runtime.about["memory"] = []
    with pytest.raises(ValueError, match="Only a model with attention"):
        runtime.hypotheses(TEXTS, alignment=True)


def test_translates_where_nothing_else_is_installed(exported: Path, translator: Translator):
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({ABSENT}))  # None: the import fails\n"
        "from seq2seq.runtime import load\n"
        f"print(load({str(exported)!r}).translate({TEXTS!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == (f"{translator.translate(TEXTS)}\n", "")


def spoilt(folder: Path, to: Path, **changes) -> Path:
    """A copy of an export with other files, by name, or another entry of its table, whose checksums are right."""
    files, about = read_folder(folder)
    told = {name: value for name, value in changes.items() if name not in ("encoder", "source")}
    files |= {
        f"{name}.{'onnx' if name == 'encoder' else 'model'}": changes[name] for name in changes.keys() - told.keys()
    }
    write_folder(to, files, about | told)
    return to


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"encoder": b"no graph"}, "InvalidProtobuf|Fail|InvalidArgument|InvalidGraph"),
        ({"source": b"no model"}, "ValueError: .*SentencePiece"),
        ({"decoding": {"search": {"kind": "beam", "beams": 3}}}, "SettingsError: "),
        ({"decoding": None}, "Error: "),
        ({"state": ["layer9.hidden"]}, "layer9.hidden"),
        ({"memory": 1}, "TypeError: "),
        ({"length_limit": {}}, "Error: "),
        ({"confidence": {}}, "Error: "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_no_translator_is_damaged(exported: Path, tmp_path: Path, changes, why):
    with pytest.raises(ExportedFolderError, match=rf"is damaged: .*({why}).*Received: {re.escape(str(tmp_path))}"):
        load(spoilt(exported, tmp_path / "out", **changes))


def test_vocabularies_are_those_of_the_model(exported: Path, tmp_path: Path):
    larger, smaller = (Tokenizer.train(text, kind="char").to_bytes() for text in (["qwxyzfgjkpv" * 2, *WORDS], ["a b"]))
    with pytest.raises(ExportedFolderError, match=r"is damaged: .*(indices element out of data bounds|Gather)"):
        load(spoilt(exported, tmp_path / "larger", source=larger))
    with pytest.raises(ExportedFolderError, match=r"is damaged: ValueError: .* pieces of the target, .* logits"):
        load(spoilt(exported, tmp_path / "smaller", source=smaller))


def test_needs_onnxruntime_in_words(exported: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"is run by onnxruntime\. .* Install it: pip install onnxruntime numpy"
    ):
        load(exported)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"Received: threads=-1\. Use 0 for as many as onnxruntime thinks right\."):
        load(exported, threads=-1)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "\u200b", "日本", " " * 50 + "Haus", "Haus\n"])
def test_any_text_is_translated_as_the_model_does(exported: Path, translator: Translator, text):
    assert load(exported).translate([text, ""]) == translator.translate([text, ""])
