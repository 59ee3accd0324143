"""What the programs of docs/ that measure runs have in common."""

import argparse
import json
from pathlib import Path
from typing import Any


def runs_to_measure(description: str) -> tuple[list[tuple[str, Any]], Path]:
    """Read the command line of a program that measures runs: NAME=RUN ... --to FILE.

    Args:
        description: What it measures.

    Returns:
        What each run is called, with its record, and the file to write. Runs with one name are seeds of one model.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN", help="what a model is called, and a run folder of it")
    parser.add_argument("--to", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    from seq2seq.runs import read_run

    named = []
    for each in arguments.runs:
        name, _, folder = each.partition("=")
        if not (name and folder):
            parser.error(f"A run has a name and a folder. Received: {each}. Write NAME=RUN.")
        if (record := read_run(Path(folder))) is None:
            parser.error(f"There is no run in this folder. Received: {folder}. Name the folder of a run.")
        named.append((name, record))
    return named, arguments.to


def write(to: Path, found: dict[str, Any]) -> None:
    """Write what was measured, with the machine and the versions that it was measured with."""
    from seq2seq.system.machine import machine
    from seq2seq.system.versions import package_versions

    found = {"machine": machine(), "versions": package_versions(), **found}
    to.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
