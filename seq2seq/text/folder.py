"""Which files of a folder, or of a pattern, hold a split: parallel text or a table."""

import re
from collections.abc import Iterable
from glob import escape, glob
from pathlib import Path
from typing import NamedTuple

from seq2seq.text.pairs import CorpusError

ENDINGS = (".tsv", ".csv", ".jsonl", ".parquet")
"""The endings of tables; `.gz` may follow, except after `.parquet`."""

_TOLD = 20  # names in a message: enough to see what is meant


class Files(NamedTuple):
    """The files of a split: of parallel text the source and the target file, else the parts of one table in order."""

    paths: list[Path]
    ending: str
    """Of a table, one of `ENDINGS`; of parallel text, nothing."""


def find_files(path: str, split: str, source: str, target: str) -> Files:
    """Find the files of a split.

    Args:
        path: a folder; or a pattern of file names with `{split}`, for parallel text also `{lang}`, and with the
            wildcards `*`, `?` and `[...]`; or one file whose stem is the split.
        split: in a folder, the beginning of the file name: `SPLIT.LANG` or `SPLIT.ANY.LANG` for parallel text,
            `SPLIT.ENDING` or `SPLIT-00000-of-00002.ENDING` for a table. It may name a folder inside, as `train/fre`.
        source: language of the source file or, for a table, whatever its source column is called.
        target: the same for the target.

    Returns:
        The two files of parallel text, or the files of the table.

    Raises:
        CorpusError: if nothing fits, or more than one thing; the message tells what there is.
    """
    if Path(path).is_dir():
        return _in_folder(Path(path), split, source, target)
    return _by_pattern(path, split, source, target)


def is_pattern(path: str) -> bool:
    """Tell whether a path is a pattern of file names, or a file, and not the name of a folder or data set."""
    return bool(re.search(r"[*?{]|\[", path)) or Path(path).is_file()


def _in_folder(folder: Path, split: str, source: str, target: str) -> Files:
    inside = (folder / split).parent
    names = sorted(entry.name for entry in inside.iterdir() if entry.is_file()) if inside.is_dir() else []
    stem = Path(split).name
    sources, targets = (_of_language(names, stem, language) for language in (source, target))
    both = sorted(set(sources) & set(targets))
    shards = rf"{re.escape(stem)}(-\d+-of-\d+)?({'|'.join(map(re.escape, ENDINGS))})(\.gz)?"
    tables = [name for name in names if re.fullmatch(shards, name)]
    kinds = {_ending(name) for name in tables}
    # A file that bears exactly the name of the split goes before those with something between.
    if "" in both:
        both = [""]
    if both and not tables and len(both) == 1 and len(sources[both[0]]) == len(targets[both[0]]) == 1:
        return Files([inside / sources[both[0]][0], inside / targets[both[0]][0]], "")
    if tables and not both and len(kinds) == 1 and (len(tables) == 1 or all("-of-" in name for name in tables)):
        return Files([inside / name for name in tables], kinds.pop())
    received = f"Received: split={split!r}, source={source!r}, target={target!r}, {folder}"
    fitting = tables + [name for infix in both for name in sources[infix] + targets[infix]]
    if fitting:
        raise CorpusError(
            f"A split needs one pair of text files, or one table. {received}, where several fit: {_tell(fitting)}. "
            "Name the split by more of the file name, or move the other files away."
        )
    if sources or targets:
        alone, missing = (sources, target) if sources else (targets, source)
        raise CorpusError(
            f"Parallel text needs a file per language. {received}, where {_tell(n for v in alone.values() for n in v)} "
            f"has no partner in {missing!r}. There is: {_tell(names)}."
        )
    splits = _splits(names, source, target)
    names += sorted(f"{entry.name}/" for entry in inside.iterdir() if entry.is_dir()) if inside.is_dir() else []
    raise CorpusError(
        f"A folder needs the split that was named. {received}. "
        + (f"There is instead the split: {_tell(splits)}." if splits else f"There is instead: {_tell(names)}.")
    )


def _by_pattern(path: str, split: str, source: str, target: str) -> Files:
    pattern = path.replace("{split}", escape(split))
    received = f"Received: path={path!r}, split={split!r}, source={source!r}, target={target!r}"
    if "{split}" not in path and Path(path).name.removesuffix(".gz").rpartition(".")[0] != split:
        raise CorpusError(
            f"A file pattern needs {{split}} where the name of the split stands, or every split would be the same. "
            f"{received}. Put it in, or give the folder and name the split by the stem of its file."
        )
    if "{lang}" in pattern:
        found = [_glob(pattern.replace("{lang}", escape(language))) for language in (source, target)]
        if all(len(files) == 1 for files in found):
            return Files([found[0][0], found[1][0]], "")
        raise CorpusError(
            f"A pattern with {{lang}} needs to fit one file for each language. {received}. "
            f"It fits {_tell(found[0])} for the source and {_tell(found[1])} for the target."
        )
    files = _glob(pattern)
    endings = {_ending(file.name) for file in files}
    if len(endings) == 1 and (ending := endings.pop()) in ENDINGS:
        return Files(files, ending)
    raise CorpusError(
        f"A file pattern needs to fit tables of one kind ({', '.join(ENDINGS)}), or to have {{lang}} in it for "
        f"parallel text. {received}. It fits: {_tell(files)}."
    )


def _of_language(names: Iterable[str], stem: str, language: str) -> dict[str, list[str]]:
    """The file names of a language, by what stands between the split and the language."""
    found: dict[str, list[str]] = {}
    for name in names:
        match = re.fullmatch(rf"{re.escape(stem)}(|\..+)\.{re.escape(language)}(\.gz)?", name)
        if match:
            found.setdefault(match[1], []).append(name)
    return found


def _splits(names: Iterable[str], source: str, target: str) -> list[str]:
    stems: dict[str, set[str]] = {}
    for name in names:
        stem, _, ending = name.removesuffix(".gz").rpartition(".")
        stems.setdefault(re.sub(r"-\d+-of-\d+$", "", stem), set()).add(ending)
    return [
        stem for stem, ends in stems.items() if {source, target} <= ends or any(f".{end}" in ENDINGS for end in ends)
    ]


def _glob(pattern: str) -> list[Path]:
    return sorted(map(Path, glob(pattern)))  # noqa: PTH207  (the pattern may be absolute)


def _ending(name: str) -> str:
    return Path(name.removesuffix(".gz")).suffix


def _tell(names: Iterable[object]) -> str:
    told = [repr(str(name)) for name in names]
    more = f" and {len(told) - _TOLD:,} more" if len(told) > _TOLD else ""
    return ", ".join(told[:_TOLD]) + more if told else "nothing"
