"""Workers' rows and a migration, as the gate reads them from PostgreSQL."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from bot.adapters import gate_sql
from bot.adapters.engine_api import EngineApi
from bot.adapters.gate_probe import migration_of
from bot.adapters.psql import psql_session
from bot.domain.update_gate import MigrationSeen
from tests.contracts.stacks import Postgres, postgres_server, until

pytestmark = pytest.mark.docker
STARTED = "2026-11-25T21:26:18.667395934Z"
ROWS = """
CREATE TABLE authentik_tasks_workerstatus (version text, last_seen timestamptz);
INSERT INTO authentik_tasks_workerstatus VALUES ('2025.8.6', now()), ('2025.8.6', now()),
  ('2025.8.5', now() - interval '2 minutes'), ('2025.6.4', now() - interval '1 day');
"""
HISTORY = "CREATE SCHEMA t_one; CREATE SCHEMA other;" + "".join(
    f"CREATE TABLE {schema}.django_migrations (id int);"
    f"INSERT INTO {schema}.django_migrations SELECT generate_series(1, {rows});"
    for schema, rows in (("public", 3), ("t_one", 4), ("other", 5))
)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres_server(17) as server:
        yield server


@pytest.fixture
async def api() -> AsyncIterator[EngineApi]:
    api = EngineApi("unix:///var/run/docker.sock")
    yield api
    await api.close()


async def workers(api: EngineApi, server: Postgres, name: str, started: str) -> object:
    environment = {"PGUSER": "postgres", "PGDATABASE": name, "PGAPPNAME": "akbot-gate"}
    async with psql_session(api, server.container.id, environment) as session:
        await session.run(gate_sql.QUICKLY)
        return await session.ask(gate_sql.workers_since(started))


async def test_workers_that_beat_since_they_were_started(api: EngineApi, server: Postgres) -> None:
    name = server.new_database(ROWS)

    assert await workers(api, server, name, "2026-11-01T00:00:00.123456789Z") == ["2025.8.6"]
    assert await workers(api, server, name, "2999-01-01T00:00:00Z") == []


async def test_a_database_without_their_table(api: EngineApi, server: Postgres) -> None:
    assert await workers(api, server, server.new_database(), STARTED) is None


@contextmanager
def session_of(server: Postgres, name: str, sql: str) -> Iterator[None]:
    """A session in the database *name* that runs *sql* and stays; at the end all are ended."""
    client = ["docker", "exec", "-i", server.container.id, "psql", "-U", "postgres", "-d", name]
    with subprocess.Popen(client, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin
        process.stdin.write(f"{sql}\n")
        process.stdin.flush()
        try:
            yield
        finally:
            sessions = f"FROM pg_stat_activity WHERE datname = '{name}'"
            server.psql(f"SELECT pg_terminate_backend(pid) {sessions}")
            process.stdin.close()
            process.wait()


@contextmanager
def holder(server: Postgres, name: str, then: str) -> Iterator[None]:
    """Somebody who holds Authentik's lock in the database *name*, and goes on."""
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1000"
    with session_of(server, name, f"SELECT pg_advisory_lock(1000);\n{then}"):
        assert until(lambda: server.psql(locks) == "1")
        yield


async def migration(api: EngineApi, server: Postgres, name: str) -> MigrationSeen | None:
    environment = {"PGUSER": "postgres", "PGDATABASE": name, "PGAPPNAME": "akbot-gate"}
    async with psql_session(api, server.container.id, environment) as session:
        await session.run(gate_sql.QUICKLY)
        return await migration_of(session)


async def test_nobody_migrates(api: EngineApi, server: Postgres) -> None:
    name, elsewhere = server.new_database(HISTORY), server.new_database()

    with holder(server, elsewhere, "SELECT pg_sleep(60);"):
        assert await migration(api, server, name) is None


async def test_a_migration_that_works(api: EngineApi, server: Postgres) -> None:
    name = server.new_database(HISTORY)
    sleeps = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND datname = "

    with holder(server, name, "SELECT pg_sleep(60);"):
        assert until(lambda: server.psql(f"{sleeps} '{name}'") == "1")
        seen = await migration(api, server, name)

    assert seen
    assert (seen.active, seen.rows) == (True, 7)


async def test_a_migration_that_waits_for_somebody_s_table(
    api: EngineApi, server: Postgres
) -> None:
    name = server.new_database(f"{HISTORY} CREATE TABLE locked (id int);")
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

    with (
        holder(server, name, "BEGIN; LOCK locked; LOCK public.django_migrations IN SHARE MODE;"),
        session_of(server, name, "SELECT * FROM locked;"),
    ):
        assert until(lambda: server.psql(waits) == "1")
        first = await migration(api, server, name)
        again = await migration(api, server, name)

    assert first
    assert (first.active, first.rows) == (False, 7)
    assert again == first, "it does not move"
