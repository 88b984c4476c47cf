"""`akbot notify test`: whether alarms arrive, tried before they have to."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from bot.domain.errors import ConfigError
from bot.domain.printable import one_line
from bot.entrypoints.streams import say

if TYPE_CHECKING:
    from bot.app import App
    from bot.entrypoints.telegram.trial import Trial


HELP = "send a test message to everybody who would hear of an alarm"


def _name(trial: "Trial") -> str:
    """As `AKBOT_TELEGRAM_ALERTS` has it."""
    return f"{trial.user}/{trial.topic}" if trial.topic else str(trial.user)


def _line(trial: "Trial") -> str:
    """How it went, and what to mend."""
    told = "arrived" if trial.arrived else f"did not arrive: {trial.reason}"
    if trial.moved_to:
        told += (
            f"; it is a supergroup now: name it {trial.moved_to} in AKBOT_TELEGRAM_ALERTS from"
            " now on"
        )
    return f"{_name(trial)}: {told}"


async def notify(app: "App", args: argparse.Namespace) -> int:
    """Write to everybody; 1 where somebody was not reached."""
    settings = app.settings
    token = settings.telegram_token.get_secret_value()
    if not token:
        raise ConfigError(
            "AKBOT_TELEGRAM_TOKEN is not set, so nobody can be written to",
            hint="Get a token from @BotFather and set it.",
        )
    hearers = settings.chat_access.hearers
    if not hearers:
        raise ConfigError(
            "AKBOT_TELEGRAM_ADMINS is empty, so nobody hears of an alarm",
            hint="Set it to your user id in Telegram, a number that @userinfobot shows.",
        )
    from bot.entrypoints.telegram.trial import send_trials  # noqa: PLC0415 - slow to import

    base_url = f"{settings.telegram_api}/bot"
    has_groups = any(each.chat < 0 for each in hearers)
    moved = await app.journal.moves.known() if has_groups else {}
    trials = await send_trials(token, base_url, hearers, moved, app.clock)
    if args.json:
        say(json.dumps([asdict(each) for each in trials], indent=1))
    else:
        say("\n".join(one_line(_line(each)) for each in trials))
    return 0 if all(each.arrived for each in trials) else 1
