"""How long all that is told was trained."""

import json

from result_tables import comparisons, files, rows


def told(_: str = "all") -> str:
    """Tell the hours of all runs of the recipes, and of those that comparisons were made of."""
    own = [run for row in rows.read().values() if not row.mean_of for run in row.runs]
    taken = sum(run["minutes"] for run in own) / 60
    alone = sum(run["epochs"] * run["fastest_epoch_seconds"] for run in own) / 3600
    compared = [
        (len(variant["seeds"]), variant["minutes"] / 60)
        for path in sorted((files.RESULTS / comparisons.KIND).glob("*.json"))
        for variant in json.loads(path.read_text("utf-8"))["variants"]
    ]
    runs = sum(seeds for seeds, _ in compared)
    hours = sum(seeds * hours for seeds, hours in compared)
    return (
        f"The {len(own)} runs of these tables took {taken:.1f} hours as they ran, {alone:.1f} had all their epochs "
        f"been as quick as their quickest. The {runs} runs that comparisons were made of took {hours:.1f} hours, each "
        "on one core or two."
    )
