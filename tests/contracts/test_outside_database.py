"""A database that is no container of the stack, over TLS, by a role that is no superuser."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.compose_program import ComposeProgram
from bot.adapters.database_client import OutsideClients
from bot.adapters.database_told import told_at, told_by_container
from bot.adapters.engine_api import EngineApi
from bot.adapters.postgres import Login, PostgresDatabase
from bot.adapters.throwaway import LABEL, remove_throw_aways
from bot.adapters.transport import Transport, Way
from bot.domain.database_rights import DatabaseRights
from bot.domain.errors import BotError, ConfigError, PortError
from bot.domain.integrity import ArchiveCheck
from bot.domain.outside_database import DatabaseSettings
from tests.contracts import stacks
from tests.contracts.stacks import Postgres, created, docker, engine_api, inspect, until
from tests.e2e.tls_site import Authority
from tests.test_live_gates import SITE

pytestmark = pytest.mark.docker

HOST, NETWORK, BESIDE = "db.example.test", "akbot-test-outside", "akbot-test-beside"
SECRET = "no:body\\knows"
GIVEN = DatabaseSettings(image="akbot-sandbox/postgres:17")
LOGIN = Login("idp", "sso")
DATA = "/var/lib/postgresql/data"
SET_UP = (
    f"CREATE ROLE idp LOGIN PASSWORD '{SECRET}'",
    "CREATE DATABASE sso OWNER idp",
    "ALTER SYSTEM SET ssl_cert_file = 'server.pem'",
    "ALTER SYSTEM SET ssl_key_file = 'server.pem'",
    "ALTER SYSTEM SET ssl = on",
    "SELECT pg_reload_conf()",
)
ROWS = """
SET ROLE idp; CREATE TABLE authentik_core_user (id serial PRIMARY KEY, name text);
INSERT INTO authentik_core_user (name) SELECT 'user ' || n FROM generate_series(1, 3) n;
"""
ONLY_TLS = f"sed -i 's/^host all all all/hostssl all all all/' {DATA}/pg_hba.conf"
TOLD = {
    "HOST": HOST,
    "USER": "idp",
    "NAME": "sso",
    "PASSWORD": "file:///etc/database-password",
    "SSLMODE": "verify-ca",
    "SSLROOTCERT": "/etc/authority.pem",
}


@dataclass(frozen=True)
class Outside:
    """The database, and the id of the container of a server that is told of it."""

    postgres: Postgres
    server: str
    authority: bytes


@contextmanager
def networks(*names: str) -> Iterator[None]:
    for name in names:
        docker("network", "create", "--label", stacks.LABEL, name)
    try:
        yield
    finally:
        for name in names:
            docker("network", "rm", name)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """The server's container never runs: all of it can be read."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    secret = authority.path.with_name("secret")
    secret.write_text(f"{SECRET}\n")
    told = [f"--env=AUTHENTIK_POSTGRESQL__{name}={value}" for name, value in TOLD.items()]
    with (
        networks(NETWORK, BESIDE),
        stacks.postgres_server(17) as postgres,
        created("redis:8", options=["--network", BESIDE, *told]) as server,
    ):
        docker("network", "connect", "--alias", HOST, NETWORK, postgres.container.id)
        docker("network", "connect", NETWORK, server)
        docker("cp", str(secret), f"{server}:/etc/database-password")
        docker("cp", str(authority.path), f"{server}:/etc/authority.pem")
        keep = ("sh", "-c", f"umask 077; cat >{DATA}/server.pem")
        pem = authority.certificate(timedelta(days=9)).read_bytes()
        stacks.inside(postgres.container, *keep, stdin=pem, user="postgres")
        stacks.inside(postgres.container, "sh", "-c", ONLY_TLS)
        for statement in SET_UP:
            postgres.psql(statement)
        postgres.psql(ROWS, "sso")
        yield Outside(postgres, server, authority.path.read_bytes())


@pytest.fixture
async def api() -> AsyncIterator[EngineApi]:
    async with engine_api() as api:
        yield api
    assert clients() == []


