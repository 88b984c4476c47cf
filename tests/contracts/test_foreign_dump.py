"""Dumps that a person made with pg_dump, loaded where they reach nothing; hostile ones too."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from bot.adapters.database_admin import PostgresAdmin
from bot.adapters.postgres import Login
from bot.adapters.scratch import ScratchPostgres, scratch_database
from bot.domain.errors import IntegrityError, RefusedError
from bot.domain.restore import database_name
from bot.services.dump_stream import load_dump
from tests.contracts.stacks import Postgres, docker, engine_api, postgres_server
from tests.contracts.test_database import AUTHENTIK, ODD, REAL, piecewise
from tests.services.restore_world import GivenDump
from tests.thorough import a_few

pytestmark = pytest.mark.docker

JOB = "20261123T033000Z-k3f9"
LOGIN = Login("postgres", "postgres")
MORE = r"""
CREATE TABLE odd_text (id int PRIMARY KEY, text text);
INSERT INTO odd_text VALUES (1, E'a\\.\n\\.\nb'), (2, E'\\! reboot'), (3, 'it''s; "$$'), (4, ''),
  (5, NULL), (6, E'\r\n\t\\N'), (7, 'DROP DATABASE x;'), (8, repeat('y', 3000000));
COMMENT ON TABLE odd_text IS E'it''s \\ ; $x$';
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS
  $body$BEGIN PERFORM ';', $$DROP TABLE odd_text;$$; RETURN NEW; END$body$;
CREATE TRIGGER touch BEFORE UPDATE ON odd_text FOR EACH ROW EXECUTE FUNCTION touched();
GRANT SELECT ON odd_text TO reader; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;
ALTER SCHEMA public OWNER TO app;
"""
CHECKSUMS = """
SELECT string_agg(md5(text::text), ',' ORDER BY text::text) FROM (
  SELECT odd_text::text AS text FROM public.odd_text
  UNION ALL SELECT row(u)::text FROM public.authentik_core_user u) rows
