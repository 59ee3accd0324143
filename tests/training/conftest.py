import keras
import numpy as np
import pytest

from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.settings import kinds
from seq2seq.text.batches import Batches
from seq2seq.training.settings import TrainingSettings

VOCAB = 12


def make_batches(pairs: int = 14, size: int = 4, seed: int = 0) -> Batches:
    random = np.random.default_rng(seed)
    ids = [random.integers(4, VOCAB, random.integers(2, 6)).tolist() for _ in range(pairs)]
    return Batches(ids, ids, size=size, seed=seed)


def split(options: dict) -> tuple[TrainingSettings, dict]:
    """Part the settings of a training from the other arguments of `train`, such as an optimizer that is an object."""
    plain = {name: value for name, value in options.items() if isinstance(value, int | float | str)}
    given = {"epochs": 2, "learning_rate": 1e-2, "clip_norm": 0.0} | {
        name: value for name, value in plain.items() if name in kinds(TrainingSettings)
    }
    others = {name: value for name, value in options.items() if name not in given}
    return TrainingSettings(**given), {"progress": "none"} | others


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

    optimizer = build_optimizer(TrainingSettings(learning_rate=1e-2, clip_norm=0.0, ema=0.9))
    model.compile(optimizer=optimizer, run_eagerly=True)
    batches = make_batches(pairs=12)
    model.fit(batches.dataset(), shuffle=False, verbose=0)
    return model
