"""A host that is set up, in memory; the contract tests hold its files to the same promises."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.errors import ConfigError, PortError, RefusedError
from bot.domain.kit import Kit
from bot.domain.kit_sheet import kit_sheet
from bot.domain.setup import BotState
from bot.entrypoints.setup_terminal import opened
from bot.services.setup_ports import Writer
from tests.fakes_stack import NOW

SHEET = "/srv/authentik/akbot-kit.txt"


@dataclass
class FakeSetupFiles:
    """SetupFiles; each write is a moment later than the one before."""

    said: dict[str, str] | None = None
    private: bool = True
    told: dict[str, str] | None = None
    sheet: str = ""
    aside: dict[str, dict[str, str] | None] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    now: datetime = NOW
    changed: datetime | None = None

    async def settings(self) -> Mapping[str, str]:
        return dict(self.said or {})

    async def is_private(self) -> bool:
        return self.said is not None and self.private

    async def changed_at(self) -> datetime | None:
        return self.changed

    async def write_settings(self, values: Mapping[str, str]) -> None:
        self.aside.setdefault("settings", self.said)
        self.said, self.private = {**(self.said or {}), **values}, True
        self.changed = self.tick()

    async def place(self) -> Mapping[str, str]:
        return dict(self.told or {})

    async def write_place(self, values: Mapping[str, str]) -> None:
        self.aside.setdefault("place", self.told)
        self.told = {**(self.told or {}), **values}

    async def write_sheet(self, kit: Kit) -> str:
        self.sheet = kit_sheet(kit, lambda _: [])
        return SHEET

    async def remove_sheet(self) -> None:
        self.sheet = ""

    async def take_back(self) -> Sequence[str]:
        told = [f"{name} as before" for name in self.aside]
        self.said = self.aside.pop("settings", self.said)
        self.told = self.aside.pop("place", self.told)
        return told

    async def remove_keys(self) -> Sequence[str]:
        gone, self.keys = self.keys, []
        return gone

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class FakeBot:
    """BotContainer; it remembers with which settings it runs."""

    files: FakeSetupFiles
    runs_with: Mapping[str, str] | None = None
    since: datetime | None = None
    fails: bool = False

    async def look(self) -> BotState:
        return BotState(self.since, well=self.since is not None)

    async def start(self) -> None:
        if self.fails:
            raise PortError("start the bot: it is restarting, and not well")
        self.runs_with, self.since = await self.files.settings(), self.files.tick()

    async def remove(self) -> bool:
        was, self.since, self.runs_with = self.since, None, None
        return was is not None


@dataclass
class FakeFirstJobs:
    backups: list[str] = field(default_factory=list)
    drills: list[str] = field(default_factory=list)

    async def has_backup(self) -> bool:
        return bool(self.backups)

    async def has_drill(self) -> bool:
        return bool(self.drills)

    async def backup(self) -> str:
        self.backups.append("a backup")
        return self.backups[-1]

    async def drill(self) -> str:
        self.drills.append("a drill")
        return self.drills[-1]


@dataclass
class FakeProof:
    """Somebody who keeps *key*, or nobody at "", and mistypes *wrong* answers first."""

    key: str = ""
    typed: str = ""
    wrong: list[str] = field(default_factory=list)
    patient: bool = True
    challenges: list[str] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)

    async def answer(self, challenge: str, sheet: str) -> str:
        self.challenges.append(challenge)
        self.sheets.append(sheet)
        if self.wrong:
            return self.wrong.pop(0)
        return await asyncio.to_thread(opened, challenge, self.key) if self.key else ""


@dataclass
class FakeChatTrial:
    token: str = "good"
    wrote: list[Writer] = field(default_factory=list)

    async def name(self) -> str:
        if self.token != "good":
            raise ConfigError("AKBOT_TELEGRAM_TOKEN: Telegram refuses the token")
        return "a_bot"

    async def writers(self, within: float) -> Sequence[Writer]:  # noqa: ARG002 - the port's
        if not self.wrote:
            raise RefusedError("nobody has written to @a_bot")
        return self.wrote


@dataclass
class FakeQuestions:
    """Somebody who answers these *lines*, one after another; nothing more is asked."""

    lines: list[str]
    told: list[str] = field(default_factory=list)

    async def ask(self, words: str) -> str:
        self.told.append(words)
        return self.lines.pop(0)

    async def secret(self, words: str) -> str:
        return await self.ask(words)

    def tell(self, *lines: str) -> None:
        self.told += lines
