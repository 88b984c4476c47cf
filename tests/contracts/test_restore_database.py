"""What DatabaseAdmin promises on both kinds of PostgreSQL: made like another, loaded, swapped."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from bot.adapters.chores import Chores
from bot.adapters.database_admin import PostgresAdmin
from bot.adapters.database_admin_sql import end_all_sessions
from bot.adapters.mount_files import MountFolders
from bot.adapters.postgres import Login
from bot.domain.errors import IntegrityError, PortError, RefusedError, RoleMissingError
from bot.domain.restore import Folder, database_name
from bot.domain.restore_room import DatabaseRoom, Disk, Room, require_room
from tests.contracts.stacks import (
    Postgres,
    docker,
    engine_api,
    inspect,
    postgres_server,
    tmpfs_volume,
    until,
)
from tests.contracts.test_database import AUTHENTIK, REAL, dump_of, piecewise
from tests.fakes_stack import tar_of
from tests.thorough import a_few

pytestmark = pytest.mark.docker

JOB = "20261123T033000Z-k3f9"
LOGIN = Login("postgres", "postgres")
LIVE = 'Odd "name"'
BALLAST = 4 * 2**20  # bytes
QUOTED = '"Odd ""name"""'
SET_UP = f"""
CREATE ROLE app LOGIN; CREATE ROLE reader;
CREATE DATABASE {QUOTED} OWNER app TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8'
  LC_CTYPE 'C' CONNECTION LIMIT 77;
ALTER DATABASE {QUOTED} SET search_path TO "$user", public, "Odd one";
ALTER DATABASE {QUOTED} SET statement_timeout TO '1h';
ALTER ROLE app IN DATABASE {QUOTED} SET work_mem TO '7MB';
REVOKE ALL ON DATABASE {QUOTED} FROM PUBLIC;
GRANT CONNECT ON DATABASE {QUOTED} TO reader WITH GRANT OPTION;
COMMENT ON DATABASE {QUOTED} IS 'It''s ours';
"""
TASKS = """
CREATE TABLE authentik_tasks_task (message_id int PRIMARY KEY, state text);
CREATE TABLE authentik_tasks_tasklog (task_id int REFERENCES authentik_tasks_task);
INSERT INTO authentik_tasks_task VALUES (1, 'queued'), (2, 'done'), (3, 'consumed');
INSERT INTO authentik_tasks_tasklog VALUES (1), (2);
"""


