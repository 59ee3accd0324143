"""Translators that follow a script, and what a server over them needs."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")
pytest.importorskip("uvicorn", reason="serving needs uvicorn: pip install 'seq2seq[serve]'")
pytest.importorskip("prometheus_client", reason="serving needs prometheus-client: pip install 'seq2seq[serve]'")

from starlette.testclient import TestClient

from seq2seq.serving import Asked, Keys, Metrics, Models, Place, ServingSettings, State, application
from seq2seq.serving.refusal import Refusal
from seq2seq.translation.hypothesis import Hypothesis, Translation


class Scripted:
    """Translates by writing in capitals; what it was given stays in `batches`.

    Texts with "bad" in them cannot be translated, "broken" is an error of the program, and `hold` keeps it at work.
    """

    name = "scripted"
    beam_size = 5
    most = 100  # translations that there are of a text

    def __init__(self, languages: tuple[str, str] | None = ("de", "en")) -> None:
        self.languages = languages
        self.batches: list[list[str]] = []
        self.asked: list[Asked] = []
        self.at_work, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def tokens(self, text: str) -> int:
        return len(text.split()) + 1

    def translate(self, texts: Sequence[str], prefixes: Sequence[str], asked: Asked) -> list[Translation]:
        self.batches.append(list(texts))
        self.asked.append(asked)
        self.at_work.set()
        assert self.go_on.wait(10)
        if any("bad" in text for text in texts):
            raise Refusal(400, "A text cannot be bad. Received: bad. Leave it out.")
        if any("broken" in text for text in texts):
            raise RuntimeError(f"broken: {texts}")
        return [self._one(text, prefix, asked) for text, prefix in zip(texts, prefixes, strict=True)]

    def _one(self, text: str, prefix: str, asked: Asked) -> Translation:
        found = [
            Hypothesis(f"{prefix}{text.upper()}{rank or ''}", -0.5 * rank, True, 1, ("</s>",), (-0.5 * rank,), (None,))
            for rank in range(min(asked.n_best, self.most))
        ]
        return Translation(text, ("</s>",), (None,), tuple(found), "f00d")


def state_of(engines: Sequence[Scripted], keys: Sequence[str] = (), **settings: Any) -> State:
    """A server's state over such translators."""
    chosen = ServingSettings(**{"wait": 0, **settings})
    metrics = Metrics()
    by_name = {Path(str(place)): engine for place, engine in enumerate(engines)}
    models = Models([Place(path) for path in by_name], by_name.__getitem__, chosen, metrics)
    return State(models, chosen, Keys(keys), metrics)


def client_of(state: State, **options: Any) -> TestClient:
    """A client of a server in this process."""
    return TestClient(application(state, **options), raise_server_exceptions=False)
