import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq import Tokenizer, corpus_from_pairs
from seq2seq.recipe import (
    SourceTokenizerSettings,
    TargetTokenizerSettings,
    TokenizerSettings,
    tokenizers,
)
from seq2seq.recipe.build import build_model
from seq2seq.recipe.tokenizers import build_tokenizers
from seq2seq.settings import SettingsError
from seq2seq.text.corpus import Corpus, Pair
from tests.recipe.test_build import RECIPE


def test_tokenizers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
    assert capsys.readouterr().err == ""
    build_tokenizers(replace(given, kind="char", vocab_size=50), corpus)
    assert "Nothing is changed by tokenizer.kind=char, tokenizer.vocab_size=50: a" in capsys.readouterr().err


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


@pytest.mark.parametrize("kind", ["char", "word", "bpe", "unigram"])
def test_a_given_tokenizer_has_the_symbols_that_are_asked_for(tmp_path: Path, kind: str) -> None:
    corpus = corpus_from_pairs([("ab", "xy")])
    for symbols, name in ((["<de>"], "with"), ([], "without")):
        Tokenizer.train(["ab ba dog"] * 9, kind=kind, vocab_size=20, symbols=symbols).save(tmp_path / f"{name}.model")
    for name in ("with", "without"):
        path = str(tmp_path / f"{name}.model")
        given = {"source": SourceTokenizerSettings(model=path), "target": TargetTokenizerSettings(model=path)}
        settings = TokenizerSettings(symbols=("<de>",), **given)
        if name == "with":
            source, _ = build_tokenizers(settings, corpus)
            assert source.decode(source.encode("<de> ab")) == "<de> ab"
            continue
        with pytest.raises(SettingsError, match=r"tokenizer\.source\.model=.*without\.model\", which cuts '<de>' of"):
            build_tokenizers(settings, corpus)


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


def test_settings_of_each_side_reach_its_training(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, object]] = []
    train = Tokenizer.train

    def record(sentences: Iterable[str], **settings: object) -> Tokenizer:
        given.append(settings)
        return train(sentences, kind="char")

    monkeypatch.setattr(Tokenizer, "train", record)
    both = {"kind": "bpe", "vocab_size": 77, "byte_fallback": True, "normalization": "identity",
            "character_coverage": 0.5, "symbols": ("<a>",)}  # fmt: skip
    own = {"kind": "word", "vocab_size": 88, "byte_fallback": False, "normalization": "nfkc_cf",
           "character_coverage": 0.75, "symbols": ("<b>",)}  # fmt: skip
    usual = vars(TokenizerSettings())
    assert all(usual[name] != value for name, value in both.items())
    corpus = corpus_from_pairs([("ab", "xy")])
    build_tokenizers(TokenizerSettings(joint=True, **both), corpus)
    assert given == [both]
    build_tokenizers(TokenizerSettings(joint=False, **both, source=SourceTokenizerSettings(**own)), corpus)
    assert given[1:] == [own, both]


def test_a_coverage_below_one_leaves_the_rarest_characters_out() -> None:
    corpus = corpus_from_pairs([("ab" * 50, "az")])
    pieces = {}
    for coverage in (1.0, 0.98):
        tokenizer, _ = build_tokenizers(TokenizerSettings(kind="char", character_coverage=coverage), corpus)
        pieces[coverage] = {tokenizer.piece(number) for number in range(tokenizer.vocab_size)}
    assert pieces[1.0] - pieces[0.98] == {"z"}


def test_sides_that_come_out_the_same_are_one() -> None:
    source, target = build_tokenizers(TokenizerSettings(kind="char", joint=False), corpus_from_pairs([("ab", "ab")]))
    assert source is target
