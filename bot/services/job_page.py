"""A job's own page of the journal, as its work sees it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.domain.backup_id import BackupId
from bot.services.journal_ports import JobJournal


@dataclass(frozen=True)
class JobPage:
    """Port `JobLog`, for one job; *heed* is told who wants it stopped."""

    journal: JobJournal
    id: BackupId
    heed: Callable[[str], None]
    facts: dict[str, str] = field(default_factory=dict)
    """The plan as written: an undo must not depend on a journal that can be read."""

    async def plan(self, **facts: str) -> None:
        await self.journal.plan(self.id, facts)
        self.facts.update(facts)

    async def commit(self, **facts: str) -> None:
        if actor := await self.journal.commit(self.id, facts):
            self.heed(actor)
            raise asyncio.CancelledError
        self.facts.update(facts)

    async def note(self, **facts: str) -> None:
        self.facts.update(facts)
        await self.journal.note(self.id, facts)

    async def step(self, name: str) -> None:
        await self.journal.step(self.id, name)