"""


@pytest.fixture(params=a_few((17, 15), of={17}), scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    with postgres_server(request.param) as server:
        server.psql("CREATE ROLE app LOGIN; CREATE ROLE reader")
        yield server


@pytest.fixture(scope="module")
def live(server: Postgres) -> str:
    name = server.new_database(AUTHENTIK + ODD + MORE)
    server.psql(f"ALTER DATABASE {name} OWNER TO app; ALTER DATABASE {name} SET work_mem TO '7MB'")
    return name


def pg_dump(server: Postgres, name: str, *options: str) -> bytes:
    return docker("exec", server.container.id, "pg_dump", "-U", "postgres", "-d", name, *options)


@asynccontextmanager
async def scratch_of(server: Postgres) -> AsyncIterator[tuple[ScratchPostgres, PostgresAdmin]]:
    async with (
        engine_api() as api,
        scratch_database(api, server.container.image_id, "postgres", JOB) as scratch,
    ):
        yield scratch, PostgresAdmin(api, server.clients, LOGIN, JOB)


MADE_WITH = [
    ("-cC",), ("-C",), ("-c",), ("-c", "--if-exists"), (), ("--inserts",), ("-O", "-x"), ("-Fc",),
]  # fmt: skip


@pytest.mark.parametrize("options", MADE_WITH, ids=" ".join)
async def test_whatever_pg_dump_was_told_the_same_rows_lie_beside_what_serves(
    server: Postgres, live: str, options: tuple[str, ...]
) -> None:
    incoming = database_name(live, "restore", JOB)
    data = pg_dump(server, live, *options)
    async with scratch_of(server) as (scratch, admin):
        await load_dump(GivenDump(data).blocks(), scratch, [], None)
        wanted, found = await admin.facts(live), await scratch.facts()
        await admin.create(incoming, live)
        await admin.load(incoming, scratch.dump(), live)
        loaded = await admin.facts(incoming)

        assert (found.rows, found.versions) == (wanted.rows, wanted.versions)
        assert (loaded.rows, loaded.versions) == (wanted.rows, wanted.versions)
        assert found.schemas == loaded.schemas == wanted.schemas
        assert server.psql(CHECKSUMS, incoming) == server.psql(CHECKSUMS, live)
        await admin.drop(incoming)


async def test_a_dump_that_went_through_a_terminal_is_loaded(server: Postgres, live: str) -> None:
    dump = ["pg_dump", "-U", "postgres", "-d", live, "-cC"]
    data = docker("exec", "-t", server.container.id, *dump)
    assert b"\r\n" in data

    async with scratch_of(server) as (scratch, admin):
        await load_dump(GivenDump(data).blocks(), scratch, [], None)
        assert (await scratch.facts()).rows == (await admin.facts(live)).rows
        assert (await scratch.facts()).schemas == (await admin.facts(live)).schemas


async def test_half_a_dump_is_told(server: Postgres, live: str) -> None:
    plain, custom = pg_dump(server, live, "-cC"), pg_dump(server, live, "-Fc")

    async with scratch_of(server) as (scratch, _):
        for share in (0.05, 0.5, 0.95, 0.99):
            with pytest.raises(IntegrityError, match="pg_restore cannot load"):
                await load_dump(
                    GivenDump(custom[: int(len(custom) * share)]).blocks(), scratch, [], None
                )
            with pytest.raises(IntegrityError, match="cut off"):
                await load_dump(
                    GivenDump(plain[: int(len(plain) * share)]).blocks(), scratch, [], None
                )


async def test_only_rows_without_their_tables_are_the_dumps_fault(
    server: Postgres, live: str
) -> None:
    async with scratch_of(server) as (scratch, _):
        with pytest.raises(IntegrityError, match=r"psql cannot load the dump: .*does not exist"):
            await load_dump(GivenDump(pg_dump(server, live, "-a")).blocks(), scratch, [], None)


async def test_tar_folder_and_whole_server_are_refused(server: Postgres, live: str) -> None:
    everything = docker("exec", server.container.id, "pg_dumpall", "-U", "postgres")
    async with scratch_of(server) as (scratch, _):
        with pytest.raises(RefusedError, match="tar archive"):
            await load_dump(GivenDump(pg_dump(server, live, "-Ft")).blocks(), scratch, [], None)
        with pytest.raises(RefusedError, match="pg_dumpall"):
            await load_dump(GivenDump(everything).blocks(), scratch, [], None)


HOSTILE = [
    "DROP DATABASE {live} WITH (FORCE);",
    "\\connect {live}",
    "\\connect {live} postgres {address} 5432",
    "ALTER DATABASE {live} RENAME TO gone;",
    "COPY (SELECT 1) TO PROGRAM 'psql -h {address} -U postgres -c ''DROP DATABASE {live}''';",
    "COPY (SELECT 1) TO PROGRAM 'touch /var/run/postgresql/../../../etc/akbot-was-here';",
]


async def test_whatever_a_statement_does_it_does_to_nobody(server: Postgres, live: str) -> None:
    """Past the sieve, as if that let everything pass."""
    before = server.psql(CHECKSUMS, live)

    async with scratch_of(server) as (scratch, _):
        for statement in HOSTILE:
            text = statement.format(live=live, address=server.container.address)
            with pytest.raises(IntegrityError, match="psql cannot load the dump"):
                await scratch.load_text(piecewise(f"{text}\nSELECT 1;\n".encode()))

    assert server.psql(CHECKSUMS, live) == before


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not there")
@pytest.mark.parametrize(
    "file",
    a_few(
        ("authentik-2025.6.4", "authentik-2025.8.6", "authentik-2025.10.4"),
        of={"authentik-2025.10.4"},
    ),
)
async def test_a_real_database_is_the_same_as_custom_dump_and_as_text(file: str) -> None:
    data = (REAL / f"{file}.dump").read_bytes()
    with postgres_server(17) as server:
        to_text = ["pg_restore", "-f", "-", "-cC"]
        text = docker("exec", "-i", server.container.id, *to_text, stdin=data)
        assert b"\\connect" in text
        server.psql("CREATE ROLE authentik SUPERUSER LOGIN")
        live = server.restored(data)
        incoming = database_name(live, "restore", JOB)
        for given in (data, text):
            async with scratch_of(server) as (scratch, admin):
                await load_dump(GivenDump(given).blocks(), scratch, [], None)
                await admin.create(incoming, live)
                await admin.load(incoming, scratch.dump(), live)
                wanted, found = await admin.facts(live), await admin.facts(incoming)
                assert (found.rows, found.schemas) == (wanted.rows, wanted.schemas)
                assert found.versions == wanted.versions
                assert found.versions[-1].version == file.removeprefix("authentik-")
                owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
                assert server.psql(owners, incoming) == "authentik"
                await admin.drop(incoming)
