"""Sends a test message to everybody who would hear of an alarm, beside a daemon or without one.

It only sends: what the daemon's chat reads and what waits in its outbox are left alone.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from bot.domain.errors import ConfigError, PortError
from bot.domain.roles import ChatPlace
from bot.entrypoints.telegram import away_texts
from bot.entrypoints.telegram.client import (
    ChatBot,
    FloodError,
    UnsentError,
    make_bot,
    quiet_libraries,
    words,
)
from bot.services.ports import Clock

_TRIES = 3
_LONGEST_WAIT = 30.0  # seconds


@dataclass(frozen=True)
class Trial:
    """Whether *user*, or the group of that number, was reached; if not, why and what helps."""

    user: int
    topic: int | None
    arrived: bool
    reason: str


async def send_trials(
    token: str, base_url: str, hearers: Collection[ChatPlace], clock: Clock
) -> list[Trial]:
    """Write to each of *hearers*.

    Raises:
        ConfigError: Telegram refuses the token.
        PortError: Telegram cannot be reached; nobody was written to.
    """
    quiet_libraries()
    bot = await asyncio.to_thread(make_bot, token, base_url)
    try:
        await _connect(bot)
        return [await _trial(bot, place, clock) for place in hearers]
    finally:
        await bot.shutdown()


async def _connect(bot: ChatBot) -> None:
    try:
        await bot.initialize()
    except InvalidToken:
        raise ConfigError(
            "AKBOT_TELEGRAM_TOKEN: Telegram refuses the token",
            hint="Copy it anew from @BotFather, who also shows whether it was revoked.",
        ) from None
    except TelegramError as error:
        raise PortError(
            f"reach Telegram: {words(error)}; nobody was written to",
            hint="Look at this host's way to the internet and at AKBOT_TELEGRAM_API.",
            retryable=True,
        ) from error


async def _trial(bot: ChatBot, place: ChatPlace, clock: Clock) -> Trial:
    for _ in range(_TRIES):
        try:
            await bot.send_message(
                place.chat,
                away_texts.trial(),
                parse_mode=ParseMode.HTML,
                message_thread_id=place.thread,
            )
        except FloodError as error:
            if error.seconds > _LONGEST_WAIT:
                break
            await clock.sleep(error.seconds)
        except (Forbidden, BadRequest) as error:
            return _missed(place, away_texts.not_reached(place.chat, error.message, bot.username))
        except UnsentError as error:
            return _missed(place, words(error))
        except TelegramError as error:
            return _missed(place, f"{words(error)}; it may have arrived all the same")
        else:
            return Trial(place.chat, place.thread, arrived=True, reason="")
    return _missed(place, "Telegram wants fewer messages; try again in some minutes")


def _missed(place: ChatPlace, reason: str) -> Trial:
    return Trial(place.chat, place.thread, arrived=False, reason=reason)
