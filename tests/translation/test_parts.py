"""Where long texts are cut, and what each part begins with."""

import pytest

from seq2seq import Tokenizer
from seq2seq.text.special_ids import END
from seq2seq.translation.details import with_sources
from seq2seq.translation.parts import parts_of

TEXT = "er kam. sie ging. sie sah ihn"


def letters(*texts: str, symbols=()) -> Tokenizer:
    return Tokenizer.train(texts, kind="char", normalization="identity", symbols=symbols)


def cut(tokenizer: Tokenizer, text: str, longest: int) -> list[str]:
    parts = parts_of(tokenizer, [text], longest)
    ids = tokenizer.encode(text)
    assert all(part.ids == [ids[place] for place in part.places] and len(part.ids) <= longest for part in parts)
    return [part.text for part in parts]


@pytest.mark.parametrize(
    ("longest", "parts"),
    [
        (20, ["er kam. sie ging.", " sie sah ihn"]),
        (13, ["er kam.", " sie ging.", " sie sah ihn"]),
        (9, ["er kam.", " sie ging", ". sie sah", " ihn"]),
        (3, ["er", " ka", "m.", " si", "e g", "ing", ". s", "ie", " sa", "h i", "hn"]),
        (1, ["", *TEXT]),
        (40, [TEXT]),
    ],
)
def test_a_part_ends_with_a_sentence_or_else_with_a_word(longest: int, parts: list[str]) -> None:
    assert cut(letters(TEXT), TEXT, longest) == parts
    assert "".join(parts) == TEXT


def test_sentences_without_spaces_and_those_that_quotes_close() -> None:
    for text, longest, first in (
        ("我来了。他走了。我们在这里", 7, "我来了。"),
        ("«er kam.» «sie ging»", 15, "«er kam.»"),
        ("a" * 9, 4, "aaa"),
    ):
        assert cut(letters(text), text, longest)[0] == first


@pytest.mark.parametrize("kind", ["char", "word", "unigram", "bpe"])
def test_every_part_begins_with_the_tag_of_the_text(kind: str) -> None:
    text = "<de> " + " ".join(["er kam."] * 9)
    tokenizer = Tokenizer.train([text, "er kam. er"], kind=kind, vocab_size=30, symbols=["<de>"])
    assert len(tokenizer.encode(text)) > 12
    parts = parts_of(tokenizer, [text], 12)
    assert len(parts) > 1 and all(part.text.startswith("<de> er") for part in parts)
    assert "".join(part.text.removeprefix("<de>") for part in parts) == text.removeprefix("<de>")
    # Only symbols that it begins with, and not so many that nothing else had room.
    other = parts_of(tokenizer, [text.removeprefix("<de>") + " <de>"], 12)
    assert not any(part.text.startswith("<de>") for part in other[:-1])
    many = parts_of(tokenizer, ["<de>" * 40], 8)
    assert "".join(part.text for part in many).count("<de>") >= 40 and max(len(part.ids) for part in many) <= 8


def test_what_was_read_is_told_part_by_part_with_its_tag() -> None:
    tokenizer = letters("<de> ab c", symbols=["<de>"])
    text = "<de> ab c"
    (read,) = with_sources([text], [()], tokenizer, 6, "", None)
    tokens, words = read.source_tokens, read.source_words
    assert [tokenizer.piece(END) == token for token in tokens].count(True) == len(parts_of(tokenizer, [text], 6)) == 2
    assert [tokens.count(piece) for piece in ("<de>", "a", "b", "c")] == [2, 1, 1, 1]
    assert len(tokens) == len(words) and words[tokens.index("c")] == 2
