"""What comes through from the source: unknown words and what is protected."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.commands.command import make_parser
from seq2seq.commands.decoding_options import chosen_copying, named_dictionary
from seq2seq.search import Beam, DecodingSettings, Greedy, Hypotheses, Sample
from seq2seq.settings import SettingsError
from seq2seq.system.terminal import UsageError
from seq2seq.text import END, PAD, UNKNOWN
from seq2seq.text.tokenizer import _parsed
from seq2seq.translation.copying import Copying, Part, read_dictionary
from seq2seq.translation.details import target_pieces

WORDS = ["the cat sat on the mat", "a dog sat in the hat"]


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    return Tokenizer.train(WORDS, kind="word")


@pytest.fixture(scope="module")
def letters() -> Tokenizer:
    return Tokenizer.train(WORDS, kind="char")


class Saying:
    """A model that says what it is told, and looks where it is told."""

    attends = True
    weights = ()
    encoder, decoder = SimpleNamespace(vocab_size=99), SimpleNamespace(vocab_size=0)  # right for any tokenizers

    def __init__(self, *ids: list[int], looked: list[list[int]]) -> None:
        self._ids, self._looked = ids, looked

    def decode(self, source: np.ndarray, *_: Any, constraints: Any = None) -> Hypotheses:
        time = max(map(len, self._ids))
        tokens = np.array([[[*ids, *[PAD] * (time - len(ids))]] for ids in self._ids])
        attention = np.zeros((*tokens.shape, source.shape[1]), np.float32)
        for row, places in enumerate(self._looked):
            attention[row, 0, np.arange(len(places)), places] = 1
        return Hypotheses(tokens, np.zeros(tokens.shape[:2]), np.zeros(tokens.shape), tokens[..., 0] != PAD, attention)


def said(tokenizer: Tokenizer, ids: list[int], looked: list[int]) -> Translator:
    return Translator(Saying([*ids, END], looked=[looked]), tokenizer, tokenizer)  # type: ignore[arg-type]


class TestUnknown:
    def test_words_stand_where_the_model_says_unknown(self, words: Tokenizer) -> None:
        cat, sat = words.encode("cat sat")
        translator = said(words, [UNKNOWN, cat, UNKNOWN], [1, 0, 3, 3])
        source = ["the zebra, sat Zoë"]
        assert translator.translate(source) == ["⁇ cat ⁇"]
        assert translator.translate(source, unknown="copy") == ["zebra, cat Zoë"]
        assert translator.translate(source, unknown="copy", dictionary={"Zoë": "Zoe"}) == ["zebra, cat Zoe"]
        # What is to be avoided does not come in that way; an unknown word is read with those beside it.
        (avoided,) = translator.translate(source, unknown="copy", avoid=["Zoë", "mat"])
        assert avoided == "zebra, cat ⁇"
        named = {"unknown": "copy", "dictionary": {"Zoë": "the mat"}, "avoid": ["mat"]}
        assert translator.translate(source, **named) == ["zebra, cat ⁇"]
        # What it knows is copied, too; where it looked at the end, what it looked at most of the rest.
        assert said(words, [UNKNOWN, sat], [2, 0, 0]).translate(["a cat hat"], unknown="copy") == ["hat sat"]
        assert said(words, [UNKNOWN], [3, 3]).translate(["a cat hat"], unknown="copy") == ["a"]

    def test_details_are_of_the_text_that_is_written(self, words: Tokenizer) -> None:
        # Unknown words side by side are one piece.
        translator = said(words, [UNKNOWN, *words.encode("sat")], [1, 2, 3])
        (found,) = translator.translate(["the Foo Bar sat"], unknown="copy", details=True)
        (best,) = found.hypotheses
        assert (best.text.split(), best.tokens, best.words) == (
            ["Foo", "Bar", "sat"],
            ("<unk>", "▁sat", "</s>"),
            (0, 2, None),
        )
        assert found.word_links() == [(1, 0), (3, 2)]

    def test_part_of_a_word(self, letters: Tokenizer) -> None:
        space, h = letters.encode("h")
        translator = said(letters, [space, h, UNKNOWN, h], [0, 1, 2, 3, 4])
        assert translator.translate(["h日h"], unknown="copy") == ["h日h"]

    def test_of_a_text_in_parts(self, words: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("seq2seq.translation.parts.LONGEST", 2)
        parts = Saying([UNKNOWN, END], [UNKNOWN, END], looked=[[1, 2], [0, 1]])
        translator = Translator(parts, words, words)  # type: ignore[arg-type]
        (found,) = translator.translate(["the Foo cat"], unknown="copy", details=True)
        assert found.text.split() == ["Foo", "cat"] and found.pharaoh() == "1-0 2-1"

    def test_a_dictionary_in_a_file(self, tmp_path) -> None:
        path = tmp_path / "names.tsv"
        path.write_text("Zoë\tZoe\n\nx\ty z\n")
        assert read_dictionary(path) == {"Zoë": "Zoe", "x": "y z"}
        path.write_text("a\tb\na\tb\n")
        assert read_dictionary(path) == {"a": "b"}
        path.write_text("a\tb\na \tc\n")
        with pytest.raises(ValueError, match=r"one translation\. Received: .*line 2: 'a \\tc', before 'b'"):
            read_dictionary(path)
        for line in ("Zoë", "Zoë\t", "a b\tc", "a\tb\tc"):
            path.write_text(f"\n{line}\n")
            with pytest.raises(
                ValueError, match=r"one word of the source, a tab and its translation\. Received: .*line 2"
            ):
                read_dictionary(path)


class TestProtect:
    NUMBERS = r"\d+|<[^>]*>"

    def test_what_is_found_must_appear_and_comes_back_as_it_was(self, letters: Tokenizer) -> None:
        copying = Copying(letters, letters, protect=self.NUMBERS)
        assert copying.protected("a 12 <b>cat</b> 12 7") == ["12", "<b>", "</b>", "7"]
        assert [len(ids) for ids in copying.phrases("12 cat")] == [2]  # a space, and what is unknown
        ids = [*letters.encode("a cat"), *letters.encode("12"), *letters.encode("sat"), END]
        assert "".join(copying.surfaces(ids, None, Part([], ["12"]))) == "a cat 12 sat"
        grown = [*letters.encode("12"), *letters.encode("the")[1:], END]
        surfaces = copying.surfaces(grown, None, Part([], ["12"]))
        assert "".join(surfaces) == "12 the"
        assert target_pieces(letters, grown, surfaces)[1] == (0, 0, 1, 1, 1, None)
        # Of two that are cut alike each has its place.
        twice = [*letters.encode("12"), *letters.encode("34"), END]
        assert "".join(copying.surfaces(twice, None, Part([], ["12", "34"]))) == "12 34"

    def test_what_is_lost_is_named(self, letters: Tokenizer, capsys: pytest.CaptureFixture[str]) -> None:
        copying = Copying(letters, letters, protect=self.NUMBERS)
        assert copying.lost("12 <b>cat</b> 12 7", "the 12, 17 <b>cat</b>") == ("12", "7")
        assert copying.lost("12", "12") == copying.lost("cat", "") == ()
        translator = said(letters, letters.encode("a cat"), [0] * 6)
        assert translator.translate(["the 12"], Beam(2), protect=self.NUMBERS) == ["a cat"]
        told = capsys.readouterr().err
        assert (
            told
            == "Did not come through: 1 protected piece, the first of texts[0]: '12'. details=True names them all.\n"
        )
        (found,) = translator.translate(["the 12"], Beam(2), protect=self.NUMBERS, details=True)
        assert found.to_json()["lost"] == ["12"] and capsys.readouterr().err == ""

    def test_a_model_hands_it_through(self, letters: Tokenizer) -> None:
        size = letters.vocab_size
        model = Seq2Seq(Encoder(size, 4, [6]), StateBridge([6]), Decoder(size, 4, [6], "dot"))
        for place, weight in enumerate(model.trainable_variables):
            weight.assign(np.random.default_rng(place).normal(size=weight.shape))
        translator = Translator(model, letters, letters)
        texts = ["the cat 12", "a hat", "<a> sat <e>"]
        found = translator.translate(texts, Beam(8), protect=self.NUMBERS, unknown="copy", details=True)
        for text, each in zip(texts, found, strict=True):
            (best,) = each.hypotheses
            assert best.lost == () and all(piece in best.text for piece in text.split() if not piece.isalpha())
            assert {word for word in best.words if word is not None} == set(range(len(best.text.split())))
        assert found[1].text == translator.translate(texts, Beam(8), unknown="copy")[1]


class TestSettings:
    def test_the_translators_own_go_with_its_own_search(self, words: Tokenizer) -> None:
        about = {"decoding": {"search": {"kind": "beam"}, "unknown": "copy", "protect": "[0-9]+"}}
        model = Saying([UNKNOWN, END], looked=[[1, 2]])
        translator = Translator(model, words, words, about=about)  # type: ignore[arg-type]
        assert (translator.unknown, translator.protect) == ("copy", "[0-9]+")
        assert translator.translate(["the Foo"]) == ["Foo"]
        assert translator.translate(["the Foo"], unknown="keep") == translator.translate(["the Foo"], Beam(5)) == ["⁇"]
        assert translator.translate(["the 12"]) == ["12"]
        assert translator.hypotheses(["cat 1 hat 2"])[0][0].lost == ("2",)
        arguments = make_parser().parse_args(["translate", "x.s2s"])
        assert chosen_copying(arguments, translator, named_dictionary(arguments)) == {
            "unknown": "copy",
            "dictionary": None,
            "protect": "[0-9]+",
        }
        arguments = make_parser().parse_args(
            ["translate", "x.s2s", "--unknown", "keep", "--protect", "", "--dictionary", "x"]
        )
        with pytest.raises(UsageError, match="Received: --dictionary x without --unknown copy"):
            chosen_copying(arguments, translator, {})

    def test_what_is_refused(self, words: Tokenizer) -> None:
        translator = said(words, [UNKNOWN], [0, 1])
        for search in (Greedy(), Sample(), Beam(4, groups=2, diversity=0.5)):
            with pytest.raises(ValueError, match=r"protect='x', with search=.*Use Beam\(5\)"):
                translator.translate(["a"], search, protect="x")
        with pytest.raises(ValueError, match=r"regular expression as Python reads it\. Received: protect='\(', where"):
            translator.translate(["a"], Beam(2), protect="(")
        with pytest.raises(ValueError, match=r"Received: a dictionary, and unknown='keep'"):
            translator.translate(["a"], dictionary={"a": "b"})
        with pytest.raises(ValueError, match=r"unknown is one of: .*Received: unknown='drop'"):
            translator.translate(["a"], unknown="drop")
        translator.model.attends = False  # type: ignore[misc]
        with pytest.raises(ValueError, match="unknown='copy', and a model without attention"):
            translator.translate(["a"], unknown="copy")
        with pytest.raises(SettingsError, match=r"decoding.protect='x', decoding.search=greedy"):
            DecodingSettings(Greedy(), protect="x")
        with pytest.raises(SettingsError, match="regular expression"):
            DecodingSettings(protect="[")


@pytest.mark.parametrize(
    ("protect", "source", "said", "lost"),
    [
        (r"\d+", "3 мая 2064", "2064年5月3日星期六", ()),
        (r"\d+", "在2015年", "在2015年", ()),
        (r"\d+", "Das A4-Blatt", "the A4 sheet", ()),
        (r"\d+", "Das A4-Blatt", "the A5 sheet", ("4",)),
        (r"\d+", "4 Blatt", "the A4 sheet", ("4",)),
        (r"\d+", "3 mal 3", "3 and 33", ("3",)),
        (r"\d+", "3 mal 33", "33 and 33", ("3",)),
    ],
)
def test_lost_is_what_does_not_stand_there(letters: Tokenizer, protect, source, said, lost) -> None:
    assert Copying(letters, letters, protect=protect).lost(source, said) == lost


def test_no_space_is_put_into_writing_that_has_none() -> None:
    letters = Tokenizer.train(["2064年5月3日星期六 5 km"], kind="char")
    copying = Copying(letters, letters, protect=r"\d+")
    for text, expected in (("2064年", "2064年"), ("5km", "5 km")):
        ids = letters.encode(text)
        surfaces = copying.surfaces(ids, None, Part((), [text[: -len(text.lstrip("0123456789"))]]))
        assert "".join(surfaces) == expected


def test_the_sign_of_a_given_model_brings_no_space_into_what_is_copied() -> None:
    letters = Tokenizer.train(["a b"], kind="char")
    model = _parsed(letters.to_bytes())
    model.trainer_spec.unk_surface = " ⁇ "  # SentencePiece's own, of models that were made elsewhere
    given = Tokenizer.from_bytes(model.SerializeToString())
    copying = Copying(given, given, unknown=True)
    ids = given.encode("a日b")
    looked = np.eye(len(ids), dtype=np.float32)
    copies = copying.copies("a日b")
    assert "".join(copying.surfaces(ids, looked, Part(copies, []))).strip() == "a日b"
