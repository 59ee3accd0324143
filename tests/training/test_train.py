import errno
import json
import os
import re
import signal
import zipfile

import keras
import numpy as np
import pytest

from seq2seq.metrics import EvaluationSettings
from seq2seq.models.kernels import SlowKernelError, layer_kernels
from seq2seq.models.settings import TeacherForcingSettings
from seq2seq.system.terminal import exit_status
from seq2seq.text.batches import Batches
from seq2seq.text.corpus import corpus_from_pairs
from seq2seq.training.checkpoint_file import CheckpointError, find_checkpoint, load_checkpoint, load_weights
from seq2seq.training.data_check import DataCheck
from seq2seq.training.fit import train
from seq2seq.training.not_finite import NotFiniteError
from seq2seq.training.optimizers import build_optimizer
from seq2seq.training.run_folder import RunFolderError
from seq2seq.training.schedules import Luong
from seq2seq.training.settings import TrainingSettings
from seq2seq.training.state import OF_THE_PROCESS
from seq2seq.training.validation import HeldOut
from seq2seq.translation import Hypothesis
from tests.marks import quick

from .conftest import make_batches, make_model, split


class Call(keras.callbacks.Callback):
    """Calls a function after so many steps of this process."""

    def __init__(self, step, function):
        super().__init__()
        self.left = step
        self.function = function

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.function(self.model)


