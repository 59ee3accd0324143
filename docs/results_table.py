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
    python docs/results_table.py                                        write every table and header anew

In a page, what stands between `<!-- results: NAME NAME -->` and `<!-- end -->` is a table with a row for each name,
after `<!-- runs: NAME NAME -->` one with a row for each run, after `<!-- comparison: NAME METRIC -->` one with a row
for each variant and a picture, which is written to docs/images/NAME.svg, after `<!-- lengths: NAME METRIC -->` the same
by length of the source, after `<!-- probes: NAME states -->` (or `linear`, `positions`) what was found in the states
of a model, after `<!-- decoding: NAME options -->` (or `terms`, `surest`) what options of decoding are worth. In a
recipe it is all from `Cost` to the end of its header.
"""

import argparse
import json
import os
import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from seq2seq.analysis.comparison.pictures import draw_scores
from seq2seq.analysis.pages.document import standalone
from seq2seq.metrics import HIGHER_IS_BETTER
from seq2seq.runs import read_run

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
COMPARISONS, PROBES, DECODING = "comparisons", "probes", "decoding"  # in it

LABELS = {
    "bleu": "BLEU",
    "chrf": "chrF",
    "exact_match": "exact match",
    "sequence_error_rate": "WER",
    "phoneme_error_rate": "PER",
}
"""How the metrics are called in a table; where a text is a word, as in letters to sounds, its error rate is the WER."""

_BLOCK = re.compile(
    r"(<!-- (results|runs|comparison|lengths|probes|decoding): ([^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL
)
_HEADER = re.compile(r'\nCost     .*?"""', re.DOTALL)
_NOT_YET = "not measured yet"
_LISTS = ("states", "linear", "positions")  # of probes, a line for each
_OPTIONS = ("options", "terms", "surest")  # of decoding, a table for each
_POSITIONS = (1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 25, 30)  # that are told
_LONG = 100  # characters of a command, too many for a cell
_INDENT = 9  # of what stands under a word in a header
# Of a command: what belongs to the machine that it ran on.
_OWN = ("--out", "--data", "--jobs")
_OWN_FLAGS = ("--resume", "--resume-if-begun")


@dataclass(frozen=True)
class Row:
    """A row of a table, as its file holds it.

    Attributes:
        name: The file's name without its ending.
        title: What was done, for a reader.
        recipe: The recipe script.
        command: The command, but for the place of data and results.
        metrics: Names of the metrics to tell, the first one first.
        published: What others reached: "system", and a value for each metric that they tell.
        mean_of: Names of the rows that this one is the mean of, seed by seed; it has no runs of its own then.
        runs: Our runs, each with "seed" and "metrics".
    """

    name: str
    title: str
    recipe: str
    command: str
    metrics: tuple[str, ...]
    published: tuple[Mapping[str, Any], ...] = ()
    mean_of: tuple[str, ...] = ()
    runs: tuple[Mapping[str, Any], ...] = field(default=())

    def values(self, metric: str, part: str = "test") -> list[float]:
        """Give what each run reached, in the order of the seeds."""
        return [run["metrics"][part][metric] for run in self.runs]

    def ours(self) -> str:
        """Tell mean and spread over seeds of every metric."""
        if not self.runs:
            return _NOT_YET
        told = [f"{LABELS[metric]} {_spread(self.values(metric))}" for metric in self.metrics]
        seeds = len(self.runs)
        return f"{', '.join(told)} ({seeds} seed{'s' * (seeds != 1)})"

    def theirs(self) -> str:
        """Tell what was published, the best of each kind as it stands in the file."""
        return "; ".join(
            ", ".join(f"{LABELS[name]} {system[name]:.2f}" for name in self.metrics if name in system)
            + f" ({system['system']})"
            for system in self.published
        )

    def signatures(self) -> dict[str, str]:
        """Give the signature of every metric that is told; the same for all runs of a row."""
        return {metric: self.runs[0]["signatures"][metric] for metric in self.metrics if self.runs}

    def changes(self) -> str:
        """Give what the command changes of the recipe."""
        words = shlex.split(self.command)
        return " ".join(f"--set {after}" for word, after in pairwise(words) if word == "--set")

    def minutes(self) -> str:
        """Tell the minutes of a run had all its epochs been as quick as the quickest; other work ran beside some."""
        alone = [run["epochs"] * run["fastest_epoch_seconds"] / 60 for run in self.runs]
        return f"{min(alone):.2g}" if alone and min(alone) < 10 else f"{min(alone):.0f}" if alone else ""


