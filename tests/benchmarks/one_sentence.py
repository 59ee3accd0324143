"""Sentences one at a time by exports: python -m tests.benchmarks.one_sentence FOLDER ... --source FILE

Of each folder that `seq2seq export` wrote: how long a fresh process takes to its first translation, how long a sentence
takes then, and how much memory was held. The folders take turns, a process for each turn.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from seq2seq.system.terminal import format_table
from tests.benchmarks.environments import ROOT


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.one_sentence", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="what `seq2seq export` wrote")
    parser.add_argument("--source", type=Path, required=True, metavar="FILE", help="text to translate, line by line")
    parser.add_argument("--lines", type=int, default=100, metavar="N", help="of them (default: 100)")
    parser.add_argument("--beam-size", type=int, default=5, metavar="N", help="(default: 5)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of an operation (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="turns of each folder (default: 3)")
    options = parser.parse_args()
    how = [str(options.source), str(options.lines), str(options.beam_size), str(options.threads)]
    found = [[_turn(folder, how) for folder in options.folders] for _ in range(options.rounds)]
    rows = [
        [str(folder), *(f"{statistics.median(values):,.1f}" for values in zip(*turns, strict=True))]
        for folder, turns in zip(options.folders, zip(*found, strict=True), strict=True)
    ]
    header = ["export", "to the first, ms", "a sentence, median ms", "9 of 10 below, ms", "memory, MiB"]
    print(format_table(header, rows, numbers=range(1, len(header))))


def _turn(folder: Path, how: list[str]) -> tuple[float, ...]:
    began = time.perf_counter()
    program = [sys.executable, "-c", "from tests.benchmarks.one_sentence import work; work()", str(folder), *how]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        process.stdout.readline()
        first = time.perf_counter() - began
        return 1000 * first, *json.loads(process.stdout.readline())


def work() -> None:
    """Translate in a process of its own, and tell."""
    from seq2seq.runtime import load
    from seq2seq.search import Beam
    from tests.benchmarks.turns import peak_mib

    folder, source, lines, beam_size, threads = sys.argv[1:]
    texts = Path(source).read_text("utf-8").splitlines()[: int(lines)]
    translator, beam = load(folder, int(threads)), Beam(int(beam_size))
    translator.translate(texts[:1], beam)
    print(flush=True)
    seconds = []
    for text in texts:
        began = time.perf_counter()
        translator.translate([text], beam)
        seconds.append(1000 * (time.perf_counter() - began))
    print(json.dumps([statistics.median(seconds), statistics.quantiles(seconds, n=10)[-1], peak_mib()]), flush=True)


if __name__ == "__main__":
    main()
