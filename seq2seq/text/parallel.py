"""Parallel text: one file per language, the line of one belonging to the same line of the other."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from seq2seq.text.lines import read_lines
from seq2seq.text.pairs import CorpusError, Pair


def read_parallel(source: Path, target: Path) -> Iterator[Pair]:
    r"""Read two files side by side, line by line.

    Args:
        source: the file of the source language, plain or compressed.
        target: the file of the target language, plain or compressed.

    Yields:
        A pair for each line, empty lines included.

    Raises:
        CorpusError: if the files have different numbers of lines (found at the end: both are counted), or as
            `read_lines` does.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     source, target = Path(folder) / "train.de", Path(folder) / "train.en"
        ...     _ = source.write_text("eins\nzwei\n"), target.write_text("one\ntwo\n")
        ...     list(read_parallel(source, target))
        [Pair(source='eins', target='one'), Pair(source='zwei', target='two')]
    """
    source_count = target_count = 0
    for source_line, target_line in zip_longest(read_lines(source), read_lines(target)):
        if source_line is not None:
            source_count += 1
        if target_line is not None:
            target_count += 1
        if source_line is not None and target_line is not None:
            yield Pair(source_line, target_line)
    if source_count != target_count:
        raise CorpusError(
            "Parallel text needs as many source lines as target lines. "
            f"Received: {source} with {source_count:,} lines, {target} with {target_count:,} lines. "
            "Find the line where the files come apart, or fetch both again."
        )
