import os

import pytest
import tensorflow as tf

from seq2seq.system import threads

NAME = "TF_NUM_INTRAOP_THREADS"


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 8)
    monkeypatch.setenv(NAME, "")  # so that it is as before afterwards
    monkeypatch.delenv(NAME)
    return monkeypatch


def test_where_an_operation_takes_one_core_there_is_a_batch_for_each(eight_cores):
    assert threads.batches_at_a_time() == 2
    threads.one_core_per_operation()
    assert os.environ[NAME] == "1" and threads.batches_at_a_time() == 8
    eight_cores.setattr(threads, "cores", lambda: 1)
    assert threads.batches_at_a_time() == 2


def test_who_has_chosen_is_left_alone(eight_cores):
    eight_cores.setenv(NAME, "4")
    threads.one_core_per_operation()
    assert os.environ[NAME] == "4" and threads.batches_at_a_time() == 2


def test_a_gpu_has_two_batches(eight_cores):
    threads.one_core_per_operation()
    eight_cores.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert threads.batches_at_a_time() == 2
