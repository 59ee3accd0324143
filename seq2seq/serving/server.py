"""The server as a process: its socket, its signals, and connections on which nothing comes."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack, contextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from seq2seq.serving.state import State
from seq2seq.system.terminal import UsageError, tell


def listen(host: str, port: int) -> socket.socket:
    """Take an address; nobody is let in before the server runs.

    Raises:
        UsageError: It cannot be had.
    """
    with ExitStack() as stack:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            # With its protocol named, asyncio sends at once what it is given: else each answer takes 40 ms more.
            taken = stack.enter_context(socket.socket(family, kind, protocol))
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(address)
        except OSError as error:
            raise UsageError(
                "The server needs an address of this machine that is free. "
                f"Received: --host {host} --port {port}: {error.strerror}. Name another one."
            ) from error
        stack.pop_all()
    return taken


def serve(app: Starlette, taken: socket.socket) -> bool:
    """Serve until SIGTERM or Ctrl-C, and until what was taken by then is answered; SIGHUP reads models and keys again.

    Args:
        app: What `application` gave.
        taken: The address, of `listen`.

    Returns:
        Whether nothing is being translated any more; what is, after ``drain_seconds``, is given up.
    """
    state: State = app.state.server
    config = uvicorn.Config(
        app,
        http=_protocol(state.settings.body_seconds),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",  # the application tells what there is to tell, without texts
        access_log=False,
        server_header=False,
        limit_concurrency=state.settings.connections + 1,  # it counts the one that asks twice
        timeout_graceful_shutdown=round(state.settings.drain_seconds) or 1,
    )
    host, port = taken.getsockname()[:2]
    tell(f"Serving at http://{f'[{host}]' if ':' in host else host}:{port}")
    _Server(config, state).run([taken])
    if state.given_up:
        tell(f"A batch was still being translated after {state.settings.drain_seconds:g} s. It was given up.")
    return not state.given_up


class _Server(uvicorn.Server):
    """Ends in peace: a signal is an end that was asked for, and no error."""

    def __init__(self, config: uvicorn.Config, state: State) -> None:
        super().__init__(config)
        self._state = state
        self._reloading: set[asyncio.Task[None]] = set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen to signals as long as it runs."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._end, signal.SIGINT)
        loop.add_signal_handler(signal.SIGTERM, self._end, signal.SIGTERM)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        yield
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def _end(self, number: int) -> None:
        self._state.draining = True
        self.handle_exit(number, None)

    def _reload(self) -> None:
        if self._state.draining:  # nobody would be translated for by what is read
            return
        task = asyncio.get_running_loop().create_task(self._read_again())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    async def _read_again(self) -> None:
        keys, models = self._state.keys, self._state.models
        await _again("models", models.reload())
        if keys.path is not None:
            await _again("keys", asyncio.to_thread(keys.reload))


async def _again(what: str, reading: Awaitable[None]) -> None:
    """Tell what came of reading something again."""
    try:
        await reading
    except Exception as error:
        tell(f"seq2seq: error: the {what} were not read again, and the old ones stay: {error}")
    else:
        tell(f"The {what} were read again.")


def _protocol(seconds: float) -> type[H11Protocol]:
    """Make a protocol that closes a connection on which no head arrives, or no answer is read, for some seconds."""

    class Protocol(H11Protocol):
        _timer: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_head()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._await_head()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            for timer in filter(None, (self._timer, self._unread)):
                timer.cancel()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unread = self.loop.call_later(seconds, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._unread is not None:
                self._unread.cancel()

        def _await_head(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_later(seconds, self._close_without_head, self.cycle)

        def _close_without_head(self, before: object) -> None:
            # Of requests that come one behind the other the next has begun by then.
            if self.cycle is before and (before is None or self.cycle.response_complete):
                self.transport.close()

    return Protocol
