"""What is translated together, what waits, and what leaves."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from seq2seq.serving import Asked, Metrics, ServingSettings
from seq2seq.serving.batches import Batches
from seq2seq.serving.refusal import Refusal
from seq2seq.settings import SettingsError
from tests.serving.scripted import Scripted


class Running:
    """Batches over a scripted engine, and calls of them by hand."""

    def __init__(self, engine: Scripted, **settings: Any) -> None:
        self.engine, self.metrics = engine, Metrics()
        settings = ServingSettings(**{"wait": 0, **settings})
        self.batches = Batches(engine, settings, self.metrics.of_pair("de", "en"))

    def ask(self, *texts: str, prefix: str = "", **asked: Any) -> asyncio.Task[list[Any]]:
        return asyncio.ensure_future(self.batches.translate(texts, [prefix] * len(texts), Asked(**asked)))

    async def busy(self) -> None:
        """Let the engine begin with a first text, and hold it there."""
        self.engine.go_on.clear()
        self.first = self.ask("first")
        await asyncio.to_thread(self.engine.at_work.wait, 10)

    def number(self, name: str) -> float:
        return self.metrics.registry.get_sample_value(name, {"source": "de", "target": "en"})


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def texts(found: list[Any]) -> list[str]:
    return [one.text for one in found]


def test_what_arrives_meanwhile_is_translated_together(engine):
    async def test():
        running = Running(engine)
        await running.busy()
        asked = [running.ask("a"), running.ask("b", "c"), running.ask("d")]
        await turns()
        engine.go_on.set()
        assert [texts(one) for one in await asyncio.gather(running.first, *asked)] == [
            ["FIRST"],
            ["A"],
            ["B", "C"],
            ["D"],
        ]
        assert engine.batches == [["first"], ["a", "b", "c", "d"]]
        await running.batches.drained()

    run(test())


def test_a_text_waits_for_others_where_nothing_is_translated(engine):
    async def test():
        running = Running(engine, wait=10_000, batch_size=3)
        asked = [running.ask("a"), running.ask("b")]
        await turns()
        assert engine.batches == []
        await asyncio.gather(*asked, running.ask("c"))  # a full batch waits no longer
        assert engine.batches == [["a", "b", "c"]]
        brief = Running(Scripted(), wait=20)
        loop = asyncio.get_running_loop()
        start = loop.time()
        await brief.ask("a")
        assert loop.time() - start >= 0.02
        await asyncio.gather(running.batches.drained(), brief.batches.drained())

    run(test())


@pytest.mark.parametrize(
    ("settings", "together"),
    [
        ({"batch_size": 2}, [["a", "b b b"], ["c", "d"]]),
        ({"batch_tokens": 8}, [["a", "b b b"], ["c", "d"]]),
        ({"batch_tokens": 7}, [["a"], ["b b b"], ["c", "d"]]),
        ({"batch_tokens": 1}, [["a"], ["b b b"], ["c"], ["d"]]),  # what is too long for any batch is alone in one
    ],
)
def test_a_batch_has_room_for_so_many_texts_and_tokens_padding_counted(engine, settings, together):
    async def test():
        running = Running(engine, **settings)
        await running.busy()
        asked = running.ask("a", "b b b", "c", "d")
        await turns()
        engine.go_on.set()
        assert texts(await asked) == ["A", "B B B", "C", "D"]
        assert engine.batches[1:] == together
        await running.batches.drained()

    run(test())


def test_only_texts_of_which_the_same_is_asked_are_together_the_oldest_first(engine):
    async def test():
        running = Running(engine)
        await running.busy()
        asked = [
            running.ask("a"),
            running.ask("b", n_best=2),
            running.ask("c"),
            running.ask("d", n_best=2, details=True),
        ]
        await turns()
        engine.go_on.set()
        await asyncio.gather(*asked)
        assert engine.batches[1:] == [["a", "c"], ["b"], ["d"]]
        assert engine.asked[1:] == [Asked(), Asked(2), Asked(2, None, True)]
        await running.batches.drained()

    run(test())


def test_a_full_queue_sends_away_and_says_when_to_come_again(engine):
    async def test():
        running = Running(engine, queue=3, max_texts=3)
        await running.busy()
        asked = running.ask("a", "b")
        await turns()
        with pytest.raises(
            Refusal, match=r"Too many texts are waiting\. Received: 2 more\. Come again in 1 s\."
        ) as full:
            await running.ask("c", "d")
        assert (full.value.status, full.value.headers) == (503, {"Retry-After": "1"})
        last = running.ask("c")
        await turns()
        assert (running.number("seq2seq_queue_texts"), running.number("seq2seq_queue_full_total")) == (3, 1)
        engine.go_on.set()
        await asyncio.gather(asked, last)
        assert running.number("seq2seq_queue_texts") == 0
        await running.batches.drained()

    run(test())


def test_who_leaves_makes_room_at_once_and_is_not_translated(engine):
    async def test():
        running = Running(engine, queue=2, max_texts=2)
        await running.busy()
        left = running.ask("a", "b")
        await turns()
        left.cancel()
        await turns()
        stays = running.ask("c", "d")
        await turns()
        running.first.cancel()  # one that is being translated: its answer is nobody's
        engine.go_on.set()
        assert texts(await stays) == ["C", "D"]
        assert engine.batches == [["first"], ["c", "d"]]
        await running.batches.drained()

    run(test())


def test_what_takes_too_long_is_given_up(engine):
    async def test():
        running = Running(engine, seconds=0.05)
        await running.busy()
        with pytest.raises(Refusal, match=r"It took longer than 0\.05 s\. Come again in 1 s\."):
            await running.ask("a")
        assert running.number("seq2seq_queue_texts") == 0
        engine.go_on.set()
        with pytest.raises(Refusal):
            await running.first
        await running.batches.drained()
        assert engine.batches == [["first"]]

    run(test())


def test_what_cannot_be_translated_fails_alone(engine):
    async def test():
        running = Running(engine)
        await running.busy()
        asked = [running.ask(text) for text in ("a", "bad", "b", "broken", "c")]
        await turns()
        engine.go_on.set()
        a, bad, b, broken, c = await asyncio.gather(*asked, return_exceptions=True)
        assert [texts(one) for one in (a, b, c)] == [["A"], ["B"], ["C"]]
        assert isinstance(bad, Refusal) and isinstance(broken, RuntimeError)
        # One of several texts of a request is enough for it to fail, and its others are not waited for.
        with pytest.raises(Refusal, match="cannot be bad"):
            await running.ask("d", "bad", "bad")
        assert texts(await running.ask("e")) == ["E"]
        await running.batches.drained()

    run(test())


def test_to_drain_is_to_answer_all_that_waits(engine):
    async def test():
        running = Running(engine, batch_size=1)
        await running.busy()
        asked = running.ask("a", "b", "c")
        await turns()
        drained = asyncio.ensure_future(running.batches.drained())
        await turns()
        assert not drained.done() and running.batches.alive
        engine.go_on.set()
        await drained
        assert texts(await asked) == ["A", "B", "C"] and not running.batches.alive

    run(test())


def test_to_drain_does_not_wait_for_what_has_ended(engine):
    async def test():
        running = Running(engine)
        await running.busy()
        running.batches._task.cancel()
        await asyncio.wait_for(running.batches.drained(), 5)
        running.first.cancel()
        engine.go_on.set()

    run(test())


def test_a_request_has_to_fit_into_the_queue():
    with pytest.raises(SettingsError, match=r"the queue has room for its texts\. Received: max_texts=9, queue=8"):
        ServingSettings(max_texts=9, queue=8)
