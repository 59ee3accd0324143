"""The models of a server by pair of languages, and how they are read again while requests come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seq2seq.serving.batches import Batches
from seq2seq.serving.engines import Asked, Engine
from seq2seq.serving.metrics import Metrics
from seq2seq.serving.refusal import Refusal
from seq2seq.serving.settings import ServingSettings

if TYPE_CHECKING:
    from seq2seq.translation.hypothesis import Translation

Pair = tuple[str, str]
"""The language of the source and that of the target."""


class Place(NamedTuple):
    """Where a model lies.

    Attributes:
        path: A model file, or an exported folder.
        languages: Those that it translates from and to; None: as the model says.
    """

    path: Path
    languages: Pair | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return (self.path if self.path.is_dir() else self.path.parent).resolve().name


class Served(NamedTuple):
    """A model that is served.

    Attributes:
        name: What people call it.
        engine: What translates.
        batches: What it is given.
    """

    name: str
    engine: Engine
    batches: Batches


class Models:
    """The models of a server.

    Args:
        places: Where they lie.
        load: Reads one.
        settings: How much is taken on.
        metrics: Where it is counted.

    Raises:
        ValueError: A model does not say its languages, or two are for the same.
    """

    def __init__(
        self, places: Sequence[Place], load: Callable[[Path], Engine], settings: ServingSettings, metrics: Metrics
    ) -> None:
        self._places, self._load, self._settings, self._metrics = places, load, settings, metrics
        self._fresh = self._read()
        self._served: dict[Pair, Served] = {}
        self._reloading = asyncio.Lock()
        self._draining: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Take requests for what was read last; inside a running event loop."""
        fresh, self._fresh = self._fresh, {}  # a model that is read anew later is not kept here
        self._served = {
            pair: Served(name, engine, Batches(engine, self._settings, self._metrics.of_pair(*pair)))
            for pair, (name, engine) in fresh.items()
        }

    def __iter__(self) -> Iterator[tuple[Pair, Served]]:
        return iter(self._served.items())

    @property
    def pairs(self) -> list[Pair]:
        """The pairs of languages there are."""
        return list(self._served)

    @property
    def alive(self) -> bool:
        """Whether all of them translate what comes."""
        return bool(self._served) and all(served.batches.alive for served in self._served.values())

    def of(self, source: str, target: str) -> Served:
        """Give the model of a pair of languages.

        Raises:
            Refusal: There is none.
        """
        if (source, target) not in self._served:
            there = ", ".join(f"{one} to {other}" for one, other in self._served)
            raise Refusal(
                400,
                f"There is a model for: {there}. Received: source={source!r}, target={target!r}. Name one of these.",
            )
        return self._served[source, target]

    async def translate(
        self, source: str, target: str, texts: Sequence[str], prefixes: Sequence[str], asked: Asked
    ) -> list[Translation]:
        """Translate texts by the model of a pair of languages; see `Batches.translate`.

        It is looked up at the moment at which the texts begin to wait: one that was looked up before may have ended.
        """
        return await self.of(source, target).batches.translate(texts, prefixes, asked)

    async def reload(self) -> None:
        """Read all models again; what waits is translated by the old ones, and where reading fails they stay.

        Raises:
            Exception: What reading raised.
        """
        async with self._reloading:
            try:
                self._fresh = await asyncio.to_thread(self._read)
            except Exception:
                self._metrics.reload("failed")
                raise
            old = list(self._served.values())
            self.start()
            self._metrics.reload("done")
            for served in old:
                task = asyncio.create_task(served.batches.drained())
                self._draining.add(task)
                task.add_done_callback(self._draining.discard)

    async def drained(self) -> None:
        """Wait until everything that was taken is translated, and end."""
        await asyncio.gather(*(served.batches.drained() for served in self._served.values()), *self._draining)

    def _read(self) -> dict[Pair, tuple[str, Engine]]:
        found: dict[Pair, tuple[str, Engine]] = {}
        for place in self._places:
            engine = self._load(place.path)
            pair = place.languages or engine.languages
            if pair is None:
                raise ValueError(
                    "A model is asked for by its languages. "
                    f"Received: {place.path}, which does not say them. Write them before it: de:en={place.path}."
                )
            if any("/" in language for language in pair):
                raise ValueError(
                    "The languages of a model stand in the address of its page, each a part between slashes. Received: "
                    f"{pair[0]} to {pair[1]}. Name others: de:en={place.path}."
                )
            if pair in found:
                raise ValueError(
                    f"There is one model for a pair of languages. Received: {place.path} and {found[pair][0]} for "
                    f"{pair[0]} to {pair[1]}. Leave one out, or name other languages: de:en={place.path}."
                )
            found[pair] = (place.name, engine)
        return found
