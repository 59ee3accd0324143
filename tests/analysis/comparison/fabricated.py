"""Run folders as a finished run leaves them, without any training."""

import json
import random
from pathlib import Path

from seq2seq.metrics import measure
from seq2seq.recipe import Recipe
from seq2seq.runs import RunRecord
from seq2seq.settings import to_table
from tests.letters import RECIPE

SOURCES = [" ".join("abcdefgh"[(start + step) % 8] for step in range(1 + start % 7)) for start in range(40)]
REFERENCES = [source.upper() for source in SOURCES]


def spoilt(share: float, seed: int) -> list[str]:
    """The references with a share of their words left out."""
    chance = random.Random(seed).random
    return [" ".join(word for word in text.split() if chance() >= share) for text in REFERENCES]


def finished_folder(
    folder: Path,
    *settings: str,
    seed: int = 0,
    translations: list[str] | None = None,
    sources: list[str] = SOURCES,
    references: list[str] = REFERENCES,
    recipe: Recipe = RECIPE,
) -> Path:
    """Write the folder of a run that translated the test text."""
    recipe = recipe.override([*settings, f"seed={seed}"])
    translations = translations or spoilt(0.2, seed)[: len(sources)]
    folder.mkdir(parents=True)
    RunRecord(folder, recipe).write()
    texts = {"source": sources, "reference": references, "translations": translations}
    for name, text in texts.items():
        (folder / f"test.{name}.txt").write_text("".join(f"{line}\n" for line in text))
    scores = measure(translations, references, recipe.evaluation, sources)
    values = {name: score.value for name, score in scores.items()}
    result = {
        "metrics": {"validation": values, "test": values},
        "signatures": {name: score.signature for name, score in scores.items()},
        "minutes": 1.5,
        "parameters": 1234,
        "settings": to_table(recipe),
        "data": None,
        "stopped": "finished",
        "examples": [],
        "command": "",
    }
    (folder / "model.s2s").touch()
    (folder / "result.json").write_text(json.dumps(result))
    events = [{"event": "start", "monitor": "exact_match", "epochs": 2}]
    for epoch in (1, 2):
        events += [
            {"event": "validation", "epoch": epoch - 1, "update": 10 * epoch, "val_exact_match": 30.0 * epoch},
            {"event": "epoch", "epoch": epoch, "tokens_per_second": 100.0 * epoch, "seconds": 3.0},
        ]
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return folder


def make_corpus(folder: Path) -> None:
    """Write the training text that the recipe of the runs names."""
    (folder / "corpus").mkdir()
    for language, lines in (("lower", SOURCES), ("upper", REFERENCES)):
        (folder / "corpus" / f"train.{language}").write_text("".join(f"{line}\n" for line in lines))
