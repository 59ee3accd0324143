import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from seq2seq import Tokenizer, corpus_from_pairs
from seq2seq.recipe import (
    Data,
    DecoderSettings,
    EncoderSettings,
    ModelSettings,
    Recipe,
    SourceTokenizerSettings,
    TargetTokenizerSettings,
    TokenizerSettings,
    TrainingSettings,
    tokenizers,
)
from seq2seq.recipe.build import build_batches, build_model
from seq2seq.recipe.corpora import read_corpora
from seq2seq.recipe.tokenizers import build_tokenizers
from seq2seq.settings import SettingsError
from seq2seq.text.corpus import Corpus, CorpusError, Pair
from tests.marks import quick

RECIPE = Recipe(
    "tiny",
    Data("absent", "de", "en"),
    model=ModelSettings(embedding=4, encoder=EncoderSettings((4,)), decoder=DecoderSettings((8,))),
)


@pytest.mark.parametrize(
    "changes",
    quick(
        [
            [],
            ["model.attention.kind=none"],
            [
                "model.encoder.units=4,6",
                "model.decoder.units=8,8,8",
                "model.bridge.mode=[[0],[0,1],[]]",
                "model.bridge.merge=sum",
            ],
            [
                "model.encoder.units=4,4",
                "model.decoder.units=8",
                "model.bridge.align=top",
                "model.encoder.bidirectional=true,true",
            ],
            [
                "model.encoder.bidirectional=never",
                "model.encoder.reverse=true",
                "model.bridge.mode=concatenated",
                "model.bridge.states=hidden",
            ],
            ["model.tied=all", "model.attention.input_feeding=true", "model.attention.kind=additive"],
            [
                "model.encoder.units=8,8,8",
                "model.decoder.units=8,8,8",
                "model.encoder.bidirectional=first",
                "model.residual_from=2",
            ],
            ["model.cell=gru", "model.decoder.cell=peephole_lstm", "model.bridge.missing=project"],
            ["model.recurrent_dropout=0.2", "model.encoder.recurrent_dropout=0", "model.decoder.dropout=0.3"],
            ["model.encoder.embedding=6", "model.embedding_dropout=0.4", "model.decoder.embedding_dropout=0"],
            ["training.precision=mixed_bfloat16"],
        ],
        [],
        ["model.attention.kind=none"],
        ["training.precision=mixed_bfloat16"],
    ),
    ids=" ".join,
)
def test_settings_reach_the_model(changes: list[str]) -> None:
    recipe = RECIPE.override([*changes, "training.label_smoothing=0.2", "model.dropout=0.1"])
    model = build_model(recipe, 20, 20)
    settings = recipe.model.resolved()
    kind = settings.attention.kind
    assert tuple(model.encoder.stack.units) == settings.encoder.units
    assert tuple(model.decoder.units) == settings.decoder.units
    assert model.encoder.reverse == settings.encoder.reverse
    assert model.decoder.attention_name == (None if kind == "none" else kind)
    assert model.decoder.input_feeding == settings.attention.input_feeding
    assert (model.encoder.embedding is model.decoder.embedding) == (settings.tied == "all")
    assert model.bridge.merge == settings.bridge.merge and model.bridge.states == settings.bridge.states
    assert model.label_smoothing == 0.2
    for side, wanted in ((model.encoder, settings.encoder), (model.decoder, settings.decoder)):
        assert side.embedding_dim == wanted.embedding and side.embedding_dropout == wanted.embedding_dropout
        assert side.stack.cell.name == wanted.cell
        assert side.stack.dropout == wanted.dropout and side.stack.recurrent_dropout == wanted.recurrent_dropout
    assert model.bridge.missing == settings.bridge.missing
    assert model.decoder.dtype_policy.name == recipe.training.precision
    model.compile(optimizer="sgd", run_eagerly=True)
    ids = np.full((2, 3), 5, np.int32)
    assert np.isfinite(model.train_on_batch({"source": ids, "target_in": ids}, ids)[0])


