"""What a preflight sees of a database: of the stand-in's schema, of real ones, and of none."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.postgres import Login
from bot.adapters.preflight import database_state
from bot.domain.preflight_facts import DatabaseState
from tests.contracts.stacks import Postgres, postgres_server, until

pytestmark = pytest.mark.docker
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"
GROUPS = """
CREATE TABLE {schema}.authentik_core_group (name text);
INSERT INTO {schema}.authentik_core_group VALUES ('one'), ('{name}'), ('{name}');
CREATE TABLE {schema}.authentik_outposts_outpost (name text, managed text);
INSERT INTO {schema}.authentik_outposts_outpost
VALUES ('authentik Embedded Outpost', 'goauthentik.io/outposts/embedded'), ('ldap {name}', NULL);
"""
HISTORY = """
CREATE TABLE authentik_version_history (id int, "timestamp" timestamptz, version text, build text);
INSERT INTO authentik_version_history VALUES (1, now() - interval '1 day', '2025.4.1', ''),
  (2, now(), '2025.8.6', '');
CREATE TABLE authentik_tasks_workerstatus (version text, last_seen timestamptz);
INSERT INTO authentik_tasks_workerstatus VALUES ('2025.8.6', now()), ('2025.8.6', now()),
  ('2025.6.4', now() - interval '3 minutes');
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres_server(17) as server:
        yield server


@pytest.fixture
async def api() -> AsyncIterator[EngineApi]:
    api = EngineApi("unix:///var/run/docker.sock")
    yield api
    await api.close()


async def state_of(api: EngineApi, server: Postgres, name: str) -> DatabaseState:
    return await database_state(api, server.clients, Login("postgres", name))


async def test_an_empty_database(api: EngineApi, server: Postgres) -> None:
    state = await state_of(api, server, server.new_database())

    assert state.server // 10_000 == 17
    assert state.encoding == "UTF8"
    assert state.room
    assert 0 < state.size < state.room.data.free
    assert (state.written_version, state.workers) == (None, None)
    assert (state.migrating, state.idle) == (0, 0)
    assert 0 < state.connections < state.max_connections
    assert (state.duplicate_groups, state.outposts) == ((), ())


async def test_versions_groups_and_outposts_of_every_tenant(
    api: EngineApi, server: Postgres
) -> None:
    name = server.new_database(
        "CREATE SCHEMA t_one; CREATE SCHEMA other;"
        + GROUPS.format(schema="public", name="twice")
        + GROUPS.format(schema="t_one", name="it''s \"two\" 🦊")
        + GROUPS.format(schema="other", name="not Authentik''s")
        + HISTORY
    )

    state = await state_of(api, server, name)

    assert sorted(state.duplicate_groups) == ['it\'s "two" 🦊', "twice"]
    assert sorted(state.outposts) == ['ldap it\'s "two" 🦊', "ldap twice"]
    assert (state.written_version, state.workers) == ("2025.8.6", ("2025.8.6",))
    login = Login("postgres", name)
    later = await database_state(api, server.clients, login, "2999-01-01T00:00:00.123456789Z")
    assert later.workers == (), "what was seen before the stack's own worker was started"


@contextmanager
def migration(server: Postgres, name: str) -> Iterator[None]:
    """Somebody who holds Authentik's lock in the database *name*."""
    client = ("docker", "exec", server.container.id, "psql", "-U", "postgres", "-d", name, "-c")
    with subprocess.Popen([*client, "SELECT pg_advisory_lock(1000), pg_sleep(60)"]) as process:
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1000"
        try:
            assert until(lambda: server.psql(locks) == "1")
            yield
        finally:
            sessions = f"FROM pg_stat_activity WHERE datname = '{name}'"
            server.psql(f"SELECT pg_terminate_backend(pid) {sessions}")
            process.wait()


async def test_somebody_who_migrates(api: EngineApi, server: Postgres) -> None:
    name, elsewhere = server.new_database(), server.new_database()

    with migration(server, name):
        during = await state_of(api, server, name)
        beside = await state_of(api, server, elsewhere)

    assert (during.migrating, beside.migrating) == (1, 0)
    assert (await state_of(api, server, name)).migrating == 0


@pytest.mark.parametrize("version", ["2025.6.4", "2025.8.6", "2025.10.4"])
async def test_a_real_database(api: EngineApi, server: Postgres, version: str) -> None:
    dump = REAL / f"authentik-{version}.dump"
    if not dump.exists():
        pytest.skip("no dumps of real databases on this machine")
    name = server.restored(dump.read_bytes(), "--no-owner")

    state = await state_of(api, server, name)

    assert state.written_version == version
    assert state.workers == (None if version == "2025.6.4" else ())
    assert state.duplicate_groups == ()
    assert state.outposts == ()
