"""LibreTranslate's API."""

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from tests.serving.scripted import Scripted

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def asked(**fields):
    return {"q": "ein Haus", "source": "de", "target": "en", **fields}


def test_translates_json_and_forms(client):
    for answer in (client.post("/translate", json=asked()), client.post("/translate", data=asked())):
        assert (answer.status_code, answer.json()) == (200, {"translatedText": "EIN HAUS"})
        assert answer.headers["content-type"] == "application/json"


def test_a_text_has_no_more_alternatives_than_there_are(engine, client, monkeypatch):
    monkeypatch.setattr(engine, "most", 2)
    answer = client.post("/translate", json=asked(q=["a", "b\n\nc"], alternatives=4)).json()
    assert answer == {"translatedText": ["A", "B\n\nC"], "alternatives": [["A1"], ["B1\n1\nC1"]]}


def test_translates_lists_and_gives_alternatives(client):
    answer = client.post("/translate", json=asked(q=["a", "b"], alternatives=2)).json()
    assert answer == {"translatedText": ["A", "B"], "alternatives": [["A1", "A2"], ["B1", "B2"]]}
    assert client.post("/translate", json=asked(alternatives=1.0)).json()["alternatives"] == ["EIN HAUS1"]
    assert client.post("/translate", data=asked(alternatives="1")).json()["alternatives"] == ["EIN HAUS1"]
    assert client.post("/translate", json=asked(q=[])).json() == {"translatedText": []}
    assert client.post("/translate", json=asked(q=[], alternatives=1)).json() == {
        "translatedText": [], "alternatives": []
    }  # fmt: skip


def test_translates_line_by_line_in_one_batch(client, engine):
    answer = client.post("/translate", json=asked(q=["ein\n\nHaus", "See"], alternatives=1)).json()
    assert answer == {"translatedText": ["EIN\n\nHAUS", "SEE"], "alternatives": [["EIN1\n1\nHAUS1"], ["SEE1"]]}
    assert engine.batches == [["ein", "", "Haus", "See"]]


def test_tells_languages_and_settings(server):
    client = server(Scripted(("de", "fr")), Scripted(("fr", "en")), max_characters=500)
    assert client.get("/languages").json() == [
        {"code": "de", "name": "de", "targets": ["en", "fr"]},
        {"code": "en", "name": "en", "targets": []},
        {"code": "fr", "name": "fr", "targets": ["en"]},
    ]
    told = client.get("/frontend/settings").json()
    assert told["charLimit"] == 500 and told["keyRequired"] is False
    assert told["language"] == {"source": {"code": "de", "name": "de"}, "target": {"code": "en", "name": "en"}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": "auto"}, "does not find out in which language a text is. Received: source='auto'"),
        ({"source": "fr"}, "There is a model for: de to en. Received: source='fr', target='en'."),
        ({"source": None}, "source is text. Received: source=nothing."),
        ({"q": 7}, "q is text. Received: q=7."),
        ({"q": ["a", 7]}, "q[1] is text. Received: q[1]=7."),
        ({"q": {}}, "q is text. Received: q=an object."),
        ({"q": "a bad one"}, "A text cannot be bad."),
        ({"format": "html"}, "translates plain text. Received: format='html'. Use format='text'."),
        ({"alternatives": 10}, "alternatives is a whole number from 0 to 9. Received: alternatives=10."),
        ({"alternatives": True}, "alternatives is a whole number from 0 to 9. Received: alternatives=true."),
        ({"alternatives": 1.5}, "Received: alternatives=1.5."),
        ({"alternatives": 1e300}, "Received: alternatives=a number that is too large."),
        ({"alternatives": "²"}, "Received: alternatives=a text."),
    ],
)
def test_refuses_in_words(client, fields, message):
    answer = client.post("/translate", json=asked(**fields))
    assert answer.status_code == 400 and message in answer.json()["error"]


def test_refuses_to_detect(client):
    answer = client.post("/detect", data={"q": "ein Haus"})
    assert answer.status_code == 501
    assert "does not find out in which language a text is. Received: /detect." in answer.json()["error"]


def test_a_field_of_a_form_is_given_once(client):
    answer = client.post("/translate", content="q=a&q=b&source=de&target=en", headers=FORM)
    assert answer.status_code == 400 and "Received: 'q' more than once." in answer.json()["error"]
