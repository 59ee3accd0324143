"""A step that is not finite: what is named, what is kept, and how training goes on."""

import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import Attention, StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.training.checkpoint_file import find_checkpoint, load_checkpoint, read_state
from seq2seq.training.fit import train
from seq2seq.training.not_finite import NotFiniteError, Watch, find_origin, first_not_finite
from seq2seq.training.state import RunState
from tests.marks import quick

from .conftest import make_batches, make_model, split
from .test_train import events, saved

ROWS = 2  # of the one batch of an epoch that is not full


class Overflow(keras.layers.Layer):
    """Passes values on, but for what a batch of two rows gets: infinite values or infinite gradients."""

    def __init__(self, forward=False, rows=ROWS, **options):
        super().__init__(**options)
        self.forward, self.rows = forward, rows

    def call(self, values, training=None):
        @tf.custom_gradient
        def pass_on(values):
            wrong = tf.shape(values)[0] == self.rows
            result = tf.where(wrong & self.forward, np.inf * values, values)
            return result, lambda gradient: tf.where(wrong, np.inf * gradient, gradient)

        return pass_on(values)


def overflowing(part="encoder", name="drop", forward=False, rows=ROWS):
    keras.utils.set_random_seed(1)
    parts = {"encoder": Encoder(12, 4, [5], dropout=0.3), "decoder": Decoder(12, 4, [5], output_dropout=0.3)}
    setattr(parts[part], name, Overflow(forward, rows, name="overflow"))
    return Seq2Seq(parts["encoder"], StateBridge([5]), parts["decoder"])


def run(folder, model, *, batches=None, **options):
    settings, others = split({"checkpoint_minutes": 0} | options)
    return train(model, batches or make_batches(), settings, folder=folder, **others)


def place_of_bad_batch(epoch=0):
    (place,) = (step for step, batch in enumerate(make_batches().order(epoch)) if len(batch) == ROWS)
    return place


PLACES = [
    ("encoder", "drop", False, r"the gradient of encoder\w*/embedding\w* \(embeddings\) is the first in the back"),
    ("decoder", "drop_output", False, r"the gradient of decoder\w*/stack/layer0_forward/lstm_cell \(\w+\) is the"),
    ("decoder", "drop_embedding", False, r"the gradient of decoder\w*/embedding\w* \(embeddings\) is the first"),
    ("encoder", "drop", True, r"the output of encoder\w*/overflow is the first in the forward pass that is not"),
    ("decoder", "drop_output", True, r"the output of decoder\w*/overflow is the first in the forward pass"),
]


