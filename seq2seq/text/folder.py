"""Which files of a folder, or of a pattern, hold a split: parallel text, a table, or what `datasets` saved."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from glob import escape, glob
from pathlib import Path
from typing import NamedTuple

from seq2seq.text.compression import COMPRESSIONS, without_compression
from seq2seq.text.pairs import CorpusError, MissingSplitError

ENDINGS = (".tsv", ".csv", ".jsonl", ".parquet", ".json", ".txt")
"""The endings of tables; that of a compression may follow, except after `.parquet`."""

SAVED = "save_to_disk"
"""Stands for the ending of a folder that `datasets` wrote."""

# May be anything else too: taken where nothing else of the split is there.
_WEAK = (".json", ".txt")

_READ = (
    f"What is read: SPLIT.LANGUAGE for each side; SPLIT{', SPLIT'.join(ENDINGS)} (with tabs); either with "
    f"{', '.join(COMPRESSIONS)} behind, except after .parquet; a folder SPLIT that `save_to_disk` of datasets wrote."
)

# What a part of a table has behind the name of the split: its number, and how many there are.
_PART = r"-(\d+)-of-(\d+)"

_STATE = "state.json"  # beside a saved data set
_TOLD = 20  # names in a message: enough to see what is meant


class Files(NamedTuple):
    """The files of a split: of parallel text the source and the target file, else the parts of one table in order."""

    paths: list[Path]
    ending: str
    """Of a table, one of `ENDINGS`; of a saved data set, `SAVED`; of parallel text, nothing."""


def find_files(path: str, split: str, source: str, target: str) -> Files:
    """Find the files of a split.

    Args:
        path: a folder; or a pattern of file names with `{split}`, for parallel text also `{lang}`, and with the
            wildcards `*`, `?` and `[...]`; or one file whose stem is the split.
        split: in a folder, the beginning of the file name: `SPLIT.LANG`, `SPLIT.ANY.LANG` or `SPLIT.LANG.txt` for
            parallel text, `SPLIT.ENDING` or `SPLIT-00000-of-00002.ENDING` for a table; or the name of a saved data
            set. It may name a folder inside, as `train/fre`.
        source: language of the source file or, for a table, whatever its source column is called.
        target: the same for the target.

    Returns:
        The two files of parallel text, the files of the table, or the folder of the saved data set.

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
    inside, stem = (folder / split).parent, Path(split).name
    names = sorted(entry.name for entry in inside.iterdir() if entry.is_file()) if inside.is_dir() else []
    sources, targets = (_of_language(names, stem, language) for language in (source, target))
    both = sorted(set(sources) & set(targets))
    tables = _tables(names, stem, weak=not sources and not targets)
    kinds = {_ending(name) for name in tables}
    # A file that bears exactly the name of the split goes before those with something between.
    if "" in both:
        both = [""]
    if both and not tables and len(both) == 1 and len(sources[both[0]]) == len(targets[both[0]]) == 1:
        return Files([inside / sources[both[0]][0], inside / targets[both[0]][0]], "")
    received = f"Received: split={split!r}, source={source!r}, target={target!r}, {folder}"
    parts = {name: part for name in tables if (part := _part(name, re.escape(stem)))}
    if tables and not both and len(kinds) == 1 and len(tables) in (1, len(parts)):
        return Files([inside / name for name in (_whole(parts, received) if parts else tables)], kinds.pop())
    fitting = tables + [name for infix in both for name in sources[infix] + targets[infix]]
    if fitting:
        raise CorpusError(
            f"A split needs one pair of text files, or one table. {received}, where several fit: {_tell(fitting)}. "
            "Name the split by more of the file name, or move the other files away."
        )
    if _is_saved(folder / split):
        return Files([folder / split], SAVED)
    if _is_saved(folder):
        return _saved_alone(folder, split)
    if sources or targets:
        alone, missing = (sources, target) if sources else (targets, source)
        raise CorpusError(
            f"Parallel text needs a file per language. {received}, where {_tell(n for v in alone.values() for n in v)} "
            f"has no partner in {missing!r}. There is: {_tell(names)}."
        )
    begun = [name for name in names if name.startswith(f"{stem}.")]
    folders = sorted(entry for entry in inside.iterdir() if entry.is_dir()) if inside.is_dir() else []
    splits = _splits(names, source, target) + [entry.name for entry in folders if _is_saved(entry)]
    there = _tell(splits or [*names, *(f"{entry.name}/" for entry in folders)])
    raise MissingSplitError(
        f"A folder needs the split that was named. {received}"
        + (f", where {_tell(begun)} is of no kind that is read. " if begun else ". ")
        + f"There is instead{' the split' if splits else ''}: {there}. {_READ}"
    )


