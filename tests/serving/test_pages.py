"""The page to type in."""

import re
from urllib.parse import unquote

import anyio
import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from tests.serving.scripted import Scripted


def test_leads_to_the_page_of_a_model_with_all_that_it_loads(server):
    client = server(Scripted(("zh-Hans", "a b<")))
    page = client.get("/")
    assert page.status_code == 200 and page.url.path == "/page/de/en/"
    assert "<h1>de → en</h1>" in page.text and "What you type is translated by this server." in page.text
    assert "goes nowhere" not in page.text and "needs no network" not in page.text
    assert '<a href="../../../page/zh-Hans/a%20b%3C/">zh-Hans → a b&lt;</a>' in page.text
    script = client.get("/page/de/en/page.js")
    asked = [*re.findall(r'(?:href|src)="([\w.]+)"', page.text), *re.findall(r'new Worker\("([\w.]+)"', script.text)]
    assert sorted(asked) == ["page.css", "page.js", "worker.js"]
    for name in asked:
        assert client.get(f"/page/de/en/{name}").status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/page/de/fr/", 400),
        ("/page/de/en/offline.js", 404),
        ("/page/de/en/../pages.py", 404),
        ("/page/de/en/../../../pages.py", 404),
        ("/page/de/en/%2e%2e/worker.js", 404),
        ("/page/de/en//etc/passwd", 404),
    ],
)
def test_gives_out_nothing_else(client, address, status):
    assert status_as_sent(client, address) == status


def status_as_sent(client, address):
    """The status of an address that is asked for as it stands: a client takes dots out before it asks."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": unquote(address), "raw_path": address.encode(), "root_path": "", "query_string": b"",
        "headers": [(b"host", b"testserver")], "client": ("testclient", 1), "server": ("testserver", 80),
    }  # fmt: skip
    sent, asked = [], [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not asked:
            await anyio.sleep_forever()  # the client stays until it is answered
        return asked.pop()

    async def send(message):
        sent.append(message)

    async def ask():
        with anyio.move_on_after(5):
            await client.app(scope, receive, send)

    client.portal.call(ask)
    return sent[0]["status"]


def test_is_not_there_where_a_key_is_needed(server):
    assert server(keys=["sesame"]).get("/").status_code == 404
