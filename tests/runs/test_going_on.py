"""Runs that go on from a trained model: its weights and vocabularies, frozen parts, other text mixed in, vectors."""

import json
import shutil
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

import seq2seq
from seq2seq.analysis.verify import _stop_at, compare, read_parts
from seq2seq.commands import main
from seq2seq.commands.command import main as command
from seq2seq.distribution import Devices
from seq2seq.recipe import Recipe
from seq2seq.recipe.corpora import read_also, read_corpora
from seq2seq.runs import read_run, running
from seq2seq.runs.preparing import Ready, begin, prepare
from seq2seq.settings import SettingsError
from seq2seq.system.terminal import UsageError
from seq2seq.text import MixedBatches
from seq2seq.training.run_folder import RunFolderError, open_run_folder
from seq2seq.translation import TranslatorFileError
from tests.letters import RECIPE

FINE = RECIPE.override(["name=fine", "start_from=runs/letters", "data.path=other", "training.learning_rate=0.01"])
MIXED = FINE.override(["data.also.paths=[corpus]", "data.also.hold_out=3", "batches.size=4"])


@pytest.fixture
def other(here: Path) -> Path:
    """Text with two letters that the run in `here` has never seen."""
    words = [f"{first}{second}{third}" for first in "ab" for second in "xy" for third in "efg"]
    (folder := Path("other")).mkdir()
    for language, text in (("lower", words), ("upper", map(str.upper, words))):
        (folder / f"train.{language}").write_text("".join(f"{word}\n" for word in text))
    return folder


def ready(recipe: Recipe, *, resume: bool = False) -> Ready:
    """All that a run does before it trains."""
    folder = open_run_folder("runs/fine", resume=resume)
    found = prepare(recipe, folder, None, "", {}, Devices())
    begin(folder, found)
    return found


def test_a_run_begins_with_the_weights_and_pieces_of_another_and_says_so(other: Path, capsys) -> None:
    origin, translator = seq2seq.load("runs/letters/model.s2s"), ready(FINE).translator
    assert translator.source_tokenizer.fingerprint == origin.source_tokenizer.fingerprint
    for weight, before in zip(translator.model.weights, origin.model.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), before.numpy())
    said = {"model": "runs/letters", "weights": origin.fingerprint}
    assert read_run("runs/fine").origin == translator.about["origin"] == said
    assert "metrics" in origin.about and "metrics" not in translator.about
    assert f"weights: those of runs/letters ({origin.fingerprint[:16]})" in capsys.readouterr().err
    # Without a checkpoint it would begin again, and with the same weights.
    assert ready(FINE, resume=True).record.origin == said
    begun = Path("runs/fine/run.json")
    begun.write_text(begun.read_text().replace(origin.fingerprint, "0" * 64))
    with pytest.raises(RunFolderError, match=r'where start_from="runs/letters" is another model now\. Put that back'):
        ready(FINE, resume=True)


