"""A stand-in for Telegram's Bot API that is as strict as Telegram, and fails on demand.

    with bot_api() as telegram:
        ada = telegram.user(7, "Ada")
        ...  # start a bot with telegram.token and telegram.base_url
        ada.says("/backup")
        question = telegram.wait(lambda: telegram.chat(7).saying("Sure?"))
        telegram.fail("editMessageText", too_many(retry_after=3))
        ada.presses(question, "Yes")

Every call that waits does so on one condition, so that nothing has to be polled or slept for. A
test that shares its event loop with the bot awaits `until` instead of calling `wait`.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler

from tests.bot_api.errors import ApiError
from tests.bot_api.faults import DroppedError, Fault, Hold, Rule
from tests.bot_api.limits import RateLimits
from tests.bot_api.listeners import Listeners, Server, is_readable
from tests.bot_api.methods import perform
from tests.bot_api.request import Answer, Request, arrived, read_parameters
from tests.bot_api.responses import done, failed
from tests.bot_api.world import World, system_clock

TOKEN = "123456:a-token-of-the-usual-form_0123456789"
LOOPBACK = ("127.0.0.1",)
LARGEST_BODY = 50 * 1024 * 1024


@dataclass
class BotApi(World):
    """The world behind a server: what the bot asked, and what is to go wrong."""

    addresses: tuple[str, ...] = LOOPBACK
    requests: list[Request] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    defects: list[Exception] = field(default_factory=list)  # of the stand-in itself

    def __post_init__(self) -> None:
        super().__post_init__()
        self._listeners = Listeners(self.addresses, _Handler, self)

    @property
    def port(self) -> int:
        return self._listeners.port

    @property
    def base_url(self) -> str:
        """What the library wants to put before the token."""
        return self.base_url_at(self.addresses[0])

    def base_url_at(self, address: str) -> str:
        """Return the same for a bot that reaches this machine by another of its addresses."""
        return f"http://{address}:{self.port}/bot"

    def url(self, method: str) -> str:
        return f"{self.base_url}{self.token}/{method}"

    def seen(self, method: str) -> list[Request]:
        """Return all requests of one method, oldest first."""
        return [it for it in list(self.requests) if it.method.lower() == method.lower()]

    def fail(
        self, method: str, fault: Fault, *, times: int = 1, skip: int = 0, chat: int | None = None
    ) -> None:
        """Let *fault* answer *times* requests of *method* (or of `EVERY`), after *skip* of them.

        With *chat*: only of those to that chat.
        """
        with self.changed:
            self.rules.append(Rule(method, fault, times, skip, chat))

    def up(self) -> None:
        """Serve again, under the same port."""
        self._listeners.open()

    def down(self) -> None:
        """Refuse connections, and cut those that are open."""
        self._listeners.close()
        self.updates.terminate_poll()

    @property
    def rests(self) -> bool:
        """Nobody has asked for anything but what waits: for updates, or for a test to release."""
        polls = self.updates.polled and not self.updates.pending
        return self._listeners.requests() <= polls + sum(hold.held for hold in self._holds())

    def _holds(self) -> set[Hold]:
        return {rule.fault for rule in self.rules if isinstance(rule.fault, Hold)}

    def stop(self) -> None:
        """Go down for good."""
        for hold in self._holds():
            hold.release()
        self.down()
        self._listeners.give_up_port()

    def receive(self, request: Request, headers: Headers) -> Answer:
        """Answer a request, or raise DroppedError."""
        unreadable = None
        try:
            read_parameters(request, headers)
        except ApiError as error:
            unreadable = failed(error)
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
            fault = self._fault_for(request)

        def answer() -> Answer:
            return unreadable or self._perform(request)

        try:
            request.answer = fault(request, answer) if fault else answer()
        finally:  # what happened is seen even if nobody is told
            with self.changed:
                self.changed.notify_all()
        return request.answer

    def _perform(self, request: Request) -> Answer:
        try:
            return done(perform(self, request))
        except ApiError as error:
            return failed(error)

    def _fault_for(self, request: Request) -> Fault | None:
        for rule in self.rules:
            if not rule.concerns(request):
                continue
            if rule.skip:
                rule.skip -= 1
            elif rule.times:
                rule.times -= 1
                return rule.fault
        return None


@contextmanager
def bot_api(
    *,
    token: str = TOKEN,
    addresses: tuple[str, ...] = LOOPBACK,
    now: Callable[[], datetime] = system_clock,
    limits: RateLimits | None = None,
) -> Iterator[BotApi]:
    """Run a Bot API that knows one bot, the one with *token*.

    Raises:
        Exception: Whatever the stand-in itself stumbled over, so that no test mistakes its
            defect for an outage of Telegram.
    """
    telegram = BotApi(token, now, limits, addresses=addresses)
    telegram.up()
    try:
        yield telegram
    finally:
        telegram.stop()
    if telegram.defects:
        raise telegram.defects[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together: apart, they would wait for each other's receipt
    server: Server[BotApi]

    def handle_one_request(self) -> None:
        is_readable(self.connection, within=None)
        try:
            with self.server.working():
                super().handle_one_request()
        except (DroppedError, ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - raised again where the test can see it
            self.server.owner.defects.append(error)
            self.close_connection = True

    def finish(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().finish()

    def serve(self) -> None:
        telegram = self.server.owner
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST_BODY:
            self.close_connection = True
            self._reply(failed(ApiError(413, "Request Entity Too Large")))
            return
        request = arrived(self.path, self._body(length), telegram.now())
        self._reply(telegram.receive(request, self.headers))

    do_GET = do_POST = serve  # noqa: N815 - the library's names

    def _body(self, length: int) -> bytes:
        body = self.rfile.read(length)
        if len(body) < length:
            raise DroppedError
        return body

    def _reply(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.retry_after:
            self.send_header("Retry-After", str(answer.retry_after))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
