"""Connections to PostgreSQL, one for each use as Authentik's default has it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self, cast

import psycopg  # type: ignore[import-not-found]

from .settings import Settings

CONNECT_SECONDS = 3

DatabaseError = psycopg.Error
OperationalError = psycopg.OperationalError
ProgrammingError = psycopg.ProgrammingError


class Cursor(Protocol):
    """The rows of a statement."""

    def fetchone(self) -> tuple[Any, ...] | None: ...

    def fetchall(self) -> list[tuple[Any, ...]]: ...


class Connection(Protocol):
    """What the stand-in uses of psycopg's connection; leaving its block commits and closes."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def execute(self, query: str | bytes, params: Sequence[object] | None = None) -> Cursor: ...

    def transaction(self) -> AbstractContextManager[object]: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


def connect(settings: Settings) -> Connection:
    """Open a connection."""
    opened = psycopg.connect(
        **settings.postgresql, connect_timeout=CONNECT_SECONDS, application_name="authentik"
    )
    return cast("Connection", opened)


def has_table(connection: Connection, name: str) -> bool:
    """Say whether the public table *name* is there."""
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"public.{name}",)).fetchone()
    return bool(found and found[0])
