"""What several devices and workers share; the trainings are processes of their own (tests/benchmarks/workers.py)."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.distribution.cluster import ClusterError
from seq2seq.distribution.devices import Devices, devices_of, open_devices
from seq2seq.distribution.workers import SECONDS
from seq2seq.training.agreement import batch_digest
from tests.training.conftest import make_batches

from ..benchmarks import workers

STEPS = 12
# One layer on each side: a process takes its time to build the graphs of a step, and each test starts several.
TRAINING = ("--steps", str(STEPS), "--set", "model.encoder.units=8", "--set", "model.decoder.units=8")


def test_one_device_is_what_tensorflow_takes(model):
    with open_devices() as devices:
        assert (devices.replicas, list(devices.here), devices.workers.count) == (1, [0], 1)
        assert devices_of(model, devices) is devices
        before = [variable.numpy() for variable in model.non_trainable_variables]
        devices.part_seeds(model)
        for variable, value in zip(model.non_trainable_variables, before, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)


def test_mirrored_on_one_device_says_so_and_goes_on(capsys, monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [Device()] if kind == "CPU" else [])
    with open_devices("mirrored") as devices:
        assert devices.replicas == 1
    assert "here is one, CPU:0, for all" in capsys.readouterr().err


class Device:
    name = "/device:CPU:0"


def test_an_unknown_strategy_is_refused():
    with (
        pytest.raises(ValueError, match=r"strategy is one of: mirrored, multiworker\. .* Did you mean 'mirrored'"),
        open_devices("mirorred"),
    ):
        pass


def test_workers_that_do_not_know_of_each_other_are_refused(monkeypatch):
    config = {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with (
        pytest.raises(ClusterError, match=r"names 2 workers, and each would train by itself.*--strategy multiworker"),
        open_devices(),
    ):
        pass


def test_several_workers_come_before_tensorflow_computes(monkeypatch):
    tf.constant(1)
    for name, value in workers.one_worker().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ClusterError, match="before TensorFlow computes anything"), open_devices("multiworker"):
        pass


def test_a_model_made_outside_the_scope_is_refused(model):
    class Two:
        num_replicas_in_sync = 2

    with pytest.raises(ValueError, match=r"Make it inside"):
        devices_of(model, Devices(Two()))


def test_other_batches_have_another_digest():
    digests = {batch_digest(make_batches(seed=seed)) for seed in (0, 0, 1)}
    assert len(digests) == 2
    batches = make_batches()
    batch_digest(batches)
    first = next(iter(batches.dataset()))[1].numpy()
    np.testing.assert_array_equal(first, batches.batch(batches.order(0)[0]).target_out)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return workers.write_corpus(tmp_path_factory.mktemp("workers") / "corpus")


def trained(way, corpus):
    """Train in one of the ways; once for all tests."""
    return workers.train(way, corpus.parent / way, corpus, *TRAINING)


def need_equal(folder, alone):
    np.testing.assert_allclose(workers.losses(folder), workers.losses(alone), rtol=1e-5)
    np.testing.assert_allclose(workers.scores(folder), workers.scores(alone), rtol=1e-5)
    assert workers.difference(alone, folder) < 1e-4
    ours, theirs = (json.loads((each / "log.jsonl").read_text().splitlines()[-1]) for each in (folder, alone))
    assert ours["update"] == theirs["update"] == STEPS
    # The files of one run, by one worker.
    assert {path.name for path in folder.iterdir()} == {path.name for path in alone.iterdir()}


@pytest.mark.slow
def test_every_way_trains_as_one_process_does(corpus, subtests):
    alone, *others = workers.WAYS
    for way in others:
        with subtests.test(way):
            need_equal(trained(way, corpus), trained(alone, corpus))


@pytest.mark.slow
def test_after_the_chief_was_killed_a_restart_goes_on_exactly(corpus, tmp_path):
    two, folder = trained("2 workers", corpus), tmp_path / "run"
    train_and_kill(0, folder, corpus)
    workers.train("2 workers", folder, corpus, *TRAINING, "--resume")
    (resumed,) = [event for event in events(folder) if event["event"] == "resume"]
    assert resumed["update"] == 6  # the end of the first epoch
    for name, tensor in workers.tensors(two).items():
        np.testing.assert_array_equal(workers.tensors(folder)[name], tensor)
    assert workers.scores(folder) == workers.scores(two)


def train_and_kill(worker, folder, corpus):
    """Kill one of two workers in the middle of their training; the job says so and ends."""
    command = ["tests.benchmarks.workers", "--train", str(folder), "--corpus", str(corpus)]
    job = workers.start(2, [*command, "--strategy", "multiworker", *TRAINING], stderr=subprocess.PIPE)
    while not (folder.with_suffix(".losses").exists() and len(workers.losses(folder)) >= 7):
        assert job.poll() is None
        time.sleep(0.02)
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text()
    process = int(children.split()[worker])
    os.kill(process, signal.SIGKILL)
    began = time.monotonic()
    said = job.communicate(timeout=SECONDS)[1]
    assert time.monotonic() - began < 10
    assert job.returncode == 128 + signal.SIGKILL
    assert f"worker {worker} of 2 (process {process}" in said and "is gone" in said
    assert f"seq2seq launch: worker {worker} of 2 (process {process}) was killed by SIGKILL." in said


def events(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
