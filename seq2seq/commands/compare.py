"""`seq2seq compare`: put runs side by side, with what the differences between them are worth."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.commands.arguments import add_data, add_settings, count, named_path, recipe_of
from seq2seq.system.files import is_readable
from seq2seq.system.signals import stop_status
from seq2seq.system.terminal import UsageError, need_stdout, tell

if TYPE_CHECKING:
    from seq2seq.analysis.comparison import Comparison

_SEEDS, _TRIALS = 3, 20


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compare",
        help="put runs side by side, with what the differences between them are worth",
        description="Compare finished runs on their test sentences, or train variants of a recipe with several seeds "
        "and compare those. Runs of one recipe but for the seed are one variant; every other variant is compared with "
        "the first, with an interval over sentences and seeds. The same command again goes on where it was stopped.",
        epilog="Exit status: 0, 1 where a training failed, 2 for bad usage. A variant that the recipe refuses is "
        "listed with its reason, and the rest runs.",
    )
    parser.add_argument(
        "what", type=named_path, nargs="+", metavar="RECIPE|DIR",
        help="a recipe to train variants of; or run folders, or folders that hold some",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=named_path, metavar="FOLDER",
        help="where the runs of a recipe go, and the report: HTML, Markdown, JSON, CSV",
    )  # fmt: skip
    parser.add_argument(
        "--vary", action="append", default=[], metavar="KEY=V1,V2,...",
        help="train with each of these values of a setting; several --vary make every combination. In a search also a "
        "range, KEY=LOW..HIGH",
    )  # fmt: skip
    parser.add_argument(
        "--variants",
        type=named_path,
        metavar="FILE",
        help="train the variants that this TOML file names, a table for each",
    )
    parser.add_argument(
        "--seeds",
        type=count,
        metavar="N",
        help=f"seeds for each variant, from that of the recipe on (default: {_SEEDS})",
    )
    parser.add_argument("--jobs", type=count, metavar="N", help="trainings at once (default: 1)")
    parser.add_argument(
        "--shard", type=_shard, metavar="I/N", help="train only the I-th of N shares, as one of several machines"
    )
    parser.add_argument(
        "--search", choices=("random", "tpe"),
        help="do not train every combination, but draw trials, at random or by what did well so far; needs optuna. "
        "Judged by validation alone; what is hopeless is stopped early",
    )  # fmt: skip
    parser.add_argument("--trials", type=count, metavar="N", help=f"trials of a search (default: {_TRIALS})")
    add_data(parser)
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    first, *more = arguments.what
    if more or not is_readable(first):
        _finished(arguments)
        return
    if arguments.out is None:
        raise UsageError("The runs need a place. Name a folder with --out.")
    if arguments.search:
        _search(arguments, first)
    else:
        _study(arguments, first)


def _finished(arguments: argparse.Namespace) -> None:
    recipes = [str(path) for path in arguments.what if is_readable(path)]
    absent = [str(path) for path in arguments.what if not path.is_dir() and str(path) not in recipes]
    if absent:
        raise UsageError(
            f"There is no such recipe or folder of runs. Received: {' '.join(absent)}. Give one recipe, or folders."
        )
    if recipes:
        raise UsageError(
            "A comparison is of one recipe, which is trained, or of folders of finished runs. Received: "
            f"{' '.join(map(str, arguments.what))}. Give one recipe, or folders alone."
        )
    options = ("vary", "variants", "seeds", "jobs", "shard", "search", "trials", "data", "settings")
    _refuse(arguments, options, "This option is for a recipe, not for finished runs")
    from seq2seq.analysis.comparison import compare_runs
    from seq2seq.analysis.comparison.files import need_place

    if arguments.out is not None:
        need_place(arguments.out)
    _show(compare_runs(arguments.what), arguments.out)


def _study(arguments: argparse.Namespace, path: Path) -> None:
    from seq2seq.analysis.comparison import Study, plan_grid, plan_named

    _refuse(arguments, ("trials",), "This option is for a search, with --search")
    if arguments.vary and arguments.variants:
        raise UsageError("Variants are combinations of settings, or named in a file. Received: --vary and --variants.")
    recipe = recipe_of(arguments, path)
    if arguments.variants:
        if not is_readable(arguments.variants):
            raise UsageError(f"There is no such list of variants. Received: {arguments.variants}.")
        plan = plan_named(recipe, arguments.variants)
    else:
        plan = plan_grid(recipe, arguments.vary)
    seeds = range(recipe.seed, recipe.seed + (arguments.seeds or _SEEDS))
    study = Study(plan, seeds, arguments.out, data=arguments.data)
    result = study.run(jobs=arguments.jobs or 1, shard=arguments.shard or (1, 1))
    _end_where_stopped(result.stopped)
    if result.comparison is not None:
        _show(result.comparison, arguments.out)
    if result.failed:
        raise ValueError(
            f"{len(result.failed)} of the trainings failed: "
            + "; ".join(f"{each.name}: {each.reason}" for each in result.failed)
        )
    if result.comparison is None and result.refused and not result.unfinished:
        raise UsageError("Every variant is refused; see above.")
    if result.comparison is None:
        tell(f"Nothing to compare yet: {result.unfinished} runs are not finished, and none of them is of this share.")


def _search(arguments: argparse.Namespace, path: Path) -> None:
    from seq2seq.analysis.comparison import SettingsSearch

    _refuse(
        arguments, ("variants", "seeds", "shard"), "This option is not for a search, which draws settings and one seed"
    )
    if not arguments.vary:
        raise UsageError("A search needs settings to draw. Give --vary KEY=LOW..HIGH or --vary KEY=V1,V2.")
    recipe = recipe_of(arguments, path)
    search = SettingsSearch(recipe, arguments.vary, arguments.out, sampler=arguments.search, data=arguments.data)
    result = search.run(arguments.trials or _TRIALS, jobs=arguments.jobs or 1)
    _end_where_stopped(result.stopped)
    print(result.report())
    if result.best is None:
        raise ValueError(f"No trial finished; what they said is in {arguments.out}.")
    # All that the first command changed, but for what was drawn.
    settings = [part for text in arguments.settings for part in ("--set", text)]
    data = [] if arguments.data is None else ["--data", arguments.data]
    compare = ["seq2seq", "compare", str(path), "--variants", str(result.best), "--seeds", "3", *settings, *data]
    tell(f"To compare the best with the recipe: {shlex.join([*compare, '--out', f'{arguments.out}-best'])}")


def _refuse(arguments: argparse.Namespace, names: Sequence[str], why: str) -> None:
    """Refuse options that say nothing here."""
    given = [f"--{'set' if name == 'settings' else name}" for name in names if getattr(arguments, name)]
    if given:
        raise UsageError(f"{why}. Received: {' '.join(given)}.")


def _end_where_stopped(stopped: str | None) -> None:
    if stopped:
        tell("The same command once more goes on from here.")
        raise SystemExit(stop_status(stopped))


def _show(comparison: Comparison, folder: Path | None) -> None:
    # Written first: who reads the table may stop reading.
    written = [] if folder is None else comparison.write(folder)
    print(comparison.report())
    if written:
        tell(f"Written: {', '.join(map(str, written))}")


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"needs a share and the number of shares, as in 2/3. Received: {text}")
    return int(match[1]), int(match[2])
