"""What a database holds, counted in one session."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.adapters import catalogue_sql as sql
from bot.adapters.psql import PsqlSession
from bot.domain.contents import Contents
from bot.domain.manifest import DatabaseFacts, SchemaFingerprint, VersionRow


async def read_facts(session: PsqlSession, database: str, size: int) -> DatabaseFacts:
    """Counts of every table and the fingerprint; *size* in bytes was asked before."""
    rows: dict[str, int] = await session.ask(sql.COUNT_ROWS)
    catalogues: dict[str, str] = await session.ask(sql.CATALOGUE)
    migrated: list[str] = await session.ask(sql.SCHEMAS_WITH_MIGRATIONS)
    migrations = {schema: await session.ask(sql.migrations_of(schema)) for schema in migrated}
    has_history = await session.ask(sql.VERSION_HISTORY_EXISTS)
    versions: list[dict[str, str]] = await session.ask(sql.VERSION_HISTORY) if has_history else []
    return DatabaseFacts(
        name=database,
        size=size,
        rows=rows,
        schemas={
            schema: _fingerprint(digest, migrations.get(schema))
            for schema, digest in catalogues.items()
        },
        versions=tuple(VersionRow(**row) for row in versions),
    )


def _fingerprint(digest: str, migrations: Mapping[str, Any] | None) -> SchemaFingerprint:
    if migrations is None:
        return SchemaFingerprint(digest)
    applied = {app: tuple(names) for app, names in migrations["applied"].items()}
    return SchemaFingerprint(digest, migrations["newest"], applied)


async def read_contents(session: PsqlSession) -> Contents:
    """What a person would look for first; None for what the database has no table of."""
    found: dict[str, Any] = await session.ask(sql.CONTENTS)
    newest = found.get("newest_event")
    return Contents(
        users=found.get("users"),
        applications=found.get("applications"),
        newest_event=datetime.fromisoformat(newest) if newest else None,
    )