class Rates(keras.callbacks.Callback):
    """Keeps the learning rate of every step."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(float(self.model.optimizer.learning_rate))


def terminate(model):
    os.kill(os.getpid(), signal.SIGTERM)


def run(folder, model=None, batches=None, **options):
    model = model or make_model()
    settings, others = split(options)
    return model, train(model, batches or make_batches(), settings, folder=folder, **others)


def events(folder, *names):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [without_clocks(line) for line in lines if not names or line["event"] in names]


def without_clocks(value):
    if isinstance(value, dict):
        return {name: without_clocks(entry) for name, entry in value.items() if name not in OF_THE_PROCESS}
    return [without_clocks(entry) for entry in value] if isinstance(value, list) else value


def saved(folder):
    """Every variable of the last checkpoint as bytes, and every counter but times and the size of the log."""
    with zipfile.ZipFile(find_checkpoint(folder / "last")) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    counters = json.loads(parts.pop("state.json"))["state"]
    del counters["log"]
    return parts, without_clocks(counters)


# --- a run ------------------------------------------------------------------------------------------------------------


def test_trains_validates_and_leaves_the_best_weights(tmp_path, validation_batches):
    calls = []

    def decode(texts):
        calls.append(model.get_weights())
        # Good once, in the middle: the best epoch is the second of three.
        return [[Hypothesis(text if len(calls) == 2 else "?", 0.0)] for text in texts]

    model = make_model()
    corpus = corpus_from_pairs([("a", "a"), ("b", "b")])
    held_out = HeldOut(validation_batches, corpus, decode, EvaluationSettings(("exact_match", "bleu")))
    model, result = run(tmp_path, model, epochs=3, tensorboard=True, validation=held_out)
    assert (result.stopped, result.epochs, result.updates) == ("finished", 3, 12)
    assert (result.monitor, result.best, result.best_epoch) == ("exact_match", 100.0, 2.0)
    assert [epoch["val_exact_match"] for epoch in result.history] == [0.0, 100.0, 0.0]
    assert result.history[2]["loss"] < result.history[0]["loss"]
    assert {"loss", "perplexity", "accuracy", "val_loss", "learning_rate", "tokens_per_second", "seconds"} <= set(
        result.history[0]
    )
    for ours, best in zip(model.get_weights(), calls[1], strict=True):
        np.testing.assert_array_equal(ours, best)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.weights.h5",
        "last",
        "log.jsonl",
        "tensorboard",
        "versions.json",
    ]
    kinds = [event["event"] for event in events(tmp_path)]
    assert kinds == ["start", "first_step", *["validation", "epoch", "checkpoint"] * 3, "end"]
    assert any((tmp_path / "tensorboard").iterdir())


def test_averages_are_what_is_validated_and_kept(tmp_path):
    validated = []

    def decode(texts):
        validated.append(values(model))
        return [[Hypothesis(text, 0.0)] for text in texts]

    model = make_model()
    held_out = HeldOut(corpus=corpus_from_pairs([("a", "a")]), decode=decode, evaluation=EvaluationSettings(("bleu",)))
    run(tmp_path, model, ema=0.5, epochs=1, validation=held_out)
    averages = [each.numpy() for each in model.optimizer.variables if each.path.endswith("_average")]
    # The checkpoint, from which a resume goes on, has the weights themselves.
    load_checkpoint(find_checkpoint(tmp_path / "last"), model)
    weights = values(model)
    load_weights(model, tmp_path / "best.weights.h5")
    for validation, best, average, weight in zip(validated[0], values(model), averages, weights, strict=True):
        np.testing.assert_array_equal(validation, average)
        np.testing.assert_array_equal(best, average)
        assert not np.array_equal(weight, average)


def values(model):
    return [variable.numpy() for variable in model.trainable_variables]


@pytest.mark.slow
def test_stops_when_patience_is_over(tmp_path, validation_batches):
    settings = {"epochs": 9, "validation": HeldOut(validation_batches), "monitor": "accuracy", "patience": 2}
    _, result = run(tmp_path, learning_rate=1e-9, **settings)
    # Nothing is learnt, so all scores are equal: patience counts from the first, the last one's weights are kept.
    assert (result.stopped, result.epochs, result.best_epoch) == ("patience", 3, 3.0)
    # Going on has nothing to wait for any more; with more patience it does.
    assert run(tmp_path, **settings, resume=True)[1].updates == result.updates


@pytest.mark.slow
def test_validates_every_few_steps_and_at_the_end(tmp_path, validation_batches):
    run(tmp_path, validation=HeldOut(validation_batches), validate_every=3, monitor="loss")
    assert [event["update"] for event in events(tmp_path, "validation")] == [3, 6, 8]


def test_the_schedule_sets_the_rate_of_every_step(tmp_path):
    rates = Rates()
    run(tmp_path, schedule=Luong(warmup_steps=2, start=1, every=0.5), learning_rate=0.5, callbacks=[rates])
    np.testing.assert_allclose(rates.seen, [0.25, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125])


@pytest.mark.slow
def test_plateau_halves_where_the_score_stands_still(tmp_path, validation_batches):
    rates = Rates()
    settings = {"validation": HeldOut(validation_batches), "monitor": "accuracy", "schedule": "plateau"}
    run(tmp_path, epochs=3, learning_rate=1e-9, callbacks=[rates], **settings)
    np.testing.assert_allclose(rates.seen[::4], [1e-9, 1e-9, 0.5e-9])


def test_takes_an_optimizer_with_its_own_settings(tmp_path):
    rates = Rates()
    run(tmp_path, optimizer=keras.optimizers.SGD(0.25), epochs=1, callbacks=[rates])
    assert set(rates.seen) == {0.25}


# --- stopped and continued --------------------------------------------------------------------------------------------

PLAIN = {"optimizer": "adam", "clip_norm": 1.0}
EVERYTHING = {"optimizer": "rmsprop", "ema": 0.9, "schedule": "plateau", "validate_every": 3, "patience": 9}


@pytest.fixture(
    scope="module",
    params=[(0.3, EVERYTHING), pytest.param((0.0, PLAIN), marks=[pytest.mark.slow, pytest.mark.repeats])],
    ids=["dropout, averages, plateau", "dropout off"],
)
def straight(request, tmp_path_factory):
    dropout, settings = request.param
    folder = tmp_path_factory.mktemp("straight")
    settings = settings | {"validation": HeldOut(make_batches(pairs=6, seed=3)), "monitor": "loss", "epochs": 3}
    model, result = run(folder, make_model(dropout=dropout), **settings)
    return folder, model, result, dropout, settings


@pytest.mark.parametrize("step", quick([7, 1, 4]))
def test_a_run_stopped_at_a_step_ends_like_one_never_stopped(straight, step, tmp_path, capfd):
    folder, model, result, dropout, settings = straight
    _, stopped = run(
        tmp_path, make_model(dropout=dropout), callbacks=[Call(step, terminate)], **settings | {"progress": "lines"}
    )
    assert (stopped.stopped, stopped.updates) == ("SIGTERM", step)
    assert "resume=True" in capfd.readouterr().err
    # Other initial weights and other dropout: everything has to come from the checkpoint.
    other, resumed = run(tmp_path, make_model(seed=99, dropout=dropout), resume=True, **settings)
    assert saved(tmp_path) == saved(folder)
    assert events(tmp_path, "epoch", "validation") == events(folder, "epoch", "validation")
    for ours, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert without_clocks(resumed.history) == without_clocks(result.history)
    assert (resumed.best, resumed.best_epoch) == (result.best, result.best_epoch)


def test_a_run_killed_after_the_last_step_of_an_epoch_and_before_its_end_logs_the_same(tmp_path):
    settings = {"checkpoint_steps": 4, "validate_every": 4, "validation": HeldOut(make_batches(pairs=6, seed=3))}

    class Killed(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise SystemExit

    run(tmp_path / "straight", **settings)
    with pytest.raises(SystemExit):
        run(tmp_path / "killed", callbacks=[Killed()], **settings)
    _, result = run(tmp_path / "killed", make_model(seed=99), resume=True, **settings)
    (resumed,) = events(tmp_path / "killed", "resume")
    assert (resumed["update"], resumed["step"]) == (4, 4)
    assert {"learning_rate", "val_loss"} <= result.history[0].keys()
    assert events(tmp_path / "killed", "epoch", "validation") == events(tmp_path / "straight", "epoch", "validation")
    assert saved(tmp_path / "killed") == saved(tmp_path / "straight")


def decode_as_it_is(texts):
    return [[Hypothesis(text, 0.0)] for text in texts]


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({}, ""),
        ({"evaluation": EvaluationSettings(("exact_match", "chrf"))}, ""),  # what else is measured says nothing of it
        (
            {"evaluation": EvaluationSettings(("exact_match",), lowercase=True)},
            "Scores are measured otherwise than before (lowercase=True, before False): the best so far, exact_match "
            "50 on validation, counts no more",
        ),
        (
            {"corpus": corpus_from_pairs([("a", "a"), ("b", "a")])},
            "measured otherwise than before (the text of validation is another): the best so far",
        ),
    ],
)
def test_scores_that_are_measured_otherwise_are_not_compared_with_earlier_ones(tmp_path, capsys, after, told):
    before = {
        "corpus": corpus_from_pairs([("a", "a"), ("b", "B")]),
        "decode": decode_as_it_is,
        "evaluation": EvaluationSettings(("exact_match",)),
    }
    run(tmp_path, epochs=1, validation=HeldOut(**before))
    _, result = run(tmp_path, epochs=2, resume=True, progress="lines", validation=HeldOut(**before | after))
    said = capsys.readouterr().err
    assert told in said and ("otherwise" in said) == bool(told)
    assert result.best == (100 if "lowercase" in told else 50)


def test_an_ended_run_is_measured_in_another_way_and_does_not_say_that_another_monitor_chose(tmp_path, capsys):
    held_out = {"corpus": corpus_from_pairs([("a", "a"), ("b", "B")]), "decode": decode_as_it_is}
    run(tmp_path, epochs=1, validation=HeldOut(**held_out, evaluation=EvaluationSettings(("exact_match", "bleu"))))
    lower = EvaluationSettings(("exact_match", "bleu"), lowercase=True)
    again = {"epochs": 1, "resume": True, "progress": "lines", "validation": HeldOut(**held_out, evaluation=lower)}
    assert run(tmp_path, **again)[1].best == 50
    assert "the weights stay those of the best so far, exact_match 50 on validation" in capsys.readouterr().err
    before = (tmp_path / "log.jsonl").read_text()
    with pytest.raises(RunFolderError, match=r"training\.monitor=bleu, with the best so far, exact_match 50"):
        run(tmp_path, **again, monitor="bleu")
    assert (tmp_path / "log.jsonl").read_text() == before
    _, longer = run(tmp_path, **again | {"epochs": 2}, monitor="bleu")
    assert (longer.monitor, longer.best_epoch) == ("bleu", 2.0)
    assert events(tmp_path, "resume")[-1]["monitor"] == "bleu"
    assert "Another monitor than before" in capsys.readouterr().err


def test_a_run_that_patience_has_ended_keeps_its_weights_under_another_monitor(tmp_path):
    held_out = {"corpus": corpus_from_pairs([("a", "a"), ("b", "B")]), "decode": decode_as_it_is}
    both = HeldOut(**held_out, evaluation=EvaluationSettings(("exact_match", "bleu")))
    _, result = run(tmp_path, epochs=9, patience=1, validation=both)
    assert (result.stopped, result.epochs) == ("patience", 2)
    with pytest.raises(RunFolderError, match=r"Set training\.monitor=exact_match .* a higher training\.patience, or 0"):
        run(tmp_path, epochs=9, patience=1, resume=True, validation=both, monitor="bleu")


def test_a_smoothed_loss_is_not_compared_with_another(tmp_path, capsys):
    def smoothed(share):
        model = make_model()
        model.label_smoothing = share
        return model

    validation = HeldOut(make_batches(pairs=6, seed=3))
    run(tmp_path, smoothed(0.0), epochs=1, validation=validation)
    run(tmp_path, smoothed(0.1), epochs=2, resume=True, progress="lines", validation=validation)
    assert "measured otherwise than before (label_smoothing=0.1, before 0.0)" in capsys.readouterr().err
    begun = events(tmp_path, "start", "resume")
    assert [event["measured"]["label_smoothing"] for event in begun] == ["0.0", "0.1"]


@pytest.mark.slow
def test_a_finished_run_can_be_given_more_epochs(tmp_path):
    run(tmp_path / "long", epochs=2)
    run(tmp_path / "short", epochs=1)
    _, result = run(tmp_path / "short", make_model(seed=99), epochs=2, resume=True)
    assert result.epochs == 2
    assert saved(tmp_path / "short")[0] == saved(tmp_path / "long")[0]
    assert [event["event"] for event in events(tmp_path / "short")].count("resume") == 1


def test_a_run_is_not_called_shorter_than_it_is(tmp_path):
    run(tmp_path, epochs=2)
    before = (tmp_path / "log.jsonl").read_text()
    with pytest.raises(RunFolderError, match=r"Received: training\.epochs=1, with 2 trained\. Set 2 or more"):
        run(tmp_path, epochs=1, resume=True)
    assert (tmp_path / "log.jsonl").read_text() == before


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_starts_anew(tmp_path, capsys):
    (tmp_path / "log.jsonl").write_text('{"event": "start"}\n')
    _, result = run(tmp_path, epochs=1, resume=True, progress="lines")
    assert result.epochs == 1
    assert "starting from the beginning" in capsys.readouterr().err


def test_saves_inside_an_epoch_by_the_clock(tmp_path):
    run(tmp_path, epochs=1, checkpoint_minutes=1e-9)
    assert [event["step"] for event in events(tmp_path, "checkpoint")] == [1, 2, 3, 4, 0]


def test_saves_inside_an_epoch_by_the_count_and_keeps_the_newest(tmp_path):
    run(tmp_path, checkpoint_steps=3, keep_checkpoints=3)
    assert [event["update"] for event in events(tmp_path, "checkpoint")] == [3, 4, 6, 8]
    assert sorted(path.name[-8:] for path in (tmp_path / "last").iterdir()) == ["004.ckpt", "006.ckpt", "008.ckpt"]


@pytest.mark.slow
def test_a_damaged_checkpoint_costs_only_the_steps_since_the_one_before(tmp_path, capsys):
    run(tmp_path / "straight", checkpoint_steps=3)
    run(tmp_path / "damaged", checkpoint_steps=3, callbacks=[Call(7, terminate)])
    newest = tmp_path / "damaged" / "last" / "update-000000007.ckpt"
    newest.write_bytes(newest.read_bytes()[:-1])
    run(tmp_path / "damaged", make_model(seed=99), checkpoint_steps=3, resume=True, progress="lines")
    assert "set aside: update-000000007.damaged. Going on from the one before, update-000000006.ckpt" in (
        capsys.readouterr().err
    )
    assert saved(tmp_path / "damaged") == saved(tmp_path / "straight")
    kinds = [(event["event"], event["update"]) for event in events(tmp_path / "damaged", "checkpoint", "resume")]
    assert kinds == [("checkpoint", 3), ("checkpoint", 4), ("checkpoint", 6), ("resume", 6), ("checkpoint", 8)]


def test_refuses_a_folder_with_a_run_and_another_data_set(tmp_path):
    run(tmp_path, epochs=1)
    with pytest.raises(RunFolderError, match="holds a run already"):
        run(tmp_path, epochs=1)
    with pytest.raises(CheckpointError, match="data and the batches it was started with"):
        run(tmp_path, batches=make_batches(pairs=20), resume=True)


@pytest.mark.slow
def test_refuses_another_text_of_the_same_size(tmp_path):
    random = np.random.default_rng(0)
    ids = [random.integers(4, 12, random.integers(2, 6)).tolist() for _ in range(14)]
    run(tmp_path, batches=Batches(ids, ids, size=4), epochs=1)
    changed = [[5, *ids[0][1:]] if ids[0][0] != 5 else [6, *ids[0][1:]], *ids[1:]]
    with pytest.raises(CheckpointError, match=r"as many tokens and batches, but other ids \(checksum \w{8}, before"):
        run(tmp_path, batches=Batches(changed, changed, size=4), resume=True)
    assert run(tmp_path, batches=Batches(ids, ids, size=4), resume=True)[1].epochs == 2


def test_refuses_other_pools_and_knows_a_checkpoint_from_before_there_were_any():
    ids = [[5] * (1 + number % 7) for number in range(60)]
    pooled, whole = DataCheck(Batches(ids, ids, size=4)), DataCheck(Batches(ids, ids, size=4, pool=0))
    assert pooled.get_state() | {"pool": 0} == whole.get_state()  # nothing else tells them apart
    before = {name: value for name, value in whole.get_state().items() if name != "pool"}
    whole.set_state(before)
    pooled.set_state(pooled.get_state())
    for state in (before, whole.get_state()):
        with pytest.raises(
            CheckpointError, match=r"pools of 5 batches, before 0 \(0: sorted as a whole\)\. Set pool=0"
        ):
            pooled.set_state(state)


# --- failures ---------------------------------------------------------------------------------------------------------


def poison(model):
    variable = model.trainable_variables[0]
    variable.assign(variable * np.nan)


def test_weights_that_are_not_finite_stop_and_the_best_are_restored(tmp_path):
    model = make_model()
    with pytest.raises(NotFiniteError, match=r"not finite at epoch 2, step 2 \(optimizer step 6\), because encoder"):
        run(tmp_path, model, callbacks=[Call(5, poison)])
    best = make_model(seed=2)
    best.load_weights(tmp_path / "best.weights.h5")
    for restored, kept in zip(model.get_weights(), best.get_weights(), strict=True):
        assert np.isfinite(restored).all()
        np.testing.assert_array_equal(restored, kept)
    assert events(tmp_path)[-1]["event"] == "not_finite"
    # What was saved can be continued.
    assert run(tmp_path, resume=True)[1].epochs == 2


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    with pytest.raises(NotFiniteError, match="not finite after optimizer step 4"):
        run(tmp_path, callbacks=[Call(4, poison)])
    assert find_checkpoint(tmp_path / "last") is None


@pytest.mark.slow
def test_a_disk_that_fills_inside_a_checkpoint_leaves_the_one_before(tmp_path, monkeypatch, capsys):
    settings = {"epochs": 1, "checkpoint_steps": 1}
    run(tmp_path / "straight", **settings)
    write, left = np.lib.format.write_array, 60

    def write_some(file, array, **options):
        nonlocal left
        left -= 1
        if left < 0:
            file.write(b"torn")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(file, array, **options)

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "write_array", write_some)
        assert exit_status(lambda: run(tmp_path / "run", **settings)) == 1
    err = capsys.readouterr().err
    last = tmp_path / "run" / "last"
    assert re.search(rf"error: {last}/update-\d+\.ckpt: No space left on device\. Free some space, or name", err)
    assert [path.suffix for path in last.iterdir()] == [".ckpt"]
    assert load_checkpoint(find_checkpoint(last), compiled_like(make_model()))["run"]["update"] >= 1
    run(tmp_path / "run", **settings, resume=True)
    assert saved(tmp_path / "run") == saved(tmp_path / "straight")


def compiled_like(model):
    model.compile(optimizer=build_optimizer(TrainingSettings()))
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "Received: training.epochs=0"),
        ({"keep_checkpoints": 0}, "Received: training.keep_checkpoints=0"),
        ({"optimizer": "Adam"}, 'Did you mean "adam"'),
        ({"schedule": "inverse"}, 'Did you mean "inverse_sqrt"'),
        ({"monitor": "blue"}, "monitor is one of"),
        ({"patience": -1}, "Received: training.patience=-1"),
        ({"progress": "bars"}, "Did you mean 'bar'"),
    ],
)
def test_refuses_in_words_before_anything_is_written(tmp_path, model, settings, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path / "run", model, **settings)
    assert not (tmp_path / "run").exists()


def test_the_log_says_which_kernels_run(tmp_path):
    model, _ = run(tmp_path, epochs=1)
    (start,) = events(tmp_path, "start")
    assert start["kernels"] == [kernel._asdict() for kernel in layer_kernels(model)]


def test_strict_kernels_refuse_before_anything_is_written(tmp_path):
    model = make_model()
    model.decoder.stack.forward_layers[0].cell.recurrent_activation = keras.activations.hard_sigmoid
    with pytest.raises(SlowKernelError, match="decoder layer 0"):
        run(tmp_path, model, strict_kernels=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("sampling", quick([True, False], False))
def test_a_resumed_run_draws_the_same_words_and_own_predictions(tmp_path, sampling):
    def sampled():
        model = make_model()
        if sampling:
            model.sample_softmax(5, seed=3)
        else:
            model.teacher_forcing = TeacherForcingSettings("tokens", schedule="linear", steps=5)
        return model

    straight, _ = run(tmp_path / "straight", sampled())
    run(tmp_path / "stopped", sampled(), callbacks=[Call(3, terminate)])
    resumed, result = run(tmp_path / "stopped", sampled(), resume=True)
    assert result.stopped == "finished"
    for one, other in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_optimizer_with_a_schedule_of_its_own_is_refused_before_anything_is_written(tmp_path):
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10))
    with pytest.raises(ValueError, match=r"CosineDecay\. Give it a number, and the course by schedule="):
        run(tmp_path / "run", epochs=1, optimizer=optimizer)
    assert not (tmp_path / "run").exists()
