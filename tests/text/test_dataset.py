import threading

import numpy as np
import pytest

from seq2seq.text.dataset import Feed

STEPS = 3


def batch(epoch, step):
    ids = np.array([[epoch, step]], np.int32)
    return {"source": ids, "target_in": ids}, ids


def feed(before=lambda step: None):
    def run(epoch, step):
        for number in range(step, STEPS):
            before(number)
            yield batch(epoch, number)

    return Feed(run, lambda: STEPS)


def places(iterator):
    return [tuple(out[0].tolist()) for _, out in iterator]


def test_epochs_follow_each_other_and_a_late_one_ends_at_its_end():
    made = feed()
    dataset = made.dataset()
    assert dataset.cardinality() == STEPS
    assert places(dataset.as_numpy_iterator()) == [(0, 0), (0, 1), (0, 2)]
    made.seek(4, 2)
    assert places(dataset.as_numpy_iterator()) == [(4, 2)]
    assert places(dataset.as_numpy_iterator()) == [(5, 0), (5, 1), (5, 2)]
    made.seek(5, STEPS)
    assert places(dataset.as_numpy_iterator()) == [(6, 0), (6, 1), (6, 2)]


@pytest.mark.parametrize("late", [0, 1])
def test_an_abandoned_iteration_takes_no_part_in_a_seek(late):
    there, go_on = threading.Event(), threading.Event()

    def before(step):
        if step == STEPS - 1 and not there.is_set():
            there.set()
            go_on.wait(10)

    made = feed(before)
    dataset = made.dataset()
    made.seek(0, late)
    abandoned = dataset.as_numpy_iterator()
    next(abandoned)
    # Its thread is preparing the last batch of its epoch, and comes to the end of it after the seek.
    assert there.wait(10)
    made.seek(7, 1)
    go_on.set()
    assert places(abandoned)[-1] == (0, 2)
    assert places(dataset.as_numpy_iterator()) == [(7, 1), (7, 2)]


def test_refuses_a_place_that_there_is_not():
    for epoch, step in [(-1, 0), (0, -1), (0, STEPS + 1)]:
        with pytest.raises(ValueError, match=f"0 to 3. Received: epoch={epoch}, step={step}"):
            feed().seek(epoch, step)


def test_shares_of_a_batch_come_one_after_the_other():
    def run(epoch, step):
        for number in range(step, STEPS):
            ids = np.array([[epoch + 1, number + 1], [epoch + 1, 9]], np.int32)
            yield {"source": ids, "target_in": ids}, ids

    dataset = Feed(run, lambda: STEPS).dataset(shares=(1, 2), of=3)
    assert dataset.cardinality() == 2 * STEPS
    assert [out.tolist() for _, out in dataset.as_numpy_iterator()] == [[[1, 9]], [[0]]] * STEPS
