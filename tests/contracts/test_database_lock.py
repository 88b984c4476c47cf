"""The lock in PostgreSQL: two hosts of one stack, holders that die, a server that restarts."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bot.adapters.database_lock import Connect, database_lock
from bot.adapters.engine_api import EngineApi
from bot.adapters.postgres import Login, PostgresDatabase
from bot.adapters.psql import PsqlSession
from bot.adapters.transport import Transport
from bot.domain.errors import BusyError
from tests.contracts.stacks import Postgres, docker, engine_api, postgres_server, until

pytestmark = pytest.mark.docker

HERS, HIS = "aaaaaaaa", "bbbbbbbb"
JOB = "backup 20261123T033000Z-k3f9"


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres_server(17) as server:
        yield server


def sessions_of(api: EngineApi, server: Postgres) -> Connect:
    login = Login("postgres", "postgres")
    database = PostgresDatabase(api, Transport(api), server.clients, login)

    @asynccontextmanager
    async def connect(name: str) -> AsyncGenerator[PsqlSession]:
        async with database.maintenance(name) as session:
            yield session

    return connect


def holders(server: Postgres) -> list[str]:
    """Who holds the lock; nobody where the server does not answer."""
    question = (
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'advisory' AND granted"
    )
    command = ["psql", "-XqAt", "-U", "postgres", "-c", question]
    return docker("exec", server.container.id, *command, check=False).decode().splitlines()


async def eventually(server: Postgres, names: list[str]) -> bool:
    return await asyncio.to_thread(until, lambda: holders(server) == names)


async def test_another_hosts_job_is_told_what_runs_since_when(server: Postgres) -> None:
    async with engine_api() as api:
        connect = sessions_of(api, server)
        async with database_lock(connect, JOB, HERS):
            assert holders(server) == [f"akbot-lock {HERS} {JOB}"]
            with pytest.raises(BusyError, match="busy: backup since 03:30 UTC, by an akbot with"):
                async with database_lock(connect, "recovery", HIS):
                    pytest.fail("both hold it")
        assert await eventually(server, [])
        async with database_lock(connect, "recovery", HIS):
            assert holders(server) == [f"akbot-lock {HIS} recovery"]


HOLD = """
import asyncio, sys
from tests.contracts.test_database_lock import *
async def main():
    async with engine_api() as api:
        server = Postgres(as_container(sys.argv[1]))
        async with database_lock(sessions_of(api, server), JOB, HERS):
            print("held", flush=True)
            await asyncio.sleep(600)
asyncio.run(main())
"""


@dataclass
class Holder:
    process: subprocess.Popen[str]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def holder(server: Postgres) -> Iterator[Holder]:
    """Another process that holds the lock."""
    program = HOLD.replace("import *", "import *; from tests.contracts.stacks import as_container")
    command = [sys.executable, "-c", program, server.container.id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield Holder(process)
        process.kill()


async def test_the_lock_of_a_killed_process_is_free(server: Postgres, holder: Holder) -> None:
    await asyncio.to_thread(holder.kill)

    assert await eventually(server, [])


async def test_a_session_left_under_the_same_state_folder_is_ended(
    server: Postgres, holder: Holder
) -> None:
    async with engine_api() as api:
        connect = sessions_of(api, server)
        with pytest.raises(BusyError):
            async with database_lock(connect, "recovery", HIS):
                pytest.fail("it is another folder's")
        async with database_lock(connect, "recovery", HERS):
            assert holders(server) == [f"akbot-lock {HERS} recovery"]
    assert holder.process.poll() is None


async def test_it_is_taken_again_after_the_server_restarted(server: Postgres) -> None:
    async with engine_api() as api, database_lock(sessions_of(api, server), JOB, HERS):
        server.psql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype='advisory'")
        assert await eventually(server, [f"akbot-lock {HERS} {JOB}"])


async def test_a_database_that_does_not_answer_is_waited_for_beside_the_work(
    server: Postgres,
) -> None:
    async with engine_api() as api:
        docker("stop", "--time", "0", server.container.id)
        async with database_lock(sessions_of(api, server), JOB, HERS):
            docker("start", server.container.id)
            assert await eventually(server, [f"akbot-lock {HERS} {JOB}"])
