"""A first look at a bot's token, and at who has written to it; no message is taken from it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from telegram.error import Conflict, InvalidToken, TelegramError

from bot.domain.errors import BotError, ConfigError, PortError, RefusedError
from bot.entrypoints.telegram.client import ChatBot, make_bot, quiet_libraries, words
from bot.services.ports import Clock
from bot.services.setup_ports import Writer

_LONGEST = 40
_AT_ONCE = 20.0  # seconds that one request may wait


@dataclass(frozen=True)
class Acquaintance:
    """Port `ChatTrial`; *base_url* is what stands before the token."""

    token: str = field(repr=False)
    base_url: str
    clock: Clock

    async def name(self) -> str:
        async with self._bot() as bot:
            return str(bot.username)

    async def writers(self, within: float) -> Sequence[Writer]:
        async with self._bot() as bot:
            end = self.clock.monotonic() + within
            while True:
                left = max(0.0, min(end - self.clock.monotonic(), _AT_ONCE))
                try:
                    updates = await bot.fetch_updates(0, int(left))  # 0: none of them is confirmed
                except Conflict:
                    raise RefusedError(
                        "another program reads the messages of this bot",
                        hint="Stop it, or make another bot with @BotFather; or set"
                        " AKBOT_TELEGRAM_ADMINS yourself.",
                    ) from None
                except TelegramError as error:
                    raise _away(error) from error
                if found := _writers(updates):
                    return found
                if self.clock.monotonic() >= end:
                    raise RefusedError(
                        f"nobody has written to @{bot.username}",
                        hint=f"Open https://t.me/{bot.username}, press Start, and run this again;"
                        " or set AKBOT_TELEGRAM_ADMINS yourself.",
                    )

    @asynccontextmanager
    async def _bot(self) -> AsyncGenerator[ChatBot]:
        quiet_libraries()
        try:
            bot = await asyncio.to_thread(make_bot, self.token, self.base_url)
        except InvalidToken:
            raise _refused() from None
        try:
            try:
                await bot.initialize()
            except InvalidToken:
                raise _refused() from None
            except TelegramError as error:
                raise _away(error) from error
            yield bot
        finally:
            await bot.shutdown()


def _refused() -> BotError:
    return ConfigError(
        "AKBOT_TELEGRAM_TOKEN: Telegram refuses the token",
        hint="Copy it anew from @BotFather, who also shows whether it was revoked. Nothing was"
        " written.",
    )


def _away(error: TelegramError) -> BotError:
    return PortError(
        f"reach Telegram: {words(error)}",
        hint="Look at this host's way to the internet and at AKBOT_TELEGRAM_API. Nothing was"
        " written.",
        retryable=True,
    )


def _writers(updates: Sequence[Mapping[str, Any]]) -> list[Writer]:
    """Each person in each chat once, in the order of what they wrote."""
    found: dict[tuple[int, int], Writer] = {}
    for update in updates:
        message = update.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("from"), dict):
            continue
        person, chat = message["from"], int(message["chat"]["id"])
        name = "".join(each for each in str(person["first_name"]) if each.isprintable())
        writer = Writer(int(person["id"]), name[:_LONGEST], chat)
        found[writer.id, writer.chat] = writer
    return list(found.values())
