"""eole: its own training loop, batches by length, loss and search; backwards its encoder reads the padding first."""

import functools
import json
from pathlib import Path

import torch
from eole import train_single
from eole.config.run import PredictConfig, TrainConfig
from eole.constants import CorpusTask
from eole.inputters.dynamic_iterator import build_dynamic_dataset_iter
from eole.models.model import get_model_class
from eole.predict import GNMTGlobalScorer, Translator
from eole.trainer import Trainer

from tests.benchmarks.job import Job
from tests.benchmarks.turns import Turns, Updates

DTYPE = {"float32": "fp32", "bfloat16": "bf16"}


def main() -> None:
    """Do the job of standard input."""
    turns = Turns()
    torch.set_num_threads(turns.job.threads)
    {"training": training, "decoding": decoding}[turns.job.part](turns)


def training(turns: Turns) -> None:
    """Train by its `main`."""
    step = Trainer._train_step
    updates = None

    def counted(self, batches, normalization, total_stats, report_stats, **others):
        nonlocal updates
        updates = updates or Updates(turns)
        step(self, batches, normalization, total_stats, report_stats, **others)
        updates.done(sum(int(batch["tgt"][:, 1:].ne(self.train_loss.padding_idx).sum()) for batch in batches))

    Trainer._train_step = counted
    train_single.main(_settings(turns.job), device_id=-1)


def decoding(turns: Turns) -> None:
    """Decode all test sentences, `</s>` made impossible."""
    job = turns.job
    context = train_single.TrainingInitializer(_settings(job)).initialize()
    config, vocabs = context.config, context.vocabs
    model = get_model_class(config.model).for_training(config.model, vocabs, config.training, device_id=-1)
    model.eval().to(getattr(torch, job.precision))
    end = vocabs["tgt"].lookup_token(vocabs["specials"]["eos_token"])
    with torch.no_grad():
        model.generator.bias[end] = -1e9

    def search(beam: int) -> tuple[Translator, list]:
        settings = PredictConfig(
            model_path=["none"],
            src=config.data["valid"].path_src,
            compute_dtype=DTYPE[job.precision],
            share_vocab=False,
            beam_size=beam,
            max_length=job.steps,
            max_length_ratio=0,
            batch_size=job.batch,
            transforms=[],
            model=config.model,
            gpu_ranks=[],
        )
        scorer = GNMTGlobalScorer.from_config(settings)
        found = Translator(
            model, vocabs, settings, config.model, device_id=-1, global_scorer=scorer, report_score=False
        )
        batches = build_dynamic_dataset_iter(settings, context.transforms, vocabs, task=CorpusTask.INFER, device_id=-1)
        return found, [batch for batch, _ in batches]

    def decode(translator: Translator, batches: list) -> None:
        for batch in batches:
            found = translator.predict_batch(batch, attn_debug=False)
        steps = {len(best[0]) for best in found["predictions"]}
        if steps != {job.steps}:
            raise RuntimeError(f"Every sentence takes {job.steps} steps. Received: {steps}.")

    works = {}
    for beam in job.beams:
        translator, batches = search(beam)
        sentences = sum(len(batch["srclen"]) for batch in batches)
        works[f"beam {beam}"] = sentences, functools.partial(decode, translator, batches)
    turns.repeat(works)


def _settings(job: Job) -> TrainConfig:
    folder = Path(job.scratch) / "eole"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.loads(Path(job.text).read_text("utf-8"))
    for split in ("train", "test"):
        for side in ("source", "target"):
            lines = (" ".join(map(str, ids)) for ids in text[split][side])
            (folder / f"{split}.{side}").write_text("\n".join(lines) + "\n", "utf-8")
    # Its four special tokens come by themselves.
    (folder / "words").write_text("\n".join(map(str, range(4, text["vocab"]))) + "\n", "utf-8")
    data = {
        name: {"path_src": str(folder / f"{split}.source"), "path_tgt": str(folder / f"{split}.target")}
        for name, split in (("train", "train"), ("valid", "test"))
    }
    architecture = job.architecture
    (width,) = set(architecture.decoder)
    layers = {"layers": len(architecture.decoder), "hidden_size": width}
    return TrainConfig(
        seed=1,
        src_vocab=str(folder / "words"),
        tgt_vocab=str(folder / "words"),
        data=data,
        transforms=[],
        report_every=100_000,
        model={
            "architecture": "custom",
            "embeddings": {
                "src_word_vec_size": architecture.embedding,
                "tgt_word_vec_size": architecture.embedding,
            },
            "encoder": {"encoder_type": "brnn", **layers},
            "decoder": {"decoder_type": "rnn", "global_attention": "general", **layers},
            "input_feed": int(architecture.input_feeding),
        },
        training={
            "batch_size": job.batch,
            "batch_type": "sents",
            "normalization": "tokens",
            "bucket_size": len(text["train"]["source"]),
            "num_workers": 0,
            "optim": "adam",
            "learning_rate": 1e-3,
            "max_grad_norm": 1.0,
            "dropout": [architecture.dropout],
            "label_smoothing": architecture.label_smoothing,
            "compute_dtype": DTYPE[job.precision],
            "train_steps": 1_000_000,
            "valid_steps": 1_000_000,
            "save_checkpoint_steps": 1_000_000,
            "model_path": str(folder / "model"),
            "gpu_ranks": [],
        },
    )


if __name__ == "__main__":
    main()
