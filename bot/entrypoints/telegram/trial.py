"""Sends a test message to everybody who would hear of an alarm, beside a daemon or without one.

It only sends: what the daemon's chat reads and what waits in its outbox are left alone.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

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
    """Whether *user*, or the group of that number, was reached; if not, why and what helps.

    *moved_to* is the group's number where it has another one now.
    """

    user: int
    topic: int | None
    arrived: bool
    reason: str
    moved_to: int | None


async def send_trials(
    token: str,
    base_url: str,
    hearers: Collection[ChatPlace],
    moved: Mapping[int, int],
    clock: Clock,
) -> list[Trial]:
    """Write to each of *hearers*, a group where it is now: *moved* has its number by the old one.

    Raises:
        ConfigError: Telegram refuses the token.
        PortError: Telegram cannot be reached; nobody was written to.
    """
    quiet_libraries()
    bot = await asyncio.to_thread(make_bot, token, base_url)
    try:
        await _connect(bot)
        return [await _trial(bot, place, moved, clock) for place in hearers]
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


async def _trial(bot: ChatBot, place: ChatPlace, moved: Mapping[int, int], clock: Clock) -> Trial:
    chat = moved.get(place.chat, place.chat)
    for _ in range(_TRIES):
        try:
            await bot.send_message(
                chat,
                away_texts.trial(),
                parse_mode=ParseMode.HTML,
                message_thread_id=place.thread,
            )
        except FloodError as error:
            if error.seconds > _LONGEST_WAIT:
                break
            await clock.sleep(error.seconds)
        except ChatMigrated as error:
            chat = error.new_chat_id
        except (Forbidden, BadRequest) as error:
            return _ended(place, chat, away_texts.not_reached(chat, error.message, bot.username))
        except UnsentError as error:
            return _ended(place, chat, words(error))
        except TelegramError as error:
            return _ended(place, chat, f"{words(error)}; it may have arrived all the same")
        else:
            return _ended(place, chat)
    return _ended(place, chat, "Telegram wants fewer messages; try again in some minutes")


def _ended(place: ChatPlace, chat: int, reason: str = "") -> Trial:
    moved_to = chat if chat != place.chat else None
    return Trial(place.chat, place.thread, arrived=not reason, reason=reason, moved_to=moved_to)
