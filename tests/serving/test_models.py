"""Models by their languages, and how they are read again."""

import asyncio

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from pathlib import Path

from seq2seq.serving import Asked, Metrics, Models, Place, ServingSettings
from seq2seq.serving.refusal import Refusal
from tests.serving.scripted import Scripted


def models_of(places, load, metrics=None):
    return Models(places, load, ServingSettings(wait=0), metrics or Metrics())


def test_a_model_has_to_say_its_languages():
    with pytest.raises(ValueError, match=r"Received: x, which does not say them\. Write them before it: de:en=x\."):
        models_of([Place(Path("x"))], lambda path: Scripted(None))
    models = models_of([Place(Path("x"), ("a", "b"))], lambda path: Scripted(None))

    async def test():
        models.start()
        assert models.pairs == [("a", "b")] and models.alive
        with pytest.raises(Refusal, match=r"There is a model for: a to b\. Received: source='b', target='a'"):
            models.of("b", "a")
        await models.drained()
        assert not models.alive

    asyncio.run(test())


def test_there_is_one_model_for_a_pair():
    with pytest.raises(ValueError, match=r"Received: x/b and a for de to en\. Leave one out"):
        models_of([Place(Path("a/m.s2s")), Place(Path("x/b"))], lambda path: Scripted())


def test_what_waits_is_translated_by_the_old_model_and_what_comes_by_the_new_one():
    old, new = Scripted(), Scripted()
    fresh = iter([old, new])
    metrics = Metrics()
    models = models_of([Place(Path("x"))], lambda path: next(fresh), metrics)

    async def ask(text):
        (found,) = await models.translate("de", "en", [text], [""], Asked())
        return found.text

    async def test():
        models.start()
        old.go_on.clear()
        first = asyncio.ensure_future(ask("a"))
        await asyncio.to_thread(old.at_work.wait, 10)
        waits = asyncio.ensure_future(ask("b"))
        await asyncio.sleep(0)
        await models.reload()
        assert await ask("c") == "C"
        old.go_on.set()
        assert await asyncio.gather(first, waits) == ["A", "B"]
        await models.drained()
        assert (old.batches, new.batches) == ([["a"], ["b"]], [["c"]])
        assert metrics.registry.get_sample_value("seq2seq_reloads_total", {"result": "done"}) == 1

    asyncio.run(test())


def test_where_reading_fails_the_old_models_stay():
    answers = iter([Scripted(), OSError("no such file")])

    def load(path):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    metrics = Metrics()
    models = models_of([Place(Path("x"))], load, metrics)

    async def test():
        models.start()
        with pytest.raises(OSError, match="no such file"):
            await models.reload()
        assert (await models.translate("de", "en", ["a"], [""], Asked()))[0].text == "A"
        await models.drained()
        assert metrics.registry.get_sample_value("seq2seq_reloads_total", {"result": "failed"}) == 1

    asyncio.run(test())


def test_a_language_that_no_address_can_hold_is_refused():
    with pytest.raises(ValueError, match=r"Received: a/b to en\. Name others: de:en=x"):
        models_of([Place(Path("x"))], lambda path: Scripted(("a/b", "en")))


def test_a_model_in_the_folder_where_one_stands_has_its_name(tmp_path, monkeypatch):
    (tmp_path / "de-en.v1.2").mkdir()
    monkeypatch.chdir(tmp_path / "de-en.v1.2")
    assert Place(Path()).name == Place(Path("model.s2s")).name == "de-en.v1.2"
