"""The server as an application of starlette: which address does what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seq2seq.serving import libretranslate, native, openapi, pages, probes
from seq2seq.serving.observing import Observed
from seq2seq.serving.refusal import ClientLeft, Json, Refusal, refused
from seq2seq.serving.state import State


def application(state: State, *, origins: Sequence[str] = (), log_text: bool = False) -> Starlette:
    """Put a server together.

    Args:
        state: Its models, settings, keys and numbers.
        origins: Other sites whose pages may ask it; `*` for all.
        log_text: Whether the log has what is translated.
    """
    routes = [
        Route("/v1/translate", native.translate, methods=["POST"]),
        Route("/v1/models", native.models),
        Route("/translate", libretranslate.translate, methods=["POST"]),
        Route("/languages", libretranslate.languages),
        Route("/detect", libretranslate.detect, methods=["POST"]),
        Route("/frontend/settings", libretranslate.settings),
        Route("/openapi.json", _document),
        Route("/healthz", probes.health),
        Route("/readyz", probes.ready),
        Route("/metrics", probes.metrics),
        *([] if state.keys else pages.ROUTES),  # the page has no key
    ]
    middleware = [Middleware(Observed, metrics=state.metrics, log_text=log_text)]
    if origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type"],
            )
        )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        state.models.start()
        yield
        state.draining = True
        try:
            await asyncio.wait_for(state.models.drained(), state.settings.drain_seconds)
        except TimeoutError:
            state.given_up = True

    app = Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers=dict.fromkeys((Refusal, ClientLeft, HTTPException), refused),
        lifespan=lifespan,
    )
    app.state.server = state
    return app


async def _document(request: Request) -> Response:
    state = State.of(request)
    return Json(openapi.document(state.settings, state.models.pairs, keys=bool(state.keys)))
