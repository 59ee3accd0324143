"""Averages of checkpoints, against NumPy."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import seq2seq as package
from seq2seq.runs import average_run
from seq2seq.training.checkpoint_file import checkpoints, save_checkpoint, update_of
from tests.marks import quick


@pytest.fixture
def run(here: Path):
    """The folder of a finished run with four checkpoints, and the weights of each by its number."""
    model = package.load(here / "model.s2s").model
    model.compile("sgd")
    model.optimizer.build(model.trainable_variables)
    for path in checkpoints(here / "last"):
        path.unlink()
    random, weights = np.random.default_rng(1), {}
    with (here / "log.jsonl").open("a") as log:
        for update, score in ((101, 0.5), (102, 0.9), (103, None), (104, 0.7)):
            for variable in model.trainable_variables:
                variable.assign(random.normal(size=variable.shape))
            weights[update] = [variable.numpy() for variable in model.trainable_variables]
            save_checkpoint(here / "last", model, {"run": {"update": update}}, keep=4)
            if score is not None:
                log.write(json.dumps({"event": "validation", "update": update, "val_exact_match": score}) + "\n")
    return here, weights


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "updates"),
    quick([(["--best", "2"], [102, 104]), (["--last", "2"], [104, 103]), (["--last", "1"], [104])]),
)
def test_the_mean(seq2seq, run, options, updates):
    folder, weights = run
    status, out, err = seq2seq("average", str(folder), *options, "--output", f"{folder}/mean.s2s")
    assert status == 0 and f"update-{updates[0]:09d}".encode() in out and "has no metrics" in err
    found = package.load(folder / "mean.s2s").model.trainable_variables
    for place, variable in enumerate(found):
        expected = np.mean([weights[update][place] for update in updates], axis=0)
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6)


@pytest.mark.slow
def test_the_mean_is_written_into_the_folder_where_no_file_is_named(seq2seq, run):
    folder, weights = run
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    status, out, _ = seq2seq("average", str(folder), "--last", "2")
    assert status == 0 and out.decode().startswith(f"Wrote {folder}/average.s2s: the mean of update-000000104, ")
    for place, variable in enumerate(package.load(folder / "average.s2s").model.trainable_variables):
        expected = np.mean([weights[update][place] for update in (103, 104)], axis=0)
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6)
    (folder / "average.s2s").unlink()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


def test_the_best_by_a_monitor_with_its_prefix_and_a_score_that_is_no_number(run):
    folder, _ = run
    recipe = (folder / "recipe.toml").read_text()
    monitored = re.sub("monitor = .*", 'monitor = "val_exact_match"', recipe)
    (folder / "recipe.toml").write_text(monitored)
    with (folder / "log.jsonl").open("a") as log:
        log.write(json.dumps({"event": "validation", "update": 104, "val_exact_match": "nan"}) + "\n")
    assert "val_exact_match" in monitored
    assert [update_of(path) for path in average_run(folder, 2, "best")[1]] == [102, 101]


def test_refusals(seq2seq, run, tmp_path: Path):
    folder, _ = run
    for options, message in (
        (["--best", "4"], "checkpoints that were validated. Received: best 4, of 3 in"),
        (["--last", "5"], "Received: last 5, of 4 in"),
    ):
        status, _, err = seq2seq("average", str(folder), *options)
        assert status == 1 and message in err
    assert seq2seq("average", f"{tmp_path}/none", "--last", "1")[0] == 2
    (folder / "model.s2s").unlink()
    assert "once a run has ended" in seq2seq("average", str(folder), "--last", "1")[2]
