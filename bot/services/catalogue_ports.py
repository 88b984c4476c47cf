"""What the listing of backups asks of whoever remembers for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.domain.backup_id import BackupId
from bot.domain.judgement import Judgement


@dataclass(frozen=True)
class Shelf:
    """The backups of one stack in one store, named by *place*, as they are judged by *rules*."""

    place: str
    rules: str


class CatalogueCache(Protocol):
    """What was judged before. It saves time and decides nothing.

    It may have lost anything, and holds what was kept last; for a shelf by other rules than asked
    for it has nothing. Nothing is raised: what cannot be read or kept is told in the log.
    """

    async def known(self, shelf: Shelf) -> Mapping[BackupId, Judgement]:
        """All of the shelf that is remembered."""

    async def keep(self, shelf: Shelf, judged: Collection[Judgement]) -> None:
        """Remember these, and no judgement by other rules of what lies there."""

    async def forget(self, shelf: Shelf, gone: Collection[BackupId]) -> None:
        """Remember these no more."""


class NothingRemembered:
    """A cache for stores that are looked into once."""

    async def known(self, shelf: Shelf) -> Mapping[BackupId, Judgement]:  # noqa: ARG002
        return {}

    async def keep(self, shelf: Shelf, judged: Collection[Judgement]) -> None:
        """Nothing."""

    async def forget(self, shelf: Shelf, gone: Collection[BackupId]) -> None:
        """Nothing."""
