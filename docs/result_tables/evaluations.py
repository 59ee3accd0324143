"""The table of models side by side on a test set: what `seq2seq evaluate MODEL MODEL ... --json` found."""

import json

from result_tables import files
from result_tables.files import LABELS, NOT_YET, markdown

KIND = "evaluations"


def table(name: str, metric: str) -> str:
    """Make a table with a row for each model, and what its difference from the first one is worth.

    Raises:
        ValueError: It was not measured by this metric.
    """
    path = files.RESULTS / KIND / f"{name}.json"
    if not path.is_file():
        return f"{NOT_YET[0].upper()}{NOT_YET[1:]}."
    found = json.loads(path.read_text("utf-8"))
    if metric not in found["compared"]:
        raise ValueError(
            f"An evaluation tells the metrics that it measured. Received: {name} {metric}. There is: "
            f"{', '.join(found['compared'])}."
        )
    rows = []
    for model, of in zip(found["models"], found["compared"][metric]["systems"], strict=True):
        difference = "" if of["difference"] is None else f"{of['difference']:+z.2f}"
        p = "" if of["difference"] is None else "–" if of["p"] is None else f"{of['p']:.3f}"
        rows.append([f"`{model['model']}`", f"{of['value']:.2f} ± {of['reach']:.2f}", difference, p])
    head = ["model", f"{LABELS[metric]}, {found['sentences']:,} sentences", "difference", "p"]
    return f"{markdown(head, rows)}\n\n`{found['compared'][metric]['signature']}`, commit {found['commit']}."
