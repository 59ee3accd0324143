from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq import Tokenizer, corpus_from_pairs
from seq2seq.recipe import (
    AlsoSettings,
    BatchSettings,
    Data,
    Recipe,
    SettingsError,
    TokenizerSettings,
    TrainingSettings,
)
from seq2seq.recipe.build import build_batches
from seq2seq.recipe.corpora import need_text, read_also, read_corpora
from seq2seq.recipe.tokenizers import build_tokenizers
from seq2seq.text.corpus import Corpus, CorpusError, Pair
from tests.recipe.test_build import RECIPE


@pytest.mark.parametrize("streaming", [False, True])
def test_missing_parts_are_held_out_and_streams_are_batched(tmp_path: Path, streaming: bool) -> None:
    for language in ("de", "en"):
        (tmp_path / f"train.{language}").write_text("".join(f"Satz {number}\n" for number in range(20)))
    recipe = Recipe(
        "tiny",
        Data(str(tmp_path), "de", "en", validation="", test="", hold_out=3, streaming=streaming),
        tokenizer=TokenizerSettings(kind="char"),
        training=TrainingSettings(epochs=1),
    )
    corpora = read_corpora(recipe)
    assert corpora.test is not None
    assert corpora.train.streamed == streaming
    parts = [{pair.source for pair in corpus} for corpus in corpora if corpus is not None]
    assert [len(part) for part in parts] == [14, 3, 3] and len(set().union(*parts)) == 20
    source, target = build_tokenizers(recipe.tokenizer, corpora.train)
    batches = build_batches(recipe, corpora.train, source, target, cache=tmp_path / "cache")
    sources = [row for inputs, _ in batches.dataset() for row in inputs["source"].numpy().tolist()]
    assert sorted(source.decode(row) for row in sources) == sorted(parts[0])


def test_one_missing_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split, count in (("train", 9), ("test", 2)):
        for language in ("de", "en"):
            (tmp_path / f"{split}.{language}").write_text("".join(f"{split} {number}\n" for number in range(count)))
    corpora = read_corpora(Recipe("tiny", Data(str(tmp_path), "de", "en", validation="", hold_out=4)))
    assert [len(corpus) for corpus in corpora if corpus is not None] == [5, 4, 2]
    assert "sets nothing aside" not in capsys.readouterr().err
    read_corpora(Recipe("tiny", Data(str(tmp_path), "de", "en", validation="test", hold_out=4)))
    assert "data.hold_out=4 sets nothing aside" in capsys.readouterr().err
    corpora = read_corpora(Recipe("tiny", Data("x", "de", "en", validation="test", test="")), str(tmp_path))
    assert corpora.test is None and len(corpora.validation) == 2


