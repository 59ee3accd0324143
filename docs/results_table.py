"""Measured results, from the runs to every page that tells them.

`docs/results/NAME.json` is a row of a table: a task and its command, what was published, and our runs, shortened. The
tables of README and docs and the headers of recipes are made from these files, and a test holds them equal.

    python docs/results_table.py add NAME --commit HASH FOLDER...       carry finished runs into docs/results/NAME.json
    python docs/results_table.py compare NAME --commit HASH FOLDER      carry what `seq2seq compare --out FOLDER` found
                                                                        into docs/results/comparisons/NAME.json
    python docs/results_table.py probes NAME --commit HASH FILE         carry what `seq2seq probe --json` wrote into
                                                                        docs/results/probes/NAME.json
    python docs/results_table.py decoding NAME --commit HASH FILE       carry what docs/measure_decoding.py wrote into
                                                                        docs/results/decoding/NAME.json
    python docs/results_table.py timescales NAME --commit HASH FILE     carry what docs/measure_timescales.py wrote into
                                                                        docs/results/timescales/NAME.json
    python docs/results_table.py evaluation NAME --commit HASH FILE     carry what `seq2seq evaluate --json` wrote of
                                                                        several models into
                                                                        docs/results/evaluations/NAME.json
    python docs/results_table.py                                        write every table and header anew

In a page, what stands between `<!-- results: NAME NAME -->` and `<!-- end -->` is a table with a row for each name,
after `<!-- runs: NAME NAME -->` one with a row for each run, after `<!-- comparison: NAME METRIC -->` one with a row
for each variant and a picture, which is written to docs/images/NAME.svg, after `<!-- lengths: NAME METRIC -->` the
same by length of the source, after `<!-- costs: NAME -->` how large its variants are and how fast they learn, after
`<!-- command: NAME -->` the command that trained them (`docs/measure_studies.py` runs it), after
`<!-- probes: NAME states -->` (or `linear`, `positions`) what was found in the states of a model, after
`<!-- decoding: NAME options -->` (or `terms`, `surest`) what options of decoding are worth, after
`<!-- evaluation: NAME METRIC -->` models side by side on a test set, after `<!-- timescales: NAME -->` how long layers
remember, with a picture, after `<!-- hours: all -->` how long it all took.
In a recipe it is all from `Cost` to the end of its header.
"""

import argparse
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from result_tables import comparisons, decoding, evaluations, files, hours, probes, results, rows, studies, timescales
from result_tables.files import ROOT
from result_tables.rows import Row

_OF_ROWS = {"results": results.by_task, "runs": results.by_run}
_OTHERS = {
    "comparison": comparisons.differences,
    "lengths": comparisons.by_length,
    "costs": comparisons.costs,
    "probes": probes.table,
    "decoding": decoding.table,
    "timescales": timescales.table,
    "evaluation": evaluations.table,
    "hours": hours.told,
    "command": studies.block,
}
_DRAWN: dict[str, Any] = {"comparison": comparisons, "timescales": timescales}  # those that have a picture too
_BLOCK = re.compile(rf"(<!-- ({'|'.join([*_OF_ROWS, *_OTHERS])}): ([^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEADER = re.compile(r'\nCost     .*?"""', re.DOTALL)


def pages() -> list[Path]:
    """Give every file that may tell a result."""
    docs = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts]
    return [ROOT / "README.md", *docs, *sorted((ROOT / "recipes").glob("*.py"))]


def told(path: Path, found: Mapping[str, Row]) -> str:
    """Give the text of a page or of a recipe as the results want it.

    Raises:
        ValueError: A page asks for a row that there is not.
    """
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        own = [row for row in found.values() if row.recipe == path.relative_to(ROOT).as_posix()]
        own.sort(key=lambda row: row.name != path.stem)  # the recipe as it is goes first
        return _HEADER.sub(lambda _: results.header(own), text, count=1) if own else text
    return _BLOCK.sub(
        lambda block: f"{block[1]}\n{_table(block[2], block[3].split(), found, path)}\n\n{block[4]}", text
    )


def _table(kind: str, names: list[str], found: Mapping[str, Row], path: Path) -> str:
    if kind not in _OF_ROWS:
        picture = f"\n\n![{_DRAWN[kind].caption(*names)}]({_image(names[0], path)})" if kind in _DRAWN else ""
        return f"{_OTHERS[kind](*names)}{picture}"
    unknown = [name for name in names if name not in found]
    if unknown:
        raise ValueError(
            f"A table is made of the files in docs/results. Received: {', '.join(unknown)} in {path.name}. There is: "
            f"{', '.join(found)}."
        )
    return _OF_ROWS[kind](found[name] for name in names)


def _image(name: str, page: Path) -> str:
    return os.path.relpath(ROOT / "docs" / "images" / f"{name}.svg", page.parent)


def pictures() -> dict[Path, str]:
    """Draw what the pages show, by the file that it stands in."""
    asked = (block for path in pages() if path.suffix == ".md" for block in _BLOCK.findall(path.read_text("utf-8")))
    drawn = {}
    for _, kind, names, _ in asked:
        if kind in _DRAWN:
            drawn[ROOT / "docs" / "images" / f"{names.split()[0]}.svg"] = _DRAWN[kind].picture(*names.split())
    return drawn


def main() -> None:
    """Carry runs, or write what the pages tell."""
    parser = argparse.ArgumentParser(description="Keep what README, docs and recipes tell equal to the results.")
    commands = parser.add_subparsers(dest="command")
    for name, carry, what, many in (
        ("add", rows.add, "finished runs into the file of a row: their folders", "+"),
        ("compare", comparisons.carry, "a comparison of runs: its folder", 1),
        ("probes", partial(files.carry, probes.KIND), "the probes of a model: a JSON file", 1),
        ("decoding", partial(files.carry, decoding.KIND), "what options of decoding are worth: a JSON file", 1),
        ("evaluation", partial(files.carry, evaluations.KIND), "models on one test set: a JSON file", 1),
        ("timescales", partial(files.carry, timescales.KIND), "how long layers remember: a JSON file", 1),
    ):
        carrying = commands.add_parser(name, help=f"carry {what}")
        carrying.add_argument("name", help="of the file in docs/results")
        carrying.add_argument("--commit", required=True, help="of the code that they ran with")
        carrying.add_argument("paths", type=Path, nargs=many, help=what)
        carrying.set_defaults(carry=carry)
    arguments = parser.parse_args()
    if arguments.command:
        arguments.carry(arguments.name, arguments.commit, *arguments.paths)
    found = rows.read()
    for path, text in {**pictures(), **{path: told(path, found) for path in pages()}}.items():
        if not path.exists() or text != path.read_text("utf-8"):
            path.write_text(text, encoding="utf-8")
            print(f"Written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
