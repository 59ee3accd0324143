"""Several processes that do one thing to many items; what they make of them comes in the order of the items."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

from seq2seq.system import process
from seq2seq.system.terminal import silence

_Kept = TypeVar("_Kept")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Of items that are begun and results that wait for an earlier one, for each worker.
_AHEAD = 2


class Workers(Generic[_Item, _Result]):
    """Processes of their own, started afresh as there is work for them; they end with this one, however it ends.

    Args:
        count: How many there are at most. The cores of the processor are shared out among them.
        begin: Called in each with ``arguments``, once; gives the function that makes a result of an item. It, items and
            results go from one process to the other, so ``begin`` is a function of a module.
        arguments: What ``begin`` is called with.

    Example:
        >>> from operator import attrgetter  # called, it gives a function
        >>> with Workers(2, attrgetter, "real") as workers:
        ...     list(workers.map([("a", 3), ("b", 4 + 1j)]))
        [('a', 3), ('b', 4.0)]
    """

    def __init__(self, count: int, begin: Callable[..., Callable[[_Item], _Result]], *arguments: Any) -> None:
        self._count = count
        self._job = begin, arguments
        self._processes: dict[Connection, Any] = {}
        self._idle: list[Connection] = []
        self._started = 0

    def map(
        self, pairs: Iterable[tuple[_Kept, _Item]], would_wait: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[_Kept, _Result]]:
        """Give for each pair what belongs to its item, which stays here, and the result.

        Args:
            pairs: Taken as there is a worker for them; memory stays flat.
            would_wait: Whether the next one has yet to arrive: then what is under way is given before it is asked for.

        Raises:
            RuntimeError: A worker ended before its work was done.
            Exception: What a worker raised, once all results before it are given.
        """
        busy: dict[Any, int] = {}  # the number of its item, by the pipe to a worker
        try:
            yield from self._map(iter(pairs), would_wait, busy)
        finally:
            self._stop(list(busy))  # what they would answer is not asked for any more

    def _map(
        self, pairs: Iterator[tuple[_Kept, _Item]], would_wait: Callable[[], bool], busy: dict[Any, int]
    ) -> Iterator[tuple[_Kept, _Result]]:
        kept: dict[int, _Kept] = {}  # of the items that are begun
        done: dict[int, tuple[Any, Exception | None]] = {}
        begun, given, ended, failure = 0, 0, False, None
        while True:
            while not ended and len(busy) < self._count and len(kept) < _AHEAD * self._count:
                if busy and would_wait():
                    break
                try:
                    pair = next(pairs, None)
                except Exception as error:  # what came before it is done first
                    pair, failure = None, error
                if pair is None:
                    ended = True
                    break
                connection = self._idle.pop() if self._idle else self._start()
                kept[begun], item = pair
                busy[connection], begun = begun, begun + 1
                self._send(connection, item)
            if not busy and failure is not None:
                raise failure
            if not busy:
                return
            for ready in wait(list(busy)):
                connection = cast(Connection, ready)
                done[busy[connection]] = self._receive(connection)
                self._idle.append(connection)
                del busy[connection]
            while given in done:
                result, failed = done.pop(given)
                if failed is not None:
                    raise failed
                yield kept.pop(given), result
                given += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._stop(list(self._processes))
        self._idle.clear()

    def _stop(self, connections: Iterable[Connection]) -> None:
        stopped = {connection: self._processes.pop(connection) for connection in connections}
        for connection, each in stopped.items():
            connection.close()
            each.terminate()
        for each in stopped.values():
            each.join()

    def _start(self) -> Connection:
        # A fork would lack the threads of TensorFlow.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        worker = context.Process(target=_serve, args=(theirs, self._share(), *self._job), daemon=True)
        worker.start()
        theirs.close()  # so that its end is the end of the pipe
        self._processes[ours] = worker
        return ours

    def _share(self) -> list[int]:
        """Give the cores of the next worker; none where the system cannot tell or keep to them."""
        if sys.platform != "linux":
            return []
        cores = sorted(os.sched_getaffinity(0))
        number = self._started % self._count
        self._started += 1
        return cores[number :: self._count] or [cores[number % len(cores)]]

    def _send(self, connection: Connection, item: _Item) -> None:
        with suppress(BrokenPipeError):  # told where its answer is waited for
            connection.send(item)

    def _receive(self, connection: Connection) -> tuple[Any, Exception | None]:
        try:
            return connection.recv()
        except (EOFError, ConnectionError):
            worker = self._processes[connection]
            worker.join()
            raise RuntimeError(
                f"Every worker has to live until its work is done. Received: process {worker.pid}, which "
                f"{_how(worker.exitcode)}. Where memory has run out, use fewer workers or smaller batches."
            ) from None


def _serve(
    connection: Connection, share: list[int], begin: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]
) -> None:
    """Work for another process until that closes the pipe or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the other process ends this one
    if share and sys.platform == "linux":
        os.sched_setaffinity(0, share)
    process.prepare()
    work: Callable[[Any], Any] | None = None
    with suppress(EOFError, OSError), silence():
        while True:
            item = connection.recv()
            try:
                work = begin(*arguments) if work is None else work
                answer: tuple[Any, Exception | None] = work(item), None
            except Exception as error:
                answer = None, _portable(error)
            connection.send(answer)


def _portable(error: Exception) -> Exception:
    """Give an error that the other process can make again."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:  # of whatever library it comes from
        return RuntimeError(f"{type(error).__name__}: {error}")


def _how(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"was killed by signal {-status}"
