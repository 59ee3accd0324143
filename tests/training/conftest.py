import keras
import numpy as np
import pytest

from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.text.batches import Batches

VOCAB = 12


def make_batches(pairs: int = 14, size: int = 4, seed: int = 0) -> Batches:
    random = np.random.default_rng(seed)
    ids = [random.integers(4, VOCAB, random.integers(2, 6)).tolist() for _ in range(pairs)]
    return Batches(ids, ids, size=size, seed=seed)


def make_model(seed: int = 1, dropout: float = 0.3) -> Seq2Seq:
    keras.utils.set_random_seed(seed)
    encoder = Encoder(VOCAB, 4, [5], dropout=dropout, embedding_dropout=dropout)
    return Seq2Seq(encoder, StateBridge([5]), Decoder(VOCAB, 4, [5], dropout=dropout, output_dropout=dropout))


@pytest.fixture
def batches():
    return make_batches()


@pytest.fixture
def validation_batches():
    return make_batches(pairs=6, seed=3)


@pytest.fixture
def model():
    return make_model()


@pytest.fixture
def compiled(model):
    """A model whose optimizer keeps averages, after three steps."""
    from seq2seq.training.optimizers import build_optimizer

    model.compile(optimizer=build_optimizer("adam", 1e-2, ema=0.9), run_eagerly=True)
    batches = make_batches(pairs=12)
    model.fit(batches.dataset(), shuffle=False, verbose=0)
    return model