def test_the_seed_draws_the_weights() -> None:
    def weights(seed: int) -> np.ndarray:
        return np.concatenate(
            [np.ravel(weight) for weight in build_model(RECIPE.override([f"seed={seed}"]), 9, 9).get_weights()]
        )

    assert np.array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


def test_architectures_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = RECIPE.override(["model.embedding=256", "model.encoder.units=256,256", "model.decoder.units=512,512"])
    policy = keras.config.dtype_policy().name
    for name, depth in (("sutskever2014", 4), ("bahdanau2014", 1), ("luong2015", 4), ("gnmt2016", 8)):
        chosen = recipe.override(
            [f"model.architecture={name}", "model.width=0.01", "training.precision=mixed_bfloat16"]
        )
        model = build_model(chosen, 20, 20)
        assert len(model.decoder.units) == depth
        assert model.decoder.dtype_policy.name == "mixed_bfloat16"
        assert capsys.readouterr().err.count(f"{name} departs from its paper") == 1
    assert keras.config.dtype_policy().name == policy


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["model.tied=all", "tokenizer.joint=false"], r'model\.tied="all", tokenizer\.joint=false'),
        (["model.encoder.units=4,4"], r"encoder depth=2, decoder depth=1"),
        (["model.attention.kind=none", "model.bridge.mode=zero"], r"would never see the source"),
        (["model.attention.kind=none", "model.attention.input_feeding=true"], r"needs attention"),
    ],
)
def test_what_is_refused(changes: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_model(RECIPE.override(changes), 20, 20)


def test_tokenizers(tmp_path: Path) -> None:
    corpus = corpus_from_pairs([("ab ba", "xy"), ("abab", "yx x")])
    source, target = build_tokenizers(TokenizerSettings(kind="char"), corpus)
    assert source is target and source.decode(source.encode("ab xy")) == "ab xy"
    source, target = build_tokenizers(TokenizerSettings(kind="char", joint=False), corpus)
    assert source.decode(source.encode("ab")) == "ab" and target.decode(target.encode("ab")) != "ab"
    source.save(tmp_path / "s.model")
    target.save(tmp_path / "t.model")
    given = TokenizerSettings(
        source=SourceTokenizerSettings(model=str(tmp_path / "s.model")),
        target=TargetTokenizerSettings(model=str(tmp_path / "t.model")),
        joint=False,
    )
    assert [one.fingerprint for one in build_tokenizers(given, corpus)] == [source.fingerprint, target.fingerprint]


def test_given_tokenizers_are_joint_only_where_they_are_the_same(tmp_path: Path) -> None:
    # As many pieces in both: nothing but their content tells the vocabularies apart.
    for name, text in (("s", "ab"), ("t", "xy")):
        Tokenizer.train([text], kind="char").save(tmp_path / f"{name}.model")
    shutil.copy(tmp_path / "s.model", tmp_path / "copy.model")
    corpus = corpus_from_pairs([("ab", "xy")])

    def given(target: str, joint: bool = True) -> TokenizerSettings:
        return TokenizerSettings(
            source=SourceTokenizerSettings(model=str(tmp_path / "s.model")),
            target=TargetTokenizerSettings(model=str(tmp_path / target)),
            joint=joint,
        )

    with pytest.raises(SettingsError, match=r"joint=true, .*s\.model.*t\.model.*differ\. Set tokenizer\.joint=false"):
        build_tokenizers(given("t.model"), corpus)
    source, target = build_tokenizers(given("t.model", joint=False), corpus)
    assert source.vocab_size == target.vocab_size
    with pytest.raises(SettingsError, match=r"One matrix for both sides needs one vocabulary"):
        build_model(RECIPE.override(["model.tied=all", "tokenizer.joint=false"]), source.vocab_size, target.vocab_size)
    source, target = build_tokenizers(given("copy.model"), corpus)
    assert source is target


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tokenizer_learns_from_a_share_of_a_large_corpus(
    streamed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tokenizers, "_TOKENIZER_PAIRS", 50)
    seen: list[str] = []

    def train(sentences: Iterable[str], **_: object) -> object:
        seen.extend(sentences)
        return object()

    monkeypatch.setattr(Tokenizer, "train", train)
    corpus = Corpus(
        lambda: [Pair(str(number), f"-{number}") for number in range(1003)], name="numbers", streamed=streamed
    )
    build_tokenizers(TokenizerSettings(), corpus)
    told = capsys.readouterr().err
    sources = [int(text) for text in seen[::2]]
    assert len(sources) == 50 and [int(text) for text in seen[1::2]] == [-source for source in sources]
    if streamed:
        assert sources == list(range(50)) and "the first 50 pairs of numbers" in told
    else:
        ends = [stretch * 1003 // 50 for stretch in range(51)]
        assert all(start <= source < end for start, source, end in zip(ends, sources, ends[1:], strict=False))
        assert "50 of the 1,003 pairs" in told
        assert len({source % 20 for source in sources}) > 10  # from all over each stretch
        assert seen == list(tokenizers._sides(corpus, 0, 1))
    monkeypatch.setattr(tokenizers, "_TOKENIZER_PAIRS", 2000)
    seen.clear()
    build_tokenizers(TokenizerSettings(), corpus)
    assert len(seen) == 2 * 1003
    assert streamed or not capsys.readouterr().err


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


def test_one_missing_part(tmp_path: Path) -> None:
    for split, count in (("train", 9), ("test", 2)):
        for language in ("de", "en"):
            (tmp_path / f"{split}.{language}").write_text("".join(f"{split} {number}\n" for number in range(count)))
    corpora = read_corpora(Recipe("tiny", Data(str(tmp_path), "de", "en", validation="", hold_out=4)))
    assert [len(corpus) for corpus in corpora if corpus is not None] == [5, 4, 2]
    corpora = read_corpora(Recipe("tiny", Data("x", "de", "en", validation="test", test="")), str(tmp_path))
    assert corpora.test is None and len(corpora.validation) == 2


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


def test_a_deep_stack_is_told_when_it_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    deep = ["model.encoder.units=2,2,2,2,2", "model.decoder.units=4,4,4,4,4"]
    build_model(RECIPE.override(deep), 9, 9)
    assert "the encoder 5 and the decoder 5 on top of each other" in capsys.readouterr().err
    build_model(RECIPE.override([*deep, "model.residual_from=1"]), 9, 9)
    assert capsys.readouterr().err == ""


def test_given_tokenizers_come_for_both_sides() -> None:
    with pytest.raises(SettingsError, match="both sides or for none"):
        TokenizerSettings(target=TargetTokenizerSettings(model="x.model"))


def test_a_tokenizer_per_side(tmp_path: Path) -> None:
    """Letters in, whatever their case; phones out, as they are."""
    corpus = corpus_from_pairs([("Tea", "T IY"), ("eat", "IY T"), ("ﬁn", "F IH N")])
    settings = TokenizerSettings(
        joint=False,
        normalization="identity",
        source=SourceTokenizerSettings(kind="char", normalization="nmt_nfkc_cf"),
        target=TargetTokenizerSettings(kind="word", vocab_size=100),
    )
    source, target = build_tokenizers(settings, corpus)
    assert source.encode("TEA") == source.encode("tea") and source.decode(source.encode("ﬁ")) == "fi"
    assert [target.piece(id) for id in target.encode("T IY")] == ["▁T", "▁IY"]
    source.save(tmp_path / "letters.model")
    given = replace(settings, source=SourceTokenizerSettings(model=str(tmp_path / "letters.model")))
    assert [one.fingerprint for one in build_tokenizers(given, corpus)] == [source.fingerprint, target.fingerprint]


def test_sides_that_come_out_the_same_are_one() -> None:
    source, target = build_tokenizers(TokenizerSettings(kind="char", joint=False), corpus_from_pairs([("ab", "ab")]))
    assert source is target
