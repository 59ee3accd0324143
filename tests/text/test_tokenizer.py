import io
import re

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.pairs import CorpusError
from seq2seq.text.special_ids import END, PAD, PIECES, START, UNKNOWN
from seq2seq.text.tokenizer import KINDS, NORMALIZATIONS, Tokenizer

SENTENCES = [
    "the cat sat on the mat",
    "the dog sat on the log",
    "a cat and a dog",
    "½ a mat, 3 May 1979",
    "the mat is on the log",
] * 3

# SentencePiece's sign for a space cannot be told from a space.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁"))


@pytest.fixture(scope="module")
def exact():
    """A tokenizer that changes nothing and knows every byte."""
    return Tokenizer.train(SENTENCES, vocab_size=350, byte_fallback=True, normalization="identity")


def train_elsewhere(vocab_size=60, **settings):
    """Train SentencePiece with the ids of its own that a given model may have."""
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_writer=writer,
        vocab_size=vocab_size,
        hard_vocab_limit=False,
        minloglevel=2,
        **settings,
    )
    return writer.getvalue()


@pytest.mark.parametrize("byte_fallback", [False, True])
@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    @pytest.fixture
    def tokenizer(self, kind, byte_fallback):
        return Tokenizer.train(SENTENCES, kind=kind, vocab_size=400, byte_fallback=byte_fallback)

    def test_text_comes_back(self, tokenizer):
        for sentence in SENTENCES[:3]:
            assert tokenizer.decode(tokenizer.encode(sentence)) == sentence

    def test_special_pieces_have_their_ids(self, tokenizer):
        assert [tokenizer.piece(id) for id in range(4)] == list(PIECES)
        for sentence in [*SENTENCES, "<s> </s> <pad> <unk>", "日本"]:
            ids = tokenizer.encode(sentence)
            assert not {PAD, START, END} & set(ids)
            assert all(id < tokenizer.vocab_size for id in ids)

    def test_more_pieces_than_there_are_is_no_error(self, tokenizer, kind):
        assert tokenizer.vocab_size < 400

    def test_what_is_unknown_shows_or_is_spelt(self, tokenizer, byte_fallback):
        ids = tokenizer.encode("the 日本 cat")
        assert (UNKNOWN in ids) != byte_fallback
        assert tokenizer.decode(ids) == ("the 日本 cat" if byte_fallback else "the ⁇ cat")

    def test_each_piece_knows_its_word(self, tokenizer):
        for text in [*SENTENCES[:4], "  the\u200bcat\u00a0 sat 日 mat ½🙂", "", "日", " mat "]:
            ids, words = tokenizer.encode(text), tokenizer.words(text)
            assert len(words) == len(ids) and words == sorted(words)
            assert set(words) == set(range(len(text.split())))
            surfaces = tokenizer.decoded_surfaces([START, *ids, END, PAD])
            assert "".join(surfaces) == tokenizer.decode(ids) and not surfaces[0] + "".join(surfaces[-2:])
            assert "".join(tokenizer.surfaces(text)).split() == text.split()
        pieces = [tokenizer.piece(id) for id in tokenizer.encode("the cat sat")]
        words = ["".join(piece for piece, at in zip(pieces, tokenizer.words("the cat sat"), strict=True) if at == word)
                 for word in range(3)]  # fmt: skip
        assert words == ["▁the", "▁cat", "▁sat"]


