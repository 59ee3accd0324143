"""JoeyNMT: its own training loop, batches, loss and search; its settings are the architecture's where it has them.

Where it has not: the decoder starts from the top encoder layer, the attentional layer has a bias and the logits none.
"""

import functools
import itertools
import json
from pathlib import Path

import torch
from joeynmt import builders, search
from joeynmt.config import parse_global_args
from joeynmt.prediction import prepare
from joeynmt.training import TrainManager

from tests.benchmarks.job import Job
from tests.benchmarks.turns import Turns, Updates


def main() -> None:
    """Do the job of standard input."""
    turns = Turns()
    torch.set_num_threads(turns.job.threads)
    {"training": training, "decoding": decoding}[turns.job.part](turns)


def training(turns: Turns) -> None:
    """Train by its `TrainManager`; its batches are drawn at random, whatever their lengths."""
    arguments, model, train, valid = _prepared(turns.job)

    class Manager(TrainManager):
        """Notes when the next update begins, which is when the one before is done."""

        def _train_step(self, batch):
            if self.stats.steps:
                updates.done(self.tokens)
            self.tokens = int(batch.ntokens)
            return super()._train_step(batch)

    manager = Manager(
        rank=0,
        model=model,
        model_dir=arguments.model_dir,
        device=arguments.device,
        autocast=arguments.autocast,
        seed=arguments.seed,
        train_args=arguments.train,
        dev_args=arguments.test,
    )
    updates = Updates(turns)
    manager.train_and_validate(train, valid)


def decoding(turns: Turns) -> None:
    """Decode all test sentences, `</s>` made impossible."""
    job = turns.job
    arguments, model, _, valid = _prepared(job)
    model.eval()
    # The output layer has no bias.
    model.decoder.output_layer.register_forward_hook(_without_end(model.eos_index))
    settings = {"batch_size": job.batch, "batch_type": "sentence", "shuffle": False, "num_workers": 0}
    batches = list(
        valid.make_iter(
            **settings, seed=0, device=arguments.device, eos_index=model.eos_index, pad_index=model.pad_index
        )
    )
    for batch in batches:
        batch.sort_by_src_length()

    def decode(beam: int) -> None:
        for batch in batches:
            tokens, _, _ = search.search(
                model, batch, job.steps, beam_size=beam, beam_alpha=1.0, n_best=1, generate_unk=True
            )
        if tokens.shape[1] != job.steps:
            raise RuntimeError(f"Every sentence takes {job.steps} steps. Received: {tokens.shape[1]}.")

    sentences = sum(batch.nseqs for batch in batches)
    turns.repeat({f"beam {beam}": (sentences, functools.partial(decode, beam)) for beam in job.beams})


def _without_end(end: int):
    def hook(module, inputs, logits):
        logits[..., end] = -1e9
        return logits

    return hook


def _prepared(job: Job) -> tuple:
    # Its scheduler is built with an argument that PyTorch no longer has.
    plateau = builders.ReduceLROnPlateau
    builders.ReduceLROnPlateau = lambda verbose, **settings: plateau(**settings)
    folder = Path(job.scratch) / "joeynmt"
    (folder / "model").mkdir(parents=True, exist_ok=True)
    _write_text(json.loads(Path(job.text).read_text("utf-8")), folder)
    arguments = parse_global_args(_settings(job, folder), rank=0, mode="train")
    model, train, valid, _ = prepare(arguments, rank=0, mode="train")
    return arguments, model, train, valid


def _write_text(text: dict, folder: Path) -> None:
    """Ids as words; sentences to translate in order of their length."""
    orders = {"train": range(len(text["train"]["source"])), "test": list(itertools.chain(*text["test"]["batches"]))}
    for split, order in orders.items():
        for side in ("source", "target"):
            lines = (" ".join(map(str, text[split][side][place])) for place in order)
            (folder / f"{split}.{side}").write_text("\n".join(lines) + "\n", "utf-8")
    # Its four special symbols come first by themselves.
    (folder / "words").write_text("\n".join(map(str, range(4, text["vocab"]))) + "\n", "utf-8")


def _settings(job: Job, folder: Path) -> dict:
    architecture = job.architecture
    (units,), (width,) = set(architecture.encoder), set(architecture.decoder)
    dropout = architecture.dropout
    embeddings = {"embedding_dim": architecture.embedding, "dropout": dropout}
    side = {"level": "word", "voc_file": str(folder / "words")}
    return {
        "name": "benchmark",
        "model_dir": str(folder / "model"),
        "use_cuda": False,
        "data": {
            "train": str(folder / "train"),
            "dev": str(folder / "test"),
            "dataset_type": "plain",
            "src": {"lang": "source", **side},
            "trg": {"lang": "target", **side},
        },
        "training": {
            "optimizer": "adam",
            "learning_rate": 1e-3,
            "scheduling": "plateau",
            "clip_grad_norm": 1.0,
            "label_smoothing": architecture.label_smoothing,
            "normalization": "tokens",
            "batch_size": job.batch,
            "epochs": 1000,
            "logging_freq": 100_000,
            "validation_freq": 100_000,
        },
        "testing": {"beam_size": 5, "beam_alpha": 1.0},
        "model": {
            "encoder": {
                "type": "recurrent",
                "rnn_type": "lstm",
                "embeddings": embeddings,
                "hidden_size": units,
                "num_layers": len(architecture.encoder),
                "bidirectional": True,
                "dropout": dropout,
            },
            "decoder": {
                "type": "recurrent",
                "rnn_type": "lstm",
                "embeddings": embeddings,
                "hidden_size": width,
                "num_layers": len(architecture.decoder),
                "attention": "luong",
                "init_hidden": "last",
                "input_feeding": architecture.input_feeding,
                "dropout": dropout,
                "hidden_dropout": dropout,
            },
        },
    }


if __name__ == "__main__":
    main()
