import io
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from seq2seq.analysis.comparison import Plan, Refused, Study, plan_grid, study
from seq2seq.analysis.comparison.progress import StudyProgress, share_done
from seq2seq.analysis.comparison.trainings import Training
from seq2seq.recipe import Recipe
from seq2seq.runs import RunRecord
from seq2seq.system.terminal import UsageError
from tests.analysis.comparison.fabricated import finished_folder, make_corpus, spoilt
from tests.letters import RECIPE


class Trainer:
    """Stands in for the processes: leaves finished run folders, fails where it is told to."""

    def __init__(self) -> None:
        self.trained: list[str] = []
        self.failing = ""
        self.signal_after = 99

    def __call__(self, trainings: Iterable[Training], *, jobs, started, look, ended) -> str | None:
        for training in trainings:
            started(training)
            look(training)
            if training.name == self.failing:
                ended(training, "No text.")
                continue
            self.trained.append(training.name)
            recipe = Recipe.from_toml(training.command[training.command.index("train") + 1])
            share = 0.1 if recipe.model.dropout > 0.2 else 0.4
            shutil.rmtree(training.folder, ignore_errors=True)
            finished_folder(
                training.folder,
                recipe=recipe,
                seed=training.seed,
                translations=spoilt(share, training.seed + int(100 * share)),
            )
            ended(training, "")
            if len(self.trained) == self.signal_after:
                return "SIGINT"
        return None


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    monkeypatch.chdir(tmp_path)
    make_corpus(tmp_path)
    trainer = Trainer()
    monkeypatch.setattr(study, "train_all", trainer)
    return trainer


def dropouts() -> Plan:
    return plan_grid(RECIPE, ["model.dropout=0.2,0.3,9"])


def test_every_variant_is_trained_with_every_seed_and_compared(trainer: Trainer, tmp_path: Path, capsys) -> None:
    result = Study(dropouts(), range(2), tmp_path / "out").run()
    assert trainer.trained == [f"dropout={value}, seed {seed}" for value in ("0.2", "0.3") for seed in (0, 1)]
    assert [variant.name for variant in result.comparison.variants] == ["dropout=0.2", "dropout=0.3"]
    assert [variant.settings for variant in result.comparison.variants] == [
        {"model.dropout": 0.2}, {"model.dropout": 0.3}
    ]  # fmt: skip
    assert (result.failed, result.unfinished, result.stopped) == ([], 0, None)
    assert [each.name for each in result.refused] == [each.name for each in result.comparison.refused] == ["dropout=9"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"dropout={value}{end}" for value in ("0.2", "0.3") for end in (".recipe.toml", "-seed-0", "-seed-1")
    }
    told = capsys.readouterr().err
    assert "Left out: dropout=9. " in told
    assert re.search(
        r"\[1/4\] dropout=0\.2, seed 0: exact_match [\d.]+ on validation in 1\.5 minutes; about 1 min left", told
    )


def test_what_is_finished_is_skipped_and_what_failed_is_tried_again(trainer: Trainer, tmp_path: Path, capsys) -> None:
    trainer.failing = "dropout=0.3, seed 0"
    result = Study(dropouts(), range(2), tmp_path / "out").run()
    assert (result.failed, result.unfinished) == ([Refused("dropout=0.3, seed 0", "No text.")], 1)
    assert [variant.seeds for variant in result.comparison.variants] == [[0, 1], [1]]
    assert "dropout=0.3, seed 0  No text." in result.comparison.report()
    trainer.trained, trainer.failing = [], ""
    capsys.readouterr()
    assert Study(dropouts(), range(3), tmp_path / "out").run().unfinished == 0
    assert trainer.trained == ["dropout=0.2, seed 2", "dropout=0.3, seed 0", "dropout=0.3, seed 2"]
    assert "Finished before: 3 of 6 runs." in capsys.readouterr().err


def test_a_signal_ends_it_without_a_report(trainer: Trainer, tmp_path: Path) -> None:
    trainer.signal_after = 1
    result = Study(dropouts(), range(2), tmp_path / "out").run()
    assert (result.stopped, result.comparison, result.unfinished) == ("SIGINT", None, 3)


def test_shards_train_everything_between_them_and_the_last_one_reports_it(trainer: Trainer, tmp_path: Path) -> None:
    first = Study(dropouts(), range(3), tmp_path / "out").run(shard=(1, 2))
    assert trainer.trained == ["dropout=0.2, seed 0", "dropout=0.2, seed 2", "dropout=0.3, seed 1"]
    assert first.unfinished == 3
    assert first.comparison.refused[-2:] == [
        Refused("dropout=0.2, seed 1", "not finished yet"), Refused("dropout=0.3, seed 0, 2", "not finished yet")
    ]  # fmt: skip
    second = Study(dropouts(), range(3), tmp_path / "out").run(shard=(2, 2))
    assert (len(trainer.trained), second.unfinished) == (6, 0)
    assert [variant.seeds for variant in second.comparison.variants] == [[0, 1, 2]] * 2


