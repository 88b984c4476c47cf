"""The copy of the database that a hop keeps: made before it, swapped back in, dropped at last."""

import asyncio
from dataclasses import dataclass

from bot.domain.schema_change import (
    RowsMoved,
    SchemaChange,
    WayBack,
    is_short_of_rows,
    judge_change,
    rows_moved,
)
from bot.services.endings import all_ended
from bot.services.restore_ports import DatabaseAdmin

_NONE = RowsMoved()


@dataclass(frozen=True)
class PutBack:
    """What had to be done to the database; *moved* rows were written, *aside* is its name now.

    *doubts* is what could not be put back, a sentence each.
    """

    change: SchemaChange | None = None
    moved: RowsMoved = _NONE
    aside: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def copy_stays(self) -> bool:
        """Whether the copy has rows that are nowhere else."""
        return is_short_of_rows(self.change, self.moved)


@dataclass(frozen=True)
class HopDatabase:
    """Authentik's is *live*, its copy *snapshot*; what did not hold is put by as *failed*."""

    databases: DatabaseAdmin
    live: str
    snapshot: str
    failed: str

    async def copy(self) -> None:
        """Shut what is live, and copy it."""
        await self.databases.fence(self.live)
        await self.databases.copy(self.live, self.snapshot)

    async def open(self) -> None:
        """Let people into what is live."""
        await self.databases.unfence(self.live)

    async def put_right(self) -> PutBack:
        """Decide by what is in it; a row that is in the way goes, all else is for the swap."""
        names = await self.databases.names()
        if self.snapshot not in names:
            return PutBack(aside=self.failed if self.failed in names else "")
        # a container that was killed leaves its sessions at work, which may change it yet
        await self.databases.fence(self.live)
        await all_ended(*map(self.databases.unfence, (self.live, self.snapshot)))
        before, now = await asyncio.gather(
            self.databases.facts(self.snapshot), self.databases.facts(self.live)
        )
        change = judge_change(before, now)
        if change.way is WayBack.DELETE_VERSION:
            await self.databases.delete_versions(self.live, change.versions)
        await self.databases.fence(self.live, self.snapshot)
        aside = self.failed if change.way is WayBack.SWAP else ""
        return PutBack(change, rows_moved(before, now), aside)

    async def swap(self) -> None:
        """Put the copy in the place of what is live; both are shut."""
        await self.databases.swap(self.live, self.failed, self.snapshot)

    async def keeps_failed(self) -> bool:
        """Whether what did not hold is still there."""
        return self.failed in await self.databases.names()

    async def drop(self) -> None:
        """Remove the copy, and what did not hold."""
        for name in (self.snapshot, self.failed):
            await self.databases.drop(name)