def test_a_vocabulary_grows_by_what_the_text_has(other: Path, capsys) -> None:
    origin = seq2seq.load("runs/letters/model.s2s")
    translator = ready(FINE.override(["tokenizer.grow=9", "tokenizer.symbols=<up>"])).translator
    old, new = origin.source_tokenizer, translator.target_tokenizer
    grown = [new.piece(id) for id in range(old.vocab_size, new.vocab_size)]
    assert translator.source_tokenizer is new and sorted(grown) == ["<up>", "X", "Y", "x", "y"]
    table = translator.model.decoder.embedding.embeddings.numpy()
    np.testing.assert_array_equal(table[: old.vocab_size], origin.model.decoder.embedding.embeddings.numpy())
    told = f"target vocabulary: {old.vocab_size} pieces as they were, 5 new, which start at the mean of the old pieces"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ("model.decoder.units=8", SettingsError, r"decoder\.units=\[8\], where it has \[4\].*Model: runs/letters"),
        ("model.attention.kind=dot", SettingsError, r"decoder\.attention='dot', where it has 'general'"),
        ("tokenizer.kind=word", SettingsError, r"by another tokenizer\.source\.kind, tokenizer\.target\.kind\. Take"),
        ("tokenizer.joint=false", SettingsError, r"by another tokenizer\.joint\."),
        ("start_from=corpus/train.lower", TranslatorFileError, r"no translator file"),
        ("start_from=absent.s2s", FileNotFoundError, r"Received: absent\.s2s"),
        ("start_from=$ABSENT/m.s2s", SettingsError, r"variable ABSENT says where the model lies and is not set"),
        ("start_from=${ABSENT}_x/m.s2s", SettingsError, r"variable ABSENT says where .* Set ABSENT, or"),
        ("start_from=$ABSENT-x/m.s2s", SettingsError, r"variable ABSENT says"),
        ("start_from=runs/begun", UsageError, r"has no model file yet"),
    ],
)
def test_what_does_not_go_on_is_refused_before_any_text_is_read(
    here: Path, changed: str, error: type[Exception], words: str
) -> None:
    Path("runs/begun").mkdir()
    shutil.copy("runs/letters/recipe.toml", "runs/begun")
    with pytest.raises(error, match=words):
        ready(FINE.override([changed]))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (["start_from=m.s2s", "model.encoder.pretrained=e.vec"], r'start_from="m\.s2s", model\.encoder\.pretrained="e'),
        (["start_from=m", "tokenizer.grow=9", "tokenizer.source.model=s"], r'grow=9, tokenizer\.source\.model="s"'),
        (["data.also.hold_out=4"], r"Received: data\.also\.hold_out=4, data\.also\.paths=\[\]\. Name the text"),
        (["data.also.weights=1,2"], r"Received: data\.also\.weights=\[1\.0, 2\.0\], data\.also\.paths"),
        (["tokenizer.grow=9"], r'tokenizer\.grow=9, start_from=""\. Name the model \(--from\)'),
        (["model.tied=all", "model.encoder.pretrained=e.vec"], r"Name it as model\.decoder\.pretrained alone"),
        (["data.also.paths=a,b", "data.also.weights=1"], r'paths=\["a", "b"\], data\.also\.weights=\[1\.0\]'),
        (["data.also.paths=a", "data.also.weights=0"], r"weights must be a list, each item a number above 0"),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other(changed: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        RECIPE.override(changed)


def test_other_text_is_mixed_in_without_what_was_held_out(other: Path) -> None:
    corpora, before = read_corpora(MIXED), read_corpora(RECIPE)
    (also,) = read_also(MIXED, corpora)
    assert also.sources == before.train.sources
    # Nor is anything that this run scores by, where it stands in the other text.
    again = MIXED.override(["data.path=corpus", "data.also.hold_out=0"])
    assert read_also(again, before)[0].sources == before.train.sources
    (sampled,) = read_also(MIXED.override(["data.also.sample=4"]), corpora)
    assert len(sampled) == 4 and set(sampled.sources) < set(also.sources)
    batches = ready(MIXED.override(["data.also.weights=0.5", "tokenizer.grow=9"])).batches
    assert isinstance(batches, MixedBatches) and batches.steps() == 2 + 1


def test_embeddings_start_from_vectors(here: Path, capsys) -> None:
    Path("letters.vec").write_text("▁ 0 0 1 0\na 1 2 3 4\nB 0 0.5 0 0\n", encoding="utf-8")
    recipe = RECIPE.override(["model.decoder.pretrained=letters.vec", "training.freeze=decoder.embedding"])
    translator = ready(recipe).translator
    table, pieces = translator.model.decoder.embedding.embeddings.numpy(), translator.target_tokenizer
    a, b = (table[pieces.encode(letter)[-1]] for letter in "aB")
    factor = b[1] / 0.5
    np.testing.assert_allclose(a, factor * np.arange(1, 5), rtol=1e-5)
    told = f"decoder embeddings: 3 of {pieces.vocab_size - 4} pieces (17.6%) start at their vectors in letters.vec"
    assert told in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"letters\.vec, line 1: vectors of width 4 for embeddings of width 5"):
        prepare(
            recipe.override(["model.decoder.embedding=5", "data.path=absent"]),
            open_run_folder("x"),
            None,
            "",
            {},
            Devices(),
        )


@pytest.mark.slow
def test_the_file_of_a_run_that_went_on_has_its_own_scores(other: Path, capsys: pytest.CaptureFixture) -> None:
    recipe = FINE.override(["start_from=", "training.freeze=encoder,decoder.embedding", "tokenizer.grow=0"])
    main(recipe, ["--from", "runs/letters", "--set", "tokenizer.grow=9"])
    origin, fine = (seq2seq.load(f"runs/{name}/model.s2s") for name in ("letters", "fine"))
    written, old = json.loads(Path("runs/fine/result.json").read_text()), origin.source_tokenizer.vocab_size
    assert written["origin"] == fine.about["origin"] == {"model": "runs/letters", "weights": origin.fingerprint}
    assert fine.about["metrics"] == written["metrics"] and fine.about["weights"] != origin.fingerprint
    for part in ("encoder.stack", "decoder.embedding"):
        ours, theirs = (attrgetter(part)(each.model).get_weights() for each in (fine, origin))
        for value, before in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(value[: len(before)], before)
    assert not np.array_equal(fine.model.decoder.combine.kernel.numpy(), origin.model.decoder.combine.kernel.numpy())
    capsys.readouterr()
    main(recipe, ["--from", "runs/letters", "--set", "tokenizer.grow=9"])  # safe to repeat
    assert "This run was finished before" in capsys.readouterr().err
    for what, size in (("runs/fine/model.s2s", ""), ("runs/fine/recipe.toml", f"fine ({old + 9} pieces, as far as")):
        assert command(["describe", what]) == 0
        out = capsys.readouterr().out
        assert f"Weights go on from runs/letters ({origin.fingerprint[:16]})." in out and out.startswith(size)


@pytest.mark.slow
def test_a_run_that_went_on_is_taken_up_again_exactly(other: Path) -> None:
    changed = [
        "training.freeze=encoder.embedding",
        "tokenizer.grow=9",
        "training.epochs=3",
        "training.checkpoint_steps=1",
    ]
    recipe = MIXED.override(changed)
    stops = [_stop_at(step, kill=False) for step in (8, 3, 8)]
    folders = ("straight", "stopped", "stopped")
    for folder, stop, resume in zip(folders, stops, (False, False, True), strict=True):
        if resume:
            shutil.rmtree("runs/letters")  # what it began with is in its checkpoint
        running.train_only(recipe, folder=folder, resume=resume, callbacks=[stop], progress="none")
    parts = compare(*(read_parts(Path(folder)) for folder in ("straight", "stopped")))
    # By their bytes alone: names are numbered anew for every model of a process.
    same = {part.name: part.first == part.second for part in parts}
    assert all(same[name] for name in ("weights", "random generators", "optimizer"))
    assert read_run("stopped").origin == read_run("straight").origin
