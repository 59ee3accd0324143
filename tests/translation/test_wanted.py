"""Translations that begin as a person says, and have nothing of what must not be."""

import keras
import numpy as np
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.commands.command import main
from seq2seq.search import Beam, Greedy, Sample
from seq2seq.translation import Shortlist, Terms
from seq2seq.translation.parts import parts_of
from seq2seq.translation.wanted import Wanted

TEXTS = ["ein Haus am See", "Wald", "der See und der Wald"]


@pytest.fixture(scope="module")
def translator():
    tokenizer = Tokenizer.train([*TEXTS, "a house by the lake"], kind="char")
    keras.utils.set_random_seed(3)
    size = tokenizer.vocab_size
    model = Seq2Seq(Encoder(size, 8, [12]), StateBridge([12]), Decoder(size, 8, [12], "dot"))
    for weight in model.trainable_variables:
        weight.assign(4 * weight)
    shortlist = Shortlist(np.arange(4, 9, dtype=np.int32), np.zeros((size, 0), np.int32))
    return Translator(model, tokenizer, tokenizer, about={"decoding": {"beam_size": 2}}, shortlist=shortlist)


@pytest.mark.slow
def test_translations_begin_as_is_said(translator):
    prefixes = ["der Wald", "", "a"]
    plain = translator.translate(TEXTS)
    for search in (None, Greedy(), Sample(seed=1)):
        found = translator.translate(TEXTS, search, prefixes=prefixes, batch_size=2)
        assert all(text.startswith(prefix) for text, prefix in zip(found, prefixes, strict=True))
    assert translator.translate(TEXTS, prefixes=prefixes)[1] == plain[1]
    assert translator.translate(TEXTS, prefixes=["", "", ""]) == translator.translate(TEXTS, avoid=["x", ""]) == plain
    # Longer than a translation may become: whole, and told to be cut.
    (best,) = translator.hypotheses(["Wald"], Greedy(max_length_factor=0.01), prefixes=["der See und der Wald"])
    assert best[0].text == "der See und der Wald" and not best[0].ended
    found = translator.translate(TEXTS, shortlist=True, prefixes=["house", "", ""])
    assert found[0].startswith("house")


def test_what_is_to_be_avoided_is(translator):
    prefixes = ["derl", "aml", "einl"]
    plain = translator.translate(TEXTS, prefixes=prefixes)
    phrase = plain[0][:6]
    assert "⁇" not in phrase  # what stands for no letters can be named by none
    found = translator.translate(TEXTS, prefixes=prefixes, avoid=["x", phrase, "ж"])
    assert found[0].startswith("derl") and not found[0].startswith(phrase) and found[1:] == plain[1:]
    assert translator.translate(TEXTS, shortlist=True, avoid=[phrase])


def test_of_a_text_in_parts_the_first_begins_with_it(translator):
    long = "Wald" * 300
    (best,) = translator.hypotheses([long], Greedy(), prefixes=["der"])
    assert best[0].parts == 2 and best[0].text.startswith("der")
    wanted = Wanted([[6], []], [], [[[7]], []])
    assert wanted.batch([1, 0]) == Wanted([[], [6]], [], [[], [[7]]]) and wanted.batch([1]).constraints() is None


def test_of_a_text_in_parts_each_has_its_own_terms(translator, monkeypatch):
    monkeypatch.setattr(Translator, "longest_part", 9)
    texts = ["Wald und See", "Wald"]
    parts = parts_of(translator.source_tokenizer, texts, 9)
    assert [(part.place, part.text) for part in parts] == [(0, "Wald und"), (0, " See"), (1, "Wald")]
    terms = Terms({"Wald": "house", "See": "lake"})
    wanted = Wanted.of(translator.target_tokenizer, texts, ["a", "by"], (), terms, parts)
    a, by, house, lake = map(translator.target_tokenizer.encode, ("a", "by", "house", "lake"))
    assert wanted == Wanted([a, [], by], [], [[house], [lake], [house]])
    (best,) = translator.translate([texts[0]], Beam(8), terms=terms.table, protect="See", details=True)
    assert best.hypotheses[0].parts == 2 and not best.hypotheses[0].lost and not terms.missing(texts[0], best.text)


def test_what_must_be_and_must_not_is_refused_before_any_work(translator):
    for options, told in (
        (
            {"prefixes": ["", "a house by"], "avoid": ["lake", "house"]},
            r"prefixes\[1\]='a house by', and avoid='house'",
        ),
        ({"terms": {"x": "by the lake"}, "avoid": ["lake"]}, "the term 'by the lake', and avoid='lake'"),
        ({"terms": {"x": "ж"}}, "Received: 'ж', with signs"),
        ({"terms": {"x": "lake"}, "search": Sample()}, "Received: phrases, with settings=Sample"),
        ({"terms": {"x": "lake"}, "search": Beam(4, groups=2, diversity=0.5)}, "Received: phrases, with groups=2"),
    ):
        with pytest.raises(ValueError, match=told):
            translator.translate(["Wald", "See"], **options)
    # The same letters in other pieces are another phrase, and where a word only begins so, the prefix holds.
    for phrase in ("he", "th"):
        assert translator.translate(["Wald"], prefixes=["the"], avoid=[phrase])[0].startswith("the")