@pytest.fixture(params=a_few((17, 15), of={17}), scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    with postgres_server(request.param) as server:
        server.psql(SET_UP)
        server.psql(f"SET ROLE app; {AUTHENTIK}", LIVE)
        yield server


@pytest.fixture
async def admin(server: Postgres) -> AsyncIterator[PostgresAdmin]:
    async with engine_api() as api:
        yield PostgresAdmin(api, server.clients, LOGIN, JOB)


INCOMING, OUTGOING = (database_name(LIVE, role, JOB) for role in ("restore", "before"))


@pytest.fixture
async def dump(server: Postgres) -> bytes:
    async with engine_api() as api:
        return await dump_of(api, server, LIVE)


def facts_of(server: Postgres, name: str) -> str:
    return server.psql(
        f"""
        SELECT pg_get_userbyid(datdba), encoding, datcollate, datctype, datconnlimit, datacl,
          shobj_description(oid, 'pg_database'),
          (SELECT json_agg(json_build_array(setrole, setconfig) ORDER BY setrole)
           FROM pg_db_role_setting WHERE setdatabase = pg_database.oid)
        FROM pg_database WHERE datname = '{name}'
        """
    )


async def test_a_database_is_made_like_another(server: Postgres, admin: PostgresAdmin) -> None:
    await admin.create(INCOMING, LIVE)
    await admin.create(INCOMING, LIVE)  # again, as after a kill

    assert facts_of(server, INCOMING) == facts_of(server, LIVE)
    assert "It's ours" in facts_of(server, LIVE)
    await admin.drop(INCOMING)
    await admin.drop(INCOMING)
    assert INCOMING not in await admin.names()


async def test_a_copy_is_whole_and_has_what_a_template_does_not_give(
    server: Postgres, admin: PostgresAdmin
) -> None:
    """The one that is copied is shut, its copy is open."""
    await admin.fence(LIVE)
    try:
        await admin.copy(LIVE, OUTGOING)
        await admin.copy(LIVE, OUTGOING)  # again, as after a kill
    finally:
        await admin.unfence(LIVE)

    assert facts_of(server, OUTGOING) == facts_of(server, LIVE)
    wanted, found = await admin.facts(LIVE), await admin.facts(OUTGOING)
    assert (found.rows, found.schemas, found.versions) == (
        wanted.rows, wanted.schemas, wanted.versions,
    )  # fmt: skip
    await admin.drop(OUTGOING)


async def test_a_version_is_forgotten_and_no_other(server: Postgres, admin: PostgresAdmin) -> None:
    name = server.new_database(
        "CREATE TABLE authentik_version_history (id serial, version text, build text,"
        ' "timestamp" timestamptz DEFAULT now());'
        "INSERT INTO authentik_version_history (version, build) VALUES"
        " ('2025.2.1', ''), ('2025.4.4', ''), ('2025.4.4', 'it''s');"
    )
    before = (await admin.facts(name)).versions
    assert len(before) == 3

    await admin.delete_versions(name, before[1:2])

    assert (await admin.facts(name)).versions == (before[0], before[2])


async def test_a_dump_is_loaded_and_belongs_to_whom_the_live_one_does(
    server: Postgres, admin: PostgresAdmin, dump: bytes
) -> None:
    await admin.create(INCOMING, LIVE)
    await admin.load(INCOMING, piecewise(dump), LIVE)
    await admin.analyze(INCOMING)

    wanted, found = await admin.facts(LIVE), await admin.facts(INCOMING)
    assert (found.rows, found.schemas, found.versions) == (
        wanted.rows, wanted.schemas, wanted.versions,
    )  # fmt: skip
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert server.psql(owners, INCOMING) == "app"
    _, contents = await admin.glance(INCOMING)
    assert contents.users == 3
    assert await admin.empty_queue(INCOMING) == 0, "it has none"
    await admin.drop(INCOMING)


async def test_a_dump_with_grants_for_a_role_that_is_gone_is_loaded_without_them(
    server: Postgres,
) -> None:
    server.psql("CREATE ROLE stays; CREATE ROLE passing")
    live = server.new_database(
        "CREATE TABLE t AS SELECT 1 AS id; GRANT SELECT ON t TO stays, passing"
    )
    async with engine_api() as api:
        dump = await dump_of(api, server, live)
        server.psql("DROP OWNED BY passing", live)
        server.psql("DROP ROLE passing")
        admin = PostgresAdmin(api, server.clients, LOGIN, JOB)
        await admin.create(INCOMING, live)
        with pytest.raises(RoleMissingError, match='grants for "passing", a role that is gone'):
            await admin.load(INCOMING, piecewise(dump), live)
        await admin.create(INCOMING, live)
        await admin.load(INCOMING, piecewise(dump), live, grants=False)

        assert server.psql("SELECT id FROM t", INCOMING) == "1"
        await admin.drop(INCOMING)
    server.psql(f"DROP DATABASE {live}")
    server.psql("DROP ROLE stays")


@pytest.mark.parametrize(("role", "owner"), [("app", "app"), ("", "postgres")])
async def test_where_the_live_one_is_gone_it_is_made_from_nothing_and_gets_its_name(
    server: Postgres, dump: bytes, role: str, owner: str
) -> None:
    gone = 'Gone "now"'
    incoming = database_name(gone, "restore", JOB)
    async with engine_api() as api:
        admin = PostgresAdmin(api, server.clients, LOGIN, JOB, role=role)
        await admin.create(incoming, gone)
        await admin.create(incoming, gone)  # again, as after a kill
        await admin.load(incoming, piecewise(dump), gone)
        await admin.fence(gone, incoming)
        await admin.rename(incoming, gone)
        await admin.rename(incoming, gone)
        await admin.unfence(gone)
        wanted, found = await admin.facts(LIVE), await admin.facts(gone)
        tables = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        owners = server.psql(tables, gone), facts_of(server, gone).partition("|")[0]
        names = await admin.names()
        await admin.drop(gone)

    assert gone in names
    assert incoming not in names
    assert (found.rows, found.schemas) == (wanted.rows, wanted.schemas)
    assert owners == (owner, owner)


@pytest.mark.parametrize("damage", ["half", "garbage", "nothing"])
async def test_a_dump_that_is_not_whole_is_the_dumps_fault(
    admin: PostgresAdmin, dump: bytes, damage: str
) -> None:
    data = {"half": dump[: len(dump) // 2], "garbage": b"garbage" * 10_000, "nothing": b""}[damage]
    await admin.create(INCOMING, LIVE)

    with pytest.raises(IntegrityError, match="pg_restore cannot load the dump"):
        await admin.load(INCOMING, piecewise(data), LIVE)

    await admin.drop(INCOMING)


async def test_the_waiting_tasks_go_and_those_that_are_done_stay(
    server: Postgres, admin: PostgresAdmin
) -> None:
    name = server.new_database(TASKS)

    assert await admin.empty_queue(name) == 2

    assert server.psql("SELECT state FROM authentik_tasks_task", name) == "done"
    assert server.psql("SELECT task_id FROM authentik_tasks_tasklog", name) == "2"


async def test_a_shut_database_has_no_sessions_and_takes_none(
    server: Postgres, admin: PostgresAdmin
) -> None:
    name = server.new_database()
    docker(
        *("exec", "-d", server.container.id, "psql", "-U", "postgres", "-d", name),
        *("-c", "SELECT pg_sleep(600)"),
    )
    count = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    assert until(lambda: server.psql(count) == "1")

    await admin.fence(name, "no_such_database")

    assert server.psql(count) == "0"
    assert not await admin.is_open(name)
    assert not await admin.is_open("no_such_database")
    connect = ["exec", server.container.id, "psql", "-U", "postgres", "-d", name, "-c", "SELECT 1"]
    assert docker(*connect, check=False) == b""
    await admin.unfence(name)
    assert await admin.is_open(name)
    assert b"1 row" in docker(*connect)


async def test_a_glance_does_not_wait_for_who_keeps_a_table_to_himself(
    server: Postgres, admin: PostgresAdmin
) -> None:
    name = server.new_database("CREATE TABLE kept (id int)")
    held = "BEGIN; LOCK kept; SELECT pg_sleep(600)"
    docker(*("exec", "-d", server.container.id, "psql", "-U", "postgres", "-d", name, "-c", held))
    locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
    assert until(lambda: server.psql(locks) != "0")

    with pytest.raises(PortError, match="lock timeout"):
        await admin.glance(name)

    await admin.fence(name)  # and a restore would go on
    await admin.drop(name)


async def test_two_names_are_swapped_and_back(server: Postgres, admin: PostgresAdmin) -> None:
    old, new = (
        server.new_database("CREATE TABLE old ()"),
        server.new_database("CREATE TABLE new ()"),
    )
    await admin.fence(old, new)
    await admin.swap(old, f"{old}_out", new)
    await admin.swap(old, f"{old}_out", new)  # again, as after a kill
    await admin.unfence(old)

    assert server.psql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", old) == "new"
    await admin.fence(old)
    await admin.swap(old, new, f"{old}_out")
    await admin.unfence(old)
    assert server.psql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", old) == "old"
    assert f"{old}_out" not in await admin.names()


async def test_where_one_rename_fails_the_other_did_not_happen(
    server: Postgres, admin: PostgresAdmin
) -> None:
    old = server.new_database()
    await admin.fence(old)

    with pytest.raises(PortError, match="does not exist"):
        await admin.swap(old, f"{old}_out", "no_such_database")

    assert old in await admin.names()


async def test_versions_and_room_are_told(admin: PostgresAdmin) -> None:
    assert (await admin.client_version()).partition(".")[0] == (await admin.version())[:2]
    room = await admin.room()
    assert room is not None
    assert room.data == room.log
    assert room.data.free > 10**6


async def test_a_disk_that_fills_up_is_given_back(server: Postgres) -> None:
    """Half a gigabyte of rows does not go onto a disk of 256 MiB."""
    many = server.new_database(
        "CREATE UNLOGGED TABLE big AS SELECT repeat(md5(n::text), 8) AS text"
        " FROM generate_series(1, 1500000) n"
    )
    major = int(server.psql("SHOW server_version").partition(".")[0])
    with postgres_server(major, size="256m") as small:
        small.psql("ALTER SYSTEM SET max_wal_size = '32MB'")
        small.psql("ALTER SYSTEM SET min_wal_size = '32MB'")
        small.psql("SELECT pg_reload_conf()")
        live = small.new_database("CREATE TABLE ours AS SELECT 1 AS id")
        async with engine_api() as api:
            admin = PostgresAdmin(api, small.clients, LOGIN, JOB)
            await admin.create(INCOMING, live)
            dump = await dump_of(api, server, many)
            with pytest.raises(PortError, match="No space left"):
                await admin.load(INCOMING, piecewise(dump), live)

            assert (await room_of(admin)).data.free > 50 * 2**20
            await admin.drop(INCOMING)
            assert small.psql("SELECT id FROM ours", live) == "1"
            small.psql("INSERT INTO ours VALUES (2)", live)
    server.psql(f"DROP DATABASE {many}")


async def room_of(admin: PostgresAdmin) -> DatabaseRoom:
    room = await admin.room()
    assert room
    return room


def has_room(size: int, there: DatabaseRoom, staged: int = 0) -> bool:
    """Beside one more piece of ballast; *staged* are bytes of files on the same disk."""
    disk = Disk(there.data.name, there.data.free - BALLAST)
    room = Room(database=replace(there, data=disk, log=disk), folders={"media": disk})
    try:
        require_room(room, database=size, files={"media": staged} if staged else {})
    except RefusedError:
        return False
    return True


MANY = (
    "CREATE TABLE big AS SELECT repeat(md5(n::text), 8) AS text FROM generate_series(1, 280000) n"
)


async def test_what_the_plan_finds_room_for_is_loaded(server: Postgres) -> None:
    """Data and log on one disk, as set up by nobody: without room for both the server would end."""
    many = server.new_database(MANY)
    size = int(server.psql(f"SELECT pg_database_size('{many}')"))
    major = int(server.psql("SHOW server_version").partition(".")[0])
    with postgres_server(major, size="600m") as small:
        live = small.new_database("CREATE TABLE ours AS SELECT 1 AS id")
        async with engine_api() as api:
            admin = PostgresAdmin(api, small.clients, LOGIN, JOB)
            while has_room(size, there := await room_of(admin)):
                fill_up(small, there)
            await admin.create(INCOMING, live)
            dump = await dump_of(api, server, many)
            await admin.load(INCOMING, piecewise(dump), live)

            assert small.psql("SELECT count(*) FROM big", INCOMING) == "280000"
    server.psql(f"DROP DATABASE {many}")


def fill_up(server: Postgres, there: DatabaseRoom) -> None:
    """Lay a piece of ballast beside its data."""
    lay = f"cat >/dev/null && head -c {BALLAST} /dev/zero >b{there.data.free}"
    server.psql(f"COPY (SELECT 1) TO PROGRAM '{lay}'")  # which must read what it is given


async def test_what_the_plan_finds_room_for_on_a_shared_disk_is_loaded_and_unpacked(
    server: Postgres,
) -> None:
    """The files lie beside the database: there is room for both, and hardly for more."""
    many = server.new_database(MANY)
    size = int(server.psql(f"SELECT pg_database_size('{many}')"))
    media = tar_of({"large": bytes(60 * 2**20)}, root="media")
    major = int(server.psql("SHOW server_version").partition(".")[0])
    with tmpfs_volume("600m") as volume, postgres_server(major, volume=volume) as small:
        live = small.new_database("CREATE TABLE ours AS SELECT 1 AS id")
        async with engine_api() as api:
            admin = PostgresAdmin(api, small.clients, LOGIN, JOB)
            image = str(inspect(small.container.id)["Image"])
            files = MountFolders(api, Chores(api, image, JOB))
            place = (await files.places([volume]))[volume]
            assert place.disk
            assert place.disk.name == (await room_of(admin)).data.name
            while has_room(size, there := await room_of(admin), len(media)):
                fill_up(small, there)
            await admin.create(INCOMING, live)
            dump = await dump_of(api, server, many)
            await admin.load(INCOMING, piecewise(dump), live)
            await files.stage(Folder("media", volume), piecewise(media))

            assert small.psql("SELECT count(*) FROM big", INCOMING) == "280000"
    server.psql(f"DROP DATABASE {many}")


async def test_what_the_plan_finds_room_by_is_what_the_server_is_set_to(
    server: Postgres, admin: PostgresAdmin
) -> None:
    async def after(sql: str, setting: str, value: str) -> int | None:
        server.psql(sql)
        server.psql("SELECT pg_reload_conf()")
        assert until(lambda: server.psql(f"SHOW {setting}") == value)
        return (await room_of(admin)).most_log

    raised = "ALTER SYSTEM SET max_wal_size = '3GB'"
    try:
        assert (await room_of(admin)).most_log == 2**30
        assert await after(raised, "max_wal_size", "3GB") == 3 * 2**30
        kept = "ALTER SYSTEM SET wal_keep_size = '4GB'"
        assert await after(kept, "wal_keep_size", "4GB") == 4 * 2**30
        server.psql("SELECT pg_create_physical_replication_slot('test_standby')")
        assert (await room_of(admin)).most_log is None, "it waits for a standby"
        server.psql("SELECT pg_drop_replication_slot('test_standby')")
    finally:
        assert await after("ALTER SYSTEM RESET ALL", "max_wal_size", "1GB") == 2**30


OWNED = "owned"


@pytest.fixture
def owned(server: Postgres) -> Iterator[str]:
    """The database of a role that may make others, and is no superuser."""
    server.psql("CREATE ROLE keeper LOGIN CREATEDB")
    server.psql(f"CREATE DATABASE {OWNED} OWNER keeper")
    server.psql(f"SET ROLE keeper; {AUTHENTIK}", OWNED)
    yield OWNED
    server.psql(f"DROP DATABASE {OWNED} WITH (FORCE)")
    server.psql("DROP ROLE keeper")


async def test_who_owns_it_and_may_create_goes_the_whole_way_without_a_superuser(
    server: Postgres, owned: str
) -> None:
    copied, kept = f"{owned}_copied", f"{owned}_kept"
    async with engine_api() as api:
        admin = PostgresAdmin(api, server.clients, Login("keeper", "postgres"), JOB)
        wanted = await admin.facts(owned)
        await admin.create(copied, owned)
        await admin.load(copied, piecewise(await dump_of(api, server, owned)), owned)
        await admin.fence(owned, copied)
        await admin.swap(owned, kept, copied)
        await admin.unfence(owned)
        found = await admin.facts(owned)
        await admin.drop(kept)
        await admin.fence(owned)
        await admin.copy(owned, kept)
        await admin.unfence(owned)
        names = await admin.names()
        await admin.drop(kept)

    assert (found.rows, found.schemas) == (wanted.rows, wanted.schemas)
    assert {owned, kept} <= names
    assert copied not in names


def test_a_session_of_a_superuser_is_counted_and_left_to_him(server: Postgres, owned: str) -> None:
    command = ["docker", "exec", server.container.id, "psql", "-U", "postgres", "-d", owned]
    held = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{owned}' AND query ~ 'sleep'"
    ends = end_all_sessions([owned])
    with subprocess.Popen([*command, "-c", "SELECT pg_sleep(60)"]) as process:
        assert until(lambda: server.psql(held) == "1")
        counted = server.psql(f"SET ROLE keeper; {ends}")
        assert server.psql(held) == "1"
        server.psql(ends)
        assert process.wait(20) != 0

    assert counted == "1"
    assert server.psql(f"SET ROLE keeper; {ends}") == "0"


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not there")
@pytest.mark.parametrize(
    "file",
    a_few(
        ("authentik-2025.6.4", "authentik-2025.8.6", "authentik-2025.10.4"),
        of={"authentik-2025.10.4"},
    ),
)
async def test_a_real_database_is_loaded_and_its_queue_emptied(file: str) -> None:
    data = (REAL / f"{file}.dump").read_bytes()
    with postgres_server(17) as server:
        server.psql("CREATE ROLE authentik SUPERUSER LOGIN")
        live = server.restored(data)
        async with engine_api() as api:
            admin = PostgresAdmin(api, server.clients, LOGIN, JOB)
            await admin.create(INCOMING, live)
            await admin.load(INCOMING, piecewise(data), live)
            assert (await admin.facts(INCOMING)).rows == (await admin.facts(live)).rows
            assert (await admin.facts(INCOMING)).schemas == (await admin.facts(live)).schemas
            await admin.empty_queue(INCOMING)
