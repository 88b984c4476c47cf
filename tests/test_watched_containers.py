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
