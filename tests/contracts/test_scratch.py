"""What throw-away servers promise, in memory and on the sandbox's images."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from bot.adapters.engine_api import EngineApi, Finished
from bot.adapters.scratch import _server, load_error, scratch_database
from bot.adapters.scratch_redis import NOT_STORED, load_rdb, snapshot_error
from bot.adapters.throwaway import LABEL, created, remove_throw_aways, throw_away_network
from bot.domain.contents import Contents
from bot.domain.errors import IntegrityError, PortError
from bot.domain.manifest import DatabaseFacts
from bot.services.ports import ScratchDatabase
from tests.contracts.stacks import Postgres, docker, engine_api, postgres_server, redis_server
from tests.contracts.test_database import AUTHENTIK, dump_of, facts_of, piecewise
from tests.fakes_stack import CONTENTS, DUMP, FakeEngine, make_facts
from tests.thorough import THOROUGH

JOB = "scratch-test"
WITHIN = 60
MORE = """
CREATE TABLE authentik_core_application (id serial, name text);
INSERT INTO authentik_core_application (name) VALUES ('wiki'), ('mail');
CREATE TABLE authentik_events_event (created timestamptz);
INSERT INTO authentik_events_event VALUES ('2026-11-23 03:30:00+00'), ('2026-11-22 00:00:00+00');
"""


@dataclass
class Place:
    """Where scratch databases are made, and a dump with what it holds."""

    new: Callable[[], AbstractAsyncContextManager[ScratchDatabase]]
    dump: bytes
    facts: DatabaseFacts
    contents: Contents


@pytest.fixture(scope="module")
def postgres_17() -> Iterator[Postgres]:
    with postgres_server(17) as server:
        yield server


@pytest.fixture(scope="module")
def postgres_15() -> Iterator[Postgres]:
    with postgres_server(15) as server:
        yield server


@pytest.fixture
async def api() -> AsyncIterator[EngineApi]:
    async with engine_api() as api:
        yield api


@pytest.fixture(
    params=[
        pytest.param("fake", id="fake"),
        pytest.param("postgres_17", marks=pytest.mark.docker, id="17"),
        pytest.param("postgres_15", marks=(pytest.mark.docker, THOROUGH), id="15"),
    ]
)
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    if request.param == "fake":
        engine = FakeEngine()
        yield Place(
            lambda: engine.scratch_database(engine.stack, JOB), DUMP, make_facts(), CONTENTS
        )
        return
    server: Postgres = request.getfixturevalue(request.param)
    name = server.new_database(AUTHENTIK + MORE)
    async with engine_api() as api:
        yield Place(
            lambda: scratch_database(api, server.container.image_id, "postgres", JOB),
            await dump_of(api, server, name),
            await facts_of(api, server, name),
            Contents(3, 2, datetime(2026, 11, 23, 3, 30, tzinfo=UTC)),
        )


def throw_aways() -> bytes:
    return docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={JOB}")


async def test_what_was_dumped_is_what_is_there(place: Place) -> None:
    async with asyncio.timeout(WITHIN), place.new() as scratch:
        await scratch.load(piecewise(place.dump))

        facts = await scratch.facts()
        assert (facts.rows, facts.schemas, facts.versions) == (
            place.facts.rows, place.facts.schemas, place.facts.versions,
        )  # fmt: skip
        assert await scratch.contents() == place.contents
        assert int((await scratch.version()).partition(".")[0]) >= 15
        await scratch.write()


async def test_what_is_there_can_be_dumped_again(place: Place) -> None:
    async with asyncio.timeout(WITHIN), place.new() as scratch:
        await scratch.load(piecewise(place.dump))
        again = b"".join([block async for block in scratch.dump()])

    async with asyncio.timeout(WITHIN), place.new() as other:
        await other.load(piecewise(again))
        facts = await other.facts()
    assert (facts.rows, facts.schemas, facts.versions) == (
        place.facts.rows, place.facts.schemas, place.facts.versions,
    )  # fmt: skip


def test_one_transaction_may_make_the_tables_of_many_tenants() -> None:
    command = _server("sha256:1", "authentik", "secret", "").command

    assert "max_locks_per_transaction=1024" in command


async def test_text_is_run_to_its_first_error(place: Place) -> None:
    async with asyncio.timeout(WITHIN), place.new() as scratch:
        await scratch.load_text(piecewise(b"CREATE TABLE t (id int);\nSELECT 1;\n"))
        with pytest.raises(IntegrityError, match=r"psql cannot load the dump: .*ERROR"):
            await scratch.load_text(piecewise(b"SELECT 'ERROR'::int;\nCREATE TABLE more ();\n"))


@pytest.mark.parametrize("damage", ["half", "garbage", "nothing"])
async def test_a_dump_that_is_not_whole_cannot_be_loaded(place: Place, damage: str) -> None:
    damaged = {
        "half": place.dump[: len(place.dump) // 2],
        "garbage": b"garbage" * 100_000,
        "nothing": b"",
    }[damage]

    async with asyncio.timeout(WITHIN), place.new() as scratch:
        with pytest.raises(IntegrityError, match="pg_restore cannot load the dump: "):
            await scratch.load(piecewise(damaged))


_ON_SOCKET = 'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432"'


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (1, "pg_restore: error: could not read from input file: end of file", IntegrityError),
        (1, "", IntegrityError),
        (1, 'could not extend file "base/5/1": No space left on device', PortError),
        (137, "", PortError),
        (1, "pg_restore: error: out of shared memory", PortError),
        (1, "server closed the connection unexpectedly", PortError),
        (1, "FATAL:  terminating connection due to administrator command", PortError),
        (1, 'could not open file "base/5/1": Too many open files in system', PortError),
        (2, f"{_ON_SOCKET} failed: No such file or directory", PortError),
        (2, f"{_ON_SOCKET} failed: FATAL:  the database system is shutting down", PortError),
        (3, f'{_ON_SOCKET} failed: FATAL:  database "live" does not exist', IntegrityError),
        (3, 'connection to server at "172.18.0.2", port 5432 failed: unreachable', IntegrityError),
    ],
)
def test_a_host_without_room_says_nothing_of_the_dump(
    code: int, words: str, kind: type[Exception]
) -> None:
    assert type(load_error(Finished(code, b"", words))) is kind


@pytest.mark.parametrize(
    ("code", "words", "otherwise", "kind"),
    [
        (1, "Wrong signature trying to load DB from file", "is damaged", IntegrityError),
        (1, "", "cannot be loaded", IntegrityError),
        (1, "Can't handle RDB format version 12", "is damaged", PortError),
        (1, "cat: write error: No space left on device", NOT_STORED, PortError),
        (1, "sh: can't create /data/dump.rdb: Read-only file system", NOT_STORED, PortError),
        (1, "fork: No space left on device", "cannot be loaded", PortError),
        (137, "", "is damaged", PortError),
    ],
)
@pytest.mark.parametrize("on", ["stdout", "stderr"])
def test_a_host_that_cannot_load_it_says_nothing_of_the_snapshot(
    code: int, words: str, otherwise: str, kind: type[Exception], on: str
) -> None:
    said = (words.encode(), "") if on == "stdout" else (b"", words)

    error = snapshot_error(Finished(code, *said), otherwise)

    assert type(error) is kind
    assert words in str(error)


@pytest.mark.docker
async def test_an_empty_database_has_no_contents(api: EngineApi, postgres_17: Postgres) -> None:
    image = postgres_17.container.image_id
    async with scratch_database(api, image, "postgres", JOB) as scratch:
        assert await scratch.contents() == Contents()


@pytest.mark.docker
async def test_it_is_sealed_and_gone_after(api: EngineApi, postgres_17: Postgres) -> None:
    volumes = docker("volume", "ls", "--quiet")
    async with scratch_database(api, postgres_17.container.image_id, "postgres", JOB):
        [details] = json.loads(docker("inspect", throw_aways().decode().strip()))
        limits = details["HostConfig"]
        assert limits["NetworkMode"] == "none"
        assert limits["CapDrop"] == ["ALL"]
        assert limits["ReadonlyRootfs"]
        assert limits["Memory"] == limits["MemorySwap"] > 0
        assert limits["PidsLimit"] > 0
        assert "no-new-privileges" in limits["SecurityOpt"]
        assert details["Config"]["User"] == "postgres"
        assert not limits["Binds"]

    assert throw_aways() == b""
    assert docker("volume", "ls", "--quiet") == volumes


@pytest.mark.docker
async def test_one_that_is_given_up_is_removed(api: EngineApi, postgres_17: Postgres) -> None:
    loading = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"PGDMP"
        loading.set()
        await asyncio.Event().wait()

    async def drill() -> None:
        image = postgres_17.container.image_id
        async with scratch_database(api, image, "postgres", JOB) as scratch:
            await scratch.load(endless())

    drilling = asyncio.create_task(drill())
    await asyncio.wait_for(loading.wait(), WITHIN)
    drilling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drilling

    assert throw_aways() == b""


@pytest.mark.docker
async def test_one_whose_process_died_is_found_by_its_job(
    api: EngineApi, postgres_17: Postgres
) -> None:
    async with scratch_database(api, postgres_17.container.image_id, "postgres", JOB):
        assert await remove_throw_aways(api, JOB) == 1
        assert throw_aways() == b""


@pytest.mark.docker
async def test_what_another_akbot_on_the_engine_has_made_is_left_to_it(
    postgres_17: Postgres,
) -> None:
    """Even what has ended: the other may be about to ask how."""
    image = postgres_17.container.image_id
    settings = {"command": ["true"]}
    async with (
        engine_api(owner="one") as one,
        throw_away_network(one, JOB) as network,
        created(one, "run", image, settings, JOB, limits={}) as name,
    ):
        await one.call("start", lambda sdk: sdk.start(name))
        await one.call("wait", lambda sdk: sdk.wait(name))

        async with engine_api(owner="two") as two:
            assert await remove_throw_aways(two, JOB) == 0
        docker("inspect", name, network)

        assert await remove_throw_aways(one, JOB) == 1
        assert throw_aways() == b""
        assert not docker("network", "ls", "--quiet", "--filter", f"label={LABEL}={JOB}")


@pytest.mark.docker
async def test_what_an_akbot_made_that_wrote_no_name_on_it_is_anybodys(
    postgres_17: Postgres,
) -> None:
    label = f"--label={LABEL}={JOB}"
    docker("create", label, postgres_17.container.image_id)

    async with engine_api(owner="one") as one:
        assert await remove_throw_aways(one, JOB) == 1

    assert throw_aways() == b""


@pytest.mark.docker
@pytest.mark.parametrize("major", [8, 7])
async def test_a_snapshot_of_redis_is_loaded(api: EngineApi, major: int) -> None:
    with redis_server(major) as redis:
        for number in range(30):
            redis.cli("set", f"key:{number}", "x" * 1000)
        redis.cli("-n", "3", "hset", "hash", "field", "value")
        redis.cli("SAVE")
        rdb = docker("exec", redis.container.id, "cat", "/data/dump.rdb")
        image = redis.container.image_id

        assert await load_rdb(api, image, piecewise(rdb), JOB) == 31
        with pytest.raises(IntegrityError, match="the snapshot of Redis is damaged"):
            await load_rdb(api, image, piecewise(rdb[: len(rdb) // 2]), JOB)
        changed = bytearray(rdb)
        changed[len(rdb) // 2] ^= 1
        with pytest.raises(IntegrityError, match="the snapshot of Redis is damaged"):
            await load_rdb(api, image, piecewise(bytes(changed)), JOB)

    assert throw_aways() == b""


async def test_the_fake_refuses_another_snapshot() -> None:
    engine = FakeEngine()

    assert await engine.load_rdb(engine.stack, piecewise(engine.redis.content), JOB) == 100
    with pytest.raises(IntegrityError, match="the snapshot of Redis is damaged"):
        await engine.load_rdb(engine.stack, piecewise(b"other"), JOB)
    without = replace(engine, stack=replace(engine.stack, redis=None))
    assert await without.load_rdb(without.stack, piecewise(b"other"), JOB) is None
