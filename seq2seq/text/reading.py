"""Parallel text of a split, wherever it is: built in, in files, on the hub."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from seq2seq.text.corpus import Corpus, is_empty
from seq2seq.text.folder import SAVED, find_files, is_pattern
from seq2seq.text.hub import read_hub, read_parquet, read_saved
from seq2seq.text.pairs import CorpusError, Pair
from seq2seq.text.parallel import read_parallel
from seq2seq.text.tables import TABLES


def read_corpus(
    path: str | Path, split: str, *, source: str, target: str, streaming: bool = False, whole: bool = False
) -> Corpus:
    r"""Read the parallel text of a split, wherever it is.

    Args:
        path: `"dates"` (built in); a folder; a pattern of file names such as `data/{split}.tok.{lang}.gz` or
            `data/{split}-*.parquet`; or a data set of the Hugging Face hub, `owner/name` or
            `owner/name:configuration`.
        split: in a folder the stem of the files (`SPLIT.LANG`, `SPLIT.ANY.LANG`, `SPLIT.LANG.txt`, or a table,
            `SPLIT.tsv`, `.csv`, `.jsonl`, `.json`, `.txt` with tabs, `.parquet`; `.gz`, `.bz2` or `.xz` may follow,
            except after `.parquet`) or a folder that `save_to_disk` wrote; on the hub the name of the split.
        source: language of the source file, or source column of a table; `"0"` and such are the columns of a TSV,
            TXT or CSV without header.
        target: the same for the target.
        streaming: read again at every pass and keep nothing, so that memory stays flat whatever the size.
        whole: keep pairs with an empty side, which are skipped otherwise: for text to be scored.

    Returns:
        The corpus, with at least one pair. A streamed one is checked as it is read: of an error in line 1,000 you
        hear when it comes to line 1,000.

    Raises:
        CorpusError: if there is no such file, split or column, or if the text is damaged; the message says where.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "train.tsv").write_text("de\ten\neins\tone\n")
        ...     read_corpus(folder, "train", source="de", target="en").targets
        ['one']
    """
    filled = partial(_filled, streaming=streaming, whole=whole)
    if str(path) == "dates":
        from seq2seq.text.dates import check_languages, dates_corpus

        check_languages(source, target)
        return dates_corpus(split)
    where = str(Path(path).expanduser())
    last = Path(where).name
    name = last if "{split}" in last else f"{last}/{split}"
    name = name.replace("{split}", split).replace("{lang}", f"{source}-{target}")
    if is_on_hub(path):
        hub = str(path)
        return filled(lambda: read_hub(hub, split, source, target, streaming=streaming), f"{hub}/{split}")
    files, ending = find_files(where, split, source, target)
    if not ending:
        return filled(lambda: read_parallel(files[0], files[1]), name, files)
    if ending == ".parquet":
        return filled(lambda: read_parquet(files, source, target), name, files)
    if ending == SAVED:
        return filled(lambda: read_saved(files[0], source, target), name, files)
    read = TABLES[ending]
    return filled(lambda: chain.from_iterable(read(file, source, target) for file in files), name, files)


def is_on_hub(path: str | Path) -> bool:
    """Tell whether a corpus is a data set of the hub, and neither built in nor in files.

    Raises:
        CorpusError: if it is nothing of these.
    """
    where = str(Path(path).expanduser())
    if str(path) == "dates" or Path(where).is_dir() or is_pattern(where):
        return False
    if not re.fullmatch(r"[\w.-]+/[\w.-]+(:.+)?", str(path)) or str(path).startswith("."):
        raise CorpusError(
            f"A corpus is a folder, a file pattern or a data set of the hub. Received: path={str(path)!r}, "
            "which is not there. Check the spelling, or where you are."
        )
    return True


def _filled(
    read: Callable[[], Iterable[Pair]], name: str, files: Sequence[Path] = (), *, streaming: bool, whole: bool
) -> Corpus:
    """Make a corpus that has a pair; a streamed one is opened too, to miss a file or a column now and not later."""
    corpus = Corpus(read, name=name, streamed=streaming, whole=whole)
    if all(map(is_empty, corpus)):
        raise CorpusError(
            "A corpus needs at least one pair with text on both sides. Received: "
            f"{corpus.report()} in {', '.join(map(str, files)) or name}. Look whether text stands in the columns "
            "or languages that were asked for, on both sides."
        )
    return corpus
