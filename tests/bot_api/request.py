"""Requests to the Bot API, in each of the four ways to send parameters."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message as Headers
from email.parser import BytesHeaderParser
from urllib.parse import parse_qsl, urlsplit

from tests.bot_api.chats import File
from tests.bot_api.errors import Json, bad_request

_PATH = re.compile(r"/bot([^/]*)/(\w*)/?")


@dataclass
class Answer:
    """What went back: a status, and a body that is JSON unless a fault made it otherwise."""

    status: int
    body: bytes
    content_type: str = "application/json"
    retry_after: int = 0

    @property
    def json(self) -> Json:
        parsed: Json = json.loads(self.body)
        return parsed


@dataclass
class Request:
    """One request as it arrived; *answer* is None if the client was never told."""

    path: str
    body: bytes
    at: datetime
    token: str = ""
    method: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    answer: Answer | None = None

    def text(self, name: str) -> str:
        return self.parameters.get(name, "")

    def number(self, name: str, default: int = 0) -> int:
        try:
            return int(self.text(name))
        except ValueError:
            return default

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"true", "yes", "1"}

    def json(self, name: str, default: object = None) -> object:
        try:
            return json.loads(self.text(name)) if self.text(name) else default
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None


def arrived(path: str, body: bytes, at: datetime) -> Request:
    """Return a request with the token and the method that *path* names, if it does."""
    found = _PATH.fullmatch(urlsplit(path).path)
    token, method = found.groups() if found else ("", "")
    return Request(path, body, at, token, method)


def read_parameters(request: Request, headers: Headers) -> None:
    """Fill in what the query and the body say.

    Raises:
        ApiError: The body is not what its content type says.
    """
    request.parameters |= parse_qsl(urlsplit(request.path).query, keep_blank_values=True)
    match headers.get_content_type():
        case "application/x-www-form-urlencoded":
            request.parameters |= parse_qsl(request.body.decode(), keep_blank_values=True)
        case "application/json" if request.body:
            request.parameters |= _from_json(request.body)
        case "multipart/form-data":
            _read_parts(request, str(headers.get_param("boundary", "")).encode())
        case _:  # Telegram ignores a body that it cannot read
            pass


def _from_json(body: bytes) -> dict[str, str]:
    try:
        sent = dict(json.loads(body))
    except (ValueError, TypeError):
        raise bad_request("can't parse JSON object") from None
    return {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in sent.items()
    }


def _read_parts(request: Request, boundary: bytes) -> None:
    if not boundary:
        raise bad_request("boundary not found")
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        headers = BytesHeaderParser().parsebytes(head.lstrip())
        name = str(headers.get_param("name", "", "Content-Disposition"))
        file_name = headers.get_filename()
        if file_name is None:
            request.parameters[name] = content.decode()
        else:
            request.files[name] = File(file_name, headers.get_content_type(), content)
