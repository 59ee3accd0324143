import os

import numpy as np
import pytest

from seq2seq.text import encoding
from seq2seq.text.corpus import Corpus, corpus_from_pairs
from seq2seq.text.encoding import encode_corpus
from seq2seq.text.tokenizer import Tokenizer

PAIRS = [("ab c", "c"), ("c", "ab ab"), ("a\u2028b", "b")]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(["a b c ab"] * 3, kind="char")


@pytest.fixture
def encode(tmp_path, tokenizer, monkeypatch):
    """Encode pairs with the cache; tells the ids as lists and how many texts met a tokenizer."""
    seen = []
    plain = Tokenizer.encode_batch
    monkeypatch.setattr(Tokenizer, "encode_batch", lambda self, texts: seen.extend(texts) or plain(self, texts))

    def encode_pairs(pairs=PAIRS, source=tokenizer, target=tokenizer, cache=tmp_path):
        seen.clear()
        ids = encode_corpus(corpus_from_pairs(pairs), source, target, cache)
        return [[one.tolist() for one in side] for side in ids], len(seen)

    return encode_pairs


def test_gives_the_ids_of_each_text(encode, tokenizer):
    expected = [[tokenizer.encode(text) for text in side] for side in zip(*PAIRS, strict=True)]
    assert encode(cache=None) == (expected, 6)
    assert encode() == (expected, 6)
    assert encode() == (expected, 0), "the second time the ids come from the cache"


def test_half_a_surrogate_pair_is_no_error(encode):
    pairs = [("a\ud800", "b"), ("a\ufffd", "b")]
    assert encode(pairs) == encode(pairs, cache=None)
    assert encode(pairs[1:])[1] > 0, "and is another text than the sign that it is read as"
    assert encode(pairs[:1])[1] > 0


def test_makes_the_folder(encode, tmp_path):
    encode(cache=tmp_path / "a" / "b")
    assert encode(cache=str(tmp_path / "a" / "b"))[1] == 0


def test_other_content_is_other_ids(encode, tokenizer, tmp_path):
    other = Tokenizer.train(["a b c"] * 3, kind="char")
    changes = [
        {},
        {"pairs": [*PAIRS[:2], ("a", "a")]},
        {"pairs": [("ab", "c c"), *PAIRS[1:]]},
        {"pairs": [("a", "bc"), ("b", "c")]},
        {"pairs": [("ab", "c"), ("b", "c")]},
        {"pairs": [(target, source) for source, target in PAIRS]},
        {"source": other},
        {"target": other},
    ]
    for change in changes:
        assert encode(**change)[1] > 0
    assert len(list(tmp_path.iterdir())) == len(changes), "and no temporary file is left"
    for change in changes:
        assert encode(**change)[1] == 0


def test_a_damaged_or_foreign_file_is_written_again(encode, tmp_path):
    ids, _ = encode()
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF

    def arrays(**changes):
        with np.load(path) as kept:
            np.savez(tmp_path / "new.npz", **(dict(kept) | changes))
        data = (tmp_path / "new.npz").read_bytes()
        (tmp_path / "new.npz").unlink()
        return data

    one = np.zeros(1, np.int32)
    damages = {
        "torn": whole[:-30],
        "half": whole[: len(whole) // 2],
        "nothing": b"",
        "text": b"something else",
        "flipped": bytes(flipped),
        "one array": one.tobytes(),
        "other ids": arrays(source=one),
        "not whole numbers": arrays(source_starts=np.array([0.0, 1.0])),
        "objects": arrays(source=np.array([{}, {}], object)),
        "ids beyond the vocabulary": arrays(target=arrays_of(path, "target") + 1000),
    }
    for name, damage in damages.items():
        path.write_bytes(damage)
        assert encode() == (ids, 6), name
        assert encode() == (ids, 0), name


def test_a_streamed_corpus_is_refused(tokenizer):
    stream = Corpus(lambda: iter(()), name="stream", streamed=True)
    with pytest.raises(TypeError, match="corpus='stream', streamed=True"):
        encode_corpus(stream, tokenizer, tokenizer, None)


def arrays_of(path, name):
    with np.load(path) as kept:
        return kept[name]


def test_what_was_not_used_for_longest_goes(encode, tmp_path, monkeypatch, capsys):
    corpora = [[(letter * 9, "c")] for letter in "abc"]
    monkeypatch.setattr(encoding, "_FILES", 2)
    for pairs in corpora:
        assert encode(pairs)[1] == 2
        for path in tmp_path.glob("*.npz"):  # time goes by, whatever the clock of the file system can tell apart
            status = path.stat()
            os.utime(path, ns=(status.st_atime_ns - 10**9, status.st_mtime_ns))
    assert encode(corpora[0])[1] == 0, "all fit; the first one is used again"
    (tmp_path / "notes.npz").write_bytes(bytes(99))
    monkeypatch.setattr(encoding, "_BYTES", 1)
    assert capsys.readouterr().err == ""
    assert encode([("b", "a")])[1] == 2
    told = capsys.readouterr().err
    assert "2 of 4 files in" in told and str(tmp_path) in told and told.endswith("0 MiB.\n")
    assert [encode(pairs)[1] for pairs in (corpora[0], [("b", "a")])] == [0, 0]
    assert [encode(pairs)[1] for pairs in corpora[1:]] == [2, 2]
    assert (tmp_path / "notes.npz").exists()


def test_what_killed_processes_left_goes_after_a_day(encode, tmp_path):
    name = f"{'0' * 64}.npz"
    old, new = tmp_path / f".abcd_123{name}", tmp_path / f".abcd_124{name}"
    others = [tmp_path / f".abcd_123{name}.part", tmp_path / ".abcd_123.npz"]
    for path in (old, new, *others):
        path.touch()
    for path in (old, *others):
        os.utime(path, (0, 0))
    encode()
    assert not old.exists() and all(path.exists() for path in (new, *others))
