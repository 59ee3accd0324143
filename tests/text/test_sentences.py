import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.system.terminal import silence
from seq2seq.text.sentences import LONGEST_LINE, LONGEST_RUN, Sentences
from seq2seq.text.special_ids import UNKNOWN
from seq2seq.text.tokenizer import KINDS, Tokenizer

chance = random.Random(0)
WORDS = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(3000)]
TEXT = [" ".join(chance.choices(WORDS, k=8)) for _ in range(1500)]
LETTERS = "".join(chance.choices("abcdefghij", k=200_000))

# Random letters end SentencePiece's training in "INTERNAL ... isfinite(score)", and half as many spoil it.
LONG = [
    LETTERS,
    LETTERS[:100_000],
    "a" * 200_000,
    "日" * (LONGEST_RUN["unigram"] // 3 + 1),
    f"{LETTERS} and some words",
]


@pytest.fixture(scope="module")
def expected():
    tokenizer = Tokenizer.train(TEXT, vocab_size=2000)
    assert tokenizer.vocab_size == 2000
    return tokenizer


@pytest.mark.parametrize("place", [0, 700])
def test_lines_without_spaces_change_nothing_and_are_told(expected, place, capsys):
    tokenizer = Tokenizer.train([*TEXT[:place], *LONG, *TEXT[place:]], vocab_size=2000)
    assert tokenizer.to_bytes() == expected.to_bytes()
    assert capsys.readouterr().err == (
        "The tokenizer does not learn from 5 sentences: more than 8,192 bytes without a space, or 1,048,576 in all, "
        f"are too many for SentencePiece. The first has 200,000 bytes and begins '{LETTERS[:30]}'.\n"
    )


def test_one_of_several_processes_speaks_for_all(capsys):
    with silence():
        Tokenizer.train([*TEXT, LETTERS], vocab_size=2000)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_longer_than_sentencepiece_takes_is_told(kind, capsys):
    line = "ab " * (LONGEST_LINE // 3 + 1)
    tokenizer = Tokenizer.train([*TEXT[:100], line], kind=kind)
    assert tokenizer.to_bytes() == Tokenizer.train(TEXT[:100], kind=kind).to_bytes()
    assert f"not learn from 1 sentence: more than {LONGEST_RUN.get(kind, LONGEST_LINE):,} bytes" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("kind", ["bpe", "char"])
def test_other_kinds_learn_from_what_has_no_spaces(kind, capsys):
    tokenizer = Tokenizer.train(["the cat", "xyz" * 30_000], kind=kind, vocab_size=100)
    assert UNKNOWN not in tokenizer.encode("xyz" * 30_000)
    assert capsys.readouterr().err == ""


def test_as_much_as_is_right_is_learnt_from(capsys):
    letters = LETTERS[: LONGEST_RUN["unigram"]]
    tokenizer = Tokenizer.train([*TEXT, letters.upper(), letters + " " + "ü " * 20_000], vocab_size=2000)
    assert UNKNOWN not in tokenizer.encode("ABCü")
    assert capsys.readouterr().err == ""


def test_a_word_is_no_longer_than_a_model_can_hold(capsys):
    words = ["y" * LONGEST_RUN["word"], "㌖" * (LONGEST_RUN["word"] // 3)]  # the latter is six signs, normalised
    tokenizer = Tokenizer.train(["the cat", *words, "z" * 8192], kind="word")
    assert [UNKNOWN in tokenizer.encode(word) for word in (*words, "cat", "zz")] == [False, False, False, True]
    assert "not learn from 1 sentence: more than 1,024 bytes without a space" in capsys.readouterr().err


def test_nothing_but_long_lines_is_refused_in_words():
    with pytest.raises(
        ValueError, match=r"needs text to learn from. .* not learn from 2 sentences: more than 8,192 bytes"
    ):
        Tokenizer.train([LETTERS, LETTERS])


def test_a_word_list_cut_into_words_is_told(capsys):
    Tokenizer.train(WORDS[:200], kind="word")
    told = capsys.readouterr().err
    assert told.startswith(f"200 of 200 sentences are one word, and {len(set(WORDS[:200]))} of these words differ: ")
    assert "Use kind='char' where the letters count." in told


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (WORDS[:200], "char"),
        (TEXT[:20], "word"),
        (["yes", "no"] * 50, "word"),  # few words, often: names of classes
        ([*TEXT[:50], *WORDS[:49]], "word"),
    ],
)
def test_what_is_no_word_list_is_cut_in_silence(texts, kind, capsys):
    Tokenizer.train(texts, kind=kind)
    assert capsys.readouterr().err == ""


@given(st.lists(st.text("a ü", max_size=30), max_size=5), st.sampled_from(KINDS))
def test_what_is_short_passes_as_it_is(texts, kind):
    sentences = Sentences(texts, kind)
    assert list(sentences) == texts
    assert sentences.left_out == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_with_the_reserved_sign_is_learnt_from(kind):
    tokenizer = Tokenizer.train(["the cat", "a dog ▅▅ xyz"], kind=kind, byte_fallback=True, vocab_size=400)
    assert UNKNOWN not in tokenizer.encode("xyz")
    pieces = [tokenizer.piece(id) for id in tokenizer.encode("xyz")]
    assert not any(piece.startswith("<0x") for piece in pieces)
    assert tokenizer.decode(tokenizer.encode("a dog ▅ xyz")) == "a dog ▅ xyz"