class TestTrain:
    def test_is_deterministic(self):
        first, second = (Tokenizer.train(iter(SENTENCES), vocab_size=50) for _ in range(2))
        assert first.to_bytes() == second.to_bytes()
        assert first.fingerprint == second.fingerprint != Tokenizer.train(SENTENCES, kind="bpe").fingerprint

    def test_is_quiet(self, capfd):
        Tokenizer.train(SENTENCES, vocab_size=50)
        assert capfd.readouterr() == ("", "")

    def test_too_small_a_vocabulary_is_told_the_smallest(self):
        with pytest.raises(ValueError, match=r"here at least \d+\. Received: kind='unigram', vocab_size=5\.") as told:
            Tokenizer.train(["abc", "cba"], vocab_size=5)
        least = int(re.search(r"at least (\d+)", str(told.value))[1])
        assert Tokenizer.train(["abc", "cba"], vocab_size=least).vocab_size <= least
        with pytest.raises(ValueError, match=f"at least {least}"):
            Tokenizer.train(["abc", "cba"], vocab_size=least - 1)

    def test_vocab_size_is_a_bound(self):
        assert Tokenizer.train(SENTENCES, vocab_size=50).vocab_size <= 50
        assert Tokenizer.train(SENTENCES, kind="char", vocab_size=10).vocab_size == 10

    def test_symbols_are_one_piece(self):
        tokenizer = Tokenizer.train(SENTENCES, vocab_size=60, symbols=["<de>", "<fr>"])
        assert "<fr>" in [tokenizer.piece(id) for id in tokenizer.encode("<fr> the cat")]
        assert tokenizer.decode(tokenizer.encode("<fr> the cat")) == "<fr> the cat"

    @pytest.mark.parametrize("normalization", NORMALIZATIONS)
    def test_normalization(self, normalization):
        tokenizer = Tokenizer.train([*SENTENCES, "kʰ"], vocab_size=400, byte_fallback=True, normalization=normalization)
        kept = normalization == "identity"
        assert (tokenizer.decode(tokenizer.encode("½ kʰ")) == "½ kʰ") == kept
        assert (tokenizer.decode(tokenizer.encode(" a  b ")) == " a  b ") == kept
        assert (tokenizer.decode(tokenizer.encode("CAT")) == "cat") == normalization.endswith("_cf")

    @pytest.mark.parametrize(
        ("ids", "error", "message"),
        [
            ([4, 999], IndexError, r"below the size of the vocabulary. Received: id=999, vocab_size="),
            ([-1], IndexError, r"Received: id=-1"),
            ([4.0], TypeError, r"whole numbers. Received: 4.0 \(float\)"),
            ([[4, 5]], TypeError, r"Received: \[4, 5\] \(list\). Give one list of them to decode, .* decode_batch"),
        ],
    )
    def test_what_is_no_id_is_refused(self, ids, error, message):
        tokenizer = Tokenizer.train(SENTENCES, kind="char")
        with pytest.raises(error, match=message):
            tokenizer.decode(ids)
        assert tokenizer.decode(np.array([*tokenizer.encode("the"), END, 999])) == "the"

    def test_a_long_line_is_learnt_from(self):
        tokenizer = Tokenizer.train(["a", "bcd " * 5000], kind="char")
        assert UNKNOWN not in tokenizer.encode("bcd")

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            (
                {"kind": "words"},
                r"kind is one of: bpe, char, unigram, word\. Received: kind='words'\. Did you mean 'word'\?",
            ),
            ({"normalization": "nfd"}, "normalization is one of: identity, .* Received: normalization='nfd'"),
            ({"vocab_size": 8}, "room for .* every character .* Received: kind='unigram', vocab_size=8. Use a larger"),
            ({"kind": "bpe", "vocab_size": 8}, "vocab_size=8. Use a larger"),
            ({"kind": "char", "vocab_size": 8, "byte_fallback": True}, "vocab_size=8. Use a larger"),
        ],
    )
    def test_wrong_settings_are_refused(self, settings, message):
        with pytest.raises(ValueError, match=message):
            Tokenizer.train(SENTENCES, **settings)

    @pytest.mark.parametrize("sentences", [[], ["", ""], ["\t"]])
    def test_no_text_is_refused(self, sentences):
        with pytest.raises(ValueError, match="text to learn from"):
            Tokenizer.train(sentences)

    def test_reads_any_iterable_as_a_file_is_read(self):
        expected = Tokenizer.train(SENTENCES, kind="char", normalization="identity").to_bytes()
        for sentences in (iter(SENTENCES), io.StringIO("\n".join(SENTENCES)), [f"{one}\r\n" for one in SENTENCES]):
            assert Tokenizer.train(sentences, kind="char", normalization="identity").to_bytes() == expected

    @pytest.mark.parametrize(
        ("sentences", "message"),
        [
            ("the cat", "sentences='the cat', a single one"),
            ({"the": "cat"}, "sentences, a dict of 'the'"),
            (["the cat", None], r"sentences\[1\]=None, rows counted from 0. Nothing stands there"),
            (["the cat", b"a"], r"sentences\[1\]=b'a'"),
        ],
    )
    def test_what_is_no_text_is_refused_with_its_row(self, sentences, message):
        with pytest.raises(TypeError, match=message):
            Tokenizer.train(sentences)
        with pytest.raises(TypeError, match=message.replace("sentences", "texts")):
            Tokenizer.train(SENTENCES, kind="char").encode_batch(sentences)

    def test_symbols_are_a_list(self):
        with pytest.raises(TypeError, match=r"symbols='<de>', a single one. Write \['<de>'\]"):
            Tokenizer.train(SENTENCES, symbols="<de>")

    @pytest.mark.parametrize("error", [CorpusError("line 1,000 is no text"), KeyboardInterrupt()])
    def test_an_error_of_the_text_is_its_own(self, error):
        def sentences():
            yield "the cat"
            raise error

        with pytest.raises(type(error)) as raised:
            Tokenizer.train(sentences())
        assert raised.value is error