def _tables(names: Iterable[str], stem: str, *, weak: bool) -> list[str]:
    """The file names of tables of a split, the weak endings only if asked for and alone."""
    found = [
        name
        for name in names
        if re.fullmatch(rf"{re.escape(stem)}({_PART})?", without_compression(name).rpartition(".")[0]) and _ending(name)
    ]
    strong = [name for name in found if _ending(name) not in _WEAK]
    return strong if strong or not weak else found


def _part(name: str, stem: str = ".*") -> tuple[int, int] | None:
    """The number of a part of a table, and how many parts there are; None for a table in one.

    Args:
        name: Of the file.
        stem: What stands before the number, as a pattern.
    """
    found = re.fullmatch(stem + _PART, without_compression(name).rpartition(".")[0])
    return (int(found[1]), int(found[2])) if found else None


def _whole(parts: Mapping[str, tuple[int, int]], received: str) -> list[str]:
    """Put the parts of a table in order, counted from 0 or from 1; refuse them where they are not one whole table."""
    numbers = Counter(number for number, _ in parts.values())
    counts = {count for _, count in parts.values()}
    if len(counts) > 1:
        raise CorpusError(
            f"A split needs the parts of one table. {received}, where parts of several are: {_tell(parts)}. Move "
            "those of the others away."
        )
    (count,) = counts
    first = 1 if count in numbers and 0 not in numbers else 0
    missing = [str(number) for number in range(first, first + count) if number not in numbers]
    again = [name for name, (number, _) in parts.items() if numbers[number] > 1]
    beyond = [name for name, (number, _) in parts.items() if not first <= number < first + count]
    if wrong := [
        f"{words} {_tell(found)}"
        for words, found in (("missing:", missing), ("there more than once:", again), ("beyond the last:", beyond))
        if found
    ]:
        raise CorpusError(
            f"A table in parts needs each of them once. {received}, where of {count:,} parts are {', '.join(wrong)}. "
            "Bring the missing ones, move the others away, or write out which parts are wanted, as in the pattern "
            "train-0000[0-9]-of-00128.tsv."
        )
    return sorted(parts, key=parts.__getitem__)


def _whole_tables(files: Sequence[Path], received: str) -> list[Path]:
    """Put the parts of each table in order, and refuse a table of which some are not there."""
    tables: dict[Path, dict[str, tuple[int, int]]] = {}
    for file in files:
        name = without_compression(file.name).rpartition(".")[0]
        part = _part(file.name)
        stem = file.parent / (re.sub(f"{_PART}$", "", name) if part else file.name)
        tables.setdefault(stem, {})[str(file)] = part or (0, 1)
    return [Path(name) for parts in tables.values() for name in _whole(parts, received)]


def _saved_alone(folder: Path, split: str) -> Files:
    """A folder that is one saved data set: of the split that it bears the name of, or was saved as."""
    try:
        saved = json.loads((folder / _STATE).read_text("utf-8")).get("_split")
    except (ValueError, AttributeError):
        saved = None  # said when it is read
    known = [str(name) for name in (saved, folder.name) if name]
    if split in known:
        return Files([folder], SAVED)
    raise CorpusError(
        f"A data set that was saved alone is one split. Received: split={split!r}, {folder}, which is {known[0]!r}. "
        'Name that one for training, and write validation = "" and test = "" with hold_out; or save a DatasetDict.'
    )


