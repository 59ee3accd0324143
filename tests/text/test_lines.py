import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.lines import read_lines
from seq2seq.text.pairs import CorpusError

# All that Python's splitlines breaks at, besides the ends that count.
NO_ENDS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\r"]


@pytest.mark.parametrize("sign", NO_ENDS)
def test_only_a_line_feed_ends_a_line(write, sign):
    line = f"a{sign}b"
    assert len(line.splitlines()) == 2
    assert list(read_lines(write("a.txt", f"{line}\n{line}c\n"))) == [line, f"{line}c"]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
@given(lines=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r")), min_size=1))
def test_lines_come_back(tmp_path_factory, name, lines):
    path = tmp_path_factory.mktemp("lines") / name
    for end in ("\n", "\r\n"):
        data = "".join(line + end for line in lines).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        # A mark at the very beginning of a file is no text.
        assert list(read_lines(path, nul=True)) == [lines[0].removeprefix("\ufeff"), *lines[1:]]


def test_the_last_line_needs_no_end(write):
    assert list(read_lines(write("a.txt", "a\nb"))) == ["a", "b"]
    assert list(read_lines(write("a.txt", "a\n\n"))) == ["a", ""]
    assert list(read_lines(write("a.txt", ""))) == []


def test_a_byte_order_mark_is_dropped_at_the_start_only(write):
    assert list(read_lines(write("a.txt", "\ufeffa\n\ufeffb\n"))) == ["a", "\ufeffb"]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_invalid_utf8_is_named_by_file_and_line(write, name):
    path = write(name, "schön\nschön\n".encode() + "schön\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=rf"must be UTF-8. Received: {path}, line 3, byte 4 of the line is 0xf6"):
        list(read_lines(path))


def test_lines_before_the_bad_one_are_read(write):
    lines = read_lines(write("a.txt", b"a\nb\n\xff\n"))
    assert [next(lines), next(lines)] == ["a", "b"]


def test_torn_gzip_is_named(write):
    path = write("a.txt.gz", "a line\n" * 1000)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorpusError, match=rf"whole gzip data. Received: {path}, damaged after line"):
        list(read_lines(path))


def test_no_gzip_at_all_is_named(write):
    path = write("a.gz", "x")
    path.write_bytes(b"plain text\n")
    with pytest.raises(CorpusError, match="whole gzip data"):
        list(read_lines(path))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_text_in_another_encoding_that_is_utf8_by_chance(write, encoding):
    path = write("a.txt", "eins\nzwei\n".encode(encoding))
    with pytest.raises(CorpusError, match=rf"NUL characters. Received: {path}, line 1, byte \d of .*iconv -f UTF-16"):
        list(read_lines(path))
