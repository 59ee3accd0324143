"""The page to type in: that of an exported translator, over a worker that asks this server."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from seq2seq.export import browser
from seq2seq.serving.refusal import Refusal
from seq2seq.serving.state import State

_SHARED, _OWN = Path(browser.__file__).parent, Path(__file__).parent / "page"
_FILES = {"page.css": _SHARED, "page.js": _SHARED, "worker.js": _OWN}
_OFFLINE = "Translates here, in your browser: what you type goes nowhere. Once loaded, it needs no network."


async def first(request: Request) -> Response:
    """Lead to the page of the first model."""
    return RedirectResponse(_address(*State.of(request).models.pairs[0]))


async def page(request: Request) -> Response:
    """Give the page of a model, or one of its files."""
    models = State.of(request).models
    source, target, name = (request.path_params[part] for part in ("source", "target", "name"))
    models.of(source, target)
    if name in _FILES:
        return FileResponse(_FILES[name] / name)
    if name:
        raise Refusal(404, "A page has no file of this name. Look at / for the page.")
    others = " · ".join(
        f'<a href="../../../{_address(*pair)}">{escape(" → ".join(pair))}</a>'
        for pair in models.pairs
        if pair != (source, target)
    )
    said = "What you type is translated by this server." + (f" Other languages: {others}" if others else "")
    text = (_SHARED / "index.html").read_text("utf-8").replace(_OFFLINE, said)
    return HTMLResponse(text.replace("NAME", escape(f"{source} → {target}")))


def _address(source: str, target: str) -> str:
    return f"page/{quote(source, safe='')}/{quote(target, safe='')}/"


ROUTES = [Route("/", first), Route("/page/{source}/{target}/{name:path}", page)]
