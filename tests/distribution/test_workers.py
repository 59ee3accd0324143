"""Workers as threads and processes of this machine; TensorFlow has no part in it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from seq2seq.distribution import workers as workers_module
from seq2seq.distribution.cluster import Cluster, ClusterError
from seq2seq.distribution.launch import _addresses
from seq2seq.distribution.workers import SECONDS, Workers, open_workers

COUNT = 3


def clusters(count=COUNT):
    addresses = tuple(_addresses(count))
    return [Cluster(addresses, index, "{}") for index in range(count)]


def together(work, members=None, given_up=(), **options):
    """Run some work as every worker, each in a thread; give what came of it, an exception where one was raised.

    Out of a test a worker that gives up ends its process; here its thread waits on, so nobody waits for it.
    """
    members = members or clusters()
    found = [None] * len(members)

    def run(place, cluster):
        try:
            with open_workers(cluster, **options) as workers:
                found[place] = work(workers)
        except Exception as error:
            found[place] = error

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(members)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while sum(thread.is_alive() for thread in threads) > len(given_up) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


@pytest.fixture
def given_up(monkeypatch):
    """What would have ended the process."""
    messages = []
    monkeypatch.setattr(workers_module, "_give_up", messages.append)
    return messages


def test_one_worker_is_a_team_of_its_own(tmp_path):
    workers = Workers()
    assert workers.chief and workers.exchange([1]) == [[1]] and workers.from_chief("x") == "x"
    with workers.file_from_chief(tmp_path) as path:
        assert path == tmp_path
    work = len
    assert workers.shared(work) is work
    workers.leave()


def test_all_get_what_all_give_in_order(tmp_path):
    (tmp_path / "big").write_bytes(bytes(range(256)) * 20_000)

    def work(workers):
        with workers.file_from_chief(tmp_path / "big" if workers.chief else None) as path:
            size = path.stat().st_size
            own = path.parent == tmp_path
        with workers.file_from_chief(None) as nothing:
            assert nothing is None
        upper = workers.shared(lambda texts: [text.upper() for text in texts])
        return (
            workers.exchange({"index": workers.index}),
            workers.from_chief(workers.index),
            size,
            own,
            upper(list("abcde")),
        )

    found = together(work)
    for index, (everyone, chief, size, own, texts) in enumerate(found):
        assert everyone == [{"index": each} for each in range(COUNT)]
        assert (chief, size, own, texts) == (0, 256 * 20_000, index == 0, list("ABCDE"))


def test_a_difference_between_workers_is_named(given_up):
    found = together(
        lambda workers: workers.need_same({"seed": workers.index // 2, "data": 1}, "settings"), given_up=given_up
    )
    # A worker that hears of another's end before it has compared gives up; out of a test, its process ends there.
    told = [error for error in found if error is not None]
    assert told and len(told) + len(given_up) >= len(found)
    for error in told:
        assert isinstance(error, ClusterError)
        assert re.search(
            r"settings of worker 2 of 3 \(process \d+ on .*\) other than .*: seed is 1 instead of 0\.", str(error)
        )


def test_a_worker_that_fails_is_named_to_the_others(given_up):
    def work(workers):
        if workers.index == 1:
            raise OSError("the disk is full")
        workers.exchange(None)

    # The main threads of the others wait in the exchange, as they would in a collective of TensorFlow.
    members = clusters()
    for cluster in members:
        threading.Thread(target=lambda cluster=cluster: _quietly(cluster, work), daemon=True).start()
    deadline = time.monotonic() + 20
    while len(given_up) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(given_up) == 2
    for message in given_up:
        assert re.search(
            r"worker 1 of 3 \(process \d+ on .*\) failed: OSError: the disk is full\. None trains", message
        )


def _quietly(cluster, work):
    try:
        with open_workers(cluster) as workers:
            work(workers)
    except OSError:
        pass


WAIT = """
import json, sys, threading
from seq2seq.distribution.cluster import read_cluster
from seq2seq.distribution.workers import open_workers
with open_workers(read_cluster()) as workers:
    print("there", flush=True)
    threading.Event().wait()  # as a thread that waits in a collective does: no Python runs in it
"""


@pytest.mark.parametrize("killed", range(COUNT))
def test_a_killed_worker_ends_all_and_is_named(killed):
    addresses = _addresses(COUNT)
    processes = []
    for index in range(COUNT):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", WAIT],
                env=os.environ | {"TF_CONFIG": json.dumps(config)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in processes:
        assert process.stdout.readline() == "there\n"
    processes[killed].send_signal(signal.SIGKILL)
    began = time.monotonic()
    for index, process in enumerate(processes):
        said = process.communicate(timeout=SECONDS)[1]
        if index == killed:
            assert process.returncode == -signal.SIGKILL
            continue
        assert process.returncode == 1
        name = rf"worker {killed} of {COUNT} \(process {processes[killed].pid} on .*\) is gone: killed, or cut off"
        assert re.search(f"^seq2seq: error: {name}.*so worker {index} of {COUNT} .* with --resume", said)
    assert time.monotonic() - began < 5


def test_a_worker_that_does_not_come_is_named():
    chief, *_ = clusters()
    (error,) = together(None, [chief], patience=0.3)
    assert isinstance(error, ClusterError)
    assert re.search(r"1 of 3 in time; missing: 1 \(127.0.0.1:\d+\), 2 \(", str(error))


def test_a_worker_that_is_gone_before_all_have_come_is_named():
    members, found = clusters(), []
    chief = threading.Thread(target=lambda: found.extend(together(None, members[:1], patience=20)), daemon=True)
    chief.start()
    links = [greeted(members[1])]
    links[0].close()
    links.append(greeted(members[2]))
    chief.join(30)
    links[1].close()
    assert isinstance(found[0], ClusterError)
    assert re.search(r"have to stay\. Received: worker 1 of 3 \(process 7 on there\), which is gone: ", str(found[0]))


def greeted(cluster):
    """Go to the chief as a worker, and say no more."""
    deadline = time.monotonic() + 10
    while True:
        try:
            connection = socket.create_connection(cluster.meeting)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    link = workers_module._Link(connection)
    greeting = {"worker": cluster.index, "workers": cluster.addresses, "process": 7, "machine": "there"}
    link.send(workers_module._VALUE, json.dumps(greeting).encode())
    return link


def test_a_chief_that_does_not_come_is_named():
    _, worker, _ = clusters()
    (error,) = together(None, [worker], patience=0.3)
    assert re.search(r"worker 0 \(127.0.0.1:\d+\), which was not reached at 127.0.0.1:\d+ in time", str(error))


def test_a_taken_meeting_place_is_told():
    chief, *_ = clusters()
    with socket.create_server(chief.meeting):
        (error,) = together(None, [chief], patience=0.3)
    assert "cannot be opened: Address already in use" in str(error)


def test_a_stranger_and_a_worker_of_another_job_are_sent_away():
    members = clusters(2)
    other = Cluster((members[0].addresses[0], "127.0.0.1:1234"), 1, "{}")
    found = []

    def stranger():
        time.sleep(0.3)
        with socket.create_connection(members[0].meeting) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 3)
        found.extend(together(None, [other], patience=5))
        found.extend(together(lambda workers: workers.exchange(7), members[1:], patience=20))

    thread = threading.Thread(target=stranger)
    thread.start()
    (mine,) = together(lambda workers: workers.exchange(6), members[:1], patience=20)
    thread.join(30)
    assert mine == [6, 7] and found[1] == [6, 7]
    assert "Received: " in str(found[0]) and "while the chief was told" in str(found[0])
