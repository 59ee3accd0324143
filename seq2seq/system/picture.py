"""Pictures, and what else shows itself in a notebook; the colours that tell routes and variants apart."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from html import escape

COLOURS = ("#1f6fb4", "#c0561a", "#2d8a46", "#8a3fa8", "#b3263a", "#0f8a8a", "#7a6a12", "#54616e")
"""One after the other, on white; where more are needed, they come again."""

DARK_COLOURS = ("#6db3f2", "#f0965a", "#6cc788", "#c58be0", "#f07a8c", "#5cc9c9", "#cfbb55", "#a9b5c1")
"""The same on a dark page."""

_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Picture(str):
    """The text of an SVG file, which a notebook shows as the picture that it is."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)

    def image(self, alt: str) -> str:
        """Write it as an image of HTML, whose style is nothing to the page around it.

        Args:
            alt: What it shows, in words.
        """
        return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{b64encode(self.encode()).decode()}">'


def drawable(text: str) -> str:
    """Write text for a picture: a sign that no SVG file may hold, as a control character, stands as U+FFFD."""
    return escape(_NOT_IN_XML.sub("\ufffd", text))


def follow_reader(name: str, dark: Mapping[str, str]) -> str:
    """Write the style by which a picture turns dark for readers who prefer that; on paper it stays light.

    Args:
        name: The class of the picture, so that the style means nothing else on a page that it stands in.
        dark: By colour as it is drawn, for light pages, the one that takes its place.
    """
    rules = (
        f'.{name}[{what}="{light}"],.{name} [{what}="{light}"]{{{what}:{colour}}}'
        for light, colour in dark.items()
        for what in ("fill", "stroke")
    )
    return f"<style>@media screen and (prefers-color-scheme:dark){{{''.join(rules)}}}</style>"


def card(title: str, lines: Mapping[str, str], picture: str | None, alt: str) -> str:
    """Write what a notebook shows of an object.

    Args:
        title: What it is.
        lines: What is to know of it, by name.
        picture: A drawing of it, SVG; None where there is none.
        alt: What the drawing shows, in words.

    Returns:
        HTML that leaves its colours to the notebook.
    """
    cell = "text-align: left; vertical-align: top"
    rows = "".join(
        f'<tr><th style="{cell}">{escape(name)}</th><td style="{cell}">{escape(value)}</td></tr>'
        for name, value in lines.items()
    )
    return f"<p><b>{escape(title)}</b></p><table>{rows}</table>{Picture(picture).image(alt) if picture else ''}"
