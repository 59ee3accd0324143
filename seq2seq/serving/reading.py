"""Reading a request: its body within limits of size and time, its fields one by one, its key."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from seq2seq.serving.refusal import ClientLeft, Refusal
from seq2seq.serving.settings import ServingSettings
from seq2seq.system.choices import did_you_mean

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_DRAINED = 1 << 26  # bytes of a body too large that are read all the same: whoever is still sending hears no answer
_FIELDS = 100
_NOTE = re.compile(r"(^|\s)#.*")  # a key may have the sign within


class Keys:
    """The keys of those who may translate.

    Args:
        keys: All of them; none where everybody may.

    Attributes:
        path: The file that they were read from, to be read again when it changes; None for none.
    """

    def __init__(self, keys: Collection[str] = ()) -> None:
        self.path: Path | None = None
        self._digests = [_digest(key.encode()) for key in keys]

    @classmethod
    def read(cls, path: Path) -> Keys:
        """Read keys from a file, one on each line; what follows a # at its start or behind a space is for people.

        Raises:
            OSError: It cannot be read.
            ValueError: There is none in it, or it is no UTF-8.
        """
        keys = cls()
        keys.path = path
        keys.reload()
        return keys

    def reload(self) -> None:
        """Read the file of the keys again; where that fails, those that there were stay.

        Raises:
            OSError: It cannot be read.
            ValueError: There is none in it.
        """
        path = self.path
        if path is None:
            return
        try:
            lines = [_NOTE.sub("", line).strip() for line in path.read_text("utf-8-sig").splitlines()]
        except UnicodeDecodeError as error:
            raise ValueError(
                f"A file of keys is in UTF-8. Received: {path}, with other bytes from byte {error.start} on. Mend it."
            ) from None
        if not (keys := [line for line in lines if line]):
            raise ValueError(
                f"A file of keys has one on each line. Received: {path}, with none. Write one, or leave the option out."
            )
        self._digests = [_digest(key.encode()) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def check(self, request: Request, given: Any = None) -> None:
        """Refuse a request without a key that is known; it takes as long whichever is wrong, and however.

        Args:
            request: Has it in its head, as `Authorization: Bearer KEY`.
            given: Or what its field `api_key` says.

        Raises:
            Refusal: It has none, or another.
        """
        if not self._digests:
            return
        scheme, _, head = request.headers.get("authorization", "").partition(" ")
        key = head.encode("latin-1") if scheme.lower() == "bearer" else b""  # the bytes that were sent
        if isinstance(given, str) and given:
            key = given.encode("utf-8", "surrogatepass")
        digest = _digest(key)
        # Every one is compared, found or not.
        if sum(hmac.compare_digest(digest, known) for known in self._digests) == 0:
            received = "another key" if key else "none"
            raise Refusal(
                403,
                f"This server translates for those who have a key. Received: {received}. "
                "Give it as api_key, or in the head as Authorization: Bearer KEY.",
            )


def _digest(key: bytes) -> bytes:
    # Of one length: to compare texts of different lengths would tell that of a key.
    return hashlib.sha256(key.strip()).digest()


async def fields_of(request: Request, settings: ServingSettings, *, form: bool = False) -> dict[str, Any]:
    """Read the fields of a request.

    Args:
        request: The request.
        settings: How large it may be, and how long it may take.
        form: Whether it may be a form, too.

    Returns:
        Values by name.

    Raises:
        Refusal: It is too large, too slow, of another type, no UTF-8, or holds no fields.
        ClientLeft: It broke off.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_JSON, *([_FORM] if form else [])):
        raise Refusal(
            415,
            f"A request is {_JSON}{f' or {_FORM}' if form else ''}. Received: content-type={kind!r}. "
            "Name the type in its head.",
        )
    try:
        async with asyncio.timeout(settings.body_seconds):
            body = await _body(request, settings.max_bytes)
    except TimeoutError:
        raise Refusal(
            408,
            f"A request has {settings.body_seconds:g} s to arrive. Received: a part of it in that time. Send it again.",
            {"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise ClientLeft from None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(
            400, f"A request is in UTF-8. Received: other bytes from byte {error.start} on. Encode it as UTF-8."
        ) from None
    return _form(text) if kind == _FORM else _object(text)


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            body += part
        elif size > _DRAINED:
            break
    if size > most:
        raise Refusal(
            413,
            f"The body of a request has at most {most:,} bytes. Received: more. Send fewer texts at a time.",
            {"Connection": "close"},
        )
    return bytes(body)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        why = f"{error.msg}, at character {error.pos}" if isinstance(error, json.JSONDecodeError) else "what is none"
        raise Refusal(400, f"A request is an object in JSON. Received: {why}. Mend it.") from None
    if not isinstance(found, dict):
        raise Refusal(400, f'A request is an object in JSON. Received: {_kind(found)}. Write {{"name": value}} pairs.')
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _form(text: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except ValueError:
        raise Refusal(
            400, f"A form has at most {_FIELDS} fields, in UTF-8. Received: others. Encode it as a browser does."
        ) from None
    names = [name for name, _ in pairs]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise Refusal(
            400, f"A field of a form is given once. Received: {doubled!r} more than once. Send a list in JSON."
        )
    return dict(pairs)


def text_of(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Read a field that is text.

    Raises:
        Refusal: It is missing, or something else.
    """
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise _needed(name, "text", value)
    return value


def count_of(fields: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    """Read a field that is a whole number; of a form, its digits.

    Raises:
        Refusal: It is something else, or out of range.
    """
    value = fields.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, float) and value.is_integer():  # a whole number of JSON may be written so
        value = int(value)
    if type(value) is not int or not low <= value <= high:
        raise _needed(name, f"a whole number from {low} to {high}", value)
    return value


def flag_of(fields: Mapping[str, Any], name: str) -> bool:
    """Read a field that is true or false; false where it is missing.

    Raises:
        Refusal: It is something else.
    """
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise _needed(name, "true or false", value)
    return value


def texts_of(fields: Mapping[str, Any], name: str) -> list[str]:
    """Read a field that is a list of texts.

    Raises:
        Refusal: It is missing, or something else.
    """
    value = fields.get(name)
    if not isinstance(value, list):
        raise _needed(name, "a list of texts", value)
    for place, text in enumerate(value):
        if not isinstance(text, str):
            raise _needed(f"{name}[{place}]", "text", text)
    return value


def table_of(fields: Mapping[str, Any], name: str) -> dict[str, str]:
    """Read a field that is an object of texts; empty where it is missing.

    Raises:
        Refusal: It is something else.
    """
    value = fields.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _needed(name, "an object whose values are texts", value)
    return value


def need_known(fields: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse fields that would be passed over.

    Raises:
        Refusal: There is one.
    """
    for name in fields:
        if name not in known:
            raise Refusal(
                400, f"A request has the fields {', '.join(known)}. Received: {name!r}.{did_you_mean(name, known)}"
            )


def need_room(texts: Collection[str], settings: ServingSettings, count: int) -> None:
    """Refuse more texts, or longer ones, than a request may have.

    Args:
        texts: All that is in it.
        settings: What it may have.
        count: How many of them are translated, lines counted.

    Raises:
        Refusal: It has more.
    """
    if count > settings.max_texts:
        raise Refusal(
            413, f"A request has at most {settings.max_texts} texts or lines. Received: {count}. Send several requests."
        )
    characters = sum(map(len, texts))
    if characters > settings.max_characters:
        raise Refusal(
            413,
            f"The texts of a request have at most {settings.max_characters:,} characters. Received: {characters:,}. "
            "Send several requests.",
        )


def _needed(name: str, what: str, value: Any) -> Refusal:
    received = "nothing" if value is None else _kind(value)
    return Refusal(400, f"{name} is {what}. Received: {name}={received}. Write it as /openapi.json says.")


def _kind(value: Any) -> str:
    """Tell of a value of JSON what it is, without what is in it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.15g}" if abs(value) < 1e15 else "a number that is too large"
    return {dict: "an object", list: "a list", str: "a text", type(None): "null"}[type(value)]
