import json
import random
import shutil
from pathlib import Path
from unittest.mock import MagicMock

import pytest

import seq2seq
from seq2seq import Tokenizer
from seq2seq.commands import main
from seq2seq.commands.command import main as command
from seq2seq.metrics import score
from seq2seq.recipe import (
    AttentionSettings,
    BatchSettings,
    Data,
    DecoderSettings,
    DecodingSettings,
    EncoderSettings,
    EvaluationSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from seq2seq.runs import measuring, preparing, read_run, run, running
from seq2seq.search import Beam, Greedy
from seq2seq.settings import SettingsError
from seq2seq.text import Batches, LengthLimit
from seq2seq.text.pairs import CorpusError
from seq2seq.training import run_folder
from seq2seq.training.run_folder import RunFolderError
from seq2seq.training.schedules import build_schedule
from seq2seq.translation import Cuts, read_about

NUMBERS = {"eins": "one", "zwei": "two", "drei": "three", "vier": "four", "fünf": "five"}
RECIPE = Recipe(
    name="counting",
    data=Data("$COUNTING", "de", "en", hold_out=4, validation="", test=""),
    tokenizer=TokenizerSettings(kind="word", joint=False),
    batches=BatchSettings(size=16),
    model=ModelSettings(
        embedding=8, encoder=EncoderSettings((8,), bidirectional="never"), decoder=DecoderSettings((8,))
    ),
    training=TrainingSettings(epochs=1),
    decoding=DecodingSettings(Beam(2)),
    evaluation=EvaluationSettings(metrics=("exact_match", "bleu")),
)


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    chance = random.Random(1)
    lines = [[chance.choice(list(NUMBERS)) for _ in range(chance.randint(1, 5))] for _ in range(60)]
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "train.de").write_text("".join(" ".join(line) + "\n" for line in lines))
    (folder / "train.en").write_text("".join(" ".join(map(NUMBERS.get, line)) + "\n" for line in lines))  # type: ignore[arg-type]
    monkeypatch.setenv("COUNTING", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_run_leaves_a_translator_and_its_scores(corpus: Path) -> None:
    result = run(RECIPE, command="counting", changed={"seed": 3}, seed=3, progress="none")
    assert result.folder == Path("runs/counting") and result.model == Path("runs/counting/model.s2s")
    written = json.loads((result.folder / "result.json").read_text())
    assert written["metrics"] == result.metrics
    assert {part: list(scores) for part, scores in result.metrics.items()} == {
        part: ["exact_match", "bleu"] for part in ("validation", "test")
    }
    assert written["seed"] == 3 and written["command"] == "counting" and written["changed_settings"] == {"seed": 3}
    assert written["minutes"] >= 0 and written["machine"]["cores"] >= 1 and "tensorflow" in written["versions"]
    assert Recipe.from_toml(result.folder / "recipe.toml").seed == 3

    # The file alone gives the scores that were written down.
    held = held_out_for_test()
    translator = seq2seq.load(result.model)
    translations = translator.translate(held.sources)
    for what, texts in {"source": held.sources, "reference": held.targets, "translations": translations}.items():
        assert (result.folder / f"test.{what}.txt").read_text().split("\n") == [*texts, ""]
        assert (result.folder / f"validation.{what}.txt").read_text().count("\n") == 4
    for name, value in result.metrics["test"].items():
        again = score(name, translations, held.targets)
        assert again.value == value and again.signature == result.signatures[name] == written["signatures"][name]
    assert translator.about["metrics"] == result.metrics
    assert written["cuts"] == result.cuts and list(result.cuts) == ["validation", "test"]
    assert Cuts(**result.cuts["test"]) == Cuts.of(translator.hypotheses(held.sources))
    none = {"empty": 0, "over-long": 0}
    assert written["skipped_pairs"] == {"train": none, "validation": none}
    # Learnt from every pair that was trained on, and of none else.
    trained = [translator.source_tokenizer.encode_batch(corpora().train.sources)]
    trained.append(translator.target_tokenizer.encode_batch(corpora().train.targets))
    assert translator.length_limit == Batches(*trained).length_limit == read_run(result.folder).length_limit
    assert translator.search == Beam(2)
    assert measuring.evaluation_of(translator) == RECIPE.evaluation
    assert str(corpus) not in translator.recipe
    assert set(result.examples) <= set(zip(held.sources, translations, held.targets, strict=True))

    with pytest.raises(RunFolderError, match=r"holds a run already.*--resume"):
        run(RECIPE, progress="none")


def corpora():
    from seq2seq.recipe.corpora import read_corpora

    return read_corpora(RECIPE)


def held_out_for_test():
    train, validation, test = (set(corpus.sources) for corpus in corpora() if corpus is not None)
    assert not (train & validation or train & test or validation & test)
    return corpora().test


@pytest.mark.parametrize(("limit", "cut"), [(4.0, 0), (2.0, 0), (1.0, 1)])
def test_a_limit_that_cuts_what_is_learnt_is_told(limit: float, cut: int, capsys: pytest.CaptureFixture[str]) -> None:
    batches = Batches([[4] * 3, [4]], [[5] * 13, [5] * 5])
    preparing._tell_limit(LengthLimit.by_factor(limit), batches)
    told = "1 of the targets to learn from are longer than that, and translations like them will be cut. A higher"
    assert (told in capsys.readouterr().err) == bool(cut)


@pytest.mark.slow
def test_a_run_goes_on_with_what_it_began_with(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(RECIPE, ["--data", str(corpus), "--set", "model.attention.kind=dot"])
    out, err = capsys.readouterr()
    assert "source" in out and "exact_match" in out and "model.s2s" in out and "What to try next" in err
    folder = Path("runs/counting")
    first = json.loads((folder / "result.json").read_text())
    assert first["changed_settings"] == {"model.attention.kind": "dot"}
    assert {path.name for path in folder.iterdir()} <= {*run_folder._WRITTEN, "lock"}  # a new run would replace these
    begun = json.loads((folder / "run.json").read_text())
    assert begun.pop("length_limit") == read_about(folder / "model.s2s")["length_limit"]
    (folder / "run.json").write_text(json.dumps(begun))  # of a run from before limits were learnt
    recipe = (folder / "recipe.toml").read_text()
    assert 'max_length_factor = "learnt"' in recipe
    (folder / "recipe.toml").write_text(recipe.replace('"learnt"', "2.0"))
    # Neither the place of the text nor the change of a setting has to be said again.
    main(RECIPE, ["--resume", "--set", "training.epochs=2"])
    assert "longest translations: 2 n + 10 tokens for n of the source\n" in capsys.readouterr().err
    assert seq2seq.load(folder / "model.s2s").length_limit == LengthLimit.by_factor()
    second = json.loads((folder / "result.json").read_text())
    assert second["changed_settings"] == {"model.attention.kind": "dot", "training.epochs": 2}
    assert second["epochs"] == 2 and first["epochs"] == 1
    assert second["command"] == f"{first['command']} --set training.epochs=2"
    assert "model.attention.kind=dot" in second["command"]
    assert second["minutes"] > first["minutes"]
    assert Recipe.from_toml(folder / "recipe.toml").model.attention.kind == "dot"
    with pytest.raises(
        SettingsError, match=r'where model\.attention\.kind was "dot" and is now "general"\. Set them back'
    ):
        run(RECIPE, resume=True, progress="none")


def test_a_refused_resume_leaves_the_folder_as_it_was(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(RECIPE, [])
    other = corpus.with_name("other")
    shutil.copytree(corpus, other)
    for file in other.iterdir():  # as many pairs, with other tokens
        file.write_text(file.read_text()[:-4] + "\n")
    folder = Path("runs/counting")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    newest = max((folder / "last").iterdir())
    newer = newest.with_name("update-000000009.ckpt")
    newer.write_bytes(newest.read_bytes()[:-9])  # a damaged one is passed over, and keeps its name
    before[newer] = newer.read_bytes()
    monkeypatch.setattr("os.access", lambda *_: False)  # nothing can be kept beside the folder, and nothing is in it
    with pytest.raises(SystemExit):
        main(RECIPE, ["--resume", "--data", str(other), "--set", "training.epochs=2"])
    assert f"The text was in $COUNTING and is now in {other}." in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_scripts_tell_bad_usage_and_failed_jobs_apart(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, status, message in [
        (["--resume"], 1, "There is no run to continue"),
        (["--set", "model.atention=dot"], 2, "Did you mean model.attention.kind?"),
        (["--source", "fr"], 1, "has no partner in 'fr'"),
        (["--set", "model.encoder.units=8,8"], 2, "per_layer passes encoder layer i"),
        (["--data", str(corpus / "absent")], 1, "absent"),
    ]:
        with pytest.raises(SystemExit) as exit:
            main(RECIPE, arguments)
        assert exit.value.code == status
        assert message in capsys.readouterr().err
        assert not Path("runs/counting/model.s2s").exists()


@pytest.mark.slow
def test_a_run_that_is_stopped_while_it_measures_is_finished_by_resume(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(measuring, "_examples", MagicMock(side_effect=KeyboardInterrupt))
        with pytest.raises(SystemExit) as exit:
            main(RECIPE, [])
    assert exit.value.code == 130
    assert "kept in runs/counting. The same command with --resume measures" in capsys.readouterr().err
    main(RECIPE, ["--resume"])
    assert Path("runs/counting/result.json").exists()


@pytest.mark.slow
def test_a_folder_is_not_taken_by_a_run_that_never_started(corpus: Path) -> None:
    with pytest.raises(CorpusError, match="has no partner in 'fr'"):
        run(RECIPE.override(["data.source=fr"]), progress="none")
    assert run(RECIPE, progress="none").model is not None


@pytest.mark.parametrize("name", ["luong", "plateau"])
def test_the_settings_of_a_schedule_reach_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"luong": ["schedule_start=8", "schedule_every=0.5"], "plateau": ["schedule_patience=3"]}[name]
    recipe = RECIPE.override([f"training.{one}" for one in [f"schedule={name}", *own, "schedule_factor=0.25"]])
    monkeypatch.setattr("seq2seq.training.fit.train", lambda model, batches, settings, **_: settings)
    built = build_schedule(running._train(recipe, MagicMock(), MagicMock(), False, "none", MagicMock()))
    expected = {
        "luong": {"start": 8.0, "every": 0.5, "by": 0.25},
        "plateau": {"patience": 3, "by": 0.25},
    }[name]
    assert expected.items() <= vars(built).items()


@pytest.mark.slow
def test_what_is_scored_is_scored_whole(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources = ["eins zwei", "", "drei", "vier fünf", " "]
    references = ["one two", "nothing", "", "four five", "five"]
    for split in ("dev", "test"):
        (corpus / f"{split}.de").write_text("".join(f"{line}\n" for line in sources))
        (corpus / f"{split}.en").write_text("".join(f"{line}\n" for line in references))
    recipe = RECIPE.override(["data.validation=dev", "data.test=test", "data.hold_out=0"])
    result = run(recipe, progress="none")
    err = capsys.readouterr().err
    assert "corpus/test: 5 pairs, 3 of them with an empty side" in err
    assert "validation batches: 2 pairs in 1 batch" in err and "skipped: 3 empty" in err
    skipped = json.loads((result.folder / "result.json").read_text())["skipped_pairs"]
    assert skipped["validation"] == {"empty": 3, "over-long": 0}
    translations = (result.folder / "test.translations.txt").read_text().splitlines()
    assert len(translations) == 5 and [translations[1], translations[4]] == ["", ""]
    files = ["--source", str(corpus / "test.de"), "--target", str(corpus / "test.en")]
    assert command(["evaluate", str(result.model), *files, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == result.metrics["test"]


@pytest.mark.slow
def test_tokenised_text_is_shared_by_runs(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(RECIPE, progress="none")
    kept = {path: path.stat().st_mtime_ns for path in Path("runs/.tokenised").iterdir()}
    assert len(kept) == 2  # training and validation
    other = RECIPE.override(["model.attention.kind=none"])
    run(other, folder="runs/other", seed=5, progress="none")
    assert {path: path.stat().st_mtime_ns for path in Path("runs/.tokenised").iterdir()} == kept
    monkeypatch.setattr("os.access", lambda *_: False)
    assert preparing._cache(Path("runs/other")) is None


@pytest.mark.slow
def test_a_run_goes_on_with_its_own_tokenizers(corpus: Path) -> None:
    joint = RECIPE.override(["tokenizer.joint=true"])
    folder = Path("runs/counting")
    other = Tokenizer.train(["etwas anderes"], kind="char")
    run(joint, progress="none")
    assert not (folder / "target.model").exists()
    # One that came later does not count.
    other.save(folder / "target.model")
    again = run(joint.override(["training.epochs=2"]), resume=True, progress="none")
    assert again.model is not None and seq2seq.load(again.model).about["joint"]
    other.save(folder / "source.model")
    with pytest.raises(RunFolderError, match=r"runs/counting, where source\.model or target\.model is another"):
        run(joint.override(["training.epochs=3"]), resume=True, progress="none")


@pytest.mark.slow
def test_sounds_five_times_as_long_as_letters_are_not_cut(tmp_path: Path) -> None:
    """Letters into five signs each, as a spelling may have its sounds."""
    chance = random.Random(1)
    words = sorted({"".join(chance.choices("abcdefgh", k=chance.randint(2, 9))) for _ in range(460)})
    chance.shuffle(words)
    (tmp_path / "train.letters").write_text("".join(f"{word}\n" for word in words))
    sounds = ("".join(f"{letter}1234" for letter in word) for word in words)
    (tmp_path / "train.sounds").write_text("".join(f"{text}\n" for text in sounds))
    recipe = Recipe(
        name="sounds",
        data=Data(str(tmp_path), "letters", "sounds", hold_out=30, validation="", test=""),
        tokenizer=TokenizerSettings(kind="char", joint=False),
        batches=BatchSettings(size=16),
        model=ModelSettings(
            embedding=24,
            dropout=0.0,
            embedding_dropout=0.0,
            encoder=EncoderSettings((24,)),
            attention=AttentionSettings("additive"),
            decoder=DecoderSettings((48,), output_dropout=0.0),
        ),
        training=TrainingSettings(epochs=12, learning_rate=0.01, label_smoothing=0.0),
        decoding=DecodingSettings(Greedy()),
        evaluation=EvaluationSettings(metrics=("exact_match",)),
    )
    by_two = recipe.override(["decoding.search.max_length_factor=2"])
    before, after = (
        run(each, folder=tmp_path / name, progress="none") for name, each in (("before", by_two), ("after", recipe))
    )
    assert before.cuts["test"]["cut"] > 20 and before.metrics["test"]["exact_match"] < 30
    assert after.cuts["test"]["cut"] == 0 and after.metrics["test"]["exact_match"] > 80
