"""What those ask who keep a server alive: whether it works, whether it takes requests, and its numbers."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from seq2seq.serving.refusal import Json
from seq2seq.serving.state import State


async def health(request: Request) -> Response:
    """Tell whether the server works; where it does not, only a new start helps."""
    alive = State.of(request).models.alive
    return Json({"status": "ok" if alive else "failed"}, 200 if alive else 503)


async def ready(request: Request) -> Response:
    """Tell whether the server takes requests."""
    state = State.of(request)
    takes = state.models.alive and not state.draining
    return Json({"status": "ready" if takes else "draining"}, 200 if takes else 503)


async def metrics(request: Request) -> Response:
    """Give the numbers of the server."""
    return Response(State.of(request).metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
