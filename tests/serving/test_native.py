"""The server's own API."""

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from seq2seq.serving import Asked
from tests.serving.scripted import Scripted


def test_gives_all_that_is_known_of_a_translation(client, engine):
    answer = client.post("/v1/translate", json={"texts": ["a", "b"], "n_best": 2, "prefixes": ["x", ""]})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["source"], told["target"]) == ("de", "en")
    first, second = told["translations"]
    assert (first["source"], first["text"], first["score"], first["ended"]) == ("a", "xA", 0, True)
    assert [one["text"] for one in second["others"]] == ["B1"]
    assert first["tokens"] == [{"piece": "</s>", "log_probability": 0, "word": None}]
    assert "attention" not in first and engine.asked == [Asked(2, None, True)]


def test_each_term_makes_a_search_slower_and_so_they_are_counted(server):
    terms = {f"a{number}": "b" for number in range(3)}
    answer = server(max_terms=2).post("/v1/translate", json={"texts": ["a"], "terms": terms})
    assert answer.status_code == 413 and "at most 2 terms. Received: 3." in answer.json()["error"]


def test_hands_on_how_to_search_and_terms(client, engine):
    client.post("/v1/translate", json={"texts": ["a"], "beam_size": 4})
    assert engine.asked.pop() == Asked(1, 4, True)
    client.post("/v1/translate", json={"texts": ["a"], "terms": {"Haus": "house"}})
    assert engine.asked == [Asked(1, None, True, (("Haus", "house"),))]


def test_tells_how_wide_a_beam_it_takes(server):
    assert server(max_beam=4).get("/v1/models").json()["max_beam"] == 4


def test_names_its_models_and_needs_languages_where_there_are_several(server):
    client = server(Scripted(("fr", "en")))
    assert [(one["source"], one["engine"]) for one in client.get("/v1/models").json()["models"]] == [
        ("de", "scripted"), ("fr", "scripted")
    ]  # fmt: skip
    answer = client.post("/v1/translate", json={"texts": ["a"]})
    assert answer.status_code == 400 and "source is text. Received: source=nothing." in answer.json()["error"]
    assert client.post("/v1/translate", json={"texts": ["a"], "source": "fr", "target": "en"}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({}, 400, "texts is a list of texts. Received: texts=nothing."),
        ({"texts": "a"}, 400, "texts is a list of texts. Received: texts=a text."),
        ({"texts": ["a"], "nbest": 2}, 400, "Received: 'nbest'. Did you mean 'n_best'?"),
        ({"texts": ["a"], "n_best": 11}, 400, "n_best is a whole number from 1 to 10. Received: n_best=11."),
        ({"texts": ["a"], "n_best": 1.5}, 400, "n_best is a whole number from 1 to 10. Received: n_best=1.5."),
        ({"texts": ["a"], "n_best": None}, 400, "n_best=nothing."),
        ({"texts": ["a"], "n_best": 3, "beam_size": 2}, 400, "beam_size is a whole number from 3 to 10."),
        ({"texts": ["a"], "attention": 1}, 400, "attention is true or false. Received: attention=1."),
        ({"texts": ["a"], "prefixes": []}, 400, "Each text has its prefix. Received: 1 texts, 0 prefixes."),
        ({"texts": ["a"], "terms": []}, 400, "terms is an object whose values are texts. Received: terms=a list."),
        ({"texts": ["a"], "terms": {"a": 1}}, 400, "terms is an object whose values are texts."),
        ({"texts": ["a bad one", "b"]}, 400, "A text cannot be bad."),
        ({"texts": ["a"] * 5}, 413, "A request has at most 4 texts or lines. Received: 5."),
        ({"texts": ["a" * 21]}, 413, "at most 20 characters. Received: 21."),
        ({"texts": ["a"], "prefixes": ["b" * 20]}, 413, "at most 20 characters. Received: 21."),
        ({"texts": ["a"], "terms": {"b" * 10: "c" * 10}}, 413, "at most 20 characters. Received: 21."),
    ],
)
def test_refuses_in_words(server, fields, status, message):
    answer = server(max_texts=4, max_characters=20).post("/v1/translate", json=fields)
    assert answer.status_code == status and message in answer.json()["error"]
