import os
import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seq2seq.text.lines import as_line, read_lines, read_stream
from seq2seq.text.pairs import CorpusError

from .conftest import PACK

# All that Python's splitlines breaks at, besides the ends that count.
NO_ENDS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\r"]


@pytest.mark.parametrize("sign", NO_ENDS)
def test_only_a_line_feed_ends_a_line(write, sign):
    line = f"a{sign}b"
    assert len(line.splitlines()) == 2
    assert list(read_lines(write("a.txt", f"{line}\n{line}c\n"))) == [line, f"{line}c"]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.txt.bz2", "a.txt.xz"])
@given(lines=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r")), min_size=1))
def test_lines_come_back(tmp_path_factory, name, lines):
    path = tmp_path_factory.mktemp("lines") / name
    for end in ("\n", "\r\n"):
        data = "".join(line + end for line in lines).encode()
        path.write_bytes(PACK.get(path.suffix, bytes)(data))
        # A mark at the very beginning of a file is no text.
        assert list(read_lines(path, nul=True)) == [lines[0].removeprefix("\ufeff"), *lines[1:]]


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
@example(text="a\r\r")
def test_a_text_as_a_line_is_read_as_it_is_but_for_ends_of_lines(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_text(f"-\n{as_line(text)}\n", encoding="utf-8", newline="")
    _, found = read_lines(path, nul=True)
    assert found == as_line(text)
    if "\n" not in text and not text.endswith("\r"):
        assert found == text


def test_the_last_line_needs_no_end(write):
    assert list(read_lines(write("a.txt", "a\nb"))) == ["a", "b"]
    assert list(read_lines(write("a.txt", "a\n\n"))) == ["a", ""]
    assert list(read_lines(write("a.txt", ""))) == []


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.txt.bz2", "a.txt.xz"])
def test_a_byte_order_mark_is_dropped_at_the_start_only(write, name):
    assert list(read_lines(write(name, "\ufeffa\n\ufeffb\n"))) == ["a", "\ufeffb"]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.txt.bz2", "a.txt.xz"])
def test_invalid_utf8_is_named_by_file_and_line(write, name):
    path = write(name, "schön\nschön\n".encode() + "schön\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=rf"must be UTF-8. Received: {path}, line 3, byte 4 of the line is 0xf6"):
        list(read_lines(path))


def test_lines_before_the_bad_one_are_read(write):
    lines = read_lines(write("a.txt", b"a\nb\n\xff\n"))
    assert [next(lines), next(lines)] == ["a", "b"]


@pytest.mark.parametrize(("ending", "kind"), [(".gz", "gzip"), (".bz2", "bzip2"), (".xz", "xz")])
class TestCompressed:
    def test_is_known_by_its_first_bytes(self, write, ending, kind):
        for data in (b"", b"eins\nzwei\n"):
            assert list(read_lines(write("a.txt", PACK[ending](data)))) == data.decode().splitlines()

    def test_first_bytes_go_before_the_ending(self, tmp_path, ending, kind):
        path = tmp_path / ("a.txt.xz" if ending == ".gz" else "a.txt.gz")
        path.write_bytes(PACK[ending](b"eins\n"))
        assert list(read_lines(path)) == ["eins"]

    def test_is_read_from_a_pipe(self, tmp_path, ending, kind):
        path = tmp_path / "pipe"
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=[PACK[ending](b"eins\nzwei\n" * 1000)])
        writer.start()
        assert list(read_lines(path)) == ["eins", "zwei"] * 1000
        writer.join()

    @pytest.mark.parametrize("named", [True, False])
    def test_what_is_torn_is_named(self, write, ending, kind, named):
        path = write(f"a.txt{ending}", "".join(f"line {number}\n" for number in range(1000)))
        data = path.read_bytes()[:-20]
        path = path if named else path.with_name("a.txt")
        path.write_bytes(data)
        with pytest.raises(CorpusError, match=rf"whole {kind} data. Received: {path}, damaged after line"):
            list(read_lines(path))

    def test_what_is_none_at_all_is_named(self, write, ending, kind):
        path = write(f"a{ending}", "x")
        path.write_bytes(b"plain text\n")
        with pytest.raises(CorpusError, match=f"whole {kind} data. Received: .*, damaged after line 0"):
            list(read_lines(path))

    def test_a_stream_says_what_it_is(self, ending, kind):
        lines = PACK[ending](b"eins\n" * 100).splitlines(keepends=True)
        with pytest.raises(CorpusError, match=f"packed here. Received: stdin, {kind} data. Use `[a-z]+cat` first"):
            list(read_stream(lines, "stdin", nul=True, invalid=lambda error: None))

    def test_what_is_packed_twice_says_so(self, write, ending, kind):
        with pytest.raises(CorpusError, match=f"packed here. Received: .*a.txt.gz, {kind} data"):
            list(read_lines(write("a.txt.gz", PACK[ending](b"eins\n"))))


@pytest.mark.parametrize(
    ("start", "message"),
    [(b"\x28\xb5\x2f\xfd\x20", "zstd data. Use `zstdcat`"), (b"PK\x03\x04", "zip data. Use `unzip -p`")],
)
def test_what_cannot_be_unpacked_here_says_what_it_is(write, start, message):
    with pytest.raises(CorpusError, match=f"packed here. Received: .*a.txt, {message} first"):
        list(read_lines(write("a.txt", start + b"and so on")))


@pytest.mark.parametrize("text", ["BZh9 is how bzip2 begins", "BZh", "P", "PK\x03"])
def test_text_that_begins_much_like_compressed_data_is_text(write, text):
    assert list(read_lines(write("a.txt", text))) == [text]


@pytest.mark.parametrize("invalid", [None, lambda error: None])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_a_byte_order_mark_of_another_encoding_is_told(write, encoding, order, invalid):
    path = write("a.txt", "\ufeffeins\nzwei\n".encode(f"{encoding}-{order}"))
    name = encoding.upper()
    with pytest.raises(
        CorpusError, match=f"must be UTF-8. Received: {path}, line 1, .* mark of {name}. .*`iconv -f {name} -t UTF-8`"
    ):
        list(read_lines(path, nul=True, invalid=invalid))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_text_in_another_encoding_that_is_utf8_by_chance(write, encoding):
    path = write("a.txt", "eins\nzwei\n".encode(encoding))
    with pytest.raises(CorpusError, match=rf"NUL characters. Received: {path}, line 1, byte \d of .*iconv -f UTF-16"):
        list(read_lines(path))
