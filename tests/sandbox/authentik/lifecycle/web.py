"""A request and a response, as the router and the backend hand them to each other."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a view needs to know; header names are in lower case."""

    method: str
    path: str
    target: str
    headers: dict[str, str]
    cookies: dict[str, str]
    address: str
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body's JSON object, an empty one for anything else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Response:
    """What a view answers."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer *value* as JSON."""
    return Response(status, json.dumps(value).encode(), "application/json", headers or {})
