"""What a set-up stack has, which steps are still to be done, and what its settings file says.

Nothing is remembered of a set-up but what it has made: whoever looks sees which step comes next,
so that one that was cut off anywhere goes on where it was, and a second one has nothing to do.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.env_text import without_value
from bot.domain.errors import ConfigError

BOT_STATE = "/var/lib/akbot"
"""Where the bot's container has its state folder."""


@dataclass(frozen=True)
class Ground:
    """The stack's *folder* and PostgreSQL's *network*.

    *bot* is the service of the stack's own project that is a bot, whose state lies in the folder
    *state* of the host; both are "" where it has none.
    """

    folder: str
    network: str
    bot: str = ""
    state: str = ""


def choose_network(database: Sequence[str], server: Sequence[str]) -> str:
    """The one in which the database meets the server; "" where the database is in none."""
    met = sorted({*database} & {*server}) or sorted(database)
    return met[0] if met else ""


class Step(StrEnum):
    """In the order in which they are done."""

    SETTINGS = "write akbot.env"
    PLACE = "write down where the stack is"
    KEYS = "make the keys"
    KIT = "see that the private key is kept"
    BACKUP = "make the first backup"
    DRILL = "prove it by a drill"
    BOT = "start the bot"


@dataclass(frozen=True)
class BotState:
    """The bot's container: *since* when it runs, None where it does not."""

    since: datetime | None = None
    well: bool = False


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """What there is. *can_drill* is whether a private key that opens the backups is on this host.

    *settings_changed* is when akbot.env was last written, None where there is none.
    """

    settings_written: bool
    place_written: bool
    has_keys: bool
    kit_confirmed: bool
    has_backup: bool
    has_drill: bool
    can_drill: bool
    settings_changed: datetime | None
    bot: BotState


def remaining(found: SetUp) -> tuple[Step, ...]:
    """What is still to be done, first things first."""
    done = {
        Step.SETTINGS: found.settings_written,
        Step.PLACE: found.place_written,
        Step.KEYS: found.has_keys,
        Step.KIT: found.kit_confirmed,
        Step.BACKUP: found.has_backup,
        Step.DRILL: found.has_drill or not found.can_drill,
        Step.BOT: _works_with(found.bot, found.settings_changed),
    }
    return tuple(step for step in Step if not done[step])


def _works_with(bot: BotState, changed: datetime | None) -> bool:
    """The daemon reads its settings once, when it starts."""
    return bot.well and bot.since is not None and (changed is None or changed < bot.since)


def recommended(said: Mapping[str, str]) -> str:
    """What is worth setting besides, where akbot.env has *said* nothing of it."""
    if said.get("AKBOT_GATE_LOGIN_USER"):
        return ""
    return (
        "recommended: let updates be judged by a real login. Make a user in Authentik with a"
        " password, without any rights and without a second factor, set AKBOT_GATE_LOGIN_USER and"
        " AKBOT_GATE_LOGIN_PASSWORD in akbot.env, and run this again."
    )


def with_values(text: bytes, values: Mapping[str, str]) -> bytes:
    """An akbot.env with these *values*, every other line as it is.

    Raises:
        ConfigError: a value has a line's end in it.
    """
    for name, value in values.items():
        if re.search(r"[\r\n]", value):
            raise ConfigError(
                f"{name}: there is more than one line in it", hint="Write it in one line."
            )
        while (shorter := without_value(text, name)) != text:
            text = shorter
        ending = b"" if not text or text.endswith(b"\n") else b"\n"
        text += ending + f"{name}={quoted(value)}\n".encode()
    return text


def quoted(value: str) -> str:
    """As whoever reads an akbot.env takes it for the same."""
    if re.fullmatch(r"[A-Za-z0-9._@%+=:,/?&-]*", value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
