"""Writes the golden file of the present format: `python tests/golden/write.py FILE`, once per format."""

import sys

import keras

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.search import Beam

SOURCES = ["zwei Häuser am See", "der Wald", "", "ein See und ein Wald"]


def main(path: str) -> None:
    """Build a small model that uses as many parts as one can, and write it with what it translates."""
    words = ["ein Haus am See", "zwei Häuser", "der Wald und der See"]
    source = Tokenizer.train(words, kind="bpe", vocab_size=40, normalization="identity")
    target = Tokenizer.train(["a house by the lake", "two houses", "the wood"], kind="char", normalization="identity")
    keras.utils.set_random_seed(1)
    model = Seq2Seq(
        Encoder(source.vocab_size, 6, [6, 5], bidirectional="first", residual_from=None, dropout=0.1),
        StateBridge([8, 8, 7], "per_layer", directions="mean", align="spread", activation="tanh"),
        Decoder(target.vocab_size, 6, [8, 8, 7], attention="additive", input_feeding=True, output_dropout=0.1),
        label_smoothing=0.1,
    )
    for weight in model.trainable_variables:  # large weights: an untrained model would say the same to everything
        weight.assign(4 * weight)
    translator = Translator(model, source, target, recipe='name = "golden"\n', about={"name": "golden"})
    found = translator.hypotheses(SOURCES, Beam(3, n_best=2))
    translator.about["examples"] = {
        "sources": SOURCES,
        "texts": [[one.text for one in each] for each in found],
        "scores": [one.score for each in found for one in each],
    }
    translator.save(path)


if __name__ == "__main__":
    main(sys.argv[1])
