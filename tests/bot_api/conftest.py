"""A Bot API, and two ways to ask it: the library, and plain HTTP where the library hides things."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import telegram as library
from telegram.request import HTTPXRequest

from tests.bot_api.server import BotApi, bot_api

ADA = 7


PATIENCE = 120
"""Seconds that the library and plain requests wait, on however busy a machine."""


def connection() -> HTTPXRequest:
    """Return what the library sends with; without certificates, which take long to load."""
    return HTTPXRequest(
        read_timeout=PATIENCE,
        write_timeout=PATIENCE,
        connect_timeout=PATIENCE,
        pool_timeout=PATIENCE,
        httpx_kwargs={"verify": False},
    )


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Asking:
    """Plain requests to *telegram*, over one connection."""

    telegram: BotApi
    client: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=PATIENCE, verify=False)
    )

    def __call__(self, method: str, **parameters: Any) -> Any:
        """Return the result of a request that must succeed."""
        body = self.post(method, **parameters).json()
        assert body["ok"], body
        return body["result"]

    def post(self, method: str, **parameters: Any) -> httpx.Response:
        return self.client.post(self.telegram.url(method), json=parameters)

    def refusal(self, method: str, **parameters: Any) -> tuple[int, str]:
        """Return code and description of a request that must fail."""
        return self.refused(self.post(method, **parameters))

    def refused(self, answer: httpx.Response) -> tuple[int, str]:
        body = answer.json()
        assert not body["ok"]
        assert body["error_code"] == answer.status_code
        return answer.status_code, body["description"]

    def says(self, text: str, **parameters: Any) -> Any:
        """Send a message to Ada."""
        return self("sendMessage", chat_id=ADA, text=text, **parameters)


def bad(why: str) -> tuple[int, str]:
    return 400, f"Bad Request: {why}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def telegram(clock: Clock) -> Iterator[BotApi]:
    with bot_api(now=clock) as api:
        api.user(ADA, "Ada")
        yield api


@pytest.fixture
def ask(telegram: BotApi) -> Iterator[Asking]:
    asking = Asking(telegram)
    with asking.client:
        yield asking


@pytest.fixture
async def bot(telegram: BotApi) -> AsyncIterator[library.Bot]:
    async with library.Bot(
        telegram.token,
        base_url=telegram.base_url,
        request=connection(),
        get_updates_request=connection(),
    ) as connected:
        yield connected