def test_text_that_is_not_there_is_found_by_a_look(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("de\ten\neins\tone\nonly one column\n")  # the first pair is all that is read
    data = Data(str(tmp_path), "de", "en", validation="train", test="")
    need_text(Recipe("tiny", data))
    need_text(Recipe("tiny", Data("owner/on-the-hub", "de", "en")))
    for lacking, message in (
        (replace(data, path="$NOWHERE"), "NOWHERE"),
        (replace(data, path="nowhere"), "path='nowhere', which is not there"),
        (replace(data, validation="valid"), "valid"),
        (replace(data, test="test"), "test"),
        (replace(data, target="fr"), "fr"),
        (replace(data, also=AlsoSettings(paths=("elsewhere",))), "path='elsewhere'"),
    ):
        with pytest.raises((CorpusError, SettingsError), match=message):
            need_text(Recipe("tiny", lacking))


def test_a_sample_is_drawn_once_the_other_parts_are_set_aside(tmp_path: Path) -> None:
    for language in ("de", "en"):
        (tmp_path / f"train.{language}").write_text("".join(f"Satz {number}\n" for number in range(20)))
    data = Data(str(tmp_path), "de", "en", validation="", test="", hold_out=3)
    whole, sampled = (read_corpora(Recipe("tiny", replace(data, sample=count))) for count in (0, 5))
    assert len(whole.train) == 14 and len(sampled.train) == 5
    assert set(sampled.train) < set(whole.train)
    assert [list(part or ()) for part in sampled[1:]] == [list(part or ()) for part in whole[1:]]


def test_a_missing_part_offers_to_set_sentences_aside(tmp_path: Path) -> None:
    for language in ("de", "en"):
        (tmp_path / f"train.{language}").write_text("eins\nzwei\n")
    (tmp_path / "fra.txt").write_text("Go.\tVa !\n")
    one_file = Recipe("tiny", Data(str(tmp_path / "fra.txt"), "0", "1", train="fra"))
    pattern = Recipe("tiny", Data(f"{tmp_path}/{{split}}.{{lang}}", "de", "en"))
    for recipe in (RECIPE.override([f"data.path={tmp_path}"]), one_file, pattern):
        for missing, held in (("validation", ""), ("test", "validation=")):
            changes = [f"data.{held}", "data.hold_out=1"] if held else []
            with pytest.raises(CorpusError, match=rf'write data\.{missing}="" and set data\.hold_out to the number of'):
                read_corpora(recipe.override(changes))


def test_a_damaged_part_offers_nothing_else(tmp_path: Path) -> None:
    for language, text in (("de", "eins\nzwei\n"), ("en", "one\n")):
        (tmp_path / f"validation.{language}").write_text(text)
        (tmp_path / f"train.{language}").write_text("eins\n")
    with pytest.raises(CorpusError, match="as many source lines as target lines") as error:
        read_corpora(RECIPE.override([f"data.path={tmp_path}"]))
    assert "hold_out" not in str(error.value)


@pytest.mark.parametrize("streamed", [False, True])
def test_settings_of_batches_reach_them(streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}
    module, name = ("streaming", "StreamedBatches") if streamed else ("batches", "Batches")
    monkeypatch.setattr(f"seq2seq.text.{module}.{name}", lambda *_, **settings: given.update(settings))
    settings = BatchSettings(size=50, unit="tokens", max_source_length=11, max_target_length=12, pool=3)
    assert all(value != vars(BatchSettings())[name] for name, value in vars(settings).items())
    corpus = Corpus(lambda: [Pair("a", "b")], name="one", streamed=streamed)
    tokenizer = Tokenizer.train(["a b"], kind="char")
    for shuffle in (False, True):
        build_batches(replace(RECIPE, batches=settings, seed=4), corpus, tokenizer, tokenizer, shuffle=shuffle)
        assert given == {**vars(settings), "seed": 4, "shuffle": shuffle}


@pytest.mark.parametrize(
    ("also", "asked"),
    [
        (AlsoSettings(("other",)), ("learn", "de", "en")),
        (AlsoSettings(("other",), source="nl"), ("learn", "nl", "en")),
        (AlsoSettings(("other",), target="fr"), ("learn", "de", "fr")),
        (AlsoSettings(("other",), train="more"), ("more", "de", "en")),
    ],
    ids=["as_data", "source", "target", "train"],
)
def test_other_text_is_read_as_the_training_text_or_as_it_says(
    also: AlsoSettings, asked: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("own", "other"):
        Path(folder).mkdir()
    seen: list[tuple[str, str, str, str]] = []

    def read(path: str, split: str, *, source: str, target: str, **_: bool) -> Corpus:
        seen.append((path, split, source, target))
        return corpus_from_pairs([(f"{path} {split}", "x")])

    monkeypatch.setattr("seq2seq.text.reading.read_corpus", read)
    recipe = Recipe("mixed", Data("own", "de", "en", train="learn", also=also))
    need_text(recipe)
    corpora = read_corpora(recipe)
    (found,) = read_also(recipe, corpora)
    assert found.sources == [f"other {asked[0]}"]
    assert [each for each in seen if each[0] == "other"] == [("other", *asked)] * 2
    assert {each for each in seen if each[0] == "own"} == {
        ("own", split, "de", "en") for split in ("learn", "validation", "test")
    }