class TestExact:
    @given(ANY_TEXT)
    def test_any_text_comes_back(self, exact, text):
        assert exact.decode(exact.encode(text)) == text

    @given(st.lists(ANY_TEXT))
    def test_a_batch_is_its_texts(self, exact, texts):
        batch = exact.encode_batch(texts)
        assert batch == [exact.encode(text) for text in texts]
        assert exact.decode_batch(batch) == texts


class TestDecode:
    def test_stops_at_the_end_and_drops_special_ids(self, exact):
        ids = exact.encode("the cat")
        assert exact.decode([START, *ids[:1], PAD, *ids[1:], END, *ids, PAD]) == "the cat"
        assert exact.decode([END, *ids]) == exact.decode([]) == ""
        assert exact.decode_batch([]) == []

    def test_takes_arrays(self, exact):
        import numpy as np

        ids = np.array([[*exact.encode("a cat"), END], [END] + [PAD] * len(exact.encode("a cat"))], np.int32)
        assert exact.decode_batch(ids) == ["a cat", ""]

    @pytest.mark.parametrize("id", [-1, 10_000])
    def test_a_piece_that_is_not_there_is_told(self, exact, id):
        with pytest.raises(IndexError, match=f"Received: id={id}, vocab_size={exact.vocab_size}"):
            exact.piece(id)


