"""Requests of many, gathered into batches: who waits, what is translated together, and who is sent away."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from seq2seq.serving.engines import Asked, Engine
from seq2seq.serving.refusal import Refusal
from seq2seq.serving.settings import ServingSettings

if TYPE_CHECKING:
    from seq2seq.serving.metrics import PairMetrics
    from seq2seq.translation.hypothesis import Translation


class _Waiting:
    """A text that waits, and the answer that somebody waits for."""

    __slots__ = ("answer", "arrived", "asked", "prefix", "text", "tokens")

    def __init__(self, text: str, prefix: str, asked: Asked, tokens: int) -> None:
        loop = asyncio.get_running_loop()
        self.text, self.prefix, self.asked, self.tokens = text, prefix, asked, tokens
        self.arrived = loop.time()
        self.answer: asyncio.Future[Translation] = loop.create_future()


class Batches:
    """Translates the texts of all requests in batches, in a thread of its own; the oldest text is in the next one.

    Args:
        engine: What translates.
        settings: How much is taken on.
        metrics: Where it is counted.
    """

    def __init__(self, engine: Engine, settings: ServingSettings, metrics: PairMetrics) -> None:
        self._engine, self._settings, self._metrics = engine, settings, metrics
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._seconds = 0.01  # per text, as lately measured
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="translate")
        self._task = asyncio.create_task(self._run())

    @property
    def alive(self) -> bool:
        """Whether it translates what comes."""
        return not self._task.done()

    async def translate(self, texts: Sequence[str], prefixes: Sequence[str], asked: Asked) -> list[Translation]:
        """Translate texts, together with those of others; cancelled, they leave the queue.

        Args:
            texts: Source texts.
            prefixes: What the translation of each begins with; "" for anything.
            asked: What is asked of all of them.

        Raises:
            Refusal: There are too many tokens, the queue is full, it took too long, or a text cannot be translated as
                is asked.
        """
        tokens = [self._engine.tokens(text) for text in texts]
        self._need_room(
            sum(tokens)
            + sum(self._engine.tokens(one) for one in (*filter(None, prefixes), *dict(asked.terms).values()))
        )
        if len(self._waiting) + len(texts) > self._settings.queue:
            self._metrics.full()
            raise self._later(f"Too many texts are waiting. Received: {len(texts)} more.")
        mine = [
            _Waiting(text, prefix, asked, count) for text, prefix, count in zip(texts, prefixes, tokens, strict=True)
        ]
        self._waiting.extend(mine)
        self._metrics.waiting(len(self._waiting))
        self._arrived.set()
        self._idle.clear()
        try:
            async with asyncio.timeout(self._settings.seconds):
                return await asyncio.gather(*(one.answer for one in mine))
        except TimeoutError:
            raise self._later(f"It took longer than {self._settings.seconds:g} s.") from None
        finally:
            if not all(one.answer.done() and not one.answer.cancelled() for one in mine):
                self._leave(mine)

    def _need_room(self, tokens: int) -> None:
        if tokens > self._settings.max_tokens:
            raise Refusal(
                413,
                f"A request has at most {self._settings.max_tokens:,} tokens. Received: {tokens:,}. "
                "Send several requests.",
            )

    async def drained(self) -> None:
        """Wait until nothing waits and nothing is being translated, and end."""
        idle = asyncio.ensure_future(self._idle.wait())
        await asyncio.wait({idle, self._task}, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        self._task.cancel()
        self._pool.shutdown(wait=False)

    def _leave(self, mine: Sequence[_Waiting]) -> None:
        for one in mine:
            one.answer.cancel()
        self._waiting = deque(one for one in self._waiting if not one.answer.cancelled())
        self._metrics.waiting(len(self._waiting))

    def _later(self, why: str) -> Refusal:
        seconds = max(1, math.ceil(len(self._waiting) * self._seconds))
        return Refusal(503, f"{why} Come again in {seconds} s.", {"Retry-After": str(seconds)})

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._gathered()
            if not batch:
                continue
            start = loop.time()
            self._metrics.batch(
                sentences=len(batch),
                tokens=sum(one.tokens for one in batch),
                waited=[start - one.arrived for one in batch],
                waiting=len(self._waiting),
            )
            answers = await self._translated(batch)
            seconds = loop.time() - start
            self._metrics.translated(seconds)
            self._seconds += 0.1 * (seconds / len(batch) - self._seconds)
            for one, answer in zip(batch, answers, strict=True):
                if one.answer.done():  # whoever asked has left
                    continue
                if isinstance(answer, Exception):
                    one.answer.set_exception(answer)
                else:
                    one.answer.set_result(answer)

    async def _gathered(self) -> list[_Waiting]:
        """Wait for a text, and for others to go with it."""
        while not self._waiting:
            self._idle.set()
            self._arrived.clear()
            await self._arrived.wait()
        deadline = self._waiting[0].arrived + self._settings.wait / 1000
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                while len(self._waiting) < self._settings.batch_size:
                    self._arrived.clear()
                    await self._arrived.wait()
        return self._taken()

    def _taken(self) -> list[_Waiting]:
        """Take the oldest text, and those behind it of which the same is asked, as long as they have room."""
        batch: list[_Waiting] = []
        left: deque[_Waiting] = deque()
        longest = 0
        open_ = True
        for one in self._waiting:
            widest = max(longest, one.tokens)
            if open_ and (not batch or one.asked == batch[0].asked):
                open_ = not batch or (
                    len(batch) < self._settings.batch_size and widest * (len(batch) + 1) <= self._settings.batch_tokens
                )
                if open_:
                    batch.append(one)
                    longest = widest
                    continue
            left.append(one)
        self._waiting = left
        return batch

    async def _translated(self, batch: Sequence[_Waiting]) -> list[Any]:
        """Translate a batch; where that fails, halves of it, so that what cannot be translated is alone with it."""
        loop = asyncio.get_running_loop()
        texts, prefixes = [one.text for one in batch], [one.prefix for one in batch]
        try:
            return list(await loop.run_in_executor(self._pool, self._engine.translate, texts, prefixes, batch[0].asked))
        except Exception as error:
            if len(batch) == 1:
                return [error]
        half = len(batch) // 2
        return [*await self._translated(batch[:half]), *await self._translated(batch[half:])]
