"""The workers of a job, connected: they watch each other, and pass on what all of them have to know.

TensorFlow's collectives pass tensors, and some of them wait for ever for a worker that is gone. So every worker keeps
one connection to the chief, on which the operating system tells at once that a process has ended, and after some
seconds of unanswered questions that a machine has. Whoever learns of it tells the others, and all processes end.
"""

import json
import os
import platform
import queue
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from seq2seq.distribution.cluster import Cluster, ClusterError

SECONDS = 30
"""Within how many seconds all workers end after one is gone: about one where a process died, more for a machine."""

_PATIENCE = 600.0  # seconds until all workers have to be there: machines start at different times
_GONE = "killed, or cut off with its machine"
_MOMENT = 2.0  # seconds; TensorFlow may notice sooner that a worker is gone, but does not know which
_HEAD = struct.Struct(">cQ")  # kind and length of a message
_VALUE, _FAILED, _BYE = b"V", b"F", b"B"
_GREETING = 10_000  # bytes; longer ones are not ours
# Asked after 5 s of silence, then every 5 s; after 3 questions without an answer the other side counts as gone.
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}


class WorkerLostError(RuntimeError):
    """Another worker is gone."""


class Workers:
    """The workers of a job; one that is alone needs no connection.

    What all workers call together has to be called by all of them, in the same order.

    Attributes:
        index: The place of this worker.
        count: How many there are.
        names: What each is called in messages.

    Example:
        >>> Workers().exchange({"any": "value"})
        [{'any': 'value'}]
    """

    def __init__(self) -> None:
        self.index, self.count = 0, 1
        self.names: list[str] = [_name(0, 1, os.getpid(), platform.node())]
        self._links: dict[int, _Link] = {}
        self._ending = False
        self._told = threading.Event()

    @property
    def chief(self) -> bool:
        """Whether this is the worker that writes."""
        return self.index == 0

    def exchange(self, value: Any) -> list[Any]:
        """Give every worker the values of all, in order; called by all workers together.

        Args:
            value: A plain JSON value.
        """
        return [json.loads(each) for each in self._exchange(json.dumps(value).encode())]

    def from_chief(self, value: Any = None) -> Any:
        """Give every worker the value of the chief; called by all workers together.

        Args:
            value: A plain JSON value; that of the others does not count.
        """
        return value if self.count == 1 else self.exchange(value if self.chief else None)[0]

    @contextmanager
    def file_from_chief(self, path: Path | None) -> Iterator[Path | None]:
        """Give every worker a file of the chief, which it can read inside the block; called by all workers together.

        Args:
            path: The file, or None where there is none; that of the others does not count.

        Yields:
            The file on the chief, and a copy on the others.
        """
        if self.count == 1:
            yield path
            return
        there = self.from_chief(None if path is None else path.name)
        if there is None:
            yield None
            return
        data = self._exchange(path.read_bytes() if self.chief and path is not None else b"")[0]
        if self.chief:
            yield path
            return
        with TemporaryDirectory(prefix="seq2seq-") as folder:
            copy = Path(folder) / Path(there).name
            copy.write_bytes(data)
            yield copy

    def need_same(self, values: dict[str, Any], what: str) -> None:
        """Make sure that all workers have the same; called by all workers together.

        Args:
            values: Plain JSON values by name.
            what: What they are, for the message.

        Raises:
            ClusterError: They differ.
        """
        if self.count == 1:
            return
        everyone = self.exchange(values)
        for index, others in enumerate(everyone):
            names = [name for name in everyone[0] if others.get(name) != everyone[0][name]]
            if names:
                shown = ", ".join(f"{name} is {others.get(name)!r} instead of {everyone[0][name]!r}" for name in names)
                raise ClusterError(
                    f"All workers run the same job. Received: {what} of {self.names[index]} other than those of the "
                    f"chief: {shown}. Start all of them with the same command, data and version."
                )

    def shared(self, work: Callable[[list[str]], list[Any]]) -> Callable[[list[str]], list[Any]]:
        """Give a function that does the work of `work`, each worker a share of the texts; called by all together.

        Args:
            work: Makes one thing of each text: a plain JSON value, or a tuple of some, which comes back as a list.
        """
        if self.count == 1:
            return work

        def together(texts: list[str]) -> list[Any]:
            found: list[Any] = [None] * len(texts)
            for index, share in enumerate(self.exchange(work(texts[self.index :: self.count]))):
                found[index :: self.count] = share
            return found

        return together

    def fail(self, error: BaseException) -> None:
        """Tell the others that this worker ends, and why."""
        self._ending = True
        self._tell_all(self.index, f"failed: {type(error).__name__}: {error}")
        self._finish()

    def wait_for_news(self) -> None:
        """Wait a moment for word of a worker that is gone, which ends this process; return where none comes."""
        if self.count > 1 and self._told.wait(_MOMENT):
            time.sleep(_MOMENT)  # the thread that heard of it is ending this process

    def leave(self) -> None:
        """Wait until all workers are done, and let go of them; called by all workers together."""
        if self.count > 1:
            self.exchange(None)
            self._ending = True
            for link in self._links.values():
                with suppress(OSError):
                    link.send(_BYE, b"")
            self._finish()

    def _finish(self) -> None:
        for link in self._links.values():
            link.finish()

    def _exchange(self, data: bytes) -> list[bytes]:
        if self.count == 1:
            return [data]
        if not self.chief:
            link = self._links[0]
            self._send(link, data)
            return [link.values.get() for _ in range(self.count)]
        everyone = [data, *(self._links[index].values.get() for index in range(1, self.count))]
        for link in self._links.values():
            for each in everyone:
                self._send(link, each)
        return everyone

    def _send(self, link: "_Link", data: bytes) -> None:
        try:
            link.send(_VALUE, data)
        except OSError:  # the thread that reads from it hears of that too, and knows more
            threading.Event().wait()

    def _watch(self) -> None:
        for index, link in self._links.items():
            threading.Thread(target=self._read, args=(index, link), daemon=True, name=f"worker {index}").start()

    def _read(self, index: int, link: "_Link") -> None:
        with closing(link), suppress(OSError, EOFError):
            while True:
                kind, data = link.receive()
                if kind == _BYE:
                    return
                if kind == _FAILED:
                    word = json.loads(data)
                    self._end(word["worker"], word["why"])
                    return
                link.values.put(data)
        self._end(index, f"is gone: {_GONE}")

    def _end(self, index: int, why: str) -> None:
        """Tell the others and the person, and end the process: its main thread may wait for that worker for ever."""
        if self._ending:
            return
        self._ending = True
        if self.chief:
            self._tell_all(index, why)
        self._told.set()
        again = (
            " Start all workers again with --resume to go on from the last checkpoint." if why.endswith(_GONE) else ""
        )
        _give_up(
            f"seq2seq: error: {self.names[index]} {why.rstrip('.')}. None trains on without it, so "
            f"{self.names[self.index]} ends too.{again}"
        )

    def _tell_all(self, index: int, why: str) -> None:
        word = json.dumps({"worker": index, "why": why}).encode()
        for other, link in self._links.items():
            if other != index:
                with suppress(OSError):
                    link.send(_FAILED, word)


