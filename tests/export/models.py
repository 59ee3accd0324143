"""Small models of every kind, for those who export them and for those who use what was exported."""

import keras

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge

WORDS = ["ein", "Haus", "am", "See", "und", "der", "Wald", "a", "house", "by", "the", "lake"]


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
