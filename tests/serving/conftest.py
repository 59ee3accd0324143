"""A server in this process, over translators that follow a script; skipped in words where starlette is absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.serving.scripted import Scripted


@pytest.fixture(scope="session")
def shared() -> Iterator[tuple[Scripted, TestClient]]:
    """A translator, and a client of a server that most tests ask: to start one takes a tenth of a second."""
    from tests.serving.scripted import Scripted, client_of, state_of

    engine = Scripted()
    with client_of(state_of([engine])) as client:
        yield engine, client


@pytest.fixture
def engine(shared: tuple[Scripted, TestClient]) -> Scripted:
    shared[0].__init__()
    return shared[0]


@pytest.fixture
def client(shared: tuple[Scripted, TestClient], engine: Scripted) -> TestClient:
    return shared[1]


@pytest.fixture
def server(engine: Scripted) -> Iterator[Callable[..., TestClient]]:
    """Starts a server of its own, and gives a client of it."""
    from tests.serving.scripted import client_of, state_of

    with ExitStack() as stack:

        def start(*others: Scripted, keys=(), origins=(), log_text=False, **settings: Any) -> TestClient:
            state = state_of([engine, *others], keys, **settings)
            return stack.enter_context(client_of(state, origins=origins, log_text=log_text))

        yield start
