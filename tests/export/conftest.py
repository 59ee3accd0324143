"""Small translators of every kind, and what they are exported to."""

from pathlib import Path

import keras
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator

WORDS = ["ein", "Haus", "am", "See", "und", "der", "Wald", "a", "house", "by", "the", "lake"]


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(WORDS, kind="char")


def spread(model: Seq2Seq) -> Seq2Seq:
    """Give every weight a value that matters: biases and gains of a new model are zeros and ones."""
    for place, weight in enumerate(model.trainable_variables):
        weight.assign(keras.random.normal(weight.shape, stddev=0.6, seed=place))
    return model


def tiny(
    vocab_size, encoder=None, decoder=None, bridge=None, units=(6, 6), decoder_units=(6, 6), cell="lstm",
    decoder_cell=None,
):  # fmt: skip
    """A model with these settings."""
    decoder_cell = decoder_cell or cell
    return spread(
        Seq2Seq(
            Encoder(vocab_size, 5, list(units), cell=cell, **(encoder or {})),
            StateBridge(list(decoder_units), cell=decoder_cell, **(bridge or {})),
            Decoder(vocab_size, 5, list(decoder_units), cell=decoder_cell, **(decoder or {})),
        )
    )


@pytest.fixture(scope="session")
def translator(tokenizer: Tokenizer) -> Translator:
    model = tiny(tokenizer.vocab_size, {"bidirectional": "all"}, {"attention": "general", "input_feeding": True},
                 decoder_units=(12, 12))  # fmt: skip
    about = {"decoding": {"beam_size": 3, "batch_size": 4}, "metrics": {"bleu": 12.5}, "signatures": {"bleu": "v"}}
    return Translator(model, tokenizer, tokenizer, about=about)


@pytest.fixture(scope="session")
def exported(translator: Translator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")
    from seq2seq.export import export

    folder = tmp_path_factory.mktemp("exported")
    export(translator, folder, name="tiny")
    return folder
