"""The text that all systems read, as ids: Multi30k German to English where it is there, else made up alike.

python -m tests.benchmarks.text CACHE writes one JSON file and prints its path: ids without `<s>` and `</s>`, and the
batches of our first epoch (by length, 64 pairs), which every system gets that does not make its own.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

VOCAB, BATCH = 8000, 64
TRAIN, TEST = 29_000, 1_014
# Of Multi30k's training set in pieces, `</s>` counted: the logarithm of the source length, and that of target / source.
SOURCE_LOG_LENGTH, LOG_RATIO = (2.729, 0.335), (-0.023, 0.183)


def prepare(cache: Path) -> Path:
    """Write the file, or find it written.

    Args:
        cache: The folder to keep it in.
    """
    data = os.environ.get("SEQ2SEQ_DATA")
    folder = Path(data) / "multi30k" / "raw" if data else None
    kind = "multi30k" if folder is not None and folder.is_dir() else "generated"
    path = cache / f"text-1-{kind}.json"
    if not path.exists():
        train, test = _multi30k(folder) if kind == "multi30k" else (_generated(TRAIN, 0), _generated(TEST, 1))
        cache.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_content(kind, train, test)), "utf-8")
    return path


def _content(kind: str, train: list, test: list) -> dict:
    from seq2seq.text.batches import Batches
    from seq2seq.text.special_ids import END, PAD, START, UNKNOWN

    batches = Batches(*train, size=BATCH, pool=0, seed=0)
    by_length = np.argsort([len(ids) for ids in test[0]], kind="stable")
    return {
        "kind": kind,
        "vocab": VOCAB,
        "special": {"pad": PAD, "start": START, "end": END, "unknown": UNKNOWN},
        "train": {"source": train[0], "target": train[1], "batches": [batch.tolist() for batch in batches.order(0)]},
        "test": {
            "source": test[0],
            "target": test[1],
            "batches": [by_length[place : place + BATCH].tolist() for place in range(0, len(by_length), BATCH)],
        },
    }


def _multi30k(folder: Path) -> tuple[list, list]:
    from seq2seq.recipe import TokenizerSettings
    from seq2seq.recipe.tokenizers import build_tokenizers
    from seq2seq.text.reading import read_corpus

    train, test = (read_corpus(str(folder), split, source="de", target="en") for split in ("train", "val"))
    tokenizer, _ = build_tokenizers(TokenizerSettings(kind="unigram", vocab_size=VOCAB, joint=True), train)

    def encode(corpus):
        return [tokenizer.encode_batch(corpus.sources), tokenizer.encode_batch(corpus.targets)]

    return encode(train), encode(test)


def _generated(pairs: int, seed: int) -> list:
    """Lengths like Multi30k's, and ids as unequal as words are (Zipf)."""
    random = np.random.default_rng(seed)
    log_lengths = random.normal(*SOURCE_LOG_LENGTH, pairs)
    chances = 1 / np.arange(10, VOCAB + 6)
    chances /= chances.sum()

    def side(log_lengths):
        lengths = np.clip(np.rint(np.exp(log_lengths)), 3, 60).astype(int) - 1
        return [random.choice(np.arange(4, VOCAB), size, p=chances).tolist() for size in lengths]

    return [side(log_lengths), side(log_lengths + random.normal(*LOG_RATIO, pairs))]


if __name__ == "__main__":
    print(prepare(Path(sys.argv[1])))
