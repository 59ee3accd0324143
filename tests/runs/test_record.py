import json
import math
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seq2seq.recipe import Recipe, load_recipe
from seq2seq.runs import run
from seq2seq.runs.losses import draw_losses
from seq2seq.runs.record import comparable, finished_run, monitored, read_log, read_run
from seq2seq.text.length_limit import LengthLimit
from tests.letters import RECIPE


def test_a_finished_run_is_read_as_it_was_given(here: Path) -> None:
    shutil.rmtree(here)
    given = run(RECIPE, progress="none")
    found = finished_run(RECIPE, given.folder)
    assert found is not None
    assert replace(found, minutes=given.minutes) == given
    assert found.minutes == pytest.approx(given.minutes, abs=0.005)  # written with two digits


def test_a_result_shows_itself_in_a_notebook(here: Path) -> None:
    found = finished_run(RECIPE, here)
    assert found is not None
    shown = replace(found, examples=[("<b>", "T", "R")])._repr_html_()
    assert "&lt;b&gt;" in shown and f"{found.metrics['test']['exact_match']:.2f}" in shown
    picture = ET.fromstring(b64decode(re.findall(r"base64,([^\"]+)", shown)[0]))
    assert "nats per token" in str(picture.findtext("{http://www.w3.org/2000/svg}title"))
    assert "<img" not in replace(found, folder=here / "stopped", metrics={}, examples=[])._repr_html_()


def test_a_loss_that_is_not_finite_is_shown_too(here: Path) -> None:
    with (here / "log.jsonl").open("a") as log:
        log.write('{"event": "validation", "update": 99, "val_loss": "nan"}\n')
    found = finished_run(RECIPE, here)
    assert found is not None and "<img" in found._repr_html_()


def test_the_monitor_is_the_last_one_that_was_asked_for() -> None:
    events = [{"event": "start", "monitor": "bleu"}, {"event": "resume"}, {"event": "resume", "monitor": "loss"}]
    assert [monitored(events[:count]) for count in range(4)] == ["", "bleu", "bleu", "loss"]


@pytest.mark.parametrize("losses", [[2.0], [2.0, 2.0], [float("nan")], [3.0, float("inf"), 1.0]])
def test_losses_are_drawn_whatever_they_are(losses: list[float]) -> None:
    points = ET.fromstring(draw_losses(losses)).find("{http://www.w3.org/2000/svg}polyline")
    assert points is not None
    assert len(str(points.get("points")).split()) == sum(math.isfinite(loss) for loss in losses)


def test_a_loss_that_falls_is_drawn_falling() -> None:
    points = ET.fromstring(draw_losses([3.0, 2.0, 1.0])).find("{http://www.w3.org/2000/svg}polyline")
    assert points is not None
    heights = [float(point.split(",")[1]) for point in str(points.get("points")).split()]
    assert heights == sorted(set(heights))  # counted from the top


def test_a_run_that_was_taken_up_again_and_stopped_is_not_finished(here: Path) -> None:
    longer = RECIPE.override(["training.epochs=2"])
    (here / "recipe.toml").write_text(longer.to_toml())
    assert finished_run(longer, here) is None
    (here / "model.s2s").unlink()
    assert finished_run(RECIPE, here) is None


