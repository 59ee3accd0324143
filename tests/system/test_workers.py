import os
import signal
import time

import pytest

from seq2seq.system.workers import Workers


def begin(least):
    """Give what a worker does to numbers; it runs in a process of its own, which imports this module."""

    def work(number):
        if number < least:
            raise ValueError(f"Received: {number}")
        if number == 13:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02 * (number % 2))  # the second of two is done before the first
        return number, (os.getpid(), *sorted(os.sched_getaffinity(0)))

    return work


@pytest.fixture(scope="module")
def workers():
    with Workers(2, begin, 0) as workers:
        yield workers


def test_results_come_in_the_order_of_the_items_and_few_are_begun_ahead(workers):
    taken, found, by = [], [], set()

    def pairs():
        for number in range(9):
            taken.append(number)
            yield chr(97 + number), 9 - number

    for kept, (number, process_and_cores) in workers.map(pairs()):
        found.append((kept, number))
        by.add(process_and_cores)
        assert len(taken) - len(found) < 4
    assert found == [(chr(97 + number), 9 - number) for number in range(9)]
    (first, *ours), (second, *theirs) = by
    assert os.getpid() not in (first, second) and first != second
    every = os.sched_getaffinity(0)
    assert {*ours, *theirs} == every and (len(every) == 1 or not {*ours} & {*theirs})


def test_what_is_under_way_is_given_before_one_that_has_yet_to_arrive_is_asked_for(workers):
    given = []

    def pairs():
        yield "a", 1
        assert given == ["a"]
        yield "b", 2

    for kept, _ in workers.map(pairs(), lambda: True):
        given.append(kept)
    assert given == ["a", "b"]


def test_an_error_comes_behind_the_results_before_it(workers):
    def damaged():
        yield from [("a", 1), ("b", 2)]
        raise OSError("line 3")

    for pairs, error in (([("a", 1), ("b", 2), ("c", -7), ("d", 3)], "-7"), (damaged(), "line 3")):
        given = []
        with pytest.raises((ValueError, OSError), match=error):
            for kept, _ in workers.map(pairs):
                given.append(kept)
        assert given == ["a", "b"]


def test_a_worker_that_is_killed_is_told():
    with (
        Workers(1, begin, 0) as workers,
        pytest.raises(RuntimeError, match=r"process \d+, which was killed by signal 9"),
    ):
        list(workers.map([(None, 13)]))


def test_what_cannot_begin_is_told():
    with Workers(1, begin) as workers, pytest.raises(TypeError, match="least"):
        list(workers.map([(None, 1)]))
