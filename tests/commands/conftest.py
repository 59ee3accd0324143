"""A small translator and its file, and a way to call the command in this process."""

import io
import sys

import keras
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.commands.command import main
from seq2seq.recipe import EvaluationSettings
from seq2seq.settings import to_table
from tests.letters import finished, here  # noqa: F401

WORDS = ["ein", "Haus", "am", "See", "und", "der", "Wald"]


@pytest.fixture(scope="session")
def translator() -> Translator:
    tokenizer = Tokenizer.train(WORDS, kind="char")
    keras.utils.set_random_seed(3)
    decoder = Decoder(tokenizer.vocab_size, 8, [12], attention="dot")
    model = Seq2Seq(Encoder(tokenizer.vocab_size, 8, [12]), StateBridge([12]), decoder)
    for weight in model.trainable_variables:  # large weights: an untrained model would say the same to everything
        weight.assign(4 * weight)
    about = {
        "decoding": {"beam_size": 2, "batch_size": 2},
        "evaluation": to_table(EvaluationSettings(metrics=("exact_match", "bleu"))),
    }
    return Translator(model, tokenizer, tokenizer, about=about)


@pytest.fixture(scope="session")
def model(translator: Translator, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "model.s2s"
    translator.save(path)
    return str(path)


class Stdin:
    """What a process gets on its standard input."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


def run(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], *arguments: str, stdin: bytes = b""
) -> tuple[int, bytes, str]:
    monkeypatch.setattr(sys, "stdin", Stdin(stdin))
    status = main(arguments)
    out, err = capfdbinary.readouterr()
    return status, out, err.decode()


@pytest.fixture
def seq2seq(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]):
    def command(*arguments: str, stdin: bytes = b"") -> tuple[int, bytes, str]:
        return run(monkeypatch, capfdbinary, *arguments, stdin=stdin)

    return command
