"""Measure: python -m tests.benchmarks --json FILE, or make benchmark JSON=FILE."""

import argparse
import datetime
import importlib.metadata
import itertools
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks import environments, plan, rounds, tables, text
from tests.benchmarks.job import Architecture

INSTRUCTIONS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 BF16", "amx_bf16": "AMX BF16"}
"""What matrix products are quick by, by its name in `/proc/cpuinfo`."""


def main() -> None:
    """Measure what was asked for, write it, print the tables."""
    options = _parser().parse_args()
    cache = options.cache.resolve()
    path = text.prepare(cache)
    results: list[dict[str, Any]] = []
    report = {
        "command": " ".join(["python -m tests.benchmarks", *_without_paths(sys.argv[1:])]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": _machine(options.threads),
        "versions": {name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
        "text": path.stem.rpartition("-")[2],
        "results": results,
    }
    jobs = plan.groups(
        options.only,
        options.systems,
        options.precision,
        [chosen == "on" for chosen in options.input_feeding],
        options.curves,
        text=str(path),
        threads=options.threads,
        scratch=str(cache / "scratch"),
    )
    for group in jobs:
        if group:
            measured = rounds.measure(group, options.rounds, cache)
            _count_operations(measured, path)
            results += measured
        if options.json:
            # After each group: what is measured is not lost where a later one is stopped.
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(tables.render(results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here")
    parser.add_argument("--only", nargs="+", choices=plan.PARTS, default=plan.PARTS, help="parts (default: all)")
    names = tuple(environments.SYSTEMS)
    parser.add_argument("--systems", nargs="+", choices=names, default=names, help="systems (default: all)")
    precisions = {"choices": plan.PRECISIONS, "default": plan.PRECISIONS}
    parser.add_argument("--precision", nargs="+", **precisions, help="int8 of decoding alone (default: all)")
    feeding = parser.add_argument("--input-feeding", nargs="+", choices=("off", "on"), default=("off", "on"))
    feeding.help = "of training (default: both)"
    parser.add_argument("--curves", nargs="+", choices=plan.CURVES, default=plan.CURVES, help="(default: all)")
    parser.add_argument("--rounds", type=int, default=4, help="turns that each system takes (default: 4)")
    parser.add_argument("--threads", type=int, default=2, help="processors that a system may use (default: 2)")
    parser.add_argument(
        "--cache",
        type=Path,
        default=environments.cache_folder(),
        help="folder of environments and text (default: $SEQ2SEQ_BENCHMARK_CACHE, else in the user's cache)",
    )
    return parser


def _without_paths(words: list[str]) -> list[str]:
    """Leave out where things are kept: of no interest elsewhere."""
    places = {place for place, word in enumerate(words) if word in ("--json", "--cache")}
    return [word for place, word in enumerate(words) if not {place, place - 1} & places]


def _machine(threads: int) -> str:
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        said = dict(map(str.strip, line.split(":", 1)) for line in information.read_text().splitlines() if ":" in line)
        model = said.get("model name", model)
        flags = set(said.get("flags", "").split())
        model += (
            f" ({', '.join(name for flag, name in INSTRUCTIONS.items() if flag in flags) or 'none of AVX2 and up'})"
        )
    system = f"{platform.system()}, Python {platform.python_version()}, {_tensorflow()}"
    return f"{model}, {threads} of {os.cpu_count()} processors, {system}"


def _tensorflow() -> str:
    """Which build of TensorFlow computes, and whether its oneDNN operations do."""
    package = next(iter(importlib.metadata.packages_distributions()["tensorflow"]))
    off = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"
    return f"{package} {importlib.metadata.version(package)} {'without' if off else 'with'} oneDNN"


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=environments.ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _count_operations(results: list[dict[str, Any]], path: Path) -> None:
    """Add to our trainings the operations of each round, in units of 1e9."""
    train = json.loads(path.read_text("utf-8"))["train"]
    lengths = [[len(ids) + 1 for ids in train[side]] for side in ("source", "target")]
    for result in results:
        if result["part"] == "training" and result["system"] == "ours":
            architecture = Architecture(**result["architecture"])
            result["gflop"] = []
            for number in range(len(result["rounds"])):
                first = result["warm_up"] + number * result["updates"]
                places = itertools.chain(*train["batches"][first : first + result["updates"]])
                pairs = ((lengths[0][place], lengths[1][place]) for place in places)
                result["gflop"].append(architecture.operations(pairs) / 1e9)


if __name__ == "__main__":
    main()
