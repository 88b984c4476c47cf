"""The library's client as this chat needs it: raw updates, and errors that say what is certain."""

import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import httpx
from telegram.error import BadRequest, ChatMigrated, InvalidToken, NetworkError, TelegramError
from telegram.ext import ExtBot
from telegram.request import BaseRequest, HTTPXRequest, RequestData

WANTED = ("message", "callback_query")

_CONNECTIONS = 12  # of messages to five chats, four toasts, two signs, and the menus
_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 20.0
_UPLOAD_SECONDS = 60.0
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_DEFAULT = BaseRequest.DEFAULT_NONE

OnMove = Callable[[int, int], Awaitable[None]]


class FloodError(TelegramError):
    """Telegram wants to be left alone for *seconds*; the request was not carried out."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many requests, wait {seconds:.0f} s")
        self.seconds = seconds


class UnsentError(NetworkError):
    """The request never reached Telegram."""


class TooLargeError(BadRequest):
    """Telegram, or a server before it, takes no request so large."""


class _Request(HTTPXRequest):
    """Tells what may have arrived from what cannot; quotes no address, which holds the token."""

    async def do_request(  # noqa: PLR0913, PLR0917 - the library's signature
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = _DEFAULT,
        write_timeout: Any = _DEFAULT,
        connect_timeout: Any = _DEFAULT,
        pool_timeout: Any = _DEFAULT,
    ) -> tuple[int, bytes]:
        try:
            code, payload = await super().do_request(
                url,
                method,
                request_data,
                read_timeout,
                write_timeout,
                connect_timeout,
                pool_timeout,
            )
        except NetworkError as error:
            raise _without_address(error) from None
        if code == HTTPStatus.TOO_MANY_REQUESTS:
            raise FloodError(self._seconds_to_wait(payload))
        if code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise TooLargeError(f"Telegram takes nothing so large ({code})")
        if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NetworkError(f"Telegram answers {code}")
        return code, payload

    def _seconds_to_wait(self, payload: bytes) -> float:
        try:
            return float(self.parse_json_payload(payload)["parameters"]["retry_after"])
        except (TelegramError, KeyError, TypeError, ValueError):
            return 1.0


def _without_address(error: NetworkError) -> NetworkError:
    cause = error.__cause__
    kind = type(cause or error).__name__
    if isinstance(cause, _NEVER_LEFT):
        return UnsentError(f"no connection to Telegram ({kind})")
    return NetworkError(f"no answer from Telegram ({kind})")


class ChatBot(ExtBot[None]):
    """A bot that hands out updates as they came, so that none is lost for being of a new kind.

    *on_move* is told the old and the new number of a group to which a request was refused for that.
    """

    def __init__(self, token: str, *, on_move: OnMove, **how: Any) -> None:
        super().__init__(token, **how)
        self._on_move = on_move

    async def _do_post(self, endpoint: str, data: dict[str, Any], **timeouts: Any) -> Any:
        try:
            return await super()._do_post(endpoint, data, **timeouts)
        except ChatMigrated as error:
            await self._on_move(_group_in(data), error.new_chat_id)
            raise

    async def fetch_updates(self, offset: int, seconds: int) -> list[dict[str, Any]]:
        """Confirm what is below *offset*, and wait up to *seconds* for what is not."""
        asked = {"offset": offset, "timeout": seconds, "allowed_updates": WANTED}
        result = await self._post("getUpdates", asked, read_timeout=seconds + _ANSWER_SECONDS)
        if not isinstance(result, list) or not all(_is_update(each) for each in result):
            raise NetworkError("Telegram answers something else than updates")
        return result


def _group_in(data: Mapping[str, Any]) -> int:
    """The group that a request is about; that of a menu stands in its scope."""
    return int(data["chat_id"] if "chat_id" in data else data["scope"].chat_id)


def _is_update(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("update_id"), int)


async def _tell_nobody(_: int, __: int) -> None:
    """Who writes to people alone meets no group that moves."""


def make_bot(token: str, base_url: str, on_move: OnMove = _tell_nobody) -> ChatBot:
    """A client for the bot of *token*; *base_url* is what stands before it.

    Raises:
        InvalidToken: it cannot be one.
    """
    trusted = httpx.create_ssl_context()  # a mebibyte, so not one for each
    return ChatBot(
        token,
        on_move=on_move,
        base_url=base_url,
        request=_request(_CONNECTIONS, trusted),
        get_updates_request=_request(2, trusted),
    )


def _request(connections: int, trusted: ssl.SSLContext) -> _Request:
    return _Request(
        httpx_kwargs={"verify": trusted},
        connection_pool_size=connections,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_ANSWER_SECONDS,
        write_timeout=_ANSWER_SECONDS,
        media_write_timeout=_UPLOAD_SECONDS,
        pool_timeout=_CONNECT_SECONDS,
    )


def quiet_libraries() -> None:
    """Keep the libraries from logging addresses, which hold the token, and whole answers."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("telegram").setLevel(logging.ERROR)
    logging.getLogger("telegram.request").setLevel(logging.CRITICAL)


def words(error: TelegramError) -> str:
    """What went wrong, for people; a refused token is never quoted."""
    return "the token is refused" if isinstance(error, InvalidToken) else error.message
