"""What a request is refused with: a status, and a sentence that says what to do instead."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response


class Refusal(Exception):
    """A request that is not answered.

    Args:
        status: Of the response.
        message: What is needed, what was received, what to do instead.
        headers: Of the response.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


class Json(Response):
    """A response in JSON; half a surrogate pair, which UTF-8 does not have, is written as JSON escapes it."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write it."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def refused(request: Request, error: Exception) -> Response:
    """Answer with a refusal."""
    if isinstance(error, Refusal):
        return Json({"error": str(error)}, error.status, error.headers)
    if isinstance(error, HTTPException):  # of starlette's router
        known = "This server knows /translate, /languages, /v1/translate and what /openapi.json tells of."
        said = {404: f"There is nothing at this address. {known}", 405: f"This address has other methods. {known}"}
        return Json({"error": said.get(error.status_code, error.detail)}, error.status_code, error.headers)
    return Response(status_code=499)  # ClientLeft: for the record alone