def rows() -> dict[str, Row]:
    """Read all rows by name; those that are a mean have the mean of every seed that all of their rows have."""
    found = {path.stem: _read(path) for path in sorted(RESULTS.glob("*.json"))}
    for name, row in found.items():
        if row.mean_of:
            found[name] = _row(name, {**vars(row), "runs": list(_means([found[each] for each in row.mean_of]))})
    return found


def _read(path: Path) -> Row:
    return _row(path.stem, json.loads(path.read_text("utf-8")))


def _row(name: str, table: Mapping[str, Any]) -> Row:
    lists = {key: tuple(table.get(key, ())) for key in ("metrics", "published", "mean_of")}
    runs = tuple(sorted(table.get("runs", ()), key=lambda run: run["seed"]))
    return Row(name, table["title"], table["recipe"], table["command"], **lists, runs=runs)


def _means(parts: list[Row]) -> Iterator[dict[str, Any]]:
    by_seed = [{run["seed"]: run for run in part.runs} for part in parts]
    for seed in sorted(set.intersection(*map(set, by_seed))):
        runs = [runs[seed] for runs in by_seed]
        metrics = {
            part: {name: fmean(run["metrics"][part][name] for run in runs) for name in values}
            for part, values in runs[0]["metrics"].items()
        }
        yield {
            **runs[0],
            "metrics": metrics,
            "epochs": sum(run["epochs"] for run in runs),
            "fastest_epoch_seconds": fmean(run["fastest_epoch_seconds"] for run in runs),
        }


def _spread(values: list[float]) -> str:
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def shortened(folder: Path, commit: str) -> dict[str, Any]:
    """Give what is kept of a finished run: its scores, what it took, and its curve; nothing that names this machine.

    Raises:
        ValueError: The folder holds no finished run.
    """
    record = read_run(folder)
    result = record.result if record else None
    if record is None or result is None:
        raise ValueError(f"A result is of a finished run. Received: {folder}. Let it finish, or name another folder.")
    epochs = [event for event in record.log() if event["event"] == "epoch"]
    curve = [event for event in record.log() if event["event"] == "validation"]
    watched = ["val_loss", *(f"val_{name}" for name in result["signatures"])]
    return {
        "seed": result["seed"],
        "commit": commit,
        "command": _command(result["command"]),
        "changed_settings": {
            name: value for name, value in result["changed_settings"].items() if not name.startswith("data.path")
        },
        "metrics": result["metrics"],
        "signatures": result["signatures"],
        "parameters": result.get("parameters"),
        "epochs": result["epochs"],
        "best_epoch": result["best_epoch"],
        "minutes": result["minutes"],
        "fastest_epoch_seconds": round(min(event["seconds"] for event in epochs), 1),
        "machine": result["machine"],
        "versions": {name: version for name, version in result["versions"].items() if name != "system"},
        "curve": {name: [round(event[name], 3) for event in curve] for name in watched},
    }


def _command(command: str) -> str:
    words = iter(shlex.split(command))
    kept = []
    for word in words:
        if word in _OWN:
            next(words, None)
        elif word not in _OWN_FLAGS and word.partition("=")[0] not in _OWN:
            kept.append(word)
    return shlex.join(kept)


