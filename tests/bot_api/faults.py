"""What can go wrong between a bot and Telegram, for a test to order by the piece."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.bot_api.errors import ApiError, other_get_updates, too_many_requests
from tests.bot_api.request import Answer, Request
from tests.bot_api.responses import failed

EVERY = "*"

Perform = Callable[[], Answer]
Fault = Callable[[Request, Perform], Answer]


class DroppedError(Exception):
    """Close the connection without an answer."""


@dataclass
class Rule:
    """Let *fault* answer *times* requests of one method, to one *chat*, after *skip* of them."""

    method: str
    fault: Fault
    times: int = 1
    skip: int = 0
    chat: int | None = None

    def concerns(self, request: Request) -> bool:
        if self.chat is not None and request.number("chat_id") != self.chat:
            return False
        return self.method == EVERY or self.method.lower() == request.method.lower()


def too_many(retry_after: int) -> Fault:
    """Answer that the bot is too fast."""
    return lambda _, __: failed(too_many_requests(retry_after))


def server_error(_: Request, __: Perform) -> Answer:
    """Fail as Telegram does from time to time."""
    return failed(ApiError(500, "Internal Server Error"))


def bad_gateway(_: Request, __: Perform) -> Answer:
    """Fail as the web server before Telegram does: not even in JSON."""
    return Answer(502, b"<html><title>502 Bad Gateway</title></html>", "text/html")


def conflict(_: Request, __: Perform) -> Answer:
    """Answer that another instance of the bot asks for updates."""
    return failed(other_get_updates())


def unauthorized(_: Request, __: Perform) -> Answer:
    """Answer that the token was revoked."""
    return failed(ApiError(401, "Unauthorized"))


def malformed(_: Request, perform: Perform) -> Answer:
    """Do it, but break off in the middle of the JSON."""
    answer = perform()
    return Answer(answer.status, answer.body[: len(answer.body) // 2])


def dropped(_: Request, __: Perform) -> Answer:
    """Close the connection instead of doing anything."""
    raise DroppedError


def answer_lost(_: Request, perform: Perform) -> Answer:
    """Do it, but never tell."""
    perform()
    raise DroppedError


class Hold:
    """Keep requests waiting until released or for *seconds*, then do *then* with them."""

    def __init__(self, seconds: float = 60, then: Fault | None = None) -> None:
        self.seconds = seconds
        self.then = then
        self._released = threading.Event()
        self._counting = threading.Lock()
        self._held = 0

    @property
    def held(self) -> int:
        """How many requests nothing but `release` or time lets go on."""
        return 0 if self._released.is_set() else self._held

    def __call__(self, request: Request, perform: Perform) -> Answer:
        with self._counting:
            self._held += 1
        self._released.wait(self.seconds)
        with self._counting:
            self._held -= 1
        return self.then(request, perform) if self.then else perform()

    def release(self) -> None:
        self._released.set()


class LateAnswer(Hold):
    """Do it at once, and tell only when released or after *seconds*."""

    def __call__(self, request: Request, perform: Perform) -> Answer:
        answer = perform()
        super().__call__(request, lambda: answer)
        return answer