def clients() -> list[str]:
    """Those that are there."""
    chosen = ("--filter", f"label={LABEL}", "--filter", f"network={NETWORK}")
    ids = docker("ps", "--all", "--quiet", *chosen).decode().split()
    return [each for each in ids if inspect(each)["Config"]["Entrypoint"] == ["cat"]]


def database(api: EngineApi, shared: OutsideClients, outside: Outside) -> PostgresDatabase:
    clients = shared.told(partial(told_by_container, api, outside.server))
    return PostgresDatabase(api, Transport(api), clients, LOGIN, "a-job", is_outside=True)


async def test_a_dump_and_its_counts_come_over_tls_as_the_server_reaches_it(
    api: EngineApi, outside: Outside
) -> None:
    shared = OutsideClients(api, GIVEN)
    there = database(api, shared, outside)
    async with there.snapshot() as snapshot:
        assert (snapshot.server.version[:3], snapshot.server.database) == ("17.", "sso")
        assert snapshot.server.has_zstd
        facts = await snapshot.facts()
        dump = b"".join([block async for block in snapshot.dump()])
        [client] = clients()
        held = inspect(client)
    await shared.close()

    check = ArchiveCheck()
    check.update(dump)
    check.finish()
    assert facts.rows == {"public.authentik_core_user": 3}
    assert b"authentik_core_user" in dump
    assert_sealed(held)


def assert_sealed(held: dict[str, Any]) -> None:
    """What people and other programs of the host see of the client."""
    host = held["HostConfig"]
    assert SECRET not in json.dumps(held)
    assert (host["CapDrop"], host["ReadonlyRootfs"]) == (["ALL"], True)
    assert "no-new-privileges" in host["SecurityOpt"]
    assert 0 < host["Memory"] <= 2**30
    assert 0 < host["PidsLimit"] <= 256
    assert set(held["NetworkSettings"]["Networks"]) == {NETWORK, BESIDE}
    assert "PGSSLMODE=verify-ca" in held["Config"]["Env"]


async def test_all_at_a_time_share_one_which_stays_until_the_end(
    api: EngineApi, outside: Outside
) -> None:
    shared = OutsideClients(api, GIVEN)
    there = database(api, shared, outside)
    async with AsyncExitStack() as sessions:
        for name in ("akbot-one", "akbot-two"):
            await sessions.enter_async_context(there.maintenance(name))
        [first] = clients()
    assert await there.way_out() == Way.BASH
    assert clients() == [first]
    docker("rm", "--force", first)

    assert await there.way_out() == Way.BASH, "one that somebody removed is started again"
    await shared.close()


async def test_the_roles_come_without_what_only_a_superuser_sees(
    api: EngineApi, outside: Outside
) -> None:
    shared = OutsideClients(api, GIVEN)
    there = database(api, shared, outside)
    roles = b"".join([block async for block in there.roles()])
    rights = await there.rights()
    outside.postgres.psql("ALTER ROLE idp CREATEDB")
    assert (await there.rights()).may_create
    outside.postgres.psql("ALTER ROLE idp NOCREATEDB")
    await shared.close()

    assert b"CREATE ROLE idp" in roles
    assert b"SCRAM-SHA-256" not in roles
    assert rights == DatabaseRights(
        "idp",
        is_superuser=False,
        may_create=False,
        owns=True,
        maintenance="postgres",
        may_work_from=True,
    )