def test_settings_that_make_no_model_are_refused_before_anything_trains(trainer: Trainer, tmp_path: Path) -> None:
    plan = plan_grid(RECIPE, ["model.decoder.units=8,[8, 8]"])
    result = Study(plan, range(1), tmp_path / "out").run()
    assert trainer.trained == ["units=8, seed 0"]
    assert [each.name for each in result.refused] == ["units=[8, 8]"] and "same depth" in result.refused[0].reason


def test_variants_whose_text_is_not_there_are_refused_together_before_anything_trains(
    trainer: Trainer, tmp_path: Path, capsys
) -> None:
    result = Study(dropouts(), range(2), tmp_path / "out", data="nowhere").run()
    assert trainer.trained == [] and result.comparison is None and not (tmp_path / "out").exists()
    assert [each.name for each in result.refused] == ["dropout=9", "dropout=0.2", "dropout=0.3"]
    told = capsys.readouterr().err
    assert "Left out: dropout=0.2, dropout=0.3. A corpus is a folder" in told and "path='nowhere', which" in told
    plan = plan_grid(RECIPE, ["data.also.paths=[],['nowhere']"])
    result = Study(plan, range(1), tmp_path / "out").run()
    assert trainer.trained == ["paths=[], seed 0"]
    assert [each.name for each in result.refused] == ["paths=['nowhere']"]
    assert "path='nowhere', which" in result.refused[0].reason


def test_a_text_elsewhere_with_other_test_sentences_is_refused_before_anything_trains(
    trainer: Trainer, tmp_path: Path
) -> None:
    for language in ("lower", "upper"):
        shutil.copy(tmp_path / "corpus" / f"train.{language}", tmp_path / "corpus" / f"test.{language}")
    for copy in ("same", "other"):
        shutil.copytree(tmp_path / "corpus", tmp_path / copy)
    test = tmp_path / "other" / "test.upper"
    test.write_text(test.read_text().replace("A", "E", 1))
    named = RECIPE.override(["data.test=test"])
    result = Study(plan_grid(named, ["data.path=corpus,same,other"]), range(1), tmp_path / "out").run()
    assert trainer.trained == ["path=corpus, seed 0", "path=same, seed 0"]
    assert [each.name for each in result.refused] == ["path=other"]
    assert "data.path=other, where test has others than in corpus" in result.refused[0].reason
    assert len(result.comparison.variants) == 2


def test_what_is_finished_is_compared_though_its_text_has_gone(trainer: Trainer, tmp_path: Path) -> None:
    trainer.failing = "dropout=0.3, seed 0"
    Study(dropouts(), range(2), tmp_path / "out").run()
    shutil.move(tmp_path / "corpus", tmp_path / "elsewhere")
    result = Study(dropouts(), range(3), tmp_path / "out").run()
    assert [variant.seeds for variant in result.comparison.variants] == [[0, 1], [1]]
    assert [each.name for each in result.comparison.refused] == ["dropout=9", "dropout=0.2", "dropout=0.3"]
    assert len(trainer.trained) == 3


def test_shares_are_dealt_by_the_plan_whatever_a_machine_lacks(trainer: Trainer, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "corpus", tmp_path / "c2")
    plan = plan_grid(RECIPE, ["data.also.paths=[],['c2']", "model.dropout=0.1,0.3"])
    shutil.move(tmp_path / "c2", tmp_path / "c3")
    Study(plan, range(3), tmp_path / "out").run(shard=(1, 2))
    shutil.move(tmp_path / "c3", tmp_path / "c2")
    Study(plan, range(3), tmp_path / "out").run(shard=(2, 2))
    assert len(trainer.trained) == len(set(trainer.trained)) == 9  # all but the three that the first could not train
    assert Study(plan, range(3), tmp_path / "out").run().unfinished == 0 and len(trainer.trained) == 12


def test_another_place_of_the_text_is_refused_before_anything_trains(trainer: Trainer, tmp_path: Path) -> None:
    Study(dropouts(), range(1), tmp_path / "out").run()
    with pytest.raises(UsageError, match=r"the text is that of the recipe, and not corpus \(--data\)"):
        Study(dropouts(), range(2), tmp_path / "out", data="corpus").run()


def test_it_is_said_at_the_top_where_the_first_variant_has_no_result(trainer: Trainer, tmp_path: Path) -> None:
    trainer.failing = "dropout=0.2, seed 0"
    plan = plan_grid(RECIPE, ["model.dropout=0.2,0.3,0.4"])
    found = Study(plan, range(1), tmp_path / "out").run().comparison
    said = "all are compared with dropout=0.3, because there is no result of dropout=0.2, the first one."
    assert found.report().splitlines()[0].endswith(said)
    refused = Study(plan_grid(RECIPE, ["model.dropout=9,0.3,0.4"]), range(1), tmp_path / "out").run().comparison
    assert "because there is no result of dropout=9, the first one." in refused.report()


