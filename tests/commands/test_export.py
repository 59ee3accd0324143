import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")
pytest.importorskip("onnxruntime", reason="exporting needs onnxruntime: pip install 'seq2seq[export]'")

from seq2seq import Translator
from seq2seq.runtime import load

SOURCES = ["ein Haus am See", "der Wald"]


def test_writes_a_folder_and_tells_how_like_it_is(seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
    status, out, err = seq2seq("export", model, "--to", str(tmp_path / "out"))
    assert status == 0 and out.decode().split()[:2] == ["file", "bytes"]
    assert (
        err.startswith("float32 against the model: largest difference of logits")
        and "63 of 63 translations identical" in err
    )
    assert load(tmp_path / "out").translate(SOURCES) == translator.translate(SOURCES)
    assert f"# {Path(model).parent.name}\n" in (tmp_path / "out" / "README.md").read_text()


def test_measures_the_loss_on_a_test_set(seq2seq, model: str, tmp_path: Path) -> None:
    for language in ("de", "en"):
        (tmp_path / f"x.{language}").write_text("\n".join(SOURCES) + "\n")
    test_set = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en"]
    status, out, err = seq2seq("export", model, "--to", str(tmp_path / "out"), "--precision", "int8", *test_set)
    assert status == 0 and " of 2 translations identical" in err and "int8 against the model" in err
    *_, header, _, exact, bleu = out.decode().splitlines()
    assert header.split() == ["metric", "model", "int8", "difference"]
    assert exact.split()[0] == "exact_match" and bleu.split()[0] == "bleu"


def test_a_test_set_has_two_sides(seq2seq, model: str, tmp_path: Path) -> None:
    (tmp_path / "x.de").write_text("ein\n")
    status, _, err = seq2seq("export", model, "--to", str(tmp_path / "out"), "--source", f"{tmp_path}/x.de")
    assert status == 2 and "A test set has two sides. Received: --source alone." in err
    status, _, err = seq2seq("export", model, "--to", str(tmp_path / "out"), "--source", "-")
    assert status == 2 and "A test set has two sides. Received: --source alone." in err
    status, _, err = seq2seq("export", model, "--to", str(tmp_path / "out"), "--sample", "-", "--source", "-")
    assert status == 2 and "Standard input is one text. Received: - more than once." in err


@pytest.mark.slow
@pytest.mark.parametrize("named", ["sample", "source"])
def test_a_proof_on_nothing_is_refused(seq2seq, model: str, tmp_path: Path, named: str) -> None:
    (tmp_path / "empty").write_text("\n\n")
    options = ["--sample"] if named == "sample" else ["--source", str(tmp_path / "empty"), "--target"]
    status, _, err = seq2seq("export", model, "--to", f"{tmp_path}/to", *options, str(tmp_path / "empty"))
    assert status == 2 and f"Received: --{named} with empty lines alone" in err and not (tmp_path / "to").exists()


def test_an_export_is_translated_with_as_a_model_is(seq2seq, model: str, tmp_path: Path, monkeypatch) -> None:
    seq2seq("export", model, "--to", str(tmp_path / "out"))
    (tmp_path / "begun").write_text("am\n\n")
    (tmp_path / "terms").write_text("See\tder\n")
    asked = ["--prefixes", str(tmp_path / "begun"), "--terms", str(tmp_path / "terms")]
    options = ["--n-best", "2", "--beam-size", "6", "--ended", *asked]
    lines = "\n".join(SOURCES).encode()
    expected = seq2seq("translate", model, *options, stdin=lines)
    monkeypatch.setattr("seq2seq.translation.Translator.load", None)
    assert seq2seq("translate", str(tmp_path / "out"), *options, stdin=lines) == expected
    assert expected[0] == 0 and expected[1].decode().startswith("1\t")
    status, _, err = seq2seq("translate", str(tmp_path / "out"), "--mbr", "chrf", "Wald")
    assert status == 2 and "where this is not there. Received: --mbr with the export" in err


@pytest.mark.slow
def test_an_export_is_measured_beside_its_model(seq2seq, model: str, tmp_path: Path) -> None:
    seq2seq("export", model, "--to", str(tmp_path / "out"))
    for language in ("de", "en"):
        (tmp_path / f"x.{language}").write_text("\n".join(SOURCES) + "\n")
    test_set = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en", "--json"]
    status, out, err = seq2seq("evaluate", model, str(tmp_path / "out"), *test_set)
    ours, theirs = json.loads(out)["models"]
    assert status == 0 and ours["metrics"] == theirs["metrics"]
    assert "measured here as" not in err  # the export knows how its model is measured


def test_what_an_export_does_not_know_is_refused_before_it_is_read(seq2seq, tmp_path: Path) -> None:
    for name in ("translator.json", "x.de", "x.en"):
        (tmp_path / name).write_text("\n")
    test_set = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en"]
    status, _, err = seq2seq("evaluate", str(tmp_path), *test_set, "--precision", "bfloat16")
    assert status == 2 and f"Received: --precision with the export {tmp_path}." in err


@pytest.mark.slow
def test_publishes_what_it_wrote_and_the_model(seq2seq, model: str, tmp_path: Path, monkeypatch) -> None:
    given = []
    monkeypatch.setattr("seq2seq.commands.export.publish", lambda *told: given.append(told) or "http://hub/commit")
    status, _, err = seq2seq("export", model, "--to", str(tmp_path / "out"), "--push", "owner/name")
    assert status == 0 and err.endswith("Published: http://hub/commit\n")
    ((name, folder, files, more),) = given
    assert name == "owner/name" and more == {"model.s2s": Path(model)}
    assert {file.name for file in folder.iterdir()} == set(files)
    status, _, err = seq2seq("export", model, "--to", str(tmp_path / "no"), "--push", "name")
    assert status and "A place on the hub is OWNER/NAME. Received: name." in err and not (tmp_path / "no").exists()


def test_what_publishing_needs_is_asked_for_before_the_work(seq2seq, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    status, _, err = seq2seq("export", "absent", "--to", str(tmp_path / "out"), "--push", "owner/name")
    assert status and "Install it: pip install huggingface_hub." in err and not (tmp_path / "out").exists()


def test_a_page_is_made_where_it_is_asked_for(seq2seq, model: str, tmp_path: Path) -> None:
    status, _, err = seq2seq("export", model, "--to", str(tmp_path / "out"), "--onnxruntime-web", str(tmp_path))
    assert status == 2 and "A page is made with --browser. Received: --onnxruntime-web" in err
    status, _, err = seq2seq(
        "export", model, "--to", str(tmp_path / "out"), "--browser", "--onnxruntime-web", str(tmp_path)
    )
    assert status and "without ort.wasm.bundle.min.mjs" in err and not (tmp_path / "out").exists()
    for name in ("offline.js", "files.json"):
        (tmp_path / name).touch()
    status, _, err = seq2seq("export", model, "--to", str(tmp_path))
    assert status == 2 and "which has the page of an earlier export, without --browser." in err
    status, _, err = seq2seq("export", model, "--to", str(Path(model).parent))
    assert status == 1 and "with other files and without translator.json. Name a new one." in err


def test_other_formats_have_no_options_of_onnx(seq2seq, model: str, tmp_path: Path, monkeypatch) -> None:
    to = ["--to", str(tmp_path / "out")]
    status, _, err = seq2seq("export", model, *to, "--format", "litert", "--browser")
    assert status == 2 and "--browser is an option of ONNX. Received: --browser with --format litert." in err
    status, _, err = seq2seq("export", model, *to, "--format", "litert", "--sample", "-")
    assert status == 2 and "--sample is an option of ONNX." in err
    monkeypatch.setattr("seq2seq.export.export_saved_model", lambda translator, folder: {folder.name: 1234})
    status, out, _ = seq2seq("export", model, *to, "--format", "saved_model")
    assert status == 0 and out.decode().split()[-2:] == ["out", "1,234"]
