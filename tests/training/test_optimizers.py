import keras
import numpy as np
import pytest

from seq2seq.training.optimizers import OPTIMIZERS, build_optimizer
from seq2seq.training.settings import TrainingSettings


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_takes_a_step_against_the_gradient(name):
    weights = keras.Variable(np.ones(3, "float32"))
    optimizer = build_optimizer(TrainingSettings(optimizer=name, learning_rate=0.1, clip_norm=1.0, ema=0.9))
    optimizer.apply([keras.ops.ones(3)], [weights])
    assert (weights.numpy() < 1).all()


def test_clips_by_the_norm_of_all_gradients_together():
    variables = [keras.Variable(np.zeros(2, "float32")), keras.Variable(np.zeros(1, "float32"))]
    gradients = [np.array([3.0, 0.0], "float32"), np.array([4.0], "float32")]
    optimizer = build_optimizer(TrainingSettings(optimizer="sgd", learning_rate=1.0, clip_norm=2.0))
    optimizer.apply([keras.ops.array(each) for each in gradients], variables)
    norm = np.sqrt(sum((each**2).sum() for each in gradients))
    for variable, gradient in zip(variables, gradients, strict=True):
        np.testing.assert_allclose(variable.numpy(), -gradient * 2.0 / norm, rtol=1e-6)


def test_the_average_follows_the_weights_with_its_decay():
    weight = keras.Variable(np.zeros(1, "float32"))
    optimizer = build_optimizer(TrainingSettings(optimizer="sgd", learning_rate=1.0, clip_norm=0.0, ema=0.75))
    average = None
    for _ in range(4):
        optimizer.apply([keras.ops.ones(1)], [weight])
        average = weight.numpy() if average is None else 0.75 * average + 0.25 * weight.numpy()
    optimizer.finalize_variable_values([weight])
    np.testing.assert_allclose(weight.numpy(), average, rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "rmsprob"}, 'Received: training.optimizer="rmsprob". Did you mean "rmsprop"'),
        ({"learning_rate": 0.0}, "Received: training.learning_rate=0.0"),
        ({"clip_norm": -1.0}, "Received: training.clip_norm=-1.0"),
        ({"ema": 1.0}, "Received: training.ema=1.0"),
    ],
)
def test_refuses_in_words(settings, message):
    with pytest.raises(ValueError, match=message):
        build_optimizer(TrainingSettings(**settings))
