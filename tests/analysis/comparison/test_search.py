import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import pytest

from seq2seq.analysis.comparison import SettingsSearch, plan_named, search
from seq2seq.analysis.comparison.sampler import Space
from seq2seq.analysis.comparison.trainings import Training
from seq2seq.recipe import Recipe, SettingsError
from seq2seq.system.lock import LockedError, locked
from seq2seq.text import CorpusError
from tests.analysis.comparison.fabricated import make_corpus
from tests.letters import RECIPE

EPOCHS = 9
BASE = RECIPE.override([f"training.epochs={EPOCHS}"])


class Drawing:
    """Draws what it is told to, in the place of optuna."""

    drawn: ClassVar[list[float]] = []
    learnt: ClassVar[list[tuple[int, float | None]]] = []

    def __init__(self, name: str, spaces, *, higher: bool, seed: int) -> None:
        assert higher and not spaces[0].whole

    def draw(self, number: int) -> dict[str, float]:
        return {"model.dropout": self.drawn[number - 1]}

    def learn(self, number: int, values: dict, score: float | None) -> None:
        self.learnt.append((number, score))


class Trainer:
    """Stands in for the processes: exact match grows with the epochs, and with the dropout of the trial."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.stop_in = ""
        self.failing = ""
        self.not_a_number = ""

    def __call__(self, trainings: Iterable[Training], *, jobs, started, look, ended) -> str | None:
        for training in trainings:
            self.began.append(training.variant)
            training.folder.mkdir(parents=True, exist_ok=True)
            started(training)
            recipe = Recipe.from_toml(training.command[training.command.index("train") + 1])
            log = training.folder / "log.jsonl"
            log.write_text('{"event": "start", "monitor": "exact_match"}\n')
            asked = False
            for epoch in range(EPOCHS):
                score = 100 * recipe.model.dropout * (epoch + 1) / EPOCHS
                score = float("nan") if training.variant == self.not_a_number else score
                events = [
                    {"event": "validation", "update": epoch + 1, "epoch": epoch, "val_exact_match": score},
                    {"event": "epoch", "epoch": epoch + 1},
                ]
                with log.open("a") as file:
                    file.writelines(json.dumps(event) + "\n" for event in events)
                if training.variant == self.stop_in:
                    ended(training, "")
                    return "SIGINT"
                asked = look(training)
                if asked:
                    break
            if training.variant == self.failing:
                ended(training, "No text.")
                continue
            if not asked:
                (training.folder / "result.json").touch()
            ended(training, "")
        return None


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    monkeypatch.chdir(tmp_path)
    make_corpus(tmp_path)
    trainer = Trainer()
    monkeypatch.setattr(search, "train_all", trainer)
    monkeypatch.setattr(search, "Sampler", Drawing)
    monkeypatch.setattr(Drawing, "drawn", [0.5, 0.6, 0.7, 0.8, 0.1, 0.9, 2.0])
    monkeypatch.setattr(Drawing, "learnt", [])
    return trainer


def looked_for(folder: Path, *varied: str) -> SettingsSearch:
    return SettingsSearch(BASE, varied or ["model.dropout=0..1"], folder)


def test_trials_are_ranked_by_validation_and_what_is_hopeless_is_stopped_early(
    trainer: Trainer, tmp_path: Path
) -> None:
    result = looked_for(tmp_path / "out").run(6)
    states = {trial.number: trial.state for trial in result.trials}
    assert states == {1: "finished", 2: "finished", 3: "finished", 4: "finished", 5: "hopeless", 6: "finished"}
    assert [trial.number for trial in result.trials] == [6, 4, 3, 2, 1, 5]
    # After a third of its epochs; it counts by what it had reached.
    hopeless = result.trials[-1]
    assert hopeless.score == pytest.approx(10 * 3 / EPOCHS)
    assert Drawing.learnt[4] == (5, hopeless.score) and Drawing.learnt[5] == (6, pytest.approx(90))
    assert "exact_match on validation" in result.report() and "test sentences were not looked at" in result.report()


def test_the_best_are_written_as_variants_beside_the_recipe(trainer: Trainer, tmp_path: Path) -> None:
    result = looked_for(tmp_path / "out").run(6)
    plan = plan_named(BASE, result.best)
    assert [(variant.name, variant.recipe.model.dropout) for variant in plan.variants] == [
        ("recipe", 0.2), ("trial-6", 0.9), ("trial-4", 0.8), ("trial-3", 0.7)
    ]  # fmt: skip


def test_a_stopped_search_goes_on(trainer: Trainer, tmp_path: Path) -> None:
    trainer.stop_in = "trial 3"
    result = looked_for(tmp_path / "out").run(4)
    assert result.stopped == "SIGINT"
    assert json.loads((tmp_path / "out" / "trial-3.json").read_text())["state"] == "running"
    trainer.stop_in, trainer.began, Drawing.learnt[:] = "", [], []
    result = looked_for(tmp_path / "out").run(4)
    assert trainer.began == ["trial 3", "trial 4"]
    assert [number for number, _ in Drawing.learnt] == [1, 2, 3, 4]
    assert {trial.state for trial in result.trials} == {"finished"}
    trainer.began = []
    assert len(looked_for(tmp_path / "out").run(4).trials) == 4 and trainer.began == []


def test_what_fails_or_is_refused_is_a_trial_without_a_score(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer.failing = "trial 1"
    monkeypatch.setattr(Drawing, "drawn", [0.5, 2.0])
    result = looked_for(tmp_path / "out").run(2)
    assert trainer.began == ["trial 1"]
    failed, refused = result.trials
    assert (failed.state, failed.reason, failed.number) == ("failed", "No text.", 1)
    assert refused.state == "refused" and "model.dropout" in refused.reason
    assert Drawing.learnt == [(1, None), (2, None)] and result.best is None


def test_what_failed_is_tried_again_before_anything_new(trainer: Trainer, tmp_path: Path) -> None:
    trainer.failing = "trial 1"
    looked_for(tmp_path / "out").run(2)
    trainer.failing, trainer.began, Drawing.learnt[:] = "", [], []
    result = looked_for(tmp_path / "out").run(3)
    assert trainer.began == ["trial 1", "trial 3"]
    assert sorted(number for number, _ in Drawing.learnt) == [1, 2, 3]
    assert {trial.state for trial in result.trials} == {"finished"} and not any(trial.reason for trial in result.trials)


def test_a_search_goes_on_only_with_the_settings_that_it_began_with(trainer: Trainer, tmp_path: Path) -> None:
    looked_for(tmp_path / "out").run(1)
    for varied in ("training.ema=0..0.5", "model.dropout=0..0.5"):
        with pytest.raises(SettingsError, match=r"goes on with what it began with.*another --vary model\.dropout"):
            looked_for(tmp_path / "out", varied)
    with pytest.raises(SettingsError, match=r"another training\.ema, --data than .*search\.json says"):
        SettingsSearch(BASE.override(["training.ema=0.5"]), ["model.dropout=0..1"], tmp_path / "out", data="elsewhere")
    (tmp_path / "out" / "search.json").unlink()  # as of an older version
    with pytest.raises(SettingsError, match=r"--vary of training\.ema, where .* has trials of model\.dropout"):
        looked_for(tmp_path / "out", "training.ema=0..0.5")
    (tmp_path / "out" / "trial-1.json").write_text("")
    with pytest.raises(ValueError, match=r"trial-1\.json, which holds no JSON object"):
        looked_for(tmp_path / "out")


def test_a_search_without_its_text_spends_no_trial(trainer: Trainer, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="path='nowhere', which is not there"):
        SettingsSearch(BASE, ["model.dropout=0..1"], tmp_path / "out", data="nowhere").run(2)
    assert trainer.began == [] and not (tmp_path / "out").exists()
    # Where the text itself is searched, each trial may have another.
    varied = ["model.dropout=0..1", "data.train=nowhere,train"]
    named = ["data.train=nowhere", "data.validation=train", "data.hold_out=0"]
    SettingsSearch(BASE.override(named), varied, tmp_path / "out").run(1)
    assert trainer.began == ["trial 1"]


def test_what_was_drawn_before_is_not_trained_again(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(Drawing, "drawn", [0.5, 0.2, 0.5, 0.2])
    result = looked_for(tmp_path / "out").run(4)
    assert trainer.began == ["trial 1", "trial 2"]
    assert re.findall(r"\[\d/4\] trial \d", capsys.readouterr().err) == [f"[{n}/4] trial {n}" for n in (1, 2, 3, 4)]
    assert [(each.number, each.state, each.reason) for each in result.trials[2:]] == [
        (3, "repeated", "the same as trial 1"), (4, "repeated", "the same as trial 2")
    ]  # fmt: skip
    assert Drawing.learnt[2:] == [(3, pytest.approx(50)), (4, pytest.approx(20))]
    # 0.2 is what the recipe has: the list names it once.
    assert [variant.name for variant in plan_named(BASE, result.best).variants] == ["recipe", "trial-1"]


def test_a_trial_whose_file_is_gone_is_not_overwritten(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for(tmp_path / "out").run(3)
    (tmp_path / "out" / "trial-2.json").unlink()
    monkeypatch.setattr(Drawing, "drawn", [0.9] * 4)
    assert {each.number for each in looked_for(tmp_path / "out").run(3).trials} == {1, 3, 4}
    (tmp_path / "out" / "trial-4.json").write_text("{}")
    with pytest.raises(ValueError, match=r"trial-4\.json with nothing\. Delete it"):
        looked_for(tmp_path / "out")


def test_a_setting_is_searched_in_one_place_and_between_whole_numbers_where_it_takes_them(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"more than one of model\.dropout"):
        looked_for(tmp_path / "out", "model.dropout=0..1", "model.dropout=0.1,0.2")
    varied = ["decoding.search.max_length_factor=1..3", "model.embedding=8..64", "training.clip_norm=0..5"]
    assert [space.whole for space in looked_for(tmp_path / "out", *varied)._spaces] == [False, True, False]


def test_only_what_is_behind_the_median_of_four_is_hopeless(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drawing, "drawn", [0.5, 0.6, 0.9, 0.1, 0.7])
    assert {trial.state for trial in looked_for(tmp_path / "out").run(5).trials} == {"finished"}


def test_a_trial_that_finished_early_is_a_peer_to_the_end(trainer: Trainer, tmp_path: Path) -> None:
    looked_for(tmp_path / "out").run(4)
    for log in (tmp_path / "out").glob("trial-*/log.jsonl"):  # its patience ended after the first epoch
        log.write_text("".join(log.read_text().splitlines(keepends=True)[:3]))
    assert looked_for(tmp_path / "out").run(5).trials[-1].state == "hopeless"


def test_where_lower_is_better_the_least_score_counts_and_wins(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "Sampler", lambda *_, higher, seed: Drawing("", [Space("")], higher=not higher, seed=0))
    monkeypatch.setattr(Drawing, "drawn", [0.3, 0.4, 0.5, 0.6, 0.9, 0.1])
    lower = SettingsSearch(BASE.override(["training.monitor=loss"]), ["model.dropout=0..1"], tmp_path / "out")
    trials = lower.run(6).trials
    assert [trial.number for trial in trials if trial.state == "hopeless"] == [5]
    assert [trial.number for trial in trials] == [6, 1, 2, 3, 4, 5] and trials[0].score == pytest.approx(10 / EPOCHS)


def test_a_seed_is_not_searched(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Received: seed"):
        looked_for(tmp_path / "out", "seed=1,2")


def test_a_trial_whose_score_is_no_number_is_hopeless_and_the_search_goes_on(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer.not_a_number = "trial 2"
    result = looked_for(tmp_path / "out").run(3)
    assert {trial.number: (trial.state, trial.score) for trial in result.trials if trial.number == 2} == {
        2: ("hopeless", None)
    }
    assert Drawing.learnt[1] == (2, None)
    stored = tmp_path / "out" / "trial-2.json"
    stored.write_text(stored.read_text().replace('"score": null', '"score": NaN'))
    Drawing.learnt[:] = []
    assert [trial.number for trial in looked_for(tmp_path / "out").run(3).trials] == [3, 1, 2]
    assert Drawing.learnt[1] == (2, None)


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        ("model.brige.mode=per_layer,mean", "Did you mean"),
        ("model.bridge.mode=per_layer,last_layr", 'Did you mean "last_layer"'),
        ("model.dropout=2..3", "model.dropout must be"),
        ("model.bridge.mode=[[0],[1]", "Every bracket that opens closes"),
        ("training.monitor=loss,bleu", r"by one score, on one text of validation\. Received: --vary training\.monitor"),
        ("evaluation.lowercase=true,false", r"Received: --vary evaluation\.lowercase, by which"),
        ("data.source=lower,upper", r"Received: --vary data\.source, by which"),
        ("data.path=here,there", r"Received: --vary data\.path, by which"),
    ],
)
def test_what_no_recipe_has_is_refused_before_a_trial_is_spent(tmp_path: Path, varied: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        looked_for(tmp_path / "out", varied)
    assert not (tmp_path / "out").exists()


def test_a_loss_per_token_is_not_searched_over_vocabularies(tmp_path: Path) -> None:
    varied = ["tokenizer.vocab_size=20,30"]
    SettingsSearch(BASE, varied, tmp_path)
    with pytest.raises(SettingsError, match=r"--vary tokenizer\.vocab_size, by which"):
        SettingsSearch(BASE.override(["training.monitor=loss"]), varied, tmp_path)


@pytest.mark.parametrize("varied", ["training.label_smoothing=0,0.1", "batches.max_target_length=20,40"])
def test_a_loss_is_not_searched_over_what_it_is_a_loss_of(tmp_path: Path, varied: str) -> None:
    SettingsSearch(BASE, [varied], tmp_path)
    with pytest.raises(SettingsError, match=rf"--vary {varied.partition('=')[0]}, by which"):
        SettingsSearch(BASE.override(["training.monitor=loss"]), [varied], tmp_path)


def test_a_search_may_draw_how_much_text_is_learnt_from(tmp_path: Path) -> None:
    held_out = BASE.override(["data.validation=", "data.hold_out=5"])
    SettingsSearch(held_out, ["data.sample=5,10"], tmp_path)


def test_one_search_at_a_time(trainer: Trainer, tmp_path: Path) -> None:
    search = looked_for(tmp_path)
    with locked(tmp_path / "lock"), pytest.raises(LockedError, match="One process at a time searches in a folder"):
        search.run(1)
    assert trainer.began == []


def test_a_search_of_before_there_were_pools_goes_on(tmp_path: Path) -> None:
    sorted_whole = BASE.override(["batches.pool=0"])
    search = SettingsSearch(sorted_whole, ["model.dropout=0..1"], tmp_path)
    stored = search._searched()
    (tmp_path / "search.json").write_text(json.dumps({k: v for k, v in stored.items() if k != "batches.pool"}))
    SettingsSearch(sorted_whole, ["model.dropout=0..1"], tmp_path)
    with pytest.raises(SettingsError, match=r"another batches\.pool than"):
        SettingsSearch(BASE, ["model.dropout=0..1"], tmp_path)


@pytest.mark.parametrize(
    "varied",
    [
        ["training.learning_rate=0..1"],
        ["training.learning_rate=1e-4..1e-2", "model.embedding=8..64"],
        ["model.bridge.mode=[[0]],mean"],
        ["decoding.search.kind=beam,greedy", "decoding.search.beam_size=2..8"],
    ],
)
def test_what_is_right_alone_or_in_company_is_searched(tmp_path: Path, varied: list[str]) -> None:
    (tmp_path / "report.md").write_text("mine")  # no file of a search
    SettingsSearch(BASE, varied, tmp_path)
