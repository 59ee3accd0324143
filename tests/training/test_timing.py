import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.text.batches import Batches
from seq2seq.training.step_times import StepTimes
from seq2seq.training.timing import Timing

from .conftest import make_batches, make_model

SLOW = 0.05  # seconds that a batch takes to be made


class Slow(Batches):
    """Batches that are never there in time."""

    def run(self, epoch, step=0):
        for batch in super().run(epoch, step):
            time.sleep(SLOW)
            yield batch


class Listener:
    def __init__(self):
        self.heard = []

    def first_step(self, times):
        self.heard.append((times.steps, times.traces))


def fit(model, batches, *, epochs=2, compile_settings=None, listeners=()):
    timing = Timing(time.monotonic(), listeners)
    model.compile(optimizer="sgd", **(compile_settings or {}))
    data = batches.dataset()
    history = model.fit(data, epochs=epochs, shuffle=False, verbose=0, callbacks=[timing]).history
    return timing.times, history


def test_one_graph_for_all_shapes_and_every_step_timed(model, batches):
    listener = Listener()
    times, history = fit(model, batches, listeners=[listener])
    assert (times.steps, times.traces, times.compilations) == (2 * batches.steps(0), 1, 0)
    assert 0 < times.wait_seconds < times.seconds and 0 < times.trace_seconds < times.seconds
    assert times.first_step > times.trace_seconds
    assert listener.heard == [(1, 1)]
    assert history["traces"] == [1, 0] and history["trace_seconds"][1] == 0


def test_the_wait_is_what_the_data_took():
    ids = [[4, 5]] * 12
    batches = Slow(ids, ids, size=4)
    times, history = fit(make_model(), batches, epochs=1)
    # The batches ahead are made while the first step traces: only the first one is sure to be waited for.
    assert SLOW <= times.wait_seconds < times.seconds
    assert history["data_wait"] == [pytest.approx(times.data_wait)]


def test_the_weights_are_those_of_keras_own_function():
    ours, keras_own = make_model(), make_model()
    fit(ours, make_batches(), epochs=1)
    keras.utils.set_random_seed(1)
    keras_own.compile(optimizer="sgd")
    keras_own.fit(make_batches().dataset(), shuffle=False, verbose=0)
    for one, other in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_xla_is_seen_wherever_it_is_asked_for(monkeypatch):
    model, batches = make_model(dropout=0.0), make_batches(pairs=12)
    totals = model.totals

    def compiled(inputs, target_out, training=False):
        found = totals(inputs, target_out, training)
        return found._replace(loss=tf.function(lambda loss: loss * 1.0, jit_compile=True)(found.loss))

    monkeypatch.setattr(model, "totals", compiled)
    times, history = fit(model, batches)
    shapes = {
        (*inputs["source"].shape, *target_out.shape)
        for epoch in range(2)
        for inputs, target_out in map(batches.batch, batches.order(epoch))
    }
    assert times.compilations == sum(history["compilations"]) == len(shapes)
    assert 0 < times.compile_seconds < times.seconds


@pytest.mark.parametrize("settings", [{"run_eagerly": True}, {"steps_per_execution": 2}])
def test_keras_own_function_stays_where_a_step_is_not_one_batch_in_a_graph(settings):
    times, history = fit(make_model(), make_batches(pairs=8), epochs=1, compile_settings=settings)
    assert (times.steps, times.traces) == (0, 0) and times.first_step > 0
    assert "data_wait" not in history


def test_keras_gets_its_function_back(model, batches):
    fit(model, batches, epochs=1)
    assert model.train_function is None


def test_an_epoch_logs_its_own_part():
    before = StepTimes(first_step=1.0, steps=2, seconds=4.0, wait_seconds=1.0, traces=1, trace_seconds=0.5)
    after = StepTimes(first_step=1.0, steps=6, seconds=8.0, wait_seconds=2.0, traces=1, trace_seconds=0.5)
    assert after.since(before) == {
        "data_wait": 0.25, "traces": 0, "trace_seconds": 0.0, "compilations": 0, "compile_seconds": 0.0
    }  # fmt: skip
    assert StepTimes().data_wait == 0.0
