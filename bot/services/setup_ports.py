"""What setting akbot up needs of the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.kit import Kit
from bot.domain.setup import BotState


class SetupFiles(Protocol):
    """The two files that a set-up writes, and a sheet of paper; each appears whole or not at all.

    What was there before the first write is kept aside until `take_back`.
    """

    async def settings(self) -> Mapping[str, str]:
        """What akbot.env sets; empty where there is none."""

    async def is_private(self) -> bool:
        """Whether there is an akbot.env, and only its owner can read it."""

    async def changed_at(self) -> datetime | None:
        """When akbot.env was written, None where there is none."""

    async def write_settings(self, values: Mapping[str, str]) -> None:
        """Let akbot.env say *values* as well, for its owner alone."""

    async def place(self) -> Mapping[str, str]:
        """What the bot's compose file is told; empty where nothing was written."""

    async def write_place(self, values: Mapping[str, str]) -> None:
        """Let the file that the bot's compose file reads say *values* as well."""

    async def write_sheet(self, kit: Kit) -> str:
        """Lay the recovery kit where a person finds it, for its owner alone; its path."""

    async def remove_sheet(self) -> None:
        """Remove it; where there is none nothing is done."""

    async def take_back(self) -> Sequence[str]:
        """Let each of the files be as before; tells what was done, nothing the second time."""

    async def remove_keys(self) -> Sequence[str]:
        """Delete the private key and the signing key; tells which there were."""


class BotContainer(Protocol):
    """The bot's own container."""

    async def look(self) -> BotState:
        """How it is."""

    async def start(self) -> None:
        """Let it run with the settings that are written now; it is well when this returns.

        Raises PortError where it does not become so.
        """

    async def remove(self) -> bool:
        """Let there be none; false where there was none, or where the stack's own file has it."""


class FirstJobs(Protocol):
    """What proves that all works together."""

    async def has_backup(self) -> bool:
        """Whether there is a good one."""

    async def has_drill(self) -> bool:
        """Whether one has passed."""

    async def backup(self) -> str:
        """Make one; its id."""

    async def drill(self) -> str:
        """Drill the newest; what came back, in words. Raises BotError where it does not pass."""


class Proof(Protocol):
    """A person who keeps the private key."""

    @property
    def typed(self) -> str:
        """The answer to the challenge of the set-up before, "" where none was given."""

    @property
    def patient(self) -> bool:
        """Whether a wrong answer can be followed by another one."""

    async def answer(self, challenge: str, sheet: str) -> str:
        """What *challenge* says, opened with the kept key; "" where nobody can tell now.

        *sheet* is where the key can be read, "" where it is not on this host.
        """


@dataclass(frozen=True)
class Writer:
    """Somebody who has written to the chat's bot: in *chat*, which for a person alone is *id*."""

    id: int
    name: str
    chat: int


class ChatTrial(Protocol):
    """Telegram, asked with the token that is to be used."""

    async def name(self) -> str:
        """The bot's name there. ConfigError where the token is refused, PortError where away."""

    async def writers(self, within: float) -> Sequence[Writer]:
        """Who has written to it, waited for up to *within* seconds; their messages stay unread."""


class Questions(Protocol):
    """A person at a terminal."""

    async def ask(self, words: str) -> str:
        """What is typed, "" for nothing."""

    async def secret(self, words: str) -> str:
        """Likewise, and not shown."""

    def tell(self, *lines: str) -> None:
        """Say something."""
