"""LibreTranslate's way to translate, so that clients written for it work; what it has beyond is refused in words.

Source:
    The API of LibreTranslate 1.6, https://docs.libretranslate.com (its fields, its answers, its word for an error).
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seq2seq.serving.engines import Asked
from seq2seq.serving.reading import count_of, fields_of, need_room, text_of, texts_of
from seq2seq.serving.refusal import Json, Refusal
from seq2seq.serving.state import State
from seq2seq.serving.waiting import while_there


async def translate(request: Request) -> Response:
    """Translate a text or a list of texts, line by line."""
    state = State.of(request)
    fields = await fields_of(request, state.settings, form=True)
    state.keys.check(request, fields.get("api_key"))
    several = isinstance(fields.get("q"), list)
    texts = texts_of(fields, "q") if several else [text_of(fields, "q")]
    lines = [text.split("\n") for text in texts]
    need_room(texts, state.settings, count=sum(map(len, lines)))
    source, target = text_of(fields, "source"), text_of(fields, "target")
    if source == "auto":
        raise Refusal(400, f"{_NO_DETECTION} Received: source='auto'. Name the language of the text.")
    if (form := text_of(fields, "format", "text")) != "text":
        raise Refusal(400, f"This server translates plain text. Received: format={form!r}. Use format='text'.")
    alternatives = count_of(fields, "alternatives", 0, 0, state.settings.max_beam - 1)
    state.note(request, texts)
    every = [line for each in lines for line in each]
    asked = Asked(1 + alternatives)
    prefixes = [""] * len(every)
    found = await while_there(request, state.models.translate(source, target, every, prefixes, asked))
    answers = iter(found)
    ranked = [[next(answers).hypotheses for _ in each] for each in lines]
    # As many of a text as its line with the most has; a line with fewer has its last one again.
    forms = [
        ["\n".join(line[min(rank, len(line) - 1)].text for line in each) for rank in range(max(map(len, each)))]
        for each in ranked
    ]
    best, others = [each[0] for each in forms], [each[1:] for each in forms]
    answer: dict[str, Any] = {"translatedText": best if several else best[0]}
    if alternatives:
        answer["alternatives"] = others if several else others[0]
    return Json(answer)


async def languages(request: Request) -> Response:
    """Tell which languages there are, and what each is translated to."""
    pairs = State.of(request).models.pairs
    codes = dict.fromkeys(code for pair in pairs for code in pair)
    return Json([
        {"code": code, "name": code, "targets": [target for source, target in pairs if source == code]}
        for code in codes
    ])  # fmt: skip


_NO_DETECTION = "This server does not find out in which language a text is."


async def detect(request: Request) -> Response:
    """Refuse to find out a language."""
    raise Refusal(501, f"{_NO_DETECTION} Received: /detect. Name the language: /languages has those it knows.")


async def settings(request: Request) -> Response:
    """Tell what a page has to know of the server."""
    state = State.of(request)
    source, target = state.models.pairs[0]
    return Json({
        "apiKeys": bool(state.keys),
        "charLimit": state.settings.max_characters,
        "filesTranslation": False,
        "frontendTimeout": 500,
        "keyRequired": bool(state.keys),
        "language": {"source": {"code": source, "name": source}, "target": {"code": target, "name": target}},
        "suggestions": False,
        "supportedFilesFormat": [],
    })  # fmt: skip
