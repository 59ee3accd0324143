"""What every request may ask of the server, and what is noted of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from seq2seq.serving.metrics import Metrics
from seq2seq.serving.models import Models
from seq2seq.serving.reading import Keys
from seq2seq.serving.settings import ServingSettings


@dataclass
class State:
    """What every request may ask of the server.

    Args:
        models: By pair of languages.
        settings: How much is taken on.
        keys: Of those who may translate.
        metrics: Where it is counted.
        draining: Whether the server is about to end.
        given_up: Whether it has ended while something was still being translated.
    """

    models: Models
    settings: ServingSettings
    keys: Keys
    metrics: Metrics
    draining: bool = False
    given_up: bool = False

    @classmethod
    def of(cls, request: Request) -> State:
        """Give that of the server that a request came to."""
        state: State = request.app.state.server
        return state

    @staticmethod
    def note(request: Request, texts: Sequence[str]) -> None:
        """Note what a request wants translated, for the log."""
        request.state.texts = texts
