import keras
import numpy as np
import pytest

from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.models.settings import ContradictionError
from seq2seq.recipe import Data, Recipe, check_model
from seq2seq.training.optimizers import build_optimizer
from seq2seq.training.settings import TrainingSettings
from tests.training.conftest import make_batches

VOCAB = 12


def make_model(tied: bool = False) -> Seq2Seq:
    keras.utils.set_random_seed(1)
    decoder = Decoder(VOCAB, 4, [5], attention="general", tie_embeddings=tied)
    return Seq2Seq(Encoder(VOCAB, 4, [6]), StateBridge([5]), decoder, share_embeddings=tied)


def train(model: Seq2Seq, **settings) -> list[str]:
    """Train for some steps, and give the paths of the weights that changed."""
    before = [weight.numpy() for weight in model.weights]
    model.compile(build_optimizer(TrainingSettings(optimizer="adamw", ema=0.9, **settings)), run_eagerly=True)
    model.fit(make_batches().dataset(), shuffle=False, verbose=0)
    return [
        weight.path.partition("/")[2]
        for weight, value in zip(model.weights, before, strict=True)
        if not np.array_equal(weight.numpy(), value)
    ]


@pytest.mark.parametrize("tied", [False, True])
def test_what_is_frozen_does_not_learn_and_all_else_does(tied: bool) -> None:
    model = make_model(tied)
    order = [weight.path for weight in model.weights]
    model.freeze(["decoder.embedding", "encoder.stack", "decoder.logits_bias" if tied else "decoder.logits.bias"])
    changed = train(model)
    kept = [weight.path.partition("/")[2] for weight in model.frozen]
    assert len(kept) == 5 and not set(kept) & set(changed)
    assert len(changed) == len(model.weights) - 5
    assert [weight.path for weight in model.weights] == order  # by which files and checkpoints name them
    slots = {variable.path for variable in model.optimizer.variables}
    assert not any("lstm_cell" in path and "encoder" in path for path in slots)
    model.freeze([])
    assert len(train(model)) == len(model.weights)


def test_a_part_is_named_at_any_depth_and_a_tied_one_by_either_side() -> None:
    model = make_model(tied=True)
    found = {}
    for path in ("encoder", "encoder.embedding", "decoder.embedding", "decoder.stack.layer0_forward.cell.bias"):
        model.freeze([path])
        found[path] = {id(weight) for weight in model.frozen}
    assert found["encoder.embedding"] == found["decoder.embedding"] < found["encoder"]
    assert [len(weights) for weights in found.values()] == [4, 1, 1, 1]
    assert "frozen" not in str(model.get_config()) and not keras.models.clone_model(model).frozen


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["encoder.embeding"], r"Received: freeze='encoder\.embeding'\. Did you mean 'encoder\.embedding' or "),
        (["logits"], r"Did you mean 'decoder\.logits'\?"),
        (["?"], r"There are: encoder, encoder\.stack, .*decoder\.logits, and what lies in them\."),
        ([""], r"Received: freeze=''\. There are"),
        (["encoder", "bridge", "decoder"], r"Something has to learn\. .*freeze='encoder', 'bridge', 'decoder'"),
    ],
)
def test_what_cannot_be_frozen_is_refused_in_words(paths: list[str], words: str) -> None:
    model = make_model()
    model.freeze(["bridge"])
    with pytest.raises(ValueError, match=words):
        model.freeze(paths)
    assert len(model.frozen) == 4 == sum(not weight.trainable for weight in model.weights)


def test_a_recipe_with_a_wrong_path_is_refused_before_any_text_is_read() -> None:
    recipe = Recipe("any", Data("absent", "de", "en"), training=TrainingSettings(freeze=("encoder.embeddings",)))
    with pytest.raises(ContradictionError, match=r"Did you mean 'encoder\.embedding'"):
        check_model(recipe.override(["model.embedding=4", "model.encoder.units=4,4", "model.decoder.units=4,4"]))
