import gzip
from pathlib import Path

import numpy as np
import pytest

from seq2seq.text import CorpusError, Tokenizer, read_vectors
from seq2seq.text.vectors import need_width

WORDS = Tokenizer.train(["a house , a lake", "the house"], kind="word")
HEADED = "4 2\nhouse 0.5 -1 \nriver 1 2\n, 3e-1 4\nlake 5 6\n"


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str | bytes, name: str = "en.vec") -> Path:
        data = text if isinstance(text, bytes) else text.encode()
        (path := tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def found(path: Path, tokenizer: Tokenizer = WORDS, width: int = 2) -> dict[str, list[float]]:
    need_width(path, width)
    ids, values = read_vectors(path, tokenizer, width)
    assert values.dtype == np.float32 and list(ids) == sorted(ids)
    return {
        tokenizer.piece(id): [round(float(number), 3) for number in row] for id, row in zip(ids, values, strict=True)
    }


@pytest.mark.parametrize("text", [HEADED, HEADED.partition("\n")[2], HEADED.replace("\n", "\r\n")])
@pytest.mark.parametrize("name", ["en.vec", "en.txt.gz"])
def test_words_with_and_without_a_header_packed_or_not(written, text: str, name: str) -> None:
    assert found(written(text, name)) == {"▁house": [0.5, -1.0], "▁,": [0.3, 4.0], "▁lake": [5.0, 6.0]}


def test_what_is_not_needed_may_be_odd(written) -> None:
    odd = b"river 1 2\n. . . 1 2\n\xff\xfe 1 2\nriver 3 4\nhouse 5 6\n"  # as in GloVe's largest file
    assert found(written(odd)) == {"▁house": [5.0, 6.0]}


def test_pieces_of_words_and_files_of_pieces(written) -> None:
    tokenizer = Tokenizer.train(["low, lower, lowest, new, newer"] * 9, kind="bpe", vocab_size=24)
    assert {"▁low", "we", ","} <= {tokenizer.piece(id) for id in range(tokenizer.vocab_size)}
    assert found(written("low 1 2\nwe 3 4\n, 5 6\n"), tokenizer) == {"▁low": [1.0, 2.0], ",": [5.0, 6.0]}
    assert found(written("▁low 1 2\nwe 3 4\nlow 5 6\n"), tokenizer) == {"▁low": [1.0, 2.0], "we": [3.0, 4.0]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4 3\nhouse 1 2 3\n", r"en\.vec, line 1: vectors of width 3 for embeddings of width 2\. Set the embedding"),
        ("house 1 2 3\n", r"line 1: vectors of width 3 for embeddings of width 2"),
        ("", r"line 1: 0 words in the whole file"),
        ("2 2\nhouse 1 2\n", r"line 1: 1 words of 2 that it announces in the whole file\. Fetch the file again"),
        ("house 1 2\nriver 1\n", r"line 2: 1 numbers instead of 2 in 'river 1'\. Repair the line"),
        ("house 1 2\nriver 1 2 3\n", r"line 2: 3 numbers instead of 2 in 'river 1 2 3'"),
        ("river 1 2\n\nhouse 1 2\n", r"line 2: 0 numbers instead of 2 in ''"),
        ("river 1 2\nhouse 1 x2\n", r"line 2: 'x2', which is no number, behind 'house'"),
        ("river 1 2\nhouse 1  2\n", r"line 2: 3 numbers instead of 2"),
        ("river 1 2\nhouse 1 nan\n", r"line 2: a number that is not finite behind 'house'"),
        ("river 1 2\nhouse 1e99 1\n", r"line 2: a number that is not finite behind 'house'"),
        ("house 1 2\nriver 1 2\nhouse 1 2\n", r"line 3: 'house', which stands in line 1 too\. Delete one of them"),
        ("Haus 1 2\n", r"with none of the \d+ pieces, such as '▁.*tokenizer\.kind=\"word\""),
        (b"2 2\nhouse \x00\x80\xfe?\x00\x00\x00\x01", r"line 2: [01] numbers instead of 2"),  # word2vec's binary format
    ],
)  # fmt: skip
def test_a_broken_file_is_told_by_file_and_line(written, text: str, words: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(CorpusError, match=words):
        read_vectors(written(text), WORDS, 2)


def test_the_width_is_told_by_the_first_line(written) -> None:
    with pytest.raises(CorpusError, match=r"line 1: vectors of width 2 for embeddings of width 300"):
        need_width(written(HEADED + "broken\n"), 300)
    need_width(written(HEADED + "broken\n"), 2)
    with pytest.raises(FileNotFoundError):
        need_width("absent.vec", 2)
