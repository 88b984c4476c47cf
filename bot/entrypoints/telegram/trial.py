"""Sends a test message to everybody who would hear of an alarm, beside a daemon or without one.

It only sends: what the daemon's chat reads and what waits in its outbox are left alone.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from bot.domain.errors import ConfigError, PortError
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
    """Whether *user* was reached and, if not, why and what they can do."""

    user: int
    arrived: bool
    reason: str


async def send_trials(
    token: str, base_url: str, people: Collection[int], clock: Clock
) -> list[Trial]:
    """Write to each of *people*.

    Raises:
        ConfigError: Telegram refuses the token.
        PortError: Telegram cannot be reached; nobody was written to.
    """
    quiet_libraries()
    bot = await asyncio.to_thread(make_bot, token, base_url)
    try:
        await _connect(bot)
        return [await _trial(bot, user, clock) for user in sorted(people)]
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


async def _trial(bot: ChatBot, user: int, clock: Clock) -> Trial:
    for _ in range(_TRIES):
        try:
            await bot.send_message(user, away_texts.trial(), parse_mode=ParseMode.HTML)
        except FloodError as error:
            if error.seconds > _LONGEST_WAIT:
                break
            await clock.sleep(error.seconds)
        except (Forbidden, BadRequest) as error:
            return _missed(user, away_texts.not_reached(error.message, bot.username))
        except UnsentError as error:
            return _missed(user, words(error))
        except TelegramError as error:
            return _missed(user, f"{words(error)}; it may have arrived all the same")
        else:
            return Trial(user, arrived=True, reason="")
    return _missed(user, "Telegram wants fewer messages; try again in some minutes")


def _missed(user: int, reason: str) -> Trial:
    return Trial(user, arrived=False, reason=reason)
