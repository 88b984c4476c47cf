"""What a real Engine and PostgreSQL say of usage, disks, sessions and the worker's heartbeat."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.postgres import Login
from bot.adapters.surroundings_database import look_at_database
from bot.adapters.surroundings_disks import look_at_disks
from bot.adapters.surroundings_usage import ContainerUsage
from bot.domain.errors import PortError
from bot.domain.stack import Container, Mount, Stack
from bot.domain.surroundings import Connections, Heartbeat
from tests.contracts.stacks import ENGINE, Postgres, created, postgres_server, running, until
from tests.fakes_stack import make_stack

pytestmark = pytest.mark.docker
MIB = 1024**2
LIMITED = ["--entrypoint", "sh", "--memory", "256m", "--cpus", "0.5"]
ROWS = """
CREATE TABLE authentik_tasks_workerstatus (version text, last_seen timestamptz);
INSERT INTO authentik_tasks_workerstatus VALUES ('2025.8.6', now() - interval '20 minutes'),
  ('2025.8.6', now() - interval '1 day');
"""
LONG_AGO = "2025-11-25T21:26:18.667395934Z"
ALL_OF_THEM = """
for each in $(seq 110); do
  until [ -e /tmp/enough ] || psql -X -q -U postgres -c 'SELECT pg_sleep(600)'; do sleep 0.2; done &
done; wait
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres_server(17) as server:
        yield server


@pytest.fixture
async def api() -> AsyncIterator[EngineApi]:
    api = EngineApi(ENGINE)
    yield api
    await api.close()


def stack_of(container: Container) -> Stack:
    """Nothing but this one container, which is PostgreSQL."""
    rest = make_stack()
    away = replace(rest.server, state="exited", mounts=())
    return replace(rest, postgresql=container, server=away, worker=None, redis=None)


async def test_what_a_container_uses_of_its_limits(api: EngineApi) -> None:
    usage = ContainerUsage(api)
    with (
        running("postgres:17", "-c", "while :; do :; done", options=LIMITED) as container,
        created("postgres:17") as other,
    ):
        stack = stack_of(container)
        stack = replace(stack, server=replace(stack.server, id=other))
        first, _ = await usage.look(stack)
        second, away = await usage.look(stack)

    assert first.cpu is None
    assert second.cpu is not None
    assert 0 < second.cpu < 1
    assert (second.cpu_limit, second.memory_limit) == (0.5, 256 * MIB)
    assert 0 < second.memory < 256 * MIB
    assert (away.cpu, away.memory, away.memory_limit) == (None, 0, None)


async def test_a_disk_is_known_by_the_folder_of_the_host(api: EngineApi, tmp_path: Path) -> None:
    mounts = ["--volume", f"{tmp_path}:/srv", "--volume", f"{tmp_path}/b:/srv/b"]
    options = ["--entrypoint", "sleep", *mounts]
    with running("postgres:17", "infinity", options=options) as container:
        data = (Mount(f"{tmp_path}/b", "/srv/b"), Mount(str(tmp_path), "/srv"))
        stack = stack_of(replace(container, mounts=data))
        rooms = await look_at_disks(api, stack)
        with pytest.raises(PortError, match="does not run"):
            await look_at_disks(api, stack_of(replace(container, state="exited")))

    assert rooms[0].place == str(tmp_path)
    assert [each.place for each in rooms].count(f"{tmp_path}/b") == 0
    assert 0 < rooms[0].share <= 1


async def test_an_image_without_df_hides_its_own_mounts_only(
    api: EngineApi, tmp_path: Path
) -> None:
    options = ["--entrypoint", "sh", "--volume", f"{tmp_path}:/srv"]
    without = "rm $(which df) && echo gone && sleep infinity"
    with running("postgres:17", "-c", without, options=options) as container:
        stack = stack_of(replace(container, mounts=(Mount(str(tmp_path), "/srv"),)))
        assert until(lambda: b"gone" in _logs(container))
        [root] = await look_at_disks(api, stack)

    assert root.place != str(tmp_path)


def _logs(container: Container) -> bytes:
    return subprocess.run(["docker", "logs", container.id], capture_output=True, check=True).stdout


async def test_the_newest_word_of_the_worker_counts(api: EngineApi, server: Postgres) -> None:
    login = Login("postgres", server.new_database(ROWS))
    seen = await look_at_database(api, server.clients, login, "db", ("worker", LONG_AGO))

    assert seen.connections.most == 100
    assert 1 <= seen.connections.used < 20
    assert seen.heartbeat
    assert seen.heartbeat.silence
    assert timedelta(minutes=20) <= seen.heartbeat.silence < timedelta(minutes=25)


async def test_a_worker_that_has_just_begun_is_not_silent(api: EngineApi, server: Postgres) -> None:
    login, begun = Login("postgres", server.new_database(ROWS)), server.psql("SELECT now()")
    seen = await look_at_database(api, server.clients, login, "db", ("worker", begun))

    assert seen.heartbeat
    assert seen.heartbeat.silence
    assert seen.heartbeat.silence < timedelta(minutes=5)


async def test_versions_without_a_heartbeat_are_never_silent(
    api: EngineApi, server: Postgres
) -> None:
    login = Login("postgres", server.new_database())
    seen = await look_at_database(api, server.clients, login, "db", ("worker", LONG_AGO))
    assert seen.heartbeat == Heartbeat("worker", None)

    assert (await look_at_database(api, server.clients, login, "db", None)).heartbeat is None


@contextmanager
def nothing_left(server: Postgres) -> Iterator[None]:
    """PostgreSQL takes no more sessions while inside, not even of superusers."""
    server.psql("ALTER SYSTEM SET client_connection_check_interval = '500ms'")
    server.psql("SELECT pg_reload_conf()")
    command = ["docker", "exec", server.container.id, "sh", "-c"]
    with subprocess.Popen([*command, ALL_OF_THEM], stderr=subprocess.DEVNULL) as holders:
        try:
            assert until(lambda: "too many" in _refusal(server), 60)
            yield
        finally:
            subprocess.run([*command, "touch /tmp/enough; kill $(pidof psql)"], check=False)
            holders.wait(60)
    assert until(lambda: not _refusal(server), 60)


def _refusal(server: Postgres) -> str:
    probe = ["docker", "exec", server.container.id, "psql", "-U", "postgres", "-c", ""]
    return subprocess.run(probe, capture_output=True, check=False, text=True).stderr


async def test_one_that_takes_no_more_sessions_is_full(api: EngineApi, server: Postgres) -> None:
    login = Login("postgres", "postgres")
    with nothing_left(server):
        seen = await look_at_database(api, server.clients, login, "db", ("worker", LONG_AGO))

    assert seen.connections == Connections("db", 0, 0)
    assert seen.heartbeat is None
    with pytest.raises(PortError, match="no_such"):
        await look_at_database(api, server.clients, Login("postgres", "no_such"), "db", None)
