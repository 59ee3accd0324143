"""An explanation as a page of HTML, or its alignment as a picture."""

from __future__ import annotations

from html import escape

from seq2seq.analysis.explanation.explaining import Explanation, Node
from seq2seq.analysis.explanation.words import percent, verdict
from seq2seq.analysis.pages.charts import draw_alignment
from seq2seq.analysis.pages.document import document, paragraph, standalone, table
from seq2seq.system.picture import Picture


def page(found: Explanation, text: str) -> str:
    """Lay an explanation out as a page that loads nothing.

    Args:
        found: The explanation.
        text: What was translated.
    """
    parts = [f"<h1>{escape(found.translation)}</h1>", paragraph(text)]
    parts.append(paragraph(f"score {found.score:.3f}{'' if found.ended else ', cut at the limit of length'}"))
    parts.append("<h2>What it looked at</h2>")
    if found.attention is None:
        parts.append(paragraph("A model without attention has no alignment."))
    else:
        parts.append(f'<div class="map" tabindex="0">{_alignment(found)}</div>')
    rows = [
        [each.token, percent(each.log_prob), ", ".join(_probable(*other) for other in each.others),
         "first" if each.place == 1 else f"{each.place}, behind: {each.leader}"]
        for each in found.tokens
    ]  # fmt: skip
    header = ["token", "probability", "else", "place in the beam"]
    parts += ["<h2>Token by token</h2>", table(header, rows, [1])]
    parts += [
        "<h2>What the search kept</h2>",
        paragraph("Bold: the way to the translation. Numbers: log-probability, nats."),
    ]
    parts.append(f'<ul class="tree">{_branches(found.tree)}</ul>')
    if found.reference is not None:
        other = found.reference
        lines = [
            [token, percent(log_prob), "" if token == best else _probable(best, rather)]
            for token, log_prob, best, rather in other.tokens
        ]
        parts += ["<h2>The reference</h2>", paragraph(f"{other.text} · score {other.score:.3f}")]
        parts += [f"<p>{escape(verdict(other))}</p>", table(["reference", "probability", "rather"], lines, [1])]
    return document(f"Explained: {found.translation}", parts)


def picture(found: Explanation) -> Picture:
    """Draw the alignment as a file of its own, SVG, which a notebook shows.

    Args:
        found: The explanation.

    Raises:
        ValueError: The model has no attention.
    """
    if found.attention is None:
        raise ValueError(
            "An alignment is what attention looked at. Received: a model without. Write a page, with --html."
        )
    return Picture(standalone(_alignment(found)))


def _alignment(found: Explanation) -> str:
    tokens = [each.token for each in found.tokens]
    return draw_alignment(found.source, tokens, found.attention or [], "What each token looked at")


def _branches(tree: Node) -> str:
    parts: list[str] = []
    left: list[Node | str] = [tree]  # it may be deeper than Python calls functions
    while left:
        node = left.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        line = node.alone()
        last = line[-1]
        words = " ".join(f"<bdi>{escape(each.token)}</bdi>" for each in line)
        words = f"<b>{words}</b>" if last.won else words
        number = f"{last.log_prob:.2f}" + ("" if last.score is None else f" · score {last.score:.3f}")
        parts.append(f'<li>{words} <span class="words">{number}</span>{"<ul>" if last.children else ""}')
        left.append("</ul></li>" if last.children else "</li>")
        left += reversed(last.children)
    return "".join(parts)


def _probable(token: str, log_prob: float) -> str:
    """Write a token and its probability, which stay together; the direction of its letters is nothing to the number."""
    return f"\u2068{token}\u2069\u00a0{percent(log_prob)}".replace(" ", "\u00a0")
