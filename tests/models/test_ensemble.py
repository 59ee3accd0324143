"""Models that decide together: one twice is the model, two are the mean of what both say, whole and step by step."""

import keras
import numpy as np
import pytest

from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Ensemble, Seq2Seq
from seq2seq.models.generator import Generator
from seq2seq.search import Beam, Greedy, Sample
from seq2seq.text.special_ids import PAD, START
from tests.marks import quick
from tests.reference import log_softmax

SOURCE = np.array([[5, 6, 7, 2], [8, 2, 0, 0], [4, 9, 2, 0]])
LIMITS = np.array([9, 7, 5])


def model(seed, attention, cell="lstm", units=6, vocab=12):
    keras.utils.set_random_seed(seed)
    made = Seq2Seq(
        Encoder(vocab, 4, [units], cell=cell),
        StateBridge([units], cell=cell),
        Decoder(vocab, 4, [units], attention, cell=cell),
    )
    for weight in made.trainable_variables:  # an untrained model would say the same to everything
        weight.assign(4 * weight)
    return made


@pytest.fixture(scope="module")
def one():
    return model(1, "general")


@pytest.fixture(scope="module")
def other():
    return model(2, "dot", cell="gru", units=5)


def log_probs(member, tokens):
    """What a model gives each token that could come next, as it feeds a whole target."""
    target_in = np.concatenate([np.full((len(tokens), 1), START), tokens[:, :-1]], axis=1)
    return log_softmax(np.asarray(member({"source": SOURCE, "target_in": target_in})))


MEANS = {
    "probabilities": lambda weighted: np.log(sum(weight * np.exp(each) for weight, each in weighted)),
    "log_probabilities": lambda weighted: log_softmax(sum(weight * each for weight, each in weighted)),
}


@pytest.mark.slow
@pytest.mark.parametrize("mean", quick(MEANS))
def test_one_model_twice_is_the_model(one, mean):
    twice = Ensemble([one, one], [0.3, 2.0], mean)
    for kind in (Greedy(), Beam(3, n_best=3)):
        found, expected = (each.decode(SOURCE, LIMITS, kind, attention=True) for each in (twice, one))
        np.testing.assert_array_equal(found.tokens, expected.tokens)
        for name in ("scores", "token_scores", "attention"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mean", quick(MEANS))
def test_two_models_are_the_mean_of_both(one, other, mean):
    both = Ensemble([one, other], [1, 3], mean)
    found = both.decode(SOURCE, LIMITS, Greedy(), attention=True)
    tokens = found.tokens.numpy()[:, 0]
    real = tokens != PAD
    mixed = MEANS[mean]([(0.25, log_probs(one, tokens)), (0.75, log_probs(other, tokens))])
    expected = np.where(real, np.take_along_axis(mixed, tokens[..., None], axis=2)[..., 0], 0)
    np.testing.assert_allclose(found.token_scores[:, 0], expected, atol=1e-4)
    # Greedy: no other token was likelier, but where the limit forced the end.
    allowed = np.where(np.isin(np.arange(12), [PAD, START]), -np.inf, mixed)
    forced = np.cumsum(real, axis=1) == LIMITS[:, None]
    np.testing.assert_array_equal(allowed.argmax(axis=2)[real & ~forced], tokens[real & ~forced])
    inputs = {"source": SOURCE, "target_in": np.concatenate([np.full((3, 1), START), tokens[:, :-1]], axis=1)}
    np.testing.assert_allclose(both.score(inputs, tokens), expected, atol=1e-4)
    seen = [np.asarray(each.attention_weights(inputs)) for each in (one, other)]
    looked = np.where(real[..., None], 0.25 * seen[0] + 0.75 * seen[1], 0)
    np.testing.assert_allclose(found.attention[:, 0], looked, atol=1e-5)
    assert Beam(2).form() and both.decode(SOURCE, LIMITS, Sample(seed=1)).tokens.shape[0] == 3


def test_a_shortlist_holds_for_all(one, other):
    listed = [0, 1, 2, 4, 7, 9]
    found = Ensemble([one, other]).decode(SOURCE, LIMITS, Beam(2), listed)
    assert set(np.unique(found.tokens)) <= set(listed)


def test_refusals(one):
    with pytest.raises(ValueError, match=r"Received: encoder vocab_size=12, 9\. Use models with one vocabulary"):
        Ensemble([one, model(1, None, vocab=9)])
    for weights in ([1.0], [1.0, 0.0], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="one weight above 0 for each model"):
            Ensemble([one, one], weights)
    with pytest.raises(ValueError, match="for 0 models"):
        Generator([])
    with pytest.raises(ValueError, match="Did you mean 'log_probabilities'"):
        Ensemble([one, one], mean="log_probability")
    with pytest.raises(ValueError, match="Received: attention=True, and a decoder with attention=None"):
        Ensemble([one, model(3, None)]).decode(SOURCE, LIMITS, attention=True)
    with pytest.raises(ValueError, match="in the files of its models"):
        Ensemble([one, one]).save("x.s2s")