@pytest.mark.slow
def test_terms_are_placed_where_their_phrase_occurs(translator):
    plain = translator.translate(TEXTS, Beam(8))
    terms = {"Haus": "house", "See": "lake", "der": "by"}
    found = translator.translate(TEXTS, Beam(8), terms=terms, batch_size=2)
    assert "house" in found[0] and "lake" in found[0] and "lake" in found[2] and "by" in found[2]
    assert found[1] == plain[1] and found == translator.translate(TEXTS, Beam(8), terms=terms)
    assert translator.translate(TEXTS, Beam(8), terms={"Hau": "house"}) == plain
    short = translator.hypotheses(TEXTS, Beam(8, max_length_factor=0.01), terms=terms, shortlist=True)
    assert "house" in short[0][0].text
    with pytest.raises(ValueError, match=r"Received: 'ж', with signs that it does not have"):
        translator.translate(TEXTS, terms={"Wald": "ж"})
    with pytest.raises(ValueError, match=r"phrases, with settings=Greedy.* Use Beam\(10\)"):
        translator.translate(TEXTS, Greedy(), terms=terms)


def test_a_table_of_terms(tmp_path):
    (tmp_path / "terms").write_text("Haus am See\tlake house\n\nHaus\thouse\n")
    terms = Terms.read(tmp_path / "terms")
    assert terms.of("Haus, Haus am See und Haus.") == ["house", "lake house"] and terms.of("Haustür") == []
    assert Terms({"東京": "Tokyo", "AI": "KI"}).of("東京でAIを AIs") == ["Tokyo", "KI"]
    assert Terms({"東京": "Tokyo"}).of("x東京") == ["Tokyo"]  # no space shows where words begin
    for line in ("Haus", "Haus\t", "a\tb\tc"):
        (tmp_path / "terms").write_text(f"x\ty\n{line}\n")
        with pytest.raises(ValueError, match=r"a tab and its translation\. Received: .*terms, line 2"):
            Terms.read(tmp_path / "terms")
    with pytest.raises(ValueError, match="Received: '' for 'x'"):
        Terms({" ": "x"})
    (tmp_path / "terms").write_text("Haus\thouse\nHaus\thouse\n Haus\thome\n")
    with pytest.raises(
        ValueError, match=r"one translation\. Received: .*terms, line 3: ' Haus\\thome', before 'house'"
    ):
        Terms.read(tmp_path / "terms")
    with pytest.raises(ValueError, match="Received: 'Haus' for 'home', and for 'house'"):
        Terms({"Haus": "house", "Haus ": "home"})


def test_terms_as_a_tokenizer_writes_them():
    lower = Tokenizer.train(["a lake house", "ein Haus"], kind="char", normalization="nmt_nfkc_cf")
    terms = Terms({"Haus": "Lake  House", "See": "lake"})
    assert terms.missing("Haus", "a lake house") == ["Lake  House"]
    assert terms.written(lower).missing("Haus am See", "a lake house") == []
    assert terms.written(lower).missing("Haus am See", "a house") == ["lake house", "lake"]


@pytest.mark.parametrize(
    ("texts", "prefixes", "message"),
    [
        (["a"], ["a", "b"], "Received: 1 texts, 2 prefixes"),
        ([" "], ["a"], r"Received: prefixes\[0\]='a' for ' '"),
        (["a"], ["ж"], r"Received: prefixes\[0\]='ж', with signs that it does not have"),
    ],
)
def test_refusals(translator, texts, prefixes, message):
    with pytest.raises(ValueError, match=message):
        translator.translate(texts, prefixes=prefixes)


@pytest.mark.slow
def test_the_command(translator, saved, tmp_path, capsysbinary):
    (tmp_path / "in").write_text("\n".join(TEXTS))
    (tmp_path / "begin").write_text("der\n\na\n")
    (tmp_path / "avoid").write_text("e\n")
    given = ["translate", str(saved), "--input", f"{tmp_path}/in", "--prefixes", f"{tmp_path}/begin"]
    assert main([*given, "--avoid", f"{tmp_path}/avoid"]) == 0
    expected = translator.translate(TEXTS, prefixes=["der", "", "a"], avoid=["e"])
    assert capsysbinary.readouterr().out.decode().splitlines() == expected
    (tmp_path / "terms").write_text("Wald\thouse\nHaus\tlake\n")
    terms = ["--terms", f"{tmp_path}/terms", "--beam-size", "8"]
    assert main(["translate", str(saved), "--input", f"{tmp_path}/in", *terms]) == 0
    out, err = capsysbinary.readouterr()
    expected = translator.translate(TEXTS, Beam(8), terms={"Wald": "house", "Haus": "lake"})
    assert out.decode().splitlines() == expected and b"of terms" not in err
    for lines, problem in (("der\n", "fewer"), ("\n" * 4, "more")):
        (tmp_path / "begin").write_text(lines)
        assert main(given) == 1
        assert f"with {problem} lines than there are to translate" in capsysbinary.readouterr().err.decode()


def test_beams_keep_to_a_prefix(translator):
    (found,) = translator.hypotheses(["Wald"], Beam(3, n_best=3), prefixes=["der "])
    assert all(one.text.startswith("der") for one in found)


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("GPU", "使用GPU加速", True),
        ("GPU", "eine GPU.", True),
        ("GPU", "GPUs", False),
        ("दी", "हिन्दी", False),
        ("cafe", "ein cafe\u0301", False),
        ("家", "国家的", True),
    ],
)
def test_a_term_stands_where_words_begin_and_end(phrase: str, text: str, found: bool) -> None:
    assert Terms({phrase: "x"}).of(text) == ["x"] * found