@pytest.mark.parametrize(("part", "name", "forward", "named"), quick(PLACES, PLACES[0], PLACES[-1]))
def test_names_where_it_began_and_keeps_everything_before_it(tmp_path, part, name, forward, named):
    model = overflowing(part, name, forward)
    place = place_of_bad_batch()
    to_text = (lambda ids: f"s{ids}", lambda ids: f"t{ids}")
    where = rf"epoch 1, step {place + 1} \(optimizer step {place + 1}\)"
    with pytest.raises(NotFiniteError, match=rf"{where}: {named}") as e:
        run(tmp_path, model, to_text=to_text)
    inputs, target_out = next(make_batches().run(0, place))
    for row in range(ROWS):
        assert f"'s{inputs['source'][row].tolist()}' → 't{target_out[row].tolist()}'" in str(e.value)
    assert ("No step was taken before" in str(e.value), "Try a lower learning_rate" in str(e.value)) == (
        not place,
        place > 0,
    )
    assert "skip_not_finite" in str(e.value)
    *_, event, checkpoint = events(tmp_path)
    assert (event["event"], event["message"], checkpoint["event"]) == ("not_finite", str(e.value), "checkpoint")
    # The step before is the last one: in the model, and in the folder.
    state = read_state(find_checkpoint(tmp_path / "last"))["run"]
    assert (state["step"], state["update"]) == (place, place)
    before = overflowing(part, name, forward)
    before.compile(optimizer=keras.optimizers.Adam(1e-2))
    for batch in itertools.islice(make_batches().run(0), place):
        before.train_on_batch(*batch)
    for one, two in zip(model.variables, before.variables, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_a_skipped_batch_is_counted_and_the_run_resumes_exactly(tmp_path, capsys):
    settings = {"skip_not_finite": 1, "checkpoint_steps": 1, "validate_every": 2, "ema": 0.9, "clip_norm": 1.0}
    result = run(tmp_path / "straight", overflowing(), **settings, epochs=3)
    assert result.skipped == 3
    assert result.updates == 3 * 3
    assert [epoch["skipped"] for epoch in result.history] == [1, 2, 3]
    skipped = events(tmp_path / "straight", "skipped")
    assert [event["epoch"] for event in skipped] == [0, 1, 2]
    assert all(len(event["pairs"]) == ROWS and "Batch skipped" in event["message"] for event in skipped)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if len(seen) == stop_at:
                self.model.stop_training = True
            seen.append(batch)

    for stop_at in (place_of_bad_batch(), 4 + place_of_bad_batch(1)):
        folder, seen = tmp_path / str(stop_at), []
        run(folder, overflowing(), **settings, epochs=3, callbacks=[Stop()])
        run(folder, overflowing(), **settings, epochs=3, resume=True)
        assert saved(folder) == saved(tmp_path / "straight")


@pytest.mark.slow
def test_progress_tells_of_what_was_skipped(tmp_path, capsys):
    run(tmp_path, overflowing(), epochs=1, skip_not_finite=1, progress="lines")
    err = capsys.readouterr().err
    assert "Batch skipped. The batch has 2 pairs: " in err
    assert ", skipped 1," in err


@pytest.mark.slow
def test_too_many_in_a_row_stop(tmp_path):
    model = overflowing(rows=4)  # every batch but one
    place = place_of_bad_batch()
    skips = max(place, 3 - place) - 1
    with pytest.raises(NotFiniteError, match=rf"makes {skips + 1} batches in a row, of which {skips} were skipped"):
        run(tmp_path, model, skip_not_finite=skips)
    state = read_state(find_checkpoint(tmp_path / "last"))["run"]
    assert state["skipped_in_a_row"] == skips
    # One more is allowed for a run that goes on.
    assert run(tmp_path, overflowing(rows=4), skip_not_finite=99, resume=True).skipped == 6


@pytest.mark.slow
def test_the_first_step_may_be_the_wrong_one(tmp_path):
    with pytest.raises(NotFiniteError, match=r"step 1 .*No step was taken before, so no learning rate did it"):
        run(tmp_path, overflowing(rows=4), batches=make_batches(pairs=4))
    assert run(tmp_path, overflowing(rows=5), batches=make_batches(pairs=4), resume=True).updates == 2


@pytest.mark.slow
def test_an_absurd_rate_stops_and_leaves_nothing_absurd(tmp_path):
    model = make_model()
    with pytest.raises(NotFiniteError, match=r"[Nn]ot finite .*Try a lower learning_rate"):
        run(tmp_path, model, learning_rate=1e38, epochs=9)
    left = model.get_weights()
    assert first_not_finite(model) == "" and all(np.isfinite(each).all() for each in left)
    load_checkpoint(find_checkpoint(tmp_path / "last"), model)
    for weight, kept in zip(left, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_a_weight_that_was_wrong_from_the_start_is_named(tmp_path):
    model = make_model()
    embeddings = model.encoder.embedding.embeddings
    embeddings.assign(np.nan * embeddings)
    with pytest.raises(NotFiniteError, match=r"encoder\w*/embedding\w* \(embeddings\) is not finite since the start"):
        run(tmp_path, model)


class Bare(Attention):
    """A softmax as one first writes it: exponentials of scores that may be large."""

    def scores(self, query, keys, *weights):
        return tf.math.log(tf.exp(1e4 * super().scores(query, keys, *weights)))


@pytest.mark.parametrize("input_feeding", quick([False, True]))
def test_the_scores_of_an_attention_are_named(input_feeding):
    attention = Bare("dot", name="bare")
    model = Seq2Seq(Encoder(12, 4, [5]), StateBridge([5]), Decoder(12, 4, [5], attention, input_feeding=input_feeding))
    origin = find_origin(model, make_batches().batch(np.arange(2)))
    assert re.fullmatch(r"the output of decoder\w*/bare is the first in the forward pass that is not", origin.what)
    assert origin.rows


def test_a_model_of_another_kind_stops_too(tmp_path):
    class Wrong(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = keras.layers.Embedding(12, 3)

        def call(self, inputs):
            return self.embedding(inputs["target_in"])

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return tf.reduce_sum(y_pred) / 0.0

    with pytest.raises(NotFiniteError, match=r"The loss is (nan|-?inf) at epoch 1, step 1 "):
        run(tmp_path, Wrong())


def test_looking_for_the_origin_changes_nothing():
    model = overflowing()
    before = [variable.numpy() for variable in model.variables]
    batch = make_batches().batch(np.arange(ROWS))
    first, second = find_origin(model, batch), find_origin(model, batch)
    assert first == second
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert "call" not in vars(model.encoder.stack)


def test_the_rows_that_are_not_finite_are_named():
    model = make_model(dropout=0.0)
    embeddings = model.encoder.embedding.embeddings
    embeddings.assign(np.where(np.arange(12)[:, None] == 11, np.inf, embeddings.numpy()))
    batch = ({"source": np.array([[5, 2], [11, 2]]), "target_in": np.array([[1, 5], [1, 5]])}, np.array([[5, 2]] * 2))
    origin = find_origin(model, batch)
    assert origin.rows == [1]
    assert origin.what.startswith("the output of encoder")


def test_input_feeding_is_looked_into():
    model = Seq2Seq(Encoder(12, 4, [5]), StateBridge([5]), Decoder(12, 4, [5], "general", input_feeding=True))
    cell = model.decoder.stack.forward_layers[0].cell
    cell.kernel.assign(np.nan * cell.kernel)
    origin = find_origin(model, make_batches().batch(np.arange(2)))
    assert "decoder" in origin.what and "layer0_forward" in origin.what


def test_refuses_a_negative_number_of_skips(tmp_path):
    with pytest.raises(ValueError, match=r"Received: training\.skip_not_finite=-1\."):
        run(tmp_path / "run", make_model(), skip_not_finite=-1)
    with pytest.raises(ValueError, match=r"Received: skip_not_finite=-1\. Use 0 to skip none"):
        Watch(RunState(), make_batches(), -1)


def test_names_the_first_weight_that_is_not_finite():
    model = make_model()
    assert first_not_finite(model) == ""
    kernel = model.decoder.logits.kernel
    kernel.assign(np.nan * kernel)
    assert first_not_finite(model).endswith("logits (kernel)")
