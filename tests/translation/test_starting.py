from collections.abc import Callable

import keras
import numpy as np
import pytest

from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.text import Tokenizer
from seq2seq.text.special_ids import PIECES
from seq2seq.translation import Growth, Translator, start_from

OLD = Tokenizer.train(["ein haus am see"], kind="char")
LESS = Tokenizer.train(["ein hau"], kind="char")
# The same characters and more, in another order.
NEW = Tokenizer.train(["zwei zwei zwei boote am see", "ein haus"], kind="char", symbols=["<am>", "<ß>", "%"])


def make_model(
    vocab: int, tied: str = "none", seed: int = 1, units: int = 6, dropout: float = 0.0, **options
) -> Seq2Seq:
    keras.utils.set_random_seed(seed)
    decoder = Decoder(vocab, 4, [units], **{"attention": "general"} | options, tie_embeddings=tied != "none")
    encoder = Encoder(vocab, 4, [6], dropout=dropout)
    model = Seq2Seq(encoder, StateBridge([units]), decoder, share_embeddings=tied == "all")
    for weight in model.weights:  # biases too
        weight.assign(keras.random.normal(weight.shape, seed=seed))
    return model


@pytest.fixture
def trained() -> Callable[[str], Translator]:
    return lambda tied="none": Translator(make_model(OLD.vocab_size, tied), OLD, OLD)


def logits(model: Seq2Seq, tokenizer: Tokenizer) -> np.ndarray:
    source, target = ([tokenizer.encode(text)] for text in ("ein haus", "am see"))
    return model({"source": np.array(source), "target_in": np.array(target)}).numpy()[0]


@pytest.mark.parametrize("tied", ["none", "target", "all"])
def test_a_model_of_the_same_vocabulary_is_the_trained_one(trained, tied: str) -> None:
    translator, model = trained(tied), make_model(OLD.vocab_size, tied, seed=2, dropout=0.5)
    assert start_from(model, OLD, OLD, translator) == (Growth(OLD.vocab_size, 0, 0),) * 2
    for weight, before in zip(model.weights, translator.model.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), before.numpy())


@pytest.mark.parametrize("tied", ["none", "target", "all"])
def test_old_pieces_keep_what_they_had_and_new_ones_start_at_the_mean_of_their_parts(trained, tied: str) -> None:
    translator, model = trained(tied), make_model(NEW.vocab_size, tied, seed=2)
    before, after = ([each.piece(id) for id in range(each.vocab_size)] for each in (OLD, NEW))
    new = [piece for piece in after if piece not in before]
    growth = start_from(model, NEW, NEW, translator)
    assert growth == (Growth(len(before), len(new), len({"z", "w", "b", "o", "t", "%", "<ß>"})),) * 2
    # Whatever is made of old pieces alone is scored as before.
    places = [after.index(piece) for piece in before]
    np.testing.assert_allclose(logits(model, NEW)[:, places], logits(translator.model, OLD), atol=1e-5)
    decoder, old = model.decoder, translator.model.decoder
    tables = [(model.encoder.embedding.embeddings, translator.model.encoder.embedding.embeddings)]
    tables += [(decoder.embedding.embeddings, old.embedding.embeddings)]
    tables += [(decoder.bias, old.bias)] if tied != "none" else [(decoder.logits.bias, old.logits.bias)]
    for now, then in [(now.numpy(), then.numpy()) for now, then in tables]:
        for piece in new:
            parts = [before.index(letter) for letter in piece if letter in before] or range(len(PIECES), len(before))
            np.testing.assert_allclose(
                now[after.index(piece)], np.mean([then[part] for part in parts], axis=0), atol=1e-6
            )
    if tied == "none":
        parts = [before.index(letter) for letter in "am"]
        expected = old.logits.kernel.numpy()[:, parts].mean(axis=1)
        np.testing.assert_allclose(decoder.logits.kernel.numpy()[:, after.index("<am>")], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "tokenizer", "words"),
    [
        ({"units": 7}, OLD, r"Received: bridge\.units=\[7\], where it has \[6\]; decoder\.units=\[7\]"),
        ({"attention": "dot"}, OLD, r"decoder\.attention='dot', where it has 'general'"),
        ({"attention": None}, OLD, r"decoder\.attention=None, where it has 'general'"),
        ({"tied": "target"}, OLD, r"decoder\.tie_embeddings=True, where it has False\. Give it the settings"),
        ({}, LESS, r"a source tokenizer of \d+ pieces without 2 of the \d+ .*'[ms]', '[ms]'\. Take that of the"),
        ({}, NEW, r"a model for \d+ source pieces, a tokenizer of \d+\. Build it for the tokenizer"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_changes_nothing(
    trained, model: dict, tokenizer: Tokenizer, words: str
) -> None:
    other = make_model(OLD.vocab_size, seed=2, **model)
    before = [weight.numpy() for weight in other.weights]
    with pytest.raises(ValueError, match=words):
        start_from(other, tokenizer, tokenizer, trained())
    assert all(np.array_equal(weight.numpy(), value) for weight, value in zip(other.weights, before, strict=True))
