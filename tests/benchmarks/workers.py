"""The same training on one device, on several, and by several workers: prints the losses side by side.

    python -m tests.benchmarks.workers [--steps N] [--out FOLDER]

Every training is one or several processes of its own, on this machine; workers talk over loopback. Dropout is off, so
that the losses are to be equal up to the rounding of sums taken in another order. Clipping and averages are on, batches
have 13 pairs, which no number of workers divides, and the last one of an epoch has 2, fewer than 4 workers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.recipe import (
    BatchSettings,
    Data,
    DecoderSettings,
    EncoderSettings,
    EvaluationSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from seq2seq.system import process
from seq2seq.system.terminal import format_table

RECIPE = Recipe(
    name="workers",
    data=Data("corpus", "src", "tgt", test="", validation="dev"),
    tokenizer=TokenizerSettings(kind="char", vocab_size=200, normalization="identity"),
    batches=BatchSettings(size=13),
    model=ModelSettings(
        embedding=8,
        dropout=0.0,
        embedding_dropout=0.0,
        encoder=EncoderSettings((8, 8)),
        decoder=DecoderSettings((16, 16), output_dropout=0.0),
    ),
    training=TrainingSettings(epochs=50, learning_rate=0.01, clip_norm=0.5, ema=0.9, checkpoint_minutes=0.0),
    evaluation=EvaluationSettings(metrics=("chrf",)),
)
PAIRS = {"train": 67, "dev": 7}
WAYS = {
    "1 process": (1, ""),
    "2 devices, mirrored": (1, "mirrored"),
    "1 worker": (1, "multiworker"),
    "2 workers": (2, "multiworker"),
    "4 workers": (4, "multiworker"),
}


def write_corpus(folder: Path) -> Path:
    """Write a few dates to a folder."""
    from seq2seq.text.dates import dates_corpus

    folder.mkdir(parents=True)
    pairs = list(dates_corpus("train", size=sum(PAIRS.values())))
    for part, count in PAIRS.items():
        chosen, pairs = pairs[:count], pairs[count:]
        for number, side in enumerate(("src", "tgt")):
            (folder / f"{part}.{side}").write_text("".join(f"{pair[number]}\n" for pair in chosen), encoding="utf-8")
    return folder


def start(workers: int, command: Sequence[str], **popen: Any) -> subprocess.Popen[str]:
    """Start a module of this repository, by itself or as several workers."""
    launcher = [sys.executable, "-m", "seq2seq", "launch", "--workers", str(workers), "--"] if workers > 1 else []
    return subprocess.Popen([*launcher, sys.executable, "-m", *command], text=True, **popen)


def one_worker() -> dict[str, str]:
    """Give the environment of a job of one worker."""
    config = {"cluster": {"worker": ["127.0.0.1:2222"]}, "task": {"type": "worker", "index": 0}}
    return {"TF_CONFIG": json.dumps(config)}


def train(way: str, folder: Path, corpus: Path, *options: str, environment: Mapping[str, str] | None = None) -> Path:
    """Train in one of the ways, to the end; nothing happens where that is done."""
    if (folder / "log.jsonl").exists() and '"event": "end"' in (folder / "log.jsonl").read_text(encoding="utf-8"):
        return folder
    workers, strategy = WAYS[way]
    more = one_worker() if strategy == "multiworker" and workers == 1 else {}
    command = ["tests.benchmarks.workers", "--train", str(folder), "--corpus", str(corpus), "--strategy", strategy]
    process = start(workers, [*command, *options], env=os.environ | more | (environment or {}), stderr=subprocess.PIPE)
    said = process.communicate()[1]
    if process.returncode:
        raise ChildProcessError(f"{way} ended with status {process.returncode}. It said:\n{said}")
    return folder


def losses(folder: Path) -> list[float]:
    """Read the loss after every step, the mean of the epoch so far, in nats per target token."""
    return [float(line) for line in folder.with_suffix(".losses").read_text(encoding="utf-8").splitlines()]


def tensors(folder: Path) -> dict[str, np.ndarray]:
    """Read every tensor of the last checkpoint."""
    with zipfile.ZipFile(max((folder / "last").glob("*.ckpt"))) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name: np.lib.format.read_array(archive.open(name)) for name in names}


def difference(first: Path, second: Path) -> float:
    """Give the largest difference between two trainings, over all weights, averages and moments."""
    ours, theirs = tensors(first), tensors(second)
    names = [name for name in ours if not name.startswith("metrics/")]  # sums over thousands of tokens
    return max(float(np.abs(ours[name].astype(float) - theirs[name].astype(float)).max()) for name in names)


def scores(folder: Path) -> list[float]:
    """Read the scores of every validation."""
    events = map(json.loads, (folder / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [event[name] for event in events if event["event"] == "validation" for name in ("val_loss", "val_chrf")]


def _train(arguments: argparse.Namespace) -> None:
    """Train as one worker, and write down the losses."""
    process.prepare()
    import keras
    import tensorflow as tf

    from seq2seq.distribution.replicas import local_copies
    from seq2seq.runs.running import train_only

    if arguments.strategy == "mirrored":
        (processor,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    written = arguments.train.with_suffix(".losses")

    class Steps(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.done = int(local_copies(self.model.optimizer.iterations)[0])

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.done += 1
            if json.loads(os.environ.get("TF_CONFIG", '{"task": {"index": 0}}'))["task"]["index"] == 0:
                with written.open("a", encoding="utf-8") as file:
                    file.write(f"{logs['loss']!r}\n")
            if self.done == arguments.steps:
                self.model.stop_training = True

    recipe = RECIPE.override(["training.validate_every=7", "training.checkpoint_steps=5", *arguments.set])
    train_only(
        recipe,
        folder=arguments.train,
        data=str(arguments.corpus),
        resume=arguments.resume,
        callbacks=[Steps()],
        strategy=arguments.strategy,
        progress="lines",
    )


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    for_one = parser.add_argument_group("one training, of which the command starts several")
    for_one.add_argument("--train", type=Path)
    for_one.add_argument("--corpus", type=Path)
    for_one.add_argument("--strategy", default="")
    for_one.add_argument("--resume", action="store_true")
    for_one.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    if arguments.train:
        _train(arguments)
        return
    out = Path(tempfile.mkdtemp(prefix="seq2seq-workers-")) if arguments.out is None else arguments.out
    corpus = out / "corpus" if (out / "corpus").exists() else write_corpus(out / "corpus")
    folders = {
        way: train(way, out / way.replace(" ", "-").replace(",", ""), corpus, "--steps", str(arguments.steps))
        for way in arguments.ways
    }
    curves = {way: losses(folder) for way, folder in folders.items()}
    steps = sorted({*range(1, arguments.steps + 1, 4), arguments.steps})
    print(format_table(
        ["step", *curves], [[step, *(f"{curve[step - 1]:.7f}" for curve in curves.values())] for step in steps],
        numbers=range(len(curves) + 1),
    ))  # fmt: skip
    first, *others = folders
    rows = [
        [
            way,
            f"{np.abs(np.subtract(curves[way], curves[first])).max():.1e}",
            f"{np.abs(np.subtract(scores(folders[way]), scores(folders[first]))).max():.1e}",
            f"{difference(folders[first], folders[way]):.1e}",
        ]
        for way in others
    ]
    print(f"\nLargest differences from {first}, over {arguments.steps} steps:\n")
    print(format_table(["", "loss", "validation", "tensors"], rows, numbers=(1, 2, 3)))


if __name__ == "__main__":
    _main()
