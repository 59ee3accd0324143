"""The translators that this copy of the docs has as pages, when it is built; `make docs DEMOS=…` exports them."""

import json
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

PLACE = Path(__file__).parent / "_build" / "demos"
"""Where `make docs` exports to; what lies in it is copied into the site as it is."""

EXAMPLES = {
    "quickstart": "<fr> <en-US> Thu, 5/3/1979\n<ja> <de> Montag, 3. Mai 2010",
    "tatoeba-small": "I can't wait to see you.\nIs the train late?",
}
"""What a page begins with, by the name of its run."""


def lines(place=PLACE):
    """Give the name, the address within the site and what there is to say of each translator."""
    for listed in sorted(place.glob("demo/*/files.json")):
        sizes = json.loads(listed.read_text("utf-8"))
        engine = sum(size for name, size in sizes.items() if name.startswith("ort"))
        model, engine = ((bytes_ / 1e6) for bytes_ in (sum(sizes.values()) - engine, engine))
        name = listed.parent.name
        begin = f"#text={quote(EXAMPLES[name])}" if name in EXAMPLES else ""
        yield name, f"demo/{name}/index.html{begin}", f"{model:.1f} MB, and {engine:.1f} MB of onnxruntime-web"


class Demos(SphinxDirective):
    """``.. demos::``: a link to each, or how to get one where there is none."""

    def run(self):
        """Write the list; the page is read anew each time, for no file tells that there is one more."""
        self.env.note_reread()
        up = "../" * self.env.docname.count("/")
        found = [
            nodes.list_item(
                "", nodes.paragraph("", "", nodes.reference("", name, refuri=up + at), nodes.Text(f": {said}."))
            )
            for name, at, said in lines()
        ]
        if found:
            return [nodes.bullet_list("", *found)]
        return self.parse_text_to_nodes(
            "This copy of the documentation was built without a trained model: ``make demo`` puts one here."
        )


def setup(app):
    """Make the directive known to Sphinx."""
    app.add_directive("demos", Demos)
    return {"version": "1", "parallel_read_safe": True}
