"""The tables of results, and the headers of recipes."""

import textwrap
from collections.abc import Iterable

from result_tables.files import LABELS, NOT_YET
from result_tables.rows import Row

_LONG = 100  # characters of a command, too many for a cell
_INDENT = 9  # of what stands under a word in a header


def by_task(found: Iterable[Row]) -> str:
    """Make a table with a row for each task, and below it a list of the signatures of their metrics."""
    lines = ["| task | command | published | ours, on test | minutes | on |", "|---|---|---|---|---|---|"]
    signed: dict[str, list[str]] = {}
    for row in found:
        command = f"`{row.command}`" if len(row.command) < _LONG else f"as the header of `{row.recipe}` says"
        command = "those of its rows" if row.mean_of else command
        lines.append(
            f"| {row.title} | {command} | {row.theirs() or '–'} | {row.ours()} | {row.minutes()} | {row.machine()} |"
        )
        for metric, signature in row.signatures().items():
            signed.setdefault(f"{LABELS[metric]} `{signature}`", []).append(row.title)
    return "\n".join([*lines, "", *(f"- {what}: {'; '.join(titles)}" for what, titles in signed.items())])


def by_run(found: Iterable[Row]) -> str:
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


def header(found: Iterable[Row]) -> str:
    """Make the end of a recipe's header, from its cost on; what the recipe does as it is goes first."""
    found = list(found)
    measured = [row for row in found if row.runs]
    costs: dict[str, list[str]] = {}
    for row in measured:
        costs.setdefault(row.machine(), []).append(f"{_titled(row, found)}{row.minutes()}")
    told = "; ".join(f"on {machine}: {'; '.join(each)}" for machine, each in costs.items())
    lines = [_filled("Cost", f"in minutes, {told}" if costs else NOT_YET)]
    for number, row in enumerate(found):
        published = f"; published: {row.theirs()}" if row.published else ""
        changes = f"; by {row.changes()}" if row.changes() else ""
        lines.append(_filled("" if number else "Result", f"{_titled(row, found)}{row.ours()}{published}{changes}"))
    signatures = dict.fromkeys(signature for row in measured for signature in row.signatures().values())
    lines += [_filled("", signature) for signature in signatures]
    return "\n" + "\n".join(lines) + '\n"""'


def _titled(row: Row, found: list[Row]) -> str:
    return "" if row is found[0] and not row.mean_of else f"{row.title}: "


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
