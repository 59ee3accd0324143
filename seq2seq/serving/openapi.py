"""The OpenAPI document of a server: its addresses, with the limits that it has and the languages that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seq2seq import __version__
from seq2seq.serving.models import Pair
from seq2seq.serving.settings import ServingSettings

_Table = dict[str, Any]


def document(settings: ServingSettings, pairs: Sequence[Pair], *, keys: bool) -> _Table:
    """Write the document.

    Args:
        settings: How much the server takes on.
        pairs: The languages of its models.
        keys: Whether it translates for those alone who have a key.
    """
    secured: _Table = {"security": [{"bearer": []}]} if keys else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": "seq2seq serve", "version": __version__, "description": "Translates text."},
        "paths": {
            "/v1/translate": {
                "post": {
                    "summary": "Translate texts, and give pieces, scores and alignment",
                    "operationId": "translate",
                    **secured,
                    "requestBody": _body({"application/json": _native(settings, pairs)}),
                    "responses": _answers("#/components/schemas/Translations"),
                }
            },
            "/v1/models": {"get": _get("The models there are", "models", "#/components/schemas/Models")},
            "/translate": {
                "post": {
                    "summary": "Translate as LibreTranslate does, line by line",
                    "operationId": "libretranslate",
                    **({"security": [{"bearer": []}, {}]} if keys else {}),
                    "requestBody": _body({
                        kind: _libre(settings, pairs, lists=kind == "application/json")
                        for kind in ("application/json", "application/x-www-form-urlencoded")
                    }),
                    "responses": _answers("#/components/schemas/Translated"),
                }
            },
            "/languages": {"get": _get("The languages there are", "languages", "#/components/schemas/Languages")},
            "/frontend/settings": {"get": _get("What a page has to know", "settings", None)},
            "/detect": {
                "post": {
                    "summary": "Refused: no language is found out",
                    "operationId": "detect",
                    "responses": {"501": _answer("Always", "#/components/schemas/Error")},
                }
            },
            "/healthz": {"get": _get("Whether the server works", "health", None)},
            "/readyz": {"get": _get("Whether the server takes requests", "ready", None)},
        },
        "components": {
            "schemas": _SCHEMAS,
            **({"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}} if keys else {}),
        },
    }  # fmt: skip


def _native(settings: ServingSettings, pairs: Sequence[Pair]) -> _Table:
    text = {"type": "string", "maxLength": settings.max_characters}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["texts", *([] if len(pairs) == 1 else ["source", "target"])],
        "properties": {
            "texts": {"type": "array", "items": text, "maxItems": settings.max_texts},
            **_languages(pairs),
            "n_best": {"type": "integer", "minimum": 1, "maximum": settings.max_beam, "default": 1},
            "beam_size": {
                "type": "integer", "minimum": 1, "maximum": settings.max_beam,
                "description": "How wide to search; as wide as n_best at least; by default as the model says.",
            },
            "attention": {
                "type": "boolean", "default": False,
                "description": "Give how much each piece looked at each piece of the source, row by row.",
            },
            "prefixes": {
                "type": "array", "items": text, "maxItems": settings.max_texts,
                "description": 'What the translation of each text begins with, "" for anything; as many as texts.',
            },
            "terms": {
                "type": "object", "additionalProperties": text, "maxProperties": settings.max_terms,
                "description": "How phrases of the source are to be translated.",
            },
        },
    }  # fmt: skip


def _libre(settings: ServingSettings, pairs: Sequence[Pair], *, lists: bool) -> _Table:
    text = {"type": "string", "maxLength": settings.max_characters}
    several = {"type": "array", "items": text, "maxItems": settings.max_texts}
    return {
        "type": "object",
        "required": ["q", "source", "target"],
        "properties": {
            "q": {"oneOf": [text, several]} if lists else text,
            **_languages(pairs),
            "format": {"type": "string", "enum": ["text"]},
            "alternatives": {"type": "integer", "minimum": 0, "maximum": settings.max_beam - 1},
            "api_key": {"type": "string"},
        },
    }


def _languages(pairs: Sequence[Pair]) -> _Table:
    sides = zip(("source", "target"), zip(*pairs, strict=True), strict=True)
    return {name: {"type": "string", "enum": list(dict.fromkeys(codes))} for name, codes in sides}


def _body(schemas: _Table) -> _Table:
    return {"required": True, "content": {kind: {"schema": schema} for kind, schema in schemas.items()}}


def _answer(meaning: str, schema: str | None) -> _Table:
    told = {"type": "object"} if schema is None else {"$ref": schema}
    return {"description": meaning, "content": {"application/json": {"schema": told}}}


def _get(summary: str, name: str, schema: str | None) -> _Table:
    return {"summary": summary, "operationId": name, "responses": {"200": _answer(summary, schema)}}


def _answers(schema: str) -> _Table:
    refusals = {
        400: "What is asked for cannot be",
        403: "A key is needed",
        408: "The request did not arrive in time",
        413: "The request is too large",
        415: "The request is of another type",
        503: "Too many texts wait: come again after Retry-After seconds",
    }
    errors = {str(status): _answer(meaning, "#/components/schemas/Error") for status, meaning in refusals.items()}
    return {"200": _answer("Translated", schema), **errors}


def _list(items: _Table) -> _Table:
    return {"type": "array", "items": items}


def _object(**properties: _Table) -> _Table:
    return {"type": "object", "required": list(properties), "properties": properties}


_TEXT = {"type": "string"}
_PLACE = {"type": ["integer", "null"]}
_LINKS = _list({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2})
_HYPOTHESIS: _Table = {
    "text": _TEXT,
    "score": {"type": ["number", "null"], "description": "Nats; null where the model calls it impossible."},
    "confidence": {
        "type": ["number", "null"],
        "description": "The quality to be expected, 0 to 1; null where the model was not calibrated.",
    },
    "ended": {"type": "boolean", "description": "False where the limit of length cut it."},
    "parts": {"type": "integer"},
    "tokens": _list(_object(piece=_TEXT, log_probability={"type": ["number", "null"]}, word=_PLACE)),
    "alignment": {
        "description": "Pairs of places, source first; null without attention.",
        "oneOf": [_object(pieces=_LINKS, words=_LINKS), {"type": "null"}],
    },
    "lost": {"type": "array", "items": _TEXT, "description": "What was protected and did not come through."},
}
_SCHEMAS = {
    "Error": _object(error=_TEXT),
    "Translation": _object(
        source=_TEXT,
        source_tokens=_list(_object(piece=_TEXT, word=_PLACE)),
        **_HYPOTHESIS,
        others=_list(_object(**_HYPOTHESIS)),
        model=_TEXT,
    ),
    "Translations": _object(
        source=_TEXT, target=_TEXT, model=_TEXT, translations=_list({"$ref": "#/components/schemas/Translation"})
    ),
    "Models": _object(
        max_beam={"type": "integer"},
        models=_list(_object(source=_TEXT, target=_TEXT, name=_TEXT, engine=_TEXT, beam_size={"type": "integer"})),
    ),
    "Languages": _list(_object(code=_TEXT, name=_TEXT, targets=_list(_TEXT))),
    "Translated": {
        "type": "object",
        "required": ["translatedText"],
        "properties": {
            "translatedText": {"oneOf": [_TEXT, _list(_TEXT)]},
            "alternatives": {"type": "array", "items": {"oneOf": [_TEXT, _list(_TEXT)]}},
        },
    },
}