async def test_one_that_is_let_into_no_other_database_is_backed_up(
    api: EngineApi, outside: Outside
) -> None:
    outside.postgres.psql("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
    shared = OutsideClients(api, GIVEN)
    there = database(api, shared, outside)
    try:
        roles = b"".join([block async for block in there.roles()])
        async with there.snapshot() as snapshot:
            dump = b"".join([block async for block in snapshot.dump()])
            ended = await there.end_sessions()
        rights = await there.rights()
    finally:
        outside.postgres.psql("GRANT CONNECT ON DATABASE postgres, template1 TO PUBLIC")
        await shared.close()

    assert b"CREATE ROLE idp" in roles
    assert b"authentik_core_user" in dump
    assert ended == 1, "that of the snapshot"
    assert not rights.may_work_from


async def test_one_that_a_killed_restore_has_shut_is_reached_by_the_other_way(
    api: EngineApi, outside: Outside
) -> None:
    outside.postgres.psql("ALTER DATABASE sso ALLOW_CONNECTIONS false")
    shared = OutsideClients(api, GIVEN)
    try:
        ended = await database(api, shared, outside).end_sessions()
    finally:
        outside.postgres.psql("ALTER DATABASE sso ALLOW_CONNECTIONS true")
        await shared.close()

    assert ended == 0


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        pytest.param(
            replace(GIVEN, image="akbot-sandbox/postgres:15"),
            ConfigError,
            "AKBOT_DATABASE_IMAGE.*is PostgreSQL 15.*is PostgreSQL 17",
            id="an image of another version",
        ),
        pytest.param(
            replace(GIVEN, password="some-guess"),
            PortError,
            f'reach Authentik\'s database on "{HOST}".*password authentication failed',
            id="another password",
        ),
        pytest.param(
            replace(GIVEN, host="nowhere.example.test"),
            PortError,
            "could not translate host name",
            id="a host that nobody knows",
        ),
        pytest.param(
            replace(GIVEN, image="akbot-sandbox/no-such:1"), PortError, "no-such:1", id="no image"
        ),
    ],
)
async def test_what_does_not_fit_is_told_and_nothing_is_left(
    api: EngineApi,
    outside: Outside,
    given: DatabaseSettings,
    kind: type[BotError],
    words: str,
) -> None:
    shared = OutsideClients(api, given)
    with pytest.raises(kind, match=f"(?s){words}") as caught:
        await database(api, shared, outside).way_out()

    assert "some-guess" not in caught.value.in_full()


COMPOSE = f"""
services:
  server:
    image: akbot-sandbox/redis:8
    environment:
      AUTHENTIK_POSTGRESQL__HOST: {HOST}
      AUTHENTIK_POSTGRESQL__USER: idp
      AUTHENTIK_POSTGRESQL__NAME: sso
      AUTHENTIK_POSTGRESQL__PASSWORD: file:///run/secrets/password
      AUTHENTIK_POSTGRESQL__SSLMODE: verify-ca
      AUTHENTIK_POSTGRESQL__SSLROOTCERT: /certs/authority.pem
    networks: [databases]
    secrets: [password]
    volumes: ["./certs:/certs:ro"]
networks:
  databases: {{name: {NETWORK}, external: true}}
secrets:
  password: {{file: ./password.txt}}
"""


async def test_while_the_server_is_away_compose_says_what_it_would_be_told(
    api: EngineApi, outside: Outside, tmp_path: Path
) -> None:
    (tmp_path / "compose.yml").write_text(COMPOSE)
    (tmp_path / "password.txt").write_text(SECRET)
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "authority.pem").write_bytes(outside.authority)
    given = {name: stacks.CLIENT[name] for name in ("PATH", "HOME", "DOCKER_CONFIG")}
    compose = ComposeProgram(given, tmp_path / "lock")
    files = (str(tmp_path / "compose.yml"),)
    site = replace(SITE, project="nobody", working_dir=str(tmp_path), config_files=files)
    shared = OutsideClients(api, GIVEN)

    async with shared.told(partial(told_at, api, compose, site))() as client:
        done = await api.run(client.id, ["psql", "-Atc", "SELECT current_user"])
    await shared.close()

    assert (done.exit_code, done.stdout) == (0, b"idp\n"), done.stderr


HOLD = """
import asyncio, sys
from tests.contracts.test_outside_database import *
async def main():
    async with engine_api() as api:
        told = partial(told_by_container, api, sys.argv[1])
        async with OutsideClients(api, GIVEN).told(told)():
            print("held", flush=True)
            await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def killed(outside: Outside) -> str:
    """The client of a process that was killed."""
    command = [sys.executable, "-c", HOLD, outside.server]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        [client] = clients()
        process.send_signal(signal.SIGKILL)
    return client


async def test_that_of_a_killed_process_ends_and_is_swept(api: EngineApi, killed: str) -> None:
    assert until(lambda: not inspect(killed)["State"]["Running"])
    assert await remove_throw_aways(api, "") >= 1
