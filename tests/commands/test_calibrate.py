import json
from pathlib import Path

import pytest

from seq2seq import Translator
from tests.commands.conftest import WORDS


@pytest.mark.slow
def test_confidence_is_learnt_and_told(seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
    sources = [f"{one} {other}" for one in WORDS[:6] for other in WORDS[:6]]
    translations = translator.translate(sources)
    right = [text if place % 3 else "x" for place, text in enumerate(translations)]
    (tmp_path / "x.de").write_text("".join(f"{text}\n" for text in sources))
    (tmp_path / "x.en").write_text("".join(f"{text}\n" for text in right))
    files = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en"]
    calibrated = f"{tmp_path}/calibrated.s2s"
    status, out, _ = seq2seq("calibrate", model, *files, "--output", calibrated)
    learnt = Translator.load(calibrated).calibration
    least, most = learnt.qualities[0], learnt.qualities[-1]
    assert (status, learnt.metric, learnt.sentences) == (0, "exact_match", 36) and 0 <= least < most <= 1
    assert out.decode() == (
        f"Wrote {calibrated}: exact_match from {least:.2f} to {most:.2f}, as 36 translations showed.\n"
    )
    told = json.loads(seq2seq("translate", calibrated, "--json", sources[1])[1])
    assert 0 <= told["confidence"] <= 1
    assert json.loads(seq2seq("translate", model, "--json", sources[1])[1])["confidence"] is None

    status, out, _ = seq2seq("evaluate", calibrated, *files, "--surest", "--json")
    result = json.loads(out)
    assert [each["share"] for each in result["surest"]] == [100, 90, 80, 70, 60, 50, 40, 30, 20, 10]
    assert result["surest"][0]["scores"] == result["metrics"] and result["surest"][0]["sentences"] == 36
    assert abs(100 * result["surest"][0]["expected"] - result["metrics"]["exact_match"]) < 5
    _, out, _ = seq2seq("evaluate", calibrated, *files, "--surest", "--metrics", "exact_match")
    rows = [line.split() for line in out.decode().splitlines()]
    assert rows[4] == ["surest", "sentences", "log", "p", "from", "expected", "exact_match", "exact_match"]
    assert rows[6][:3] == ["100", "%", "36"]
