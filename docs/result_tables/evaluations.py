"""The table of models side by side on a test set: what `seq2seq evaluate MODEL MODEL ... --json` found."""

from result_tables import files
from result_tables.files import LABELS, NOT_YET, beside_the_first, markdown

KIND = "evaluations"


def table(name: str, metric: str) -> str:
    """Make a table with a row for each model, and what its difference from the first one is worth.

    Raises:
        ValueError: It was not measured by this metric.
    """
    found = files.read(KIND, name)
    if found is None:
        return f"{NOT_YET.capitalize()}."
    if metric not in found["compared"]:
        raise ValueError(
            f"An evaluation tells the metrics that it measured. Received: {name} {metric}. There is: "
            f"{', '.join(found['compared'])}."
        )
    rows = [
        [f"`{model['model']}`", f"{of['value']:.2f} ± {of['reach']:.2f}", *beside_the_first(of)]
        for model, of in zip(found["models"], found["compared"][metric]["systems"], strict=True)
    ]
    head = ["model", f"{LABELS[metric]}, {found['sentences']:,} sentences", "difference", "p"]
    return f"{markdown(head, rows)}\n\n`{found['compared'][metric]['signature']}`, commit {found['commit']}."
