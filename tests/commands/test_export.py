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


def test_a_page_is_made_where_it_is_asked_for(seq2seq, model: str, tmp_path: Path) -> None:
    status, _, err = seq2seq("export", model, "--to", str(tmp_path / "out"), "--onnxruntime-web", str(tmp_path))
    assert status == 2 and "A page is made with --browser. Received: --onnxruntime-web" in err
    status, _, err = seq2seq(
        "export", model, "--to", str(tmp_path / "out"), "--browser", "--onnxruntime-web", str(tmp_path)
    )
    assert status and "without ort.wasm.bundle.min.mjs" in err and not (tmp_path / "out").exists()
