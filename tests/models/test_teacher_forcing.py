"""What is fed in training: at the ends teacher forcing and greedy search, between them a reference, step by step."""

import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import CELLS, StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq, teacher_forcing
from seq2seq.models.settings import TeacherForcingSettings
from seq2seq.models.teacher_forcing import feed_own, inverse_sigmoid_constant, own_predictions, share_of_own
from seq2seq.settings import SettingsError
from tests.marks import quick

VOCAB = 15


def batch(rows=8, time=7):
    random = np.random.default_rng(0)
    target_out = random.integers(3, VOCAB, [rows, time])
    for row, length in enumerate(random.integers(2, time + 1, rows)):
        target_out[row, length - 1 :] = [2, *[0] * (time - length)]
    target_in = np.where(target_out == 0, 0, np.roll(target_out, 1, axis=1))
    target_in[:, 0] = 1
    inputs = {"source": random.integers(3, VOCAB, [rows, 5]), "target_in": target_in}
    return tf.nest.map_structure(lambda ids: tf.constant(ids, tf.int32), (inputs, target_out))


INPUTS, TARGET_OUT = batch()
REAL = INPUTS["target_in"].numpy() != 0


def model(cell="lstm", attention="general", input_feeding=True, dtype="float32", dropout=0.0, **options):
    keras.utils.set_random_seed(1)
    decoder = {"attention": attention, "input_feeding": input_feeding and attention is not None, "cell": cell}
    made = Seq2Seq(
        Encoder(VOCAB, 4, [6], cell=cell, dropout=dropout, embedding_dropout=dropout, dtype=dtype),
        StateBridge([6, 6], "last_layer", cell=cell, dtype=dtype),
        Decoder(VOCAB, 4, [6, 6], **decoder, dropout=dropout, output_dropout=dropout, dtype=dtype),
        dtype=dtype,
        **options,
    )
    generator = np.random.default_rng(0)
    for weight in made.trainable_variables:  # wide enough that predictions differ from place to place
        weight.assign(generator.normal(0, 1.5, weight.shape))
    made.decoder.logits.bias.assign([-2.0] * 3 + [0.0] * (VOCAB - 3))  # and an end is one of many tokens
    return made


def trained(made, inputs=INPUTS, steps=2):
    made.compile(optimizer=keras.optimizers.SGD(0.5))
    for _ in range(steps):
        made.train_on_batch(inputs, TARGET_OUT)
    return made.get_weights()


def need_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("cell", "attention", "input_feeding", "dtype"),
    quick(
        [
            *itertools.product(CELLS, [None, "general"], [True], ["float32"]),
            *itertools.product(["lstm"], [None, "additive"], [False], ["float32", "mixed_bfloat16"]),
        ],
        ("gru", "general", True, "float32"),
        ("lstm", "additive", False, "mixed_bfloat16"),
    ),
)
def test_everything_own_is_what_greedy_search_finds(cell, attention, input_feeding, dtype):
    made = model(cell, attention, input_feeding, dtype)
    predict = tf.function(lambda: own_predictions(made, INPUTS, tf.ones_like(TARGET_OUT, tf.bool)), autograph=False)
    fed = predict().numpy()[:, 1:]
    found = made.decode(INPUTS["source"], max_length=fed.shape[1] + 1).tokens.numpy()[:, 0]
    found = np.pad(found, [(0, 0), (0, fed.shape[1])])[:, : fed.shape[1]]
    # As far as the target goes, and to the first end that is found, itself counted.
    ended = np.cumsum(found == 2, axis=1)
    compared = REAL[:, 1:] & ((ended == 0) | (found == 2))
    assert compared.sum() > 10 and len(set(fed[compared])) > 2
    np.testing.assert_array_equal(fed[compared], found[compared])


@pytest.mark.parametrize("chosen_of", ["sentences", "tokens"])
def test_what_is_mixed_follows_from_all_that_was_fed_before(chosen_of):
    made = model()
    chosen = np.random.default_rng(3).random([len(REAL), 1 if chosen_of == "sentences" else REAL.shape[1]]) < 0.5
    fed = own_predictions(made, INPUTS, tf.constant(chosen)).numpy()
    expected = INPUTS["target_in"].numpy().copy()
    chosen = np.broadcast_to(chosen, expected.shape)
    for time in range(1, expected.shape[1]):
        logits = made({"source": INPUTS["source"], "target_in": expected[:, :time]}).numpy()[:, -1]
        logits[:, :2] = -np.inf  # padding and <s> are never predicted
        own = chosen[:, time] & REAL[:, time]
        expected[own, time] = logits.argmax(axis=1)[own]
    assert (expected != INPUTS["target_in"].numpy()).any()
    np.testing.assert_array_equal(fed, expected)


@pytest.mark.slow
def test_nothing_own_is_the_graph_of_teacher_forcing_to_the_bit():
    made = [model(), model(teacher_forcing=TeacherForcingSettings("tokens", share=0.0))]
    need_equal(*map(trained, made))
    graphs = [
        tf.function(each.train_step, autograph=False).get_concrete_function((INPUTS, TARGET_OUT)).graph for each in made
    ]
    ours, theirs = ([operation.type for operation in graph.get_operations()] for graph in graphs)
    assert ours == theirs


@pytest.mark.parametrize("input_feeding", quick([False, True], True))
def test_a_step_is_one_of_teacher_forcing_on_what_is_fed(input_feeding):
    """Values, gradients and the drawing of dropout: predicting takes nothing from it."""
    forcing = TeacherForcingSettings("tokens", share=1.0)
    made = model(input_feeding=input_feeding, dropout=0.3, teacher_forcing=forcing)
    fed = INPUTS | {"target_in": own_predictions(made, INPUTS, tf.ones_like(TARGET_OUT, tf.bool))}
    assert (fed["target_in"] != INPUTS["target_in"]).numpy().any()
    need_equal(trained(made, steps=1), trained(model(input_feeding=input_feeding, dropout=0.3), fed, steps=1))


