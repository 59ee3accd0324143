import io
import os
import threading
from collections.abc import Iterator

import pytest

from seq2seq.system.pipe import ArrivingLines


@pytest.fixture
def pipe() -> Iterator[tuple[ArrivingLines, int]]:
    reader, writer = os.pipe()
    lines = ArrivingLines(os.fdopen(reader, "rb"))
    yield lines, writer
    lines.close()


def test_a_line_waits_for_its_end(pipe: tuple[ArrivingLines, int]) -> None:
    lines, writer = pipe
    assert lines.would_wait()
    os.write(writer, b"eins\nzwei\ndr")
    assert not lines.would_wait() and next(lines) == b"eins\n"
    assert not lines.would_wait() and next(lines) == b"zwei\n"
    assert lines.would_wait()
    os.write(writer, b"ei\n\nv")
    assert [next(lines), next(lines)] == [b"drei\n", b"\n"]
    assert lines.would_wait()
    os.close(writer)
    assert not lines.would_wait() and list(lines) == [b"v"] and not lines.would_wait()


def test_a_pipe_that_does_not_block_has_not_ended() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    lines = ArrivingLines(os.fdopen(reader, "rb"))
    later = threading.Timer(0.2, os.write, [writer, b"eins\n"])
    later.start()
    assert next(lines) == b"eins\n" and lines.would_wait()
    later.join()
    os.close(writer)
    assert list(lines) == []
    lines.close()


@pytest.mark.parametrize("data", [b"", b"\n", b"a", b"a\n\nb", b"x" * 200_000 + b"\r\ny\n" * 50_000])
def test_any_file_has_the_lines_that_python_gives_it(data: bytes) -> None:
    lines = ArrivingLines(io.BytesIO(data))
    found = []
    while not lines.would_wait():  # never, where a file is all there
        try:
            found.append(next(lines))
        except StopIteration:
            break
    assert found == list(io.BytesIO(data))