def test_the_record_of_a_finished_run_is_read_without_tensorflow(here: Path) -> None:
    code = (
        "import sys\n"
        "from seq2seq.runs.record import read_run\n"
        "record = read_run(sys.argv[1])\n"
        "events = [event['event'] for event in record.log()]\n"
        "print(record.recipe.name, events[0], events[-1], *record.result['metrics']['test'])\n"
        "print('tensorflow' in record.versions, [name for name in ('tensorflow', 'keras') if name in sys.modules])\n"
    )
    shown = subprocess.run([sys.executable, "-c", code, str(here)], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines() == ["letters start end exact_match chrf", "True []"]


def test_a_record_says_what_the_run_began_with(here: Path) -> None:
    record = read_run(here)
    assert record is not None and record.recipe == RECIPE and record.folder == here
    assert json.loads((here / "run.json").read_text()) == {
        "command": "", "data": None, "changed_settings": {}, "tokenizers": list(record.tokenizers),
        "length_limit": record.length_limit.to_table(), "origin": {},
    }  # fmt: skip
    assert record.length_limit != LengthLimit.by_factor()
    assert record.tokenizers[0] == record.tokenizers[1]
    before = {path: path.read_bytes() for path in here.iterdir() if path.is_file()}
    record.write()
    assert {path: path.read_bytes() for path in here.iterdir() if path.is_file()} == before
    (here / "run.json").write_text("{}")  # of an older version
    assert read_run(here) == replace(record, tokenizers=(), length_limit=LengthLimit.by_factor())


def test_a_run_from_before_limits_were_learnt_is_one_of_the_same_recipe(here: Path) -> None:
    """Its factor of 2 was the default, and the limit that it keeps is the same."""
    given = finished_run(RECIPE, here)
    assert given is not None
    before = RECIPE.override(["decoding.search.max_length_factor=2"])
    (here / "recipe.toml").write_text(before.to_toml())
    begun, result = (json.loads((here / name).read_text()) for name in ("run.json", "result.json"))
    del begun["length_limit"], result["cuts"]
    result["settings"]["decoding"]["search"]["max_length_factor"] = 2.0
    (here / "run.json").write_text(json.dumps(begun))
    (here / "result.json").write_text(json.dumps(result))
    record = read_run(here)
    assert record is not None and (record.recipe, record.length_limit) == (RECIPE, LengthLimit.by_factor())
    assert finished_run(RECIPE, here) == replace(given, cuts={})
    # A recipe that says so itself means the same.
    assert finished_run(before, here) == replace(given, cuts={})
    assert record.in_its_words(before) == RECIPE
    assert finished_run(RECIPE.override(["decoding.search.max_length_factor=3"]), here) is None
    (here / "recipe.toml").write_text(RECIPE.override(["decoding.search.max_length_factor=3"]).to_toml())
    record = read_run(here)
    assert record is not None and record.recipe.decoding.search.max_length_factor == 3


def test_a_run_from_before_there_were_pools_had_none(here: Path) -> None:
    assert RECIPE.batches.pool == 5
    sorted_as_a_whole = RECIPE.override(["batches.pool=0"])
    stored = here / "recipe.toml"
    stored.write_text(stored.read_text().replace("pool = 5\n", ""))
    result = json.loads((here / "result.json").read_text())
    del result["settings"]["batches"]["pool"]
    (here / "result.json").write_text(json.dumps(result))
    record = read_run(here)
    assert record is not None and record.recipe == load_recipe(stored) == sorted_as_a_whole
    assert finished_run(sorted_as_a_whole, here) is not None
    assert finished_run(RECIPE, here) is None
    # What a person writes keeps the defaults of today.
    written = 'name = "a"\n[data]\npath = "."\nsource = "de"\ntarget = "en"\n[batches]\nsize = 8\n'
    assert Recipe.from_text(written).batches.pool == 5


def test_what_is_not_there_yet_is_not_made_up(here: Path, tmp_path: Path) -> None:
    assert read_run(tmp_path / "absent") is None
    for name in ("result.json", "versions.json", "log.jsonl"):
        (here / name).unlink()
    record = read_run(here)
    assert record is not None
    assert (record.result, record.versions, list(record.log())) == (None, {}, [])


def test_a_log_is_read_line_by_line_whatever_a_sample_holds(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    events = [{"event": "validation", "samples": ["a\u2028b\x85c"]}, {"event": "end"}]
    lines = [json.dumps(event, ensure_ascii=False) for event in events]
    log.write_text("\n".join([*lines, '{"event": "chec']))  # killed while it wrote
    assert list(read_log(log)) == events
    for line, said in (("[]", "which holds no JSON object"), ('{"epoch": 1}', 'with the line {"epoch": 1}')):
        log.write_text(f"{line}\n")
        with pytest.raises(ValueError, match=said):
            list(read_log(log))


def test_what_a_run_keeps_is_told_apart_from_what_it_may_change(here: Path) -> None:
    record = read_run(here)
    assert record is not None
    other = RECIPE.override(["model.dropout=0.5", "training.epochs=9", "training.ema=0.5", "seed=3"])
    assert sorted(record.fixed_differences(other)) == ["model.dropout", "seed", "training.ema"]


def test_scores_of_another_text_are_not_comparable() -> None:
    def validation(update: int) -> dict[str, Any]:
        return {"event": "validation", "update": update}

    begun = {"event": "start", "measured": {"lowercase": "False", "text": "a"}}
    other = {"event": "resume", "measured": {"lowercase": "False", "text": "b"}}
    monitor = {"event": "resume", "measured": {"label_smoothing": "0.1", "text": "a"}}
    old = {"event": "resume"}
    assert comparable([begun, validation(1), old, validation(2), monitor, validation(3)]) == [
        *map(validation, (1, 2, 3))
    ]
    assert comparable([begun, validation(1), other, validation(2), other, validation(3)]) == [*map(validation, (2, 3))]
    assert comparable([old, validation(1), begun, validation(2)]) == [*map(validation, (1, 2))]
