"""A request as the handlers see it and an answer as they give it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Request:
    """One HTTP request; header names in lower case, `path` without the query."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> str:
        """The parameters as sent: the body of a POST, else the query string."""
        return self.body.decode("utf-8", "replace") if self.method == "POST" else self.query


@dataclass
class Response:
    """One HTTP answer. With `cut_after` only so many raw bytes of it are sent before the connection closes."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None

    def raw(self) -> bytes:
        """The bytes on the wire, status line included."""
        reason = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + self.body


def json_response(status: int, value: Any, **headers: str) -> Response:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    named = {name.replace("_", "-").title(): content for name, content in headers.items()}
    return Response(status, text.encode(), {"Content-Type": "application/json", **named})
