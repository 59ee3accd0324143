"""The page to type in."""

import re

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from tests.serving.scripted import Scripted


def test_leads_to_the_page_of_a_model_with_all_that_it_loads(server):
    client = server(Scripted(("zh-Hans", "a/b<")))
    page = client.get("/")
    assert page.status_code == 200 and page.url.path == "/page/de/en/"
    assert "<h1>de → en</h1>" in page.text and "What you type is translated by this server." in page.text
    assert "goes nowhere" not in page.text and "needs no network" not in page.text
    assert '<a href="../../../page/zh-Hans/a%2Fb%3C/">zh-Hans → a/b&lt;</a>' in page.text
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
        ("/page/de/en/../../../pages.py", 404),
        ("/page/de/en/%2e%2e/worker.js", 404),
        ("/page/de/en//etc/passwd", 404),
    ],
)
def test_gives_out_nothing_else(client, address, status):
    assert client.get(address).status_code == status


def test_is_not_there_where_a_key_is_needed(server):
    assert server(keys=["sesame"]).get("/").status_code == 404