@contextmanager
def open_workers(cluster: Cluster, *, patience: float = _PATIENCE) -> Iterator[Workers]:
    """Connect the workers of a job, and watch them until the block ends.

    While the block runs, a worker that is gone or fails ends the processes of all others within ``SECONDS``, each with
    a message that names it and with exit status 1.

    Args:
        cluster: The workers.
        patience: Seconds until all of them have to be there.

    Raises:
        ClusterError: A worker did not come, or the chief cannot be reached.
    """
    workers = Workers()
    workers.index, workers.count = cluster.index, len(cluster.addresses)
    if workers.count > 1:
        deadline = time.monotonic() + patience
        try:
            (_gather if workers.chief else _join)(workers, cluster, deadline)
        except BaseException:
            for link in workers._links.values():
                link.close()
            raise
        workers._watch()
    try:
        yield workers
    except BaseException as error:
        workers.fail(error)
        raise
    workers.leave()


def _gather(workers: Workers, cluster: Cluster, deadline: float) -> None:
    """Wait, as the chief, until all workers have come, and tell them who they are."""
    host, port = cluster.meeting
    try:
        if host in ("localhost", "127.0.0.1", "::1"):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            server = socket.create_server((host, port), family=family, backlog=workers.count)
        else:  # by any of its names: a machine may know itself by an address that leads nowhere from others
            both = socket.has_dualstack_ipv6()
            family = socket.AF_INET6 if both else socket.AF_INET
            server = socket.create_server(("", port), family=family, backlog=workers.count, dualstack_ipv6=both)
    except OSError as error:
        raise ClusterError(
            f"The chief waits for the other workers at the port below its own. Received: {host}:{port}, which cannot "
            f"be opened: {error.strerror or error}. Choose other ports, or end what holds this one."
        ) from None
    people = {0: (os.getpid(), platform.node())}
    with server:
        while len(people) < workers.count:
            server.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                connection, _ = server.accept()
            except TimeoutError:
                missing = [
                    f"{index} ({cluster.addresses[index]})" for index in range(workers.count) if index not in people
                ]
                raise ClusterError(
                    f"All workers have to come. Received: {workers.count - len(missing)} of {workers.count} in time; "
                    f"missing: {', '.join(missing)}. Look at the output of those, then start all again."
                ) from None
            link = _Link(connection)
            with suppress(OSError, EOFError, ValueError, KeyError, TypeError):
                connection.settimeout(5)  # a stranger may say nothing
                greeting = json.loads(link.receive(_GREETING)[1])
                index = int(greeting["worker"])
                if greeting["workers"] == list(cluster.addresses) and 0 < index < workers.count and index not in people:
                    connection.settimeout(None)
                    people[index] = (int(greeting["process"]), str(greeting["machine"]))
                    workers._links[index] = link
                    continue
                link.send(_FAILED, json.dumps({"workers": list(cluster.addresses), "taken": index in people}).encode())
            link.close()
    workers.names = [_name(index, workers.count, *people[index]) for index in range(workers.count)]
    for index, link in workers._links.items():
        try:
            link.send(_VALUE, json.dumps(workers.names).encode())
        except OSError:
            raise ClusterError(
                f"All workers have to stay. Received: {workers.names[index]}, which is gone: {_GONE}. Look at its "
                "output, then start all again."
            ) from None


