"""Which containers are watched by what an Engine answers, and for how long."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.adapters.containers import EngineContainers
from bot.adapters.engine_api import EngineApi
from bot.domain.discovery import StackWanted
from bot.domain.stack import Role
from tests.fakes_engine_api import PLAIN, Made, engine_api

WANTED = StackWanted(
    "",
    {
        Role.POSTGRESQL: ("postgresql",),
        Role.REDIS: ("redis",),
        Role.SERVER: ("authentik", "server"),
        Role.WORKER: ("worker",),
    },
)


@asynccontextmanager
async def containers_of(*services: str, made: Made = PLAIN) -> AsyncIterator[EngineContainers]:
    with engine_api(*services, made=made) as address:
        api = EngineApi(address)
        try:
            yield EngineContainers(api, WANTED)
        finally:
            await api.close()


async def test_a_worker_without_a_container_is_missed_and_redis_is_not() -> None:
    async with containers_of("postgresql", "server") as containers:
        states = await containers.look()

    assert {name: bool(state) for name, state in states.items()} == {
        "postgresql": True,
        "server": True,
        "worker": False,
    }


async def test_what_is_there_or_must_be_is_not_forgotten() -> None:
    async with containers_of("postgresql", "redis", "worker") as containers:
        containers.remember({"server", "redis", "Docker"})
        await containers.look()
        kept = set(containers.forget_missing())
        again = await containers.look()

    assert kept == again.keys() == {"postgresql", "redis", "server", "worker"}
    assert again["server"] is None


async def test_each_of_several_is_watched_by_a_name_of_its_own_and_missed_with_the_last() -> None:
    async with containers_of("postgresql", "server", "worker-1", "worker-3") as containers:
        containers.remember({"server", "postgresql"})
        states = await containers.look()
        kept = set(containers.forget_missing())

    assert all(state and state.service == name for name, state in states.items())
    assert states.keys() == kept == {"postgresql", "server", "worker-1", "worker-3"}


async def test_one_that_is_left_of_several_keeps_its_name_over_a_restart() -> None:
    async with containers_of("postgresql", "server", "worker-3") as containers:
        containers.remember({"server", "postgresql", "worker-1"})
        states = await containers.look()

    assert states.keys() == {"postgresql", "server", "worker-3"}


OUTSIDE = Made(variables={"server": ["AUTHENTIK_POSTGRESQL__HOST=db.example.org"]})


async def test_a_database_outside_of_the_project_is_not_missed() -> None:
    async with containers_of("server", "worker", made=OUTSIDE) as containers:
        states = await containers.look()

    assert states.keys() == {"server", "worker"}


async def test_nor_while_the_server_is_away_that_tells_where_it_is() -> None:
    async with containers_of("worker") as containers:
        containers.remember({"server", "worker"})
        states = await containers.look()

    assert {name: bool(state) for name, state in states.items()} == {
        "server": False,
        "worker": True,
    }


async def test_one_that_was_a_container_is_missed_where_nobody_says_where_it_is() -> None:
    async with containers_of("server", "worker") as containers:
        containers.remember({"postgresql", "server", "worker"})
        states = await containers.look()

    assert states["postgresql"] is None