def add(name: str, commit: str, folders: Iterable[Path]) -> None:
    """Carry finished runs into the file of a row; a run of the same seed is replaced."""
    path = RESULTS / f"{name}.json"
    table = json.loads(path.read_text("utf-8"))
    runs = {run["seed"]: run for run in table.get("runs", ())}
    for folder in folders:
        run = shortened(folder, commit)
        runs[run["seed"]] = run
    table["runs"] = [runs[seed] for seed in sorted(runs)]
    path.write_text(_laid_out(table), encoding="utf-8")


def compare(name: str, commit: str, folders: Iterable[Path]) -> None:
    """Carry a comparison into a file of its own: all figures, and nothing that names this machine."""
    (found,) = (json.loads((folder / "comparison.json").read_text("utf-8")) for folder in folders)
    for variant in found["variants"]:
        del variant["folders"]
    path = RESULTS / COMPARISONS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(_laid_out({"commit": commit, **found}), encoding="utf-8")


def probes(name: str, commit: str, files: Iterable[Path]) -> None:
    """Carry what was found in the states of a model into a file of its own."""
    _carry(PROBES, name, commit, files)


def decoding(name: str, commit: str, files: Iterable[Path]) -> None:
    """Carry what options of decoding are worth into a file of its own."""
    _carry(DECODING, name, commit, files)


def _carry(folder: str, name: str, commit: str, files: Iterable[Path]) -> None:
    (found,) = (json.loads(file.read_text("utf-8")) for file in files)
    path = RESULTS / folder / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(_laid_out({"commit": commit, **found}), encoding="utf-8")


