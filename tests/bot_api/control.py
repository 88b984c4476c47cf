"""The same operations over HTTP, for a test in another process than the stand-in.

`POST /control/OPERATION` takes the arguments as a JSON object and answers with JSON. It has a port
of its own on loopback: the bot must not reach it, and `down` must not take it away.
"""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.bot_api import faults
from tests.bot_api.chats import Message
from tests.bot_api.errors import Json
from tests.bot_api.listeners import Server
from tests.bot_api.server import BotApi

FAULTS: dict[str, faults.Fault] = {
    "server_error": faults.server_error,
    "bad_gateway": faults.bad_gateway,
    "conflict": faults.conflict,
    "unauthorized": faults.unauthorized,
    "malformed": faults.malformed,
    "dropped": faults.dropped,
    "answer_lost": faults.answer_lost,
}
TIMEOUT = 90


class RemoteBotApi:
    """The client's side of the control surface."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, operation: str, **arguments: Any) -> Any:
        """Have *operation* done and return its result.

        Raises:
            AssertionError: The stand-in refused, or what the operation waits for did not come.
        """
        url = f"http://127.0.0.1:{self.port}/control/{operation}"
        try:
            with urllib.request.urlopen(url, json.dumps(arguments).encode(), TIMEOUT) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(json.load(error)["error"]) from None


@contextmanager
def controlled(telegram: BotApi) -> Iterator[int]:
    """Serve the control surface of *telegram*, and yield its port."""
    server = Server(("127.0.0.1", 0), _Handler, telegram)
    try:
        yield server.server_address[1]
    finally:
        server.stop()


def _user(telegram: BotApi, person: int, first_name: str = "Ada") -> Json:
    return telegram.user(person, first_name).json()


def _supergroup(
    telegram: BotApi, chat: int, title: str = "Team", topics: dict[str, str] | None = None
) -> Json:
    named = {int(thread): name for thread, name in (topics or {}).items()}
    return telegram.supergroup(chat, title, topics=named).json()


def _says(  # noqa: PLR0913 - the arguments of `Person.says`
    telegram: BotApi,
    person: int,
    text: str,
    *,
    chat: int | None = None,
    age: float = 0,
    thread: int | None = None,
    anonymous: bool = False,
) -> Json:
    speaker = telegram.user(person)
    place = telegram.chat(chat) if chat is not None else None
    seconds = timedelta(seconds=age)
    return _told(speaker.says(text, place, age=seconds, thread=thread, anonymous=anonymous))


def _edits(telegram: BotApi, person: int, chat: int, message: int, text: str) -> Json:
    edited = _message(telegram, chat, message)
    telegram.user(person).edits(edited, text)
    return _told(edited)


def _presses(  # noqa: PLR0913 - the arguments of `Person.presses`
    telegram: BotApi,
    person: int,
    chat: int,
    message: int,
    label: str,
    *,
    age: float = 0,
    stale: bool = False,
) -> str:
    pressed = _message(telegram, chat, message)
    seconds = timedelta(seconds=age)
    return telegram.user(person).presses(pressed, label, age=seconds, stale=stale)


def _notice(telegram: BotApi, query: str, seconds: float = 10) -> Json:
    notice = telegram.wait(lambda: telegram.queries[query].notice, seconds)
    return {"text": notice.text, "alert": notice.alert}


def _messages(telegram: BotApi, chat: int, containing: str = "", seconds: float = 10) -> list[Json]:
    """Return the messages in *chat*, once the bot has said something with *containing* in it."""
    place = telegram.chat(chat)
    if containing:
        telegram.wait(lambda: place.saying(containing), seconds)
    return [_told(message) for message in place.messages]


def _requests(telegram: BotApi) -> list[Json]:
    return [
        {
            "method": request.method,
            "path": request.path,
            "parameters": request.parameters,
            "body": base64.b64encode(request.body).decode(),
            "status": request.answer.status if request.answer else None,
        }
        for request in list(telegram.requests)
    ]


def _fail(  # noqa: PLR0913 - the arguments of `BotApi.fail`
    telegram: BotApi,
    method: str,
    fault: str,
    *,
    times: int = 1,
    skip: int = 0,
    retry_after: int = 1,
) -> None:
    ordered = faults.too_many(retry_after) if fault == "too_many" else FAULTS[fault]
    telegram.fail(method, ordered, times=times, skip=skip)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "user": _user,
    "supergroup": _supergroup,
    "says": _says,
    "edits": _edits,
    "presses": _presses,
    "notice": _notice,
    "messages": _messages,
    "requests": _requests,
    "fail": _fail,
    "down": BotApi.down,
    "up": BotApi.up,
}


def _message(telegram: BotApi, chat: int, message_id: int) -> Message:
    message = telegram.chat(chat).find(message_id)
    if message is None:
        raise LookupError(f"no message {message_id} in chat {chat}")
    return message


def _told(message: Message) -> Json:
    return {
        "id": message.id,
        "text": message.text,
        "html": message.html,
        "labels": message.labels,
        "from_bot": message.from_bot,
        "silent": message.silent,
        "thread": message.thread,
        "edits": len(message.edits),
        "file": message.file.name if message.file else None,
    }


class _Handler(BaseHTTPRequestHandler):
    server: Server[BotApi]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = OPERATIONS.get(self.path.removeprefix("/control/"))
        if operation is None:
            self._reply(404, {"error": f"no operation at {self.path}"})
            return
        try:
            self._reply(200, operation(self.server.owner, **json.loads(body or b"{}")))
        except (LookupError, TypeError, ValueError, AssertionError) as error:
            self._reply(400, {"error": f"{type(error).__name__}: {error}"})

    def _reply(self, status: int, result: object) -> None:
        body = json.dumps(result).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
