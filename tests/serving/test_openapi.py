"""The OpenAPI document says what the server does."""

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from seq2seq.serving.native import FIELDS
from tests.serving.scripted import Scripted


def test_has_every_address(client):
    told = client.get("/openapi.json").json()
    routes = {route.path: route.methods - {"HEAD"} for route in client.app.routes}
    described = {path: {method.upper() for method in methods} for path, methods in told["paths"].items()}
    assert described.items() <= routes.items()
    assert routes.keys() - described.keys() == {
        "/openapi.json", "/metrics", "/", "/page/{source}/{target}/{name:path}"
    }  # fmt: skip


def test_has_the_fields_the_limits_and_the_languages(server):
    client = server(Scripted(("de", "fr")), max_texts=7, max_characters=70, max_beam=4)
    told = client.get("/openapi.json").json()["paths"]
    fields = told["/v1/translate"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(fields["properties"]) == set(FIELDS) and fields["required"] == ["texts", "source", "target"]
    texts = fields["properties"]["texts"]
    assert (texts["maxItems"], texts["items"]["maxLength"]) == (7, 70)
    assert fields["properties"]["n_best"]["maximum"] == 4
    assert fields["properties"]["source"]["enum"] == ["de"] and fields["properties"]["target"]["enum"] == ["en", "fr"]


def test_says_whether_a_key_is_needed(client, server):
    assert "security" not in client.get("/openapi.json").json()["paths"]["/v1/translate"]["post"]
    told = server(keys=["sesame"]).get("/openapi.json").json()
    assert told["paths"]["/v1/translate"]["post"]["security"] == [{"bearer": []}]
    assert told["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}


def test_an_answer_has_what_it_describes(client):
    told = client.get("/openapi.json").json()["components"]["schemas"]
    answer = client.post("/v1/translate", json={"texts": ["a"], "n_best": 2}).json()
    assert set(answer) == set(told["Translations"]["required"])
    (translation,) = answer["translations"]
    assert set(translation) == set(told["Translation"]["required"])
    assert set(translation["others"][0]) == set(told["Translation"]["properties"]["others"]["items"]["required"])
