"""Does a new backup look like this stack's? A doubt is kept with it and told, never a failure."""

from bot.domain.components import POSTGRES
from bot.domain.manifest import Component, DatabaseFacts, Manifest
from bot.domain.plural import count_of

CORE_TABLES = ("authentik_core_user", "authentik_flows_flow", "authentik_core_provider")
"""Without rows in these nobody can log in anywhere."""

_SHRUNK_TO = 0.5


def doubts(
    facts: DatabaseFacts, dump: Component | None, previous: Manifest | None
) -> tuple[str, ...]:
    """What a person should know about *facts* and their *dump*, beside the last good backup."""
    return (*_missing_tables(facts), *_shrunken(facts, previous), *_short(facts, dump, previous))


def _missing_tables(facts: DatabaseFacts) -> list[str]:
    tables = {name.rpartition(".")[2] for name in facts.rows}
    missing = [name for name in CORE_TABLES if name not in tables]
    found = [f'table "{name}" is not in the database: is it Authentik\'s?' for name in missing]
    users = sum(count for name, count in facts.rows.items() if name.endswith(f".{CORE_TABLES[0]}"))
    if not missing and users == 0:
        found.append("there is no user in the database")
    return found


def _shrunken(facts: DatabaseFacts, previous: Manifest | None) -> list[str]:
    if previous is None or previous.database is None:
        return []
    before, now = sum(previous.database.rows.values()), sum(facts.rows.values())
    if now >= before * _SHRUNK_TO:
        return []
    rows = count_of(now, "row")
    return [f"the database has {rows}, the last good backup {previous.id} had {before:,}"]


def _short(facts: DatabaseFacts, dump: Component | None, previous: Manifest | None) -> list[str]:
    """A dump that is much smaller than the last good one, though the rows are not that few."""
    earlier = previous.component(POSTGRES) if previous else None
    if dump is None or previous is None or previous.database is None or earlier is None:
        return []
    before, now = sum(previous.database.rows.values()), sum(facts.rows.values())
    share = min(1.0, now / before) if before else 1.0
    if dump.plain_size >= earlier.plain_size * share * _SHRUNK_TO:
        return []
    words = f"the dump has {dump.plain_size} bytes, that of the last good backup {previous.id} had"
    return [f"{words} {earlier.plain_size}, for about as many rows"]


_DUMP_SHARE = {True: 0.3, False: 0.7}
"""Bytes of a dump beside the database's, which has indexes too; compressed by pg_dump or not."""


def expected_dump_size(database_size: int, previous: Manifest | None, *, compressed: bool) -> int:
    """About how many bytes the dump will have, for a progress bar: as last time, or as usual."""
    earlier = previous.component(POSTGRES) if previous else None
    if previous and previous.database and earlier and previous.database.size:
        return int(database_size * earlier.plain_size / previous.database.size)
    return int(database_size * _DUMP_SHARE[compressed])
