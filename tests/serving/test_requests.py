"""Requests as the hostile and the unlucky send them, whatever they ask for; keys; the log."""

import json
import time

import pytest

from seq2seq.text.sentences import encodable

ADDRESSES = ["/translate", "/v1/translate"]
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def post(client, address, content, kind=JSON, **headers):
    return client.post(address, content=content, headers={"Content-Type": kind, **headers})


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 400, "A request is an object in JSON."),
        (b"{", 400, "at character 1"),
        (b"[]", 400, "Received: a list."),
        (b"null", 400, "Received: null."),
        (b'{"texts": NaN}', 400, "A request is an object in JSON."),
        (b"[" * 100_000, 400, "A request is an object in JSON."),
        (b'{"texts": ' + b"9" * 10_000 + b"}", 400, "A request is an object in JSON."),
        ('{"q": "ü"}'.encode("latin-1"), 400, "A request is in UTF-8. Received: other bytes from byte 7 on."),
        ('{"q": "a"}'.encode("utf-16"), 400, "A request is in UTF-8."),
        (b"\xff" * 1_000_001, 413, "at most 1,000,000 bytes."),
    ],
)
def test_a_body_that_is_none(client, address, content, status, message):
    answer = post(client, address, content)
    assert answer.status_code == status and message in answer.json()["error"]


@pytest.mark.parametrize(
    "content", [b"q=%ff&source=de&target=en", b"q=\xff&source=de&target=en", b"&".join(b"q%d=" % n for n in range(200))]
)
def test_a_form_that_is_none(client, content):
    assert post(client, "/translate", content, FORM).status_code == 400


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/translate", "text/plain"),
        ("/translate", ""),
        ("/v1/translate", FORM),
        ("/v1/translate", "multipart/form-data"),
    ],
)
def test_a_body_of_another_type(client, address, kind):
    answer = post(client, address, b"{}", kind)
    assert answer.status_code == 415 and f"Received: content-type={kind!r}." in answer.json()["error"]


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\u202e", "e\u0301" * 50, "", " \n\r\t\u2028"])
def test_any_text_comes_back(client, text):
    """Half a surrogate pair, too, which JSON can write and UTF-8 cannot."""
    answer = post(client, "/v1/translate", json.dumps({"texts": [text]}))
    assert answer.status_code == 200 and answer.json()["translations"][0]["source"] == encodable(text)
    answer = post(client, "/translate", json.dumps({"q": text, "source": "de", "target": "en"}))
    assert answer.json()["translatedText"] == "\n".join(line.upper() for line in text.split("\n"))
    refused = post(client, "/translate", json.dumps({"q": "a", "source": text, "target": "en"}))
    assert refused.status_code == 400


def test_what_is_not_there(client):
    answer = client.get("/nowhere")
    assert answer.status_code == 404 and "There is nothing at this address." in answer.json()["error"]
    answer = client.get("/translate")
    assert answer.status_code == 405 and "error" in answer.json() and answer.headers["allow"] == "POST"


class TestKeys:
    @pytest.mark.parametrize("head", [{"Authorization": "Bearer sésame"}, {"Authorization": "bearer  sésame "}])
    def test_opens_by_the_head_and_by_the_field(self, server, head):
        client = server(keys=["other", "sésame"])
        head = {name: value.encode() for name, value in head.items()}
        assert client.post("/v1/translate", json={"texts": ["a"]}, headers=head).status_code == 200
        fields = {"q": "a", "source": "de", "target": "en"}
        assert client.post("/translate", json=fields, headers=head).status_code == 200
        assert client.post("/translate", data={**fields, "api_key": "sésame"}).status_code == 200
        assert client.get("/frontend/settings").json()["keyRequired"] is True

    @pytest.mark.parametrize("key", ["", "open", "open sesame2", "\ud800", 7, ["open sesame"], None])
    def test_is_closed_to_all_others(self, server, engine, key):
        client = server(keys=["open sesame"])
        content = json.dumps({"q": "a", "source": "de", "target": "en", "api_key": key})
        answer = post(client, "/translate", content)
        assert answer.status_code == 403 and "for those who have a key" in answer.json()["error"]
        for head in ({}, {"Authorization": "Bearer open"}, {"Authorization": "Basic open sesame"}):
            assert client.post("/v1/translate", json={"texts": ["a"]}, headers=head).status_code == 403
        assert not engine.batches

    def test_a_file_has_one_on_each_line(self, tmp_path):
        from seq2seq.serving import Keys

        file = tmp_path / "keys"
        file.write_text("# of the newspaper\none  # until May\n\nt#wo\n", "utf-8-sig")
        assert Keys.read(file)._digests == Keys(["one", "t#wo"])._digests
        file.write_bytes(b"\xff\n")
        with pytest.raises(ValueError, match=r"in UTF-8\. Received: .*keys, with other bytes from byte 0 on"):
            Keys.read(file)
        file.write_text("# none yet\n")
        with pytest.raises(ValueError, match=r"Received: .*, with none"):
            Keys.read(file)


