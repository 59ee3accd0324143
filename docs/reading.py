"""What the pages need to be read on a phone and by keyboard, and the lessons as notebooks, when the docs are built."""

import re
from html import unescape
from pathlib import Path

import notebooks

_IMAGE = re.compile(r"<p>(<img [^>]*/>)</p>")
_BLOCK = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)
_NARROW = 24  # letters of code that a card on a phone has room for


def reachable(body):
    """Let whatever may be wider than the page scroll by itself, by the keyboard too."""
    body = _IMAGE.sub(r'<div class="picture" tabindex="0">\1</div>', body)
    body = body.replace('<div class="table-wrapper ', '<div tabindex="0" class="table-wrapper ')
    return _BLOCK.sub(_block, body)


def _block(found):
    lines = unescape(re.sub(r"<[^>]+>", "", found[1])).splitlines()
    wide = any(len(line) > _NARROW for line in lines)
    return f'<pre tabindex="0">{found[1]}</pre>' if wide else found[0]


def _page(app, pagename, templatename, context, doctree):
    if "body" in context:
        context["body"] = reachable(context["body"])
    if pagename in notebooks.LESSONS:
        link = f"{context['pathto'](f'notebooks/{Path(pagename).name}.ipynb', 1)}"
        told = f'<p>This lesson <a class="reference download" href="{link}" download>as a notebook</a>.</p>'
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{told}", 1)


def _write_notebooks(app, exception):
    if exception is None and app.builder.format == "html":
        notebooks.write(Path(app.outdir) / "notebooks")


def setup(app):
    """Take part in the build."""
    app.connect("html-page-context", _page)
    app.connect("build-finished", _write_notebooks)
    return {"version": "1", "parallel_read_safe": True}