def test_a_damaged_run_is_named_and_the_others_are_compared(trainer: Trainer, tmp_path: Path) -> None:
    Study(dropouts(), range(2), tmp_path / "out").run()
    damaged = tmp_path / "out" / "dropout=0.3-seed-1"
    (damaged / "result.json").write_text("")
    trainer.trained = []
    result = Study(dropouts(), range(2), tmp_path / "out").run()
    assert (trainer.trained, result.unfinished) == ([], 1)
    (failed,) = result.failed
    assert failed.name == damaged.name and failed.reason.endswith(f"To train it again, delete {damaged}.")
    assert [variant.seeds for variant in result.comparison.variants] == [[0, 1], [0]]
    assert [each.name for each in result.comparison.refused] == ["dropout=9", damaged.name]


def test_a_study_without_any_result_has_no_report(trainer: Trainer, tmp_path: Path) -> None:
    result = Study(plan_grid(RECIPE, ["model.dropout=9"]), range(2), tmp_path / "out").run()
    assert (result.comparison, len(result.refused), trainer.trained) == (None, 1, [])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_moves_with_the_epochs_of_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training("a", 0, tmp_path / "a", (), 4)
    assert share_done(training) == 0
    terminal = Terminal()
    progress = StudyProgress(4, [2.0], 1, stream=terminal)
    progress.started(training)
    training.folder.mkdir()
    (training.folder / "log.jsonl").write_text("".join(
        json.dumps({"event": "epoch", "epoch": epoch}) + "\n" for epoch in (1, 2)
    ))  # fmt: skip
    progress.look()
    assert share_done(training) == 0.5
    assert "1.5/4 runs" in terminal.getvalue() and "about 5 min left" in terminal.getvalue()
    progress.ended(training, "bad", whole=False)
    progress.close()
    assert "[2/4] a, seed 0: bad; about 4 min left" in terminal.getvalue()


def test_the_rest_is_shared_by_what_runs_at_once(tmp_path: Path) -> None:
    assert StudyProgress(5, [10.0], 2, stream=io.StringIO()).left() == "; about 20 min left"


def test_a_training_that_went_on_tells_how_long_a_whole_one_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr("seq2seq.analysis.comparison.progress.time", clock)
    training, said = Training("a", 0, tmp_path, (), 4), io.StringIO()
    (tmp_path / "log.jsonl").write_text('{"event": "epoch", "epoch": 2}\n')
    progress = StudyProgress(2, [], 1, stream=said)
    progress.started(training)
    clock.monotonic = lambda: 180.0  # the second half
    progress.ended(training, "good", whole=True)
    assert "good; about 6 min left" in said.getvalue()


def test_runs_that_began_with_other_settings_are_refused_before_anything_is_written(
    trainer: Trainer, tmp_path: Path
) -> None:
    Study(dropouts(), range(1), tmp_path / "out").run()
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    other = plan_grid(RECIPE.override(["training.learning_rate=0.02"]), ["model.dropout=0.2,0.3"])
    with pytest.raises(
        UsageError, match=r"go on as they began\. Received: .*dropout=0\.2-seed-0, where training\.learn"
    ):
        Study(other, range(1), tmp_path / "out").run()
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_a_finished_run_that_was_taken_up_again_and_stopped_is_what_it_was(trainer: Trainer, tmp_path: Path) -> None:
    first = Study(dropouts(), range(2), tmp_path / "out").run()
    run = tmp_path / "out" / "dropout=0.2-seed-0"
    RunRecord(run, Recipe.from_toml(run / "recipe.toml").override(["training.epochs=4000"])).write()
    again = Study(dropouts(), range(2), tmp_path / "out").run()
    assert again.comparison.table() == first.comparison.table() and len(trainer.trained) == 4
    (run / "run.json").unlink()
    damaged = Study(dropouts(), range(2), tmp_path / "out").run()
    assert [each.name for each in damaged.failed] == [run.name] and "run.json beside its recipe" in damaged.failed[
        0
    ].reason
    assert [len(variant.seeds) for variant in damaged.comparison.variants] == [1, 2] and len(trainer.trained) == 4


def test_a_study_has_a_folder_of_its_own(trainer: Trainer, tmp_path: Path) -> None:
    run = finished_folder(tmp_path / "run", recipe=RECIPE, seed=0, translations=spoilt(0.1, 0))
    with pytest.raises(UsageError, match=r"a folder of its own\. Received: .*run, which is the folder of a run"):
        Study(dropouts(), range(1), run).run()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.html").write_text("mine")
    with pytest.raises(UsageError, match=r"mine, with report\.html in it, which no comparison wrote"):
        Study(dropouts(), range(1), tmp_path / "mine").run()
    assert (tmp_path / "mine" / "report.html").read_text() == "mine" and not trainer.trained
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "recipe.toml").write_text(RECIPE.to_toml())  # a recipe is no run
    assert Study(dropouts(), range(1), tmp_path / "beside").run().comparison is not None
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file, which is a file"):
        Study(dropouts(), range(1), tmp_path / "file").run()
    result = Study(dropouts(), range(1), tmp_path / "out").run()
    for _ in range(2):  # its own files it replaces
        result.comparison.write(tmp_path / "out")