def _join(workers: Workers, cluster: Cluster, deadline: float) -> None:
    """Go, as another worker than the chief, to where the chief waits."""
    host, port = cluster.meeting
    greeting = {"worker": workers.index, "workers": cluster.addresses}
    greeting |= {"process": os.getpid(), "machine": platform.node()}
    while True:
        with ExitStack() as stack, suppress(OSError, EOFError):
            connection = stack.enter_context(socket.create_connection((host, port), timeout=5))
            link = _Link(connection)
            link.send(_VALUE, json.dumps(greeting).encode())
            connection.settimeout(max(deadline - time.monotonic(), 5))
            kind, data = link.receive()
            if kind == _FAILED:
                raise ClusterError(_refused(workers, cluster, json.loads(data)))
            connection.settimeout(None)
            workers.names = json.loads(data)
            workers._links[0] = link
            stack.pop_all()
            return
        if time.monotonic() > deadline:
            raise ClusterError(
                f"All workers meet at the chief. Received: worker 0 ({cluster.addresses[0]}), which was not reached at "
                f"{host}:{port} in time. Look at its output, and whether that port is open between the machines."
            )
        time.sleep(0.2)


def _refused(workers: Workers, cluster: Cluster, word: dict[str, Any]) -> str:
    if word["taken"]:
        return (
            f"Every worker has an index of its own. Received: {workers.index}, which another one has already. "
            "Give each worker another index in TF_CONFIG."
        )
    return (
        f"All workers know the same workers. Received: {', '.join(cluster.addresses)}, while the chief was told "
        f"{', '.join(word['workers'])}. Give all the same cluster in TF_CONFIG."
    )


class _Link:
    """A connection that passes messages."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self.values: queue.Queue[bytes] = queue.Queue()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # not on every system
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def send(self, kind: bytes, data: bytes) -> None:
        with self._sending:
            self._connection.sendall(_HEAD.pack(kind, len(data)))
            self._connection.sendall(data)

    def receive(self, most: int | None = None) -> tuple[bytes, bytes]:
        kind, length = _HEAD.unpack(self._exactly(_HEAD.size))
        if most is not None and length > most:
            raise EOFError
        return kind, self._exactly(length)

    def finish(self) -> None:
        """Say that nothing more comes; what the other side says is read to its end."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._connection.close()

    def _exactly(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = self._connection.recv(min(length - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)


def _name(index: int, count: int, process: int, machine: str) -> str:
    return f"worker {index} of {count} (process {process} on {machine})"


def _give_up(message: str) -> NoReturn:
    with suppress(OSError, ValueError):
        print(message, file=sys.stderr, flush=True)
    os._exit(1)