def _is_saved(folder: Path) -> bool:
    return (folder / _STATE).is_file() and (folder / "dataset_info.json").is_file()


def _by_pattern(path: str, split: str, source: str, target: str) -> Files:
    pattern = path.replace("{split}", escape(split))
    received = f"Received: path={path!r}, split={split!r}, source={source!r}, target={target!r}"
    stem = without_compression(Path(path).name).rpartition(".")[0]
    if "{split}" not in path and stem != split:
        alone = f'For this one file set data.train="{stem}", data.validation="" and data.test="", with data.hold_out.'
        raise MissingSplitError(
            f"A file pattern needs {{split}} where the name of the split stands, or every split would be the same. "
            f"{received}. Put it in, or give the folder and name the split by the stem of its file."
            f"{f' {alone}' if Path(path).is_file() else ''}"
        )
    if "{lang}" in pattern:
        found = [_glob(pattern.replace("{lang}", escape(language))) for language in (source, target)]
        if all(len(files) == 1 for files in found):
            return Files([found[0][0], found[1][0]], "")
        raise (CorpusError if any(found) else MissingSplitError)(
            f"A pattern with {{lang}} needs to fit one file for each language. {received}. "
            f"It fits {_tell(found[0])} for the source and {_tell(found[1])} for the target."
        )
    files = [Path(path)] if Path(path).is_file() else _glob(pattern)
    endings = {_ending(file.name) for file in files}
    if len(endings) == 1 and (ending := endings.pop()):
        if "*" in Path(pattern).name:  # who writes out which parts, wants those
            files = _whole_tables(files, received)
        return Files(files, ending)
    raise (CorpusError if files else MissingSplitError)(
        f"A file pattern needs to fit tables of one kind ({', '.join(ENDINGS)}; all but .parquet also with "
        f"{', '.join(COMPRESSIONS)} behind), or to have {{lang}} in it for parallel text. {received}. "
        f"It fits: {_tell(files)}."
    )


def _of_language(names: Iterable[str], stem: str, language: str) -> dict[str, list[str]]:
    """The file names of a language, by what stands between the split and the language."""
    found: dict[str, list[str]] = {}
    for more in ("", r"\.txt"):
        for name in names:
            match = re.fullmatch(rf"{re.escape(stem)}(|\..+)\.{re.escape(language)}{more}", without_compression(name))
            if match:
                found.setdefault(match[1], []).append(name)
        if found:
            break
    return found


def _splits(names: Iterable[str], source: str, target: str) -> list[str]:
    stems: dict[str, set[str]] = {}
    for name in names:
        stem, _, ending = without_compression(name).rpartition(".")
        stems.setdefault(re.sub(f"{_PART}$", "", stem), set()).add(ending)
    tables = {ending.removeprefix(".") for ending in ENDINGS if ending not in _WEAK}
    return [stem for stem, ends in stems.items() if {source, target} <= ends or tables & ends]


def _glob(pattern: str) -> list[Path]:
    return sorted(map(Path, glob(pattern)))  # noqa: PTH207  (the pattern may be absolute)


def _ending(name: str) -> str:
    """The ending of a table, one of `ENDINGS`; nothing for another file."""
    plain = without_compression(name)
    ending = Path(plain).suffix
    return ending if ending in ENDINGS and (plain == name or ending != ".parquet") else ""


def _tell(names: Iterable[object]) -> str:
    told = [repr(str(name)) for name in names]
    more = f" and {len(told) - _TOLD:,} more" if len(told) > _TOLD else ""
    return ", ".join(told[:_TOLD]) + more if told else "nothing"