def _laid_out(table: Mapping[str, Any]) -> str:
    """Write JSON with a line for each key of a run or a variant: a curve is one line, and a changed run a few."""
    lines = []
    for key, value in table.items():
        if key in (*_LISTS, *_OPTIONS) and isinstance(value, list):
            lines.append(f'  "{key}": [\n' + ",\n".join(f"    {_dumped(each)}" for each in value) + "\n  ]")
        elif key in ("runs", "variants"):
            each = [
                "{\n"
                + ",\n".join(f"      {json.dumps(name)}: {_dumped(part)}" for name, part in run.items())
                + "\n    }"
                for run in value
            ]
            lines.append(f'  "{key}": [' + ("\n    " + ",\n    ".join(each) + "\n  " if each else "") + "]")
        else:
            lines.append(f"  {json.dumps(key)}: {_dumped(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def results_table(found: Iterable[Row]) -> str:
    """Make a table with a row for each task, and below it a list of the signatures of their metrics."""
    lines = ["| task | command | published | ours, on test | minutes |", "|---|---|---|---|---|"]
    signed: dict[str, list[str]] = {}
    for row in found:
        command = f"`{row.command}`" if len(row.command) < _LONG else f"as the header of `{row.recipe}` says"
        lines.append(f"| {row.title} | {command} | {row.theirs() or '–'} | {row.ours()} | {row.minutes()} |")
        for metric, signature in row.signatures().items():
            signed.setdefault(f"{LABELS[metric]} `{signature}`", []).append(row.title)
    return "\n".join([*lines, "", *(f"- {what}: {'; '.join(titles)}" for what, titles in signed.items())])


def runs_table(found: Iterable[Row]) -> str:
    """Make a table with a row for each run."""
    found = list(found)
    metrics = list(dict.fromkeys(metric for row in found for metric in row.metrics))
    heads = [f"{LABELS[metric]}, {part}" for metric in metrics for part in ("validation", "test")]
    lines = [
        "| task | seed | " + " | ".join(heads) + " | best epoch | parameters | minutes, as it ran | commit |",
        "|---|" + "---|" * (len(heads) + 5),
    ]
    for row in found:
        for run in row.runs:
            cells = [
                f"{run['metrics'][part][metric]:.2f}" if metric in row.metrics else "–"
                for metric in metrics
                for part in ("validation", "test")
            ]
            parameters = f"{run['parameters']:,}" if run["parameters"] else "–"
            lines.append(
                f"| {row.title} | {run['seed']} | {' | '.join(cells)} | {run['best_epoch']:.0f} of {run['epochs']} | "
                f"{parameters} | {run['minutes']:.1f} | {run['commit']} |"
            )
    return "\n".join(lines)


def comparison_table(name: str, metric: str) -> str:
    """Make a table with a row for each variant: mean and spread, and how far and how surely it is from the first.

    Raises:
        ValueError: There is no such comparison, or it has no such metric.
    """
    compared = _compared(name, metric)
    lines = [
        f"| variant | seeds | {LABELS[metric]} | difference | 95 % interval | p, corrected | |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant in compared["variants"]:
        result = variant["metrics"][metric]
        cells = [variant["name"], str(len(result["scores"])), _spread(result["scores"])]
        lines.append(f"| {' | '.join([*cells, *_difference(metric, result['difference'])])} |")
    return "\n".join([*lines, "", f"{LABELS[metric]} `{compared['signatures'][metric]}`, commit {compared['commit']}."])


def lengths_table(name: str, metric: str) -> str:
    """Make a table with a row for each variant: its mean over seeds in each class of sources of like length.

    Raises:
        ValueError: There is no such comparison, or it has no such metric.
    """
    compared = _compared(name, metric)
    classes = compared["lengths"]
    sized = [f"{span} ({size:,})" for span, size in zip(classes["names"], classes["sizes"], strict=True)]
    lines = [f"| {LABELS[metric]} by {classes['what']} | {' | '.join(sized)} |", "|---|" + "---|" * len(sized)]
    for variant in compared["variants"]:
        cells = [f"{mean:.2f}" for mean in variant["metrics"][metric]["by_length"]]
        lines.append(f"| {' | '.join([variant['name'], *cells])} |")
    return "\n".join(lines)


def comparison_picture(name: str, metric: str) -> str:
    """Draw the score of every run, in a row for each variant.

    Raises:
        ValueError: There is no such comparison, or it has no such metric.
    """
    variants = _compared(name, metric)["variants"]
    names, scores = [each["name"] for each in variants], [each["metrics"][metric]["scores"] for each in variants]
    return standalone(draw_scores(names, scores, f"{LABELS[metric]} of every run and their mean"))


def _compared(name: str, metric: str) -> dict[str, Any]:
    path = RESULTS / COMPARISONS / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"A comparison is carried before it is told. Received: {name}. There is no file {path.name}.")
    compared: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if metric not in compared["signatures"]:
        raise ValueError(
            f"A comparison tells the metrics of its runs. Received: {name} {metric}. There is: "
            f"{', '.join(compared['signatures'])}."
        )
    return compared


def _difference(metric: str, found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return [""] * 4
    p = "< 0.001" if found["corrected"] < 0.001 else f"{found['corrected']:.3f}"
    told = [f"{found['value']:+.2f}", f"{found['low']:+.2f} … {found['high']:+.2f}", p]
    if found["corrected"] < 0.05:
        return [*told, "better" if (found["value"] > 0) == HIGHER_IS_BETTER[metric] else "worse"]
    return [*told, f"no difference detected; one of {found['smallest']:.2f} would have been"]


def probes_table(name: str, part: str) -> str:
    """Make a table of what was found in the states of a model: what they are worth, what is read, or by position.

    Raises:
        ValueError: There are no such probes, or no such part.
    """
    path = RESULTS / PROBES / f"{name}.json"
    if not path.is_file() or part not in _LISTS:
        raise ValueError(
            f"Probes are carried before they are told, and told by {', '.join(_LISTS)}. Received: {name} {part}."
        )
    probed = json.loads(path.read_text("utf-8"))
    metric, names = LABELS[probed["metric"]], probed["lengths"]["names"]
    if part == "states":
        head = ["state", "altered", metric, "lost", *names]
        rows = [
            [each["where"], each["how"], f"{each['score']:.2f}", *map(_lost, [each["lost"], *each["by_length"]])]
            for each in probed["states"]
        ]
    elif part == "linear":
        asked = list(dict.fromkeys(each["what"] for each in probed["linear"]))
        head, rows = ["state", *asked], []
        for where in dict.fromkeys(each["where"] for each in probed["linear"]):
            found = [each for each in probed["linear"] if each["where"] == where]
            rows.append(
                [where, *(f"{each['score']:z.0f} [{each['low']:z.0f} … {each['high']:z.0f}]" for each in found)]
            )
        first = probed["linear"][: len(asked)]
        rows.append([f"{first[0]['where']}, shuffled labels", *(f"{each['shuffled']:z.0f}" for each in first)])
        rows.append(["always the same", *(f"{each['constant']:z.0f}" for each in first)])
    else:
        head = ["position", "references", "right after the reference so far", "right after its own words"]
        rows = [
            [f"{each['place']}", f"{each['sentences']:,}", f"{each['forced']:.1f} %", f"{each['free']:.1f} %"]
            for each in probed["positions"]
            if each["place"] in _POSITIONS and each["sentences"] * 20 >= probed["sentences"]
        ]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    if part == "states":
        how = f"{probed['score']:.2f} {metric} on {probed['sentences']:,} sentences with {probed['search']}"
        lines += ["", f"As it is: {how}, `{probed['signature']}`, commit {probed['commit']}."]
    return "\n".join(lines)


def _lost(found: Mapping[str, Any] | None) -> str:
    return "–" if found is None else f"{found['value']:z.2f} ± {found['high'] - found['value']:.2f}"


def decoding_table(name: str, part: str) -> str:
    """Make a table of what options of decoding are worth and cost, of terms, or of the surest translations.

    Raises:
        ValueError: There is no such table.
    """
    if part not in _OPTIONS:
        raise ValueError(f"What is told of decoding is {', '.join(_OPTIONS)}. Received: {name} {part}.")
    path = RESULTS / DECODING / f"{name}.json"
    if not path.is_file():
        return f"{_NOT_YET[0].upper()}{_NOT_YET[1:]}."
    found = json.loads(path.read_text("utf-8"))
    below: list[str] = []
    if part == "options":
        head = ["option", "BLEU", "difference", "p", "chrF", "time"]
        rows = [
            [each["what"], f"{each['bleu']:.2f}", *_beside_the_first(each), f"{each['chrf']:.2f}", _times(each["cost"])]
            for each in found["options"]
        ]
        below = [
            "",
            f"On {found['sentences']:,} sentences, `{found['signature']}`; times of {found['timed']} sentences, the "
            f"quickest of {found['rounds']}, by that of the first line, on {found['machine']['cores']} cores "
            f"({_processor(found)}); commit {found['commit']}.",
        ]
    elif part == "terms":
        head = ["", "terms in the translation, as whole words"]
        told = found["terms"]
        rows = [
            ["without", f"{told['beam']:.1f} % of {told['terms']:,}"],
            ["given as terms", f"{told['given']:.1f} %"],
        ]
    else:
        head = ["the surest", "sentences", "log p from", "chrF expected", "chrF", "BLEU"]
        rows = [
            [f"{each['share']} %", f"{each['sentences']:,}", f"{each['least']:.2f}",
             *(f"{each[name]:.2f}" for name in ("expected", "chrf", "bleu"))]
            for each in found["surest"]
        ]  # fmt: skip
    return "\n".join([*(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)), *below])


def _beside_the_first(option: Mapping[str, Any]) -> list[str]:
    """Tell a difference from the first option, and its p; nothing of that one."""
    if option["difference"] is None:
        return ["", ""]
    return [f"{option['difference']:+z.2f}", "–" if option["p"] is None else f"{option['p']:.3f}"]


def _times(cost: float | None) -> str:
    return "–" if cost is None else f"{cost:.2f} ×"


def header(found: Iterable[Row]) -> str:
    """Make the end of a recipe's header, from its cost on; what the recipe does as it is goes first."""
    found = list(found)
    measured = [row for row in found if row.runs]
    machines = {f"{run['machine']['cores']} cores ({_processor(run)})" for row in measured for run in row.runs}
    costs = "; ".join(f"{_titled(row, found)}{row.minutes()}" for row in measured)
    lines = [_filled("Cost", f"in minutes, on {' and '.join(sorted(machines))}: {costs}" if costs else _NOT_YET)]
    for number, row in enumerate(found):
        published = f"; published: {row.theirs()}" if row.published else ""
        changes = f"; by {row.changes()}" if row.changes() else ""
        lines.append(_filled("" if number else "Result", f"{_titled(row, found)}{row.ours()}{published}{changes}"))
    signatures = dict.fromkeys(signature for row in measured for signature in row.signatures().values())
    lines += [_filled("", signature) for signature in signatures]
    return "\n" + "\n".join(lines) + '\n"""'


def _titled(row: Row, found: list[Row]) -> str:
    return "" if row is found[0] and not row.mean_of else f"{row.title}: "


def _processor(run: Mapping[str, Any]) -> str:
    return re.sub(r"\((R|TM)\)| (Processor|CPU)\b.*", "", run["machine"]["processor"])


def _filled(word: str, text: str) -> str:
    lines = textwrap.fill(
        text.replace("--set ", "--set\0"),  # an option and its value stay on one line
        width=120,
        initial_indent=word.ljust(_INDENT),
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace("\0", " ")


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
        return _HEADER.sub(lambda _: header(own), text, count=1) if own else text
    return _BLOCK.sub(
        lambda block: f"{block[1]}\n{_table(block[2], block[3].split(), found, path)}\n\n{block[4]}", text
    )


def _table(kind: str, names: list[str], found: Mapping[str, Row], path: Path) -> str:
    if kind == "comparison":
        name, metric = names
        picture = f"![{LABELS[metric]} of every run as a dot, a row for each variant]({_image(name, path)})"
        return f"{comparison_table(name, metric)}\n\n{picture}"
    of_two = {"lengths": lengths_table, "probes": probes_table, "decoding": decoding_table}
    if kind in of_two:
        return of_two[kind](*names)
    unknown = [name for name in names if name not in found]
    if unknown:
        raise ValueError(
            f"A table is made of the files in docs/results. Received: {', '.join(unknown)} in {path.name}. There is: "
            f"{', '.join(found)}."
        )
    return {"results": results_table, "runs": runs_table}[kind](found[name] for name in names)


def _image(name: str, page: Path) -> str:
    return os.path.relpath(ROOT / "docs" / "images" / f"{name}.svg", page.parent)


def pictures() -> dict[Path, str]:
    """Draw what the pages show of comparisons, by the file that it stands in."""
    asked = (block for path in pages() if path.suffix == ".md" for block in _BLOCK.findall(path.read_text("utf-8")))
    wanted = dict(names.split() for _, kind, names, _ in asked if kind == "comparison")
    return {
        ROOT / "docs" / "images" / f"{name}.svg": comparison_picture(name, metric) for name, metric in wanted.items()
    }


def main() -> None:
    """Carry runs, or write what the pages tell."""
    parser = argparse.ArgumentParser(description="Keep what README, docs and recipes tell equal to the results.")
    commands = parser.add_subparsers(dest="command")
    for carry, help in (
        (add, "carry finished runs into the file of a row"),
        (compare, "carry a comparison of runs"),
        (probes, "carry the probes of a model"),
        (decoding, "carry what options of decoding are worth"),
    ):
        carrying = commands.add_parser(carry.__name__, help=help)
        carrying.add_argument("name", help="of the file in docs/results")
        carrying.add_argument("--commit", required=True, help="of the code that they ran with")
        carrying.add_argument(
            "folder", type=Path, nargs="+", help="a run folder; the folder of a comparison; or the JSON to carry"
        )
        carrying.set_defaults(carry=carry)
    arguments = parser.parse_args()
    if arguments.command:
        arguments.carry(arguments.name, arguments.commit, arguments.folder)
    found = rows()
    for path, text in {**pictures(), **{path: told(path, found) for path in pages()}}.items():
        if not path.exists() or text != path.read_text("utf-8"):
            path.write_text(text, encoding="utf-8")
            print(f"Written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
