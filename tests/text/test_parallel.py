import pytest

from seq2seq.text.pairs import CorpusError
from seq2seq.text.parallel import read_parallel


@pytest.mark.parametrize("names", [("a.de", "a.en"), ("a.de.gz", "a.en"), ("a.de.gz", "a.en.gz")])
def test_lines_belong_together(write, names):
    source, target = write(names[0], "eins\n\nzwei\u2028drei\n"), write(names[1], "one\ntwo\r\nthree\n")
    assert list(read_parallel(source, target)) == [("eins", "one"), ("", "two"), ("zwei\u2028drei", "three")]


@pytest.mark.parametrize(("source_lines", "target_lines"), [(3, 1200), (1200, 3), (0, 1)])
def test_unequal_line_counts_are_both_told(write, source_lines, target_lines):
    source, target = write("a.de", "x\n" * source_lines), write("a.en", "y\n" * target_lines)
    with pytest.raises(
        CorpusError, match=rf"{source} with {source_lines:,} lines, {target} with {target_lines:,} lines"
    ):
        list(read_parallel(source, target))