class TestLog:
    def test_has_no_text(self, client, capsys):
        client.post("/v1/translate", json={"texts": ["Geheimnis", "drei"]})
        client.post("/translate", json={"q": "broken Geheimnis", "source": "de", "target": "en"})
        client.get("/Geheimnis?q=Geheimnis")
        said = capsys.readouterr().err
        assert "POST /v1/translate 200" in said and "texts=2 characters=13" in said and "GET other 404" in said
        assert "a request failed with RuntimeError" in said and "in translate" in said
        assert "Geheimnis" not in said

    def test_has_texts_where_that_is_asked_for(self, server, capsys):
        client = server(log_text=True)
        client.post("/v1/translate", json={"texts": ["Geheimnis\nPOST /"]})
        client.post("/v1/translate", json={"texts": ["broken"]})
        said = capsys.readouterr().err
        assert r'["Geheimnis\nPOST /"]' in said and "RuntimeError: broken" in said

    def test_an_error_of_the_program_is_told_without_what_it_says(self, client):
        answer = client.post("/v1/translate", json={"texts": ["broken"]})
        assert answer.status_code == 500 and answer.json() == {
            "error": "The server failed; its log has more. Try again later."
        }

    def test_probes_are_not_in_it(self, client, capsys):
        for address in ("/healthz", "/readyz", "/metrics"):
            assert client.get(address).status_code == 200
        assert capsys.readouterr().err == ""


def test_numbers(server):
    client = server()
    client.post("/v1/translate", json={"texts": ["ein Haus", "a"]})
    client.get("/nowhere")
    told = client.get("/metrics").text
    for line in (
        'seq2seq_requests_total{route="/v1/translate",status="200"} 1.0',
        'seq2seq_requests_total{route="other",status="404"} 1.0',
        'seq2seq_source_tokens_total{source="de",target="en"} 5.0',
        'seq2seq_batch_sentences_sum{source="de",target="en"} 2.0',
        'seq2seq_queue_texts{source="de",target="en"} 0.0',
        'seq2seq_queue_seconds_count{source="de",target="en"} 2.0',
    ):
        assert line in told


def test_pages_of_other_sites_may_ask_only_where_that_is_said(server, client):
    head = {"Origin": "https://example.org"}
    assert "access-control-allow-origin" not in client.get("/languages", headers=head).headers
    allowed = server(origins=["https://example.org"])
    assert allowed.get("/languages", headers=head).headers["access-control-allow-origin"] == "https://example.org"
    other = allowed.get("/languages", headers={"Origin": "https://example.com"})
    assert "access-control-allow-origin" not in other.headers
    asked = {**head, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    assert allowed.options("/v1/translate", headers=asked).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"texts": ["a b c d", "e f"]},
        {"texts": ["a b"], "prefixes": ["c d e f g"]},
        {"texts": ["a b"], "terms": {"a": "c d e f g"}},
    ],
)
def test_a_request_has_so_many_tokens(server, engine, fields):
    answer = server(max_tokens=7).post("/v1/translate", json=fields)
    assert answer.status_code == 413 and "at most 7 tokens. Received: " in answer.json()["error"]
    assert not engine.batches


def test_a_full_queue_is_answered_with_when_to_come_again(server):
    client = server(queue=1, max_texts=1)
    client.app.state.server.models.of("de", "en").batches._waiting.append(None)
    answer = client.post("/v1/translate", json={"texts": ["a"]})
    client.app.state.server.models.of("de", "en").batches._waiting.clear()
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1 and "waiting" in answer.json()["error"]


def test_what_ends_says_that_it_takes_nothing_more(server):
    client = server()
    client.app.state.server.draining = True
    assert (client.get("/readyz").status_code, client.get("/healthz").status_code) == (503, 200)


def test_a_server_that_translates_no_more_says_so(server):
    client = server()
    batches = client.app.state.server.models.of("de", "en").batches
    batches._task.get_loop().call_soon_threadsafe(batches._task.cancel)
    for _ in range(100):
        if client.get("/healthz").status_code == 503:
            break
        time.sleep(0.01)
    assert (client.get("/readyz").status_code, client.get("/healthz").status_code) == (503, 503)
