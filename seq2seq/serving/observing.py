"""What is seen of every request: its line in the log, its numbers, and an error that nobody foresaw."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq2seq.serving.metrics import Metrics
from seq2seq.serving.refusal import Json
from seq2seq.system.terminal import tell

_PROBES = ("/healthz", "/readyz", "/metrics")


class Observed:
    """Counts and logs requests; the log has no text of anybody unless it is asked for.

    Args:
        app: What answers.
        metrics: Where it is counted.
        log_text: Whether the log has the texts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, log_text: bool) -> None:
        self._app, self._metrics, self._log_text = app, metrics, log_text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:
            self._tell_of(error)
            if status:  # what has begun cannot be taken back
                raise
            message = "The server failed; its log has more. Try again later."
            await Json({"error": message}, 500)(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - start
            # As the router knows it: what a client writes is neither a name of a number nor a line of the log.
            path = scope["route"].path if "route" in scope else "other"
            self._metrics.request(path, status or 499, seconds)
            if path not in _PROBES:
                tell(self._line(scope, path, status or 499, seconds))

    def _line(self, scope: Scope, path: str, status: int, seconds: float) -> str:
        texts: Sequence[str] = scope.get("state", {}).get("texts", ())
        client = scope.get("client") or ("-",)
        said = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {client[0]} {scope['method']} {path} {status}"
        said += f" {1000 * seconds:.1f} ms"
        if texts:
            said += f" texts={len(texts)} characters={sum(map(len, texts))}"
        return f"{said} {json.dumps(texts)}" if texts and self._log_text else said

    def _tell_of(self, error: Exception) -> None:
        """Tell where an error was raised; what it says may quote a text."""
        said = f": {error}" if self._log_text else ""
        frames = "".join(traceback.format_tb(error.__traceback__))
        tell(f"seq2seq: error: a request failed with {type(error).__name__}{said}\n{frames}".rstrip())
