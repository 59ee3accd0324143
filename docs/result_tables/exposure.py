"""The table and the picture of what docs/measure_exposure.py measured: right tokens after right and after own ones."""

from collections.abc import Sequence
from typing import Any

from result_tables import files
from result_tables.files import by_name, markdown, processor
from seq2seq.analysis.pages.charts import draw_curves
from seq2seq.analysis.pages.document import standalone

KIND = "exposure"
_TABLES = {  # what the columns are, and where each begins and ends
    "by_place": ("place of the token", ((1, 1), (2, 3), (4, 6), (7, 10), (11, None))),
    "behind": ("tokens behind the first wrong one", ((1, 1), (2, 3), (4, 6), (7, None))),
}
_FEWEST = 50  # tokens that a point of a curve is the share of


def table(name: str) -> str:
    """Make two tables, by place and behind the first wrong token, with two rows for each model: what it reads.

    Raises:
        ValueError: There is no such file.
    """
    found = files.need(KIND, name)
    tables = []
    for which, (columns, spans) in _TABLES.items():
        head = ["model", "seeds", columns, *(_span(*span) for span in spans)]
        rows = []
        for model, seeds in by_name(found["models"]).items():
            shares = [_share(_sum(seeds, which), *span) for span in spans]
            for place, reads in enumerate(("reads right tokens", "reads its own")):
                cells = ("–" if each is None else f"{each[place]:.1f}" for each in shares)
                rows.append([model, str(len(seeds)), reads, *cells])
        tables.append(markdown(head, rows))
    cores = f"{found['machine']['cores']} cores ({processor(found)})"
    return "\n\n".join([*tables, f"Percent of tokens that are right; {cores}, commit {found['commit']}."])


def picture(name: str) -> str:
    """Draw the shares of right tokens by place.

    Raises:
        ValueError: There is no such file.
    """
    names, curves = [], []
    for model, seeds in by_name(files.need(KIND, name)["models"]).items():
        counts = _sum(seeds, "by_place")
        for way, reads in ((1, "right tokens"), (2, "its own")):
            names.append(f"{model}: reads {reads}")
            line = [(place, 100 * each[way] / each[0]) for place, each in enumerate(counts, 1) if each[0] >= _FEWEST]
            curves.append([line])
    return standalone(
        draw_curves(names, curves, "percent of right tokens by place", wide=files.WIDE, across="place of the token")
    )


def caption(_: str) -> str:
    """Say what the picture shows."""
    return "Percent of right tokens by place, two lines for each model: after right tokens, and after its own"


def _sum(seeds: Sequence[dict[str, Any]], which: str) -> list[list[int]]:
    """Add the counts of all seeds, place by place."""
    longest = max(len(seed[which]) for seed in seeds)
    padded = ([*seed[which], *[[0, 0, 0]] * (longest - len(seed[which]))] for seed in seeds)
    return [[sum(each) for each in zip(*of_place, strict=True)] for of_place in zip(*padded, strict=True)]


def _share(counts: Sequence[Sequence[int]], first: int, last: int | None) -> list[float] | None:
    """Give the percent of right tokens from one place to another, after right and after own ones; None without any."""
    tokens, *right = (sum(each) for each in zip(*counts[first - 1 : last], [0, 0, 0], strict=True))
    return [100 * each / tokens for each in right] if tokens else None


def _span(first: int, last: int | None) -> str:
    return str(first) if first == last else f"{first}–{last or ''}"