def test_what_is_measured_is_after_the_right_tokens():
    with_own, without = model(teacher_forcing=TeacherForcingSettings("sentences", share=1.0)), model()
    np.testing.assert_array_equal(with_own.totals(INPUTS, TARGET_OUT), without.totals(INPUTS, TARGET_OUT))
    assert with_own.totals(INPUTS, TARGET_OUT, training=True).loss != without.totals(INPUTS, TARGET_OUT).loss


def fed_at(made, step, seed=0, inputs=INPUTS):
    return feed_own(made, inputs, tf.constant([seed, step], tf.int64))["target_in"].numpy()


@pytest.mark.parametrize("own", ["sentences", "tokens"])
def test_the_draw_is_that_of_seed_step_and_replica(own, monkeypatch):
    made = model(teacher_forcing=TeacherForcingSettings(own))
    first = fed_at(made, 3)
    np.testing.assert_array_equal(fed_at(made, 3), first)
    for step, seed in ((4, 0), (3, 1)):
        assert (fed_at(made, step, seed) != first).any()
    monkeypatch.setattr(teacher_forcing, "replica", lambda: 1)
    assert (fed_at(made, 3) != first).any()


@pytest.mark.parametrize("own", ["sentences", "tokens"])
def test_the_share_is_that_of_the_setting(own, monkeypatch):
    def chosen_at(step):
        monkeypatch.setattr(teacher_forcing, "own_predictions", lambda made, inputs, chosen: chosen)
        return fed_at(made, step, inputs={"target_in": tf.ones([4000, 1 if own == "sentences" else 5], tf.int32)})

    made = model(teacher_forcing=TeacherForcingSettings(own, 0.8, "linear", steps=10))
    for step, share in ((0, 0), (5, 0.4), (30, 0.8)):
        chosen = chosen_at(step)
        assert chosen.shape == (4000, 1 if own == "sentences" else 5)
        assert chosen.mean() == pytest.approx(share, abs=4 * np.sqrt(0.25 / chosen.size))


@pytest.mark.parametrize("steps", [1, 30, 5000])
def test_schedules_are_those_of_the_paper(steps):
    """1 less ε of Bengio et al. 2015, section 2.4, with the constants that `steps` stands for."""
    k = inverse_sigmoid_constant(steps)
    assert k * np.log(k) == pytest.approx(steps) and k >= 1
    half_life = 0.5 ** (1 / steps)
    epsilon = {
        "constant": lambda step: 0,
        "linear": lambda step: max(0, 1 - step / steps),
        "exponential": lambda step: half_life**step,
        "inverse_sigmoid": lambda step: k / (k + np.exp(min(step / k, 300))),
    }
    for schedule, falls in epsilon.items():
        settings = TeacherForcingSettings("tokens", 0.5, schedule, 0 if schedule == "constant" else steps)
        shares = [float(share_of_own(settings, step)) for step in (0, 1, steps, 3 * steps, 10**6)]
        expected = [0.5 * (1 - falls(step)) for step in (0, 1, steps, 3 * steps, 10**6)]
        np.testing.assert_allclose(shares, expected, atol=1e-6)
        assert sorted(shares) == shares


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0.3}, r'Received: .*own_predictions="none", training\.teacher_forcing\.share=0\.3\. Set it to'),
        ({"schedule": "linear", "steps": 9}, r'schedule="linear", training\.teacher_forcing\.steps=9\. Set it to'),
        ({"own_predictions": "words"}, 'Received: training.teacher_forcing.own_predictions="words"'),
        ({"own_predictions": "tokens", "share": 1.1}, "from 0 to 1. Received: training.teacher_forcing.share=1.1"),
        ({"own_predictions": "tokens", "steps": 9}, r'schedule="constant", .*steps=9\. Leave steps out, or choose'),
        ({"own_predictions": "tokens", "schedule": "linear"}, r'schedule="linear", .*steps=0\. Set steps to a third'),
    ],
)
def test_refuses_in_words(settings, message):
    with pytest.raises(SettingsError, match=message):
        TeacherForcingSettings(**settings)


def test_a_saved_model_goes_on_as_it_was_fed(tmp_path):
    made = model(teacher_forcing=TeacherForcingSettings("tokens", 0.25, "exponential", 40))
    made.compile(optimizer=keras.optimizers.SGD(0.5))
    made.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.teacher_forcing == made.teacher_forcing
    config = made.get_config()
    del config["teacher_forcing"]  # as a file of before has it
    assert Seq2Seq.from_config(config).teacher_forcing == TeacherForcingSettings()


TWO_REPLICAS = """
import keras, numpy as np, tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.models.test_teacher_forcing import INPUTS, TARGET_OUT, TeacherForcingSettings, model

weights = []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        made = model(teacher_forcing=TeacherForcingSettings("tokens", share=1.0))
        made.compile(optimizer=keras.optimizers.SGD(0.05))
    rows = tf.data.Dataset.from_tensor_slices((INPUTS, TARGET_OUT)).batch(8)
    made.fit(rows, verbose=0, shuffle=False)
    weights.append(made.get_weights())
print(max(float(np.abs(one - two).max()) for one, two in zip(*weights, strict=True)))
made.teacher_forcing = TeacherForcingSettings("sentences")
made.fit(rows, verbose=0, shuffle=False)
"""


@pytest.mark.slow
def test_two_replicas_feed_what_one_device_does_and_draw_each_for_itself():
    done = subprocess.run([sys.executable, "-c", TWO_REPLICAS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-5