class TestGivenModels:
    @pytest.mark.parametrize(
        "settings",
        [
            {},  # unk 0, bos 1, eos 2, no padding
            {"unk_id": 3, "bos_id": 0, "eos_id": 1, "pad_id": 2},
            {"unk_id": 0, "bos_id": -1, "eos_id": -1},
            {"unk_id": 5, "bos_id": 7, "eos_id": 9, "pad_id": 11},
            {"bos_piece": "[BOS]", "user_defined_symbols": ["<de>"]},
            {"model_type": "bpe", "byte_fallback": True, "vocab_size": 350},
        ],
    )
    def test_ids_are_mapped(self, settings):
        model = train_elsewhere(**settings)
        theirs = sentencepiece.SentencePieceProcessor(model_proto=model)
        ours = Tokenizer.from_bytes(model)
        special = {theirs.pad_id(), theirs.bos_id(), theirs.eos_id(), theirs.unk_id()}
        others = [theirs.id_to_piece(id) for id in range(theirs.get_piece_size()) if id not in special]
        assert [ours.piece(id) for id in range(ours.vocab_size)] == [*PIECES, *others]
        for text in [*SENTENCES, "日 the cat"]:
            ids = ours.encode(text)
            assert [ours.piece(id) if id != UNKNOWN else theirs.id_to_piece(theirs.unk_id()) for id in ids] == [
                theirs.id_to_piece(id) for id in theirs.encode(text)
            ]
            assert ours.decode(ids) == theirs.decode(theirs.encode(text))

    def test_a_file_is_read_and_written_whole(self, tmp_path):
        tokenizer = Tokenizer.train(SENTENCES, vocab_size=50)
        tokenizer.save(tmp_path / "a.model")
        again = Tokenizer.load(tmp_path / "a.model")
        assert (tmp_path / "a.model").read_bytes() == tokenizer.to_bytes() == again.to_bytes()
        assert again.encode("the cat") == tokenizer.encode("the cat")
        assert [path.name for path in tmp_path.iterdir()] == ["a.model"]

    @pytest.mark.parametrize("content", [b"", b"garbage", b"\x0a\x05torn"])
    def test_what_is_no_model_is_refused(self, tmp_path, content, capfd):
        (tmp_path / "a.model").write_bytes(content)
        with pytest.raises(ValueError, match=rf"{len(content)} bytes that are none. .* File: .*a.model"):
            Tokenizer.load(tmp_path / "a.model")
        assert capfd.readouterr().err == ""

    def test_a_missing_file_is_an_error_of_its_own(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            Tokenizer.load(tmp_path / "a.model")


GENERAL = ["the house is by the lake", "a man rides a horse", "she reads the red book", "he has two small dogs"]
MEDICAL = ["the patient has acute bronchitis", "bronchitis of the patient is chronic", "acute pain ß"]


@pytest.mark.parametrize("byte_fallback", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_grown_tokenizer_has_all_pieces_that_there_were_and_knows_more(kind: str, byte_fallback: bool) -> None:
    old = Tokenizer.train(GENERAL, kind=kind, vocab_size=60 + 256 * byte_fallback, byte_fallback=byte_fallback)
    new = old.grown(iter(MEDICAL), 12, symbols=["<med>", "<med>"])
    pieces = [new.piece(id) for id in range(new.vocab_size)]
    assert pieces[: old.vocab_size] == [old.piece(id) for id in range(old.vocab_size)]
    assert len(set(pieces)) == len(pieces) and pieces[old.vocab_size] == ("▁<med>" if kind == "word" else "<med>")
    assert UNKNOWN not in new.encode(f"<med> {MEDICAL[0]}")
    assert old.vocab_size + 1 < new.vocab_size <= old.vocab_size + 13
    for text in MEDICAL:
        assert UNKNOWN not in new.encode(text) and new.decode(new.encode(text)) == text
        assert len(new.encode(text)) < len(old.encode(text)) or kind == "char" or (kind == "word" and not byte_fallback)
    assert Tokenizer.from_bytes(new.to_bytes()).encode(MEDICAL[0]) == new.encode(MEDICAL[0])
    assert old.grown(GENERAL, 0) is old and old.grown([], 0, symbols=[pieces[5]]) is old


def test_a_piece_is_spelt_as_it_is_written() -> None:
    tokenizer = Tokenizer.train(["Tea  eat"], kind="char", normalization="nmt_nfkc_cf")
    spelt = [[tokenizer.piece(id) for id in tokenizer.spell(piece)] for piece in ("▁tea", "ea", "▁▁t", "T")]
    assert spelt == [["▁", "t", "e", "a"], ["e", "a"], ["▁", "▁", "t"], ["<unk>"]]


def test_a_rule_of_its_own_cannot_be_learnt_by_again(tmp_path) -> None:
    model = io.BytesIO()
    (rules := tmp_path / "rules.tsv").write_text("61\t62\n")  # a → b
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(GENERAL),
        model_writer=model,
        vocab_size=28,
        normalization_rule_tsv=str(rules),
        minloglevel=2,
    )
    with pytest.raises(ValueError, match=r"with a rule of its own, 'user_defined'\. Grow it with SentencePiece"):
        Tokenizer(model.getvalue()).grown(MEDICAL, 3)


def test_a_vocabulary_of_words_has_its_symbols_first(capsys) -> None:
    tags = Tokenizer.train(["<de> <x> a b", "<de> b a"], kind="word", symbols=["<de>", "<x>"])
    assert UNKNOWN not in tags.encode("<de> <x> a b")
    assert capsys.readouterr().err == ""
    Tokenizer.train(["x 7 y zed"] * 5, kind="word", symbols=["7"])
    assert "5 sentences have a symbol behind a word, the first begins 'x 7 y zed'" in capsys.readouterr().err


@pytest.mark.parametrize("byte_fallback", [False, True])
def test_no_space_stands_before_a_first_word_that_is_no_piece(byte_fallback: bool) -> None:
    tokenizer = Tokenizer.train(["known here", "known there"], kind="word", byte_fallback=byte_fallback, vocab_size=300)
    ids = tokenizer.encode("Zürich known here")
    expected = "Zürich known here" if byte_fallback else "⁇ known here"
    assert tokenizer.decode(ids) == "".join(tokenizer.decoded_surfaces(ids)) == expected
    assert tokenizer.decode(ids[-2:]) == "known here"
