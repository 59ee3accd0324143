"""Peak memory of training from a streamed corpus, while the corpus grows.

python -m tests.benchmarks.streamed_memory [--pairs 20000] [--times 1 4 16]

Each size is trained in a process of its own: the same number of steps, after a pass over the whole stream that counts
it, so that what grows with the corpus is seen and what grows with the steps is not. Prints one row for each size.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from seq2seq.system import process
from seq2seq.system.terminal import format_table

_WORDS = [f"w{number}" for number in range(500)]
_STEPS = 300


def write_corpus(folder: Path, pairs: int) -> None:
    """Write parallel text that no two pairs of which are alike, line by line."""
    folder.mkdir()
    with (folder / "train.a").open("w") as source, (folder / "train.b").open("w") as target:
        for number in range(pairs):
            words = [_WORDS[(number * step) % len(_WORDS)] for step in range(1, 6 + number % 10)]
            source.write(" ".join([*words, str(number)]) + "\n")
            target.write(" ".join([*reversed(words), str(number)]) + "\n")


def train(folder: Path, window: int) -> None:
    """Train from a stream; print batches of an epoch, and the peak of memory in MiB."""
    process.prepare()
    import keras

    from seq2seq.layers import StateBridge
    from seq2seq.models import Decoder, Encoder, Seq2Seq
    from seq2seq.text.reading import read_corpus
    from seq2seq.text.streaming import StreamedBatches
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.training.fit import train
    from seq2seq.training.settings import TrainingSettings

    corpus = read_corpus(folder, "train", source="a", target="b", streaming=True)
    tokenizer = Tokenizer.train([" ".join(_WORDS), "0 1 2 3 4 5 6 7 8 9"], kind="bpe", vocab_size=400)
    batches = StreamedBatches(corpus, tokenizer, tokenizer, window=window)
    model = Seq2Seq(Encoder(tokenizer.vocab_size, 32, [32]), StateBridge([32]), Decoder(tokenizer.vocab_size, 32, [32]))

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            self.model.stop_training = int(self.model.optimizer.iterations) >= _STEPS

    settings = TrainingSettings(epochs=1, clip_norm=0.0)
    train(model, batches, settings, folder=folder / "run", callbacks=[Stop()], progress="none")
    print(batches.steps(0), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def main() -> None:
    """Train on every size and print the table."""
    parser = argparse.ArgumentParser(description="Peak memory of training from a streamed corpus.")
    parser.add_argument("--pairs", type=int, default=20_000, help="pairs of the smallest corpus")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 4, 16], help="sizes, as multiples of it")
    parser.add_argument("--window", type=int, default=10_000, help="pairs in memory at once")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train(arguments.train, arguments.window)
        return
    rows = []
    for times in arguments.times:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "corpus"
            write_corpus(folder, arguments.pairs * times)
            size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
            command = [sys.executable, "-m", __spec__.name, "--train", str(folder), "--window", str(arguments.window)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            steps, peak = done.stdout.split()[-2:]
            rows.append([f"{times}×", arguments.pairs * times, f"{size:.1f}", int(steps), int(peak)])
    names = ["corpus", "pairs", "MiB of text", "batches of an epoch", "peak MiB"]
    print(format_table(names, rows, numbers=[1, 2, 3, 4]))


if __name__ == "__main__":
    main()
