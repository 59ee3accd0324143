"""How long the layers of trained models remember, for the table of docs/explanation/timescales.md.

    python docs/measure_timescales.py NAME=RUN NAME=RUN ... --to timescales.json
    python docs/results_table.py timescales stacks --commit HASH timescales.json

Of each run the first batch of its training text is read, by the model as it was before training and as its newest
checkpoint has it: `seq2seq diagnose` measures the same. Runs with one name are seeds of one model.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN", help="what a model is called, and a run folder of it")
    parser.add_argument("--to", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    named = [each.partition("=") for each in arguments.runs]
    if not all(name and folder for name, _, folder in named):
        parser.error(f"A run has a name and a folder. Received: {' '.join(arguments.runs)}. Write NAME=RUN.")
    from seq2seq.analysis.diagnosis import diagnose
    from seq2seq.runs import read_run
    from seq2seq.system.machine import machine
    from seq2seq.system.versions import package_versions

    models: list[dict[str, Any]] = []
    for name, _, folder in named:
        record = read_run(Path(folder))
        if record is None:
            parser.error(f"There is no run in this folder. Received: {folder}. Name the folder of a run.")
        before = diagnose(record.recipe, data=record.data).signs
        after = diagnose(record.folder).signs
        models.append({
            "name": name,
            "seed": record.recipe.seed,
            "updates": after.updates,
            "pairs": after.pairs,
            "tokens": after.tokens,
            "layers": [layer.name for layer in after.layers],
            "before": half_lives(before.layers),
            "after": half_lives(after.layers),
        })  # fmt: skip
        print(f"{folder}: {models[-1]['after']}", flush=True)
    found = {"machine": machine(), "versions": package_versions(), "models": models}
    arguments.to.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def half_lives(layers: Iterable[Any]) -> list[list[float]]:
    """Give for each layer the steps after which half is forgotten, the quartiles over its units.

    Raises:
        ValueError: A cell has no gate that remembers.
    """
    found = []
    for layer in layers:
        of_gate = [gate.half_lives for gate in layer.gates.values() if gate.half_lives]
        if not of_gate:
            raise ValueError(f"A timescale is that of a gate that remembers. Received: {layer.name}, which has none.")
        found.append([round(float(steps), 3) for steps in of_gate[0]])
    return found


if __name__ == "__main__":
    main()
