"""Whether a version has touched the database, told by comparing it with its copy from before.

Authentik's own migrations leave a row each, its system migrations only another catalogue, and the
version row is written before either (authentik-facts sections 5.2 and 5.4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.manifest import DatabaseFacts, SchemaFingerprint, VersionRow
from bot.domain.plural import count_of


class WayBack(StrEnum):
    """What must happen to the database before the old version may serve on it again."""

    STAY = "stay"  # nothing moved
    DELETE_VERSION = "delete version"  # only the row that says which version was started is new
    SWAP = "swap"  # the copy from before goes in its place


@dataclass(frozen=True)
class SchemaChange:
    """*versions* are the rows to delete where that is the way; *words* say what moved."""

    way: WayBack
    words: str
    versions: tuple[VersionRow, ...] = ()


def judge_change(before: DatabaseFacts, now: DatabaseFacts) -> SchemaChange:
    """Compare the live database with its copy from before the new version was started."""
    applied = _applied(before.schemas, now.schemas)
    if applied > 0:
        return SchemaChange(WayBack.SWAP, f"{count_of(applied, 'migration')} had been applied")
    if before.schemas != now.schemas:
        return SchemaChange(WayBack.SWAP, "the database's tables had been changed")
    lost = [each for each in before.versions if each not in now.versions]
    new = tuple(each for each in now.versions if each not in before.versions)
    if lost:
        return SchemaChange(WayBack.SWAP, "the record of versions had been changed")
    if new:
        names = ", ".join(each.version for each in new)
        return SchemaChange(
            WayBack.DELETE_VERSION, f"nothing had been migrated, only noted that {names} began", new
        )
    return SchemaChange(WayBack.STAY, "the database had not been touched")


def _applied(before: Mapping[str, SchemaFingerprint], now: Mapping[str, SchemaFingerprint]) -> int:
    """How many migrations are there that were not there before."""
    return sum(_count(each) for each in now.values()) - sum(
        _count(each) for each in before.values()
    )


def _count(schema: SchemaFingerprint) -> int:
    return sum(len(names) for names in schema.migrations.values())


# Written without anybody doing anything (authentik-facts section 11, "Leave out").
_NOISE = (
    "authentik_tasks_", "django_postgres_cache_", "django_channels_postgres_",
    "authentik_version_history", "django_migrations",
)  # fmt: skip


@dataclass(frozen=True)
class RowsMoved:
    """How many rows there are *more* and *fewer* than in the copy, table by table.

    It is the least that was written. A row that was changed is not in it: PostgreSQL's own counters
    would have it, but they have what a migration rewrites as well, and are lost in a crash. So none
    moved does not mean that nothing was written.
    """

    more: int = 0
    fewer: int = 0

    def __bool__(self) -> bool:
        return bool(self.more or self.fewer)

    def __str__(self) -> str:
        return f"{count_of(self.more, 'row')} more and {self.fewer:,} fewer"


def rows_moved(before: DatabaseFacts, now: DatabaseFacts) -> RowsMoved:
    """Count them in the tables that both have."""
    moved = [
        count - before.rows[table]
        for table, count in now.rows.items()
        if table in before.rows and not table.partition(".")[2].startswith(_NOISE)
    ]
    return RowsMoved(
        more=sum(each for each in moved if each > 0),
        fewer=-sum(each for each in moved if each < 0),
    )


def is_short_of_rows(change: SchemaChange | None, moved: RowsMoved) -> bool:
    """Whether the old version serves on a database that has lost rows which its copy has."""
    return change is not None and change.way is not WayBack.SWAP and moved.fewer > 0
